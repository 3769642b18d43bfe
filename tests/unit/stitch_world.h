/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small virtualisation host that is run step by step: CPUs with softirqs and preemption, a NIC
 * with two interrupts on each CPU, a bridge, guests behind vhost workers and one behind a backend
 * in user space, sockets of the host's own. It makes the events that pktlap's hooks would make, and knows the truth: which
 * packet each event belongs to. The number of the event goes in the field vlan (of drops: len),
 * which the stitcher does not look at.
 */
#ifndef PKTLAP_TEST_STITCH_WORLD_H
#define PKTLAP_TEST_STITCH_WORLD_H

#include <stdbool.h>

#include "stitch_feed.h"

#define TRUTH_MAX      160 /* events of one packet */
#define RING_MAX       96
#define BATCH	       64
#define STEPS_MAX      24
#define WAITING_MAX    4096
#define RIDERS_MAX     6
#define FLOWS	       3
#define POOL	       512 /* skbs; few, so that pointers are taken again at once */
#define WSOCKS	       4
#define WSOCK_MAX      24 /* unread packets of one */
#define TID_READER(nr) (4000 + (nr))

enum { PKT_WAITS = 255 }; /* truth.end of a packet that is still on its way */

struct truth {
	__u32 ev[TRUTH_MAX];
	bool seen[TRUTH_MAX]; /* saw the packet: must be there when nothing was lost */
	__u16 n;
	__u8 end; /* enum packet_end, or PKT_WAITS */
	bool clone;
	bool unsure; /* merged with one that had no headers, or without telling keys: may be lost */
};

/* A packet, or several in one skb: those that GRO merged into it ride on it */
struct pkt {
	__u32 truth;
	__u32 skb, head;
	__u64 key;
	__u32 pay;
	__u32 flow, seq, bytes; /* bytes: of the skb */
	__u32 fetch; /* event number, from 1 */
	bool gso, large, tcp, keyless;
	bool out; /* GRO has given it out */
	bool freed; /* of TCP: its bytes are in another skb */
	bool again; /* TCP for a socket: sent before */
	int sock; /* of the host's own that it is for, from 1; 0: none */
	int nriders;
	struct rider {
		__u32 truth, seq, bytes, pay;
		__u64 key;
	} rider[RIDERS_MAX + 1]; /* the first is the packet that the skb was made for */
};

enum step_kind { STEP_HOP,
		 STEP_TAP,
		 STEP_NIC,
		 STEP_FREE,
		 STEP_SILENT,
		 STEP_DROP,
		 STEP_SOCK,
		 STEP_FLOOD };

struct step {
	enum step_kind kind;
	enum pl_hop hop;
	__u32 ifindex;
	int vm;
};

/* A packet on its way through the stack, in whatever context called it */
struct walk {
	struct pkt p;
	struct step s[STEPS_MAX];
	int n, at;
	bool wake;
	int clones; /* of a flood: VMs that still get one */
	bool cutting; /* its skb is gone, segments are to come */
	struct pkt part[RIDERS_MAX + 1];
	int nparts, part_at;
};

struct ring {
	struct pkt p[RING_MAX];
	unsigned int n;
};

struct kick_truth {
	bool on;
	__u32 ev[5];
	int n;
};

struct vm {
	struct ring ring, txq;
	bool rx_wake, tx_wake, notify_off;
	struct kick_truth kick;
	/* injected, not yet entered */
	__u32 waiting[WAITING_MAX];
	unsigned int nwaiting;
	bool kicked;
};

enum task_kind { TASK_WORKER,
		 TASK_VCPU,
		 TASK_VMM,
		 TASK_READER };

struct task {
	enum task_kind kind;
	int vm, pc, cpu; /* vm: a reader's socket; cpu: -1 not running */
	__u32 tid;
	bool serves_rx;
	bool bhoff; /* no softirq, no preemption */
	int after; /* where to go on after a flush */
	__u32 fetch;
	unsigned int i, n, total, batches;
	struct pkt batch[BATCH];
	struct pkt one;
	struct kick_truth kick;
	struct walk walk;
};

