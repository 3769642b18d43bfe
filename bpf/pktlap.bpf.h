/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all programs share: maps, configuration, and the making of an event.
 *
 * Order on the event path, cheapest first: scope, then the counters, then the ring, then the
 * headers. No printk, no map of packets, no wake-up per event.
 */
#ifndef PKTLAP_BPF_H
#define PKTLAP_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "event.h"
#include "catalogue.h"

#define ARPHRD_ETHER		 1 /* include/uapi/linux/if_arp.h */
#define ARPHRD_LOOPBACK		 772
#define ARPHRD_NONE		 0xfffe
#define LOOPBACK_IFINDEX	 1 /* include/net/net_namespace.h: in every namespace */
#define EPOLLIN			 0x001
#define EPOLLRDNORM		 0x040
#define NET_RX_SOFTIRQ		 3 /* include/linux/interrupt.h */
#define MAC_UNSET		 0xffff /* mac_header of an skb that never was a frame */

/* ARGs of an event function: may the skb be read by plain loads (tp_btf, fentry) or only by
 * bpf_probe_read_kernel (raw tracepoint, kprobe, pointers read from memory)? */
#define DIRECT			 true
#define PROBED			 false

#define READ(direct, ptr, field) ({ \
	typeof((ptr)->field) __val; \
	if (direct) \
		__val = (ptr)->field; \
	else \
		bpf_core_read(&__val, sizeof(__val), &(ptr)->field); \
	__val; \
})

/* a wake-up of the recorder for every so many events of a hook on a CPU; else it polls */
#define WAKE_EVERY 2048

struct ring_shape {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

/* One ring for each possible CPU: producers never share a lock. The recorder sets the sizes. */
struct rings_shape {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct ring_shape);
};

/* [cpu * PL_NR_HOOKS + hook]; mapped by the recorder, so that reading it costs no system call */
struct counts_shape {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pl_count);
};

/* tid -> what the task is to us; filled by the recorder and, for tasks that come later, by the
 * programs that only such tasks run */
struct roles_shape {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct pl_role);
};

/*
 * netns << 32 | ifindex -> 1; used only when devices were named. netns 0: in any namespace;
 * ifindex 0: the namespace has such a device
 */
struct scope_shape {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u8);
};

/* interrupt number -> device; the recorder sets the size */
struct irqs_shape {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pl_irq_dev);
};

/* what runs on each CPU; the recorder sets the size */
struct cpus_shape {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pl_cpu);
};

#ifdef PL_DEFINE_MAPS
struct rings_shape rings SEC(".maps");
struct counts_shape counts SEC(".maps");
struct roles_shape roles SEC(".maps");
struct scope_shape scope SEC(".maps");
struct irqs_shape irqs SEC(".maps");
struct cpus_shape cpus SEC(".maps");
const volatile bool cfg_scoped = false;
const volatile __u64 cfg_stext = 0;
const volatile __u64 cfg_pollwake = 0;
const volatile __u64 cfg_epollwake = 0;
const volatile __u64 cfg_recvwake = 0;
const volatile __u64 cfg_wokenwake = 0;
const volatile __u64 cfg_uringwake = 0;
#else
extern struct rings_shape rings SEC(".maps");
extern struct counts_shape counts SEC(".maps");
extern struct roles_shape roles SEC(".maps");
extern struct scope_shape scope SEC(".maps");
extern struct irqs_shape irqs SEC(".maps");
extern struct cpus_shape cpus SEC(".maps");
extern const volatile bool cfg_scoped SEC(".rodata"); /* only the devices in scope */
extern const volatile __u64 cfg_stext SEC(".rodata"); /* address of _stext; 0: unknown */
/*
 * Functions that say how a task waits for a socket; 0: unknown. pollwake(), ep_poll_callback(),
 * io_poll_wake(), and those of the reads themselves: receiver_wake_function(),
 * woken_wake_function()
 */
extern const volatile __u64 cfg_pollwake SEC(".rodata");
extern const volatile __u64 cfg_epollwake SEC(".rodata");
extern const volatile __u64 cfg_recvwake SEC(".rodata");
extern const volatile __u64 cfg_wokenwake SEC(".rodata");
extern const volatile __u64 cfg_uringwake SEC(".rodata");
#endif

