// SPDX-License-Identifier: GPL-2.0
/*
 * Stitching while recording against stitching afterwards: of the same stream of a generated world
 * the same packets, those slower than a limit in the file, all of them counted. And what happens
 * when there is no time for it.
 */
#include "trace_files.h"

#include <unistd.h>

#include "live.h"
#include "pipeline.h"
#include "stitch_world.h"

#define MANY	 1000000
#define FOR_EVER (1ULL << 62) /* ns; a slack within which nothing is due */

struct packets {
	struct packet *p;
	size_t n, room;
};

static int packet_note(void *ctx, const struct packet *p)
{
	struct packets *l = ctx;

	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 1024;
		l->p = reallocarray(l->p, l->room, sizeof(*l->p));
		assert_non_null(l->p);
	}
	packet_copy_as(&l->p[l->n++], p, p->id);
	return 0;
}

/* The stream as it is when all is known: what the live one is held against */
static void offline(const struct pl_event *ev, size_t n, struct names *names, struct packets *out,
		    struct stitch_stats *stats)
{
	struct stitch_config cfg = { .names = names, .packet = packet_note, .ctx = out };
	struct stitch *s;

	assert_int_equal(stitch_new(&cfg, &s), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(stitch_event(s, &ev[i]), 0);
	assert_int_equal(stitch_finish(s), 0);
	*stats = *stitch_stats(s);
	stitch_free(s);
}

/* A file and the live in front of it */
struct rec {
	struct trace_writer *w;
	struct live *live;
	char path[128];
};

static void rec_open(struct rec *r, __u64 slower_than, __u64 slack, size_t max_events)
{
	struct live_config cfg = {
		.cpus = CPUS,
		.slower_than_ns = slower_than,
		.slack_ns = slack,
		.max_events = max_events,
	};
	json_t *devices, *tasks;

	feed_docs(&devices, &tasks);
	assert_int_equal(trace_create(file_path(r->path, "a"), hide_key, &r->w), 0);
	cfg.trace = r->w;
	cfg.devices = devices;
	cfg.tasks = tasks;
	assert_int_equal(live_new(&cfg, &r->live), 0);
	doc_put(r->w, TRACE_DEVICES, devices);
	doc_put(r->w, TRACE_TASKS, tasks);
}

static void rec_close(struct rec *r, struct live_stats *stats)
{
	assert_int_equal(live_finish(r->live), 0);
	*stats = *live_stats(r->live);
	live_free(r->live);
	doc_put(r->w, TRACE_END, json_pack("{s:s}", "reason", "test"));
	assert_int_equal(trace_finish(r->w), 0);
}

static void rec_read(const struct rec *r, struct pipeline *p, struct packets *out)
{
	struct pipeline_config cfg = { .path = r->path };

	assert_int_equal(pipeline_open(p, &cfg), 0);
	assert_int_equal(pipeline_run(p, packet_note, out), 0);
	assert_int_equal(pipeline_status(p), CMD_OK);
}

/*
 * Rounds over the rings: at the time of a round what was made before is in the rings, and at most
 * budget events of each CPU are taken.
 */
static void rings_feed(struct live *l, const struct pl_event *ev, size_t n, __u64 seed)
{
	struct world r = { .rng = seed * 31 + 7 };
	size_t at[CPUS] = { 0 }, made = 0, left = n;

	while (left) {
		unsigned int budget = 1 + rnd(&r, 400), step = rnd(&r, 2000);
		__u64 begin;

		made = made + step < n ? made + step : n;
		begin = made < n ? ev[made].ts - 1 : ev[n - 1].ts + 1000000;
		for (int cpu = 0; cpu < CPUS; cpu++)
			for (unsigned int taken = 0; at[cpu] < made && taken < budget; at[cpu]++) {
				if (ev[at[cpu]].cpu != cpu)
					continue;
				assert_int_equal(live_event(l, cpu, &ev[at[cpu]]), 0);
				taken++;
				left--;
			}
		assert_int_equal(live_round(l, begin, budget), 0);
	}
}

static void packets_same(const struct packet *a, const struct names *na, const struct packet *b,
			 const struct names *nb)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->key, b->key);
	assert_int_equal(a->flow, b->flow);
	assert_int_equal(a->seq, b->seq);
	assert_int_equal(a->bytes, b->bytes);
	assert_int_equal(a->drop_reason, b->drop_reason);
	assert_int_equal(a->drop_place, b->drop_place);
	assert_int_equal(a->end, b->end);
	assert_int_equal(a->proto, b->proto);
	assert_int_equal(a->cloned, b->cloned);
	assert_int_equal(a->nonmono, b->nonmono);
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		const struct sighting *x = &a->s[i], *y = &b->s[i];

		assert_string_equal(names_dev_name(na, x->dev), names_dev_name(nb, y->dev));
		assert_true(x->ts == y->ts && x->tid == y->tid && x->len == y->len);
		assert_true(x->arg == y->arg && x->vlan == y->vlan && x->cpu == y->cpu);
		assert_true(x->hop == y->hop && x->hook == y->hook && x->flags == y->flags);
		assert_int_equal(x->queue, y->queue);
	}
}

