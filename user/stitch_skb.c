// SPDX-License-Identifier: GPL-2.0
/* Hops that see the packet: chains by skb between birth and free, clones by buffer and key */
#include "stitch_int.h"

static bool identity_differs(const struct flight *f, const struct pl_event *ev)
{
	if ((ev->flags & PL_F_KEY) && f->has_key && ev->key != f->key)
		return true;
	return (ev->flags & PL_F_PAY) && f->has_pay && ev->pay != f->pay;
}

/* The packet of a known skb, if it still is that packet: pointers are reused within microseconds */
static struct flight *chain_find(struct stitch *s, const struct pl_event *ev)
{
	struct flight *f = flight_by_skb(s, ev->obj);

	if (f && identity_differs(f, ev)) {
		flight_end_here(s, f);
		f = NULL;
	}
	return f;
}

static void identity_update(struct stitch *s, struct flight *f, const struct pl_event *ev)
{
	flight_head_set(s, f, ev->head);
	f->gso |= (ev->flags & PL_F_GSO) != 0;
	if ((ev->flags & PL_F_KEY) && !f->has_key) {
		f->has_key = true;
		f->key = ev->key;
		f->proto = ev->proto;
		f->flow = ev->arg;
	}
	if ((ev->flags & PL_F_PAY) && !f->has_pay) {
		f->has_pay = true;
		f->pay = ev->pay;
	}
}

static void packet_add(struct stitch *s, struct flight *f, const struct pl_event *ev,
		       enum pl_hop hop, enum pl_role_kind role)
{
	struct sighting sight = sighting_of(s, ev, hop);

	sight.hop = hop_alias(hop, names_dev_kind(s->cfg.names, sight.dev), role, f->last_pkt);
	/* copies and frees cannot tell the device (skb->dev is not to be trusted there) */
	if (!ev->ifindex && f->n)
		sight.dev = f->s[f->n - 1].dev;
	identity_update(s, f, ev);
	flight_add(s, f, &sight);
}

/* A new packet; whatever had this skb before is over */
static struct flight *packet_birth(struct stitch *s, const struct pl_event *ev)
{
	struct flight *old = flight_by_skb(s, ev->obj), *f;

	if (old)
		flight_end_here(s, old);
	f = flight_new(s, ev);
	if (f)
		flight_hash(s, f, ev->obj, ev->head);
	return f;
}

void on_nic_gro(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct flight *f = packet_birth(s, ev);
	struct cpu_ctx *c = cpu_ctx(s, ev->cpu);

	if (!f || !c)
		return;
	nic_birth(s, f, ev);
	packet_add(s, f, ev, hop, PL_ROLE_NONE);
	c->last_gro = f;
}

/* An unknown skb: a clone of a known packet, a packet made here, or one whose birth was missed */
static struct flight *packet_unknown(struct stitch *s, const struct pl_event *ev)
{
	struct flight *f, *origin;
	bool several;

	origin = flight_by_head(s, ev, &several);
	f = origin ? flight_fork(s, origin, ev) : flight_new(s, ev);
	if (!f)
		return NULL;
	if (!origin) {
		f->ambiguous = several;
		f->mid = !(ev->flags & PL_F_ENTRY);
	}
	flight_hash(s, f, ev->obj, ev->head);
	return f;
}

void on_packet(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct flight *f = chain_find(s, ev);

	if (!f)
		f = packet_unknown(s, ev);
	if (f)
		packet_add(s, f, ev, hop, PL_ROLE_NONE);
}

/* On a tap this is where the guest's packet becomes an skb; elsewhere a hop like others */
void on_dev_rx(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	int dev = names_dev(s->cfg.names, ev->netns, ev->ifindex);
	struct flight *f;

	if (dev < 0 || names_dev_kind(s->cfg.names, dev) != PL_DEV_TAP) {
		on_packet(s, ev, hop);
		return;
	}
	f = packet_birth(s, ev);
	if (!f)
		return;
	tx_birth(s, f, ev);
	packet_add(s, f, ev, hop, PL_ROLE_NONE);
}

void on_dev_xmit(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct cpu_ctx *c = cpu_ctx(s, ev->cpu);
	struct flight *f = chain_find(s, ev);

	if (!f)
		f = packet_unknown(s, ev);
	if (!f || !c)
		return;
	packet_add(s, f, ev, hop, PL_ROLE_NONE);
	c->last_tap = f->last_pkt == PL_HOP_tap_xmit ? f : NULL;
}

/*
 * Copy to user space. Of a tap's packets: to the guest's memory by the vhost worker, or to a
 * reader. A VLAN tag in metadata makes the kernel copy, and the tracepoint fire, twice.
 */
void on_skb_copy(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct flight *f = chain_find(s, ev);
	struct task_ctx *t;

	if (!f || f->last_pkt != PL_HOP_tap_xmit) {
		s->stats.unused++;
		return;
	}
	t = task_ctx(s, ev->tid);
	if (t && t->is_vhost) {
		flight_add_if_later(s, f, &t->run);
		flight_add_if_later(s, f, &t->rx);
	}
	packet_add(s, f, ev, hop, t && t->is_vhost ? PL_ROLE_VHOST : PL_ROLE_NONE);
}

void on_skb_free(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct flight *f = chain_find(s, ev);
	enum pl_hop before;

	if (!f) {
		s->stats.unused++;
		return;
	}
	before = f->last_pkt;
	packet_add(s, f, ev, hop, PL_ROLE_NONE);
	flight_unhash(s, f);
	switch (f->s[f->n - 1].hop) {
	case PL_HOP_nic_txdone:
		flight_end(s, f, PACKET_COMPLETE);
		break;
	case PL_HOP_vhost_copied:
	case PL_HOP_tap_copied:
		rx_copied(s, f, ev);
		break;
	default:
		/* the host's own stack was the way's end; elsewhere it went on as something else */
		flight_end(s, f, before == PL_HOP_nic_skb ? PACKET_COMPLETE : PACKET_INCOMPLETE);
	}
}

void on_drop(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct flight *f = chain_find(s, ev);
	struct sighting sight;

	if (!f) {
		/* dropped before any hop saw it; without headers it is not a packet to anyone */
		f = ev->flags & PL_F_KEY ? flight_new(s, ev) : NULL;
		if (!f) {
			s->stats.unused++;
			return;
		}
	}
	sight = sighting_of(s, ev, hop);
	sight.vlan = 0;
	if (f->n)
		sight.dev = f->s[f->n - 1].dev;
	f->drop_reason = ev->arg;
	f->drop_place = (__s32)ev->vlan;
	flight_add(s, f, &sight);
	flight_end(s, f, PACKET_DROPPED);
}
