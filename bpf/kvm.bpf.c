// SPDX-License-Identifier: GPL-2.0
/*
 * KVM: from the eventfd to the vCPU that runs with the interrupt, and from the vCPU's kick to
 * the worker. The vCPU's tracepoints are hot: they make events only for an interrupt that a
 * device's task injected (pending), and for exits that turn out to be kicks.
 */
#include "pktlap.bpf.h"

/*
 * pl_role.pending of a vCPU: 0 nothing; up to PENDING_NEW: injected, not yet put into the vCPU,
 * so many entries are still reported; PENDING_PUT: put, the next entry is it. The count bounds
 * the events where kvm_inj_virq never comes (APICv, AVIC).
 */
#define PENDING_NEW 64
#define PENDING_PUT 65

/* Interrupts of devices are injected by a worker or a VMM; timers and IPIs by vCPUs */
static __always_inline bool current_injects(void)
{
	const struct pl_role *role = role_of(current_tid());

	return role && role->kind != PL_ROLE_VCPU;
}

static __always_inline int irqfd_event(__u8 hook, struct wait_queue_entry *wait, __u64 key)
{
	struct kvm_kernel_irqfd *irqfd;

	/* also woken with POLLHUP at shutdown */
	if (!(key & EPOLLIN) || !current_injects())
		return 0;
	irqfd = (void *)wait - bpf_core_field_offset(struct kvm_kernel_irqfd, wait);
	return event_context(hook, READ(PROBED, irqfd, eventfd), READ(PROBED, irqfd, kvm),
			     READ(PROBED, irqfd, gsi), 0);
}

SEC("fentry/irqfd_wakeup")
int BPF_PROG(pl_irqfd_wakeup_fe, struct wait_queue_entry *wait, unsigned int mode, int sync,
	     void *key)
{
	return irqfd_event(PL_HOOK_irqfd_wakeup_fe, wait, (__u64)key);
}

SEC("kprobe/irqfd_wakeup")
int BPF_KPROBE(pl_irqfd_wakeup_kp, struct wait_queue_entry *wait, unsigned int mode, int sync,
	       void *key)
{
	return irqfd_event(PL_HOOK_irqfd_wakeup_kp, wait, (__u64)key);
}

SEC("tp_btf/kvm_msi_set_irq")
int BPF_PROG(pl_msi_set_irq, __u64 address, __u64 data)
{
	if (!current_injects())
		return 0;
	return event_context(PL_HOOK_msi_set_irq, NULL, (void *)address, data & 0xff, 0);
}

SEC("fentry/kvm_arch_set_irq_inatomic")
int BPF_PROG(pl_msi_set_irq_fe, void *entry)
{
	if (!current_injects())
		return 0;
	return event_context(PL_HOOK_msi_set_irq_fe, NULL, NULL, 0, 0);
}

/* The kick that follows knows the vCPU but not the vector: it is handed over in the task's role */
static __always_inline int accept_event(__u8 hook, __u32 apicid, __u32 vector)
{
	struct pl_role *role = role_of(current_tid());

	if (!role || role->kind == PL_ROLE_VCPU)
		return 0;
	role->vector = vector;
	return event_context(hook, NULL, (void *)(__u64)apicid, vector, 0);
}

SEC("tp_btf/kvm_apic_accept_irq")
int BPF_PROG(pl_apic_accept_irq, __u32 apicid, __u16 mode, __u16 trigger, __u8 vector)
{
	return accept_event(PL_HOOK_apic_accept_irq, apicid, vector);
}

SEC("fentry/__apic_accept_irq")
int BPF_PROG(pl_apic_accept_irq_fe, void *apic, int mode, int vector)
{
	return accept_event(PL_HOOK_apic_accept_irq_fe, 0, vector);
}

static __always_inline __u32 vcpu_tid(struct kvm_vcpu *vcpu, bool direct)
{
	struct pid *pid = READ(direct, vcpu, pid);

	/* numbers[0]: the initial namespace, as in every other event */
	return pid ? (__u32)READ(PROBED, pid, numbers[0].nr) : 0;
}

static __always_inline int kick_event(__u8 hook, struct kvm_vcpu *vcpu, bool direct)
{
	struct pl_role *role, *injector = role_of(current_tid());
	struct pl_event *e;
	__u32 tid;

	/* a worker kicks for other things too (mapping changes): with no vector on its way, no hop */
	if (!injector || injector->kind == PL_ROLE_VCPU || !injector->vector)
		return 0;
	tid = vcpu_tid(vcpu, direct);
	role_learn(tid, PL_ROLE_VCPU);
	role = role_of(tid);
	if (role) {
		role->vector = injector->vector;
		role->pending = PENDING_NEW;
	}
	injector->vector = 0;
	e = event_begin(hook);
	if (!e)
		return 0;
	e->obj = (__u64)vcpu;
	e->tid = tid;
	event_end(e);
	return 0;
}

