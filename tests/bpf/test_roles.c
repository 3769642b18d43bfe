// SPDX-License-Identifier: GPL-2.0
/* Tasks that the programs find by themselves, and what happens when there is no room for one more */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/bpf.h>
#include <cmocka.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "object.h"
#include "pktlap.skel.h"
#include "run.h"
#include "run.skel.h"

#define ROOM  1
#define TRIES 100

struct fixture {
	struct run_bpf *run;
	struct pktlap_bpf *skel;
	struct made m;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	if (!f)
		return -1;
	f->run = run_bpf__open();
	f->skel = pktlap_bpf__open();
	if (!f->run || !f->skel || object_prepare(f->run->obj) || object_prepare(f->skel->obj) ||
	    bpf_map__set_max_entries(f->skel->maps.roles, ROOM))
		return -1;
	bpf_program__set_autoload(f->run->progs.run_task, true);
	bpf_program__set_autoload(f->skel->progs.pl_waking_raw, true);
	return run_bpf__load(f->run) || pktlap_bpf__load(f->skel) ||
	       object_start(f->skel->obj, 64, &f->m);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (!f)
		return 0;
	object_stop(&f->m);
	pktlap_bpf__destroy(f->skel);
	run_bpf__destroy(f->run);
	free(f);
	return 0;
}

/* A socket's callback, in this task, wakes this task */
static void wake(struct fixture *f)
{
	struct pl_cpu cpu = { .sk = 64, .tid = gettid(), .by = gettid(), .how = PL_WAIT_RECV };
	unsigned int i, made = 0;
	struct timespec t;
	__u64 args[1];
	__u32 zero = 0;

	assert_int_equal(program_run(f->run->progs.run_task, NULL, 0), 0);
	args[0] = f->run->bss->out.task;
	/* a callback is over after a millisecond, which the test may be kept waiting */
	for (i = 0; i < TRIES && !made; i++) {
		clock_gettime(CLOCK_MONOTONIC, &t);
		cpu.ts = t.tv_sec * 1000000000ULL + t.tv_nsec;
		assert_int_equal(bpf_map_update_elem(object_map(&f->m, "cpus"), &zero, &cpu, BPF_ANY), 0);
		assert_int_equal(program_run(f->skel->progs.pl_waking_raw, args, 1), 0);
		made = object_drain(&f->m);
	}
	assert_int_equal(made, 1);
	assert_int_equal(f->m.ev[0].tid, gettid());
}

static __u64 unfollowed(struct fixture *f)
{
	struct pl_selected *of_cpu = calloc(f->m.ncpus, sizeof(*of_cpu));
	__u32 zero = 0;
	__u64 n;

	assert_non_null(of_cpu);
	assert_int_equal(bpf_map_lookup_elem(object_map(&f->m, "selected"), &zero, of_cpu), 0);
	n = of_cpu[0].tasks_unfollowed;
	free(of_cpu);
	return n;
}

static void test_known(void **state)
{
	struct fixture *f = *state;
	struct pl_role role;
	__u32 tid = gettid();

	wake(f);
	wake(f);
	assert_int_equal(bpf_map_lookup_elem(object_map(&f->m, "roles"), &tid, &role), 0);
	assert_int_equal(role.kind, PL_ROLE_APP);
	assert_int_equal(unfollowed(f), 0);
}

static void test_no_room(void **state)
{
	struct fixture *f = *state;
	struct pl_role role = { .kind = PL_ROLE_APP };
	__u32 tid = gettid() + 1;

	assert_int_equal(bpf_map_update_elem(object_map(&f->m, "roles"), &tid, &role, BPF_ANY), 0);
	wake(f);
	assert_int_equal(unfollowed(f), 1);
	wake(f);
	assert_int_equal(unfollowed(f), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_known, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_room, setup, teardown),
	};

	return cmocka_run_group_tests_name("tasks that are noted", tests, NULL, NULL);
}
