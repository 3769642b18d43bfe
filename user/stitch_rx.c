// SPDX-License-Identifier: GPL-2.0
/*
 * Towards the guest, from the tap's ring to the guest's interrupt. The vhost worker copies
 * packets, then tells the guest once for a batch: used ring, then eventfd, one after the other in
 * its task. So what it copied since the last batch is this batch. No signal before it goes on:
 * the guest had switched interrupts off and takes the packets in the poll that it is in.
 */
#include "stitch_int.h"

void on_vhost_wake(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct sighting sight = sighting_of(s, ev, hop);
	struct flight *f;

	if (!(ev->flags & PL_F_RX)) {
		tx_wake(s, ev, &sight);
		return;
	}
	/* inside the tap's transmit: same CPU, same task */
	f = flight_deref(s->c->last_tap);
	s->c->last_tap = (struct flight_ref){};
	if (!f || f->s[f->n - 1].hop != PL_HOP_tap_xmit || f->last_tid != ev->tid) {
		unused(s);
		return;
	}
	sight.dev = f->last_dev;
	flight_add(s, f, &sight);
}

static enum pl_role_kind run_role(const struct stitch *s, const struct pl_event *ev)
{
	return ev->arg ? (enum pl_role_kind)ev->arg : names_role(s->cfg.names, ev->tid);
}

void on_sched_run(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_switched_in(s, ev);
	struct sighting sight;
	struct list *l;

	if (!t)
		return;
	sight = sighting_of(s, ev, hop);
	if (run_role(s, ev) == PL_ROLE_VHOST) {
		t->is_vhost = true;
		sight.hop = PL_HOP_vhost_run;
		t->run = (struct maybe){ true, sight };
		return;
	}
	if (run_role(s, ev) == PL_ROLE_APP) {
		sight.hop = PL_HOP_app_run;
		t->app_run = (struct maybe){ true, sight };
		return;
	}
	sight.hop = PL_HOP_kvm_run;
	for (l = t->pending.next; l != &t->pending; l = l->next)
		if (flight_of(l)->s[flight_of(l)->n - 1].hop == PL_HOP_kvm_kick)
			flight_add(s, flight_of(l), &sight);
}

static void list_end_broken(struct stitch *s, struct list *list)
{
	while (!s->err && !list_empty(list))
		flight_end_broken(s, flight_of(list->next));
}

void rx_batch_close(struct stitch *s, struct task_ctx *t)
{
	list_end(s, &t->used);
	t->told = TOLD_OTHER;
	/* handle_rx() never returns with packets copied and not told: that it told was missed */
	if (t->is_vhost && s->used_covered)
		list_end_broken(s, &t->batch);
	else
		list_end(s, &t->batch);
}

void on_vhost_rx(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_of(s, ev);

	if (!t)
		return;
	t->is_vhost = true;
	rx_batch_close(s, t);
	t->rx_run = t->run;
	maybe_set(s, &t->rx, ev, hop);
}

/* The copy of a packet begins: what was told so far is not signalled any more */
static void rx_batch_next(struct stitch *s, struct task_ctx *t)
{
	list_end(s, &t->used);
	t->told = TOLD_OTHER;
	/* a backend in user space: whether one signal is for several packets is its own affair */
	if (!t->is_vhost)
		list_end(s, &t->batch);
}

void rx_next(struct stitch *s, const struct pl_event *ev)
{
	struct task_ctx *t = task_known(s, ev->tid) ? task_of(s, ev) : NULL;

	if (!t)
		return;
	rx_batch_next(s, t);
	t->read_other = !ev->obj;
}

void rx_batch_add(struct stitch *s, struct task_ctx *t, struct flight *f)
{
	rx_batch_next(s, t);
	t->read_other = false;
	list_add_tail(&f->wait, &t->batch);
}

/* More packets than buffers that were used: some were told in a call that was missed */
static void batch_doubt(struct stitch *s, struct list *batch, __u32 used)
{
	struct flight *f;
	struct list *l;
	__u32 n = 0;

	for (l = batch->next; l != batch; l = l->next)
		n++;
	if (!used || n <= used)
		return;
	/* the last one is of this call for sure */
	while (!s->err && batch->next->next != batch) {
		f = flight_of(batch->next);
		f->ambiguous = true;
		flight_end(s, f, PACKET_AMBIGUOUS);
	}
}

void on_vhost_used(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_of(s, ev);
	struct sighting sight;

	if (!t)
		return;
	/* the transmit queue's completions tell the guest nothing about packets towards it */
	if (!(ev->flags & PL_F_RX)) {
		rx_batch_close(s, t);
		return;
	}
	s->used_covered = true;
	list_end(s, &t->used);
	t->told = TOLD_RING;
	t->call = ev->key;
	if (list_empty(&t->batch)) {
		unused(s);
		return;
	}
	batch_doubt(s, &t->batch, ev->arg);
	sight = sighting_of(s, ev, hop);
	list_move_all(&t->batch, &t->used);
	list_add_sighting(s, &t->used, &sight);
}

void on_vhost_signal(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_of(s, ev);
	struct sighting sight;

	if (!t)
		return;
	/* the used ring's update cannot be hooked: the signal ends the batch. That of the other
	 * queue comes after packets were sent, which closed the batch. With a filter it may be that
	 * of a later batch, none of which was selected */
	if (!s->used_covered && !s->cfg.selected && !list_empty(&t->batch)) {
		list_move_all(&t->batch, &t->used);
		t->call = ev->obj;
		t->told = TOLD_RING;
	}
	if (list_empty(&t->used) || t->told != TOLD_RING || t->call != ev->obj) {
		unused(s);
		return;
	}
	t->told = TOLD_SIGNAL;
	sight = sighting_of(s, ev, hop);
	list_add_sighting(s, &t->used, &sight);
	inject_begin(s, t);
}