/* Some events are lost, and said to be */
static size_t harm(struct world *w, __u64 seed, unsigned int loss)
{
	bool gap[CPUS] = { false };
	struct world r = { .rng = seed * 5 + 1 };
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++) {
		if (rnd(&r, 10000) < loss) {
			gap[w->ev[i].cpu] = true;
			continue;
		}
		w->ev[n] = w->ev[i];
		if (gap[w->ev[i].cpu])
			w->ev[n].flags |= PL_F_GAP;
		gap[w->ev[n++].cpu] = false;
	}
	return n;
}

static __u64 some_total(const struct packets *all, __u64 seed)
{
	struct world r = { .rng = seed + 99 };
	__u64 ns = 0;

	for (int i = 0; i < 100 && !ns; i++)
		ns = packet_total(&all->p[rnd(&r, all->n)]);
	return ns ? ns : 1;
}

static void kept_same(const struct packets *all, const struct names *names, const struct packets *kept,
		      const struct pipeline *p, __u64 limit)
{
	const struct totals *t = p->totals;
	__u64 ends[PACKET_NR_ENDS] = { 0 }, complete = 0, nonmono = 0, cloned = 0;
	size_t k = 0;

	for (size_t i = 0; i < all->n; i++) {
		const struct packet *one = &all->p[i];

		ends[one->end]++;
		cloned += one->cloned;
		nonmono += one->end == PACKET_COMPLETE && one->nonmono;
		complete += one->end == PACKET_COMPLETE && !one->nonmono;
		/* said once more in other words than totals_keeps() */
		if (one->end != PACKET_DROPPED && (!one->n || one->s[one->n - 1].ts - one->s[0].ts <= limit))
			continue;
		assert_true(k < kept->n);
		packets_same(one, names, &kept->p[k++], p->domain[0].names);
	}
	assert_int_equal(k, kept->n);
	assert_int_equal(t->kept, kept->n);
	assert_int_equal(t->seen, all->n);
	assert_int_equal(t->all.n, complete);
	assert_int_equal(t->nonmono, nonmono);
	assert_int_equal(t->cloned, cloned);
	assert_memory_equal(t->packets, ends, sizeof(ends));
}

/* All totals of complete packets, path by path: no more and no less than there are */
static void totals_same(const struct packets *all, const struct totals *t)
{
	struct hist h = { 0 };
	__u64 n = t->other.n;

	for (size_t i = 0; i < all->n; i++)
		if (all->p[i].end == PACKET_COMPLETE && !all->p[i].nonmono)
			assert_int_equal(hist_add(&h, packet_total(&all->p[i])), 0);
	assert_int_equal(h.min, t->all.min);
	assert_int_equal(h.max, t->all.max);
	assert_true(h.sum == t->all.sum && h.sumsq == t->all.sumsq);
	for (unsigned int q = 10; q < 1000; q += 10)
		assert_int_equal(hist_quantile(&h, q), hist_quantile(&t->all, q));
	for (size_t i = 0; i < t->npaths; i++)
		n += t->paths[i].total.n;
	assert_int_equal(n, h.n);
	hist_free(&h);
}