struct softirq {
	int pc;
	bool on, irq_rx, irq_tx, again;
	__u32 rx[3], poll; /* irq, raise, softirq; poll */
	unsigned int i, n, held;
	struct pkt pkt[BATCH], free[RING_MAX];
	unsigned int nfree;
	struct walk walk;
};

struct cpu {
	struct task *cur;
	struct softirq soft;
};

struct wsock {
	bool tcp, asleep, woken; /* its reader */
	struct pkt q[WSOCK_MAX], early[WSOCK_MAX];
	unsigned int n, nearly;
	__u32 sent, next, copied; /* sequence numbers: by the peer, received in order, read */
};

struct world {
	__u64 rng, now;
	struct pl_event *ev;
	__u32 *owner; /* truth of the packet that an event saw, + 1 */
	size_t n, room;
	struct truth *truth;
	size_t ntruth, truth_room;
	struct cpu cpu[CPUS];
	struct vm vm[VMS];
	struct task task[VMS * 2 + WSOCKS];
	struct wsock sock[WSOCKS];
	int ntasks;
	__u32 skb_free[POOL], head_free[POOL], head_users[POOL];
	unsigned int nskb, nhead;
	struct ring txdone;
	bool same_keys; /* flows whose packets cannot be told apart by content */
	__u32 made;
	__u32 next_seq[VMS + 1][FLOWS]; /* by sender; the last is the wire */
};

static inline __u32 rnd(struct world *w, __u32 below)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return (w->rng >> 11) % below;
}

static inline bool chance(struct world *w, unsigned int percent)
{
	return rnd(w, 100) < percent;
}

static inline void allow(struct world *w, __u32 truth, __u32 number, bool seen)
{
	struct truth *t = &w->truth[truth];

	if (t->n == TRUTH_MAX)
		return;
	t->seen[t->n] = seen;
	t->ev[t->n++] = number;
}

static inline struct pl_event *emit(struct world *w, int cpu, enum pl_hop hop, __u32 tid)
{
	struct pl_event *e;

	if (w->n == w->room) {
		w->room = w->room ? w->room * 2 : 4096;
		w->ev = realloc(w->ev, w->room * sizeof(*w->ev));
		w->owner = realloc(w->owner, w->room * sizeof(*w->owner));
		if (!w->ev || !w->owner)
			abort();
	}
	e = &w->ev[w->n];
	memset(e, 0, sizeof(*e));
	w->owner[w->n] = 0;
	w->now += 1 + rnd(w, 400);
	e->ts = w->now;
	e->hook = feed_hook(hop);
	e->cpu = cpu;
	e->tid = tid;
	e->vlan = ++w->n;
	return e;
}

static inline __u32 emit_ctx(struct world *w, int cpu, enum pl_hop hop, __u32 tid, __u64 obj,
			     __u64 key, __u32 arg, __u16 flags)
{
	struct pl_event *e = emit(w, cpu, hop, tid);

	e->obj = obj;
	e->key = key;
	e->arg = arg;
	e->flags = flags;
	return w->n;
}

static inline __u32 emit_dev(struct world *w, int cpu, enum pl_hop hop, __u32 tid, __u64 obj,
			     __u32 arg)
{
	struct pl_event *e = emit(w, cpu, hop, tid);

	e->obj = obj;
	e->arg = arg;
	e->ifindex = IF_NIC;
	e->netns = NETNS;
	return w->n;
}

#define IP_TCP	   6
#define IP_UDP	   17
#define OWNER_MANY 0xffffffffu /* world.owner: the skb had several packets in it */
#define HLEN(p)	   ((p)->tcp ? 40u : 28u)

/* All packets of the skb may have this event */
static inline void allow_pkt(struct world *w, const struct pkt *p, __u32 number, bool seen)
{
	int i;

	allow(w, p->truth, number, seen);
	for (i = 1; i < p->nriders; i++)
		allow(w, p->rider[i].truth, number, seen);
}

/* The last event saw p */
static inline void own_pkt(struct world *w, const struct pkt *p)
{
	w->owner[w->n - 1] = p->nriders > 1 ? OWNER_MANY : p->truth + 1;
	allow_pkt(w, p, w->n, true);
}

