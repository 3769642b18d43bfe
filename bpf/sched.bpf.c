// SPDX-License-Identifier: GPL-2.0
/*
 * The tasks that packets wait for: vhost workers, vCPUs with an interrupt on its way, readers that
 * a socket woke
 */
#include "pktlap.bpf.h"

static __always_inline int run_event(__u8 hook, __u32 tid)
{
	struct pl_role *role;
	struct pl_event *e;

	/* every other switch of a host is to the idle task, which is nobody */
	if (!tid)
		return 0;
	role = role_of(tid);
	if (!role || role->kind == PL_ROLE_VMM)
		return 0;
	/* a vCPU is switched in for many reasons: only one that an interrupt waits for counts */
	if (role->kind == PL_ROLE_VCPU && !role->pending)
		return 0;
	if (role->kind == PL_ROLE_APP) {
		if (!role->pending)
			return 0;
		role->pending = 0;
	}
	e = event_begin(hook);
	if (!e)
		return 0;
	e->tid = tid;
	e->arg = role->kind;
	event_end(e);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(pl_sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	return run_event(PL_HOOK_sched_switch, next->pid);
}

SEC("raw_tp/sched_switch")
int BPF_PROG(pl_sched_switch_raw, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	return run_event(PL_HOOK_sched_switch_raw, READ(PROBED, next, pid));
}
