// SPDX-License-Identifier: GPL-2.0
/* Packets in flight: their memory, their tables, their ends */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "stitch_int.h"

#define SLAB_FLIGHTS 64

struct slab {
	struct slab *next;
	struct flight flight[SLAB_FLIGHTS];
};

#define PL_X(id, name, class, flags, what) [PL_HOP_##id] = PL_CLASS_##class,
static const __u8 hop_class[PL_NR_HOPS] = { [PL_HOP_none] = PL_CLASS_CTX, PL_HOPS(PL_X) };
#undef PL_X

void stitch_free(struct stitch *s)
{
	struct slab *slab, *next;
	struct list *l;

	if (!s)
		return;
	for (l = s->lru.next; l != &s->lru; l = l->next) {
		struct flight *f = list_entry(l, struct flight, lru);

		if (f->s != f->first)
			free(f->s);
	}
	for (slab = s->slabs; slab; slab = next) {
		next = slab->next;
		free(slab);
	}
	cpu_ctxs_free(s);
	task_ctxs_free(s);
	free(s->by_skb);
	free(s->by_head);
	free(s->by_flow);
	free(s->kicks);
	free(s->irq_map);
	free(s->calls);
	free(s->owners);
	free(s->socks);
	free(s->sock_slots);
	free(s->writes);
	free(s);
}

static struct flight *flight_alloc(struct stitch *s)
{
	struct flight *f = s->spare;
	struct slab *slab;
	int i;

	if (!f) {
		slab = malloc(sizeof(*slab));
		if (!slab) {
			s->err = -ENOMEM;
			return NULL;
		}
		slab->next = s->slabs;
		s->slabs = slab;
		for (i = 0; i < SLAB_FLIGHTS; i++) {
			slab->flight[i].skb_next = s->spare;
			s->spare = &slab->flight[i];
		}
		f = s->spare;
	}
	s->spare = f->skb_next;
	memset(f, 0, offsetof(struct flight, first));
	f->s = f->first;
	f->cap = FLIGHT_INLINE;
	list_init(&f->wait);
	list_init(&f->riders);
	list_init(&f->sock);
	list_add_tail(&f->lru, &s->lru);
	f->id = ++s->next_id;
	if (++s->in_flight > s->stats.in_flight_max)
		s->stats.in_flight_max = s->in_flight;
	return f;
}

void flight_identify(struct flight *f, const struct pl_event *ev)
{
	if ((ev->flags & PL_F_KEY) && !f->has_key) {
		f->has_key = true;
		f->key = ev->key;
		f->proto = ev->proto;
		f->flow = ev->arg;
		f->frag = (ev->flags & PL_F_FRAG) != 0;
		if ((ev->proto == IPPROTO_TCP && !f->frag) || (ev->flags & PL_F_GSO)) {
			f->bytes = ev->pay;
			f->has_bytes = true;
		}
	}
	if ((ev->flags & PL_F_PAY) && !f->has_pay) {
		f->has_pay = true;
		f->pay = ev->pay;
	}
	f->gso |= (ev->flags & PL_F_GSO) != 0;
	f->sure |= !(ev->flags & PL_F_UNSURE);
}

bool identity_differs(const struct flight *f, const struct pl_event *ev)
{
	if ((ev->flags & PL_F_KEY) && f->has_key && ev->key != f->key)
		return true;
	return (ev->flags & PL_F_PAY) && f->has_pay && ev->pay != f->pay;
}

struct flight *flight_new(struct stitch *s, const struct pl_event *ev)
{
	struct flight *f;

	if (s->in_flight >= s->cfg.max_in_flight) {
		f = list_entry(s->lru.next, struct flight, lru);
		s->stats.evicted++;
		flight_end(s, f, PACKET_INCOMPLETE);
	}
	f = flight_alloc(s);
	if (!f)
		return NULL;
	f->last_ts = ev->ts;
	f->last_cpu = ev->cpu;
	f->len = ev->len;
	flight_identify(f, ev);
	return f;
}

static void head_hash(struct stitch *s, struct flight *f, __u32 head)
{
	struct flight **b = &s->by_head[slot_of(head, BUCKETS)];

	/* 0: not known */
	f->head = head;
	if (!head)
		return;
	f->head_next = *b;
	*b = f;
}

static void head_unhash(struct stitch *s, struct flight *f)
{
	struct flight **b = &s->by_head[slot_of(f->head, BUCKETS)];

	if (!f->head)
		return;
	while (*b != f)
		b = &(*b)->head_next;
	*b = f->head_next;
}

void flight_hash(struct stitch *s, struct flight *f, __u64 skb, __u32 head)
{
	struct flight **b = &s->by_skb[slot_of(skb, BUCKETS)];

	f->skb = skb;
	f->has_skb = true;
	f->skb_next = *b;
	*b = f;
	head_hash(s, f, head);
}