static inline void identify(struct world *w, struct pl_event *e, const struct pkt *p, bool gso)
{
	e->key = p->tcp ? p->key << 32 | p->seq : p->key;
	e->arg = p->flow;
	e->proto = p->tcp ? IP_TCP : IP_UDP;
	e->flags |= PL_F_KEY;
	if (gso)
		e->flags |= PL_F_GSO;
	if (gso || p->tcp) {
		e->pay = p->bytes;
	} else if (!chance(w, 20)) {
		e->pay = p->pay;
		e->flags |= PL_F_PAY;
	}
}

static inline void emit_pkt(struct world *w, int cpu, enum pl_hop hop, __u32 tid, struct pkt *p,
			    __u32 ifindex)
{
	struct pl_event *e = emit(w, cpu, hop, tid);
	bool l3 = hop == PL_HOP_nic_gro || hop == PL_HOP_nic_gromerge || hop == PL_HOP_nic_skb;

	e->obj = 0xffff888000000000ULL + p->skb * 256ULL;
	e->head = p->head;
	e->ifindex = ifindex;
	e->netns = ifindex ? NETNS : 0;
	e->len = HLEN(p) + p->bytes + (l3 ? 0 : 14);
	if (hop == PL_HOP_nic_gro && chance(w, 20))
		p->keyless = true;
	else
		identify(w, e, p, p->gso && hop != PL_HOP_nic_gro);
	own_pkt(w, p);
}

/* --- packets --- */

static inline void sock_pkt(struct world *w, struct pkt *p);

static inline __u32 truth_new(struct world *w)
{
	if (w->ntruth == w->truth_room) {
		w->truth_room = w->truth_room ? w->truth_room * 2 : 1024;
		w->truth = realloc(w->truth, w->truth_room * sizeof(*w->truth));
		if (!w->truth)
			abort();
	}
	w->truth[w->ntruth] = (struct truth){ .end = PKT_WAITS };
	return w->ntruth++;
}

/* from: VM, or VMS for the wire */
static inline void pkt_new(struct world *w, struct pkt *p, int from)
{
	int flow = rnd(w, FLOWS);

	*p = (struct pkt){ .truth = truth_new(w), .key = ++w->made * 0x9e3779b97f4a7c15ULL };
	if (w->same_keys)
		p->key = 1 + rnd(w, 3);
	p->pay = p->key >> 7;
	p->bytes = 1 + rnd(w, 1400);
	p->tcp = !w->same_keys && chance(w, 60);
	p->flow = w->same_keys ? 1 : 2 + from * FLOWS * 2 + flow * 2 + p->tcp;
	p->seq = w->next_seq[from][flow];
	if (from == VMS && !w->same_keys && chance(w, 25)) {
		sock_pkt(w, p);
		return;
	}
	if (!p->tcp)
		return;
	/* acknowledgements, flags, windows of a flow change now and then */
	p->key = (w->made / 64 + p->flow) * 0x9e3779b9ULL & 0xffffffff;
	if (chance(w, 3))
		p->seq -= rnd(w, 20000); /* sent again */
	else
		w->next_seq[from][flow] += p->bytes;
}

/* Last freed, first taken, as the kernel's slabs do */
static inline void skb_take(struct world *w, struct pkt *p)
{
	if (!w->nskb || !w->nhead)
		abort();
	p->skb = w->skb_free[--w->nskb];
	p->head = w->head_free[--w->nhead];
	w->head_users[p->head] = 1;
}

static inline void skb_put(struct world *w, struct pkt *p)
{
	w->skb_free[w->nskb++] = p->skb;
	if (--w->head_users[p->head] == 0)
		w->head_free[w->nhead++] = p->head;
}

static inline void pkt_end(struct world *w, struct pkt *p, int end)
{
	int i;

	w->truth[p->truth].end = end;
	for (i = 1; i < p->nriders; i++)
		w->truth[p->rider[i].truth].end = end;
}

static inline void walk_add(struct walk *k, enum step_kind kind, enum pl_hop hop, __u32 ifindex,
			    int vm)
{
	k->s[k->n++] = (struct step){ kind, hop, ifindex, vm };
}

