// SPDX-License-Identifier: GPL-2.0
/*
 * From the guest: the kick (exit, ioeventfd, wake-up of the worker), the worker's handle_tx, the
 * descriptors it fetched, the batch it handed to the tap. None of it has an skb yet; the tap
 * makes one for each packet of the batch, in order, in the same task.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stitch_int.h"

void on_kvm_exit(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_ctx(s, ev->tid);

	if (!t)
		return;
	maybe_set(s, &t->exit, ev, hop);
	t->ioeventfd.on = false;
}

void on_kvm_ioeventfd(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_ctx(s, ev->tid);

	if (!t)
		return;
	/* a second one since the exit: the exit was that of the first, this one's was lost */
	if (t->ioeventfd.on)
		t->exit.on = false;
	maybe_set(s, &t->ioeventfd, ev, hop);
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
	if (send->first_batch && t->kick.wake.on) {
		flight_add_if_later(s, f, &t->kick.exit);
		flight_add_if_later(s, f, &t->kick.ioeventfd);
		flight_add_if_later(s, f, &t->kick.wake);
		flight_add_if_later(s, f, &t->kick.run);
		flight_add_if_later(s, f, &t->kick.tx);
	}
	flight_add_if_later(s, f, &send->fetch);
	flight_add(s, f, &send->s);
}

/* A packet of a batch that never became an skb: the tap refused it, or events were lost */
static void send_lost(struct stitch *s, struct task_ctx *t, const struct send *send)
{
	struct pl_event ev = {
		.ts = send->s.ts, .key = send->key, .pay = send->pay, .arg = send->s.arg,
		.hook = send->s.hook,
		.flags = (send->has_key ? PL_F_KEY : 0) | (send->has_pay ? PL_F_PAY : 0),
	};
	struct flight *f = flight_new(s, &ev);

	if (!f)
		return;
	send_prepend(s, t, f, send);
	flight_end(s, f, PACKET_INCOMPLETE);
}

static void sends_flush(struct stitch *s, struct task_ctx *t, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n && !s->err; i++)
		send_lost(s, t, &t->send[i]);
	t->nsend -= n;
	memmove(t->send, t->send + n, t->nsend * sizeof(*t->send));
}

void on_vhost_tx(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_ctx(s, ev->tid);
	struct kick_slot *slot = &s->kicks[(ev->obj * 0x9e3779b97f4a7c15ULL) >> 54];

	if (!t || !sends_alloc(s, t))
		return;
	sends_flush(s, t, t->nsend);
	t->is_vhost = true;
	t->kick = (struct kick){};
	if (slot->dev == ev->obj) {
		t->kick = slot->kick;
		slot->kick = (struct kick){};
		slot->worker = ev->tid;
	}
	t->kick.run = t->run;
	maybe_set(s, &t->kick.tx, ev, hop);
	t->nfetch = 0;
	t->batches = 0;
	t->batch_open = false;
}

void on_vhost_fetch(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_ctx(s, ev->tid);

	if (!t || !sends_alloc(s, t))
		return;
	t->batch_open = false;
	if (t->nfetch < FETCH_MAX)
		maybe_set(s, &t->fetch[t->nfetch++], ev, hop);
}

/*
 * Which descriptor was which packet? handle_tx() fetches until the ring is empty, the batch is
 * full, or a packet too large for it comes; then it hands the batch over. So a batch of n follows
 * n fetches, or n + 1 when the last one was the empty try or the large packet. Anything else
 * (an empty try in the middle: the guest was just then adding) is not certain.
 */
static void fetches_assign(struct stitch *s, struct task_ctx *t)
{
	unsigned int n = t->nsend, i;

	if (t->nfetch == n || (t->nfetch == n + 1 && n < VHOST_BATCH)) {
		for (i = 0; i < n; i++)
			t->send[i].fetch = t->fetch[i];
		t->nfetch -= n;
		memmove(t->fetch, t->fetch + n, t->nfetch * sizeof(*t->fetch));
		return;
	}
	if (t->nfetch)
		s->stats.unsure_fetches += n;
	t->nfetch = 0;
}

void on_tap_send(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_ctx(s, ev->tid);
	struct send *send;

	if (!t || !sends_alloc(s, t))
		return;
	if (!t->batch_open) {
		/* what an earlier batch left has become no skb */
		sends_flush(s, t, t->nsend);
		t->batches++;
		t->batch_open = true;
	}
	if (t->nsend == SEND_MAX)
		sends_flush(s, t, 1);
	send = &t->send[t->nsend++];
	memset(send, 0, sizeof(*send));
	send->s = sighting_of(s, ev, hop);
	send->key = ev->key;
	send->pay = ev->pay;
	send->has_key = ev->flags & PL_F_KEY;
	send->has_pay = ev->flags & PL_F_PAY;
	send->first_batch = t->batches == 1;
}

void on_tap_get(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_ctx(s, ev->tid);

	if (!t)
		return;
	/* a VMM that turns to sending has told its guest of what it copied, if it was to */
	if (!t->is_vhost)
		while (!s->err && !list_empty(&t->batch))
			flight_end_here(s, list_entry(t->batch.next, struct flight, wait));
	maybe_set(s, &t->get, ev, hop);
}

static bool send_matches(const struct send *send, const struct pl_event *ev)
{
	if (!send->has_key || !(ev->flags & PL_F_KEY))
		return false;
	if (send->key != ev->key)
		return false;
	return !send->has_pay || !(ev->flags & PL_F_PAY) || send->pay == ev->pay;
}

/* The batch's packet that this skb is: in order, by content; a large one has no content there */
static struct send *send_find(struct stitch *s, struct task_ctx *t, const struct pl_event *ev)
{
	unsigned int i;

	if (t->nsend == 1 && !t->send[0].has_key && t->get.on)
		return &t->send[0];
	for (i = 0; i < t->nsend; i++)
		if (send_matches(&t->send[i], ev)) {
			sends_flush(s, t, i);
			return &t->send[0];
		}
	return NULL;
}

void tx_birth(struct stitch *s, struct flight *f, const struct pl_event *ev)
{
	struct task_ctx *t = task_ctx(s, ev->tid);
	struct send *send;

	if (!t)
		return;
	if (t->batch_open) {
		fetches_assign(s, t);
		t->batch_open = false;
	}
	send = t->nsend ? send_find(s, t, ev) : NULL;
	if (send) {
		send_prepend(s, t, f, send);
		t->nsend--;
		memmove(t->send, t->send + 1, t->nsend * sizeof(*t->send));
	} else if (t->is_vhost) {
		/* the worker made an skb of something that was not seen being sent */
		f->mid = true;
	}
	flight_add_if_later(s, f, &t->get);
	t->get.on = false;
}
