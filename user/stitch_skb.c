// SPDX-License-Identifier: GPL-2.0
/* Hops that see the packet: chains by skb between birth and free, clones by buffer and key */
#include "stitch_int.h"

/*
 * What can come next for an skb that a driver owns? A tap's packets are only read, freed or
 * dropped; a NIC's only sent again (NETDEV_TX_BUSY), freed or dropped. Anything else: the skb
 * was freed unseen, and this is another packet.
 */
static bool may_follow(const struct stitch *s, const struct flight *f, enum pl_hop hop)
{
	if (hop == PL_HOP_skb_free || hop == PL_HOP_drop)
		return true;
	switch (f->last_pkt) {
	case PL_HOP_tap_xmit:
	case PL_HOP_vhost_copy:
	case PL_HOP_tap_read:
		return hop == PL_HOP_skb_copy;
	case PL_HOP_nic_xmit:
		return hop == PL_HOP_dev_xmit || hop == PL_HOP_qdisc_enq ||
		       hop == PL_HOP_qdisc_deq;
	case PL_HOP_dev_queue:
	case PL_HOP_qdisc_enq:
	case PL_HOP_qdisc_deq:
	case PL_HOP_dev_xmit:
		return hop != PL_HOP_skb_copy && hop != PL_HOP_sock_recv;
	case PL_HOP_sock_queue:
	case PL_HOP_sock_copy:
		return hop == PL_HOP_skb_copy || hop == PL_HOP_sock_recv;
	case PL_HOP_sock_recv:
		return false;
	default:
		/* segments, and what is sent past the queue, come to no hop before dev:xmit */
		return hop != PL_HOP_skb_copy && hop != PL_HOP_sock_recv &&
		       (hop != PL_HOP_dev_xmit || !s->queue_covered);
	}
}

/* GRO gave out what it had merged into this skb */
static bool gro_gave_out(const struct flight *f, const struct pl_event *ev)
{
	return (ev->flags & PL_F_GSO) && f->held_kind != HELD_MERGED && flight_in_gro(f);
}

/* Is the packet that has this skb over, so that the event is another packet's? */
static bool chain_over(struct stitch *s, struct flight *f, const struct pl_event *ev,
		       enum pl_hop hop)
{
	if (!may_follow(s, f, hop))
		return true;
	if (identity_differs(f, ev) && !fragments_joined(s, f, ev))
		return true;
	/* GRO frees what it merges without a trace; only the key, where GRO gives packets out, can
	 * tell that it did not */
	if (f->held_kind == HELD_MERGED &&
	    (hop != PL_HOP_nic_skb || !(ev->flags & PL_F_KEY) || !f->has_key))
		return true;
	/* LOCAL: this skb has never been received */
	return (ev->flags & PL_F_LOCAL) && !f->local && !f->mid;
}

/*
 * Seen last on another CPU, soon after events were lost somewhere: its end and its skb's next
 * packet may be among them (gap_in_doubt()). Then only the key can tell that it is the same.
 */
static bool moved_in_doubt(const struct stitch *s, const struct flight *f,
			   const struct pl_event *ev)
{
	return f->last_cpu != ev->cpu && gap_in_doubt(s) &&
	       !((ev->flags & PL_F_KEY) && f->has_key);
}

static bool is_clone(struct stitch *s, const struct pl_event *ev)
{
	bool several;

	return flight_by_head(s, ev, &several) || several;
}

/* The packet of a known skb, if it still is that packet: pointers are reused within microseconds */
static struct flight *chain_find(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct flight *f = flight_by_skb(s, ev->obj);

	s->conflict = false;
	if (!f)
		return NULL;
	if (gap_since(s, f->last_cpu, f->last_ts) || moved_in_doubt(s, f, ev)) {
		flight_end_broken(s, f);
		return NULL;
	}
	if (split_expects(s, f, ev, hop) || chain_over(s, f, ev, hop)) {
		flight_release(s, f);
		return NULL;
	}
	if (ev->head != f->head && is_clone(s, ev)) {
		/* freed unseen, and taken again for a clone; or its buffer was replaced just so */
		flight_release(s, f);
		s->conflict = true;
		return NULL;
	}
	if (f->held_kind == HELD_MERGED) {
		/* it was another packet that was merged, or this is another one with the same key */
		list_del(&f->wait);
		f->held_kind = HELD_NONE;
		f->ambiguous = true;
	}
	return f;
}

static void packet_add(struct stitch *s, struct flight *f, const struct pl_event *ev,
		       enum pl_hop hop, enum pl_role_kind role)
{
	struct sighting sight = sighting_of(s, ev, hop);
	enum pl_dev_kind kind = PL_DEV_ANY;
	bool had_bytes;

