// SPDX-License-Identifier: GPL-2.0
/*
 * The verifier of the running kernel takes each program whose kind is permitted and whose types it
 * has. One by one: a program that is refused must not hide behind its alternatives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/libbpf.h>
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "object.h"
#include "filter.h"
#include "hooks_cast.h"
#include "hooks_int.h"
#include "pktlap.skel.h"
#include "user/catalogue.h"

/* loads of all sizes, fixed and indexed, near and far, cells of M[], arithmetic, tags, tunnels */
#define FILTER_ALL_KINDS \
	"(vlan 5 and (udp port 7788 or tcp[tcpflags] & tcp-syn != 0)) or (ip6 host fe80::1 and " \
	"portrange 1-1000) or ether[200:4] = 0x01020304 or ether[ip[2:2] + 13] = 7 or " \
	"ip[2:2] - ((ip[0] & 0xf) << 2) / 3 % 5 > 100 or ether host 02:00:00:00:00:09 or mpls 7"

/* func: that of cast_func() for plain loads of packets, 0: the other variant */
static int load(const bool hooks[PL_NR_HOOKS], const struct hooks_config *cfg, int func)
{
	struct bpf_program *prog;
	struct pktlap_bpf *skel;
	enum pl_hook hook;
	char name[64];
	int err;

	assert_int_equal(hooks_open(cfg, func, &skel), 0);
	object_listen();
	assert_int_equal(object_prepare(skel->obj), 0);
	for (hook = 1; hook < PL_NR_HOOKS; hook++) {
		if (!hooks[hook])
			continue;
		snprintf(name, sizeof(name), "pl_%s", hook_desc(hook)->id);
		prog = bpf_object__find_program_by_name(skel->obj, name);
		if (!prog)
			fail_msg("the catalogue has %s, the object has no program of this name", name);
		bpf_program__set_autoload(prog, true);
	}
	err = pktlap_bpf__load(skel);
	pktlap_bpf__destroy(skel);
	return err;
}

/* Access to a type that no BTF here has: the module is not loaded */
static bool lacks_types(void)
{
	return strstr(object_said(), "CO-RE relocation") || strstr(object_said(), "195896080");
}

/* Is the tracepoint or function here, in something that has BTF? */
static bool target_here(const struct ksyms *k, const struct hook_desc *d)
{
	bool tracepoint = d->kind == PL_KIND_TPBTF;
	const char *module = "";
	char name[128];

	snprintf(name, sizeof(name), "%s%s", tracepoint ? "__traceiter_" : "", d->target);
	if (!ksyms_has(k, name, &module))
		return false;
	snprintf(name, sizeof(name), "/sys/kernel/btf/%s", *module ? module : "vmlinux");
	return !access(name, R_OK);
}

static struct filter *filter;
static int func_here; /* cast_func() of this kernel */

/* Load all programs of a kind that can be loaded, in one variant */
static unsigned int load_variant(enum pl_hook_kind kind, bool needs_target, int func)
{
	const struct hooks_config all = {}, some = { .filter = filter, .sample = 3, .follow_nat = true };
	unsigned int loaded = 0, absent = 0, typeless = 0, refused = 0, denied = 0;
	bool good[PL_NR_HOOKS] = {};
	struct ksyms *k;
	enum pl_hook hook;
	int err;

	assert_int_equal(ksyms_load(&k), 0);
	for (hook = 1; hook < PL_NR_HOOKS; hook++) {
		const struct hook_desc *d = hook_desc(hook);
		bool one[PL_NR_HOOKS] = {};

		if (d->kind != kind)
			continue;
		if (needs_target && !target_here(k, d)) {
			absent++;
			continue;
		}
		one[hook] = true;
		err = load(one, &all, func);
		if (!err) {
			loaded++;
			good[hook] = true;
		} else if (err == -EPERM) {
			denied++; /* the kind, or all of BPF */
		} else if (lacks_types()) {
			typeless++;
		} else {
			refused++;
			print_error("# %s: %s\n%.4000s\n", d->id, strerror(-err), object_said());
		}
	}
	ksyms_free(k);
	print_message("# %s%s: %u loaded, %u with absent targets, %u with absent types, %u denied\n",
		      hook_kind_name(kind), func ? ", plain loads" : "", loaded, absent, typeless, denied);
	assert_int_equal(refused, 0);
	/* a kernel denies a kind as a whole */
	assert_true(!loaded || !denied);
	/* and with all that selects packets: without, it is dead code to the verifier */
	err = loaded ? load(good, &some, func) : 0;
	if (err)
		fail_msg("with a filter: %s\n%.4000s", strerror(-err), object_said());
	return loaded;
}

static void load_kind(enum pl_hook_kind kind, bool needs_target)
{
	unsigned int loaded = load_variant(kind, needs_target, 0);

	if (func_here)
		assert_int_equal(load_variant(kind, needs_target, func_here), loaded);
	if (!loaded)
		skip();
}

static void test_tp_btf(void **state)
{
	(void)state;
	load_kind(PL_KIND_TPBTF, true);
}

static void test_raw_tp(void **state)
{
	(void)state;
	load_kind(PL_KIND_RAWTP, false);
}

static void test_fentry(void **state)
{
	(void)state;
	load_kind(PL_KIND_FENTRY, true);
}

static void test_fexit(void **state)
{
	(void)state;
	load_kind(PL_KIND_FEXIT, true);
}

static void test_kprobe(void **state)
{
	(void)state;
	load_kind(PL_KIND_KPROBE, false);
}

static int setup(void **state)
{
	struct filter_error why;

	(void)state;
	if (filter_new(FILTER_ALL_KINDS, &filter, &why))
		return -1;
	func_here = cast_func();
	if (!func_here)
		print_message("# this kernel has no bpf_rdonly_cast() for programs\n");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(filter);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tp_btf),
		cmocka_unit_test(test_raw_tp),
		cmocka_unit_test(test_fentry),
		cmocka_unit_test(test_fexit),
		cmocka_unit_test(test_kprobe),
	};

	return cmocka_run_group_tests_name("programs and the verifier", tests, setup, teardown);
}
