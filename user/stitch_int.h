/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside of the stitcher. stitch.c: API and dispatch; stitch_flight.c: packets in flight, their
 * tables and their ends; stitch_ctx.c: what is known of CPUs and tasks; stitch_nic.c: what a CPU
 * was doing when a packet came in; stitch_skb.c: hops that see the packet; stitch_gso.c: skbs that
 * stand for several packets; stitch_rx.c: copy to the guest, batches; stitch_sock.c, stitch_app.c:
 * the host's own sockets; stitch_kvm.c: injection; stitch_vmm.c: backends in user space; stitch_tx.c:
 * from the guest's kick to the skb.
 *
 * A packet in flight (struct flight) is found by its skb while it has one. Once its copy begins
 * it waits in the list of the task that will tell the guest (struct task_ctx.batch, then .used),
 * then in the list of the vCPU that was kicked (.pending).
 *
 * A packet that was merged into another one's skb (GRO, reassembly) rides on that one's flight
 * (.riders, .carrier): what the carrier meets, it meets. One that was cut into segments (GSO) waits
 * without an skb until all of its segments have been seen; each begins as a copy of it.
 *
 * Certainty. Every join rests on an order that the kernel guarantees (inside a CPU with
 * interrupts off, inside a task, or an skb between birth and free), so it holds as long as no
 * event in between was lost. Where some were (PL_F_GAP), everything that this CPU or the tasks on
 * it had begun is given up as incomplete: see gap_since().
 */
#ifndef PKTLAP_STITCH_INT_H
#define PKTLAP_STITCH_INT_H

#include <stdbool.h>

#include "list.h"
#include "stitch.h"

#define BUCKETS	      (1u << 16) /* of the tables by skb and by buffer */
#define FLOW_BUCKETS  4096
#define FLIGHT_INLINE 32 /* sightings that fit without another allocation */
#define CPUS_MAX      65536
#define TASKS_MAX     65536
#define IRQ_SLOTS     8 /* interrupts that wait for their poll, on a CPU */
#define NAPI_SLOTS    8 /* NAPIs whose last poll is remembered, on a CPU */
#define GAP_DOUBT_NS  1000000000ULL
#define VHOST_BATCH   64 /* VHOST_NET_BATCH, drivers/vhost/net.c */
#define SEND_MAX      VHOST_BATCH
#define FETCH_MAX     (2 * VHOST_BATCH + 2)
/* Direct-mapped tables: a collision costs a join, never makes a wrong one */
#define KICKS	      1024
#define IRQ_MAP	      4096
#define CALLS	      1024
#define DEV_CACHE     256
#define SOCKS	      4096 /* buckets of sockets and flows */
#define WRITES	      8 /* of a TCP connection, that are remembered */

/* A sighting that may not be there */
struct maybe {
	bool on;
	struct sighting s;
};

/* Sightings that count only if nothing contradicts them until the packet ends */
enum held_kind { HELD_NONE,
		 HELD_MERGED,
		 HELD_ENTRY };

/* Why a flight is in the table by flow */
enum flow_kind { FLOW_NOT,
		 FLOW_SPLIT, /* its segments are to come */
		 FLOW_FRAGMENT }; /* may be put together with others of its datagram */