void flight_unhash(struct stitch *s, struct flight *f)
{
	struct flight **b;

	if (!f->has_skb)
		return;
	for (b = &s->by_skb[slot_of(f->skb, BUCKETS)]; *b != f; b = &(*b)->skb_next)
		;
	*b = f->skb_next;
	head_unhash(s, f);
	f->has_skb = false;
}

void flight_head_set(struct stitch *s, struct flight *f, __u32 head)
{
	if (f->head == head)
		return;
	head_unhash(s, f);
	head_hash(s, f, head);
}

struct flight *flight_by_skb(struct stitch *s, __u64 skb)
{
	struct flight *f = s->by_skb[slot_of(skb, BUCKETS)];

	while (f && f->skb != skb)
		f = f->skb_next;
	return f;
}

/*
 * Can this packet be the one that the event's skb was cloned from? Cloning and sending the clone
 * is one call chain (br_flood(), OVS output, mirred), so the origin was last seen on this CPU by
 * this task, and is still in the stack's hands. Else it is an old packet that had this buffer.
 */
static bool clone_origin(const struct stitch *s, const struct flight *f, const struct pl_event *ev)
{
	if (f->head != ev->head || !f->has_key || identity_differs(f, ev))
		return false;
	if (f->last_cpu != ev->cpu || f->last_tid != ev->tid || f->held_kind == HELD_MERGED)
		return false;
	switch (f->last_pkt) {
	case PL_HOP_nic_xmit:
	case PL_HOP_tap_xmit:
	case PL_HOP_vhost_copy:
	case PL_HOP_tap_read:
	case PL_HOP_sock_queue:
	case PL_HOP_sock_copy:
	case PL_HOP_sock_recv:
		return false;
	default:
		return !gap_since(s, f->last_cpu, f->last_ts);
	}
}

/*
 * Clones share the buffer. Of several packets with this buffer and key the one that is no clone
 * itself is the origin: br_flood() and dev_queue_xmit_nit() clone the skb that they were given.
 */
struct flight *flight_by_head(struct stitch *s, const struct pl_event *ev, bool *several)
{
	struct flight *f, *origin = NULL, *clone = NULL;
	unsigned int origins = 0, clones = 0;

	*several = false;
	if (!(ev->flags & PL_F_KEY) || !ev->head)
		return NULL;
	for (f = s->by_head[slot_of(ev->head, BUCKETS)]; f; f = f->head_next) {
		if (!clone_origin(s, f, ev))
			continue;
		if (f->cloned) {
			clone = f;
			clones++;
		} else {
			origin = f;
			origins++;
		}
	}
	if (origins == 1)
		return origin;
	if (!origins && clones == 1)
		return clone;
	*several = origins + clones > 0;
	return NULL;
}

void flights_end_of_head(struct stitch *s, __u32 head)
{
	struct flight *f, *next;

	/* ending one changes nothing else in the bucket */
	if (!head)
		return;
	for (f = s->by_head[slot_of(head, BUCKETS)]; f && !s->err; f = next) {
		next = f->head_next;
		if (f->head == head)
			flight_release(s, f);
	}
}

static bool sightings_grow(struct flight *f)
{
	struct sighting *more = malloc(DOMAIN_MAX_SIGHTINGS * sizeof(*more));

	if (!more)
		return false;
	memcpy(more, f->s, f->n * sizeof(*more));
	f->s = more;
	f->cap = DOMAIN_MAX_SIGHTINGS;
	return true;
}

struct flight *flight_branch(struct stitch *s, const struct flight *from, const struct pl_event *ev)
{
	/* flight_new() may evict the one that is to be copied */
	struct flight *f, copy = *from;
	struct sighting seen[DOMAIN_MAX_SIGHTINGS];

	memcpy(seen, from->s, from->n * sizeof(*seen));
	f = flight_new(s, ev);
	if (!f)
		return NULL;
	if (copy.n > f->cap && !sightings_grow(f)) {
		s->err = -ENOMEM;
		return NULL;
	}
	memcpy(f->s, seen, copy.n * sizeof(*seen));
	f->n = copy.n;
	f->last_pkt = copy.last_pkt;
	f->last_dev = copy.last_dev;
	f->local = copy.local;
	f->mid = copy.mid;
	f->ambiguous = copy.ambiguous;
	f->nonmono = copy.nonmono;
	return f;
}

