// SPDX-License-Identifier: GPL-2.0
/* Breakdown: grouping by path, order of the nodes, exact sums, drops */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "breakdown.h"
#include "packets.h"

enum { ETH = 1,
       BR,
       TAP,
       TAP2 };

static struct breakdown_builder *builder(void)
{
	struct breakdown_builder *b;

	assert_int_equal(breakdown_new(&b), 0);
	return b;
}

static const struct breakdown *finish(struct breakdown_builder *b)
{
	const struct breakdown *r;

	assert_int_equal(breakdown_finish(b, &r), 0);
	return r;
}

static const struct path_node *node(const struct path_stat *path, size_t i)
{
	assert_true(i < path->nnodes);
	return &path->nodes[i];
}

static const struct stage *stage(const struct path_stat *path, enum pl_hop from, enum pl_hop to)
{
	for (size_t i = 0; i < path->nstages; i++) {
		const struct stage *s = &path->stages[i];

		if (path->nodes[s->from].hop == from && path->nodes[s->to].hop == to)
			return s;
	}
	fail_msg("no such stage");
	return NULL;
}

/* Packet of hops[] on devs[], 100 ns apart, the i-th stage i ns longer */
static void feed(struct breakdown_builder *b, __u64 id, size_t n, const enum pl_hop *hops,
		 const __u16 *devs)
{
	struct packet p;
	__u64 ts = id * 1000000;

	packet_begin(&p, id, PACKET_COMPLETE);
	for (size_t i = 0; i < n; i++) {
		packet_see(&p, hops[i], devs[i], ts);
		ts += 100 + i;
	}
	assert_int_equal(breakdown_packet(b, &p), 0);
}

static const enum pl_hop HOPS[] = {
	PL_HOP_nic_gro,
	PL_HOP_nic_skb,
	PL_HOP_br_in,
	PL_HOP_dev_queue,
	PL_HOP_tap_xmit,
	PL_HOP_vhost_copy,
	PL_HOP_vhost_copied,
};
static const __u16 DEVS[] = { ETH, ETH, ETH, TAP, TAP, TAP, TAP };
static const __u16 DEVS2[] = { ETH, ETH, ETH, TAP2, TAP2, TAP2, TAP2 };

static void test_groups_by_shape(void **state)
{
	struct breakdown_builder *b = builder();
	const struct breakdown *r;

	(void)state;
	feed(b, 1, 7, HOPS, DEVS2);
	feed(b, 2, 7, HOPS, DEVS);
	feed(b, 3, 7, HOPS, DEVS);
	feed(b, 4, 6, HOPS, DEVS);
	feed(b, 5, 7, HOPS, DEVS);
	r = finish(b);

	assert_int_equal(r->npaths, 3);
	assert_int_equal(r->paths[0].packets, 3);
	assert_int_equal(r->paths[0].id, 1);
	assert_int_equal(r->paths[0].nnodes, 7);
	assert_int_equal(r->paths[0].nstages, 6);
	assert_int_equal(r->paths[0].nodes[6].dev, TAP);
	assert_int_equal(r->paths[1].packets, 1);
	assert_int_equal(r->seen, 5);
	for (size_t i = 0; i < r->paths[0].nstages; i++) {
		const struct stage *s = &r->paths[0].stages[i];

		assert_int_equal(s->from, i);
		assert_int_equal(s->to, i + 1);
		assert_int_equal(s->ns.n, 3);
		assert_int_equal(s->ns.min, 100 + i);
		assert_int_equal(s->ns.max, 100 + i);
	}
	breakdown_free(b);
}