	if (hop == PL_HOP_dev_rx || hop == PL_HOP_dev_xmit || hop == PL_HOP_skb_copy ||
	    hop == PL_HOP_skb_free) {
		sight.dev = dev_of(s, ev, &kind);
		sight.hop = hop_alias(hop, kind, role, f->last_pkt);
	}
	/* copies and frees cannot tell the device (skb->dev is not to be trusted there) */
	if (!ev->ifindex && f->n)
		sight.dev = f->last_dev;
	if (f->last_pkt == PL_HOP_dev_xmit && hop != PL_HOP_skb_free)
		s->goes_on[f->last_dev / 8] |= 1 << f->last_dev % 8;
	if (gro_gave_out(f, ev)) {
		gro_adopt(s, f, ev);
		/* what its skb has now is not its own */
		had_bytes = f->has_bytes;
		flight_identify(f, ev);
		f->has_bytes = had_bytes;
	} else {
		flight_identify(f, ev);
	}
	fragment_seen(s, f);
	if (f->has_skb)
		flight_head_set(s, f, ev->head);
	flight_add(s, f, &sight);
}

/* A new packet; whatever had this skb or this buffer before is over */
static struct flight *packet_birth(struct stitch *s, const struct pl_event *ev)
{
	struct flight *old = flight_by_skb(s, ev->obj), *f;

	split_close(s);
	if (old)
		flight_release(s, old);
	flights_end_of_head(s, ev->head);
	f = flight_new(s, ev);
	if (f)
		flight_hash(s, f, ev->obj, ev->head);
	return f;
}

/*
 * An unknown skb: a clone of a known packet, a segment of one, a packet made here, or one whose
 * birth was missed
 */
static struct flight *packet_unknown(struct stitch *s, const struct pl_event *ev, enum pl_hop hop,
				     bool born)
{
	struct flight *f, *origin;
	bool several = false;

	f = born || s->conflict ? NULL : segment_find(s, ev, &several);
	if (f) {
		flight_hash(s, f, ev->obj, ev->head);
		return f;
	}
	origin = several ? NULL : flight_by_head(s, ev, &several);
	if (s->conflict) {
		several = true;
		origin = NULL;
	}
	/* it came in elsewhere, or not while it was looked at */
	if (!origin && (ev->flags & PL_F_KNOWN))
		return NULL;
	f = origin ? flight_fork(s, origin, ev) : flight_new(s, ev);
	if (!f)
		return NULL;
	if (!origin) {
		f->ambiguous = several;
		f->mid = !born;
		f->local = (hop == PL_HOP_dev_queue || hop == PL_HOP_ip_out) &&
			   (ev->flags & PL_F_LOCAL);
	}
	flight_hash(s, f, ev->obj, ev->head);
	return f;
}

void on_nic_gro(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	enum pl_dev_kind kind;
	struct flight *f = NULL;

	dev_of(s, ev, &kind);
	/* veth with NAPI: the skb that the peer sent, unless an XDP program copied it */
	if (kind == PL_DEV_VETH) {
		f = flight_by_skb(s, ev->obj);
		f = f && f->last_pkt == PL_HOP_dev_xmit ? chain_find(s, ev, hop) : NULL;
	}
	if (!f) {
		f = packet_birth(s, ev);
		if (!f)
			return;
		nic_birth(s, f, ev);
	}
	packet_add(s, f, ev, hop, PL_ROLE_NONE);
	s->c->last_gro = flight_ref(f);
}

struct flight *packet_find(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	return chain_find(s, ev, hop);
}

struct flight *packet_of(struct stitch *s, const struct pl_event *ev, enum pl_hop hop, bool born)
{
	struct flight *f = chain_find(s, ev, hop);

	if (hop == PL_HOP_dev_queue) {
		s->queue_covered = true;
		split_close(s);
	}
	return f ? f : packet_unknown(s, ev, hop, born);
}

void packet_met(struct stitch *s, struct flight *f, const struct pl_event *ev, enum pl_hop hop)
{
	packet_add(s, f, ev, hop, PL_ROLE_NONE);
}

struct flight *packet_seen(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct flight *f = packet_of(s, ev, hop, ev->flags & PL_F_ENTRY);

	if (f)
		packet_met(s, f, ev, hop);
	return f;
}

void on_packet(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	packet_seen(s, ev, hop);
}

/*
 * The tracepoint comes when the packet is in the queue (net/core/dev.c, dev_qdisc_enqueue(), from 5.15 on).
 * Out of one without a lock (pfifo_fast) another CPU may have taken and sent it by then, and the skb may
 * be another packet's. When it was put there is not known then: it is left out.
 */
void on_qdisc_enq(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	const struct cpu_ctx *c = s->c;
	const struct flight *f = flight_deref(c->sending);

	if (c->sending_skb == ev->obj && c->sending_tid == ev->tid &&
	    (!f || f->last_pkt != PL_HOP_dev_queue)) {
		unused(s);
		return;
	}
	on_packet(s, ev, hop);
}

/*
 * netif_receive_skb() is called by the tap for the guest's packets, by drivers without GRO, and
 * by the bridge for its own device, where the packet is one that was received before.
 */
