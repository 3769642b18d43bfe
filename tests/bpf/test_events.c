// SPDX-License-Identifier: GPL-2.0
/* What the programs make of a hook's arguments: run one by one in the kernel, attached to nothing */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <cmocka.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "object.h"
#include "packet.h"
#include "pktlap.skel.h"
#include "run.h"
#include "run.skel.h"
#include "user/hooks_cast.h"

#define RING_SMALLEST 64 /* slots: a page */
#define RING_USUAL    SLOTS_MAX
#define FLOOD	      1000 /* events, more than the smallest ring holds */
#define NET_RX	      3
#define IRQ	      17
#define GRO_NORMAL    3
#define VECTOR	      34
#define PENDING	      3 /* entries still to be reported, fewer than bpf/kvm.bpf.c begins with */

struct fixture {
	struct pktlap_bpf *skel;
	struct run_bpf *run;
	struct made *m;
};

/* Programs that need no more than numbers (or a task, which run_task names) */
static const char *const scalar[] = { "pl_softirq_raise_raw", "pl_softirq_entry_raw",
				      "pl_irq_entry_raw", "pl_napi_gro_exit_raw", "pl_inj_virq_raw", "pl_vcpu_entry_raw",
				      "pl_vcpu_exit_raw", "pl_sched_switch_raw" };

static struct bpf_program *prog_of(struct fixture *f, const char *name)
{
	return bpf_object__find_program_by_name(f->skel->obj, name);
}

static int start(void **state, unsigned int slots)
{
	struct fixture *f = calloc(1, sizeof(*f));
	size_t i;

	*state = f;
	if (!f)
		return -1;
	f->m = calloc(1, sizeof(*f->m));
	f->skel = pktlap_bpf__open();
	if (!f->m || !f->skel || object_prepare(f->skel->obj))
		return -1;
	for (i = 0; i < sizeof(scalar) / sizeof(*scalar); i++)
		bpf_program__set_autoload(prog_of(f, scalar[i]), true);
	return pktlap_bpf__load(f->skel) || object_start(f->skel->obj, slots, f->m);
}

static int setup(void **state)
{
	return start(state, RING_USUAL);
}

static int setup_smallest(void **state)
{
	return start(state, RING_SMALLEST);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (!f)
		return 0;
	if (f->m)
		object_stop(f->m);
	pktlap_bpf__destroy(f->skel);
	run_bpf__destroy(f->run);
	free(f->m);
	free(f);
	return 0;
}

static __u64 now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Run and return the events made */
static unsigned int run(struct fixture *f, const char *name, __u64 a, __u64 b, __u64 c)
{
	const __u64 args[] = { a, b, c, 0 };

	assert_int_equal(program_run(prog_of(f, name), args, 4), 0);
	return object_drain(f->m);
}

static void role_set(struct fixture *f, __u32 kind, __u32 pending)
{
	struct pl_role role = { .kind = kind, .pending = pending, .vector = VECTOR };
	__u32 tid = gettid();

	assert_int_equal(bpf_map_update_elem(object_map(f->m, "roles"), &tid, &role, BPF_ANY), 0);
}

static struct pl_role role_get(struct fixture *f)
{
	struct pl_role role = {};
	__u32 tid = gettid();

	assert_int_equal(bpf_map_lookup_elem(object_map(f->m, "roles"), &tid, &role), 0);
	return role;
}

/* What a context hop has, and nothing else */
static void check_context(const struct pl_event *e, enum pl_hook hook, __u32 arg, __u64 t0)
{
	struct pl_event want = { .ts = e->ts, .hook = hook, .arg = arg, .tid = gettid() };

	assert_in_range(e->ts, t0, now());
	assert_memory_equal(e, &want, sizeof(want));
}

static void test_softirq(void **state)
{
	struct fixture *f = *state;
	__u64 t0 = now();
	__u32 vec;

	assert_int_equal(run(f, "pl_softirq_raise_raw", NET_RX, 0, 0), 1);
	check_context(&f->m->ev[0], PL_HOOK_softirq_raise_raw, NET_RX, t0);
	assert_int_equal(run(f, "pl_softirq_entry_raw", NET_RX, 0, 0), 1);
	check_context(&f->m->ev[0], PL_HOOK_softirq_entry_raw, NET_RX, t0);
	for (vec = 0; vec < 10; vec++)
		assert_int_equal(run(f, "pl_softirq_entry_raw", vec, 0, 0), vec == NET_RX);
	assert_int_equal(object_count(f->m, PL_HOOK_softirq_entry_raw).made, 2);
	assert_int_equal(object_count(f->m, PL_HOOK_softirq_entry_raw).lost, 0);
}

