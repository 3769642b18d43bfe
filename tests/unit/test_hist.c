// SPDX-License-Identifier: GPL-2.0
/* Histogram: exact numbers exact, quantiles within 1 % of a sort, whatever the distribution */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hist.h"

#define NR_VALUES 20000

/* Own generator, so that a failure repeats on every machine */
static __u64 random_next(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static __u64 gen_small(__u64 *r)
{
	return random_next(r) % 300;
}

static __u64 gen_uniform(__u64 *r)
{
	return random_next(r) % 1000000;
}

static __u64 gen_log(__u64 *r)
{
	return random_next(r) >> (random_next(r) % 64);
}

static __u64 gen_tail(__u64 *r)
{
	return random_next(r) % 100 ? 2000 + random_next(r) % 500 : 7000000 + random_next(r) % 9;
}

static __u64 gen_huge(__u64 *r)
{
	return (1ULL << 40) + random_next(r) % (1ULL << 48);
}

static __u64 gen_zero(__u64 *r)
{
	(void)r;
	return 0;
}

static __u64 gen_same(__u64 *r)
{
	(void)r;
	return 123456789;
}

static int cmp_u64(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return (x > y) - (x < y);
}

static void check_quantiles(const struct hist *h, const __u64 *sorted, size_t n)
{
	static const unsigned int permilles[] = { 0, 1, 10, 250, 500, 900, 990, 999, 1000 };

	for (size_t i = 0; i < sizeof(permilles) / sizeof(permilles[0]); i++) {
		size_t rank = (n * permilles[i] + 999) / 1000;
		__u64 want = sorted[rank ? rank - 1 : 0];
		__u64 got = hist_quantile(h, permilles[i]);
		__u64 diff = got > want ? got - want : want - got;

		assert_true(diff <= want / 100);
		assert_in_range(got, h->min, h->max);
	}
}

static void check_moments(const struct hist *h, const __u64 *v, size_t n)
{
	unsigned __int128 sum = 0;
	long double mean, dev = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i];
	assert_true(h->sum == sum);
	assert_int_equal(h->n, n);

	mean = (long double)sum / n;
	for (size_t i = 0; i < n; i++)
		dev += (v[i] - mean) * (v[i] - mean);
	dev = sqrtl(dev / n);
	assert_true(fabsl(hist_avg(h) - mean) <= 0.5L + mean * 1e-15L);
	assert_true(fabsl(hist_stddev(h) - dev) <= 1 + dev * 1e-12L);
}

static void check_distribution(__u64 (*gen)(__u64 *), size_t n)
{
	__u64 state = 88172645463325252ULL;
	__u64 *v = calloc(n, sizeof(*v));
	struct hist h;

	assert_non_null(v);
	hist_init(&h);
	for (size_t i = 0; i < n; i++) {
		v[i] = gen(&state);
		assert_int_equal(hist_add(&h, v[i]), 0);
	}
	check_moments(&h, v, n);
	qsort(v, n, sizeof(*v), cmp_u64);
	assert_int_equal(h.min, v[0]);
	assert_int_equal(h.max, v[n - 1]);
	check_quantiles(&h, v, n);
	hist_free(&h);
	free(v);
}

static void test_distributions(void **state)
{
	static __u64 (*const gens[])(__u64 *) = {
		gen_small,
		gen_uniform,
		gen_tail,
		gen_huge,
		gen_zero,
		gen_same,
	};
	static const size_t sizes[] = { 1, 2, 3, 99, 1000, NR_VALUES };

	(void)state;
	for (size_t i = 0; i < sizeof(gens) / sizeof(gens[0]); i++)
		for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++)
			check_distribution(gens[i], sizes[j]);
}

/* Every octave up to 2^64: quantiles only, squares of such values leave 128 bits */
static void test_full_range(void **state)
{
	__u64 r = 88172645463325252ULL;
	static __u64 v[NR_VALUES];
	struct hist h;

	(void)state;
	hist_init(&h);
	for (size_t i = 0; i < NR_VALUES; i++) {
		v[i] = i ? gen_log(&r) : UINT64_MAX;
		assert_int_equal(hist_add(&h, v[i]), 0);
	}
	qsort(v, NR_VALUES, sizeof(*v), cmp_u64);
	assert_int_equal(h.max, UINT64_MAX);
	check_quantiles(&h, v, NR_VALUES);
	hist_free(&h);
}

/* Every value alone, around each power of two: where an off-by-one of a step would show */
static void test_step_borders(void **state)
{
	(void)state;
	for (int bit = 0; bit < 64; bit++) {
		for (int d = -2; d <= 2; d++) {
			__u64 v = (1ULL << bit) + d;
			__u64 sorted[3] = { v, v, UINT64_MAX };
			struct hist h;

			hist_init(&h);
			hist_add(&h, v);
			hist_add(&h, v);
			hist_add(&h, UINT64_MAX);
			qsort(sorted, 3, sizeof(sorted[0]), cmp_u64);
			check_quantiles(&h, sorted, 3);
			hist_free(&h);
		}
	}
}

static void test_exact_small(void **state)
{
	struct hist h;

	(void)state;
	hist_init(&h);
	for (__u64 v = 0; v < 256; v++)
		hist_add(&h, v);
	/* below 256 every step holds one value */
	for (unsigned int p = 1; p <= 1000; p++)
		assert_int_equal(hist_quantile(&h, p), (256 * p + 999) / 1000 - 1);
	assert_int_equal(hist_avg(&h), 128); /* 127.5 */
	assert_int_equal(hist_stddev(&h), 74); /* 73.9 */
	hist_free(&h);
}

static void test_empty(void **state)
{
	struct hist h;

	(void)state;
	hist_init(&h);
	assert_int_equal(hist_avg(&h), 0);
	assert_int_equal(hist_stddev(&h), 0);
	assert_int_equal(hist_quantile(&h, 500), 0);
	hist_free(&h);
}

/* Two halves merged are the same as the whole */
static void test_merge(void **state)
{
	struct hist whole, a, b, none;
	__u64 r = 42;

	(void)state;
	hist_init(&whole);
	hist_init(&a);
	hist_init(&b);
	hist_init(&none);
	for (int i = 0; i < 5000; i++) {
		__u64 v = i % 3 ? gen_huge(&r) : gen_small(&r);

		hist_add(&whole, v);
		hist_add(i % 2 ? &a : &b, v);
	}
	assert_int_equal(hist_merge(&none, &a), 0);
	assert_int_equal(hist_merge(&none, &b), 0);
	assert_int_equal(none.n, whole.n);
	assert_int_equal(none.min, whole.min);
	assert_int_equal(none.max, whole.max);
	assert_true(none.sum == whole.sum && none.sumsq == whole.sumsq);
	for (unsigned int p = 0; p <= 1000; p++)
		assert_int_equal(hist_quantile(&none, p), hist_quantile(&whole, p));
	assert_int_equal(hist_stddev(&none), hist_stddev(&whole));

	hist_free(&a);
	assert_int_equal(hist_merge(&none, &a), 0);
	assert_int_equal(none.n, whole.n);
	assert_int_equal(none.min, whole.min);
	hist_free(&whole);
	hist_free(&b);
	hist_free(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distributions),
		cmocka_unit_test(test_full_range),
		cmocka_unit_test(test_step_borders),
		cmocka_unit_test(test_exact_small),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_merge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
