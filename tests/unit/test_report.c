// SPDX-License-Identifier: GPL-2.0
/* The finished report and its view as text, of a recording with one of everything */
#include <libgen.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "fixture.h"
#include "view.h"

static int setup(void **state)
{
	static struct fixture f;

	setenv("TZ", "UTC", 1);
	fixture_open(&f);
	fixture_packets(&f);
	fixture_finish(&f);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	fixture_close(*state);
	return 0;
}

static char *text_of(const struct report *r, struct text_out o, bool all)
{
	char *text = NULL;
	size_t size;

	o.f = open_memstream(&text, &size);
	assert_non_null(o.f);
	assert_int_equal(view_text(r, &o, all), 0);
	assert_int_equal(fclose(o.f), 0);
	return text;
}

static char *file_read(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 65536);

	assert_non_null(text);
	if (f) {
		assert_true(fread(text, 1, 65535, f) < 65535);
		fclose(f);
	}
	return text;
}

/* PKTLAP_GOLDEN=write writes the file anew: to be read with care before it is committed */
static void test_golden(void **state)
{
	const struct text_out o = { .utf8 = true, .unit = UNIT_US };
	const char *golden = getenv("PKTLAP_GOLDEN");
	struct fixture *f = *state;
	char *got, *want, path[512], dir[256];

	snprintf(dir, sizeof(dir), "%s", __FILE__);
	snprintf(path, sizeof(path), "%s/report.golden", dirname(dir));
	got = text_of(f->report, o, false);
	if (golden && !strcmp(golden, "write")) {
		FILE *file = fopen(path, "w");

		assert_non_null(file);
		fputs(got, file);
		fclose(file);
	}
	want = file_read(path);
	assert_string_equal(got, want);
	free(got);
	free(want);
}

/* Every row of a table has the same width, whatever the unit and whatever is folded */
static void test_alignment(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 12; i++) {
		struct text_out o = { .utf8 = i & 1, .unit = i / 4 };
		char *text = text_of(f->report, o, i & 2), *rest = text, *line;
		size_t width = 0, tables = 0, rows = 0;

		while ((line = strsep(&rest, "\n"))) {
			size_t len = strlen(line);

			if (strstr(line, "stage, ")) {
				width = text_width(&o, line);
				tables++;
			}
			if (width) {
				rows++;
				assert_int_equal(text_width(&o, line), width);
			}
			assert_true(!len || line[len - 1] != ' ');
			if (!strncmp(line, "  total", 7))
				width = 0;
			for (size_t c = 0; c < len && !o.utf8; c++)
				assert_in_range(line[c], 0x20, 0x7e);
		}
		assert_int_equal(tables, 2);
		assert_int_equal(rows, 7 + (i & 2 ? 16 : 14));
		free(text);
	}
}

static void test_bold(void **state)
{
	const struct text_out o = { .utf8 = true, .bold = true };
	struct fixture *f = *state;
	char *text = text_of(f->report, o, false);

	assert_non_null(strstr(text, "\n\033[1m  vhost:wake    → vhost:run"));
	assert_non_null(strstr(text, "50.0 %\033[0m\n"));
	free(text);
}

static const struct report_stage *stage(const struct report_path *p, const char *from,
					const char *to)
{
	for (size_t i = 0; i < p->nstages; i++)
		if (!strcmp(p->stages[i].from->label, from) && !strcmp(p->stages[i].to->label, to))
			return &p->stages[i];
	fail_msg("no stage %s to %s", from, to);
	return NULL;
}

