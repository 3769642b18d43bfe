// SPDX-License-Identifier: GPL-2.0
/*
 * Towards the guest, from the tap's ring to the vCPU. The worker (or the VMM) copies packets, then
 * tells the guest once for a batch: used ring, eventfd, irqfd, MSI, virtual APIC and kick all
 * run in the task that copied, one after the other. So what was copied since the last batch is
 * this batch. No signal before the next batch: the guest had switched interrupts off and takes
 * the packets in the poll that it is in.
 */
#include "stitch_int.h"

/* Add a sighting to each packet of a list */
static void list_add_sighting(struct stitch *s, struct list *list, const struct sighting *sight)
{
	struct list *l;

	for (l = list->next; l != list; l = l->next)
		flight_add(s, list_entry(l, struct flight, wait), sight);
}

static void list_end(struct stitch *s, struct list *list)
{
	while (!s->err && !list_empty(list))
		flight_end_here(s, list_entry(list->next, struct flight, wait));
}

void on_vhost_wake(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct cpu_ctx *c = cpu_ctx(s, ev->cpu);
	struct sighting sight = sighting_of(s, ev, hop);
	struct task_ctx *vcpu, *worker;
	struct kick_slot *slot;

	if (!c)
		return;
	if (ev->flags & PL_F_RX) {
		/* inside the tap's transmit: same CPU, same task */
		struct flight *f = c->last_tap;

		c->last_tap = NULL;
		if (!f || f->s[f->n - 1].hop != PL_HOP_tap_xmit || f->s[f->n - 1].tid != ev->tid) {
			s->stats.unused++;
			return;
		}
		sight.dev = f->s[f->n - 1].dev;
		flight_add(s, f, &sight);
		return;
	}
	vcpu = task_ctx(s, ev->tid);
	if (!vcpu)
		return;
	slot = &s->kicks[(ev->obj * 0x9e3779b97f4a7c15ULL) >> 54];
	if (slot->dev != ev->obj)
		slot->worker = 0;
	worker = slot->worker ? task_ctx(s, slot->worker) : NULL;
	/* a kick that is not served yet keeps its place: its packets wait the longest. Not when the
	 * worker ran since: then its handle_tx was missed, and the kick is over */
	if (slot->dev == ev->obj && slot->kick.wake.on &&
	    !(worker && worker->run.on && worker->run.s.ts >= slot->kick.wake.s.ts))
		return;
	slot->dev = ev->obj;
	slot->kick.wake.on = true;
	slot->kick.wake.s = sight;
	slot->kick.exit = vcpu->exit;
	slot->kick.ioeventfd = vcpu->ioeventfd;
	vcpu->exit.on = vcpu->ioeventfd.on = false;
}

void on_sched_run(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_ctx(s, ev->tid);
	struct sighting sight = sighting_of(s, ev, hop);
	struct list *l;

	if (!t)
		return;
	if (ev->arg == PL_ROLE_VHOST) {
		t->is_vhost = true;
		sight.hop = PL_HOP_vhost_run;
		t->run.on = true;
		t->run.s = sight;
		return;
	}
	sight.hop = PL_HOP_kvm_run;
	for (l = t->pending.next; l != &t->pending; l = l->next) {
		struct flight *f = list_entry(l, struct flight, wait);

		if (f->s[f->n - 1].hop == PL_HOP_kvm_kick)
			flight_add(s, f, &sight);
	}
}

void on_vhost_rx(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_ctx(s, ev->tid);

	if (!t)
		return;
	t->is_vhost = true;
	maybe_set(s, &t->rx, ev, hop);
}

void rx_copied(struct stitch *s, struct flight *f, const struct pl_event *ev)
{
	struct task_ctx *t = task_ctx(s, ev->tid);

	if (!t || (!t->is_vhost && !t->is_vmm)) {
		/* some program read the tap: it has the packet */
		flight_end(s, f, PACKET_COMPLETE);
		return;
	}
	/* the next batch begins: what was told to the ring before was never signalled */
	if (!list_empty(&t->used))
		list_end(s, &t->used);
	list_add_tail(&f->wait, &t->batch);
}

void on_vhost_used(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_ctx(s, ev->tid);
	struct sighting sight = sighting_of(s, ev, hop);

	/* the transmit queue's completions tell the guest nothing about packets towards it */
	if (!t || !(ev->flags & PL_F_RX))
		return;
	s->used_covered = true;
	list_end(s, &t->used);
	t->call = ev->key;
	t->told = TOLD_RING;
	if (list_empty(&t->batch)) {
		s->stats.unused++;
		return;
	}
	list_move_all(&t->batch, &t->used);
	list_add_sighting(s, &t->used, &sight);
}

