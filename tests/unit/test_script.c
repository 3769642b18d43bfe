// SPDX-License-Identifier: GPL-2.0
/* Waterfall of a packet as text */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "fixture.h"
#include "view_script.h"

struct state {
	struct fixture f;
	struct script_view view;
	struct packet p;
};

static int setup(void **state)
{
	static struct state s;
	struct packet *p = &s.p;

	setenv("TZ", "UTC", 1);
	fixture_open(&s.f);
	s.view = (struct script_view){
		.out = { .utf8 = true, .unit = UNIT_US },
		.domains = &s.f.domain,
		.ndomains = 1,
	};
	packet_begin(p, 42, PACKET_COMPLETE);
	packet_see(p, PL_HOP_nic_irq, s.f.eth, FIXTURE_START + 1000000)->len = 7;
	p->s[0].arg = 35;
	packet_see(p, PL_HOP_nic_gro, s.f.eth, FIXTURE_START + 1000480)->tid = 77;
	p->s[1].hook = PL_HOOK_napi_gro;
	p->s[1].arg = 3165202937;
	packet_see(p, PL_HOP_tap_xmit, s.f.tap, FIXTURE_START + 1000480)->tid = 4711;
	packet_see(p, PL_HOP_tap_read, s.f.tap, FIXTURE_START + 13345678)->tid = 2170;
	p->s[1].cpu = p->s[2].cpu = 1;
	p->s[3].cpu = 112;
	*state = &s;
	return 0;
}

static int teardown(void **state)
{
	struct state *s = *state;

	fixture_close(&s->f);
	return 0;
}

static void check(struct state *s, const char *want)
{
	char *text = NULL;
	size_t size;

	s->view.out.f = open_memstream(&text, &size);
	assert_non_null(s->view.out.f);
	assert_int_equal(view_script(&s->view, &s->p), 0);
	assert_int_equal(fclose(s->view.out.f), 0);
	assert_string_equal(text, want);
	free(text);
}

static void test_text(void **state)
{
	check(*state,
	      "packet 42   udp, 124 bytes   12:01:07.001000000   12345.678 µs   complete\n"
	      "         µs      delta  hop       device  CPU  task\n"
	      "      0.000             nic:irq   eth1      0  swapper/0\n"
	      "      0.480      0.480  nic:gro   eth1      1  ksoftirqd/1/77\n"
	      "      0.480      0.000  tap:xmit  tap0      1  4711\n"
	      "  12345.678  12345.198  tap:read  tap0    112  evil?[2Jµ/2170\n");
}

static void test_ascii_and_bold(void **state)
{
	struct state *s = *state;

	s->view.out.utf8 = false;
	s->view.out.bold = true;
	s->view.out.unit = UNIT_MS;
	check(s, "packet 42   udp, 124 bytes   12:01:07.001000000   12.346 ms   complete\n"
		 "      ms   delta  hop       device  CPU  task\n"
		 "   0.000          nic:irq   eth1      0  swapper/0\n"
		 "   0.000   0.000  nic:gro   eth1      1  ksoftirqd/1/77\n"
		 "   0.000   0.000  tap:xmit  tap0      1  4711\n"
		 "\033[1m  12.346  12.345  tap:read  tap0    112  evil?[2Ju/2170\033[0m\n");
}

static void test_verbose(void **state)
{
	struct state *s = *state;

	s->view.verbose = true;
	s->view.out.unit = UNIT_NS;
	s->p.n = 2;
	check(s, "packet 42   udp, 124 bytes   12:01:07.001000000   480 ns   complete\n"
		 "   ns  delta  hop      device  CPU  task            hook                           "
		 "length  arg\n"
		 "    0         nic:irq  eth1      0  swapper/0                                      "
		 "     7   35\n"
		 "  480    480  nic:gro  eth1      1  ksoftirqd/1/77  tp_btf:napi_gro_receive_entry  "
		 "   124\n");
}

static void test_absolute(void **state)
{
	struct state *s = *state;

	s->view.absolute = true;
	s->p.n = 2;
	check(s, "packet 42   udp, 124 bytes   12:01:07.001000000   0.480 µs   complete\n"
		 "                   ns  hop      device  CPU  task\n"
		 "  1767355267001000000  nic:irq  eth1      0  swapper/0\n"
		 "  1767355267001000480  nic:gro  eth1      1  ksoftirqd/1/77\n");
}

static void test_dropped(void **state)
{
	struct state *s = *state;

	packet_begin(&s->p, 7, PACKET_DROPPED);
	s->p.proto = PL_PROTO_ARP;
	s->p.cloned = 1;
	s->p.drop_reason = 6;
	s->p.drop_place = 4096;
	packet_see(&s->p, PL_HOP_drop, 0, FIXTURE_START);
	check(s, "packet 7   arp, 0 bytes   12:01:07.000000000   0.000 µs   dropped, cloned: "
		 "NETFILTER_DROP, in nf_hook_slow+0x8c\n"
		 "     µs  delta  hop   device  CPU  task\n"
		 "  0.000         drop            0  swapper/0\n");
	s->p.drop_reason = 12345;
	s->p.drop_place = -16;
	s->p.proto = 89;
	s->p.cloned = 0;
	check(s, "packet 7   ip protocol 89, 0 bytes   12:01:07.000000000   0.000 µs   dropped: "
		 "reason 12345, in _stext-0x10\n"
		 "     µs  delta  hop   device  CPU  task\n"
		 "  0.000         drop            0  swapper/0\n");
}

/* The wall clock is followed through its steps; before the first snapshot by the first */
static void test_wallclock(void **state)
{
	struct state *s = *state;

	assert_int_equal(wallclock_ns(s->f.domain.wall, FIXTURE_START - 5), 1767355267000000000 - 5);
	assert_int_equal(wallclock_ns(s->f.domain.wall, FIXTURE_START), 1767355267000000000);
	assert_int_equal(wallclock_ns(s->f.domain.wall, 64999999999), 1767355326999999999);
	assert_int_equal(wallclock_ns(s->f.domain.wall, 65000000000), 1767355327000000100);
	assert_int_equal(wallclock_ns(s->f.domain.wall, 75000000000), 1767355337000000100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_text, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ascii_and_bold, setup, teardown),
		cmocka_unit_test_setup_teardown(test_verbose, setup, teardown),
		cmocka_unit_test_setup_teardown(test_absolute, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dropped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wallclock, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
