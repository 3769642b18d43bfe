/* SPDX-License-Identifier: GPL-2.0 */
/* The actors of stitch_world.h, which includes this: softirqs, workers, vCPUs, a VMM */
#ifndef PKTLAP_TEST_STITCH_ACTORS_H
#define PKTLAP_TEST_STITCH_ACTORS_H

#define CALL_OF(vm, tx) (0xca110000ULL + (vm)*16 + (tx))

/* --- softirq: the NIC's receive and transmit NAPI --- */

static inline void soft_packet(struct world *w, int c, __u32 tid)
{
	struct softirq *a = &w->cpu[c].soft;
	struct pkt *p = &a->pkt[a->held], *holder;
	int i;

	pkt_new(w, p, VMS);
	skb_take(w, p);
	for (i = 0; i < 3; i++)
		if (a->irq_rx)
			allow(w, p->truth, a->rx[i], false);
	allow(w, p->truth, a->poll, false);
	emit_pkt(w, c, PL_HOP_nic_gro, tid, p, IF_NIC);
	if (p->keyless && chance(w, 50)) {
		p->keyless = false;
		emit_pkt(w, c, PL_HOP_nic_gromerge, tid, p, IF_NIC);
	}
	holder = p->sock && !p->tcp ? NULL : gro_holder(a->pkt, a->held, p);
	if (holder)
		gro_merge(w, c, tid, holder, p);
	else
		a->held++;
}

static inline void soft_irqs(struct world *w, int c, __u32 tid)
{
	struct softirq *a = &w->cpu[c].soft;

	a->irq_tx = w->txdone.n > RING_MAX / 2 || (w->txdone.n && chance(w, 40));
	a->nfree = a->irq_tx ? w->txdone.n : 0;
	memcpy(a->free, w->txdone.p, sizeof(a->free));
	w->txdone.n -= a->nfree;
	a->irq_rx = !a->irq_tx || chance(w, 80);
	if (a->irq_tx) {
		emit_dev(w, c, PL_HOP_nic_irq, tid, 0, 200 + c);
		emit_ctx(w, c, PL_HOP_nic_raise, tid, 0, 0, 3, 0);
	}
	if (a->irq_rx) {
		a->rx[0] = emit_dev(w, c, PL_HOP_nic_irq, tid, 0, 100 + c);
		a->rx[1] = emit_ctx(w, c, PL_HOP_nic_raise, tid, 0, 0, 3, 0);
	}
}

static inline void soft_step(struct world *w, int c)
{
	struct softirq *a = &w->cpu[c].soft;
	__u32 tid = w->cpu[c].cur ? w->cpu[c].cur->tid : 0;

	CO_BEGIN(a);
	a->on = true;
	soft_irqs(w, c, tid);
	CO_YIELD(a);
	a->rx[2] = emit_ctx(w, c, PL_HOP_nic_softirq, tid, 0, 0, 3, 0);
	CO_YIELD(a);
	if (!a->irq_rx)
		goto tx;
again:
	a->poll = emit_dev(w, c, PL_HOP_nic_poll, tid, 0xaa00 + c, 0);
	a->n = w->nskb < POOL / 3 ? 0 : rnd(w, 9);
	for (a->i = a->held = 0; a->i < a->n; a->i++) {
		CO_YIELD(a);
		soft_packet(w, c, tid);
		/* comes while it is polled: which poll it leads to is not certain */
		if (chance(w, 3))
			emit_dev(w, c, PL_HOP_nic_irq, tid, 0, 100 + c);
	}
	for (a->i = 0; a->i < a->held; a->i++) {
		walk_plan(w, &a->walk, &a->pkt[a->i], -1);
		do {
			CO_YIELD(a);
		} while (walk_step(w, c, tid, &a->walk));
	}
	a->again = chance(w, 15);
	emit_dev(w, c, PL_HOP_nic_polled, tid, 0xaa00 + c, 0);
	w->ev[w->n - 1].len = a->again ? 64 : a->n;
	a->irq_rx = false;
	CO_YIELD(a);
	if (a->again)
		goto again;
tx:
	if (a->nfree) {
		emit_dev(w, c, PL_HOP_nic_poll, tid, 0xbb00 + c, 0);
		for (a->i = 0; a->i < a->nfree; a->i++) {
			emit_pkt(w, c, PL_HOP_skb_free, tid, &a->free[a->i], 0);
			pkt_end(w, &a->free[a->i], PACKET_COMPLETE);
			skb_put(w, &a->free[a->i]);
			CO_YIELD(a);
		}
		emit_dev(w, c, PL_HOP_nic_polled, tid, 0xbb00 + c, 0);
		CO_YIELD(a);
	}
	a->on = false;
	CO_END(a);
}

