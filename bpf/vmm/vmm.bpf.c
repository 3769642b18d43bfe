// SPDX-License-Identifier: GPL-2.0
/*
 * Which tap which vhost worker serves, and which thread is which vCPU: procfs does not tell, names
 * only help where the VMM gives them. An iterator over files: runs when its fd is read, never else.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "vmm.h"

#define NAME_BYTES 16

char LICENSE[] SEC("license") = "GPL";

static __always_inline bool name_is(const char *name, const char *what, int len)
{
	for (int i = 0; i < len; i++)
		if (name[i] != what[i])
			return false;
	return true;
}

/* The worker's task: a task before 6.4 (commit 6e890c5d5021), then a vhost_task; per queue since
 * 6.5 (commit 1cdaafa1b8b4) */
static __noinline __u32 worker_tid(struct vhost_virtqueue *vq)
{
	struct vhost_virtqueue___6_5 *new = (void *)vq;

	if (bpf_core_field_exists(new->worker))
		return BPF_CORE_READ(new, worker, vtsk, task, pid);
	return 0;
}

static __noinline __u32 worker_tid_old(struct vhost_net *net)
{
	struct vhost_dev___before_6_4 *old = (void *)net;

	if (bpf_core_field_exists(old->worker))
		return BPF_CORE_READ(old, worker, pid);
	return 0;
}

static __always_inline void vhost_tell(struct seq_file *seq, struct pl_vmm_file *out, void *private)
{
	struct vhost_net *net = private;
	struct vhost_virtqueue **vqs, *vq;

	if (!bpf_core_type_exists(struct vhost_net))
		return;
	vqs = BPF_CORE_READ(net, dev.vqs);
	out->kind = PL_VMM_VHOST;
	for (__u32 i = 0; i < 2; i++) {
		struct socket *sock;

		if (bpf_probe_read_kernel(&vq, sizeof(vq), vqs + i))
			return;
		sock = BPF_CORE_READ(vq, private_data);
		out->file = (__u64)BPF_CORE_READ(sock, file);
		out->number = i;
		out->tid = worker_tid(vq);
		if (!out->tid)
			out->tid = worker_tid_old(net);
		bpf_seq_write(seq, out, sizeof(*out));
	}
}

static __always_inline void vcpu_tell(struct seq_file *seq, struct pl_vmm_file *out, void *private)
{
	struct kvm_vcpu *vcpu = private;

	if (!bpf_core_type_exists(struct kvm_vcpu))
		return;
	out->kind = PL_VMM_VCPU;
	out->number = BPF_CORE_READ(vcpu, vcpu_id);
	out->tid = BPF_CORE_READ(vcpu, pid, numbers[0].nr);
	bpf_seq_write(seq, out, sizeof(*out));
}

SEC("iter/task_file")
int pl_vmm_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct seq_file *seq = ctx->meta->seq;
	struct pl_vmm_file out = {};
	char name[NAME_BYTES] = {};
	void *private;

	if (!task || !file)
		return 0;
	bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(file, f_path.dentry, d_name.name));
	private = BPF_CORE_READ(file, private_data);
	out.pid = BPF_CORE_READ(task, tgid);
	out.fd = ctx->fd;
	if (name_is(name, "vhost-net", 10)) {
		vhost_tell(seq, &out, private);
	} else if (name_is(name, "kvm-vcpu:", 9)) {
		vcpu_tell(seq, &out, private);
	} else if (name_is(name, "tun", 4) || name_is(name, "tap", 3)) {
		out.kind = PL_VMM_TAP;
		out.file = (__u64)file;
		bpf_seq_write(seq, &out, sizeof(out));
	}
	return 0;
}