/* A packet that misses an optional hop, or meets one more, is of the same path */
static void test_optional_hops(void **state)
{
	struct breakdown_builder *b = builder();
	const struct path_stat *path;
	const struct breakdown *r;
	struct packet p;

	(void)state;
	for (int i = 0; i < 4; i++) {
		packet_begin(&p, 1 + i, PACKET_COMPLETE);
		if (i & 1)
			packet_see(&p, PL_HOP_nic_irq, ETH, 10);
		packet_see(&p, PL_HOP_nic_gro, ETH, 20);
		if (i & 2)
			packet_see(&p, PL_HOP_qdisc_enq, TAP, 30);
		packet_see(&p, PL_HOP_tap_xmit, TAP, 40);
		packet_see(&p, PL_HOP_vhost_wake, 0, 50)->tid = 2154;
		assert_int_equal(breakdown_packet(b, &p), 0);
	}
	r = finish(b);
	assert_int_equal(r->npaths, 1);
	path = &r->paths[0];
	assert_int_equal(path->nnodes, 5);
	assert_int_equal(node(path, 0)->hop, PL_HOP_nic_irq);
	assert_int_equal(node(path, 1)->hop, PL_HOP_nic_gro);
	assert_int_equal(node(path, 2)->hop, PL_HOP_qdisc_enq);
	assert_int_equal(node(path, 3)->hop, PL_HOP_tap_xmit);
	assert_int_equal(node(path, 4)->hop, PL_HOP_vhost_wake);
	assert_int_equal(node(path, 4)->tid, 2154);
	assert_int_equal(node(path, 4)->n, 4);
	assert_int_equal(node(path, 2)->n, 2);
	assert_int_equal(stage(path, PL_HOP_nic_irq, PL_HOP_nic_gro)->ns.n, 2);
	assert_int_equal(stage(path, PL_HOP_nic_gro, PL_HOP_tap_xmit)->ns.n, 2);
	assert_int_equal(stage(path, PL_HOP_nic_gro, PL_HOP_qdisc_enq)->ns.n, 2);
	/* by from, then to: the shorter step before the longer */
	assert_int_equal(path->stages[1].to, 2);
	assert_int_equal(path->stages[2].to, 3);
	breakdown_free(b);
}

/*
 * Wake-up and used ring may come in either order: that of most packets wins, whichever came
 * first, and nothing is lost.
 */
static void test_conflicting_order(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++) {
		struct breakdown_builder *b = builder();
		const struct path_stat *path;
		const struct breakdown *r;

		for (int i = 0; i < 10; i++) {
			bool swap = first ? i < 2 : i >= 8;
			struct packet p;

			packet_begin(&p, 1 + i, PACKET_COMPLETE);
			packet_see(&p, PL_HOP_tap_xmit, TAP, 0);
			packet_see(&p, swap ? PL_HOP_kvm_kick : PL_HOP_vhost_used, 0, 100);
			packet_see(&p, swap ? PL_HOP_vhost_used : PL_HOP_kvm_kick, 0, 300);
			packet_see(&p, PL_HOP_vhost_copied, TAP, 600);
			assert_int_equal(breakdown_packet(b, &p), 0);
		}
		r = finish(b);
		path = &r->paths[0];
		assert_int_equal(r->npaths, 1);
		assert_int_equal(path->nnodes, 4);
		assert_int_equal(node(path, 0)->hop, PL_HOP_tap_xmit);
		assert_int_equal(node(path, 1)->hop, PL_HOP_vhost_used);
		assert_int_equal(node(path, 2)->hop, PL_HOP_kvm_kick);
		assert_int_equal(node(path, 3)->hop, PL_HOP_vhost_copied);
		assert_int_equal(path->nstages, 6);
		assert_int_equal(stage(path, PL_HOP_kvm_kick, PL_HOP_vhost_used)->ns.n, 2);
		assert_int_equal(stage(path, PL_HOP_vhost_used, PL_HOP_kvm_kick)->ns.n, 8);
		breakdown_free(b);
	}
}