static inline void walk_out(struct walk *k, __u32 ifindex)
{
	walk_add(k, STEP_HOP, PL_HOP_br_forward, ifindex, 0);
	walk_add(k, STEP_HOP, PL_HOP_br_push, ifindex, 0);
	walk_add(k, STEP_HOP, PL_HOP_dev_queue, ifindex, 0);
}

static inline void walk_in(struct walk *k, __u32 ifindex)
{
	walk_add(k, STEP_HOP, PL_HOP_nic_skb, ifindex, 0);
	walk_add(k, STEP_HOP, PL_HOP_br_in, ifindex, 0);
}

/* Which way will this packet take? from_vm: -1 from the wire */
static inline void walk_plan(struct world *w, struct walk *k, const struct pkt *p, int from_vm)
{
	__u32 in = from_vm < 0 ? IF_NIC : (__u32)IF_TAP(from_vm);
	int to = rnd(w, VMS), way = rnd(w, 20);

	k->p = *p;
	k->n = k->at = 0;
	k->wake = k->cutting = false;
	if (p->sock) {
		walk_add(k, STEP_HOP, PL_HOP_nic_skb, in, 0);
		walk_add(k, STEP_HOP, PL_HOP_ip_rcv, in, 0);
		walk_add(k, STEP_HOP, PL_HOP_ip_deliver, in, 0);
		walk_add(k, STEP_SOCK, 0, 0, 0);
		k->at = p->out;
		return;
	}
	if (way == 0) {
		if (!p->out)
			walk_add(k, STEP_HOP, PL_HOP_nic_skb, in, 0);
		walk_add(k, chance(w, 50) ? STEP_FREE : STEP_SILENT, 0, 0, 0);
		return;
	}
	walk_in(k, in);
	k->at = p->out;
	if (way == 1) {
		walk_add(k, STEP_DROP, 0, 0, 0);
	} else if (way == 2 && from_vm < 0) {
		k->clones = VMS - 1;
		walk_add(k, STEP_FLOOD, 0, 0, 0);
	} else if (from_vm >= 0 && (way < 15 || to == from_vm)) {
		walk_out(k, IF_NIC);
		if (chance(w, 30)) {
			walk_add(k, STEP_HOP, PL_HOP_qdisc_enq, IF_NIC, 0);
			walk_add(k, STEP_HOP, PL_HOP_qdisc_deq, IF_NIC, 0);
		}
		walk_add(k, STEP_NIC, PL_HOP_dev_xmit, IF_NIC, 0);
	} else {
		if (way == 3) {
			walk_out(k, IF_VETH);
			walk_add(k, STEP_HOP, PL_HOP_dev_xmit, IF_VETH, 0);
			walk_add(k, STEP_HOP, PL_HOP_dev_rxback, IF_PEER, 0);
			walk_in(k, IF_PEER);
		}
		walk_out(k, IF_TAP(to));
		walk_add(k, STEP_TAP, PL_HOP_dev_xmit, IF_TAP(to), to);
	}
}

static inline void drop(struct world *w, int cpu, __u32 tid, struct pkt *p)
{
	struct pl_event *e = emit(w, cpu, PL_HOP_drop, tid);

	e->obj = 0xffff888000000000ULL + p->skb * 256ULL;
	e->head = p->head;
	identify(w, e, p, p->gso);
	e->arg = 7;
	e->len = e->vlan;
	own_pkt(w, p);
	pkt_end(w, p, PACKET_DROPPED);
	skb_put(w, p);
}

static inline void to_guest(struct world *w, int cpu, __u32 tid, struct walk *k, int vm)
{
	struct ring *r = &w->vm[vm].ring;

	if (r->n == RING_MAX / 2) {
		drop(w, cpu, tid, &k->p);
		return;
	}
	r->p[r->n++] = k->p;
	if (vm == VM_USER)
		return;
	w->vm[vm].rx_wake = true;
	/* not when vhost polls its queue itself */
	if (chance(w, 90))
		allow_pkt(w, &k->p, emit_ctx(w, cpu, PL_HOP_vhost_wake, tid, 0xde510000 + vm, 0, 0xc3, PL_F_RX), false);
}

