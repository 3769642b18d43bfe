// SPDX-License-Identifier: GPL-2.0
/* Clocks of domains by what recordings say; packets choose between what they say */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain_clock.h"

#define SEC	   1000000000LL
#define OFFSET	   (-1234 * SEC + 567) /* host's monotonic less the guest's */
#define HOST_REAL  (1700000000 * SEC) /* real less monotonic, on the host ... */
#define GUEST_REAL (1600000000 * SEC) /* ... and in the guest, which is wrong by years */

struct pair {
	struct trace host, guest;
};

static void clock_doc(struct trace *t, __s64 mono, __s64 real_less_mono, __s64 error, json_t *pair)
{
	json_t *doc = json_pack("{s:I, s:I, s:I, s:I}", "mono_ns", mono, "real_ns",
				mono + real_less_mono, "width_ns", (json_int_t)200, "real_error_ns",
				(json_int_t)error);

	if (pair)
		json_object_set_new(doc, "ptp_kvm", pair);
	if (!t->docs[TRACE_CLOCK])
		t->docs[TRACE_CLOCK] = json_array();
	json_array_append_new(t->docs[TRACE_CLOCK], doc);
}

/* 30 s; the pair says that the host is ahead by ptp_wrong more than it is, the exchange likewise */
static void pair_make(struct pair *p, __s64 ptp_wrong, __s64 exchange_wrong)
{
	memset(p, 0, sizeof(*p));
	p->guest.docs[TRACE_SYNC] = json_array();
	for (int i = 0; i < 30; i++) {
		__s64 guest = 5000 * SEC + i * SEC, host = guest + OFFSET;

		clock_doc(&p->host, host + 300000, HOST_REAL, 0, NULL);
		clock_doc(&p->guest, guest, GUEST_REAL, 0,
			  json_pack("{s:I, s:I}", "host_real_ns",
				    host + 1000 + HOST_REAL + ptp_wrong, "real_ns",
				    guest + 1000 + GUEST_REAL));
		json_array_append_new(p->guest.docs[TRACE_SYNC],
				      json_pack("{s:s, s:I, s:I, s:I}", "method", "exchange",
						"guest_ns", guest + 5000, "host_ns",
						host + 5000 + exchange_wrong + i * 100, "width_ns",
						(json_int_t)20000));
	}
}

static void pair_free(struct pair *p)
{
	for (int i = 0; i < TRACE_NR_CHUNKS; i++) {
		json_decref(p->host.docs[i]);
		json_decref(p->guest.docs[i]);
	}
}

/* Packets that took 20 us at least, in either direction */
static void packets(struct domain_clock *c)
{
	for (int i = 0; i < 300; i++) {
		__s64 guest = 5000 * SEC + i * SEC / 10;

		domain_clock_before(c, guest, guest + OFFSET + 20000 + i * 10);
		domain_clock_after(c, guest, guest + OFFSET - 20000 - i * 10);
	}
	domain_clock_settle(c);
}

static void holds(const struct domain_clock *c)
{
	for (int i = 0; i < 290; i++) {
		__u64 guest = 5000 * SEC + i * SEC / 10, err;
		__s64 off = domain_clock_map(c, guest, &err) - guest - OFFSET;

		assert_true((__u64)llabs(off) <= err);
	}
}

static void test_ptp(void **state)
{
	struct clock_fit_stats st;
	struct domain_clock c;
	struct pair p;

	(void)state;
	pair_make(&p, 0, 0);
	assert_int_equal(domain_clock_new(&p.host, &p.guest, CLOCK_NONE, &c), 0);
	packets(&c);
	assert_int_equal(c.method, CLOCK_PTP_KVM);
	clock_fit_stats(c.fit[CLOCK_PTP_KVM], &st);
	assert_in_range(st.error_ns, 1, 999);
	assert_int_equal(st.contradicted, 0);
	assert_null(c.fit[CLOCK_REALTIME_SYNC]);
	assert_null(c.fit[CLOCK_SAME]);
	holds(&c);
	domain_clock_free(&c);

	/* methods agree within their errors */
	assert_int_equal(domain_clock_new(&p.host, &p.guest, CLOCK_EXCHANGE, &c), 0);
	packets(&c);
	assert_int_equal(c.method, CLOCK_EXCHANGE);
	holds(&c);
	domain_clock_free(&c);
	pair_free(&p);
}