static struct flight *flight_clone(struct stitch *s, const struct flight *from,
				   const struct pl_event *ev)
{
	struct flight id = *from, *f = flight_branch(s, from, ev);

	if (!f)
		return NULL;
	f->key = id.key;
	f->pay = id.pay;
	f->flow = id.flow;
	f->bytes = id.bytes;
	f->len = id.len;
	f->proto = id.proto;
	f->has_key = id.has_key;
	f->has_pay = id.has_pay;
	f->has_bytes = id.has_bytes;
	f->frag = id.frag;
	f->gso |= id.gso;
	f->sure |= id.sure;
	f->cloned = true;
	s->stats.cloned++;
	return f;
}

struct flight *flight_fork(struct stitch *s, struct flight *from, const struct pl_event *ev)
{
	struct flight_ref r, origin = flight_ref(from);
	struct flight *f = flight_clone(s, from, ev), *rider;
	struct list *l = from->riders.next;

	/* each clone may evict the oldest packet: what is copied may be gone then */
	while (f && flight_deref(origin) && l != &from->riders) {
		r = flight_ref(flight_of(l));
		rider = flight_clone(s, r.f, ev);
		if (!rider)
			return NULL;
		rider->carrier = f;
		list_add_tail(&rider->wait, &f->riders);
		if (!flight_deref(r))
			break;
		l = l->next;
	}
	return f;
}

void flight_add(struct stitch *s, struct flight *f, const struct sighting *sight)
{
	unsigned int at = f->n;
	struct list *l;

	if (f->n == DOMAIN_MAX_SIGHTINGS || (f->n == f->cap && !sightings_grow(f))) {
		f->mid = true;
		return;
	}
	/* merge delivered it late: keep the order, and keep it out of the statistics */
	while (at > 0 && f->s[at - 1].ts > sight->ts) {
		f->s[at] = f->s[at - 1];
		at--;
		f->nonmono = true;
	}
	f->s[at] = *sight;
	f->n++;
	s->stats.by_hop[sight->hop]++;
	if (hop_class[sight->hop] != PL_CLASS_CTX) {
		f->last_pkt = sight->hop;
		f->last_dev = sight->dev;
		f->last_tid = sight->tid;
	}
	f->last_cpu = sight->cpu;
	f->last_ts = s->now;
	if (s->lru.prev != &f->lru) {
		list_del(&f->lru);
		list_add_tail(&f->lru, &s->lru);
	}
	for (l = f->riders.next; l != &f->riders; l = l->next)
		flight_add(s, flight_of(l), sight);
}

void flight_add_if_later(struct stitch *s, struct flight *f, const struct maybe *m)
{
	if (m->on && (!f->n || m->s.ts >= f->s[f->n - 1].ts))
		flight_add(s, f, &m->s);
}

static enum packet_end end_qualified(const struct flight *f, enum packet_end end)
{
	if (end == PACKET_MERGED || end == PACKET_SPLIT || end == PACKET_DROPPED)
		return end;
	if (f->ambiguous)
		return PACKET_AMBIGUOUS;
	return end == PACKET_COMPLETE && f->mid ? PACKET_INCOMPLETE : end;
}

static void packet_fill(struct packet *p, const struct flight *f, enum packet_end end)
{
	p->id = f->id;
	p->key = f->has_key ? f->key : 0;
	p->flow = f->flow;
	p->seq = flight_seq(f);
	p->bytes = f->proto == IPPROTO_TCP && f->has_bytes ? f->bytes : 0;
	p->drop_reason = f->drop_reason;
	p->drop_place = f->drop_place;
	p->end = end;
	p->proto = f->proto;
	p->cloned = f->cloned;
	p->nonmono = f->nonmono;
	p->n = f->n;
	p->nparts = 1;
	p->part[0] = (struct packet_part){ 0 };
	memcpy(p->s, f->s, f->n * sizeof(*p->s));
}

/* What rides on it ends as it does, and no surer */
static void riders_end(struct stitch *s, struct flight *f, enum packet_end end)
{
	struct flight *r;

	while (!list_empty(&f->riders)) {
		r = flight_of(f->riders.next);
		list_del(&r->wait);
		r->carrier = NULL;
		r->ambiguous |= f->ambiguous;
		r->mid |= f->mid;
		r->discard |= f->discard;
		r->nonmono |= f->nonmono;
		r->drop_reason = f->drop_reason;
		r->drop_place = f->drop_place;
		s->stats.ridden++;
		flight_end(s, r, end);
	}
}

