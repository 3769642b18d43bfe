// SPDX-License-Identifier: GPL-2.0
/*
 * From a file to a report: the status that each kind of recording gives, packets numbered the same
 * in each reading, and nothing that random events could break.
 */
#include <errno.h>

#include "trace_files.h"

#include "breakdown.h"
#include "pipeline.h"
#include "report.h"
#include "view.h"
#include "view_script.h"

enum {
	WHOLE = 0,
	NO_END = 1,
	LOSS = 2,
};

static void put_doc(struct trace_writer *w, enum trace_chunk kind, const char *text)
{
	doc_put(w, kind, json_loads(text, 0, NULL));
}

/* One packet: queued, transmitted to a tap, copied to its reader, consumed */
static void put_packet(struct trace_writer *w, __u64 id)
{
	static const enum pl_hook hooks[] = {
		PL_HOOK_receive_skb_entry,
		PL_HOOK_receive_skb,
		PL_HOOK_dev_queue_tp,
		PL_HOOK_start_xmit,
		PL_HOOK_skb_copy_tp,
		PL_HOOK_consume_skb,
	};
	struct pl_event ev = {
		.obj = 0xffff888000000000 + id * 256,
		.head = 1000 + id,
		.key = id * 7919,
		.proto = 17,
		.len = 92,
		.netns = 1,
		.tid = 500,
		.flags = PL_F_KEY | PL_F_PAY,
		.pay = id,
	};

	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		ev.ts = 1000000000 + id * 100000 + i * 1000;
		ev.hook = hooks[i];
		ev.ifindex = i < 2 ? 2 : 4;
		if (hooks[i] == PL_HOOK_receive_skb_entry)
			ev.flags |= PL_F_ENTRY;
		assert_int_equal(trace_write_event(w, 0, &ev), 0);
	}
}

static const char *make_file(char path[128], int flags)
{
	struct trace_writer *w;

	file_path(path, "a");
	assert_int_equal(trace_create(path, hide_key, &w), 0);
	put_doc(w, TRACE_META, "{\"host\": \"h\", \"start_mono_ns\": 1000000000}");
	put_doc(w, TRACE_DEVICES,
		"[{\"netns\": 1, \"ifindex\": 2, \"name\": \"eth1\", \"kind\": \"nic\"},"
		" {\"netns\": 1, \"ifindex\": 4, \"name\": \"tap0\", \"kind\": \"tap\"}]");
	for (__u64 id = 1; id <= 1000; id++)
		put_packet(w, id);
	assert_int_equal(trace_flush(w, 0, 0), 0);
	if (flags & LOSS)
		put_doc(w, TRACE_COUNTS, "{\"hooks\": {\"consume_skb\": {\"made\": 9, \"lost\": 3,"
					 " \"by_cpu\": {\"0\": 3}}}}");
	if (!(flags & NO_END))
		put_doc(w, TRACE_END, "{\"reason\": \"test\", \"end_mono_ns\": 2000000000}");
	assert_int_equal(trace_finish(w), 0);
	return path;
}

struct seen {
	__u64 n, ids, stop_at;
};

static int count(void *ctx, const struct packet *p)
{
	struct seen *seen = ctx;

	seen->ids = seen->ids * 31 + p->id;
	return ++seen->n == seen->stop_at;
}

static enum cmd_status status_of(const char *path, struct seen *seen)
{
	struct pipeline_config cfg = { .path = path };
	enum cmd_status status;
	struct pipeline p;

	assert_int_equal(pipeline_open(&p, &cfg), 0);
	assert_int_equal(pipeline_run(&p, count, seen), 0);
	status = pipeline_status(&p);
	pipeline_close(&p);
	return status;
}

static void test_status(void **state)
{
	struct seen seen = { 0 };
	struct stat st;
	char path[128];

	(void)state;
	assert_int_equal(status_of(make_file(path, WHOLE), &seen), CMD_OK);
	assert_int_equal(seen.n, 1000);
	assert_int_equal(status_of(make_file(path, LOSS), &seen), CMD_PARTIAL);
	assert_int_equal(status_of(make_file(path, NO_END), &seen), CMD_PARTIAL);

	/* cut off: what is before it counts */
	make_file(path, WHOLE);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 5), 0);
	seen.n = 0;
	assert_int_equal(status_of(path, &seen), CMD_PARTIAL);
	assert_int_equal(seen.n, 1000);
}