static void run_same(__u64 seed, size_t events, unsigned int loss)
{
	struct world *w = world_run(seed, events, false);
	size_t n = harm(w, seed, loss);
	struct names *names = feed_names();
	struct packets all = { 0 }, kept = { 0 };
	struct stitch_stats stats;
	struct live_stats ls;
	struct pipeline p;
	struct rec r;
	__u64 limit;

	offline(w->ev, n, names, &all, &stats);
	limit = some_total(&all, seed);
	rec_open(&r, limit, 1 + seed * 997, 0);
	rings_feed(r.live, w->ev, n, seed);
	rec_close(&r, &ls);
	assert_int_equal(ls.unstitched, 0);
	assert_int_equal(ls.seen, all.n);
	rec_read(&r, &p, &kept);
	assert_int_equal(trace_slower_than(p.domain[0].trace), limit);
	assert_int_equal(p.domain[0].trace->nevents, 0);
	kept_same(&all, names, &kept, &p, limit);
	totals_same(&all, p.totals);
	assert_int_equal(p.stitch_stats.events, stats.events);
	assert_int_equal(p.stitch_stats.unused, stats.unused);
	assert_memory_equal(p.stitch_stats.last_hop, stats.last_hop,
			    sizeof(stats.last_hop));
	assert_int_equal(p.totals->late, 0);
	pipeline_close(&p);
	names_free(names);
	free(all.p);
	free(kept.p);
	world_free(w);
}

static void same_as_afterwards(void **state)
{
	(void)state;
	for (__u64 seed = 1; seed <= 12; seed++)
		run_same(seed, 20000, 0);
}

static void same_with_loss(void **state)
{
	(void)state;
	for (__u64 seed = 21; seed <= 28; seed++)
		run_same(seed, 20000, seed % 2 ? 20 : 400);
}

/* --- too busy ------------------------------------------------------------------------------- */

/* Each packet is what it claims to be by the last sighting that saw it alone */
static void joins_true(const struct world *w, const struct packets *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct packet *p = &l->p[i];
		__u32 owner = 0;

		for (size_t k = p->n; k-- && (!owner || owner == OWNER_MANY);)
			owner = w->owner[number_of(&p->s[k]) - 1];
		for (size_t k = 0; owner && owner != OWNER_MANY && k < p->n; k++)
			assert_true(allowed_at(&w->truth[owner - 1], number_of(&p->s[k])) >= 0);
	}
}

/* The thread has taken all that was handed over, and has been left alone for long enough */
static bool caught_up(struct live *l, __u64 ts, __u64 *now)
{
	const struct live_stats *s = live_stats(l);
	struct pl_event ev = { .ts = ts, .hook = PL_HOOK_none };
	__u64 was = s->events;

	for (int i = 0; i < 5000 && s->events == was; i++) {
		*now += 1000000000;
		assert_int_equal(live_round(l, *now, MANY), 0);
		assert_int_equal(live_event(l, 0, &ev), 0);
		usleep(1000);
	}
	return s->events > was;
}