/* ptp_kvm is false by 1 ms: packets say so, and the next method is taken */
static void test_false(void **state)
{
	struct clock_fit_stats st;
	struct domain_clock c;
	struct pair p;

	(void)state;
	for (int side = -1; side <= 1; side += 2) {
		pair_make(&p, side * 1000000, 0);
		assert_int_equal(domain_clock_new(&p.host, &p.guest, CLOCK_NONE, &c), 0);
		assert_int_equal(c.method, CLOCK_PTP_KVM);
		packets(&c);
		assert_int_equal(c.method, CLOCK_EXCHANGE);
		clock_fit_stats(c.fit[CLOCK_PTP_KVM], &st);
		assert_true(st.contradicted >= 25);
		assert_in_range(st.contradiction_ns, 950000, 1000000);
		holds(&c);
		domain_clock_free(&c);

		/* who insists on it gets it, with the contradiction in sight */
		assert_int_equal(domain_clock_new(&p.host, &p.guest, CLOCK_PTP_KVM, &c), 0);
		packets(&c);
		assert_int_equal(c.method, CLOCK_PTP_KVM);
		domain_clock_free(&c);
		pair_free(&p);
	}
}

#define TSC_HZ 3 /* counts a ns */

/* A clock snapshot whose counter goes with the kernel's time */
static void tsc_doc(struct trace *t, __s64 mono, __s64 tsc)
{
	if (!t->docs[TRACE_CLOCK])
		t->docs[TRACE_CLOCK] = json_array();
	json_array_append_new(t->docs[TRACE_CLOCK],
			      json_pack("{s:I, s:I, s:I, s:I}", "mono_ns", mono, "real_ns", mono,
					"width_ns", (json_int_t)100, "tsc", tsc));
}

/* Two VMs of which one is the guest; scaled or not. The exchange is good to 20 us, the counter to 1 */
static void test_tsc(void **state)
{
	struct clock_fit_stats st;
	struct domain_clock c;
	struct pair p;

	(void)state;
	for (int scaled = 0; scaled <= 1; scaled++) {
		const __s64 less = 7000000000LL, rate = scaled ? 2 : 1;

		memset(&p, 0, sizeof(p));
		p.guest.docs[TRACE_SYNC] = json_array();
		for (int i = 0; i < 30; i++) {
			__s64 host = 3766 * SEC + i * SEC, guest = host - OFFSET + 100 * SEC / 1000;

			tsc_doc(&p.host, host, host * TSC_HZ);
			if (i == 29)
				break;
			tsc_doc(&p.guest, guest, (host + 100 * SEC / 1000) * TSC_HZ * rate - less);
			json_array_append_new(p.guest.docs[TRACE_SYNC],
					      json_pack("{s:I, s:I, s:I}", "guest_ns", guest, "host_ns",
							guest + OFFSET + 3000, "width_ns",
							(json_int_t)20000));
		}
		p.host.docs[TRACE_KVM_TSC] =
			json_pack("[{s:i, s:I, s:I, s:i}, {s:i, s:I, s:I, s:i}]", "vmm", 7, "offset",
				  (json_int_t)-999999999999, "ratio", (json_int_t)0, "ratio_bits", 0, "vmm",
				  8, "offset", -less, "ratio", scaled ? (json_int_t)2 << 32 : 0,
				  "ratio_bits", scaled ? 32 : 0);
		assert_int_equal(domain_clock_new(&p.host, &p.guest, CLOCK_NONE, &c), 0);
		packets(&c);
		assert_int_equal(c.method, CLOCK_TSC);
		clock_fit_stats(c.fit[CLOCK_TSC], &st);
		assert_in_range(st.error_ns, 1, 999);
		holds(&c);
		domain_clock_free(&c);

		/* two VMs that agree as well: it is not certain which */
		json_array_append(p.host.docs[TRACE_KVM_TSC], json_array_get(p.host.docs[TRACE_KVM_TSC], 1));
		assert_int_equal(domain_clock_new(&p.host, &p.guest, CLOCK_NONE, &c), 0);
		assert_null(c.fit[CLOCK_TSC]);
		assert_int_equal(c.method, CLOCK_EXCHANGE);
		domain_clock_free(&c);
		pair_free(&p);
	}
}

