// SPDX-License-Identifier: GPL-2.0
/*
 * The clock's fit against clocks that are known: its error must hold what it is wrong by, always;
 * and it must not be larger than the evidence makes it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clock_fit.h"
#include "random.h"

#define SEC 1000000000ULL

static __u64 rnd_state;

static __u64 rnd(__u64 below)
{
	return random_below(&rnd_state, below);
}

/* A clock that is offset and drifts; slewed: by other_ppb in the second half */
struct truth {
	__u64 start, length;
	__s64 offset;
	double ppb, other_ppb;
};

static __s64 offset_at(const struct truth *t, __u64 at)
{
	double d = (double)(__s64)(at - t->start), half = (double)t->length / 2;
	double first = d < half ? d : half, second = d < half ? 0 : d - half;

	return t->offset + (__s64)(t->ppb * 1e-9 * first + t->other_ppb * 1e-9 * second);
}

/* An exchange: the true offset is anywhere in the width */
static struct clock_sample exchange(const struct truth *t, __u64 at, __u64 width)
{
	__s64 lo = offset_at(t, at) - (__s64)rnd(width + 1);

	return (struct clock_sample){ at, lo, lo + (__s64)width };
}

static size_t exchanges(const struct truth *t, struct clock_sample *s, size_t n, __u64 width)
{
	for (size_t i = 0; i < n; i++)
		s[i] = exchange(t, t->start + t->length * i / n, width + rnd(20 * width));
	return n;
}

/* Wrong by how much at most, in parts of the error (1000: as much as it says) */
static __u64 worst_permille(const struct clock_fit *f, const struct truth *t)
{
	__u64 worst = 0;

	for (int i = 0; i < 2000; i++) {
		__u64 at = t->start + t->length * i / 2000, err, got = clock_fit_map(f, at, &err);
		__u64 off = llabs((__s64)(got - at) - offset_at(t, at));

		assert_true(err < SEC); /* nor is it larger than anything that was put in */
		if (off * 1000 / err > worst)
			worst = off * 1000 / err;
	}
	return worst;
}

static void test_holds(void **state)
{
	static struct clock_sample s[400];

	(void)state;
	for (rnd_state = 1; rnd_state < 300; rnd_state++) {
		__u64 seed = rnd_state;
		struct truth t = {
			.start = rnd(1000000) * SEC,
			.length = SEC / 5 + rnd(120 * SEC),
			.offset = (__s64)rnd(2000000 * SEC) - (__s64)(1000000 * SEC),
			.ppb = (double)rnd(40000) - 20000,
		};
		struct clock_fit *f;
		size_t n;

		t.other_ppb = t.ppb;
		n = exchanges(&t, s, 5 + rnd(395), 100 + rnd(50000));
		assert_int_equal(clock_fit_new(s, n, &f), 0);
		if (worst_permille(f, &t) > 1000)
			fail_msg("seed %llu: wrong by %llu permille of the error", seed,
				 worst_permille(f, &t));
		clock_fit_free(f);
		rnd_state = seed;
	}
}

/* Samples that are good to 1 us, each second for a minute: so must the fit be, and the drift */
static void test_tight(void **state)
{
	struct truth t = { 77 * SEC, 60 * SEC, -123456789012LL, 12345, 12345 };
	static struct clock_sample s[180];
	struct clock_fit_stats st;
	struct clock_fit *f;
	__u64 err;

	(void)state;
	rnd_state = 5;
	for (size_t i = 0; i < 180; i++)
		s[i] = exchange(&t, t.start + t.length * i / 180, 1000);
	assert_int_equal(clock_fit_new(s, 180, &f), 0);
	clock_fit_stats(f, &st);
	assert_true(worst_permille(f, &t) <= 1000);
	clock_fit_map(f, t.start + 30 * SEC, &err);
	assert_true(err <= 500);
	assert_true(st.error_ns <= 600);
	assert_true(llabs(st.drift_ppb - 12345) < 30);
	assert_true(llabs(st.offset_ns - offset_at(&t, (s[0].at + s[179].at) / 2)) <= 500);
	assert_int_equal(st.outliers, 0);
	assert_int_equal(st.samples, 180);
	clock_fit_free(f);
}

/* NTP begins to slew in the middle by 100 ppm: the pieces follow */
static void test_slew(void **state)
{
	struct truth t = { SEC, 60 * SEC, 1000, 500, 100000 };
	static struct clock_sample s[300];
	struct clock_fit *f;

	(void)state;
	rnd_state = 6;
	for (size_t i = 0; i < 300; i++)
		s[i] = exchange(&t, t.start + t.length * i / 300, 2000);
	assert_int_equal(clock_fit_new(s, 300, &f), 0);
	assert_true(worst_permille(f, &t) <= 1000);
	clock_fit_free(f);
}