SEC("fentry/kvm_vcpu_kick")
int BPF_PROG(pl_vcpu_kick_fe, struct kvm_vcpu *vcpu)
{
	return kick_event(PL_HOOK_vcpu_kick_fe, vcpu, DIRECT);
}

SEC("kprobe/kvm_vcpu_kick")
int BPF_KPROBE(pl_vcpu_kick_kp, struct kvm_vcpu *vcpu)
{
	return kick_event(PL_HOOK_vcpu_kick_kp, vcpu, PROBED);
}

static __always_inline int inj_event(__u8 hook, __u32 vector)
{
	struct pl_role *role = role_of(current_tid());

	if (!role || !role->pending)
		return 0;
	/* another one, of a timer, say: the entry after it is not the one */
	if (vector == role->vector)
		role->pending = PENDING_PUT;
	return event_context(hook, NULL, NULL, vector, 0);
}

SEC("tp_btf/kvm_inj_virq")
int BPF_PROG(pl_inj_virq, unsigned int vector)
{
	return inj_event(PL_HOOK_inj_virq, vector);
}

SEC("raw_tp/kvm_inj_virq")
int BPF_PROG(pl_inj_virq_raw, unsigned int vector)
{
	return inj_event(PL_HOOK_inj_virq_raw, vector);
}

static __always_inline int entry_event(__u8 hook, const void *vcpu)
{
	struct pl_role *role = role_of(current_tid());

	if (!role || !role->pending)
		return 0;
	role->pending = role->pending == PENDING_PUT ? 0 : role->pending - 1;
	return event_context(hook, vcpu, NULL, 0, 0);
}

/* 6.12 and newer: the tracepoint's vcpu is "or NULL" to the verifier; only its value is used */
SEC("tp_btf/kvm_entry")
int BPF_PROG(pl_vcpu_entry, struct kvm_vcpu *vcpu)
{
	return entry_event(PL_HOOK_vcpu_entry, vcpu);
}

SEC("raw_tp/kvm_entry")
int BPF_PROG(pl_vcpu_entry_raw, struct kvm_vcpu *vcpu)
{
	return entry_event(PL_HOOK_vcpu_entry_raw, vcpu);
}

/* Every exit is only noted; ioeventfd_write makes an event of the one that was a kick */
static __always_inline int exit_note(__u8 hook)
{
	struct pl_role *role = role_of(current_tid());

	if (role && role->kind == PL_ROLE_VCPU) {
		role->exit_ts = bpf_ktime_get_ns();
		role->exit_hook = hook;
	}
	return 0;
}

SEC("tp_btf/kvm_exit")
int BPF_PROG(pl_vcpu_exit)
{
	return exit_note(PL_HOOK_vcpu_exit);
}

SEC("raw_tp/kvm_exit")
int BPF_PROG(pl_vcpu_exit_raw)
{
	return exit_note(PL_HOOK_vcpu_exit_raw);
}

static __always_inline int ioeventfd_event(__u8 hook, struct kvm_io_device *this)
{
	struct _ioeventfd *p;
	struct pl_role *role;
	struct pl_event *e;
	__u8 exit_hook;

	p = (void *)this - bpf_core_field_offset(struct _ioeventfd, dev);
	role_learn(current_tid(), PL_ROLE_VCPU);
	role = role_of(current_tid());
	if (role && role->exit_ts) {
		exit_hook = role->exit_hook;
		e = event_begin(exit_hook);
		if (e) {
			e->ts = role->exit_ts;
			e->flags |= PL_F_SAVED;
			event_end(e);
		}
		role->exit_ts = 0;
	}
	return event_context(hook, READ(PROBED, p, eventfd), NULL, 0, 0);
}

SEC("fentry/ioeventfd_write")
int BPF_PROG(pl_ioeventfd_write_fe, void *vcpu, struct kvm_io_device *this)
{
	return ioeventfd_event(PL_HOOK_ioeventfd_write_fe, this);
}

SEC("kprobe/ioeventfd_write")
int BPF_KPROBE(pl_ioeventfd_write_kp, void *vcpu, struct kvm_io_device *this)
{
	return ioeventfd_event(PL_HOOK_ioeventfd_write_kp, this);
}
