// SPDX-License-Identifier: GPL-2.0
/* Packets in flight: their memory, their tables, their ends */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stitch_int.h"

#define BUCKETS		(1u << 16)
#define SLAB_FLIGHTS	64
#define IN_FLIGHT_MIN	64

struct slab {
	struct slab *next;
	struct flight flight[SLAB_FLIGHTS];
};

static unsigned int bucket(__u64 x)
{
	return (x * 0x9e3779b97f4a7c15ULL) >> 48;
}

int stitch_new(const struct stitch_config *cfg, struct stitch **out)
{
	struct stitch *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->cfg = *cfg;
	if (!s->cfg.timeout_ns)
		s->cfg.timeout_ns = 30000000000ULL;
	if (!s->cfg.max_in_flight)
		s->cfg.max_in_flight = 262144;
	/* a flight that is at work must not be the oldest one */
	if (s->cfg.max_in_flight < IN_FLIGHT_MIN)
		s->cfg.max_in_flight = IN_FLIGHT_MIN;
	s->by_skb = calloc(BUCKETS, sizeof(*s->by_skb));
	s->by_head = calloc(BUCKETS, sizeof(*s->by_head));
	s->kicks = calloc(KICKS, sizeof(*s->kicks));
	s->irq_map = calloc(IRQ_MAP, sizeof(*s->irq_map));
	s->task_size = 256;
	s->task = calloc(s->task_size, sizeof(*s->task));
	list_init(&s->lru);
	if (!s->by_skb || !s->by_head || !s->kicks || !s->irq_map || !s->task) {
		stitch_free(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

void stitch_free(struct stitch *s)
{
	struct slab *slab, *next;
	struct list *l;
	size_t i;

	if (!s)
		return;
	for (l = s->lru.next; l && l != &s->lru; l = l->next) {
		struct flight *f = list_entry(l, struct flight, lru);

		if (f->s != f->first)
			free(f->s);
	}
	for (slab = s->slabs; slab; slab = next) {
		next = slab->next;
		free(slab);
	}
	for (i = 0; i < sizeof(s->cpu) / sizeof(*s->cpu); i++)
		free(s->cpu[i]);
	for (i = 0; s->task && i < s->task_size; i++) {
		if (!s->task[i])
			continue;
		free(s->task[i]->send);
		free(s->task[i]->fetch);
		free(s->task[i]);
	}
	free(s->task);
	free(s->by_skb);
	free(s->by_head);
	free(s->kicks);
	free(s->irq_map);
	free(s);
}

struct cpu_ctx *cpu_ctx(struct stitch *s, unsigned int cpu)
{
	cpu &= 0xffff;
	if (!s->cpu[cpu]) {
		s->cpu[cpu] = calloc(1, sizeof(struct cpu_ctx));
		if (!s->cpu[cpu])
			s->err = -ENOMEM;
	}
	return s->cpu[cpu];
}

static struct task_ctx **task_slot(struct task_ctx **table, size_t size, __u32 tid)
{
	size_t i = (tid * 2654435761u) & (size - 1);

	while (table[i] && table[i]->tid != tid)
		i = (i + 1) & (size - 1);
	return &table[i];
}

static int tasks_grow(struct stitch *s)
{
	size_t size = s->task_size * 2, i;
	struct task_ctx **table = calloc(size, sizeof(*table));

	if (!table)
		return -ENOMEM;
	for (i = 0; i < s->task_size; i++)
		if (s->task[i])
			*task_slot(table, size, s->task[i]->tid) = s->task[i];
	free(s->task);
	s->task = table;
	s->task_size = size;
	return 0;
}

struct task_ctx *task_ctx(struct stitch *s, __u32 tid)
{
	struct task_ctx **slot = task_slot(s->task, s->task_size, tid), *t = *slot;

	if (t || s->ntasks >= TASKS_MAX)
		return t;
	if (s->ntasks * 2 >= s->task_size) {
		if (tasks_grow(s))
			goto nomem;
		slot = task_slot(s->task, s->task_size, tid);
	}
	t = calloc(1, sizeof(*t));
	if (!t)
		goto nomem;
	t->tid = tid;
	t->is_vhost = names_role(s->cfg.names, tid) == PL_ROLE_VHOST;
	t->is_vmm = names_role(s->cfg.names, tid) == PL_ROLE_VMM;
	list_init(&t->batch);
	list_init(&t->used);
	list_init(&t->pending);
	*slot = t;
	s->ntasks++;
	return t;
nomem:
	s->err = -ENOMEM;
	return NULL;
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
	list_add_tail(&f->lru, &s->lru);
	f->id = ++s->next_id;
	if (++s->in_flight > s->stats.in_flight_max)
		s->stats.in_flight_max = s->in_flight;
	return f;
}

/* What an event adds to the packet's identity */
static void identity_take(struct flight *f, const struct pl_event *ev)
{
	if ((ev->flags & PL_F_KEY) && !f->has_key) {
		f->has_key = true;
		f->key = ev->key;
		f->proto = ev->proto;
		if (hook_desc(ev->hook)->hop != PL_HOP_drop)
			f->flow = ev->arg;
	}
	if ((ev->flags & PL_F_PAY) && !f->has_pay) {
		f->has_pay = true;
		f->pay = ev->pay;
	}
	f->gso |= (ev->flags & PL_F_GSO) != 0;
}

struct flight *flight_new(struct stitch *s, const struct pl_event *ev)
{
	struct flight *f;

	if (s->in_flight >= s->cfg.max_in_flight) {
		s->stats.evicted++;
		flight_end(s, list_entry(s->lru.next, struct flight, lru), PACKET_INCOMPLETE);
	}
	f = flight_alloc(s);
	if (!f)
		return NULL;
	f->last_ts = ev->ts;
	identity_take(f, ev);
	return f;
}

void flight_hash(struct stitch *s, struct flight *f, __u64 skb, __u32 head)
{
	struct flight **b = &s->by_skb[bucket(skb)];

	f->skb = skb;
	f->head = head;
	f->has_skb = true;
	f->skb_next = *b;
	*b = f;
	b = &s->by_head[bucket(head)];
	f->head_next = *b;
	*b = f;
}

static void head_unhash(struct stitch *s, struct flight *f)
{
	struct flight **b = &s->by_head[bucket(f->head)];

	while (*b != f)
		b = &(*b)->head_next;
	*b = f->head_next;
}

void flight_unhash(struct stitch *s, struct flight *f)
{
	struct flight **b;

	if (!f->has_skb)
		return;
	for (b = &s->by_skb[bucket(f->skb)]; *b != f; b = &(*b)->skb_next)
		;
	*b = f->skb_next;
	head_unhash(s, f);
	f->has_skb = false;
}

void flight_head_set(struct stitch *s, struct flight *f, __u32 head)
{
	struct flight **b;

	if (f->head == head)
		return;
	head_unhash(s, f);
	f->head = head;
	b = &s->by_head[bucket(head)];
	f->head_next = *b;
	*b = f;
}

struct flight *flight_by_skb(struct stitch *s, __u64 skb)
{
	struct flight *f = s->by_skb[bucket(skb)];

	while (f && f->skb != skb)
		f = f->skb_next;
	return f;
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
	if (!(ev->flags & PL_F_KEY))
		return NULL;
	for (f = s->by_head[bucket(ev->head)]; f; f = f->head_next) {
		if (f->head != ev->head || !f->has_key || f->key != ev->key)
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

static bool sightings_grow(struct flight *f)
{
	struct sighting *more = malloc(PACKET_MAX_SIGHTINGS * sizeof(*more));

	if (!more)
		return false;
	memcpy(more, f->s, f->n * sizeof(*more));
	f->s = more;
	f->cap = PACKET_MAX_SIGHTINGS;
	return true;
}

struct flight *flight_fork(struct stitch *s, const struct flight *from, const struct pl_event *ev)
{
	/* flight_new() may evict the one that is to be copied */
	struct flight *f, copy = *from;
	struct sighting seen[PACKET_MAX_SIGHTINGS];

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
	f->mid = copy.mid;
	f->gso |= copy.gso;
	f->nonmono = copy.nonmono;
	f->cloned = true;
	s->stats.cloned++;
	return f;
}

void flight_add(struct stitch *s, struct flight *f, const struct sighting *sight)
{
	unsigned int at = f->n;

	if (f->n == PACKET_MAX_SIGHTINGS || (f->n == f->cap && !sightings_grow(f))) {
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
	if (hop_desc(sight->hop)->class != PL_CLASS_CTX)
		f->last_pkt = sight->hop;
	f->last_ts = s->now;
	list_del(&f->lru);
	list_add_tail(&f->lru, &s->lru);
}

void flight_add_if_later(struct stitch *s, struct flight *f, const struct maybe *m)
{
	if (m->on && (!f->n || m->s.ts >= f->s[f->n - 1].ts))
		flight_add(s, f, &m->s);
}

/* References from the contexts that follow at once must not outlive the flight */
static void flight_forget(struct stitch *s, const struct flight *f)
{
	unsigned int i;

	for (i = 0; i < f->n; i++) {
		struct cpu_ctx *c = s->cpu[f->s[i].cpu];

		if (c && c->last_gro == f)
			c->last_gro = NULL;
		if (c && c->last_tap == f)
			c->last_tap = NULL;
	}
}

static enum packet_end end_qualified(const struct flight *f, enum packet_end end)
{
	if (end == PACKET_MERGED || end == PACKET_DROPPED)
		return end;
	if (f->gso)
		return PACKET_AGGREGATE;
	if (f->ambiguous)
		return PACKET_AMBIGUOUS;
	return end == PACKET_COMPLETE && f->mid ? PACKET_INCOMPLETE : end;
}

void flight_end(struct stitch *s, struct flight *f, enum packet_end end)
{
	struct packet *p = &s->out;

	end = end_qualified(f, end);
	s->stats.packets[end]++;
	if (end == PACKET_INCOMPLETE && f->n)
		s->stats.last_hop[f->s[f->n - 1].hop]++;
	p->id = f->id;
	p->key = f->has_key ? f->key : 0;
	p->flow = f->flow;
	p->drop_reason = f->drop_reason;
	p->drop_place = f->drop_place;
	p->end = end;
	p->proto = f->proto;
	p->cloned = f->cloned;
	p->nonmono = f->nonmono;
	p->n = f->n;
	memcpy(p->s, f->s, f->n * sizeof(*p->s));
	flight_forget(s, f);
	flight_unhash(s, f);
	list_del(&f->wait);
	list_del(&f->lru);
	if (f->s != f->first)
		free(f->s);
	f->skb_next = s->spare;
	s->spare = f;
	s->in_flight--;
	if (!s->err && p->n)
		s->err = s->cfg.packet(s->cfg.ctx, p);
}

/*
 * Hops after which nothing more need come. A transmit to the wire or into another namespace has
 * left what is observed (a driver may free the skb only at its next transmit). Injection hops:
 * the guest was in the middle of polling, or runs with posted interrupts.
 */
static bool hop_terminal(enum pl_hop hop)
{
	switch (hop) {
	case PL_HOP_nic_xmit:
	case PL_HOP_dev_xmit:
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
		return true;
	default:
		return false;
	}
}

void flight_end_here(struct stitch *s, struct flight *f)
{
	bool done = f->n && hop_terminal(f->s[f->n - 1].hop);

	flight_end(s, f, done ? PACKET_COMPLETE : PACKET_INCOMPLETE);
}

void flights_end_old(struct stitch *s)
{
	while (!s->err && !list_empty(&s->lru)) {
		struct flight *f = list_entry(s->lru.next, struct flight, lru);

		if (f->last_ts + s->cfg.timeout_ns > s->now)
			return;
		flight_end_here(s, f);
	}
}

struct sighting sighting_of(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	int dev = names_dev(s->cfg.names, ev->netns, ev->ifindex);
	struct sighting sight = {
		.ts = ev->ts, .tid = ev->tid, .len = ev->len, .arg = ev->arg, .vlan = ev->vlan,
		.cpu = ev->cpu, .hop = hop, .hook = ev->hook, .flags = ev->flags,
	};

	if (dev < 0)
		s->err = dev;
	else
		sight.dev = dev;
	return sight;
}

void maybe_set(struct stitch *s, struct maybe *m, const struct pl_event *ev, enum pl_hop hop)
{
	m->on = true;
	m->s = sighting_of(s, ev, hop);
}