static void test_stages(void **state)
{
	const struct report *r = ((struct fixture *)*state)->report;
	const struct report_path *p = &r->paths[0];
	const struct report_stage *wake = stage(p, "vhost:wake", "vhost:run");
	const struct report_stage *irq = stage(p, "nic:irq", "nic:gro");

	assert_int_equal(r->npaths, 2);
	assert_int_equal(p->packets, 1000);
	/* 5000 + 3 id for all but packet 501: worked out by hand */
	assert_int_equal(wake->d.n, 1000);
	assert_int_equal(wake->d.min, 5003);
	assert_int_equal(wake->d.max, 1234567);
	assert_int_equal(wake->d.avg, (1000 * 5000 + 3 * 500500 - 6503 + 1234567 + 500) / 1000);
	assert_int_equal(wake->max_packet, 501);
	assert_int_equal(wake->min_packet, 1);
	assert_true(wake->largest);
	assert_false(wake->rare);
	assert_int_equal(irq->d.n, 250);
	assert_int_equal(irq->d.min, 4004);
	assert_int_equal(irq->d.max, 5000);
	assert_false(irq->largest);
	assert_int_equal(irq->d.avg, 4502);

	assert_ptr_equal(p->slowest.stage, wake);
	assert_int_equal(p->slowest.packet, 501);
	assert_int_equal(p->slowest.stage_ns, 1234567);
	/* the wall clock went 100 ns ahead in a minute, at the second snapshot */
	assert_int_equal(p->slowest.real_ns, 1767355267000000000 + 501 * 1000000 + 4501);
	assert_int_equal(p->dropped, 4);
}

static void test_shares(void **state)
{
	const struct report *r = ((struct fixture *)*state)->report;

	for (size_t i = 0; i < r->npaths; i++) {
		const struct report_path *p = &r->paths[i];
		unsigned int permille = 0, ppm = 0, shown = p->rare.share_permille;

		for (size_t j = 0; j < p->nstages; j++) {
			permille += p->stages[j].d.share_permille;
			ppm += p->stages[j].d.share_ppm;
			if (!p->stages[j].rare)
				shown += p->stages[j].d.share_permille;
		}
		assert_int_equal(permille, 1000);
		assert_int_equal(shown, 1000);
		assert_int_equal(ppm, 1000000);
		assert_int_equal(p->total.share_permille, 1000);
	}
	assert_int_equal(r->paths[0].rare.rows, 3);
	assert_int_equal(r->paths[0].rare.n, 12);
}

static void test_chain(void **state)
{
	static const char *const want[] = { "eth1", "br0", "tap0", "vhost-2154", "CPU 0/KVM" };
	const struct report *r = ((struct fixture *)*state)->report;

	assert_int_equal(r->paths[0].nchain, 5);
	for (int i = 0; i < 5; i++)
		assert_string_equal(r->paths[0].chain[i], want[i]);
	/* the escape of the terminal did not come through */
	assert_string_equal(r->paths[1].chain[3], "evil?[2Jµ");
	assert_string_equal(r->drops[r->ndrops - 1].chain[2], "tap,1");
	assert_int_equal(r->drops[r->ndrops - 1].path, 0);
}

static void test_documents(void **state)
{
	const struct report *r = ((struct fixture *)*state)->report;

	assert_true(r->lost_known);
	assert_int_equal(r->lost, 7);
	assert_int_equal(r->nlost_by_cpu, 2);
	assert_string_equal(r->lost_by_cpu[0].name, "3");
	assert_int_equal(r->lost_by_cpu[0].n, 5);
	assert_string_equal(r->lost_by_cpu[1].name, "10");
	assert_string_equal(r->lost_by_hop[0].name, "nic:gro");
	assert_string_equal(r->lost_by_hop[1].name, "dev:xmit");
	assert_int_equal(r->unfollowed, 12);
	assert_int_equal(r->tasks_unfollowed, 4);
	assert_int_equal(r->duration_ns, 60000000000);
	assert_int_equal(r->hook_cost[0].ns_per_run, 120);
	/* 120 of nic:gro and 200 of tap:xmit in each packet of path 1 */
	assert_int_equal(r->paths[0].cost.ns_per_packet, 320);
	assert_int_equal(r->paths[1].cost.ns_per_packet, 0);
	assert_string_equal(r->coverage[2].why, "no tracepoint qdisc_dequeue in this kernel");
	assert_true(r->coverage[2].missing);
	assert_true(r->coverage[1].silent);
	assert_false(r->coverage[5].missing);
}