static void test_none(void **state)
{
	struct pair p = { 0 };
	struct domain_clock c;

	(void)state;
	assert_int_equal(domain_clock_new(&p.host, &p.guest, CLOCK_NONE, &c), 0);
	assert_int_equal(c.method, CLOCK_NONE);
	packets(&c);
	assert_int_equal(c.method, CLOCK_NONE);
	domain_clock_free(&c);
	assert_int_equal(domain_clock_new(&p.host, &p.guest, CLOCK_EXCHANGE, &c), -ENODATA);
}

/* Two hosts whose real times are synchronised to 50 us each */
static void test_realtime(void **state)
{
	struct domain_clock c;
	struct pair p = { 0 };

	(void)state;
	for (int i = 0; i < 30; i++) {
		clock_doc(&p.host, 3766 * SEC + i * SEC, HOST_REAL, 50000, NULL);
		clock_doc(&p.guest, 5000 * SEC + i * SEC, HOST_REAL + OFFSET + 30000, 50000, NULL);
	}
	assert_int_equal(domain_clock_new(&p.host, &p.guest, CLOCK_NONE, &c), 0);
	assert_int_equal(c.method, CLOCK_REALTIME_SYNC);
	packets(&c);
	assert_int_equal(c.method, CLOCK_REALTIME_SYNC);
	holds(&c);
	domain_clock_free(&c);
	pair_free(&p);
}

static void test_same(void **state)
{
	struct domain_clock c;
	struct pair p = { 0 };
	__u64 err;

	(void)state;
	p.host.docs[TRACE_META] = json_pack("{s:s}", "boot_id", "abc");
	p.guest.docs[TRACE_META] = json_pack("{s:s}", "boot_id", "abc");
	assert_int_equal(domain_clock_new(&p.host, &p.guest, CLOCK_NONE, &c), 0);
	assert_int_equal(c.method, CLOCK_SAME);
	assert_int_equal(domain_clock_map(&c, 123456, &err), 123456);
	assert_int_equal(err, 0);
	domain_clock_free(&c);
	pair_free(&p);
}

/* Documents of a hostile file: numbers of any size, members of any type */
static void test_hostile(void **state)
{
	static const char *const bad[] = {
		"[{\"mono_ns\": -1, \"real_ns\": 5, \"width_ns\": 0}]",
		"[{\"mono_ns\": 9223372036854775807, \"real_ns\": 9223372036854775807, \"width_ns\":"
		" 9223372036854775807}]",
		"[7, null, {\"mono_ns\": \"x\"}]",
		"{\"mono_ns\": 1}",
		"[{\"mono_ns\": 4611686018427387902, \"real_ns\": 0, \"width_ns\": 4611686018427387902,"
		"  \"ptp_kvm\": {\"host_real_ns\": 4611686018427387902, \"real_ns\": 0}}]",
		"[{\"guest_ns\": 0, \"host_ns\": 4611686018427387902, \"width_ns\": 4611686018427387902},"
		" {\"guest_ns\": 4611686018427387902, \"host_ns\": 0, \"width_ns\": 1}]",
	};
	struct domain_clock c;
	__u64 err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		for (size_t k = 0; k < sizeof(bad) / sizeof(*bad); k++) {
			struct pair p = { 0 };

			p.host.docs[TRACE_CLOCK] = json_loads(bad[i], 0, NULL);
			p.guest.docs[TRACE_CLOCK] = json_loads(bad[k], 0, NULL);
			p.guest.docs[TRACE_SYNC] = json_loads(bad[k], 0, NULL);
			assert_int_equal(domain_clock_new(&p.host, &p.guest, CLOCK_NONE, &c), 0);
			packets(&c);
			if (c.method != CLOCK_NONE)
				domain_clock_map(&c, 5, &err);
			domain_clock_free(&c);
			pair_free(&p);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ptp),
		cmocka_unit_test(test_false),
		cmocka_unit_test(test_tsc),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_realtime),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
