// SPDX-License-Identifier: GPL-2.0
/* Option values: what is taken, what is refused */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util.h"

static void test_parse_u64(void **state)
{
	static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "1x", "0x10", "1.5" };
	__u64 v = 7;

	(void)state;
	assert_int_equal(parse_u64("0", &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(parse_u64("18446744073709551615", &v), 0);
	assert_int_equal(v, UINT64_MAX);
	assert_int_equal(parse_u64("18446744073709551616", &v), -ERANGE);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_u64(bad[i], &v), -EINVAL);
	assert_int_equal(v, UINT64_MAX);
}

static void test_parse_duration(void **state)
{
	static const struct {
		const char *text;
		__u64 ns;
	} good[] = {
		{ "5", 5000000000 },
		{ "1.5s", 1500000000 },
		{ "200ms", 200000000 },
		{ "10us", 10000 },
		{ "10µs", 10000 },
		{ "300ns", 300 },
		{ "0", 0 },
		{ "0.25ms", 250000 },
		{ "1.0000000019", 1000000001 },
		{ "2.s", 2000000000 },
		{ "1.9ns", 1 },
	};
	static const char *const bad[] = {
		"",
		".5",
		"5 s",
		"-5",
		"5m",
		"5ss",
		"1.5.5s",
		"s",
		"1e3",
	};
	__u64 ns;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(parse_duration(good[i].text, &ns), 0);
		assert_int_equal(ns, good[i].ns);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_duration(bad[i], &ns), -EINVAL);
	assert_int_equal(parse_duration("18446744074", &ns), -ERANGE);
	assert_int_equal(parse_duration("99999999999999999999ns", &ns), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_u64),
		cmocka_unit_test(test_parse_duration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
