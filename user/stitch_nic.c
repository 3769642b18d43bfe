// SPDX-License-Identifier: GPL-2.0
/*
 * From the device's interrupt to GRO. These hops see no packet: a packet that GRO gets belongs
 * to the poll that runs on its CPU, and through it to the interrupt and the softirq that led to
 * the poll. A batch is joined to every packet in it.
 */
#include "stitch_int.h"

#define SCORE_BELIEVED 3
#define SCORE_MAX      8
#define POLL_WEIGHT    64 /* NAPI_POLL_WEIGHT: a poll that did less has completed */

static struct irq_map *irq_map_of(struct stitch *s, __u32 irq)
{
	return &s->irq_map[irq % IRQ_MAP];
}

void on_nic_irq(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct cpu_ctx *c = s->c;
	struct irq_wait *w = NULL, *oldest = &c->irq[0];
	int i;

	for (i = 0; i < IRQ_SLOTS && !w; i++) {
		if (c->irq[i].state != IRQ_FREE && c->irq[i].irq == ev->arg)
			w = &c->irq[i];
		else if (oldest->state != IRQ_FREE && (c->irq[i].state == IRQ_FREE ||
						       c->irq[i].seen.ts < oldest->seen.ts))
			oldest = &c->irq[i];
	}
	if (w) {
		/* twice before its poll, or its poll was elsewhere */
		w->state = IRQ_UNSURE;
	} else {
		w = oldest;
		w->state = IRQ_WAITING;
	}
	w->seen = sighting_of(s, ev, hop);
	w->irq = ev->arg;
	w->dev = w->seen.dev;
	w->raise.on = false;
	w->seq = c->seq;
	c->irq_last = w;
}

/* Interrupts are off in the handler: its raise is the next event of this CPU, or there is none */
void on_nic_raise(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct cpu_ctx *c = s->c;

	if (c->irq_last && c->irq_last->seq + 1 == c->seq && c->irq_last->seen.tid == ev->tid)
		maybe_set(s, &c->irq_last->raise, ev, hop);
	else
		unused(s);
}

static void poll_over(struct stitch *s)
{
	struct cpu_ctx *c = s->c;

	c->poll.on = c->poll_irq.on = c->poll_raise.on = false;
	c->last_gro = (struct flight_ref){};
	gro_give_up(s);
	split_close(s);
}

void on_nic_softirq(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	/* polls run with softirqs off: none is going on now, whatever was seen of it */
	poll_over(s);
	maybe_set(s, &s->c->softirq, ev, hop);
}

/* A poll with just one interrupt waiting: a hint on who belongs to whom. Is it to be believed? */
static bool irq_learn(struct irq_map *map, const struct irq_wait *w, __u64 napi)
{
	if (map->irq != w->irq || map->dev != w->dev || !map->napi) {
		/* the device's first: it may be its only one */
		*map = (struct irq_map){ .napi = napi, .irq = w->irq, .dev = w->dev, .score = 1 };
	} else if (map->napi == napi) {
		if (map->score < SCORE_MAX)
			map->score++;
	} else if (--map->score <= 0) {
		map->napi = napi;
		map->score = 1;
	}
	return map->napi == napi && map->score >= SCORE_BELIEVED;
}

static struct napi_done *napi_done(struct cpu_ctx *c, __u64 napi)
{
	int i;

	for (i = 0; i < NAPI_SLOTS; i++)
		if (c->done[i].napi == napi)
			return &c->done[i];
	return NULL;
}

static void napi_done_set(struct cpu_ctx *c, __u64 napi, unsigned int work)
{
	struct napi_done *d = napi_done(c, napi);

	if (!d)
		d = &c->done[c->done_next++ % NAPI_SLOTS];
	d->napi = napi;
	d->full = work >= POLL_WEIGHT;
}

/*
 * The interrupt that this poll serves. A device has several interrupts and NAPIs (virtio_net: one
 * of each for each direction and queue), and a NAPI that used up its budget is polled again
 * without any. So which goes with which is learned where only one waits, for a NAPI that was
 * idle, and not guessed before.
 */
