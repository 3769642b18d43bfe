/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all programs share: maps, configuration, and the making of an event.
 *
 * Order on the event path, cheapest first: scope, then the counters, then the ring, then the
 * headers. No printk, no map of packets, no wake-up of the recorder: it polls.
 */
#ifndef PKTLAP_BPF_H
#define PKTLAP_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "event.h"
#include "ring.h"
#include "cast.h"
#include "catalogue.h"

#define ARPHRD_ETHER		 1 /* include/uapi/linux/if_arp.h */
#define ARPHRD_LOOPBACK		 772
#define ARPHRD_NONE		 0xfffe
#define LOOPBACK_IFINDEX	 1 /* include/net/net_namespace.h: in every namespace */
#define EPOLLIN			 0x001
#define EPOLLRDNORM		 0x040
#define NET_RX_SOFTIRQ		 3 /* include/linux/interrupt.h */
#define EEXIST			 17 /* include/uapi/asm-generic/errno-base.h */
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

/* [cpu]: mapped by the recorder, which sets the sizes and gives slots back */
struct rings_shape {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pl_ring);
};

/* The slots of all rings, one after the other; mapped by the recorder */
struct slots_shape {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pl_event);
};

/* [PL_COUNTS_CELL(cpu, hook)]; mapped by the recorder, so that reading it costs no system call */
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
 * netns << 32 | ifindex -> enum pl_scope; used only when devices were named. netns 0: in any
 * namespace; ifindex 0: the namespace has such a device
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

/*
 * skb -> a packet that was selected, to know it again; the recorder sets the size. The value is an
 * event, since a stack has no room for it and another one beside: key, pay, arg, proto and flags are
 * the packet's identity, obj is the skb's buffer, ifindex where the network header was in it and len
 * how far that is from the end of the linear part, queue its ethertype in network order.
 */
struct followed_shape {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct pl_event);
};

/* sock -> has it to do with selected packets? */
struct socks_shape {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct pl_sock);
};

/* tid -> what it writes to a datagram socket */
struct sends_shape {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pl_send);
};

struct selected_shape {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pl_selected);
};

#ifdef PL_DEFINE_MAPS
struct rings_shape rings SEC(".maps");
struct slots_shape slots SEC(".maps");
struct counts_shape counts SEC(".maps");
struct roles_shape roles SEC(".maps");
struct scope_shape scope SEC(".maps");
struct irqs_shape irqs SEC(".maps");
struct cpus_shape cpus SEC(".maps");
struct followed_shape followed SEC(".maps");
struct selected_shape selected SEC(".maps");
struct socks_shape socks SEC(".maps");
struct sends_shape sends SEC(".maps");
const volatile bool cfg_scoped = false;
const volatile bool cfg_cast = false;
const volatile bool cfg_select = false;
const volatile bool cfg_filter = false;
const volatile bool cfg_follow_nat = false;
const volatile __u32 cfg_sample = 0;
const volatile __u64 cfg_stext = 0;
const volatile __u64 cfg_pollwake = 0;
const volatile __u64 cfg_epollwake = 0;
const volatile __u64 cfg_recvwake = 0;
const volatile __u64 cfg_wokenwake = 0;
const volatile __u64 cfg_uringwake = 0;
#else
extern struct rings_shape rings SEC(".maps");
extern struct slots_shape slots SEC(".maps");
extern struct counts_shape counts SEC(".maps");
extern struct roles_shape roles SEC(".maps");
extern struct scope_shape scope SEC(".maps");
extern struct irqs_shape irqs SEC(".maps");
extern struct cpus_shape cpus SEC(".maps");
extern struct followed_shape followed SEC(".maps");
extern struct selected_shape selected SEC(".maps");
extern struct socks_shape socks SEC(".maps");
extern struct sends_shape sends SEC(".maps");
extern const volatile bool cfg_scoped SEC(".rodata"); /* only the devices in scope */
extern const volatile bool cfg_cast SEC(".rodata"); /* CAST_HERE was replaced (bpf/cast.h) */
extern const volatile bool cfg_select SEC(".rodata"); /* only some packets; the next ones say which */
extern const volatile bool cfg_filter SEC(".rodata"); /* what filter_run() passes */
extern const volatile bool cfg_follow_nat SEC(".rodata"); /* a followed skb may change its identity */
extern const volatile __u32 cfg_sample SEC(".rodata"); /* one in so many; 0: all */
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

/*
 * Memory at a kernel address, seen as a struct of the kernel's: it may be read by plain loads, which
 * give zero where there is no memory. Only where cfg_cast says so.
 */
static __always_inline void *cast_to(__u64 at, __u64 type)
{
	register __u64 obj asm("r1") = at;
	register __u64 id asm("r2") = type;
	register void *res asm("r0");

	asm volatile("r0 = %[here]"
		     : "=r"(res), "+r"(obj), "+r"(id)
		     : [here] "i"(CAST_HERE)
		     : "r3", "r4", "r5");
	return res;
}

