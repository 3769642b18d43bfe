// SPDX-License-Identifier: GPL-2.0
/*
 * From the eventfd to the vCPU. irqfd_wakeup() runs under the eventfd's wait queue lock with
 * interrupts off, and the MSI, the virtual APIC and the kick are calls inside it: so each is the
 * very next event of its CPU, or there is none (posted interrupts have no kick). On PREEMPT_RT
 * the lock sleeps; where something came in between, the rest is left out.
 */
#include "stitch_int.h"

/* entries without kvm:inj until it is taken for granted that there is no such hook */
#define BARE_ENTRIES 64

void inject_begin(struct stitch *s, struct task_ctx *t)
{
	s->c->injector = t;
	s->c->inject_seq = s->c->seq;
}

/* Is the event the next one of an injection on this CPU? */
static struct task_ctx *step_follows(struct stitch *s)
{
	struct cpu_ctx *c = s->c;
	struct task_ctx *t = c->injector;

	c->injector = NULL;
	if (!t || c->inject_seq + 1 != c->seq || list_empty(&t->used)) {
		unused(s);
		return NULL;
	}
	return t;
}

void on_kvm_irqfd(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_of(s, ev);
	struct sighting sight;

	if (!t)
		return;
	s->irqfd_covered = true;
	/* a VMM whose write of the eventfd cannot be hooked */
	if (!t->is_vhost && !s->vmm_covered)
		vmm_signalled(s, t, ev->obj);
	if (list_empty(&t->used) || t->call != ev->obj ||
	    (t->told != TOLD_SIGNAL && t->told != TOLD_RING)) {
		unused(s);
		return;
	}
	t->told = TOLD_IRQFD;
	sight = sighting_of(s, ev, hop);
	list_add_sighting(s, &t->used, &sight);
	inject_begin(s, t);
}

static void vector_set(struct list *list, __u32 vector)
{
	struct list *l;

	for (l = list->next; vector && l != list; l = l->next)
		flight_of(l)->vector = vector;
}

static bool may_inject(const struct stitch *s, const struct task_ctx *t, enum told max)
{
	return t->told <= max &&
	       (t->told >= TOLD_IRQFD || (t->told == TOLD_SIGNAL && !s->irqfd_covered));
}

/* The MSI and the virtual APIC's acceptance: steps of the injecting task */
static void inject_step(struct stitch *s, const struct pl_event *ev, enum pl_hop hop, enum told told)
{
	struct task_ctx *t = step_follows(s);
	struct sighting sight;

	if (!t)
		return;
	if (t->tid != ev->tid || !may_inject(s, t, told - 1)) {
		unused(s);
		return;
	}
	t->told = told;
	t->last_ts = ev->ts;
	vector_set(&t->used, ev->arg);
	sight = sighting_of(s, ev, hop);
	list_add_sighting(s, &t->used, &sight);
	inject_begin(s, t);
}

void on_kvm_msi(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	s->msi_covered = true;
	vmm_injects(s, ev);
	inject_step(s, ev, hop, TOLD_MSI);
}

void on_kvm_inject(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	if (!s->msi_covered)
		vmm_injects(s, ev);
	inject_step(s, ev, hop, TOLD_INJECT);
}

/* Runs in the injecting task; the event's task is the vCPU */
void on_kvm_kick(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = step_follows(s), *vcpu;
	struct sighting sight;

	if (!t)
		return;
	vcpu = task_ctx(s, ev->tid);
	if (!vcpu || !may_inject(s, t, TOLD_INJECT)) {
		unused(s);
		return;
	}
	sight = sighting_of(s, ev, hop);
	list_add_sighting(s, &t->used, &sight);
	list_move_all(&t->used, &vcpu->pending);
	t->told = TOLD_OTHER;
}

void on_kvm_inj(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *vcpu = task_of(s, ev);
	struct sighting sight;
	struct list *l;

	if (!vcpu)
		return;
	s->inj_covered = true;
	sight = sighting_of(s, ev, hop);
	for (l = vcpu->pending.next; l != &vcpu->pending; l = l->next) {
		struct flight *f = flight_of(l);

		/* put in again after an exit that came before the guest took it: the first counts.
		 * Several batches: the virtual APIC had merged their interrupts into one */
		if (f->vector != ev->arg || f->put)
			continue;
		f->put = true;
		f->held_kind = HELD_NONE;
		flight_add(s, f, &sight);
	}
}

static void entry_of(struct stitch *s, struct flight *f, const struct sighting *sight)
{
	/* without kvm:inj the first entry after the kick is it; else one before the vector was
	 * put in (the guest had interrupts off) is not */
	if (f->put || (!s->inj_covered && s->bare_entries > BARE_ENTRIES)) {
		flight_add(s, f, sight);
		flight_end(s, f, PACKET_COMPLETE);
	} else if (!s->inj_covered && f->held_kind == HELD_NONE) {
		f->held = *sight;
		f->held_kind = HELD_ENTRY;
	}
}

void on_kvm_entry(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *vcpu = task_of(s, ev);
	struct sighting sight;
	struct list *l, *next;

	if (!vcpu || list_empty(&vcpu->pending)) {
		unused(s);
		return;
	}
	if (!s->inj_covered)
		s->bare_entries++;
	sight = sighting_of(s, ev, hop);
	for (l = vcpu->pending.next; l != &vcpu->pending && !s->err; l = next) {
		next = l->next;
		entry_of(s, flight_of(l), &sight);
	}
}