static void test_irq(void **state)
{
	struct fixture *f = *state;
	struct pl_irq_dev dev = { .ifindex = 7, .netns = 4026531840U };
	__u32 irq = IRQ;

	assert_int_equal(bpf_map_update_elem(object_map(f->m, "irqs"), &irq, &dev, BPF_ANY), 0);
	assert_int_equal(run(f, "pl_irq_entry_raw", IRQ, 0, 0), 1);
	assert_int_equal(f->m->ev[0].arg, IRQ);
	assert_int_equal(f->m->ev[0].ifindex, 7);
	assert_int_equal(f->m->ev[0].netns, 4026531840U);
	assert_int_equal(f->m->ev[0].hook, PL_HOOK_irq_entry_raw);
	/* no device of ours; beyond the map */
	assert_int_equal(run(f, "pl_irq_entry_raw", IRQ + 1, 0, 0), 0);
	assert_int_equal(run(f, "pl_irq_entry_raw", 1 << 20, 0, 0), 0);
}

static void test_gro_exit(void **state)
{
	struct fixture *f = *state;
	__u64 t0 = now();
	__u32 result;

	for (result = 0; result <= 4; result++) {
		assert_int_equal(run(f, "pl_napi_gro_exit_raw", result, 0, 0), result < 2);
		if (result < 2)
			check_context(&f->m->ev[0], PL_HOOK_napi_gro_exit_raw, result, t0);
	}
	assert_int_equal(object_count(f->m, PL_HOOK_napi_gro_exit_raw).made, 2);
}

/* From the injection to the entry with it, or to the limit where the vector is never seen put */
static void test_vcpu(void **state)
{
	struct fixture *f = *state;
	__u64 t0 = now(), vcpu = 0xffff888012345678ULL;
	int i;

	assert_int_equal(run(f, "pl_inj_virq_raw", VECTOR, 0, 0), 0);
	assert_int_equal(run(f, "pl_vcpu_entry_raw", vcpu, 0, 0), 0);
	role_set(f, PL_ROLE_VCPU, 0);
	assert_int_equal(run(f, "pl_inj_virq_raw", VECTOR, 0, 0), 0);
	assert_int_equal(run(f, "pl_vcpu_entry_raw", vcpu, 0, 0), 0);

	role_set(f, PL_ROLE_VCPU, PENDING);
	/* another vector goes first: the wait is not over */
	assert_int_equal(run(f, "pl_inj_virq_raw", VECTOR + 1, 0, 0), 1);
	assert_int_equal(role_get(f).pending, PENDING);
	assert_int_equal(run(f, "pl_vcpu_entry_raw", vcpu, 0, 0), 1);
	assert_int_equal(role_get(f).pending, PENDING - 1);
	assert_int_equal(run(f, "pl_inj_virq_raw", VECTOR, 0, 0), 1);
	check_context(&f->m->ev[0], PL_HOOK_inj_virq_raw, VECTOR, t0);
	assert_int_equal(run(f, "pl_vcpu_entry_raw", vcpu, 0, 0), 1);
	assert_true(f->m->ev[0].obj == vcpu);
	assert_int_equal(role_get(f).pending, 0);
	assert_int_equal(run(f, "pl_vcpu_entry_raw", vcpu, 0, 0), 0);

	role_set(f, PL_ROLE_VCPU, PENDING);
	for (i = 0; i < PENDING; i++)
		assert_int_equal(run(f, "pl_vcpu_entry_raw", vcpu, 0, 0), 1);
	assert_int_equal(run(f, "pl_vcpu_entry_raw", vcpu, 0, 0), 0);
}

static void test_vcpu_exit(void **state)
{
	struct fixture *f = *state;
	__u64 t0 = now();

	role_set(f, PL_ROLE_VHOST, 0);
	assert_int_equal(run(f, "pl_vcpu_exit_raw", 0, 0, 0), 0);
	assert_true(role_get(f).exit_ts == 0);
	role_set(f, PL_ROLE_VCPU, 0);
	assert_int_equal(run(f, "pl_vcpu_exit_raw", 0, 0, 0), 0);
	assert_in_range(role_get(f).exit_ts, t0, now());
	assert_int_equal(role_get(f).exit_hook, PL_HOOK_vcpu_exit_raw);
}

static __u64 this_task(struct fixture *f)
{
	f->run = run_bpf__open();
	assert_non_null(f->run);
	assert_int_equal(object_prepare(f->run->obj), 0);
	bpf_program__set_autoload(f->run->progs.run_task, true);
	assert_int_equal(run_bpf__load(f->run), 0);
	assert_int_equal(program_run(f->run->progs.run_task, NULL, 0), 0);
	return f->run->bss->out.task;
}

