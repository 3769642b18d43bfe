// SPDX-License-Identifier: GPL-2.0
/*
 * From the guest: the kick (exit, ioeventfd, wake-up of the worker), the worker's handle_tx, the
 * descriptors it fetched, the batch it handed to the tap. None of it has an skb yet; the tap
 * makes one for each packet of the batch, in order, in the same task, before it does the next.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stitch_int.h"

/* handle_tx() gives up its turn after so much (drivers/vhost/net.c); bytes less a margin for
 * the virtio_net headers, which it counts too */
#define TX_PACKETS_MAX 256
#define TX_BYTES_MAX   (0x80000 - 0x8000)
/* a packet of a batch is in one page with what vhost_net_build_xdp() puts around it */
#define BATCHED_MAX    4096

static struct kick_slot *kick_slot(struct stitch *s, __u64 dev)
{
	return &s->kicks[slot_of(dev, KICKS)];
}

void on_kvm_exit(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_of(s, ev);

	if (!t)
		return;
	maybe_set(s, &t->exit, ev, hop);
	t->ioeventfd.on = false;
}

void on_kvm_ioeventfd(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_of(s, ev);

	if (!t)
		return;
	/* a second one since the exit: the exit was that of the first, this one's was lost */
	if (t->ioeventfd.on)
		t->exit.on = false;
	maybe_set(s, &t->ioeventfd, ev, hop);
}

/*
 * The guest kicked. Of the kicks until handle_tx comes, the first is the one that its packets
 * waited for; whether it was the first is not certain when events of a vCPU were lost.
 */
void tx_wake(struct stitch *s, const struct pl_event *ev, const struct sighting *sight)
{
	struct kick_slot *slot = kick_slot(s, ev->obj);
	struct task_ctx *vcpu = task_of(s, ev);

	if (!vcpu)
		return;
	if (slot->dev != ev->obj)
		*slot = (struct kick_slot){ .dev = ev->obj, .unsure = slot->dev != 0 };
	if (s->c->gap_ts > slot->served_ts)
		slot->unsure = true;
	if (!slot->kick.wake.on) {
		slot->kick.wake = (struct maybe){ true, *sight };
		slot->kick.exit = vcpu->exit;
		slot->kick.ioeventfd = vcpu->ioeventfd;
	}
	vcpu->exit.on = vcpu->ioeventfd.on = false;
}

static bool sends_alloc(struct stitch *s, struct task_ctx *t)
{
	if (t->send && t->fetch)
		return true;
	if (!t->send)
		t->send = calloc(SEND_MAX, sizeof(*t->send));
	if (!t->fetch)
		t->fetch = calloc(FETCH_MAX, sizeof(*t->fetch));
	if (t->send && t->fetch)
		return true;
	s->err = -ENOMEM;
	return false;
}

/* The guest's way of one packet, as far as it is certain */
static void send_prepend(struct stitch *s, struct task_ctx *t, struct flight *f,
			 const struct send *send)
{
	if (t->batches == 1 && t->kick.wake.on) {
		flight_add_if_later(s, f, &t->kick.exit);
		flight_add_if_later(s, f, &t->kick.ioeventfd);
		flight_add_if_later(s, f, &t->kick.wake);
		flight_add_if_later(s, f, &t->tx_run);
		flight_add_if_later(s, f, &t->tx);
	}
	flight_add_if_later(s, f, &send->fetch);
	flight_add(s, f, &send->s);
}

/* A packet of a batch that never became an skb: the tap refused it, or events were lost */
static void send_lost(struct stitch *s, struct task_ctx *t, const struct send *send)
{
	struct pl_event ev = {
		.ts = send->s.ts,
		.key = send->key,
		.pay = send->pay,
		.arg = send->s.arg,
		.cpu = send->s.cpu,
		.hook = send->s.hook,
		.flags = (send->has_key ? PL_F_KEY : 0) | (send->has_pay ? PL_F_PAY : 0) |
			 (send->s.flags & PL_F_UNSURE),
	};
	struct flight *f = flight_new(s, &ev);

	if (!f)
		return;
	send_prepend(s, t, f, send);
	flight_end(s, f, PACKET_INCOMPLETE);
}