struct flight {
	struct flight *skb_next, *head_next; /* chains of the two hash tables */
	struct list lru; /* all flights, least recently seen first */
	struct list wait; /* one of the lists below; alone when in none */
	struct list riders; /* flights whose packets are in this one's skb, through their wait */
	struct list sock; /* until it is read: of its TCP flow, or of its socket */
	struct flight *flow_next; /* chain of by_flow, while in it */
	struct flight *carrier; /* it rides on this one; NULL: has an skb of its own */
	__u64 id, skb, key, last_ts;
	__u32 head, pay, flow, vector;
	__u32 bytes; /* payload of its own (TCP, GSO); has_bytes */
	__u32 len; /* of its first sighting that saw it */
	__u32 left, hlen; /* FLOW_SPLIT: bytes whose segments are to come; headers of each */
	__u64 sock_key; /* which of the lists */
	__u32 sk; /* its socket; 0: none yet */
	__u32 sock_seq; /* TCP: first of the bytes that its skb had */
	__u32 sock_end; /* TCP: end of the bytes that its skb had; else its length at the socket */
	__u32 others_ahead; /* datagrams that are not selected, between it and the one before in its queue */
	__u32 drop_reason;
	__s32 drop_place;
	__u32 last_tid; /* of the last hop that saw the packet */
	__u16 last_cpu; /* of the last sighting of any kind */
	__u16 last_dev; /* of the last hop that saw the packet */
	__u16 queue; /* of the tap, at the copy */
	__u16 n, cap;
	__u8 proto, last_pkt; /* enum pl_hop: last hop that saw the packet */
	__u8 held_kind; /* enum held_kind */
	__u8 in_flow; /* enum flow_kind */
	bool has_skb, has_key, has_pay, has_bytes, gso, frag, cloned, ambiguous, nonmono, local;
	bool sure; /* some event of it was certain to match the filter */
	bool mid; /* its first or a later part was not seen */
	bool no_data; /* TCP: nothing in it that an application could read */
	bool delivered; /* a socket has a clone of it */
	bool discard; /* not to be reported: what its clones are is */
	bool put; /* its vector was put into the vCPU */
	struct sighting held;
	struct sighting *s;
	struct sighting first[FLIGHT_INLINE];
};

/* A flight that something may follow at once, if it still is there then */
struct flight_ref {
	struct flight *f;
	__u64 id;
};

enum irq_state {
	IRQ_FREE,
	IRQ_WAITING, /* the next poll of its NAPI is because of it */
	IRQ_UNSURE, /* came in a poll, or twice: which poll it led to is not certain */
};

struct irq_wait {
	enum irq_state state;
	__u32 irq;
	__u16 dev;
	__u64 seq; /* cpu_ctx.seq at the interrupt */
	struct sighting seen;
	struct maybe raise;
};

/* How the last poll of a NAPI ended */
struct napi_done {
	__u64 napi;
	bool full; /* used up its budget: it is polled again without a reason */
};

struct cpu_ctx {
	struct pl_event last; /* to tell duplicates and late events */
	__u64 seq; /* events of this CPU so far */
	__u64 gap_ts; /* when events were last found to be missing; 0: never */
	struct irq_wait irq[IRQ_SLOTS];
	struct irq_wait *irq_last;
	struct napi_done done[NAPI_SLOTS];
	unsigned int done_next;
	struct maybe softirq, poll, poll_irq, poll_raise;
	struct list merged; /* flights held as merged, until their carrier is given out */
	struct list splits; /* datagrams that were cut up just now; first the one whose turn it is */
	__u64 split_ts; /* when */
	struct flight_ref last_gro; /* may be merged next */
	struct flight_ref last_tap; /* at tap:xmit: a wake-up of the worker follows at once */
	struct flight_ref last_up; /* the stack got it last */
	struct flight_ref sending; /* at dev:queue, what was sent last; its skb, by this task */
	__u64 sending_skb;
	__u32 sending_tid;
	struct flight_ref queued, readied; /* at sock:queue, at sock:ready */
	struct maybe ready; /* sock:ready that came before its sock:queue */
	__u32 ready_sk;
	__u64 ready_seq;
	bool ready_alone; /* the packet is all that waits in the socket */
	struct task_ctx *injector; /* task that is injecting, see step_follows() */
	__u64 inject_seq;
};

/* The guest's kick, from exit to wake-up */
struct kick {
	struct maybe exit, ioeventfd, wake;
};