static void test_sched(void **state)
{
	static const struct {
		__u32 kind, pending, events;
	} rows[] = {
		{ PL_ROLE_NONE, 0, 1 },
		{ PL_ROLE_VHOST, 0, 1 },
		{ PL_ROLE_VMM, 0, 0 },
		{ PL_ROLE_VCPU, 0, 0 },
		{ PL_ROLE_VCPU, PENDING, 1 },
	};
	struct fixture *f = *state;
	__u64 task = this_task(f), t0 = now();
	size_t i;

	assert_int_equal(run(f, "pl_sched_switch_raw", 0, 0, task), 0);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		role_set(f, rows[i].kind, rows[i].pending);
		assert_int_equal(run(f, "pl_sched_switch_raw", 0, 0, task), rows[i].events);
		if (rows[i].events)
			check_context(&f->m->ev[0], PL_HOOK_sched_switch_raw, rows[i].kind, t0);
	}
	/* a task that cannot be read is nobody */
	assert_int_equal(run(f, "pl_sched_switch_raw", 0, 0, 0), 0);
}

/* Made = stored + lost, exactly, and what is stored is whole and in order */
static void test_loss(void **state)
{
	struct fixture *f = *state;
	const __u64 args[] = { NET_RX, 0, 0, 0 };
	struct pl_count c;
	unsigned int i, n, rounds, stored = 0;

	for (rounds = 1; rounds <= 3; rounds++) {
		for (i = 0; i < FLOOD; i++)
			assert_int_equal(program_run(f->skel->progs.pl_softirq_raise_raw, args, 4), 0);
		n = object_drain(f->m);
		stored += n;
		assert_int_equal(n, RING_SMALLEST);
		for (i = 0; i < n; i++) {
			assert_int_equal(f->m->ev[i].hook, PL_HOOK_softirq_raise_raw);
			assert_true(!i || f->m->ev[i].ts >= f->m->ev[i - 1].ts);
			/* the first one after a loss says so, and only that one */
			assert_int_equal(!!(f->m->ev[i].flags & PL_F_GAP), rounds > 1 && i == 0);
		}
		c = object_count(f->m, PL_HOOK_softirq_raise_raw);
		assert_int_equal(c.made, rounds * FLOOD);
		assert_int_equal(c.made, stored + c.lost);
	}
	/* room again: nothing more is lost */
	assert_int_equal(run(f, "pl_softirq_raise_raw", NET_RX, 0, 0), 1);
	assert_int_equal(f->m->ev[0].flags, PL_F_GAP);
	assert_int_equal(run(f, "pl_softirq_raise_raw", NET_RX, 0, 0), 1);
	assert_int_equal(f->m->ev[0].flags, 0);
	assert_int_equal(object_count(f->m, PL_HOOK_softirq_raise_raw).lost, c.lost);
}

/* No ring (a CPU that came later): counted as lost, no harm */
static void test_no_ring(void **state)
{
	struct fixture *f = *state;

	f->m->rings[0].size = 0;
	assert_int_equal(run(f, "pl_softirq_raise_raw", NET_RX, 0, 0), 0);
	assert_int_equal(object_count(f->m, PL_HOOK_softirq_raise_raw).made, 1);
	assert_int_equal(object_count(f->m, PL_HOOK_softirq_raise_raw).lost, 1);
}

/*
 * Of a program that did not load. Before 6.10 a tc program must not ask for the
 * task, as skb_hop() does
 */
static bool lacks_helper(void)
{
	return strstr(object_said(), "unknown func bpf_get_current_pid_tgid#");
}

/* A real skb, that of a tc program's test run, through the hop of net_dev_queue */
static void skb_setup(struct fixture *f, bool cast)
{
	libbpf_print_fn_t print;
	struct stat ns;
	__u64 key;
	__u8 one = 1;
	int err;

	if (cast && !cast_func())
		skip(); /* before 6.2 */
	f->run = calloc(1, sizeof(*f->run));
	assert_non_null(f->run);
	assert_int_equal(run_bpf__create_skeleton(f->run), 0);
	assert_true(!cast || object_cast(f->run->skeleton));
	assert_int_equal(bpf_object__open_skeleton(f->run->skeleton, NULL), 0);
	f->run->rodata->cfg_cast = cast;
	assert_int_equal(object_prepare(f->run->obj), 0);
	bpf_program__set_autoload(f->run->progs.run_skb, true);
	bpf_program__set_autoload(f->run->progs.run_key, true);
	f->run->rodata->cfg_scoped = true; /* lo is not looked at unless it is named */
	print = object_listen();
	err = run_bpf__load(f->run);
	libbpf_set_print(print);
	if (err && lacks_helper())
		skip();
	if (err)
		fail_msg("%s\n%.4000s", strerror(-err), object_said());
	object_stop(f->m);
	assert_int_equal(object_start(f->run->obj, RING_USUAL, f->m), 0);
	assert_int_equal(stat("/proc/self/ns/net", &ns), 0);
	key = (__u64)ns.st_ino << 32 | if_nametoindex("lo");
	assert_int_equal(bpf_map_update_elem(object_map(f->m, "scope"), &key, &one, BPF_ANY), 0);
}