/* The same hop at the same device twice (hairpin) is two nodes */
static void test_repeated_hop(void **state)
{
	struct breakdown_builder *b = builder();
	const struct breakdown *r;
	struct packet p;

	(void)state;
	packet_begin(&p, 1, PACKET_COMPLETE);
	packet_see(&p, PL_HOP_br_in, ETH, 10);
	packet_see(&p, PL_HOP_qdisc_enq, ETH, 20);
	packet_see(&p, PL_HOP_br_in, ETH, 40);
	packet_see(&p, PL_HOP_qdisc_enq, ETH, 70);
	packet_see(&p, PL_HOP_qdisc_enq, TAP, 110);
	assert_int_equal(breakdown_packet(b, &p), 0);
	p.id = 2;
	assert_int_equal(breakdown_packet(b, &p), 0);
	r = finish(b);
	assert_int_equal(r->npaths, 1);
	assert_int_equal(r->paths[0].nnodes, 5);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(node(&r->paths[0], i)->nth, i == 2 || i == 3);
		assert_int_equal(node(&r->paths[0], i)->n, 2);
	}
	assert_int_equal(r->paths[0].nstages, 4);
	breakdown_free(b);
}

static __u64 random_next(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A packet with random hops out of an order of the way, some of them missing, some swapped */
static void random_packet(struct packet *p, __u64 id, __u64 *r)
{
	__u64 ts = id * 1000;

	packet_begin(p, id, PACKET_COMPLETE);
	for (int hop = 1; hop < PL_NR_HOPS && p->n < 40; hop++) {
		bool optional = hop_desc(hop)->flags & PL_HOP_OPT;

		if (optional ? random_next(r) % 3 == 0 : random_next(r) % 50 == 0)
			continue;
		packet_see(p, hop, optional ? random_next(r) % 3 : 1U + hop / 10, ts);
		ts += random_next(r) >> (30 + random_next(r) % 34);
	}
	for (int i = 0; i < 2 && p->n > 2; i++) {
		size_t at = random_next(r) % (p->n - 1);
		__u8 hop = p->s[at].hop;

		p->s[at].hop = p->s[at + 1].hop;
		p->s[at + 1].hop = hop;
	}
}

/* Whatever the packets look like: the sums of the stages are the sum of the totals, exactly */
static void test_sums_exact(void **state)
{
	__u64 r = 88172645463325252ULL, packets = 0;
	struct breakdown_builder *b = builder();
	unsigned __int128 want = 0, got = 0;
	const struct breakdown *res;
	struct packet p;

	(void)state;
	for (__u64 id = 1; id <= 3000; id++) {
		random_packet(&p, id, &r);
		want += p.s[p.n - 1].ts - p.s[0].ts;
		assert_int_equal(breakdown_packet(b, &p), 0);
	}
	res = finish(b);
	assert_true(res->npaths > 10);
	for (size_t i = 0; i < res->npaths; i++) {
		const struct path_stat *path = &res->paths[i];
		unsigned __int128 sum = 0;

		packets += path->packets;
		assert_int_equal(path->total.n, path->packets);
		for (size_t j = 0; j < path->nstages; j++) {
			sum += path->stages[j].ns.sum;
			assert_true(path->stages[j].from != path->stages[j].to);
			assert_true(j == 0 || path->stages[j - 1].from < path->stages[j].from ||
				    (path->stages[j - 1].from == path->stages[j].from &&
				     path->stages[j - 1].to < path->stages[j].to));
		}
		assert_true(sum == path->total.sum);
		got += sum;
	}
	assert_true(got == want);
	assert_int_equal(packets, 3000);
	breakdown_free(b);
}

/* For each packet alone: its stages sum to its total, each at its place */
static void test_packet_sums(void **state)
{
	__u64 r = 4711;

	(void)state;
	for (__u64 id = 1; id <= 200; id++) {
		struct breakdown_builder *b = builder();
		const struct path_stat *path;
		struct packet p;

		random_packet(&p, id, &r);
		assert_int_equal(breakdown_packet(b, &p), 0);
		path = &finish(b)->paths[0];
		assert_int_equal(path->nnodes, p.n);
		assert_int_equal(path->nstages, p.n - 1);
		for (size_t i = 0; i < p.n; i++)
			assert_int_equal(path->nodes[i].hop, p.s[i].hop);
		for (size_t i = 0; i + 1 < p.n; i++) {
			assert_int_equal(path->stages[i].from, i);
			assert_int_equal(path->stages[i].to, i + 1);
			assert_true(path->stages[i].ns.sum == p.s[i + 1].ts - p.s[i].ts);
		}
		assert_true(path->total.sum == p.s[p.n - 1].ts - p.s[0].ts);
		breakdown_free(b);
	}
}

static void test_slowest(void **state)
{
	struct breakdown_builder *b = builder();
	const struct path_stat *path;
	struct packet p;

	(void)state;
	for (int i = 0; i < 100; i++) {
		packet_begin(&p, 1 + i, PACKET_COMPLETE);
		packet_see(&p, PL_HOP_nic_irq, ETH, 1000 * i);
		packet_see(&p, PL_HOP_nic_gro, ETH, 1000 * i + 5);
		packet_see(&p, PL_HOP_tap_xmit, TAP, 1000 * i + (i == 41 ? 700 : 50 + i));
		packet_see(&p, PL_HOP_vhost_copied, TAP, 1000 * i + 900);
		if (i == 41)
			p.s[3].ts += 3;
		assert_int_equal(breakdown_packet(b, &p), 0);
	}
	path = &finish(b)->paths[0];
	assert_int_equal(path->slowest, 42);
	assert_int_equal(path->slowest_ts, 41000);
	assert_int_equal(path->slowest_ns, 903);
	assert_ptr_equal(path->slowest_stage, stage(path, PL_HOP_nic_gro, PL_HOP_tap_xmit));
	assert_int_equal(path->slowest_stage_ns, 695);
	assert_int_equal(path->slowest_stage->max_packet, 42);
	assert_int_equal(path->slowest_stage->min_packet, 1);
	breakdown_free(b);
}

static void feed_drop(struct breakdown_builder *b, __u16 dev, size_t hops, __u32 reason)
{
	struct packet p;

	packet_begin(&p, 1, PACKET_DROPPED);
	p.drop_reason = reason;
	p.drop_place = 4096;
	packet_see(&p, PL_HOP_nic_irq, ETH, 1);
	for (size_t i = 0; i < hops; i++)
		packet_see(&p, HOPS[i], i < 3 ? ETH : dev, 2 + i);
	packet_see(&p, PL_HOP_drop, dev, 20);
	assert_int_equal(breakdown_packet(b, &p), 0);
}

/* Drops belong to the path that begins like them; what no path begins like keeps its own way */
static void test_drops(void **state)
{
	struct breakdown_builder *b = builder();
	const struct breakdown *r;

	(void)state;
	feed_drop(b, TAP, 4, 2);
	for (int i = 0; i < 3; i++)
		feed(b, 1 + i, 7, HOPS, DEVS);
	feed(b, 4, 7, HOPS, DEVS2);
	for (int i = 0; i < 5; i++)
		feed_drop(b, TAP, 4, 6);
	feed_drop(b, TAP2, 4, 6);
	feed_drop(b, ETH, 3, 6);
	feed_drop(b, BR, 4, 6);
	r = finish(b);

	assert_int_equal(r->npaths, 2);
	assert_int_equal(r->packets[PACKET_DROPPED], 9);
	assert_int_equal(r->ndrops, 5);
	assert_int_equal(r->paths[0].dropped, 7);
	assert_int_equal(r->paths[1].dropped, 1);

	assert_int_equal(r->drops[0].path, 1);
	assert_int_equal(r->drops[0].packets, 5);
	assert_int_equal(r->drops[0].reason, 6);
	assert_int_equal(r->drops[0].place, 4096);
	assert_int_equal(r->drops[0].hop, PL_HOP_dev_queue);
	assert_int_equal(r->drops[0].dev, TAP);
	assert_int_equal(r->drops[3].path, 2);
	assert_int_equal(r->drops[4].path, 0);
	assert_int_equal(r->drops[4].nnodes, 4);
	assert_int_equal(r->drops[4].nodes[3].dev, BR);
	breakdown_free(b);
}

/* Only packets with a whole way make statistics; all are counted */
static void test_ends(void **state)
{
	struct breakdown_builder *b = builder();
	const struct breakdown *r;
	struct packet p;

	(void)state;
	for (int end = 0; end < PACKET_NR_ENDS; end++) {
		packet_begin(&p, 1 + end, end);
		packet_see(&p, PL_HOP_nic_gro, ETH, 1);
		packet_see(&p, PL_HOP_tap_xmit, TAP, 2);
		p.cloned = end == PACKET_COMPLETE;
		assert_int_equal(breakdown_packet(b, &p), 0);
	}
	packet_begin(&p, 9, PACKET_COMPLETE);
	packet_see(&p, PL_HOP_nic_gro, ETH, 1);
	p.nonmono = 1;
	assert_int_equal(breakdown_packet(b, &p), 0);
	packet_begin(&p, 10, PACKET_DROPPED);
	assert_int_equal(breakdown_packet(b, &p), 0);

	r = finish(b);
	assert_int_equal(r->seen, PACKET_NR_ENDS + 2);
	assert_int_equal(r->packets[PACKET_COMPLETE], 2);
	assert_int_equal(r->packets[PACKET_AMBIGUOUS], 1);
	assert_int_equal(r->cloned, 1);
	assert_int_equal(r->nonmono, 1);
	assert_int_equal(r->npaths, 1);
	assert_int_equal(r->paths[0].packets, 1);
	/* a drop with no hop before it is no path's beginning */
	assert_int_equal(r->drops[r->ndrops - 1].path, 0);
	assert_int_equal(r->drops[r->ndrops - 1].hop, PL_HOP_none);
	breakdown_free(b);
}

/* A second pass over the packets finds each in its path, with the optional hops in place */
static void test_path_id(void **state)
{
	struct breakdown_builder *b = builder();
	const struct breakdown *r;
	__u64 seen[64] = { 0 }, rnd = 99;
	static struct packet p[200];

	(void)state;
	for (int i = 0; i < 200; i++) {
		random_packet(&p[i], 1 + i, &rnd);
		/* few shapes, so that paths have several packets */
		for (int j = 0; j < p[i].n; j++)
			if (!(hop_desc(p[i].s[j].hop)->flags & PL_HOP_OPT))
				p[i].s[j].hop = PL_HOP_br_in + (i & 1), p[i].s[j].dev = ETH;
		p[i].end = i % 10 ? PACKET_COMPLETE : PACKET_DROPPED;
		assert_int_equal(breakdown_packet(b, &p[i]), 0);
	}
	r = finish(b);
	assert_true(r->npaths < 64);
	for (int i = 0; i < 200; i++) {
		__u32 id = breakdown_path_id(b, &p[i]);

		assert_true(p[i].end == PACKET_COMPLETE ? id >= 1 && id <= r->npaths : !id);
		seen[id]++;
	}
	for (size_t i = 0; i < r->npaths; i++)
		assert_int_equal(seen[i + 1], r->paths[i].packets);
	packet_begin(&p[0], 1, PACKET_COMPLETE);
	packet_see(&p[0], PL_HOP_tap_skb, 77, 1);
	assert_int_equal(breakdown_path_id(b, &p[0]), 0);
	breakdown_free(b);
}

static void test_nothing(void **state)
{
	struct breakdown_builder *b = builder();
	const struct breakdown *r = finish(b);

	(void)state;
	assert_int_equal(r->npaths, 0);
	assert_int_equal(r->ndrops, 0);
	breakdown_free(b);
	breakdown_free(NULL);

	/* one sighting: a path without a stage */
	b = builder();
	feed(b, 1, 1, HOPS, DEVS);
	r = finish(b);
	assert_int_equal(r->npaths, 1);
	assert_int_equal(r->paths[0].nstages, 0);
	assert_null(r->paths[0].slowest_stage);
	breakdown_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups_by_shape),
		cmocka_unit_test(test_optional_hops),
		cmocka_unit_test(test_conflicting_order),
		cmocka_unit_test(test_repeated_hop),
		cmocka_unit_test(test_sums_exact),
		cmocka_unit_test(test_packet_sums),
		cmocka_unit_test(test_slowest),
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_path_id),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
