// SPDX-License-Identifier: GPL-2.0
/*
 * Recordings that keep some packets only, and lists of device changes: what is written is read, and
 * files that are damaged, hostile or cut off do no harm: what is left out is counted.
 */
#include "trace_files.h"

#include "breakdown.h"
#include "packets.h"
#include "pipeline.h"
#include "report.h"
#include "trace_format.h"
#include "trace_packets.h"
#include "view.h"

/* after zlib's headers: its VMS is another operating system */
#include "stitch_feed.h"

#define PACKETS 300

/* Number id takes id µs through a few hops; each tenth is dropped */
static void packet_make(struct packet *p, struct names *names, __u64 id)
{
	static const enum pl_hop hops[] = { PL_HOP_nic_skb, PL_HOP_dev_queue, PL_HOP_tap_xmit,
					    PL_HOP_vhost_wake, PL_HOP_vhost_run };
	__u64 ts = 1000000000 + id * 100000;

	packet_begin(p, id, id % 10 ? PACKET_COMPLETE : PACKET_DROPPED);
	for (size_t i = 0; i < sizeof(hops) / sizeof(hops[0]); i++) {
		__u16 dev = names_dev(names, NETNS, i ? IF_TAP(0) : IF_NIC, ts, NULL);
		struct sighting *s = packet_see(p, hops[i], dev, ts + i * id * 1000 / 4);

		s->hook = feed_hook(hop_base(hops[i]));
		s->tid = TID_WORKER(0);
	}
}

static json_t *changes_doc(void)
{
	return json_pack("[{s:s, s:I, s:I, s:I, s:s, s:i, s:s, s:s, s:s, s:s, s:s}]", "what", "renamed",
			 "time_ns", (json_int_t)1015000000, "after_ns", (json_int_t)1014000000, "netns",
			 (json_int_t)NETNS, "netns_name", "", "ifindex", IF_NIC, "name", "wan0", "kind",
			 "nic", "master", "br0", "was", "nic0", "to", "");
}

/* As the recorder knew them: the NIC has been renamed */
static struct names *names_make(void)
{
	struct names *names = feed_names();
	json_t *changes = changes_doc();

	assert_non_null(changes);
	assert_int_equal(names_changes_add(names, changes), 0);
	json_decref(changes);
	return names;
}

/* After so many packets */
static json_t *kept_doc(struct names *names, __u64 packets)
{
	struct totals *t;
	struct packet p;
	json_t *doc;

	assert_int_equal(totals_new(&t), 0);
	for (__u64 id = 1; id <= packets; id++) {
		packet_make(&p, names, id);
		assert_int_equal(totals_add(t, &p, totals_keeps(&p, 100000)), 0);
	}
	doc = totals_doc(t, names);
	totals_free(t);
	assert_non_null(doc);
	json_object_set_new(doc, "slower_than_ns", json_integer(100000));
	json_object_set_new(doc, "until_ns", json_integer(1100000000));
	json_object_set_new(doc, "hops", trace_packets_hops());
	json_object_set_new(doc, "unstitched", json_pack("{s:i, s:i, s:i}", "times", 1, "events", 0, "ns", 7));
	return doc;
}

/* kept: the document TRACE_KEPT, taken over; NULL: as it should be */
static void file_make(char path[128], json_t *kept, json_t *changes)
{
	struct trace_packets *b = calloc(1, sizeof(*b));
	struct names *names = names_make();
	struct trace_writer *w;
	json_t *devices, *tasks;
	struct packet p;

	assert_non_null(b);
	feed_docs(&devices, &tasks);
	assert_int_equal(trace_create(file_path(path, "a"), hide_key, &w), 0);
	doc_put(w, TRACE_META, json_pack("{s:s, s:i}", "host", "h", "start_mono_ns", 1000000000));
	doc_put(w, TRACE_DEVICES, devices);
	doc_put(w, TRACE_TASKS, tasks);
	doc_put(w, TRACE_CHANGES, changes ?: changes_doc());
	for (__u64 id = 1; id <= PACKETS; id++) {
		packet_make(&p, names, id);
		if (!totals_keeps(&p, 100000))
			continue;
		assert_true(trace_packets_add(b, &p, names));
		if (b->n < 50)
			continue;
		/* as while recording: what was counted comes with what was kept */
		assert_int_equal(trace_packets_write(w, b), 0);
		if (!kept)
			doc_put(w, TRACE_KEPT, kept_doc(names, id));
	}
	assert_int_equal(trace_packets_write(w, b), 0);
	doc_put(w, TRACE_KEPT, kept ?: kept_doc(names, PACKETS));
	doc_put(w, TRACE_END, json_pack("{s:s, s:i}", "reason", "test", "end_mono_ns", 2000000000));
	assert_int_equal(trace_finish(w), 0);
	names_free(names);
	free(b);
}

