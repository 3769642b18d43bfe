// SPDX-License-Identifier: GPL-2.0
/*
 * From the device's interrupt to GRO. These hops see no packet: a packet that GRO gets belongs
 * to the poll that runs on its CPU, and through it to the interrupt and the softirq that led to
 * the poll. A batch is joined to every packet in it.
 */
#include "stitch_int.h"

static struct irq_map *irq_map_of(struct stitch *s, __u32 irq)
{
	return &s->irq_map[irq % IRQ_MAP];
}

void on_nic_irq(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct cpu_ctx *c = cpu_ctx(s, ev->cpu);
	struct irq_wait *slot;
	int i;

	if (!c)
		return;
	/* the same number again: its poll was not seen, only the newest can be the next poll's */
	slot = &c->irq[0];
	for (i = 0; i < IRQ_SLOTS; i++) {
		if (c->irq[i].seen.on && c->irq[i].irq == ev->arg) {
			slot = &c->irq[i];
			break;
		}
		if (!c->irq[i].seen.on || (slot->seen.on && c->irq[i].seen.s.ts < slot->seen.s.ts))
			slot = &c->irq[i];
	}
	maybe_set(s, &slot->seen, ev, hop);
	slot->irq = ev->arg;
	slot->dev = slot->seen.s.dev;
}

void on_nic_raise(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct cpu_ctx *c = cpu_ctx(s, ev->cpu);

	if (c)
		maybe_set(s, &c->raise[c->raise_next++ % RAISE_SLOTS], ev, hop);
}

void on_nic_softirq(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct cpu_ctx *c = cpu_ctx(s, ev->cpu);

	if (c)
		maybe_set(s, &c->softirq, ev, hop);
}

/* The first raise after the interrupt and before the softirq */
static void raise_find(struct cpu_ctx *c)
{
	int i;

	c->poll_raise.on = false;
	if (!c->poll_irq.on || !c->softirq.on)
		return;
	for (i = 0; i < RAISE_SLOTS; i++) {
		const struct maybe *r = &c->raise[i];

		if (!r->on || r->s.ts < c->poll_irq.s.ts || r->s.ts > c->softirq.s.ts)
			continue;
		if (!c->poll_raise.on || r->s.ts < c->poll_raise.s.ts)
			c->poll_raise = *r;
	}
}

/*
 * The interrupt that this poll serves. A device has several interrupts and NAPIs (virtio_net: one
 * of each for each direction and queue); which goes with which is learned when only one
 * interrupt of the device waits, and not guessed before.
 */
static void irq_find(struct stitch *s, struct cpu_ctx *c, __u64 napi, __u16 dev)
{
	struct irq_wait *only = NULL;
	struct irq_map *map;
	int i, open = 0;

	c->poll_irq.on = false;
	for (i = 0; i < IRQ_SLOTS; i++) {
		struct irq_wait *w = &c->irq[i];

		if (!w->seen.on || w->dev != dev)
			continue;
		map = irq_map_of(s, w->irq);
		if (map->irq == w->irq && map->dev == dev && map->napi) {
			if (map->napi != napi)
				continue;
			only = w;
			open = 1;
			break;
		}
		only = w;
		open++;
	}
	if (open != 1)
		return;
	map = irq_map_of(s, only->irq);
	map->irq = only->irq;
	map->dev = dev;
	map->napi = napi;
	c->poll_irq = only->seen;
	only->seen.on = false;
}

void on_nic_poll(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct cpu_ctx *c = cpu_ctx(s, ev->cpu);

	if (!c)
		return;
	s->poll_covered = true;
	maybe_set(s, &c->poll, ev, hop);
	irq_find(s, c, ev->obj, c->poll.s.dev);
	raise_find(c);
}

void on_nic_polled(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct cpu_ctx *c = cpu_ctx(s, ev->cpu);

	(void)hop;
	if (!c)
		return;
	c->poll.on = false;
	c->poll_irq.on = false;
	c->poll_raise.on = false;
	c->last_gro = NULL;
}

/* Prepend the poll and what led to it, when the packet came in it */
void nic_birth(struct stitch *s, struct flight *f, const struct pl_event *ev)
{
	struct cpu_ctx *c = cpu_ctx(s, ev->cpu);
	int dev = names_dev(s->cfg.names, ev->netns, ev->ifindex);

	if (!c)
		return;
	/* a kernel whose poll function cannot be hooked: the softirq is all that is known */
	if (!s->poll_covered) {
		flight_add_if_later(s, f, &c->softirq);
		return;
	}
	if (!c->poll.on || c->poll.s.dev != dev)
		return;
	if (c->poll_irq.on) {
		flight_add_if_later(s, f, &c->poll_irq);
		flight_add_if_later(s, f, &c->poll_raise);
		/* net_rx_action() also polls what was scheduled after it began (6.3 and newer) */
		flight_add_if_later(s, f, &c->softirq);
	}
	flight_add_if_later(s, f, &c->poll);
}

void on_nic_merged(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct cpu_ctx *c = cpu_ctx(s, ev->cpu);
	struct sighting sight;

	if (!c || !c->last_gro) {
		s->stats.unused++;
		return;
	}
	sight = sighting_of(s, ev, hop);
	sight.dev = c->last_gro->s[c->last_gro->n - 1].dev;
	flight_add(s, c->last_gro, &sight);
	flight_end(s, c->last_gro, PACKET_MERGED);
}
