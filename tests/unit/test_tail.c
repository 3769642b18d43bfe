// SPDX-License-Identifier: GPL-2.0
/* The slowest packets against those in the middle, held against all packets sorted */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "packets.h"
#include "report.h"
#include "slowest.h"
#include "tail.h"

#define STAGES 4

/* One way of four stages, the second of them by an optional hop that half of the packets meet */
static void packet_make(struct packet *p, __u64 id, const __u64 ns[STAGES])
{
	__u64 ts = 1000000;

	packet_begin(p, id, PACKET_COMPLETE);
	packet_see(p, PL_HOP_nic_gro, 1, ts);
	packet_see(p, PL_HOP_nic_skb, 1, ts += ns[0]);
	if (id % 2)
		packet_see(p, PL_HOP_vhost_run, 0, ts += ns[1]);
	packet_see(p, PL_HOP_tap_xmit, 2, ts += ns[2]);
	packet_see(p, PL_HOP_tap_read, 2, ts + ns[3]);
}

struct world {
	struct packet *p; /* in the order of their totals after world_sort() */
	size_t n;
	struct breakdown_builder *builder;
	const struct breakdown *result;
	struct tail *tail;
	const struct tail_path *paths;
};

static int total_cmp(const void *a, const void *b)
{
	__u64 x = packet_total(a), y = packet_total(b);

	return (x > y) - (x < y);
}

static void world_make(struct world *w, size_t n, void (*times)(__u64 id, __u64 ns[STAGES]))
{
	memset(w, 0, sizeof(*w));
	w->p = calloc(n, sizeof(*w->p));
	w->n = n;
	assert_non_null(w->p);
	assert_int_equal(breakdown_new(&w->builder), 0);
	for (size_t i = 0; i < n; i++) {
		__u64 ns[STAGES] = { 0 };

		times(i + 1, ns);
		packet_make(&w->p[i], i + 1, ns);
		assert_int_equal(breakdown_packet(w->builder, &w->p[i]), 0);
	}
	assert_int_equal(breakdown_finish(w->builder, &w->result), 0);
	assert_int_equal(w->result->npaths, 1);
}

static void world_tail(struct world *w, const char *asked)
{
	struct tail_spec spec;

	assert_int_equal(tail_spec_parse(asked, &spec), 0);
	assert_int_equal(tail_new(w->builder, w->result, &spec, &w->tail), 0);
	for (size_t i = 0; i < w->n; i++)
		assert_int_equal(tail_packet(w->tail, &w->p[i]), 0);
	assert_int_equal(tail_finish(w->tail, &w->paths), 0);
	qsort(w->p, w->n, sizeof(*w->p), total_cmp);
}

static void world_free(struct world *w)
{
	tail_free(w->tail);
	breakdown_free(w->builder);
	free(w->p);
}

static void times_random(__u64 id, __u64 ns[STAGES])
{
	for (int i = 0; i < STAGES; i++)
		ns[i] = 1000 + rand() % 3000;
	/* one in 50 waits, nearly all of them in the third stage */
	if (id % 50 == 0)
		ns[id % 500 ? 2 : 0] += 40000 + rand() % 100000;
}

/* The time of the stages of packets first .. n - 1, by their hops */
static __u64 sum_of(const struct world *w, size_t first, size_t n, enum pl_hop from, enum pl_hop to)
{
	__u64 sum = 0;

	for (size_t i = first; i < first + n; i++)
		for (size_t j = 1; j < w->p[i].n; j++)
			if (w->p[i].s[j - 1].hop == from && w->p[i].s[j].hop == to)
				sum += w->p[i].s[j].ts - w->p[i].s[j - 1].ts;
	return sum;
}

static void check_against_sorted(const struct world *w, size_t slow)
{
	const struct path_stat *path = &w->result->paths[0];
	const struct tail_path *tail = &w->paths[0];
	unsigned __int128 middle = 0, all = 0;
	size_t first = w->n - slow;

	assert_int_equal(tail->wanted, slow);
	assert_int_equal(tail->slow.n, slow);
	assert_false(tail->coarse);
	assert_int_equal(tail->limit, packet_total(&w->p[first]));
	for (size_t i = 0; i < path->nstages; i++) {
		enum pl_hop from = path->nodes[path->stages[i].from].hop;
		enum pl_hop to = path->nodes[path->stages[i].to].hop;

		assert_int_equal(tail->stages[i].slow.sum, sum_of(w, first, slow, from, to));
		all += tail->stages[i].slow.sum;
		middle += tail->stages[i].middle_sum;
	}
	assert_true(all == tail->slow.sum);
	assert_true(middle == tail->middle.sum);
	/* the middle tenth, and what lies in the same steps of the histogram */
	assert_in_range(tail->middle.n, w->n / 10, w->n / 5);
	assert_true(tail->middle.min <= packet_total(&w->p[w->n * 45 / 100 - 1]));
	assert_true(tail->middle.max >= packet_total(&w->p[w->n * 55 / 100 - 1]));
}