struct result {
	enum cmd_status status;
	__u64 seen, kept, paths, bad_blocks, changes, all_n;
	char nic[64];
};

static int packet_check(void *ctx, const struct packet *p)
{
	assert_true(p->end < PACKET_NR_ENDS && p->n <= PACKET_MAX_SIGHTINGS);
	for (size_t i = 0; i < p->n; i++) {
		assert_true(p->s[i].hop < PL_NR_HOPS && p->s[i].hook < PL_NR_HOOKS);
		assert_true(!i || p->s[i].ts >= p->s[i - 1].ts);
	}
	return breakdown_packet(ctx, p);
}

/* All that report does, to nowhere. false: refused at once */
static bool report_make(const char *path, struct result *res)
{
	struct pipeline_config cfg = { .path = path };
	struct breakdown_builder *b;
	struct report *r;
	struct pipeline p;
	struct report_input in = { .file = path };
	struct text_out out;
	FILE *null = fopen("/dev/null", "we");

	memset(res, 0, sizeof(*res));
	assert_non_null(null);
	if (pipeline_open(&p, &cfg)) {
		pipeline_close(&p);
		fclose(null);
		return false;
	}
	assert_int_equal(breakdown_new(&b), 0);
	assert_int_equal(pipeline_run(&p, packet_check, b), 0);
	in.domains = p.domain;
	in.ndomains = p.ndomains;
	in.stitch = &p.stitch_stats;
	in.merge = &p.merge_stats;
	in.totals = p.totals;
	assert_int_equal(breakdown_finish(b, &in.breakdown), 0);
	assert_int_equal(report_new(&in, &r), 0);
	text_out_init(&out, null);
	assert_int_equal(view_text(r, &out, true), 0);
	assert_int_equal(view_json(r, null), 0);
	assert_int_equal(view_csv(r, null), 0);
	res->status = pipeline_status(&p);
	res->seen = r->seen;
	res->kept = r->kept.all;
	res->paths = r->npaths;
	res->bad_blocks = r->kept.bad_blocks + r->bad_blocks;
	res->changes = r->nchanges;
	res->all_n = r->npaths ? r->paths[0].total_all.n : 0;
	snprintf(res->nic, sizeof(res->nic), "%s",
		 names_dev_name(p.domain[0].names, names_dev(p.domain[0].names, NETNS, IF_NIC, 1020000000, NULL)));
	report_free(r);
	breakdown_free(b);
	pipeline_close(&p);
	fclose(null);
	return true;
}

/* What the pipeline says of each of them is of no interest */
static bool file_report(const char *path, struct result *res)
{
	int err = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	bool made;

	assert_true(err >= 0 && null >= 0);
	dup2(null, STDERR_FILENO);
	made = report_make(path, res);
	dup2(err, STDERR_FILENO);
	close(err);
	close(null);
	return made;
}

/* What was written: of 300 packets 200 above 100 µs and 10 of the others that were dropped */
static void whole(void **state)
{
	struct result r;
	char path[128];

	(void)state;
	file_make(path, NULL, NULL);
	assert_true(file_report(path, &r));
	assert_int_equal(r.status, CMD_OK);
	assert_int_equal(r.seen, PACKETS);
	assert_int_equal(r.kept, 210);
	/* before the NIC is renamed, after it, and in doubt: packets 101 to 139, to 149, from there */
	assert_int_equal(r.paths, 3);
	assert_int_equal(r.all_n, 135);
	assert_int_equal(r.changes, 1);
	assert_string_equal(r.nic, "wan0");
}

static void limits(void **state)
{
	struct names *names = names_make();
	struct packet p;

	(void)state;
	packet_make(&p, names, 101);
	p.s[p.n - 1].ts = p.s[0].ts + 1000;
	assert_false(totals_keeps(&p, 1000));
	assert_true(totals_keeps(&p, 999));
	for (int end = 0; end < PACKET_NR_ENDS; end++) {
		p.end = end;
		assert_int_equal(totals_keeps(&p, 5000), end == PACKET_DROPPED);
		assert_true(totals_keeps(&p, 500));
	}
	names_free(names);
}

