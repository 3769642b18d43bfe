// SPDX-License-Identifier: GPL-2.0
/* The slowest packets: against a sort of all */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "packets.h"
#include "slowest.h"

#define NR_PACKETS 500

struct expected {
	__u64 id[NR_PACKETS];
	size_t at;
};

static void make(struct packet *p, __u64 id, __u64 total)
{
	packet_begin(p, id, PACKET_COMPLETE);
	packet_see(p, PL_HOP_nic_gro, 1, 1000);
	for (__u64 i = 0; i < id % 60; i++)
		packet_see(p, PL_HOP_br_in, 1, 1000);
	packet_see(p, PL_HOP_tap_xmit, 1, 1000 + total);
}

/* Few values, so that many packets have the same total */
static __u64 total_of(__u64 id)
{
	return id * 2654435761u % 101;
}

static int id_cmp(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	if (total_of(x) != total_of(y))
		return total_of(x) < total_of(y) ? 1 : -1;
	return x < y ? -1 : 1;
}

static int check(void *ctx, const struct packet *p)
{
	struct expected *e = ctx;

	assert_int_equal(p->id, e->id[e->at++]);
	assert_int_equal(p->n, p->id % 60 + 2);
	assert_int_equal(packet_total(p), total_of(p->id));
	return 0;
}

static void test_against_sort(void **state)
{
	static const size_t sizes[] = { 1, 2, 3, 7, 64, 499, 500, 1000 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct expected e = { .at = 0 };
		struct slowest *s;
		struct packet p;

		assert_int_equal(slowest_new(sizes[i], &s), 0);
		for (__u64 id = 1; id <= NR_PACKETS; id++) {
			e.id[id - 1] = id;
			make(&p, id, total_of(id));
			assert_int_equal(slowest_add(s, &p), 0);
		}
		qsort(e.id, NR_PACKETS, sizeof(e.id[0]), id_cmp);
		assert_int_equal(slowest_each(s, check, &e), 0);
		assert_int_equal(e.at, sizes[i] < NR_PACKETS ? sizes[i] : NR_PACKETS);
		assert_int_equal(slowest_each(s, check, &e), 0);
		slowest_free(s);
	}
}

static int stop(void *ctx, const struct packet *p)
{
	(void)p;
	++*(int *)ctx;
	return -7;
}

static void test_stop_and_free(void **state)
{
	struct slowest *s;
	struct packet p;
	int calls = 0;

	(void)state;
	assert_int_equal(slowest_new(3, &s), 0);
	for (__u64 id = 1; id < 9; id++) {
		make(&p, id, id);
		assert_int_equal(slowest_add(s, &p), 0);
	}
	assert_int_equal(slowest_each(s, stop, &calls), -7);
	assert_int_equal(calls, 1);
	assert_int_equal(slowest_add(s, &p), 0);
	slowest_free(s);

	assert_int_equal(slowest_new(0, &s), 0);
	assert_int_equal(slowest_add(s, &p), 0);
	assert_int_equal(slowest_each(s, stop, &calls), 0);
	slowest_free(s);
	slowest_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_sort),
		cmocka_unit_test(test_stop_and_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