static void too_busy(void **state)
{
	enum { ROOM = 4096,
	       EVENTS = 60000 };
	struct world *w = world_run(5, EVENTS, false);
	struct packets kept = { 0 };
	struct pipeline p;
	struct live_stats ls;
	struct rec r;
	__u64 now = w->ev[w->n - 1].ts, pushed = 0, handed = 0;
	size_t i = 0;

	(void)state;
	/* a slack that no event outlives: all of them wait, until there are too many */
	rec_open(&r, 1000, FOR_EVER, ROOM);
	for (int times = 1; times <= 3; times++) {
		for (size_t to = i + EVENTS / 4; i < to; i++, pushed++)
			assert_int_equal(live_event(r.live, w->ev[i].cpu, &w->ev[i]), 0);
		assert_int_equal(live_stats(r.live)->times, times);
		/* with the one by which it showed that it had caught up */
		assert_in_range(live_stats(r.live)->events - handed, ROOM - 1, ROOM);
		assert_true(caught_up(r.live, w->ev[i - 1].ts, &now));
		handed = live_stats(r.live)->events;
	}
	rec_close(&r, &ls);
	assert_int_equal(ls.times, 3);
	assert_true(ls.waiting_max <= ROOM);

	rec_read(&r, &p, &kept);
	/* none is lost: stitched then, or stitched now */
	assert_int_equal(ls.events + p.domain[0].trace->nevents, p.stitch_stats.events);
	assert_int_equal(p.domain[0].trace->nevents, ls.unstitched);
	assert_true(pushed <= p.stitch_stats.events);
	assert_true(ls.unstitched > pushed / 2);
	assert_int_equal(p.totals->kept, kept.n);
	assert_true(kept.n > 100);
	joins_true(w, &kept);
	for (i = 1; i < kept.n; i++)
		for (size_t k = 0; k < i && i % 50 == 0; k++)
			assert_int_not_equal(kept.p[i].id, kept.p[k].id);
	pipeline_close(&p);
	free(kept.p);
	world_free(w);
}

/* It may end at any time, with all that waits in its hands */
static void ends_early(void **state)
{
	struct world *w = world_run(6, 20000, false);
	struct rec r;

	(void)state;
	for (size_t n = 0; n <= w->n; n += 1 + w->n / 7) {
		rec_open(&r, 1, n % 2 ? 1 : FOR_EVER, 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(live_event(r.live, w->ev[i].cpu, &w->ev[i]), 0);
		if (n)
			assert_int_equal(live_round(r.live, w->ev[n - 1].ts + 10, MANY), 0);
		live_free(r.live);
		assert_int_equal(trace_finish(r.w), 0);
	}
	world_free(w);
}

/* --- names ---------------------------------------------------------------------------------- */

/* A device that is renamed: packets before and after are on different paths, in the file too */
static void device_renamed(void **state)
{
	struct pl_event ev = {
		.hook = PL_HOOK_receive_skb,
		.ifindex = IF_NIC,
		.netns = NETNS,
		.proto = 17,
		.flags = PL_F_KEY | PL_F_PAY,
	};
	json_t *changes = json_pack("[{s:s, s:I, s:I, s:I, s:i, s:s, s:s, s:s}]", "what", "renamed",
				    "time_ns", (json_int_t)500000, "after_ns", (json_int_t)499000,
				    "netns", (json_int_t)NETNS, "ifindex", IF_NIC, "name", "wan0",
				    "kind", "nic", "netns_name", "");
	struct packets kept = { 0 };
	struct live_stats ls;
	struct pipeline p;
	struct rec r;

	(void)state;
	assert_non_null(changes);
	rec_open(&r, 1, 100, 0);
	for (unsigned int i = 0; i < 10; i++) {
		ev.ts = 100000 * (i + 1);
		ev.obj = ev.key = ev.head = i + 1;
		assert_int_equal(live_event(r.live, 0, &ev), 0);
		ev.ts += 10000;
		ev.hook = PL_HOOK_dev_queue_tp;
		assert_int_equal(live_event(r.live, 0, &ev), 0);
		ev.hook = PL_HOOK_receive_skb;
		assert_int_equal(live_round(r.live, ev.ts + 1000, MANY), 0);
		if (i == 4)
			assert_int_equal(live_changes(r.live, changes), 0);
	}
	doc_put(r.w, TRACE_CHANGES, changes);
	rec_close(&r, &ls);
	rec_read(&r, &p, &kept);
	assert_int_equal(kept.n, 10);
	for (size_t i = 0; i < kept.n; i++)
		for (size_t k = 0; k < kept.p[i].n; k++)
			assert_string_equal(names_dev_name(p.domain[0].names, kept.p[i].s[k].dev),
					    kept.p[i].s[k].ts < 500000 ? "nic0" : "wan0");
	pipeline_close(&p);
	free(kept.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(same_as_afterwards, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(same_with_loss, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(too_busy, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(ends_early, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(device_renamed, dir_make, dir_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