/* A clone of the packet for each VM but the last, which gets the packet itself */
static inline void flood(struct world *w, int cpu, __u32 tid, struct walk *k)
{
	struct walk c = { .p = k->p };
	int i, vm = VMS - 1 - k->clones;
	__u32 truth;

	if (k->clones && k->p.nriders < 2 && w->nskb > POOL / 4) {
		truth = truth_new(w);
		w->truth[truth] = w->truth[k->p.truth];
		w->truth[truth].clone = true;
		c.p.truth = truth;
		c.p.skb = w->skb_free[--w->nskb];
		w->head_users[c.p.head]++;
	} else {
		k->clones = 0;
		vm = VMS - 1;
	}
	walk_out(&c, IF_TAP(vm));
	for (i = 0; i < c.n; i++)
		emit_pkt(w, cpu, c.s[i].hop, tid, &c.p, c.s[i].ifindex);
	emit_pkt(w, cpu, PL_HOP_dev_xmit, tid, &c.p, IF_TAP(vm));
	to_guest(w, cpu, tid, &c, vm);
	k->at -= k->clones-- > 0;
}

static inline void to_wire(struct world *w, int cpu, __u32 tid, struct pkt *p)
{
	if (w->txdone.n == RING_MAX)
		drop(w, cpu, tid, p);
	else
		w->txdone.p[w->txdone.n++] = *p;
}

/* Coroutines: an actor goes on where it yielded; its locals do not live that long */
#define CO_BEGIN(a) \
	switch ((a)->pc) { \
	case 0:
#define CO_YIELD(a) \
	do { \
		(a)->pc = __LINE__; \
		return; \
	case __LINE__:; \
	} while (0)
#define CO_END(a) \
	} \
	(a)->pc = 0

#include "stitch_offload.h"
#include "stitch_socks.h"

/* One step; false when the packet has left */
static inline bool walk_step(struct world *w, int cpu, __u32 tid, struct walk *k)
{
	const struct step *s;

	if (k->at == k->n)
		return false;
	s = &k->s[k->at++];
	if ((s->kind == STEP_TAP || s->kind == STEP_NIC) && segment_due(w, &k->p, s->ifindex)) {
		segment_step(w, cpu, tid, k, s);
		return k->at < k->n;
	}
	switch (s->kind) {
	case STEP_HOP:
		emit_pkt(w, cpu, s->hop, tid, &k->p, s->ifindex);
		break;
	case STEP_TAP:
		emit_pkt(w, cpu, s->hop, tid, &k->p, s->ifindex);
		to_guest(w, cpu, tid, k, s->vm);
		break;
	case STEP_NIC:
		emit_pkt(w, cpu, s->hop, tid, &k->p, s->ifindex);
		to_wire(w, cpu, tid, &k->p);
		break;
	case STEP_FREE:
		emit_pkt(w, cpu, PL_HOP_skb_free, tid, &k->p, 0);
		pkt_end(w, &k->p, PACKET_COMPLETE);
		skb_put(w, &k->p);
		break;
	case STEP_SILENT:
		pkt_end(w, &k->p, PACKET_INCOMPLETE);
		skb_put(w, &k->p);
		break;
	case STEP_DROP:
		drop(w, cpu, tid, &k->p);
		break;
	case STEP_SOCK:
		sock_arrives(w, cpu, tid, &k->p);
		break;
	case STEP_FLOOD:
		flood(w, cpu, tid, k);
		break;
	}
	return k->at < k->n;
}

#include "stitch_actors.h"

/* --- packets that were joined, against their truths --- */

/* The number of the event that a sighting was made of: where actors put it */
static inline __u32 number_of(const struct sighting *s)
{
	return s->hop == PL_HOP_drop || (s->flags & PL_F_SOCK) ? s->len : s->vlan;
}

/* Which of the events of the truth's packet it is; -1: none of them */
static inline int allowed_at(const struct truth *t, __u32 number)
{
	int i;

	for (i = 0; i < t->n; i++)
		if (t->ev[i] == number)
			return i;
	return -1;
}

#endif
