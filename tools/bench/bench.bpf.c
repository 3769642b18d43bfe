// SPDX-License-Identifier: GPL-2.0
/*
 * The floor of this machine, to hold pktlap's own programs against: what any program must pay
 * that takes a time stamp and hands 64 bytes to user space.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "bpf/catalogue.h"
#include "bpf/event.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

__u64 clock_sink;
__u64 refused;

SEC("raw_tp/softirq_raise")
int b_empty(void *ctx)
{
	return 0;
}

SEC("raw_tp/softirq_raise")
int b_ktime(void *ctx)
{
	clock_sink = bpf_ktime_get_ns();
	return 0;
}

SEC("raw_tp/softirq_raise")
int b_reserve(void *ctx)
{
	struct pl_event *e;
	__u64 now = bpf_ktime_get_ns();

	e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);
	if (!e) {
		refused++;
		return 0;
	}
	e->ts = now;
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pl_count);
} count SEC(".maps");

/* The same event as pktlap's for a context hop, through the kernel's ring in place of bpf/ring.h */
SEC("raw_tp/softirq_raise")
int b_ringbuf(void *ctx)
{
	struct pl_count *c;
	__u64 now = bpf_ktime_get_ns();
	struct pl_event *e;
	__u32 zero = 0;

	c = bpf_map_lookup_elem(&count, &zero);
	if (!c)
		return 0;
	__sync_fetch_and_add(&c->made, 1);
	e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&c->lost, 1);
		return 0;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->ts = now;
	e->tid = (__u32)bpf_get_current_pid_tgid();
	e->arg = 3;
	e->cpu = bpf_get_smp_processor_id();
	e->hook = PL_HOOK_softirq_raise_raw;
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	return 0;
}