/* --- interrupts for the guest --- */

static inline void guest_waits(struct vm *vm, const struct pkt *p)
{
	int i;

	if (vm->nwaiting + RIDERS_MAX + 1 > WAITING_MAX)
		return;
	vm->waiting[vm->nwaiting++] = p->truth;
	for (i = 1; i < p->nriders; i++)
		vm->waiting[vm->nwaiting++] = p->rider[i].truth;
}

/* From the irqfd to the kick, for these packets (none: another queue's) */
static inline void inject(struct world *w, struct task *t, __u64 call, __u32 vector,
			  const struct pkt *p, unsigned int n)
{
	static const enum pl_hop hops[] = { PL_HOP_kvm_irqfd, PL_HOP_kvm_msi, PL_HOP_kvm_inject,
					    PL_HOP_kvm_kick };
	struct vm *vm = &w->vm[t->vm];
	unsigned int i, k;
	__u32 number;

	for (k = 0; k < 4; k++) {
		number = emit_ctx(w, t->cpu, hops[k], k == 3 ? (__u32)TID_VCPU(t->vm) : t->tid,
				  k == 0 ? call : 0, k == 1 ? 0xfee0 + t->vm : 0,
				  k == 3 ? 0 : vector, 0);
		for (i = 0; i < n; i++)
			allow_pkt(w, &p[i], number, false);
	}
	for (i = 0; i < n; i++)
		guest_waits(vm, &p[i]);
	vm->kicked = true;
}

static inline void allow_all(struct world *w, const struct pkt *p, unsigned int n, __u32 number)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		allow_pkt(w, &p[i], number, false);
}

/* --- vhost worker --- */

static inline void ring_pop(struct ring *r, struct pkt *p)
{
	*p = r->p[0];
	memmove(r->p, r->p + 1, --r->n * sizeof(*r->p));
}

static inline void worker_copied(struct world *w, struct task *t)
{
	unsigned int i;

	for (i = 0; i < t->n; i++)
		pkt_end(w, &t->batch[i], PACKET_COMPLETE);
	allow_all(w, t->batch, t->n, emit_ctx(w, t->cpu, PL_HOP_vhost_used, t->tid, 0x51000000 + t->vm, CALL_OF(t->vm, 0), t->n, PL_F_RX));
}

static inline void worker_rx(struct world *w, struct task *t)
{
	struct vm *vm = &w->vm[t->vm];

	CO_BEGIN(t);
	allow_all(w, vm->ring.p, vm->ring.n, emit_ctx(w, t->cpu, PL_HOP_vhost_rx, t->tid, 0xde510000 + t->vm, 0, 0, PL_F_RX));
	CO_YIELD(t);
	while (vm->ring.n) {
		for (t->n = 0; vm->ring.n && t->n < BATCH && (!t->n || !chance(w, 15)); t->n++) {
			ring_pop(&vm->ring, &t->batch[t->n]);
			emit_pkt(w, t->cpu, PL_HOP_skb_copy, t->tid, &t->batch[t->n], 0);
			/* a tag in metadata: copied in two parts */
			if (chance(w, 10)) {
				struct pl_event *e = emit(w, t->cpu, PL_HOP_skb_copy, t->tid);

				*e = w->ev[w->n - 2];
				e->ts = w->now;
				e->vlan = w->n;
			}
			CO_YIELD(t);
			emit_pkt(w, t->cpu, PL_HOP_skb_free, t->tid, &t->batch[t->n], 0);
			skb_put(w, &t->batch[t->n]);
			CO_YIELD(t);
		}
		worker_copied(w, t);
		CO_YIELD(t);
		if (chance(w, 60)) {
			allow_all(w, t->batch, t->n, emit_ctx(w, t->cpu, PL_HOP_vhost_signal, t->tid, CALL_OF(t->vm, 0), 0, 0, 0));
			CO_YIELD(t);
			inject(w, t, CALL_OF(t->vm, 0), 0x23, t->batch, t->n);
			CO_YIELD(t);
		}
	}
	vm->rx_wake = false;
	CO_END(t);
}

