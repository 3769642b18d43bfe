// SPDX-License-Identifier: GPL-2.0
/* Packets that cross from one domain to another are joined, or counted; never wrongly */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "join.h"
#include "packets.h"
#include "random.h"

#define MS   1000000ULL

/* Domain d's clock shows SKEW * d less than domain 0's; its error is err */
#define SKEW 5000000000ULL

struct scene {
	struct join *j;
	__u64 err;
	char out[4096];
	unsigned int packets;
	struct packet last;
	/* of the property test */
	const struct world *world;
};

static __u64 map(void *ctx, unsigned int domain, __u64 ts, __u64 *err)
{
	struct scene *s = ctx;

	if (err)
		*err = domain ? s->err : 0;
	return ts + SKEW * domain;
}

/* Domains of SKEW, all related; from UNRELATED on none is to another */
#define UNRELATED 8

static unsigned int group(void *ctx, unsigned int domain)
{
	(void)ctx;
	return domain < UNRELATED ? 0 : domain;
}

static int show(void *ctx, const struct packet *p)
{
	static const char ends[] = "CDMSIA";
	struct scene *s = ctx;
	size_t at = strlen(s->out);

	for (int i = 0; i < p->n; i++) {
		if (i && p->s[i].ts < p->s[i - 1].ts)
			assert_true(p->nonmono);
		at += snprintf(s->out + at, sizeof(s->out) - at, "%s%u/%s ",
			       packet_crossing(p, i) ? "| " : "", packet_domain(p, i),
			       hop_desc(p->s[i].hop)->name);
	}
	snprintf(s->out + at, sizeof(s->out) - at, "%c%s\n", ends[p->end],
		 p->nonmono ? " impossible" : "");
	s->packets++;
	memcpy(&s->last, p, sizeof(*p));
	return 0;
}

static void begin(struct scene *s, unsigned int domains)
{
	struct join_config cfg = { .domains = domains, .map = map, .group = group, .packet = show, .ctx = s };

	memset(s, 0, sizeof(*s));
	s->err = 1000;
	assert_int_equal(join_new(&cfg, &s->j), 0);
}

static void end(struct scene *s)
{
	join_free(s->j);
}

struct see {
	enum pl_hop hop;
	__u16 dev;
	__s64 after; /* ns */
};

/* What domain d saw of a packet, each so long after ts, a time of domain 0 */
static void part(struct scene *s, unsigned int d, __u64 id, __u64 key, __u64 ts, const struct see *see,
		 size_t n)
{
	struct packet p;

	packet_begin(&p, id, PACKET_COMPLETE);
	p.key = key;
	for (size_t i = 0; i < n; i++)
		packet_see(&p, see[i].hop, see[i].dev, ts - SKEW * d + see[i].after);
	assert_int_equal(join_packet(s->j, d, &p), 0);
}

#define PART(s, d, id, key, ts, ...) \
	part(s, d, id, key, ts, (const struct see[]){ __VA_ARGS__ }, \
	     sizeof((const struct see[]){ __VA_ARGS__ }) / sizeof(struct see))

/* On the way to a guest: from the wire at ts, copied to it 30 us later */
static void to_guest(struct scene *s, __u64 id, __u64 key, __u16 tap, __u64 ts)
{
	PART(s, 0, id, key, ts, { PL_HOP_nic_gro, 1, 0 }, { PL_HOP_tap_xmit, tap, 10000 },
	     { PL_HOP_vhost_copy, tap, 20000 }, { PL_HOP_vhost_copied, tap, 30000 },
	     { PL_HOP_vhost_used, 0, 31000 }, { PL_HOP_kvm_entry, 0, 50000 });
}

/* In guest d: poll at ts - 5 us, GRO at ts, read 20 us later */
static void in_guest(struct scene *s, unsigned int d, __u64 id, __u64 key, __u64 ts)
{
	PART(s, d, id, key, ts, { PL_HOP_nic_poll, 0, -5000 }, { PL_HOP_nic_gro, 1, 0 },
	     { PL_HOP_app_recv, 0, 20000 });
}

static void from_guest(struct scene *s, unsigned int d, __u64 id, __u64 key, __u64 ts)
{
	PART(s, d, id, key, ts, { PL_HOP_app_send, 0, -9000 }, { PL_HOP_nic_xmit, 1, 0 },
	     { PL_HOP_nic_txdone, 1, 400000 });
}