/* More paths than are told apart: their packets are counted together */
static void many_paths(void **state)
{
	struct names *names = names_make();
	struct totals *t, *back;
	struct packet p;
	__u64 n = 0;
	json_t *doc;

	(void)state;
	assert_int_equal(totals_new(&t), 0);
	for (unsigned int i = 0; i < 2 * TOTALS_PATHS_MAX; i++) {
		packet_make(&p, names, 1 + i % 9);
		for (size_t k = 0; k < 3; k++)
			p.s[k].dev = i >> (4 * k) & 15;
		assert_int_equal(totals_add(t, &p, false), 0);
	}
	assert_int_equal(t->npaths, TOTALS_PATHS_MAX);
	assert_int_equal(t->other.n, TOTALS_PATHS_MAX);
	t->stitch.undecided = 7;
	t->stitch.evicted = 8;
	doc = totals_doc(t, names);
	assert_non_null(doc);
	assert_int_equal(totals_load(doc, names, &back), 0);
	assert_int_equal(back->stitch.undecided, 7);
	assert_int_equal(back->stitch.evicted, 8);
	for (size_t i = 0; i < back->npaths; i++)
		n += back->paths[i].total.n;
	assert_int_equal(n + back->other.n, 2 * TOTALS_PATHS_MAX);
	assert_int_equal(back->all.n, t->all.n);
	assert_true(back->all.sum == t->all.sum && back->all.sumsq == t->all.sumsq);
	json_decref(doc);
	totals_free(t);
	totals_free(back);
	names_free(names);
}

static void cut_off(void **state)
{
	struct result r, last = { 0 };
	unsigned int opened = 0;
	struct bytes b;
	char path[128];

	(void)state;
	file_make(path, NULL, NULL);
	b = file_get(path);
	for (size_t n = 33; n < b.n; n += 331) {
		file_put(path, b.p, n);
		if (!file_report(path, &r))
			continue;
		opened++;
		assert_int_equal(r.status, CMD_PARTIAL);
		assert_true(r.kept >= last.kept && r.kept <= 210);
		last = r;
	}
	assert_true(opened > 0 && last.kept > 0);
	free(b.p);
}

static void bytes_changed(void **state)
{
	unsigned int opened = 0;
	struct result r;
	struct bytes b;
	char path[128];
	__u64 rng = 77;

	(void)state;
	file_make(path, NULL, NULL);
	b = file_get(path);
	for (int i = 0; i < 150; i++) {
		size_t at = 33 + random_next(&rng) % (b.n - 33);
		unsigned char was = b.p[at];

		b.p[at] ^= 1 + random_next(&rng) % 255;
		file_put(path, b.p, b.n);
		/* a checksum shows it; what is left is right */
		if (file_report(path, &r)) {
			opened++;
			assert_int_equal(r.status, CMD_PARTIAL);
			assert_true(r.kept <= 210);
		}
		b.p[at] = was;
	}
	assert_true(opened > 0);
	free(b.p);
}

/* Chunks whose checksums are right, and whose content no recorder writes */
static void forged_packets(void **state)
{
	static const struct {
		int end, n, cut;
		__u64 after;
		bool bad;
	} forged[] = {
		{ .n = 3 },
		{ .n = 64 },
		{ .n = 65, .bad = true },
		{ .n = 255, .bad = true },
		{ .end = 5, .n = 0 },
		{ .end = 6, .n = 1, .bad = true },
		{ .end = 255, .n = 1, .bad = true },
		{ .n = 3, .after = ~0ULL, .bad = true },
		{ .n = 3, .cut = 1, .bad = true },
		{ .n = 3, .cut = 60, .bad = true },
		{ .n = 3, .cut = -8, .bad = true },
	};
	union {
		struct {
			struct trace_packet p;
			struct trace_sighting s[256];
		};
		char raw[16384];
	} * u;
	struct names *names = names_make();
	struct trace_writer *w;
	struct result r;
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
		size_t len = sizeof(u->p) + forged[i].n * sizeof(u->s[0]) - forged[i].cut;

		u = calloc(1, sizeof(*u));
		assert_non_null(u);
		u->p = (struct trace_packet){ .id = 1, .ts = 5, .end = forged[i].end, .n = forged[i].n };
		for (int k = 0; k < 256; k++)
			u->s[k] = (struct trace_sighting){
				.after = k ? forged[i].after : 0, .hop = k, .hook = k, .netns = k, .ifindex = k
			};
		assert_int_equal(trace_create(file_path(path, "a"), hide_key, &w), 0);
		doc_put(w, TRACE_KEPT, kept_doc(names, PACKETS));
		assert_int_equal(trace_write_packed(w, TRACE_PACKETS, u, len, 1, 5, 5), 0);
		doc_put(w, TRACE_END, json_object());
		assert_int_equal(trace_finish(w), 0);
		assert_true(file_report(path, &r));
		assert_int_equal(r.bad_blocks, forged[i].bad);
		assert_int_equal(r.kept, !forged[i].bad);
		assert_int_equal(r.status, forged[i].bad ? CMD_PARTIAL : CMD_OK);
		free(u);
	}
	names_free(names);
}

/* --- documents ------------------------------------------------------------------------------ */