static inline void kick_allow(struct world *w, struct task *t, __u32 truth)
{
	int i;

	for (i = 0; t->batches == 1 && i < t->kick.n; i++)
		allow(w, truth, t->kick.ev[i], false);
}

/* tun_sendmsg(): one program makes the events of all packets of the batch */
static inline void worker_send(struct world *w, struct task *t)
{
	unsigned int i;

	t->bhoff = true;
	t->batches++;
	for (i = 0; i < t->n; i++) {
		struct pkt *p = &t->batch[i];
		struct pl_event *e;

		kick_allow(w, t, p->truth);
		allow(w, p->truth, p->fetch, false);
		e = emit(w, t->cpu, PL_HOP_tap_send, t->tid);
		e->ifindex = IF_TAP(t->vm);
		e->netns = NETNS;
		e->queue = i;
		e->len = 14 + HLEN(p) + p->bytes;
		if (!p->large) {
			e->obj = 0xdada0000 + i;
			identify(w, e, p, false);
		}
		w->owner[w->n - 1] = p->truth + 1;
		allow(w, p->truth, w->n, true);
	}
}

static inline void worker_tx_begin(struct world *w, struct task *t)
{
	struct vm *vm = &w->vm[t->vm];
	__u32 number = emit_ctx(w, t->cpu, PL_HOP_vhost_tx, t->tid, 0xde510000 + t->vm, 0, 0,
				PL_F_TX);

	vm->notify_off = true;
	vm->tx_wake = false;
	t->kick = vm->kick;
	vm->kick = (struct kick_truth){};
	if (t->kick.on)
		t->kick.ev[t->kick.n++] = number;
	t->n = t->total = t->batches = 0;
}

static inline void guest_queues(struct world *w, struct vm *vm, unsigned int n)
{
	while (n-- && vm->txq.n < RING_MAX) {
		struct pkt *p = &vm->txq.p[vm->txq.n++];

		pkt_new(w, p, vm - w->vm);
		p->large = chance(w, 8);
		p->gso = p->large && chance(w, 60);
	}
}

static inline void worker_fetch(struct world *w, struct task *t)
{
	t->fetch = emit_ctx(w, t->cpu, PL_HOP_vhost_fetch, t->tid, 0x51000100 + t->vm, 0, 0,
			    PL_F_TX);
}

static inline bool worker_weight(const struct task *t)
{
	return t->total >= 256;
}

enum { AFTER_FULL,
       AFTER_LARGE,
       AFTER_ONE,
       AFTER_ALL };