static void test_missing(void **state)
{
	struct pipeline_config cfg = { .path = "/no/such/file" };
	struct pipeline p;

	(void)state;
	assert_int_equal(pipeline_open(&p, &cfg), -ENOENT);
	pipeline_close(&p);
}

/* Numbers of packets hold from one reading to the next; a reading may end early */
static void test_repeat(void **state)
{
	struct pipeline_config cfg = { 0 };
	struct seen a = { 0 }, b = { 0 }, c = { .stop_at = 10 };
	struct pipeline p;
	char path[128];

	(void)state;
	cfg.path = make_file(path, WHOLE);
	assert_int_equal(pipeline_open(&p, &cfg), 0);
	assert_int_equal(pipeline_run(&p, count, &a), 0);
	assert_int_equal(pipeline_run(&p, count, &c), 0);
	assert_int_equal(pipeline_run(&p, count, &b), 0);
	assert_int_equal(a.n, 1000);
	assert_int_equal(a.ids, b.ids);
	assert_int_equal(c.n, 10);
	pipeline_close(&p);
}

/* All formats at a time */
struct formats {
	struct script_view view;
	struct script_state *state[4];
	struct breakdown_builder *breakdown;
};

static const struct script_format *const script_formats[4] = {
	&script_text,
	&script_jsonl,
	&script_perfetto,
	&script_pcapng,
};

static void formats_begin(struct formats *f)
{
	for (int i = 0; i < 4; i++)
		assert_int_equal(script_formats[i]->begin(&f->view, &f->state[i]), 0);
}

static void formats_end(struct formats *f)
{
	for (int i = 0; i < 4; i++)
		script_formats[i]->end(f->state[i]);
}

/* A host with a guest whose clock it has compared: guest = host + 1000 s, on the host's own clock */
static const char *host_file(char path[128], const char *name, const char *boot)
{
	struct trace_writer *w;
	char meta[256];
	json_t *doc;

	file_path(path, name);
	remove(path);
	snprintf(meta, sizeof(meta), "{\"host\": \"%s\", \"boot_id\": \"%s\"}", name, boot);
	assert_int_equal(trace_create(path, hide_key, &w), 0);
	put_doc(w, TRACE_META, meta);
	doc = json_pack("[{s:s, s:I, s:I, s:I}]", "method", "exchange", "guest_ns",
			(json_int_t)1100 * 1000000000, "host_ns", (json_int_t)100 * 1000000000,
			"width_ns", (json_int_t)2000);
	assert_int_equal(trace_write_doc_in(w, 1, TRACE_SYNC, doc), 0);
	json_decref(doc);
	put_doc(w, TRACE_END, "{\"reason\": \"test\"}");
	assert_int_equal(trace_finish(w), 0);
	return path;
}

/* Each guest's clock is known against its own recording's host, and that one's against the first */
static void test_references(void **state)
{
	char a[128], b[128];
	struct pipeline_config cfg = { .nmore = 1 };
	struct pipeline p;
	__u64 err;

	(void)state;
	cfg.path = host_file(a, "a", "one");
	cfg.more[0] = host_file(b, "b", "other");
	assert_int_equal(pipeline_open(&p, &cfg), 0);
	assert_int_equal(p.ndomains, 4);
	/* b has no relation to a, so it and its guest are apart from a and its guest */
	assert_int_equal(p.domain[1].reference, 0);
	assert_int_equal(p.domain[1].root, 0);
	assert_int_equal(p.domain[2].clock.method, CLOCK_NONE);
	assert_int_equal(p.domain[2].root, 2);
	assert_int_equal(p.domain[3].reference, 2);
	assert_int_equal(p.domain[3].root, 2);
	assert_int_equal(p.domain[3].clock.method, CLOCK_EXCHANGE);
	assert_int_equal(domain_map(p.domain, 3, 1100ULL * 1000000000, &err), 100ULL * 1000000000);
	assert_in_range(err, 1000, 1100);
	assert_int_equal(pipeline_run(&p, count, &(struct seen){ 0 }), 0);
	pipeline_close(&p);

	/* the same boot: one clock, and the guest's goes by way of it */
	cfg.more[0] = host_file(b, "b", "one");
	assert_int_equal(pipeline_open(&p, &cfg), 0);
	assert_int_equal(p.domain[2].clock.method, CLOCK_SAME);
	assert_int_equal(p.domain[2].root, 0);
	assert_int_equal(p.domain[3].reference, 2);
	assert_int_equal(p.domain[3].root, 0);
	assert_int_equal(domain_map(p.domain, 3, 1100ULL * 1000000000, NULL), 100ULL * 1000000000);
	pipeline_close(&p);
}