/* gso: size of the segments, 0: none */
static void skb_run(struct fixture *f, const struct packet *p, __u32 gso, struct pl_event *out)
{
	/* include/uapi/linux/bpf.h, struct __sk_buff; only these fields may be given */
	struct __sk_buff skb = { .gso_size = gso };
	__u8 frame[PACKET_MAX];
	size_t l3, len = packet_build(p, frame, &l3);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = len,
		    .ctx_in = &skb, .ctx_size_in = sizeof(skb));

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(f->run->progs.run_skb), &opts), 0);
	assert_int_equal(object_drain(f->m), 1);
	*out = f->m->ev[0];
	assert_true(out->obj == f->run->bss->out.skb);
	assert_int_equal(out->ifindex, if_nametoindex("lo"));
	assert_int_equal(out->tid, gettid());
	/* and by the bytes alone */
	memcpy(f->run->bss->in.packet, frame, len);
	f->run->bss->in.linear = f->run->bss->in.frame = len;
	assert_int_equal(program_run(f->run->progs.run_key, NULL, 0), 0);
	assert_true(out->key == f->run->bss->out.ev.key);
	assert_int_equal(out->pay, f->run->bss->out.ev.pay);
	assert_int_equal(out->arg, f->run->bss->out.ev.arg);
}

static void skb_fields(struct fixture *f, bool cast)
{
	struct packet p = { .ttl = 64, .src = { 10, 0, 0, 1 }, .dst = { 10, 0, 0, 2 }, .proto = 17, .sport = 1, .dport = 2, .payload = 100, .tpid = { 0x8100 }, .tci = { 0x2005 }, .fill = "payload" };
	struct pl_event plain, ev;

	skb_setup(f, cast);
	skb_run(f, &p, 0, &plain);
	assert_int_equal(plain.len, 142);
	assert_int_equal(plain.flags, PL_F_KEY | PL_F_PAY);
	assert_int_equal(plain.proto, 17);
	assert_int_equal(plain.vlan, 0);
	assert_true(plain.head != 0);

	/* a tag in metadata, then one in the frame: the same packet */
	f->run->bss->in.vlan_proto = htons(0x8100);
	f->run->bss->in.vlan_tci = 0x6123;
	skb_run(f, &p, 0, &ev);
	assert_int_equal(ev.flags, PL_F_KEY | PL_F_PAY | PL_F_VLAN_META);
	assert_int_equal(ev.vlan & 0x0fff, 0x123);
	assert_true(ev.key == plain.key && ev.pay == plain.pay);
	f->run->bss->in.vlan_proto = 0;
	p.tags = 1;
	skb_run(f, &p, 0, &ev);
	assert_true(ev.flags & PL_F_VLAN_FRAME);
	assert_int_equal(ev.vlan, 0x20050000);
	assert_true(ev.key == plain.key && ev.pay == plain.pay);

	p.tags = 0;
	p.proto = 6;
	p.payload = 1400;
	skb_run(f, &p, 700, &ev);
	assert_int_equal(ev.flags, PL_F_KEY | PL_F_GSO);
}

static void test_skb(void **state)
{
	skb_fields(*state, false);
}

static void test_skb_cast(void **state)
{
	skb_fields(*state, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_softirq, setup, teardown),
		cmocka_unit_test_setup_teardown(test_irq, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gro_exit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_vcpu, setup, teardown),
		cmocka_unit_test_setup_teardown(test_vcpu_exit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sched, setup, teardown),
		cmocka_unit_test_setup_teardown(test_loss, setup_smallest, teardown),
		cmocka_unit_test_setup_teardown(test_no_ring, setup, teardown),
		cmocka_unit_test_setup_teardown(test_skb, setup, teardown),
		cmocka_unit_test_setup_teardown(test_skb_cast, setup, teardown),
	};

	return cmocka_run_group_tests_name("events of the programs", tests, NULL, NULL);
}