struct send {
	struct sighting s;
	struct maybe fetch;
	__u64 key;
	__u32 pay;
	bool has_key, has_pay;
	unsigned int index; /* in the batch */
	bool large; /* not in a batch: the bytes were still the guest's */
};

enum told {
	TOLD_RING,
	TOLD_SIGNAL,
	TOLD_IRQFD,
	TOLD_MSI,
	TOLD_INJECT,
	TOLD_OTHER
};

struct task_ctx {
	__u32 tid;
	bool is_vhost, is_vmm;
	__u16 last_cpu;
	__u64 last_ts;
	__u64 gap_ts; /* events of it may be missing before this time */
	/* worker: last time on its CPU, last begin of handle_rx and handle_tx, and the time on
	 * the CPU in which that was */
	struct maybe run, rx, rx_run, tx, tx_run;
	struct maybe get;
	/* towards the guest */
	struct list batch; /* copied, not yet told */
	struct list used; /* told to the ring, not yet to the vCPU */
	struct list pending; /* vCPU: waiting for the entry */
	__u64 call; /* eventfd that is signalled for used */
	enum told told;
	/* sockets: last time on its CPU after one woke it, last write to one */
	struct maybe app_run, wrote;
	__u32 wrote_sk, wrote_flow;
	struct list took; /* read, the read has not returned */
	/* from the guest */
	struct maybe exit, ioeventfd; /* vCPU */
	struct kick kick; /* worker: of the handle_tx that runs */
	bool read_other; /* read a packet last that the filter does not select */
	unsigned int send_at, nsend, send_next, nfetch, batches;
	unsigned int batch_size; /* packets of the open batch, those without an event too */
	__u64 tx_packets, tx_bytes; /* of this handle_tx; at least, bytes: at most */
	bool fetch_unsure, batch_open, batch_broken;
	struct send *send; /* SEND_MAX, allocated at the first use */
	struct maybe *fetch; /* FETCH_MAX, likewise */
};

/* What an application wrote to a TCP connection: a range of sequence numbers */
struct write {
	struct maybe m;
	__u32 seq, len;
};

struct writes {
	__u32 flow, netns;
	__u32 sent; /* end of what was sent */
	bool sent_on;
	unsigned int next;
	struct write w[WRITES];
};

/* Who reads a socket, and is each of its datagrams seen? */
struct sock_slot {
	__u32 nr, reader; /* the last one that was woken, or returned */
	bool shared; /* several do */
	bool held; /* one of them may have taken an older one than it seems */
	__u32 others; /* unread datagrams behind the last one seen, that are not selected */
	__u32 missing; /* unread ones that were not seen, anywhere in its queue */
	bool doubt;
};

struct kick_slot {
	__u64 dev; /* vhost_dev */
	__u64 served_ts; /* handle_tx last took a kick, or found none */
	bool unsure; /* an earlier kick may have been missed */
	struct kick kick;
};

/* Which NAPI an interrupt schedules: learned, believed once it was seen often enough */
struct irq_map {
	__u64 napi;
	__u32 irq;
	__u16 dev;
	int score;
};

/* Which of a tap's queues a backend in user space signals this for: likewise */
struct call_map {
	__u64 call; /* eventfd, or address and vector of an MSI */
	__u16 dev, queue;
	int score;
};

/* The one eventfd that is believed to be a queue's */
struct call_owner {
	__u64 call;
	__u16 dev, queue;
	unsigned int doubts; /* others that claimed the queue since it was last seen */
};

struct dev_cache {
	__u32 netns, ifindex;
	struct names_span span; /* of the time of events that it is the answer for */
	__u16 dev;
	__u8 kind;
	bool on;
};