void tx_give_up(struct stitch *s, struct task_ctx *t)
{
	t->batch_open = false;
	while (t->nsend && !s->err) {
		t->nsend--;
		send_lost(s, t, &t->send[t->send_at++]);
	}
	t->send_at = t->nsend = 0;
}

void on_vhost_tx(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct kick_slot *slot = kick_slot(s, ev->obj);
	struct task_ctx *t = task_of(s, ev);

	if (!t || !sends_alloc(s, t))
		return;
	t->is_vhost = true;
	rx_batch_close(s, t);
	tx_give_up(s, t);
	t->tx_run = t->run;
	maybe_set(s, &t->tx, ev, hop);
	t->kick = (struct kick){};
	t->nfetch = t->batches = 0;
	t->tx_packets = t->tx_bytes = 0;
	t->fetch_unsure = false;
	if (slot->dev != ev->obj)
		return;
	/* not a kick that an earlier handle_tx, which was missed, had served */
	if (slot->kick.wake.on && !slot->unsure && slot->kick.wake.s.ts >= t->gap_ts)
		t->kick = slot->kick;
	slot->kick = (struct kick){};
	slot->unsure = false;
	slot->served_ts = ev->ts;
}

void on_vhost_fetch(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_of(s, ev);

	if (!t || !sends_alloc(s, t))
		return;
	t->is_vhost = true;
	tx_give_up(s, t);
	if (t->nfetch < FETCH_MAX)
		maybe_set(s, &t->fetch[t->nfetch++], ev, hop);
	else
		t->fetch_unsure = true;
}

/*
 * Which descriptor was which packet? handle_tx() fetches until the ring is empty, the batch is
 * full, its turn is over, or a packet too large for the batch comes; then it hands the batch over.
 * So a full batch follows as many fetches. A smaller one follows one more, the empty try or the
 * large packet, unless the turn was over. Anything else (an empty try in the middle: the guest
 * was just then adding) is not certain. A large packet is what was fetched last.
 */
static bool fetches_certain(const struct task_ctx *t)
{
	if (t->fetch_unsure || !t->nfetch)
		return false;
	if (t->nsend && t->send[0].large)
		return true;
	if (t->batch_size == VHOST_BATCH)
		return t->nfetch == VHOST_BATCH;
	return t->nfetch == t->batch_size + 1 && t->tx_packets < TX_PACKETS_MAX &&
	       t->tx_bytes < TX_BYTES_MAX;
}

static void fetches_assign(struct stitch *s, struct task_ctx *t)
{
	bool large = t->nsend && t->send[0].large;
	unsigned int i;

	if (fetches_certain(t)) {
		if (large)
			t->fetch[0] = t->fetch[--t->nfetch];
		for (i = 0; i < t->nsend; i++)
			t->send[i].fetch = t->fetch[t->send[i].index];
	} else if (t->nfetch) {
		s->stats.unsure_fetches += t->nsend;
	}
	/* the last one may be the large packet's that comes next */
	if (!t->fetch_unsure && !large && t->batch_size < VHOST_BATCH && t->nfetch) {
		t->fetch[0] = t->fetch[t->nfetch - 1];
		t->nfetch = 1;
	} else {
		t->nfetch = 0;
	}
	t->fetch_unsure = false;
}

/*
 * Does the packet with this index begin a batch? With a filter some have no event, but what comes
 * has a higher index; else they follow each other, or events were lost.
 */
static bool batch_begins(const struct stitch *s, const struct task_ctx *t, unsigned int index,
			 unsigned int size)
{
	if (!t->batch_open || index == 0 || index == PL_BATCH_NONE)
		return true;
	if (s->cfg.selected)
		return index < t->send_next || size != t->batch_size || index >= size;
	return index != t->send_next;
}

static void batch_begin(struct stitch *s, struct task_ctx *t, unsigned int index, unsigned int size)
{
	bool skips = s->cfg.selected;

	tx_give_up(s, t);
	t->send_at = 0;
	t->batches++;
	t->batch_open = true;
	t->batch_size = skips ? size : 0;
	/* its first ones were not seen: which skb is whose is not certain for the others */
	t->batch_broken = skips ? index >= size : index != 0;
	if (skips) {
		t->tx_packets += size;
		t->tx_bytes += size * BATCHED_MAX;
	}
}

