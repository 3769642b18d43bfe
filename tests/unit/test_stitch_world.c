// SPDX-License-Identifier: GPL-2.0
/*
 * Stitcher against a world whose truth is known: what it joins is true, whatever is lost, comes
 * twice or is reused; and what it calls complete has no hole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stitch_world.h"

struct check {
	const struct world *w;
	bool lossless;
	unsigned int *reported; /* by truth */
	__u64 packets, ends[PACKET_NR_ENDS], wrong, holes, contexts;
	__u64 by_hop[PL_NR_HOPS];
};

static bool is_ctx(const struct sighting *s)
{
	return hop_desc(s->hop)->class == PL_CLASS_CTX;
}

/* The packet that this one claims to be: the one of the last sighting that saw it alone */
static int truth_of(const struct check *c, const struct packet *p)
{
	__u32 owner;
	int i;

	for (i = p->n - 1; i >= 0; i--) {
		owner = c->w->owner[number_of(&p->s[i]) - 1];
		if (owner && owner != OWNER_MANY)
			return (int)owner - 1;
	}
	return -1;
}

/* Seen only together with others: is there a packet that it can be? */
static int truth_among(const struct check *c, const struct packet *p)
{
	size_t i;
	int k;

	for (i = 0; i < c->w->ntruth; i++) {
		for (k = 0; k < p->n; k++)
			if (allowed_at(&c->w->truth[i], number_of(&p->s[k])) < 0)
				break;
		if (k == p->n)
			return (int)i;
	}
	return 0;
}

static void complain(const struct check *c, const struct packet *p, int truth, const char *what)
{
	int i;

	printf("%s: packet %llu, truth %d, end %d\n", what, (unsigned long long)p->id, truth,
	       p->end);
	for (i = 0; i < p->n; i++)
		printf("  %llu cpu %u tid %u %s event %u owner %u%s\n",
		       (unsigned long long)p->s[i].ts, p->s[i].cpu, p->s[i].tid,
		       hop_desc(p->s[i].hop)->name, number_of(&p->s[i]),
		       c->w->owner[number_of(&p->s[i]) - 1],
		       allowed_at(&c->w->truth[truth], number_of(&p->s[i])) < 0 ? " WRONG" : "");
}

/* Complete: the hops that saw it are those of the truth, from the first on; none left out */
static bool has_hole(const struct truth *t, const struct packet *p, bool to_the_end)
{
	int i, k = 0;

	for (i = 0; i < p->n; i++) {
		if (is_ctx(&p->s[i]))
			continue;
		while (k < t->n && !t->seen[k])
			k++;
		if (k == t->n || t->ev[k] != number_of(&p->s[i]))
			return true;
		k++;
	}
	for (; to_the_end && k < t->n; k++)
		if (t->seen[k])
			return true;
	return false;
}

static int check_packet(void *ctx, const struct packet *p)
{
	struct check *c = ctx;
	int truth = truth_of(c, p), i;
	const struct truth *t;
	bool wrong = false;

	c->packets++;
	c->ends[p->end]++;
	if (truth < 0) {
		assert_false(c->lossless);
		truth = truth_among(c, p);
	}
	t = &c->w->truth[truth];
	for (i = 0; i < p->n; i++) {
		assert_true(!i || p->s[i].ts >= p->s[i - 1].ts);
		wrong |= allowed_at(t, number_of(&p->s[i])) < 0;
		c->contexts += is_ctx(&p->s[i]);
		c->by_hop[p->s[i].hop]++;
	}
	c->reported[truth]++;
	if (wrong && !c->wrong++)
		complain(c, p, truth, "wrong join");
	if (p->end == PACKET_COMPLETE && has_hole(t, p, c->lossless))
		c->holes++;
	if (c->lossless && c->holes == 1)
		complain(c, p, truth, "hole");
	if (c->lossless && t->end != PKT_WAITS && t->end != p->end &&
	    !(c->w->same_keys && p->end == PACKET_AMBIGUOUS) &&
	    !(t->unsure && (p->end == PACKET_MERGED || p->end == PACKET_INCOMPLETE))) {
		complain(c, p, truth, "end");
		assert_int_equal(t->end, p->end);
	}
	return 0;
}

/* What becomes of the stream on its way to the stitcher */
struct harm {
	unsigned int loss; /* bursts in 10000 events */
	unsigned int burst; /* events in a burst, at most, of one CPU */
	unsigned int twice; /* in 10000 */
	bool same_keys;
	size_t max_in_flight;
};