void on_dev_rx(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	enum pl_dev_kind kind;
	struct flight *f;

	dev_of(s, ev, &kind);
	if (kind == PL_DEV_TAP || kind == PL_DEV_NIC) {
		f = packet_birth(s, ev);
		if (f && kind == PL_DEV_TAP)
			tx_birth(s, f, ev);
	} else {
		f = chain_find(s, ev, hop);
		if (!f)
			f = packet_unknown(s, ev, hop, kind != PL_DEV_BRIDGE);
	}
	if (f)
		packet_add(s, f, ev, hop, PL_ROLE_NONE);
}

void on_dev_xmit(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct flight *f = chain_find(s, ev, hop);

	if (!f)
		f = packet_unknown(s, ev, hop, false);
	if (!f)
		return;
	packet_add(s, f, ev, hop, PL_ROLE_NONE);
	s->c->last_tap = (struct flight_ref){};
	if (f->last_pkt == PL_HOP_tap_xmit)
		s->c->last_tap = flight_ref(f);
}

/* The worker's last time on its CPU and its handle_rx: if newer than the packet, it waited for
 * them. What began before the packet was there only went on when the worker ran again. */
static void worker_prepend(struct stitch *s, struct flight *f, const struct task_ctx *t)
{
	__u64 last = f->s[f->n - 1].ts;

	if (t->rx.on && t->rx.s.ts >= last) {
		flight_add_if_later(s, f, &t->rx_run);
		flight_add_if_later(s, f, &t->rx);
	} else {
		flight_add_if_later(s, f, &t->run);
	}
}

/*
 * Copy to user space. Of a tap's packets: to the guest's memory by the vhost worker, or to a
 * reader. A VLAN tag in metadata makes the kernel copy, and the tracepoint fire, twice.
 */
void on_skb_copy(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct flight *f;
	struct task_ctx *t;

	if (sock_copied(s, ev, hop))
		return;
	f = flight_by_skb(s, ev->obj);
	if (f && (f->last_pkt == PL_HOP_vhost_copy || f->last_pkt == PL_HOP_tap_read)) {
		unused(s);
		return;
	}
	f = f && f->last_pkt == PL_HOP_tap_xmit ? chain_find(s, ev, hop) : NULL;
	if (!f) {
		/* a packet that is not known, or no packet at all: but the task is at the next */
		rx_next(s, ev);
		unused(s);
		return;
	}
	t = task_of(s, ev);
	if (t && t->is_vhost)
		worker_prepend(s, f, t);
	packet_add(s, f, ev, hop, t && t->is_vhost ? PL_ROLE_VHOST : PL_ROLE_NONE);
	f->queue = ev->queue;
	if (t && (t->is_vhost || t->is_vmm))
		rx_batch_add(s, t, f);
}

void on_skb_free(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct flight *f = chain_find(s, ev, hop);
	bool taken;

	if (!f) {
		unused(s);
		return;
	}
	if (split_begin(s, f))
		return;
	if (sock_freed(s, f))
		return;
	if (fragment_hold(s, f))
		return;
	/* passed on to a device that is not looked at (a bridge's own, too), whose stack is done with it */
	if (f->last_pkt == PL_HOP_dev_xmit || f->last_pkt == PL_HOP_br_in) {
		flight_end_here(s, f, true);
		return;
	}
	/* nothing was said of a socket, or of a way out: the host's own stack was its end */
	taken = flight_in_stack(f);
	packet_add(s, f, ev, hop, PL_ROLE_NONE);
	flight_unhash(s, f);
	switch (f->last_pkt) {
	case PL_HOP_vhost_copied:
	case PL_HOP_tap_copied:
		/* a batch that will be told to the guest; else some program has it now */
		if (list_empty(&f->wait))
			flight_end(s, f, PACKET_COMPLETE);
		break;
	case PL_HOP_nic_txdone:
		flight_end(s, f, PACKET_COMPLETE);
		break;
	default:
		/* elsewhere it went on as something else */
		flight_end(s, f, taken ? PACKET_COMPLETE : PACKET_INCOMPLETE);
	}
}

/*
 * Dropped before any hop saw it; or a clone: that of a packet socket which has no room, say, while the
 * packet itself goes on
 */
static struct flight *dropped_unknown(struct stitch *s, const struct pl_event *ev)
{
	bool several;
	struct flight *f, *origin = flight_by_head(s, ev, &several);

	if (origin)
		return flight_fork(s, origin, ev);
	f = flight_new(s, ev);
	if (f)
		f->flow = 0;
	return f;
}

void on_drop(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct flight *f = chain_find(s, ev, hop);
	struct sighting sight;

	if (!f) {
		/* without headers it is not a packet to anyone */
		if (!(ev->flags & PL_F_KEY) || (ev->flags & PL_F_KNOWN)) {
			unused(s);
			return;
		}
		f = dropped_unknown(s, ev);
		if (!f)
			return;
	}
	if (sock_discard(s, f))
		return;
	sight = sighting_of(s, ev, hop);
	sight.vlan = 0;
	if (f->n)
		sight.dev = f->s[f->n - 1].dev;
	f->sure = true;
	f->drop_reason = ev->arg;
	f->drop_place = (__s32)ev->vlan;
	flight_add(s, f, &sight);
	flight_end(s, f, PACKET_DROPPED);
}