static int feed_and_view(void *ctx, const struct packet *p)
{
	struct formats *f = ctx;

	assert_true(p->n <= PACKET_MAX_SIGHTINGS);
	for (size_t i = 1; i < p->n; i++)
		assert_true(p->s[i].ts >= p->s[i - 1].ts);
	for (int i = 0; i < 4; i++)
		assert_int_equal(script_formats[i]->packet(f->state[i], p), 0);
	return breakdown_packet(f->breakdown, p);
}

static void views_check(struct pipeline *p, struct breakdown_builder *b, FILE *f)
{
	struct report_input in = {
		.file = p->cfg.path,
		.stitch = &p->stitch_stats,
		.merge = &p->merge_stats,
		.domains = p->domain,
		.ndomains = p->ndomains,
	};
	struct text_out out = { .f = f, .utf8 = true };
	struct report *r;

	assert_int_equal(breakdown_finish(b, &in.breakdown), 0);
	assert_int_equal(report_new(&in, &r), 0);
	for (size_t i = 0; i < r->npaths; i++) {
		__u64 ppm = 0;

		for (size_t j = 0; j < r->paths[i].nstages; j++)
			ppm += r->paths[i].stages[j].d.share_ppm;
		assert_int_equal(ppm, r->paths[i].total.share_ppm);
	}
	assert_int_equal(view_text(r, &out, true), 0);
	assert_int_equal(view_json(r, f), 0);
	assert_int_equal(view_csv(r, f), 0);
	report_free(r);
}

static void random_file(char path[128], __u64 *rnd)
{
	struct trace_writer *w;
	__u64 ts = 1000;

	file_path(path, "b");
	remove(path);
	assert_int_equal(trace_create(path, hide_key, &w), 0);
	for (int i = 0; i < 20000; i++) {
		struct pl_event ev;

		event_random(&ev, rnd);
		/* few objects, devices and tasks, or nothing would join */
		ev.obj = random_next(rnd) % 40 << 8;
		ev.key = random_next(rnd) % 40;
		ev.head = ev.obj;
		ev.ifindex = random_next(rnd) % 5;
		ev.netns = 1;
		ev.tid = random_next(rnd) % 9;
		ev.ts = ts += random_next(rnd) % 5000;
		assert_int_equal(trace_write_event(w, random_next(rnd) % 4, &ev), 0);
	}
	assert_int_equal(trace_finish(w), 0);
}

static void test_random_events(void **state)
{
	__u64 rnd = 20261124;

	(void)state;
	for (int round = 0; round < 5; round++) {
		struct pipeline_config cfg = { 0 };
		struct formats f = { 0 };
		struct pipeline p;
		char path[128];

		random_file(path, &rnd);
		cfg.path = path;
		assert_int_equal(pipeline_open(&p, &cfg), 0);
		assert_int_equal(breakdown_new(&f.breakdown), 0);
		f.view.out.f = fopen("/dev/null", "w");
		f.view.domains = p.domain;
		f.view.ndomains = p.ndomains;
		f.view.verbose = true;
		formats_begin(&f);
		assert_int_equal(pipeline_run(&p, feed_and_view, &f), 0);
		formats_end(&f);
		views_check(&p, f.breakdown, f.view.out.f);
		fclose(f.view.out.f);
		breakdown_free(f.breakdown);
		pipeline_close(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_repeat),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_random_events),
	};

	return cmocka_run_group_tests(tests, dir_make, dir_remove);
}