static inline void worker_tx(struct world *w, struct task *t)
{
	struct vm *vm = &w->vm[t->vm];

	CO_BEGIN(t);
	worker_tx_begin(w, t);
	CO_YIELD(t);
next:
	if (t->n == BATCH) {
		t->after = AFTER_FULL;
		goto flush;
	}
full:
	worker_fetch(w, t);
	CO_YIELD(t);
	if (!vm->txq.n) {
		if (!chance(w, 15))
			goto empty;
		/* just then the guest added some, and did not kick */
		guest_queues(w, vm, 1 + rnd(w, 3));
		goto next;
	}
	ring_pop(&vm->txq, &t->one);
	t->one.fetch = t->fetch;
	t->total++;
	if (t->one.large) {
		t->after = AFTER_LARGE;
		goto flush;
	}
	t->batch[t->n++] = t->one;
	if (!worker_weight(t))
		goto next;
empty:
	t->after = AFTER_ALL;
	goto flush;
large:
	t->batch[0] = t->one;
	t->n = 1;
	t->after = AFTER_ONE;
flush:
	if (t->n) {
		worker_send(w, t);
		CO_YIELD(t);
		for (t->i = 0; t->i < t->n; t->i++) {
			/* refused, by an XDP program on the tap, say */
			if (chance(w, 2) && !w->same_keys && !t->batch[t->i].large) {
				pkt_end(w, &t->batch[t->i], PACKET_INCOMPLETE);
				continue;
			}
			skb_take(w, &t->batch[t->i]);
			if (t->batch[t->i].large)
				allow(w, t->batch[t->i].truth,
				      emit_dev(w, t->cpu, PL_HOP_tap_get, t->tid, 0, 0), false);
			emit_pkt(w, t->cpu, PL_HOP_dev_rx, t->tid, &t->batch[t->i], IF_TAP(t->vm));
			walk_plan(w, &t->walk, &t->batch[t->i], t->vm);
			do {
				CO_YIELD(t);
			} while (walk_step(w, t->cpu, t->tid, &t->walk));
		}
		t->bhoff = false;
		t->n = 0;
		emit_ctx(w, t->cpu, PL_HOP_vhost_used, t->tid, 0x51000100 + t->vm,
			 CALL_OF(t->vm, 1), 1, PL_F_TX);
		CO_YIELD(t);
		if (chance(w, 20)) {
			emit_ctx(w, t->cpu, PL_HOP_vhost_signal, t->tid, CALL_OF(t->vm, 1), 0, 0, 0);
			inject(w, t, CALL_OF(t->vm, 1), 0x24, NULL, 0);
			CO_YIELD(t);
		}
	}
	if (t->after == AFTER_LARGE)
		goto large;
	if (t->after == AFTER_FULL)
		goto full;
	if (t->after == AFTER_ONE && !worker_weight(t))
		goto next;
	vm->notify_off = false;
	vm->tx_wake |= vm->txq.n > 0;
	CO_END(t);
}

/* --- vCPU --- */

static inline void vcpu_enters(struct world *w, struct task *t)
{
	struct vm *vm = &w->vm[t->vm];
	__u32 inj = 0, entry;
	unsigned int i;

	/* the guest has interrupts off, or a timer's vector goes first */
	if (chance(w, 20)) {
		if (chance(w, 50))
			emit_ctx(w, t->cpu, PL_HOP_kvm_inj, t->tid, 0, 0, 0xec, 0);
		emit_ctx(w, t->cpu, PL_HOP_kvm_entry, t->tid, 0x7c, 0, 0, 0);
		return;
	}
	if (vm->nwaiting)
		inj = emit_ctx(w, t->cpu, PL_HOP_kvm_inj, t->tid, 0, 0, 0x23, 0);
	else
		emit_ctx(w, t->cpu, PL_HOP_kvm_inj, t->tid, 0, 0, 0x24, 0);
	entry = emit_ctx(w, t->cpu, PL_HOP_kvm_entry, t->tid, 0x7c, 0, 0, 0);
	for (i = 0; i < vm->nwaiting; i++) {
		allow(w, vm->waiting[i], inj, false);
		allow(w, vm->waiting[i], entry, false);
	}
	vm->nwaiting = 0;
	vm->kicked = false;
}

static inline void vcpu_kicks(struct world *w, struct task *t)
{
	struct vm *vm = &w->vm[t->vm];
	__u32 exit, io;

	exit = emit_ctx(w, t->cpu, PL_HOP_kvm_exit, t->tid, 0, 0, 0x400, PL_F_SAVED);
	io = emit_ctx(w, t->cpu, PL_HOP_kvm_ioeventfd, t->tid, 0x10e0 + t->vm, 0, 0, 0);
	vm->tx_wake = true;
	if (t->vm == VM_USER)
		return;
	emit_ctx(w, t->cpu, PL_HOP_vhost_wake, t->tid, 0xde510000 + t->vm, 0, 1, PL_F_TX);
	if (!vm->kick.on)
		vm->kick = (struct kick_truth){ true, { exit, io, w->n }, 3 };
}