/* From a guest's tap to the tap of another one, or to the wire */
static void through(struct scene *s, __u64 id, __u64 key, __u16 to, __u64 ts)
{
	const struct see see[] = {
		{ PL_HOP_vhost_tx, 0, -2000 },
		{ PL_HOP_tap_skb, 4, 0 },
		{ to == 1 ? PL_HOP_nic_xmit : PL_HOP_tap_xmit, to, 10000 },
		{ PL_HOP_vhost_copied, to, 30000 },
	};

	part(s, 0, id, key, ts, see, to == 1 ? 3 : 4);
}

static void finish(struct scene *s, const char *want)
{
	assert_int_equal(join_finish(s->j), 0);
	assert_string_equal(s->out, want);
	end(s);
}

/* The guest had it before the host was done: what came later caused nothing */
static void test_cut(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, 2);
	to_guest(&s, 1, 77, 4, 100 * MS);
	in_guest(&s, 1, 1, 77, 100 * MS + 40000);
	finish(&s, "0/nic:gro 0/tap:xmit 0/vhost:copy 0/vhost:copied 0/vhost:used | 1/nic:poll"
		   " 1/nic:gro 1/app:recv C\n");

	/* after the entry: all of it did, and the poll that ran before it was sent did not */
	begin(&s, 2);
	to_guest(&s, 1, 77, 4, 100 * MS);
	in_guest(&s, 1, 1, 77, 100 * MS + 33500);
	finish(&s, "0/nic:gro 0/tap:xmit 0/vhost:copy 0/vhost:copied 0/vhost:used | 1/nic:gro"
		   " 1/app:recv C\n");

	begin(&s, 2);
	to_guest(&s, 1, 77, 4, 100 * MS);
	in_guest(&s, 1, 1, 77, 100 * MS + 90000);
	finish(&s, "0/nic:gro 0/tap:xmit 0/vhost:copy 0/vhost:copied 0/vhost:used 0/kvm:entry"
		   " | 1/nic:poll 1/nic:gro 1/app:recv C\n");
}

static void test_times(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, 2);
	to_guest(&s, 3, 77, 4, 100 * MS);
	in_guest(&s, 1, 9, 77, 100 * MS + 90000);
	assert_int_equal(join_finish(s.j), 0);
	assert_int_equal(s.packets, 1);
	assert_int_equal(s.last.nparts, 2);
	assert_int_equal(s.last.id, 5); /* of domain 0, the third of two domains' */
	assert_int_equal(s.last.part[1].error_ns, 1000);
	assert_int_equal(s.last.part[1].moved_ns, 0);
	assert_int_equal(s.last.s[6].ts, 100 * MS + 85000);
	assert_int_equal(s.last.s[8].ts, 100 * MS + 110000);
	end(&s);
}

/* By the clock it came before it left: within the error it is 0 and marked, beyond it impossible */
static void test_before(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, 2);
	s.err = 10000;
	to_guest(&s, 1, 77, 4, 100 * MS);
	in_guest(&s, 1, 1, 77, 100 * MS + 28000);
	assert_int_equal(join_finish(s.j), 0);
	assert_int_equal(s.packets, 1);
	assert_false(s.last.nonmono);
	assert_int_equal(s.last.part[1].moved_ns, 31000 - 23000);
	assert_int_equal(join_stats(s.j)->moved, 1);
	end(&s);

	begin(&s, 2);
	to_guest(&s, 1, 77, 4, 100 * MS);
	in_guest(&s, 1, 1, 77, 100 * MS + 5000);
	assert_int_equal(join_finish(s.j), 0);
	assert_int_equal(s.packets, 2); /* cannot be the same */
	assert_int_equal(join_stats(s.j)->joined, 0);
	end(&s);
}

/* Guest to guest: three parts, whatever order they ended in */
static void test_three(void **state)
{
	static const char want[] = "1/app:send 1/nic:xmit | 0/vhost:tx 0/tap:skb 0/tap:xmit"
				   " 0/vhost:copied | 2/nic:poll 2/nic:gro 2/app:recv C\n";
	struct scene s;

	(void)state;
	for (int order = 0; order < 6; order++) {
		begin(&s, 3);
		for (int i = 0; i < 3; i++) {
			int what = (order + i * (order < 3 ? 1 : 2)) % 3;

			if (what == 0)
				from_guest(&s, 1, 1, 5, 100 * MS);
			else if (what == 1)
				through(&s, 1, 5, 6, 100 * MS + 20000);
			else
				in_guest(&s, 2, 1, 5, 100 * MS + 70000);
		}
		assert_int_equal(join_stats(s.j)->parts, 3);
		finish(&s, want);
	}
}