static void feed_world(const struct world *w, struct stitch *st, const struct harm *h, __u64 seed)
{
	unsigned int losing[CPUS] = {};
	bool gap[CPUS] = {};
	struct world r = { .rng = seed * 77777 + 3 };
	struct pl_event ev;
	size_t i;

	for (i = 0; i < w->n; i++) {
		ev = w->ev[i];
		/* that there is loss at all is known from here on: see GAP_DOUBT_NS */
		if (h->loss && i == 1)
			ev.flags |= PL_F_GAP;
		if (h->loss && rnd(&r, 10000) < h->loss)
			losing[ev.cpu] = 1 + rnd(&r, h->burst);
		if (losing[ev.cpu]) {
			losing[ev.cpu]--;
			gap[ev.cpu] = true;
			continue;
		}
		if (gap[ev.cpu])
			ev.flags |= PL_F_GAP;
		gap[ev.cpu] = false;
		assert_int_equal(stitch_event(st, &ev), 0);
		if (h->twice && rnd(&r, 10000) < h->twice)
			assert_int_equal(stitch_event(st, &ev), 0);
	}
	assert_int_equal(stitch_finish(st), 0);
}

static void run_once(__u64 seed, size_t events, const struct harm *h, struct check *c)
{
	struct world *w = world_run(seed, events, h->same_keys);
	struct names *names = feed_names();
	struct stitch_config cfg = {
		.packet = check_packet,
		.ctx = c,
		.names = names,
		.max_in_flight = h->max_in_flight,
	};
	struct stitch *st;
	__u64 sum = 0;
	size_t i;

	c->w = w;
	c->lossless = !h->loss && !h->max_in_flight;
	c->reported = calloc(w->ntruth, sizeof(*c->reported));
	assert_non_null(c->reported);
	assert_int_equal(stitch_new(&cfg, &st), 0);
	feed_world(w, st, h, seed);
	for (i = 0; i < PACKET_NR_ENDS; i++)
		sum += stitch_stats(st)->packets[i];
	assert_int_equal(sum, c->packets);
	for (i = 0; c->lossless && i < w->ntruth; i++)
		if (c->reported[i] != (w->truth[i].end != PKT_WAITS) && !w->truth[i].unsure &&
		    (w->truth[i].end != PKT_WAITS || c->reported[i] > 1))
			fail_msg("seed %llu: truth %zu reported %u times", (unsigned long long)seed, i,
				 c->reported[i]);
	/* that a CPU lost something is known only when it makes its next event: a packet that went
	 * on elsewhere meanwhile may have ended by then */
	if (c->wrong || c->holes > (c->lossless ? 0 : 2 + c->ends[PACKET_COMPLETE] / 50))
		fail_msg("seed %llu: %llu wrong joins, %llu holes of %llu", (unsigned long long)seed,
			 (unsigned long long)c->wrong, (unsigned long long)c->holes,
			 (unsigned long long)c->ends[PACKET_COMPLETE]);
	free(c->reported);
	stitch_free(st);
	names_free(names);
	world_free(w);
}

static void run(const struct harm *h, int seeds, size_t events, struct check *total)
{
	const char *more = getenv("STITCH_SEEDS");
	__u64 first = 1, seed;
	int i;

	if (more)
		seeds = atoi(more);
	if (getenv("STITCH_SEED"))
		first = strtoull(getenv("STITCH_SEED"), NULL, 10);
	memset(total, 0, sizeof(*total));
	for (seed = first; seed < first + seeds; seed++) {
		struct check c = {};

		run_once(seed, events, h, &c);
		for (i = 0; i < PACKET_NR_ENDS; i++)
			total->ends[i] += c.ends[i];
		for (i = 0; i < PL_NR_HOPS; i++)
			total->by_hop[i] += c.by_hop[i];
		total->packets += c.packets;
		total->holes += c.holes;
	}
	if (getenv("STITCH_VERBOSE"))
		for (i = 0; i < PL_NR_HOPS; i++)
			if (total->by_hop[i])
				printf("%-14s %llu\n", hop_desc(i)->name,
				       (unsigned long long)total->by_hop[i]);
	if (getenv("STITCH_VERBOSE"))
		printf("%llu packets, %llu holes: C %llu D %llu M %llu G %llu I %llu A %llu\n",
		       (unsigned long long)total->packets, (unsigned long long)total->holes,
		       (unsigned long long)total->ends[0],
		       (unsigned long long)total->ends[1], (unsigned long long)total->ends[2],
		       (unsigned long long)total->ends[3], (unsigned long long)total->ends[4],
		       (unsigned long long)total->ends[5]);
}