static void test_exact(void **state)
{
	static const struct {
		const char *asked;
		size_t n;
	} cases[] = { { "1%", 30 }, { "0.1%", 3 }, { "0.01%", 1 }, { "25%", 750 }, { "7", 7 }, { "5000", 750 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world w;

		srand(i);
		world_make(&w, 3000, times_random);
		world_tail(&w, cases[i].asked);
		check_against_sorted(&w, cases[i].n);
		world_free(&w);
	}
}

/* Whose stage it is: the packets that waited, in the third stage but for one in ten */
static void test_largest(void **state)
{
	const struct path_stat *path;
	struct world w;

	(void)state;
	srand(1);
	world_make(&w, 3000, times_random);
	world_tail(&w, "60");
	path = &w.result->paths[0];
	for (size_t i = 0; i < path->nstages; i++) {
		enum pl_hop from = path->nodes[path->stages[i].from].hop;
		enum pl_hop to = path->nodes[path->stages[i].to].hop;
		__u64 want = 0;

		/* ids that are multiples of 50 are even: they do not meet the optional hop */
		if (from == PL_HOP_nic_skb && to == PL_HOP_tap_xmit)
			want = 54;
		else if (from == PL_HOP_nic_gro)
			want = 6;
		assert_int_equal(w.paths[0].stages[i].largest, want);
	}
	world_free(&w);
}

static void times_equal(__u64 id, __u64 ns[STAGES])
{
	ns[0] = ns[2] = ns[3] = 1000;
	ns[1] = 0;
	if (id <= 2)
		ns[3] = 900000;
}

/* More packets than are kept took as long as the limit: all of them are taken, and it says so */
static void test_coarse(void **state)
{
	struct world w;

	(void)state;
	world_make(&w, 60000, times_equal);
	world_tail(&w, "20%");
	assert_true(w.paths[0].coarse);
	assert_int_equal(w.paths[0].wanted, 12000);
	assert_int_equal(w.paths[0].slow.n, 60000);
	world_free(&w);
	world_make(&w, 60000, times_equal);
	world_tail(&w, "1%");
	assert_false(w.paths[0].coarse);
	assert_int_equal(w.paths[0].slow.n, 600);
	assert_int_equal(w.paths[0].slow.max, 902000);
	assert_int_equal(w.paths[0].limit, 3000);
	world_free(&w);
}

static void test_few(void **state)
{
	static const __u64 want[12] = { 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2 };

	(void)state;
	for (size_t n = 1; n < 12; n++) {
		struct world w;

		srand(n);
		world_make(&w, n, times_random);
		world_tail(&w, "10%");
		assert_int_equal(w.paths[0].slow.n, want[n]);
		assert_true(n < 3 || w.paths[0].middle.n > 0);
		world_free(&w);
	}
}

static void test_spec(void **state)
{
	static const char *const bad[] = { "", "%", "0", "0%", "x", "1x", "-1", "1.", "1.%", ".5%",
					   "1.5", "1.23456%", "1%%", "9999%", "0.0000%" };
	struct tail_spec spec;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(tail_spec_parse(bad[i], &spec), -EINVAL);
	assert_int_equal(tail_spec_parse("26%", &spec), -ERANGE);
	assert_int_equal(tail_spec_parse("100%", &spec), -ERANGE);
	assert_int_equal(tail_spec_parse("0.0001%", &spec), 0);
	assert_int_equal(spec.ppm, 1);
	assert_int_equal(tail_spec_parse("12.5%", &spec), 0);
	assert_int_equal(spec.ppm, 125000);
	assert_int_equal(tail_spec_parse("20", &spec), 0);
	assert_int_equal(spec.count, 20);
}

/* Steps of a histogram and the values in them, against the values sorted */
static void test_hist_step(void **state)
{
	static __u64 v[2000];
	struct hist h;

	(void)state;
	srand(7);
	hist_init(&h);
	for (size_t i = 0; i < 2000; i++) {
		v[i] = i % 3 ? (__u64)(rand() % 300) : (__u64)rand() * (rand() % 1000);
		assert_int_equal(hist_add(&h, v[i]), 0);
	}
	for (size_t rank = 1; rank <= 2000; rank++) {
		struct hist_step step = hist_step(&h, rank);
		size_t below = 0, in = 0;

		for (size_t i = 0; i < 2000; i++) {
			below += v[i] < step.low;
			in += v[i] >= step.low && v[i] <= step.high;
		}
		assert_int_equal(step.below, below);
		assert_int_equal(step.n, in);
		assert_true(below < rank && rank <= below + in);
	}
	hist_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_coarse),
		cmocka_unit_test(test_few),
		cmocka_unit_test(test_spec),
		cmocka_unit_test(test_hist_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