/* Clocks without a relation: the same key means nothing */
static void test_unrelated(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, UNRELATED + 1);
	to_guest(&s, 1, 77, 4, 100 * MS);
	in_guest(&s, UNRELATED, 1, 77, 100 * MS + 90000);
	assert_int_equal(join_finish(s.j), 0);
	assert_int_equal(s.packets, 2);
	assert_int_equal(join_stats(s.j)->joined, 0);
	end(&s);
}

/* More domains on the way than a packet has room for: the rest is a packet of its own, and counted */
static void test_long(void **state)
{
	struct scene s;
	struct packet p;

	(void)state;
	begin(&s, UNRELATED);
	for (unsigned int d = 0; d < PACKET_MAX_PARTS + 2; d++) {
		packet_begin(&p, 1, d < PACKET_MAX_PARTS + 1 ? PACKET_COMPLETE : PACKET_DROPPED);
		p.key = 9;
		packet_see(&p, PL_HOP_nic_gro, 1, 100 * MS + d * 100000 - SKEW * d);
		packet_see(&p, p.end == PACKET_DROPPED ? PL_HOP_drop : PL_HOP_nic_xmit, 1,
			   100 * MS + d * 100000 + 10000 - SKEW * d);
		assert_int_equal(join_packet(s.j, d, &p), 0);
	}
	assert_int_equal(join_finish(s.j), 0);
	assert_int_equal(s.packets, 2);
	assert_int_equal(join_stats(s.j)->joined, PACKET_MAX_PARTS);
	assert_int_equal(join_stats(s.j)->too_long, 1);
	assert_non_null(strstr(s.out, "drop D"));
	end(&s);
}

/* The worker was at its queue before the packet was there: no part of its way */
static void test_head(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, 2);
	from_guest(&s, 1, 1, 5, 100 * MS);
	through(&s, 1, 5, 1, 100 * MS + 900);
	finish(&s, "1/app:send 1/nic:xmit | 0/tap:skb 0/nic:xmit C\n");
}

/* Two that could be meant: neither is */
static void test_ambiguous(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, 2);
	to_guest(&s, 1, 77, 4, 100 * MS);
	to_guest(&s, 2, 77, 4, 101 * MS);
	in_guest(&s, 1, 1, 77, 102 * MS);
	assert_int_equal(join_finish(s.j), 0);
	assert_int_equal(s.packets, 3);
	assert_int_equal(join_stats(s.j)->joined, 0);
	assert_true(join_stats(s.j)->ambiguous > 0);
	end(&s);

	/* in time they are one after the other: each is alone */
	begin(&s, 2);
	to_guest(&s, 1, 77, 4, 100 * MS);
	in_guest(&s, 1, 1, 77, 101 * MS);
	assert_int_equal(join_time(s.j, 102 * MS), 0);
	assert_int_equal(join_time(s.j, 60000 * MS), 0);
	assert_int_equal(s.packets, 1);
	to_guest(&s, 2, 77, 4, 70000 * MS);
	in_guest(&s, 1, 2, 77, 70001 * MS);
	assert_int_equal(join_finish(s.j), 0);
	assert_int_equal(s.packets, 2);
	assert_int_equal(join_stats(s.j)->joined, 2);
	end(&s);
}

/* A flood reaches two guests: once it is known whose tap is whose, each copy goes to its own */
static void test_flood(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, 3);
	for (int i = 1; i <= 10; i++) {
		to_guest(&s, i, 100 + i, i % 2 ? 4 : 6, 100 * i * MS);
		in_guest(&s, i % 2 ? 1 : 2, i, 100 + i, 100 * i * MS + 90000);
		assert_int_equal(join_time(s.j, (100 * i + 50) * MS), 0);
	}
	assert_int_equal(join_time(s.j, 60000 * MS), 0);
	s.out[0] = '\0';
	s.packets = 0;
	to_guest(&s, 11, 500, 4, 70000 * MS);
	to_guest(&s, 12, 500, 6, 70000 * MS);
	in_guest(&s, 1, 11, 500, 70000 * MS + 90000);
	in_guest(&s, 2, 11, 500, 70000 * MS + 95000);
	assert_int_equal(join_finish(s.j), 0);
	assert_int_equal(s.packets, 2);
	assert_int_equal(join_stats(s.j)->joined, 12);
	assert_int_equal(join_stats(s.j)->ambiguous, 0);
	end(&s);
}