/* One of ten samples is nonsense: it is left out, and counted */
static void test_outliers(void **state)
{
	struct truth t = { SEC, 60 * SEC, 5000000, 100, 100 };
	static struct clock_sample s[300];
	struct clock_fit_stats st;
	struct clock_fit *f;

	(void)state;
	rnd_state = 7;
	for (size_t i = 0; i < 300; i++) {
		s[i] = exchange(&t, t.start + t.length * i / 300, 2000);
		if (i % 10 == 3) {
			s[i].lo += 3000000;
			s[i].hi += 3000000;
		}
	}
	assert_int_equal(clock_fit_new(s, 300, &f), 0);
	clock_fit_stats(f, &st);
	assert_int_equal(st.outliers, 30);
	assert_true(worst_permille(f, &t) <= 1000);
	clock_fit_free(f);
}

/* Packets that take 10 us at least, by either direction, bound a fit that is good to 1 ms only */
static void test_packets(void **state)
{
	struct truth t = { SEC, 30 * SEC, 12345678, 0, 0 };
	static struct clock_sample s[90];
	struct clock_fit_stats before, after;
	struct clock_fit *f;

	(void)state;
	rnd_state = 8;
	for (size_t i = 0; i < 90; i++)
		s[i] = exchange(&t, t.start + t.length * i / 90, 2000000);
	assert_int_equal(clock_fit_new(s, 90, &f), 0);
	clock_fit_stats(f, &before);
	for (int i = 0; i < 3000; i++) {
		__u64 at = t.start + rnd(t.length);

		clock_fit_lo(f, at, offset_at(&t, at) - 10000 - (__s64)rnd(1000000));
		clock_fit_hi(f, at, offset_at(&t, at) + 10000 + (__s64)rnd(1000000));
	}
	clock_fit_refine(f);
	clock_fit_stats(f, &after);
	assert_int_equal(after.contradicted, 0);
	assert_int_equal(after.bounds_lo, 3000);
	assert_true(after.refined > 25);
	assert_true(after.error_ns < before.error_ns / 4);
	assert_true(worst_permille(f, &t) <= 1000);
	clock_fit_free(f);
}

/* Samples that are false by 1 ms, all of them: packets say so, from the one side that can */
static void test_false(void **state)
{
	struct truth t = { SEC, 30 * SEC, 12345678, 0, 0 };
	static struct clock_sample s[90];

	(void)state;
	for (int side = -1; side <= 1; side += 2) {
		struct clock_fit_stats st;
		struct clock_fit *f;

		rnd_state = 9;
		for (size_t i = 0; i < 90; i++) {
			s[i] = exchange(&t, t.start + t.length * i / 90, 2000);
			s[i].lo += side * 1000000;
			s[i].hi += side * 1000000;
		}
		assert_int_equal(clock_fit_new(s, 90, &f), 0);
		for (int i = 0; i < 3000; i++) {
			__u64 at = t.start + rnd(t.length);

			clock_fit_lo(f, at, offset_at(&t, at) - 10000);
			clock_fit_hi(f, at, offset_at(&t, at) + 10000);
		}
		clock_fit_refine(f);
		clock_fit_stats(f, &st);
		assert_true(st.contradicted >= st.pieces && st.pieces >= 30);
		assert_true(st.contradiction_ns > 950000 && st.contradiction_ns < 1010000);
		clock_fit_free(f);
	}
}

/* The channel was blocked for 10 s: what was known before and after it bounds the time between */
static void test_blocked(void **state)
{
	struct truth t = { SEC, 60 * SEC, 5000000, 200, 200 };
	static struct clock_sample s[180];
	struct clock_fit *f;
	__u64 err;

	(void)state;
	rnd_state = 10;
	for (size_t i = 0; i < 180; i++)
		s[i] = exchange(&t, t.start + t.length * i / 180,
				i > 60 && i < 90 ? 10 * SEC : 100000);
	assert_int_equal(clock_fit_new(s, 180, &f), 0);
	assert_true(worst_permille(f, &t) <= 1000);
	clock_fit_map(f, t.start + 25 * SEC, &err);
	assert_true(err < 200000);
	clock_fit_free(f);
}

static void test_few(void **state)
{
	const struct clock_sample one = { 5 * SEC, 100, 300 }, wrong = { 5 * SEC, 300, 100 };
	struct clock_fit *f;
	__u64 err;

	(void)state;
	assert_int_equal(clock_fit_new(NULL, 0, &f), -ENODATA);
	assert_int_equal(clock_fit_new(&wrong, 1, &f), -ENODATA);
	assert_int_equal(clock_fit_new(&one, 1, &f), 0);
	assert_int_equal(clock_fit_map(f, 5 * SEC, &err), 5 * SEC + 200);
	assert_in_range(err, 100, 102);
	/* the farther from what is known the less sure */
	clock_fit_map(f, 100 * SEC, &err);
	assert_true(err > 1000);
	clock_fit_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_tight),
		cmocka_unit_test(test_slew),
		cmocka_unit_test(test_outliers),
		cmocka_unit_test(test_packets),
		cmocka_unit_test(test_false),
		cmocka_unit_test(test_blocked),
		cmocka_unit_test(test_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