static inline void vcpu_step(struct world *w, struct task *t)
{
	struct vm *vm = &w->vm[t->vm];

	if (vm->kicked) {
		vcpu_enters(w, t);
		return;
	}
	if (chance(w, 10)) {
		/* its disk's queue */
		emit_ctx(w, t->cpu, PL_HOP_kvm_exit, t->tid, 0, 0, 0x400, PL_F_SAVED);
		emit_ctx(w, t->cpu, PL_HOP_kvm_ioeventfd, t->tid, 0xd15c, 0, 0, 0);
		return;
	}
	guest_queues(w, vm, chance(w, 3) ? RING_MAX : 1 + rnd(w, 6));
	if (!vm->notify_off)
		vcpu_kicks(w, t);
}

/* --- backend in user space --- */

static inline void vmm_step(struct world *w, struct task *t)
{
	struct vm *vm = &w->vm[t->vm];

	CO_BEGIN(t);
	while (vm->ring.n) {
		ring_pop(&vm->ring, &t->one);
		emit_pkt(w, t->cpu, PL_HOP_skb_copy, t->tid, &t->one, 0);
		CO_YIELD(t);
		emit_pkt(w, t->cpu, PL_HOP_skb_free, t->tid, &t->one, 0);
		skb_put(w, &t->one);
		pkt_end(w, &t->one, PACKET_COMPLETE);
		CO_YIELD(t);
		if (chance(w, 70)) {
			allow_all(w, &t->one, 1, emit_ctx(w, t->cpu, PL_HOP_vmm_signal, t->tid, CALL_OF(t->vm, 0), 0, 0, 0));
			inject(w, t, CALL_OF(t->vm, 0), 0x23, &t->one, 1);
			CO_YIELD(t);
		}
		if (chance(w, 20)) {
			emit_ctx(w, t->cpu, PL_HOP_vmm_signal, t->tid, 0xd15c0, 0, 0, 0);
			inject(w, t, 0xd15c0, 0x25, NULL, 0);
			CO_YIELD(t);
		}
	}
	vm->tx_wake = false;
	while (vm->txq.n) {
		ring_pop(&vm->txq, &t->one);
		allow(w, t->one.truth, emit_dev(w, t->cpu, PL_HOP_tap_get, t->tid, 0, 0), false);
		CO_YIELD(t);
		t->bhoff = true;
		skb_take(w, &t->one);
		emit_pkt(w, t->cpu, PL_HOP_dev_rx, t->tid, &t->one, IF_TAP(t->vm));
		walk_plan(w, &t->walk, &t->one, t->vm);
		do {
			CO_YIELD(t);
		} while (walk_step(w, t->cpu, t->tid, &t->walk));
		t->bhoff = false;
		emit_ctx(w, t->cpu, PL_HOP_vmm_signal, t->tid, CALL_OF(t->vm, 1), 0, 0, 0);
		inject(w, t, CALL_OF(t->vm, 1), 0x24, NULL, 0);
		CO_YIELD(t);
	}
	CO_END(t);
}

/* --- the scheduler --- */

static inline bool task_runnable(struct world *w, struct task *t)
{
	struct vm *vm = &w->vm[t->vm];

	if (t->pc)
		return true;
	switch (t->kind) {
	case TASK_WORKER:
		return vm->ring.n || vm->tx_wake;
	case TASK_VMM:
		return vm->ring.n || (vm->tx_wake && vm->txq.n);
	case TASK_READER:
		return w->sock[t->vm].woken || w->sock[t->vm].n;
	default:
		return vm->kicked || (vm->txq.n < RING_MAX / 2 && w->nskb > POOL / 2);
	}
}