/* A pointer that the verifier knows the type of as a number: it permits no other arithmetic */
static __always_inline __u64 address_of(const void *ptr)
{
	__u64 n = (__u64)ptr;

	asm volatile("%0 = -%0\n"
		     "%0 = -%0\n"
		     : "+r"(n));
	return n;
}

static __always_inline __u32 current_tid(void)
{
	return (__u32)bpf_get_current_pid_tgid();
}

static __always_inline struct pl_role *role_of(__u32 tid)
{
	return bpf_map_lookup_elem(&roles, &tid);
}

static __always_inline void role_learn(__u32 tid, __u32 kind)
{
	struct pl_role role = { .kind = kind };

	if (!role_of(tid))
		bpf_map_update_elem(&roles, &tid, &role, BPF_NOEXIST);
}

static __always_inline bool scope_has(__u32 netns, __u32 ifindex)
{
	__u64 key = (__u64)netns << 32 | ifindex;

	return bpf_map_lookup_elem(&scope, &key) != NULL;
}

/*
 * Were events of this CPU lost since the last call that said so? Kept in the cell of no hook.
 * Taken before the reserve: an interrupt that loses events after that leaves the mark for the next.
 */
static __always_inline bool gap_take(__u32 cpu)
{
	__u32 cell = cpu * PL_NR_HOOKS + PL_HOOK_none;
	struct pl_count *gap = bpf_map_lookup_elem(&counts, &cell);

	return gap && gap->lost && __sync_lock_test_and_set(&gap->lost, 0);
}

static __always_inline void gap_leave(__u32 cpu)
{
	__u32 cell = cpu * PL_NR_HOOKS + PL_HOOK_none;
	struct pl_count *gap = bpf_map_lookup_elem(&counts, &cell);

	if (gap)
		gap->lost = 1;
}

/*
 * Reserve an event of this hook and fill in what every event has. NULL: no room, and counted.
 * What flags the hop adds must leave those that are set.
 * ts is taken here, before the counters and the ring, as near to the hop as it can be.
 */
static __always_inline struct pl_event *event_begin(__u8 hook)
{
	__u64 ts = bpf_ktime_get_ns();
	__u32 cpu = bpf_get_smp_processor_id();
	__u32 cell = cpu * PL_NR_HOOKS + hook;
	struct pl_count *count;
	struct pl_event *e = NULL;
	void *ring;
	bool gap;

	count = bpf_map_lookup_elem(&counts, &cell);
	if (!count)
		return NULL;
	/* atomic: an interrupt on this CPU may count at the same hook between load and store */
	__sync_fetch_and_add(&count->made, 1);
	gap = gap_take(cpu);
	ring = bpf_map_lookup_elem(&rings, &cpu);
	if (ring)
		e = bpf_ringbuf_reserve(ring, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&count->lost, 1);
		gap_leave(cpu);
		return NULL;
	}
	e->ts = ts;
	e->obj = 0;
	e->key = 0;
	e->head = 0;
	e->pay = 0;
	e->len = 0;
	e->ifindex = 0;
	e->netns = 0;
	e->tid = current_tid();
	e->arg = 0;
	e->vlan = 0;
	e->cpu = cpu;
	e->queue = 0;
	e->hook = hook;
	e->proto = 0;
	e->flags = gap ? PL_F_GAP : 0;
	return e;
}

/* The same at a device */
static __always_inline struct pl_event *event_begin_at(__u8 hook, __u32 ifindex, __u32 netns)
{
	struct pl_event *e = event_begin(hook);

	if (e) {
		e->ifindex = ifindex;
		e->netns = netns;
	}
	return e;
}

static __always_inline void event_end(struct pl_event *e)
{
	/* the low bits of the time: a cheap, unbiased one in WAKE_EVERY */
	bool wake = (e->ts & (WAKE_EVERY - 1)) == 0;

	bpf_ringbuf_submit(e, wake ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

/* A context hop that is known by two objects and a number */
static __always_inline int event_context(__u8 hook, const void *obj, const void *other, __u32 arg,
					 __u16 flags)
{
	struct pl_event *e = event_begin(hook);

	if (!e)
		return 0;
	e->obj = (__u64)obj;
	e->key = (__u64)other;
	e->arg = arg;
	e->flags |= flags;
	event_end(e);
	return 0;
}

#endif
