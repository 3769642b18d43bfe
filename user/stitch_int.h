/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside of the stitcher. stitch.c: API and dispatch; stitch_flight.c: packets in flight, their
 * tables and their ends; stitch_nic.c: what a CPU was doing when a packet came in; stitch_skb.c:
 * hops that see the packet; stitch_rx.c: copy to the guest, batches, injection; stitch_tx.c: from
 * the guest's kick to the skb.
 *
 * A packet in flight (struct flight) is found by its skb while it has one. Once its copy is with
 * the guest it waits in the list of the task that will tell the guest (struct task_ctx.batch,
 * then .used), then in the list of the vCPU that was kicked (.pending).
 */
#ifndef PKTLAP_STITCH_INT_H
#define PKTLAP_STITCH_INT_H

#include <stdbool.h>

#include "list.h"
#include "stitch.h"

#define FLIGHT_INLINE	32	/* sightings that fit without another allocation */
#define IRQ_SLOTS	8	/* interrupts that wait for their poll, on a CPU */
#define RAISE_SLOTS	4
#define SEND_MAX	128	/* tap_send events that wait for their skb; a batch has at most 64 */
#define FETCH_MAX	130
#define VHOST_BATCH	64	/* VHOST_NET_BATCH, drivers/vhost/net.c */
#define TASKS_MAX	65536
#define KICKS		1024	/* direct-mapped: a collision costs a join, never makes a wrong one */
#define IRQ_MAP		4096	/* direct-mapped likewise */

struct flight {
	struct flight *skb_next, *head_next;	/* chains of the two hash tables */
	struct list lru;			/* all flights, least recently seen first */
	struct list wait;			/* batch, used or pending list; alone when in none */
	__u64 id, skb, key, last_ts;
	__u32 head, pay, flow, vector;
	__u32 drop_reason;
	__s32 drop_place;
	__u16 n, cap;
	__u8 proto, last_pkt;			/* enum pl_hop: last hop that saw the packet */
	bool has_skb, has_key, has_pay, gso, cloned, ambiguous, nonmono;
	bool mid;				/* its first or a later part was not seen */
	bool put;				/* its vector was put into the vCPU */
	struct sighting *s;
	struct sighting first[FLIGHT_INLINE];
};

/* A sighting that may not be there */
struct maybe {
	bool on;
	struct sighting s;
};

struct irq_wait {
	struct maybe seen;
	__u32 irq;
	__u16 dev;
};

struct cpu_ctx {
	struct irq_wait irq[IRQ_SLOTS];
	struct maybe raise[RAISE_SLOTS];
	unsigned int raise_next;
	struct maybe softirq, poll, poll_irq, poll_raise;
	struct flight *last_gro;	/* may be merged next; NULL when it ended or moved on */
	struct flight *last_tap;	/* at tap:xmit: a wake-up of the worker follows at once */
	struct task_ctx *injector;	/* task of the last kvm:inject here */
};

/* The guest's kick, from exit to wake-up; then the worker's run and handle_tx that served it */
struct kick {
	struct maybe exit, ioeventfd, wake, run, tx;
};

struct send {
	struct sighting s;
	struct maybe fetch;
	__u64 key;
	__u32 pay;
	bool has_key, has_pay, first_batch;
};

struct task_ctx {
	__u32 tid;			/* 0: free slot */
	bool is_vhost, is_vmm;
	struct maybe run;		/* last time on the CPU */
	struct maybe rx, get;
	/* towards the guest */
	struct list batch;		/* copied, not yet told */
	struct list used;		/* told to the ring, not yet to the vCPU */
	struct list pending;		/* vCPU: waiting for the entry */
	__u64 call;			/* eventfd that will be signalled for used */
	enum { TOLD_RING, TOLD_SIGNAL, TOLD_IRQFD } told;
	/* from the guest */
	struct maybe exit, ioeventfd;	/* vCPU */
	struct kick kick;		/* worker: of the handle_tx that runs */
	unsigned int nsend, nfetch, batches;
	bool batch_open;
	struct send *send;		/* SEND_MAX, allocated at the first use */
	struct maybe *fetch;		/* FETCH_MAX, likewise */
};