/* The guest's interrupt: by the worker (vhost:signal) or by the VMM's own write (vmm:signal) */
void on_signal(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_ctx(s, ev->tid);
	struct sighting sight = sighting_of(s, ev, hop);

	if (!t)
		return;
	if (hop == PL_HOP_vmm_signal)
		t->is_vmm = true;
	/* no used ring hop, or none in this backend: the signal ends the batch */
	if (!list_empty(&t->batch) && (hop == PL_HOP_vmm_signal || !s->used_covered)) {
		list_end(s, &t->used);
		list_move_all(&t->batch, &t->used);
		t->call = ev->obj;
		t->told = TOLD_RING;
	}
	if (list_empty(&t->used) || t->told != TOLD_RING || t->call != ev->obj) {
		s->stats.unused++;
		return;
	}
	t->told = TOLD_SIGNAL;
	list_add_sighting(s, &t->used, &sight);
}

/*
 * A VMM that serves the tap itself tells its guest right after the copy: by an eventfd whose
 * write cannot be hooked everywhere, or, as QEMU does for its own virtio-net, by the ioctl
 * KVM_SIGNAL_MSI. What it sends ends the batch too (on_tap_get), so that the interrupt of its
 * other queue is not taken for this one.
 */
static bool vmm_batch_take(struct task_ctx *t)
{
	if (!t->is_vmm || t->is_vhost || list_empty(&t->batch) || !list_empty(&t->used))
		return false;
	list_move_all(&t->batch, &t->used);
	t->told = TOLD_IRQFD;
	return true;
}

void on_kvm_irqfd(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_ctx(s, ev->tid);
	struct sighting sight = sighting_of(s, ev, hop);

	if (!t)
		return;
	s->irqfd_covered = true;
	if (vmm_batch_take(t)) {
		t->call = ev->obj;
		t->told = TOLD_RING;
	}
	if (list_empty(&t->used) || t->told == TOLD_IRQFD || t->call != ev->obj) {
		s->stats.unused++;
		return;
	}
	t->told = TOLD_IRQFD;
	list_add_sighting(s, &t->used, &sight);
}

/* Is the injection that this task is in that of its batch? The one of its other queue is not */
static bool injecting(const struct stitch *s, const struct task_ctx *t)
{
	if (!t || list_empty(&t->used))
		return false;
	if (t->is_vhost && !s->irqfd_covered)
		return t->told != TOLD_RING;
	return t->told == TOLD_IRQFD;
}

void on_kvm_msi(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_ctx(s, ev->tid);
	struct sighting sight = sighting_of(s, ev, hop);

	if (t)
		vmm_batch_take(t);
	if (!injecting(s, t)) {
		s->stats.unused++;
		return;
	}
	list_add_sighting(s, &t->used, &sight);
}

void on_kvm_inject(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_ctx(s, ev->tid);
	struct cpu_ctx *c = cpu_ctx(s, ev->cpu);
	struct sighting sight = sighting_of(s, ev, hop);
	struct list *l;

	if (!c)
		return;
	c->injector = NULL;
	if (t)
		vmm_batch_take(t);
	if (!injecting(s, t)) {
		s->stats.unused++;
		return;
	}
	c->injector = t;
	for (l = t->used.next; l != &t->used; l = l->next)
		list_entry(l, struct flight, wait)->vector = ev->arg;
	list_add_sighting(s, &t->used, &sight);
}

/* Runs in the injecting task, right after the injection; the event's task is the vCPU */
void on_kvm_kick(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *vcpu = task_ctx(s, ev->tid);
	struct cpu_ctx *c = cpu_ctx(s, ev->cpu);
	struct sighting sight = sighting_of(s, ev, hop);

	if (!vcpu || !c || !c->injector || list_empty(&c->injector->used)) {
		s->stats.unused++;
		return;
	}
	list_add_sighting(s, &c->injector->used, &sight);
	list_move_all(&c->injector->used, &vcpu->pending);
	c->injector = NULL;
}

void on_kvm_inj(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *vcpu = task_ctx(s, ev->tid);
	struct sighting sight = sighting_of(s, ev, hop);
	struct list *l;

	if (!vcpu)
		return;
	s->inj_covered = true;
	for (l = vcpu->pending.next; l != &vcpu->pending; l = l->next) {
		struct flight *f = list_entry(l, struct flight, wait);

		/* injected again after an exit that came before the guest took it: the last one counts
		 * for the entry, the first one is the hop */
		if (f->vector != ev->arg || f->put)
			continue;
		f->put = true;
		flight_add(s, f, &sight);
	}
}

void on_kvm_entry(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *vcpu = task_ctx(s, ev->tid);
	struct sighting sight = sighting_of(s, ev, hop);
	struct list *l, *next;

	if (!vcpu)
		return;
	for (l = vcpu->pending.next; l != &vcpu->pending; l = next) {
		struct flight *f = list_entry(l, struct flight, wait);

		next = l->next;
		/* an entry that began before the vector was put in is not the one */
		if (s->inj_covered && !f->put)
			continue;
		flight_add(s, f, &sight);
		flight_end(s, f, PACKET_COMPLETE);
	}
}