/* Memory has a bound; what goes because of it is counted, and comes out as it is */
static void test_bound(void **state)
{
	struct join_config cfg = { .domains = 2, .map = map, .group = group, .packet = show, .max_held = 100 };
	struct scene s = { .err = 1000 };

	(void)state;
	cfg.ctx = &s;
	assert_int_equal(join_new(&cfg, &s.j), 0);
	for (int i = 1; i <= 1000; i++) {
		s.out[0] = '\0';
		to_guest(&s, i, 1000 + i, 4, 100 * MS + i * 1000);
	}
	assert_int_equal(s.packets, 900);
	assert_int_equal(join_stats(s.j)->evicted, 900);
	s.out[0] = '\0';
	assert_int_equal(join_finish(s.j), 0);
	assert_int_equal(s.packets, 1000);
	assert_int_equal(join_stats(s.j)->left[0], 1000);
	end(&s);
}

/* --- property: worlds of two guests, with keys that repeat, loss, and any order of endings --- */

#define WORLD 3000

struct world {
	__u64 seed;
	__u32 truth[WORLD]; /* by number of the host's packet: of the guest's; 0: lost */
	unsigned int wrong, joined;
};

static int world_packet(void *ctx, const struct packet *p)
{
	struct scene *s = ctx;
	struct world *w = (struct world *)s->world;

	if (p->nparts != 2)
		return 0;
	w->joined++;
	/* the sender's number is in its length, the receiver's in its */
	w->wrong += w->truth[p->s[0].len] != p->s[p->n - 1].len;
	return 0;
}

struct ending {
	__u64 ts;
	unsigned int domain;
	struct packet p;
};

static int ending_cmp(const void *a, const void *b)
{
	const struct ending *x = a, *y = b;

	return (x->ts > y->ts) - (x->ts < y->ts);
}

static void test_world(void **state)
{
	static struct ending e[2 * WORLD];
	unsigned int joined = 0;

	(void)state;
	for (__u64 seed = 1; seed <= 30; seed++) {
		struct world w = { .seed = seed };
		struct scene s = { .err = random_below(&w.seed, 20000), .world = &w };
		struct join_config cfg = { .domains = 3, .map = map, .group = group, .packet = world_packet, .ctx = &s };
		__u64 ts = 100 * MS, keys = 2 + random_below(&w.seed, 5000);
		size_t n = 0, i;

		assert_int_equal(join_new(&cfg, &s.j), 0);
		for (i = 1; i < WORLD; i++) {
			__u64 key = 1 + random_below(&w.seed, keys), there;
			unsigned int guest = 1 + random_below(&w.seed, 2);

			ts += random_below(&w.seed, 40 * MS);
			packet_begin(&e[n].p, i, PACKET_COMPLETE);
			e[n].p.key = key;
			packet_see(&e[n].p, PL_HOP_nic_gro, 1, ts)->len = i;
			packet_see(&e[n].p, PL_HOP_vhost_copied, guest * 2 + 2, ts + 1000);
			e[n].domain = 0;
			e[n++].ts = ts + 1000 + random_below(&w.seed, 100 * MS);
			if (!random_below(&w.seed, 10))
				continue; /* lost on its way, or in the guest's rings */
			there = ts + 1000 + random_below(&w.seed, random_below(&w.seed, 4) ? 200000 : 300 * MS);
			w.truth[i] = i + 7;
			packet_begin(&e[n].p, i, PACKET_COMPLETE);
			e[n].p.key = key;
			packet_see(&e[n].p, PL_HOP_nic_gro, 1, there - SKEW * guest);
			packet_see(&e[n].p, PL_HOP_app_recv, 1, there + 100 - SKEW * guest)->len = i + 7;
			e[n].domain = guest;
			e[n++].ts = there + 100 + random_below(&w.seed, 100 * MS);
		}
		qsort(e, n, sizeof(*e), ending_cmp);
		for (i = 0; i < n; i++) {
			assert_int_equal(join_time(s.j, e[i].ts), 0);
			assert_int_equal(join_packet(s.j, e[i].domain, &e[i].p), 0);
		}
		assert_int_equal(join_finish(s.j), 0);
		joined += w.joined;
		if (w.wrong)
			fail_msg("seed %llu: %u of %u joins are wrong", seed, w.wrong, w.joined);
		join_free(s.j);
	}
	assert_true(joined > 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_before),
		cmocka_unit_test(test_three),
		cmocka_unit_test(test_unrelated),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_ambiguous),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