struct kick_slot {
	__u64 dev;			/* vhost_dev */
	__u32 worker;			/* that served it last; 0: not known */
	struct kick kick;
};

struct irq_map {
	__u64 napi;
	__u32 irq;
	__u16 dev;
};

struct stitch {
	struct stitch_config cfg;
	struct stitch_stats stats;
	struct flight **by_skb, **by_head;
	struct flight *spare;		/* free list, through skb_next */
	void *slabs;
	struct list lru;
	size_t in_flight;
	__u64 next_id, now;
	struct cpu_ctx *cpu[1 << 16];
	struct task_ctx **task;		/* open addressing */
	size_t task_size, ntasks;
	struct kick_slot *kicks;
	struct irq_map *irq_map;
	bool poll_covered, used_covered, irqfd_covered, inj_covered;
	int err;			/* of the callback, or -ENOMEM: stops the stitcher */
	struct packet out;
};

/* --- stitch_flight.c --- */

/* NULL: no memory (s->err is set) */
struct cpu_ctx *cpu_ctx(struct stitch *s, unsigned int cpu);
/* NULL: no memory, or more tasks than a host can have */
struct task_ctx *task_ctx(struct stitch *s, __u32 tid);

struct flight *flight_new(struct stitch *s, const struct pl_event *ev);
struct flight *flight_by_skb(struct stitch *s, __u64 skb);
/* Forget the skb: it was freed, or belongs to another packet now */
void flight_unhash(struct stitch *s, struct flight *f);
void flight_hash(struct stitch *s, struct flight *f, __u64 skb, __u32 head);
/* The buffer of a known skb was replaced (pskb_expand_head) */
void flight_head_set(struct stitch *s, struct flight *f, __u32 head);
/* A clone: the packet of this buffer that an unknown skb stands for. *several: not certain */
struct flight *flight_by_head(struct stitch *s, const struct pl_event *ev, bool *several);
struct flight *flight_fork(struct stitch *s, const struct flight *from, const struct pl_event *ev);

/* Add a sighting; when there are too many it is left out, and the packet ends as incomplete */
void flight_add(struct stitch *s, struct flight *f, const struct sighting *sight);
/* Add one that was seen earlier, if it is not older than the last one */
void flight_add_if_later(struct stitch *s, struct flight *f, const struct maybe *m);

void flight_end(struct stitch *s, struct flight *f, enum packet_end end);
/* End it as what it has reached: nothing more will come */
void flight_end_here(struct stitch *s, struct flight *f);
void flights_end_old(struct stitch *s);

struct sighting sighting_of(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void maybe_set(struct stitch *s, struct maybe *m, const struct pl_event *ev, enum pl_hop hop);

/* --- handlers, one for each base hop --- */
typedef void (*stitch_fn)(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);

void on_nic_irq(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_nic_raise(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_nic_softirq(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_nic_poll(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_nic_polled(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_nic_gro(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_nic_merged(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_packet(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_dev_rx(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_dev_xmit(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_skb_copy(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_skb_free(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_drop(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_vhost_wake(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_sched_run(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_vhost_rx(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_vhost_used(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_signal(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_kvm_irqfd(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_kvm_msi(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_kvm_inject(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_kvm_kick(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_kvm_inj(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_kvm_entry(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_kvm_exit(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_kvm_ioeventfd(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_vhost_tx(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_vhost_fetch(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_tap_send(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_tap_get(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);

/* stitch_tx.c: a packet of the guest is born; prepend what led to it */
void tx_birth(struct stitch *s, struct flight *f, const struct pl_event *ev);
/* stitch_nic.c: likewise for a packet from the wire */
void nic_birth(struct stitch *s, struct flight *f, const struct pl_event *ev);
/* stitch_rx.c: a packet's copy is with the task's guest */
void rx_copied(struct stitch *s, struct flight *f, const struct pl_event *ev);

#endif