static inline void task_step(struct world *w, struct task *t)
{
	switch (t->kind) {
	case TASK_WORKER:
		if (!t->pc)
			t->serves_rx = w->vm[t->vm].ring.n && (!w->vm[t->vm].tx_wake || chance(w, 50));
		if (t->serves_rx)
			worker_rx(w, t);
		else
			worker_tx(w, t);
		break;
	case TASK_VMM:
		vmm_step(w, t);
		break;
	case TASK_READER:
		reader_step(w, t);
		break;
	default:
		vcpu_step(w, t);
	}
}

static inline void switch_in(struct world *w, int c, struct task *t)
{
	struct vm *vm = &w->vm[t->vm];
	unsigned int i;
	__u32 number;

	w->cpu[c].cur = t;
	t->cpu = c;
	if (t->kind == TASK_READER) {
		reader_runs(w, t);
		return;
	}
	if (t->kind == TASK_VMM || (t->kind == TASK_VCPU && !vm->kicked))
		return;
	number = emit_ctx(w, c, PL_HOP_sched_run, t->tid, 0, 0,
			  t->kind == TASK_WORKER ? PL_ROLE_VHOST : PL_ROLE_VCPU, 0);
	if (t->kind == TASK_VCPU) {
		for (i = 0; i < vm->nwaiting; i++)
			allow(w, vm->waiting[i], number, false);
		return;
	}
	allow_all(w, vm->ring.p, vm->ring.n, number);
	/* of the runs after a kick, the one in which handle_tx begins */
	if (vm->kick.on) {
		vm->kick.n = 4;
		vm->kick.ev[3] = number;
	}
}

static inline void cpu_step(struct world *w, int c)
{
	struct cpu *cpu = &w->cpu[c];
	struct task *t = cpu->cur;

	if (cpu->soft.on || ((!t || !t->bhoff) && w->nskb > POOL / 3 && chance(w, 2))) {
		soft_step(w, c);
		return;
	}
	if (t && !t->bhoff && (!task_runnable(w, t) || chance(w, 3))) {
		t->cpu = -1;
		t = cpu->cur = NULL;
	}
	if (t) {
		task_step(w, t);
		return;
	}
	t = &w->task[rnd(w, w->ntasks)];
	if (t->cpu < 0 && task_runnable(w, t))
		switch_in(w, c, t);
}

static inline void task_add(struct world *w, enum task_kind kind, int vm, __u32 tid)
{
	struct task *t = &w->task[w->ntasks++];

	t->kind = kind;
	t->vm = vm;
	t->tid = tid;
	t->cpu = -1;
}

/* Run until there are so many events */
static inline struct world *world_run(__u64 seed, size_t events, bool same_keys)
{
	struct world *w = calloc(1, sizeof(*w));
	int i;

	if (!w)
		abort();
	w->now = 1000000;
	w->rng = seed * 0x9e3779b97f4a7c15ULL + 1;
	w->same_keys = same_keys;
	/* goes round soon */
	for (i = 0; i < (VMS + 1) * FLOWS; i++)
		w->next_seq[i / FLOWS][i % FLOWS] = -100000 * (1 + i % 3);
	for (i = 0; i < POOL; i++)
		w->skb_free[w->nskb++] = w->head_free[w->nhead++] = i;
	for (i = 0; i < VMS; i++) {
		if (i == VM_USER)
			task_add(w, TASK_VMM, i, TID_VMM(i));
		else
			task_add(w, TASK_WORKER, i, TID_WORKER(i));
		task_add(w, TASK_VCPU, i, TID_VCPU(i));
	}
	for (i = 0; i < WSOCKS; i++)
		task_add(w, TASK_READER, i, TID_READER(i));
	socks_init(w);
	while (w->n < events)
		cpu_step(w, rnd(w, CPUS));
	return w;
}

static inline void world_free(struct world *w)
{
	free(w->ev);
	free(w->owner);
	free(w->truth);
	free(w);
}

#endif