struct stitch {
	struct stitch_config cfg;
	struct stitch_stats stats;
	struct flight **by_skb, **by_head, **by_flow;
	struct flight *spare; /* free list, through skb_next */
	void *slabs;
	struct list lru;
	size_t in_flight;
	__u64 next_id, now;
	__u64 gap_ts; /* of any CPU */
	struct cpu_ctx *c; /* of the event at hand */
	bool conflict; /* its skb and its buffer tell of different packets */
	struct cpu_ctx *cpu[CPUS_MAX];
	struct task_ctx **task; /* open addressing */
	size_t task_size, ntasks;
	struct kick_slot *kicks;
	struct irq_map *irq_map;
	struct call_map *calls;
	struct call_owner *owners;
	struct list *socks; /* flights that wait to be read, by flow or socket */
	struct sock_slot *sock_slots;
	struct writes *writes;
	struct dev_cache dev_cache[DEV_CACHE];
	__u8 goes_on[65536 / 8]; /* devices after whose dev:xmit a packet was seen again */
	bool gaps, poll_covered, used_covered, irqfd_covered, inj_covered, send_covered;
	bool vmm_covered, msi_covered, queue_covered, recv_covered, return_covered;
	unsigned int bare_entries; /* entries with packets waiting, without any kvm:inj yet */
	int err; /* of the callback, or -ENOMEM: stops the stitcher */
	struct packet out;
};

/* --- stitch_ctx.c --- */

/* NULL: no memory (s->err is set) */
struct cpu_ctx *cpu_ctx(struct stitch *s, unsigned int cpu);
/* What the CPU was doing is not known any more */
void cpu_reset(struct stitch *s, struct cpu_ctx *c);
void cpu_ctxs_free(struct stitch *s);

/* Any task, without an event of its own. NULL: no memory, or more tasks than a host can have */
struct task_ctx *task_ctx(struct stitch *s, __u32 tid);
bool task_known(const struct stitch *s, __u32 tid);
/* The task of this event; what it had begun is given up if events of it may be missing */
struct task_ctx *task_of(struct stitch *s, const struct pl_event *ev);
struct task_ctx *task_switched_in(struct stitch *s, const struct pl_event *ev);
/* Nothing more comes: what tasks handed to the tap has not become an skb */
void tasks_give_up(struct stitch *s);
void task_ctxs_free(struct stitch *s);