/* Nothing lost: each packet once, with its true end, and with most of its context */
static void test_truth(void **state)
{
	struct harm h = {};
	struct check c;

	(void)state;
	run(&h, 20, 30000, &c);
	assert_int_equal(c.ends[PACKET_AMBIGUOUS], 0);
	/* long enough to have learned what belongs together */
	run(&h, 1, 400000, &c);
	assert_true(c.by_hop[PL_HOP_nic_irq] > c.by_hop[PL_HOP_nic_gro] / 2);
	assert_true(c.by_hop[PL_HOP_vhost_used] > c.by_hop[PL_HOP_vhost_copy] * 9 / 10);
	assert_true(c.by_hop[PL_HOP_kvm_entry] > c.by_hop[PL_HOP_kvm_kick] * 9 / 10);
	assert_true(c.by_hop[PL_HOP_vmm_signal] > c.by_hop[PL_HOP_tap_read] / 2);
	assert_true(c.by_hop[PL_HOP_kvm_exit] > 0);
	assert_true(c.by_hop[PL_HOP_vhost_fetch] > c.by_hop[PL_HOP_tap_send] / 2);
	assert_true(c.by_hop[PL_HOP_sock_recv] > 0 && c.by_hop[PL_HOP_sock_copy] > 0);
	assert_true(c.by_hop[PL_HOP_app_recv] > c.by_hop[PL_HOP_sock_queue] * 9 / 10);
	assert_true(c.by_hop[PL_HOP_app_run] > c.by_hop[PL_HOP_app_wake] * 9 / 10);
}

/* Content does not tell packets apart: order and pointers do */
static void test_same_keys(void **state)
{
	struct harm h = { .same_keys = true, .twice = 100 };
	struct check c;

	(void)state;
	run(&h, 20, 30000, &c);
}

static void test_loss_single(void **state)
{
	struct harm h = { .loss = 20, .burst = 1, .twice = 20 };
	struct check c;

	(void)state;
	run(&h, 30, 30000, &c);
	assert_true(c.ends[PACKET_COMPLETE] > c.packets / 10);
}

static void test_loss_bursts(void **state)
{
	struct harm h = { .loss = 3, .burst = 300, .twice = 20 };
	struct check c;

	(void)state;
	run(&h, 30, 30000, &c);
	assert_true(c.ends[PACKET_COMPLETE] > c.packets / 10);
}

/* Half of all is lost */
static void test_loss_heavy(void **state)
{
	struct harm h = { .loss = 3000, .burst = 4 };
	struct check c;

	(void)state;
	run(&h, 20, 30000, &c);
}

static void test_little_room(void **state)
{
	struct harm h = { .max_in_flight = 64 };
	struct check c;

	(void)state;
	run(&h, 5, 30000, &c);
}

/* Random events without any sense: no crash, memory bound, every packet out once */
static int count_packet(void *ctx, const struct packet *p)
{
	(void)p;
	++*(__u64 *)ctx;
	return 0;
}

static void test_junk(void **state)
{
	struct names *names = feed_names();
	__u64 packets = 0, sum = 0;
	struct stitch_config cfg = {
		.packet = count_packet,
		.ctx = &packets,
		.names = names,
		.max_in_flight = 1000,
	};
	struct world r = { .rng = 4711 };
	struct stitch *st;
	struct pl_event ev;
	int i;

	(void)state;
	assert_int_equal(stitch_new(&cfg, &st), 0);
	for (i = 0; i < 500000; i++) {
		ev = (struct pl_event){
			.ts = 1000000 + i * 10 - rnd(&r, 100),
			.obj = rnd(&r, 40),
			.key = rnd(&r, 4),
			.head = rnd(&r, 40),
			.pay = rnd(&r, 2),
			.len = rnd(&r, 1000),
			.ifindex = rnd(&r, 16),
			.netns = NETNS,
			.tid = chance(&r, 50) ? TID_WORKER(rnd(&r, 4)) : TID_VCPU(rnd(&r, 4)),
			.arg = rnd(&r, 4),
			.cpu = rnd(&r, 3),
			.queue = rnd(&r, 4),
			.hook = rnd(&r, PL_NR_HOOKS + 3),
			.flags = rnd(&r, 65536),
		};
		if (!chance(&r, 5))
			ev.flags &= ~PL_F_GAP;
		assert_int_equal(stitch_event(st, &ev), 0);
	}
	assert_int_equal(stitch_finish(st), 0);
	for (i = 0; i < PACKET_NR_ENDS; i++)
		sum += stitch_stats(st)->packets[i];
	assert_int_equal(sum, packets);
	assert_true(stitch_stats(st)->in_flight_max <= 1000);
	stitch_free(st);
	names_free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truth),
		cmocka_unit_test(test_same_keys),
		cmocka_unit_test(test_loss_single),
		cmocka_unit_test(test_loss_bursts),
		cmocka_unit_test(test_loss_heavy),
		cmocka_unit_test(test_little_room),
		cmocka_unit_test(test_junk),
	};

	/* by hand: STITCH_TEST=test_loss_* STITCH_SEED=78 STITCH_SEEDS=1 STITCH_VERBOSE=1 */
	cmocka_set_test_filter(getenv("STITCH_TEST"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