static void batch_add(struct stitch *s, struct task_ctx *t, const struct pl_event *ev,
		      const struct sighting *sight)
{
	bool skips = s->cfg.selected;
	struct send *send;

	if (t->nsend == SEND_MAX)
		tx_give_up(s, t);
	t->batch_open = true;
	if (!skips) {
		t->batch_size++;
		t->tx_packets++;
	}
	t->tx_bytes = t->tx_bytes + ev->len - (skips ? BATCHED_MAX : 0);
	send = &t->send[t->nsend++];
	send->s = *sight;
	send->fetch.on = false;
	send->index = PL_BATCH_INDEX(ev->queue);
	send->key = ev->key;
	send->pay = ev->pay;
	send->has_key = ev->flags & PL_F_KEY;
	send->has_pay = ev->flags & PL_F_PAY;
	send->large = !ev->obj;
	if (t->batch_broken) {
		t->nsend = 0;
		send_lost(s, t, send);
	}
}

/* tun_sendmsg() makes an event for each packet of its batch, numbered */
void on_tap_send(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	unsigned int index = PL_BATCH_INDEX(ev->queue), size = PL_BATCH_SIZE(ev->queue);
	struct task_ctx *t = task_of(s, ev);
	struct sighting sight;

	if (!t || !sends_alloc(s, t))
		return;
	s->send_covered = true;
	t->is_vhost = true;
	rx_batch_close(s, t);
	if (batch_begins(s, t, index, size))
		batch_begin(s, t, index, size);
	t->send_next = index + 1;
	if (index == PL_BATCH_NONE) {
		/* its packets were fetched, too */
		fetches_assign(s, t);
		t->batch_open = false;
		return;
	}
	sight = sighting_of(s, ev, hop);
	sight.queue = 0; /* the batch's numbers are no queue */
	batch_add(s, t, ev, &sight);
}

void on_tap_get(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_of(s, ev);

	if (!t)
		return;
	rx_batch_close(s, t);
	maybe_set(s, &t->get, ev, hop);
}

static bool send_matches(const struct send *send, const struct pl_event *ev)
{
	if (send->has_key && (ev->flags & PL_F_KEY) && send->key != ev->key)
		return false;
	return !send->has_pay || !(ev->flags & PL_F_PAY) || send->pay == ev->pay;
}

/* The batch's packet that this skb is: they come in order, but the tap may refuse some */
static struct send *send_find(struct stitch *s, struct task_ctx *t, const struct pl_event *ev)
{
	unsigned int i, found = 0, matches = 0;

	if (!t->nsend)
		return NULL;
	if (send_matches(&t->send[t->send_at], ev)) {
		t->nsend--;
		return &t->send[t->send_at++];
	}
	for (i = 1; i < t->nsend; i++)
		if (send_matches(&t->send[t->send_at + i], ev)) {
			found = i;
			matches++;
		}
	if (matches != 1)
		return NULL;
	for (i = 0; i < found && !s->err; i++) {
		t->nsend--;
		send_lost(s, t, &t->send[t->send_at++]);
	}
	t->nsend--;
	return &t->send[t->send_at++];
}

void tx_birth(struct stitch *s, struct flight *f, const struct pl_event *ev)
{
	struct task_ctx *t = task_of(s, ev);
	struct send *send;

	if (!t)
		return;
	rx_batch_close(s, t);
	if (t->batch_open && t->nsend)
		fetches_assign(s, t);
	t->batch_open = false;
	send = send_find(s, t, ev);
	if (send)
		send_prepend(s, t, f, send);
	else if (t->is_vhost && s->send_covered)
		f->mid = true; /* the worker made an skb of something that was not seen sent */
	/* the task of a VMM is not seen when it is switched: it may have been elsewhere between */
	if (!gap_in_doubt(s))
		flight_add_if_later(s, f, &t->get);
	t->get.on = false;
}
