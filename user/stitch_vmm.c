// SPDX-License-Identifier: GPL-2.0
/*
 * Backends in user space: a thread of the VMM reads the tap, then tells the guest, by the eventfd
 * of an irqfd or, as QEMU does for its own virtio-net, by the ioctl KVM_SIGNAL_MSI. The same
 * thread may serve other taps, the transmit queues and disks, each with an interrupt of its own,
 * and nothing in an event tells what an eventfd or a vector is for. So that is learned: the receive
 * queue's interrupt is sent when a packet was just read, and never when none was.
 */
#include "stitch_int.h"

#define SCORE_BELIEVED 8
#define SCORE_MAX      16
#define SCORE_WRONG    8 /* signalled without a packet */
#define DOUBTS_MAX     64 /* the driver was loaded again: the old eventfd is gone */

static struct call_map *call_of(struct stitch *s, __u64 call)
{
	return &s->calls[slot_of(call, CALLS)];
}

static struct call_owner *owner_of(struct stitch *s, const struct flight *f)
{
	return &s->owners[slot_of((__u64)f->last_dev << 16 | f->queue, CALLS)];
}

/* May this eventfd be the one of the packet's queue? Only one can */
static bool call_may_own(struct stitch *s, struct call_map *m, const struct flight *f)
{
	struct call_owner *o = owner_of(s, f);
	const struct call_map *theirs = call_of(s, o->call);

	if (o->call == m->call)
		return o->dev == f->last_dev && o->queue == f->queue;
	if (theirs->call == o->call && theirs->score >= SCORE_BELIEVED &&
	    o->doubts++ < DOUBTS_MAX)
		return false;
	*o = (struct call_owner){ .call = m->call, .dev = f->last_dev, .queue = f->queue };
	return true;
}

static bool call_learn(struct stitch *s, struct call_map *m, const struct flight *f)
{
	if (m->dev != f->last_dev || m->queue != f->queue) {
		m->score -= 2;
		if (m->score <= 0) {
			m->dev = f->last_dev;
			m->queue = f->queue;
			m->score = 1;
		}
		return false;
	}
	if (m->score < SCORE_MAX)
		m->score++;
	if (m->score < SCORE_BELIEVED || !call_may_own(s, m, f))
		return false;
	owner_of(s, f)->doubts = 0;
	return true;
}

bool vmm_signalled(struct stitch *s, struct task_ctx *t, __u64 call)
{
	struct call_map *m = call_of(s, call);
	const struct flight *f;

	if (m->call != call)
		*m = (struct call_map){ .call = call };
	/* for a packet that the filter does not select: nothing to learn from it */
	if (list_empty(&t->batch) && t->read_other) {
		t->read_other = false;
		return false;
	}
	if (list_empty(&t->batch)) {
		m->score -= SCORE_WRONG;
		if (m->score < -SCORE_WRONG)
			m->score = -SCORE_WRONG;
		return false;
	}
	f = flight_of(t->batch.next);
	if (!call_learn(s, m, f)) {
		/* if it was for this packet, the next one is not */
		list_end(s, &t->batch);
		return false;
	}
	list_move_all(&t->batch, &t->used);
	t->call = call;
	t->told = TOLD_SIGNAL;
	return true;
}

/* What an MSI goes by: its address (or the APIC) and its vector */
static __u64 msi_call(const struct pl_event *ev)
{
	return (ev->key * 31 + ev->hook + ev->arg * 0xff51afd7ed558ccdULL) | 1;
}

void vmm_injects(struct stitch *s, const struct pl_event *ev)
{
	struct task_ctx *t = task_of(s, ev);

	if (!t || !t->is_vmm || t->is_vhost)
		return;
	/* part of a signal that was seen */
	if (s->c->injector == t && s->c->inject_seq + 1 == s->c->seq)
		return;
	list_end(s, &t->used);
	t->told = TOLD_OTHER;
	if (vmm_signalled(s, t, msi_call(ev))) {
		t->told = TOLD_IRQFD;
		s->c->injector = t;
		s->c->inject_seq = s->c->seq - 1;
	}
}

void on_vmm_signal(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_of(s, ev);
	struct sighting sight;

	if (!t)
		return;
	t->is_vmm = true;
	s->vmm_covered = true;
	list_end(s, &t->used);
	t->told = TOLD_OTHER;
	if (!vmm_signalled(s, t, ev->obj)) {
		unused(s);
		return;
	}
	sight = sighting_of(s, ev, hop);
	list_add_sighting(s, &t->used, &sight);
	inject_begin(s, t);
}