void flight_end(struct stitch *s, struct flight *f, enum packet_end end)
{
	/* nothing has contradicted that GRO took it */
	if (f->held_kind == HELD_MERGED && end != PACKET_DROPPED) {
		flight_add(s, f, &f->held);
		end = PACKET_MERGED;
	}
	riders_end(s, f, end);
	end = end_qualified(f, end);
	if (!f->discard && !f->sure)
		s->stats.undecided++;
	else if (!f->discard)
		s->stats.packets[end]++;
	if (!f->discard && f->sure && end == PACKET_INCOMPLETE && f->n)
		s->stats.last_hop[f->s[f->n - 1].hop]++;
	packet_fill(&s->out, f, end);
	flight_unhash(s, f);
	flow_unhash(s, f);
	list_del(&f->wait);
	list_del(&f->sock);
	list_del(&f->lru);
	if (f->s != f->first)
		free(f->s);
	f->id = 0;
	f->skb_next = s->spare;
	s->spare = f;
	s->in_flight--;
	if (!s->err && !f->discard && f->sure)
		s->err = s->cfg.packet(s->cfg.ctx, &s->out);
}

void flight_end_broken(struct stitch *s, struct flight *f)
{
	f->mid = true;
	flight_end(s, f, PACKET_INCOMPLETE);
}

void flight_discard(struct stitch *s, struct flight *f)
{
	f->discard = true;
	flight_end(s, f, PACKET_COMPLETE);
}

/*
 * Hops after which nothing more need come. A transmit to the wire or into another namespace has
 * left what is observed (a driver may free the skb only at its next transmit). Injection hops:
 * the guest was in the middle of polling, or runs with posted interrupts.
 */
static bool reached_an_end(const struct stitch *s, const struct flight *f, bool freed)
{
	switch (f->s[f->n - 1].hop) {
	case PL_HOP_dev_xmit:
		return !(s->goes_on[f->last_dev / 8] & (1 << f->last_dev % 8));
	case PL_HOP_nic_skb:
	case PL_HOP_ip_rcv:
	case PL_HOP_ip_deliver:
	case PL_HOP_sock_queue: /* a FIN */
		return f->no_data; /* for the kernel's TCP, which frees it silently */
	case PL_HOP_br_in:
		/*
		 * The bridge gave it to its own device, or to a port, that is not looked at: what it
		 * throws away is a drop, and it does not hold packets back (one softirq).
		 */
		return freed || f->last_ts + GAP_DOUBT_NS < s->now;
	case PL_HOP_nic_xmit:
	case PL_HOP_sock_copy:
	case PL_HOP_sock_recv:
	case PL_HOP_app_recv:
	case PL_HOP_tap_read:
	case PL_HOP_tap_copied:
	case PL_HOP_vhost_copied:
	case PL_HOP_vhost_used:
	case PL_HOP_vhost_signal:
	case PL_HOP_vmm_signal:
	case PL_HOP_kvm_irqfd:
	case PL_HOP_kvm_msi:
	case PL_HOP_kvm_inject:
	case PL_HOP_kvm_kick:
	case PL_HOP_kvm_run:
	case PL_HOP_kvm_inj:
		return true;
	default:
		return false;
	}
}

void flight_release(struct stitch *s, struct flight *f)
{
	if (f->held_kind == HELD_MERGED || !list_empty(&f->sock))
		flight_unhash(s, f);
	else
		flight_end_here(s, f, true);
}

void flight_end_here(struct stitch *s, struct flight *f, bool freed)
{
	const struct cpu_ctx *c;
	bool done;

	freed = freed && !f->carrier;
	while (f->carrier)
		f = f->carrier;
	c = s->cpu[f->last_cpu];

	/* no kvm:inj was ever seen: the hook is not there, and the first entry is the one */
	if (f->held_kind == HELD_ENTRY && !s->inj_covered) {
		flight_add(s, f, &f->held);
		flight_end(s, f, PACKET_COMPLETE);
		return;
	}
	/* its other segments were not seen, or the datagram that it became a part of */
	if (f->in_flow == FLOW_SPLIT && f->left < f->bytes) {
		flight_end(s, f, PACKET_SPLIT);
		return;
	}
	done = f->n && (reached_an_end(s, f, freed) || (f->in_flow == FLOW_FRAGMENT && !f->has_skb));
	/* what it would have gone on with may have been lost */
	if (c && c->gap_ts > f->last_ts)
		done = false;
	flight_end(s, f, done ? PACKET_COMPLETE : PACKET_INCOMPLETE);
}

void flights_end_old(struct stitch *s)
{
	while (!s->err && !list_empty(&s->lru)) {
		struct flight *f = list_entry(s->lru.next, struct flight, lru);

		if (f->last_ts + s->cfg.timeout_ns > s->now)
			return;
		flight_end_here(s, f, false);
	}
}

void list_add_sighting(struct stitch *s, struct list *list, const struct sighting *sight)
{
	struct list *l;

	for (l = list->next; l != list; l = l->next)
		flight_add(s, flight_of(l), sight);
}

void list_end(struct stitch *s, struct list *list)
{
	while (!s->err && !list_empty(list))
		flight_end_here(s, flight_of(list->next), false);
}