static json_t *value_random(__u64 *rng)
{
	static const char *const texts[] = { "", "x", "nic", "renamed", "gone", "wan0", "99999999999",
					     "\x1b[2J", "nic:skb", "-1" };

	switch (random_next(rng) % 8) {
	case 0:
		return json_null();
	case 1:
		return json_true();
	case 2:
		return json_array();
	case 3:
		return json_object();
	case 4:
		return json_real(1e300);
	case 5:
		return json_string(texts[random_next(rng) % (sizeof(texts) / sizeof(texts[0]))]);
	case 6:
		return json_integer((json_int_t)random_next(rng));
	default:
		return json_integer((json_int_t)(random_next(rng) % 200) - 20);
	}
}

/* Another value at a random place somewhere in it */
static void doc_harm(json_t *doc, __u64 *rng)
{
	const char *key;
	json_t *value;
	size_t n;

	if (json_is_array(doc) && json_array_size(doc)) {
		n = random_next(rng) % json_array_size(doc);
		value = json_array_get(doc, n);
		if (json_is_integer(value) || json_is_string(value) || random_next(rng) % 4 == 0)
			json_array_set_new(doc, n, value_random(rng));
		else
			doc_harm(value, rng);
	} else if (json_is_object(doc) && json_object_size(doc)) {
		n = random_next(rng) % json_object_size(doc);
		json_object_foreach(doc, key, value) {
			if (n--)
				continue;
			if (json_is_integer(value) || json_is_string(value) || random_next(rng) % 8 == 0)
				json_object_set_new(doc, key, value_random(rng));
			else
				doc_harm(value, rng);
			break;
		}
	}
}

static void forged_kept(void **state)
{
	struct names *names = names_make();
	__u64 rng = 4711;
	struct result r;
	char path[128];

	(void)state;
	for (int i = 0; i < 100; i++) {
		json_t *doc = kept_doc(names, PACKETS);

		for (int k = 0; k < 1 + i % 6; k++)
			doc_harm(doc, &rng);
		file_make(path, doc, NULL);
		assert_true(file_report(path, &r));
		assert_true(r.kept <= 210);
	}
	file_make(path, json_array(), NULL);
	assert_true(file_report(path, &r));
	/* no list of hops: the packets mean nothing, and that shows */
	assert_true(r.bad_blocks > 0);
	assert_int_equal(r.kept, 0);
	assert_int_equal(r.status, CMD_PARTIAL);
	names_free(names);
}

static json_t *change_row(json_int_t ts, json_int_t after, json_int_t ifindex, const char *name)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:s, s:I, s:s, s:s, s:s}", "what", "renamed", "time_ns", ts,
			 "after_ns", after, "netns", (json_int_t)NETNS, "netns_name", "", "ifindex",
			 ifindex, "name", name, "kind", "nic", "was", "nic0");
}

/* Lists of device changes that no recorder writes */
static void forged_changes(void **state)
{
	struct result r;
	__u64 rng = 1234;
	char path[128];

	(void)state;
	for (int i = 0; i < 100; i++) {
		json_t *doc = json_array();

		for (int k = 0; k < 5; k++)
			json_array_append_new(doc, change_row(1000000000 + k * 1000000, 1000000000,
							      IF_NIC, k % 2 ? "wan0" : "wan1"));
		for (int k = 0; k < 1 + i % 8; k++)
			doc_harm(doc, &rng);
		file_make(path, NULL, doc);
		assert_true(file_report(path, &r));
		assert_int_equal(r.kept, 210);
		assert_int_equal(r.status, CMD_OK);
	}
}

/* Rows out of order, twice, at impossible times: the last one that makes sense holds */
static void changes_out_of_order(void **state)
{
	json_t *doc = json_array();
	struct result r;
	char path[128];

	(void)state;
	json_array_append_new(doc, change_row(1015000000, 1014000000, IF_NIC, "wan0"));
	json_array_append_new(doc, change_row(1010000000, 1009000000, IF_NIC, "early"));
	json_array_append_new(doc, change_row(1015000000, 1015000000, IF_NIC, "same"));
	json_array_append_new(doc, change_row(-5, -7, IF_NIC, "negative"));
	json_array_append_new(doc, change_row(1016000000, 1017000000, 0, "nothing"));
	json_array_append_new(doc, change_row(1016000000, 1017000000, -1, "below"));
	json_array_append_new(doc, change_row(1016000000, 1017000000, 1LL << 40, "beyond"));
	file_make(path, NULL, doc);
	assert_true(file_report(path, &r));
	assert_int_equal(r.status, CMD_OK);
	assert_string_equal(r.nic, "wan0");
	/* and what is no list at all */
	file_make(path, NULL, json_object());
	assert_true(file_report(path, &r));
	assert_string_equal(r.nic, "nic0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whole, dir_make, dir_remove),
		cmocka_unit_test(limits),
		cmocka_unit_test(many_paths),
		cmocka_unit_test_setup_teardown(cut_off, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(bytes_changed, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(forged_packets, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(forged_kept, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(forged_changes, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(changes_out_of_order, dir_make, dir_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