/* From the guest: the task comes before its tap; two vCPUs are one of the chain's links */
static void test_chain_from_guest(void **state)
{
	static const char *const want[] = {
		"CPU 0/KVM and others",
		"vhost-2154",
		"tap0",
		"br0",
		"eth1",
	};
	struct fixture f;

	(void)state;
	fixture_open(&f);
	for (int id = 1; id < 3; id++) {
		struct packet p;

		packet_begin(&p, id, PACKET_COMPLETE);
		packet_see(&p, PL_HOP_kvm_exit, 0, 1)->tid = id == 1 ? 2161 : 2162;
		packet_see(&p, PL_HOP_kvm_ioeventfd, 0, 2)->tid = id == 1 ? 2161 : 2162;
		packet_see(&p, PL_HOP_vhost_run, 0, 3)->tid = 2160;
		packet_see(&p, PL_HOP_tap_send, f.tap, 4)->tid = 2160;
		packet_see(&p, PL_HOP_tap_skb, f.tap, 5)->tid = 2160;
		packet_see(&p, PL_HOP_br_in, f.tap, 6)->tid = 2160;
		packet_see(&p, PL_HOP_nic_xmit, f.eth, 7)->tid = 2160;
		fixture_feed(&f, &p);
	}
	fixture_finish(&f);
	assert_int_equal(f.report->npaths, 1);
	assert_int_equal(f.report->paths[0].nchain, 5);
	for (int i = 0; i < 5; i++)
		assert_string_equal(f.report->paths[0].chain[i], want[i]);
	fixture_close(&f);
}

/* A recording without documents and without packets is shown as what it is */
static void test_empty(void **state)
{
	const struct text_out o = { .utf8 = true };
	struct fixture f;
	char *text;

	(void)state;
	fixture_open(&f);
	for (int i = 0; i < TRACE_NR_CHUNKS; i++) {
		json_decref(f.trace.docs[i]);
		f.trace.docs[i] = NULL;
	}
	f.trace.ended = false;
	fixture_finish(&f);
	text = text_of(f.report, o, false);
	assert_non_null(strstr(text, "cut off, on unknown host (?)"));
	assert_non_null(strstr(text, "events 0, lost unknown"));
	assert_non_null(strstr(text, "The recording has no events"));
	assert_non_null(strstr(text, "\nhazards: not looked for when this was recorded\n"));
	free(text);
	f.report->domains[0].hazards_known = true;
	text = text_of(f.report, o, false);
	assert_non_null(strstr(text, "\nhazards: none found\n"));
	free(text);
	fixture_close(&f);
}

/* Times up to 2^64 ns keep the table straight */
static void test_huge(void **state)
{
	const struct text_out o = { .utf8 = true, .unit = UNIT_US };
	struct fixture f;
	struct packet p;
	char *text;

	(void)state;
	fixture_open(&f);
	packet_begin(&p, 1, PACKET_COMPLETE);
	packet_see(&p, PL_HOP_nic_gro, f.eth, 0);
	packet_see(&p, PL_HOP_nic_skb, f.eth, 0);
	packet_see(&p, PL_HOP_tap_xmit, f.tap, UINT64_MAX);
	fixture_feed(&f, &p);
	fixture_finish(&f);
	text = text_of(f.report, o, false);
	assert_non_null(strstr(text, "\n  nic:skb   → tap:xmit  1  18446744073709551.615  1844"));
	assert_non_null(strstr(text, "\n  nic:gro   → nic:skb   1                  0.000      "));
	free(text);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_golden, setup, teardown),
		cmocka_unit_test_setup_teardown(test_alignment, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bold, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shares, setup, teardown),
		cmocka_unit_test_setup_teardown(test_chain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_documents, setup, teardown),
		cmocka_unit_test(test_chain_from_guest),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_huge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