static struct irq_wait *irq_find(struct stitch *s, struct cpu_ctx *c, __u64 napi, __u16 dev)
{
	const struct napi_done *done = napi_done(c, napi);
	struct irq_wait *w, *only = NULL, *found = NULL;
	unsigned int waiting = 0;
	struct irq_map *map;

	for (w = c->irq; w < c->irq + IRQ_SLOTS; w++) {
		if (w->state == IRQ_FREE || w->dev != dev)
			continue;
		only = w;
		waiting++;
		map = irq_map_of(s, w->irq);
		if (w->state == IRQ_UNSURE)
			waiting++; /* it may be this poll's: nothing to learn from the others */
		else if (map->irq == w->irq && map->dev == dev && map->napi == napi &&
			 map->score >= SCORE_BELIEVED)
			found = w;
	}
	if (waiting != 1 || !done || done->full)
		return found;
	map = irq_map_of(s, only->irq);
	if (irq_learn(map, only, napi))
		return only;
	if (map->napi == napi)
		only->state = IRQ_FREE;
	return NULL;
}

void on_nic_poll(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct cpu_ctx *c = s->c;
	struct irq_wait *irq;

	poll_over(s);
	s->poll_covered = true;
	maybe_set(s, &c->poll, ev, hop);
	irq = irq_find(s, c, ev->obj, c->poll.s.dev);
	if (!irq)
		return;
	c->poll_irq.on = true;
	c->poll_irq.s = irq->seen;
	c->poll_raise = irq->raise;
	irq->state = IRQ_FREE;
}

/* Interrupts of the device that came while it was polled: this poll may have served them */
static void irqs_of_poll(struct stitch *s, __u64 napi, __u16 dev)
{
	struct irq_wait *w;
	struct irq_map *map;

	for (w = s->c->irq; w < s->c->irq + IRQ_SLOTS; w++) {
		if (w->state == IRQ_FREE || w->dev != dev)
			continue;
		map = irq_map_of(s, w->irq);
		if (map->irq == w->irq && map->dev == dev && map->score >= SCORE_BELIEVED &&
		    map->napi != napi)
			continue;
		if (!s->c->poll.on || w->seen.ts >= s->c->poll.s.ts)
			w->state = IRQ_UNSURE;
		else if (w->state == IRQ_UNSURE)
			w->state = IRQ_FREE;
	}
}

void on_nic_polled(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	(void)hop;
	irqs_of_poll(s, ev->obj, dev_of(s, ev, NULL));
	napi_done_set(s->c, ev->obj, ev->len);
	poll_over(s);
}

/* Prepend the poll and what led to it, when the packet came in it */
void nic_birth(struct stitch *s, struct flight *f, const struct pl_event *ev)
{
	struct cpu_ctx *c = s->c;
	bool softirq = c->softirq.on && c->softirq.s.tid == ev->tid;

	/* a kernel whose poll function cannot be hooked: the softirq is all that is known */
	if (!s->poll_covered) {
		if (softirq)
			flight_add_if_later(s, f, &c->softirq);
		return;
	}
	/* not the poll of another device, nor a busy poll from a system call after it */
	if (!c->poll.on || c->poll.s.tid != ev->tid || c->poll.s.dev != dev_of(s, ev, NULL))
		return;
	if (c->poll_irq.on) {
		flight_add_if_later(s, f, &c->poll_irq);
		flight_add_if_later(s, f, &c->poll_raise);
		/* older than the interrupt: net_rx_action() went round once more (6.3 and newer) */
		if (softirq)
			flight_add_if_later(s, f, &c->softirq);
	}
	flight_add_if_later(s, f, &c->poll);
}

/*
 * GRO merged the packet that it was given last on this CPU. The event does not tell into which:
 * held until that one is given out, and because one that is given out itself contradicts it.
 */
void on_nic_merged(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct flight *f = flight_deref(s->c->last_gro);

	s->c->last_gro = (struct flight_ref){};
	/* known already: see gro_in_hand() */
	if (f && f->carrier)
		return;
	if (!f || f->last_tid != ev->tid || !flight_in_gro(f)) {
		unused(s);
		return;
	}
	f->held = sighting_of(s, ev, hop);
	f->held.dev = f->last_dev;
	f->held_kind = HELD_MERGED;
	list_add_tail(&f->wait, &s->c->merged);
}
