// SPDX-License-Identifier: GPL-2.0
/* The vhost-net worker: woken, serving its queues, telling the guest */
#include "select.bpf.h"

#define VHOST_VQ_RX 0 /* VHOST_NET_VQ_RX, drivers/vhost/net.c */
#define VHOST_VQ_TX 1

static __always_inline bool vq_is(struct vhost_dev *dev, struct vhost_virtqueue *vq,
				  int index)
{
	struct vhost_virtqueue **vqs = NULL, *at = NULL;

	bpf_core_read(&vqs, sizeof(vqs), &dev->vqs);
	bpf_probe_read_kernel(&at, sizeof(at), vqs + index);
	return at == vq;
}

/*
 * Runs in the waker: the tap's sender (its socket became readable) or the vCPU (a kick of the
 * queue's eventfd). A kick of the receive queue means new buffers, no packet.
 */
static __always_inline int wake_event(__u8 hook, struct wait_queue_entry *wait, __u64 key)
{
	struct vhost_poll *poll = (void *)wait - bpf_core_field_offset(struct vhost_poll, wait);
	struct vhost_virtqueue *vq;
	struct vhost_dev *dev;

	if (!(key & EPOLLIN))
		return 0;
	dev = READ(PROBED, poll, dev);
	if (key & EPOLLRDNORM)
		return select_xmit_was() ? event_context(hook, dev, NULL, key, PL_F_RX) : 0;
	vq = (void *)poll - bpf_core_field_offset(struct vhost_virtqueue, poll);
	if (!vq_is(dev, vq, VHOST_VQ_TX))
		return 0;
	return event_context(hook, dev, NULL, key, PL_F_TX);
}

SEC("fentry/vhost_poll_wakeup")
int BPF_PROG(pl_vhost_wake_fe, struct wait_queue_entry *wait, unsigned int mode, int sync,
	     void *key)
{
	return wake_event(PL_HOOK_vhost_wake_fe, wait, (__u64)key);
}

SEC("kprobe/vhost_poll_wakeup")
int BPF_KPROBE(pl_vhost_wake_kp, struct wait_queue_entry *wait, unsigned int mode, int sync,
	       void *key)
{
	return wake_event(PL_HOOK_vhost_wake_kp, wait, (__u64)key);
}

static __always_inline int handle_event(__u8 hook, struct vhost_net *net, __u16 flags)
{
	role_learn(current_tid(), PL_ROLE_VHOST);
	return event_context(hook, net, NULL, 0, flags);
}

SEC("fentry/handle_rx")
int BPF_PROG(pl_handle_rx_fe, struct vhost_net *net)
{
	return handle_event(PL_HOOK_handle_rx_fe, net, PL_F_RX);
}

SEC("kprobe/handle_rx")
int BPF_KPROBE(pl_handle_rx_kp, struct vhost_net *net)
{
	return handle_event(PL_HOOK_handle_rx_kp, net, PL_F_RX);
}

SEC("fentry/handle_tx")
int BPF_PROG(pl_handle_tx_fe, struct vhost_net *net)
{
	return handle_event(PL_HOOK_handle_tx_fe, net, PL_F_TX);
}

SEC("kprobe/handle_tx")
int BPF_KPROBE(pl_handle_tx_kp, struct vhost_net *net)
{
	return handle_event(PL_HOOK_handle_tx_kp, net, PL_F_TX);
}

static __always_inline bool current_is(__u32 kind)
{
	const struct pl_role *role = role_of(current_tid());

	return role && role->kind == kind;
}

/* Called for receive buffers too: only the transmit queue's descriptors are packets */
static __always_inline int fetch_event(__u8 hook, struct vhost_virtqueue *vq)
{
	struct vhost_dev *dev = READ(PROBED, vq, dev);

	if (!vq_is(dev, vq, VHOST_VQ_TX) || !current_is(PL_ROLE_VHOST))
		return 0;
	return event_context(hook, vq, NULL, 0, PL_F_TX);
}

/* 7 arguments: fentry attaches from 6.6 on only (commit 473e3150e30a, x86) */
SEC("fentry/vhost_get_vq_desc")
int BPF_PROG(pl_get_vq_desc_fe, struct vhost_virtqueue *vq)
{
	return fetch_event(PL_HOOK_get_vq_desc_fe, vq);
}

SEC("kprobe/vhost_get_vq_desc")
int BPF_KPROBE(pl_get_vq_desc_kp, struct vhost_virtqueue *vq)
{
	return fetch_event(PL_HOOK_get_vq_desc_kp, vq);
}

/* One call for a batch; count is in heads, which are not packets with mergeable buffers */
static __always_inline int used_event(__u8 hook, struct vhost_dev *dev,
				      struct vhost_virtqueue *vq, __u32 count)
{
	bool tx = vq_is(dev, vq, VHOST_VQ_TX);
	struct pl_event *e;

	if (!current_is(PL_ROLE_VHOST))
		return 0;
	e = event_begin(hook);
	if (!e)
		return 0;
	e->obj = (__u64)vq;
	e->key = (__u64)READ(PROBED, vq, call_ctx.ctx);
	e->arg = count;
	e->queue = tx ? VHOST_VQ_TX : VHOST_VQ_RX;
	e->flags |= tx ? PL_F_TX : PL_F_RX;
	event_end(e);
	return 0;
}

SEC("fentry/vhost_add_used_and_signal_n")
int BPF_PROG(pl_vhost_used_fe, struct vhost_dev *dev, struct vhost_virtqueue *vq, void *heads,
	     unsigned int count)
{
	return used_event(PL_HOOK_vhost_used_fe, dev, vq, count);
}

SEC("kprobe/vhost_add_used_and_signal_n")
int BPF_KPROBE(pl_vhost_used_kp, struct vhost_dev *dev, struct vhost_virtqueue *vq, void *heads,
	       unsigned int count)
{
	return used_event(PL_HOOK_vhost_used_kp, dev, vq, count);
}

/*
 * Anything with an eventfd comes here: only a worker's call is an interrupt for a guest.
 * (vhost_signal itself is inlined into its callers: a probe on it attaches and never fires.)
 */
static __always_inline int signal_event(__u8 hook, struct eventfd_ctx *ctx)
{
	return current_is(PL_ROLE_VHOST) ? event_context(hook, ctx, NULL, 0, 0) : 0;
}

SEC("fentry/eventfd_signal_mask")
int BPF_PROG(pl_eventfd_signal_fe, struct eventfd_ctx *ctx_arg)
{
	return signal_event(PL_HOOK_eventfd_signal_fe, ctx_arg);
}

SEC("kprobe/eventfd_signal_mask")
int BPF_KPROBE(pl_eventfd_signal_kp, struct eventfd_ctx *ctx_arg)
{
	return signal_event(PL_HOOK_eventfd_signal_kp, ctx_arg);
}

/* A VMM that serves its virtqueues itself writes the eventfd from user space */
static __always_inline int write_event(__u8 hook, struct file *file, bool direct)
{
	if (!current_is(PL_ROLE_VMM))
		return 0;
	return event_context(hook, READ(direct, file, private_data), NULL, 0, 0);
}

SEC("fentry/eventfd_write")
int BPF_PROG(pl_eventfd_write_fe, struct file *file)
{
	return write_event(PL_HOOK_eventfd_write_fe, file, DIRECT);
}

SEC("kprobe/eventfd_write")
int BPF_KPROBE(pl_eventfd_write_kp, struct file *file)
{
	return write_event(PL_HOOK_eventfd_write_kp, file, PROBED);
}