/* Device of an event, kind may be NULL */
__u16 dev_of(struct stitch *s, const struct pl_event *ev, enum pl_dev_kind *kind);
struct sighting sighting_of(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void maybe_set(struct stitch *s, struct maybe *m, const struct pl_event *ev, enum pl_hop hop);

static inline unsigned int slot_of(__u64 x, unsigned int slots)
{
	return (x * 0x9e3779b97f4a7c15ULL >> 32) & (slots - 1);
}

static inline void unused(struct stitch *s)
{
	s->stats.unused++;
}

/* Were events of this CPU, or of the one that runs now, found missing since then? */
static inline bool gap_since(const struct stitch *s, unsigned int cpu, __u64 ts)
{
	if (__builtin_expect(!s->gaps, 1))
		return false;
	return s->c->gap_ts > ts || (s->cpu[cpu] && s->cpu[cpu]->gap_ts > ts);
}

/*
 * A gap is known only when its CPU makes its next event. For a while after one, anywhere, there
 * may be others that are not known yet.
 */
static inline bool gap_in_doubt(const struct stitch *s)
{
	return __builtin_expect(s->gaps, 0) && s->gap_ts + GAP_DOUBT_NS > s->now;
}

/* --- stitch_flight.c --- */

struct flight *flight_new(struct stitch *s, const struct pl_event *ev);
struct flight *flight_by_skb(struct stitch *s, __u64 skb);
/* Forget the skb: it was freed, or belongs to another packet now */
void flight_unhash(struct stitch *s, struct flight *f);
void flight_hash(struct stitch *s, struct flight *f, __u64 skb, __u32 head);
/* The buffer of a known skb was replaced (pskb_expand_head) */
void flight_head_set(struct stitch *s, struct flight *f, __u32 head);
/* A clone: the packet of this buffer that an unknown skb stands for. *several: not certain */
struct flight *flight_by_head(struct stitch *s, const struct pl_event *ev, bool *several);
struct flight *flight_fork(struct stitch *s, struct flight *from, const struct pl_event *ev);
/* Another packet that has met the same hops until now; of ev: who it is */
struct flight *flight_branch(struct stitch *s, const struct flight *from, const struct pl_event *ev);
/* This skb or buffer is another packet's now: f is over, unless it rides or waits without it */
void flight_release(struct stitch *s, struct flight *f);
/* This buffer is another packet's from now on: those that had it have been freed */
void flights_end_of_head(struct stitch *s, __u32 head);
/* What an event adds to the packet's identity */
void flight_identify(struct flight *f, const struct pl_event *ev);
bool identity_differs(const struct flight *f, const struct pl_event *ev);

/* Add a sighting, to those that ride on it too; when there are too many it is left out, and the
 * packet ends as incomplete */
void flight_add(struct stitch *s, struct flight *f, const struct sighting *sight);
/* Add one that was seen earlier, if it is not older than the last one */
void flight_add_if_later(struct stitch *s, struct flight *f, const struct maybe *m);

void flight_end(struct stitch *s, struct flight *f, enum packet_end end);
/* End it as what it has reached: nothing more will come. freed: its skb has been */
void flight_end_here(struct stitch *s, struct flight *f, bool freed);
/* End it because a part of it was missed */
void flight_end_broken(struct stitch *s, struct flight *f);
/* End it without a report */
void flight_discard(struct stitch *s, struct flight *f);
void flights_end_old(struct stitch *s);

/* Add a sighting to each packet of a list; end each as what it has reached */
void list_add_sighting(struct stitch *s, struct list *list, const struct sighting *sight);
void list_end(struct stitch *s, struct list *list);

/* TCP: sequence number of its first byte */
static inline __u32 flight_seq(const struct flight *f)
{
	return (__u32)f->key;
}

/* GRO has it, as far as was seen */
static inline bool flight_in_gro(const struct flight *f)
{
	return f->last_pkt == PL_HOP_nic_gro || f->last_pkt == PL_HOP_nic_grofrags ||
	       f->last_pkt == PL_HOP_nic_gromerge;
}

/* The host's own stack has it, on its way up: no socket yet, and no way out */
static inline bool flight_in_stack(const struct flight *f)
{
	return f->last_pkt == PL_HOP_nic_skb || f->last_pkt == PL_HOP_ip_rcv ||
	       f->last_pkt == PL_HOP_ip_deliver;
}

static inline struct flight *flight_of(struct list *l)
{
	return list_entry(l, struct flight, wait);
}

static inline struct flight_ref flight_ref(struct flight *f)
{
	return (struct flight_ref){ f, f->id };
}

/* NULL when it has ended since */
static inline struct flight *flight_deref(struct flight_ref r)
{
	return r.f && r.f->id == r.id ? r.f : NULL;
}

/* --- stitch_gso.c --- */

/* GRO has given out f's skb, with what it merged into it: these ride on f from here on */
void gro_adopt(struct stitch *s, struct flight *f, const struct pl_event *ev);
/* End what this CPU's GRO merged into something that was not seen to come out */
void gro_give_up(struct stitch *s);
/* f's skb was freed. Was it cut into segments? Then f waits for them, and is not over */
bool split_begin(struct stitch *s, struct flight *f);
/* Is this skb the next segment of a datagram for sure, so that an older packet f that had it is over? */
bool split_expects(const struct stitch *s, const struct flight *f, const struct pl_event *ev,
		   enum pl_hop hop);
/* This CPU turned to something else: segments of datagrams that have not come will not be known */
void split_close(struct stitch *s);
/*
 * The packet of an unknown skb, if it is a segment of one that was cut up: begins as a copy of it,
 * or is it, when GRO had only merged it into others. Has no skb yet. *several: not certain which
 */
struct flight *segment_find(struct stitch *s, const struct pl_event *ev, bool *several);
/* f has been identified: note it when it is an IP fragment */
void fragment_seen(struct stitch *s, struct flight *f);
/* f's skb was freed. Is it a fragment that may go on in another skb? Then it is not over */
bool fragment_hold(struct stitch *s, struct flight *f);
/* f was a fragment. Is its skb the whole datagram now? Then its other fragments ride on f */
bool fragments_joined(struct stitch *s, struct flight *f, const struct pl_event *ev);
/* Forget what segment_find() and fragments_joined() would find f by */
void flow_unhash(struct stitch *s, struct flight *f);

/* --- handlers, one for each base hop --- */
typedef void (*stitch_fn)(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);

void on_nic_irq(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_nic_raise(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_nic_softirq(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_nic_poll(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_nic_polled(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_nic_gro(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_nic_gromerge(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_nic_merged(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_packet(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_qdisc_enq(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_dev_rx(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_dev_xmit(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_skb_copy(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_skb_free(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_drop(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_vhost_wake(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_sched_run(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_vhost_rx(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_vhost_used(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_vhost_signal(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_vmm_signal(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
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
void on_nic_skb(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_ip_deliver(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_sock_queue(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_sock_ready(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_app_wake(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_sock_recv(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_app_recv(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_app_send(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
void on_out(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);

/* --- what the parts ask of each other --- */

/* stitch_skb.c: the packet of a known skb, if it still is that packet */
struct flight *packet_find(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
/* Likewise, or a clone's, or a new one: born says that it cannot have been anywhere before */
struct flight *packet_of(struct stitch *s, const struct pl_event *ev, enum pl_hop hop, bool born);
/* Add the sighting */
void packet_met(struct stitch *s, struct flight *f, const struct pl_event *ev, enum pl_hop hop);
/* All three for a plain hop */
struct flight *packet_seen(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
/* stitch_sock.c: was it a copy to the reader of a socket? Then it has been joined */
bool sock_copied(struct stitch *s, const struct pl_event *ev, enum pl_hop hop);
/* f's skb is freed. Is that all about it, because it was read, or its clones are the packet? */
bool sock_freed(struct stitch *s, struct flight *f);
/* Likewise when it is dropped as nobody's: not if a socket has a clone. f has ended then */
bool sock_discard(struct stitch *s, struct flight *f);
/* stitch_tx.c: a packet of the guest is born; prepend what led to it */
void tx_birth(struct stitch *s, struct flight *f, const struct pl_event *ev);
/* What was handed to the tap and has not become an skb will not any more */
void tx_give_up(struct stitch *s, struct task_ctx *t);
void tx_wake(struct stitch *s, const struct pl_event *ev, const struct sighting *sight);
/* stitch_nic.c: likewise for a packet from the wire */
void nic_birth(struct stitch *s, struct flight *f, const struct pl_event *ev);
/* stitch_rx.c: the copy of a packet begins, in this task; what its last batch missed is over */
void rx_batch_add(struct stitch *s, struct task_ctx *t, struct flight *f);
/* A copy begins, of what is not known: likewise */
void rx_next(struct stitch *s, const struct pl_event *ev);
/* The task turns to something else: no signal comes any more for what it told so far */
void rx_batch_close(struct stitch *s, struct task_ctx *t);
/* stitch_kvm.c: this task signalled the packets in its used list; the injection comes next */
void inject_begin(struct stitch *s, struct task_ctx *t);
/* stitch_vmm.c: the eventfd was signalled by a task that is no vhost worker. Is it for the
 * packets that it read from its tap? Then they are in its used list now. */
bool vmm_signalled(struct stitch *s, struct task_ctx *t, __u64 call);
/* A VMM begins an injection, maybe without any eventfd: likewise, and its steps follow */
void vmm_injects(struct stitch *s, const struct pl_event *ev);

#endif