/* READ() of what a pointer from memory points to, by a plain load where the kernel has the cast */
#define READ_CAST(ptr, field) ({ \
	typeof((ptr)->field) __val; \
	if (cfg_cast) { \
		typeof(ptr) __at = cast_to((__u64)(ptr), bpf_core_type_id_kernel(typeof(*(ptr)))); \
		__val = __at->field; \
	} else { \
		bpf_core_read(&__val, sizeof(__val), &(ptr)->field); \
	} \
	__val; \
})

/* Any memory as words: 25 of them are in this struct (include/uapi/linux/if_link.h) */
static __always_inline const __u64 *cast_words(__u64 at)
{
	return cast_to(at, bpf_core_type_id_kernel(struct rtnl_link_stats64));
}

static __always_inline __u32 current_tid(void)
{
	return (__u32)bpf_get_current_pid_tgid();
}

static __always_inline struct pl_role *role_of(__u32 tid)
{
	return bpf_map_lookup_elem(&roles, &tid);
}

static __always_inline struct pl_selected *selected_here(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&selected, &zero);
}

/* Of a task that has none. It is without one, and that is counted, where there is no room */
static __always_inline void role_put(__u32 tid, const struct pl_role *role)
{
	long err = bpf_map_update_elem(&roles, &tid, role, BPF_NOEXIST);
	struct pl_selected *here = err && err != -EEXIST ? selected_here() : NULL;

	if (here)
		__sync_fetch_and_add(&here->tasks_unfollowed, 1);
}

static __always_inline void role_learn(__u32 tid, __u32 kind)
{
	struct pl_role role = { .kind = kind };

	if (!role_of(tid))
		role_put(tid, &role);
}

static __always_inline enum pl_scope scope_of(__u32 netns, __u32 ifindex)
{
	__u64 key = (__u64)netns << 32 | ifindex;
	const __u8 *value = bpf_map_lookup_elem(&scope, &key);

	return value ? *value : PL_SCOPE_NO;
}

static __always_inline bool scope_has(__u32 netns, __u32 ifindex)
{
	return scope_of(netns, ifindex) == PL_SCOPE_YES;
}

/* an interrupt that makes an event between load and exchange: more than this at once is no more
 * than a lost event, and counted */
#define CLAIM_TRIES 4

/* The next slot of a ring; NULL: none is free */
static __always_inline struct pl_event *ring_claim(struct pl_ring *ring)
{
	__u64 pos = 0;
	__u32 slot;
	int i;

#pragma unroll
	for (i = 0; i < CLAIM_TRIES; i++) {
		pos = *(volatile __u64 *)&ring->head;
		if (pos - *(volatile __u64 *)&ring->tail >= ring->size)
			return NULL;
		if (__sync_val_compare_and_swap(&ring->head, pos, pos + 1) == pos)
			break;
	}
	if (i == CLAIM_TRIES)
		return NULL;
	slot = ring->first + (pos & (ring->size - 1));
	return bpf_map_lookup_elem(&slots, &slot);
}

/*
 * Were events of this CPU lost since the last call that said so? Taken before the slot: an
 * interrupt that loses events after that leaves the mark for the next.
 */
static __always_inline bool ring_gap_take(struct pl_ring *ring)
{
	return ring->gap && __sync_lock_test_and_set(&ring->gap, 0);
}

/*
 * Take a slot for an event of this hook and fill in what every event has. NULL: no room, and
 * counted. Each event that was begun must be ended, or the reader waits for it.
 * What flags the hop adds must leave those that are set.
 * ts is taken here, before the counters and the ring, as near to the hop as it can be.
 */
static __always_inline struct pl_event *event_begin(__u8 hook)
{
	__u64 ts = bpf_ktime_get_ns();
	__u32 cpu = bpf_get_smp_processor_id();
	__u32 cell = PL_COUNTS_CELL(cpu, hook);
	struct pl_ring *ring = bpf_map_lookup_elem(&rings, &cpu);
	struct pl_count *count = bpf_map_lookup_elem(&counts, &cell);
	struct pl_event *e;
	bool gap;

	if (!count || !ring)
		return NULL;
	/* atomic: an interrupt on this CPU may count at the same hook between load and store */
	__sync_fetch_and_add(&count->made, 1);
	gap = ring_gap_take(ring);
	e = ring_claim(ring);
	if (!e) {
		__sync_fetch_and_add(&count->lost, 1);
		ring->gap = 1;
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

/*
 * Ready: see ring.h. No store of the event may be seen after this one. x86 keeps the order of
 * stores; elsewhere an exchange is a full barrier (BPF has a release store from 6.15 on only).
 */
static __always_inline void event_end(struct pl_event *e)
{
#ifdef __TARGET_ARCH_x86
	barrier();
	*(volatile __u16 *)&e->cpu = e->cpu + 1;
#else
	__u64 *word = (__u64 *)&e->cpu, was = *word;

	__sync_lock_test_and_set(word, (was & ~0xffffULL) | (__u16)(was + 1));
#endif
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
