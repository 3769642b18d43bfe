// SPDX-License-Identifier: GPL-2.0
/* The tap's sending side: what vhost or the VMM hand to the host's stack */
#include "skb.bpf.h"

#define TUN_MSG_PTR   2 /* include/linux/if_tun.h: ptr is xdp_buff[num] */
#define TUN_BATCH_MAX 64 /* VHOST_NET_BATCH, drivers/vhost/net.c */

/* One packet of a batch; its frame is in kernel memory, no skb is made yet */
static __always_inline void send_event(__u8 hook, struct xdp_buff *xdp, __u32 ifindex,
				       __u32 netns, __u16 index)
{
	struct pl_event *e;
	void *data, *end;

	e = event_begin_at(hook, ifindex, netns);
	if (!e)
		return;
	e->queue = index;
	if (xdp) {
		data = READ(PROBED, xdp, data);
		end = READ(PROBED, xdp, data_end);
		e->obj = (__u64)data;
		e->len = end - data;
		key_fill(e, (__u64)data, e->len, e->len, 0);
	}
	event_end(e);
}

static __always_inline int sendmsg_event(__u8 hook, struct socket *sock, struct msghdr *m)
{
	struct tun_file *tfile;
	struct tun_msg_ctl *ctl;
	struct net_device *dev;
	__u32 ifindex, netns, num, stride, i;
	__u64 at;
	__u16 type;

	tfile = (void *)sock - bpf_core_field_offset(struct tun_file, socket);
	dev = BPF_CORE_READ(tfile, tun, dev);
	if (!dev)
		return 0;
	dev_of(dev, PROBED, &ifindex, &netns, &type);
	if (!dev_wanted(netns, ifindex, type))
		return 0;
	ctl = READ(PROBED, m, msg_control);
	if (!ctl || READ(PROBED, ctl, type) != TUN_MSG_PTR) {
		/* one large or GSO packet, still in the guest's memory: no bytes to see here */
		send_event(hook, NULL, ifindex, netns, 0);
		return 0;
	}
	num = READ(PROBED, ctl, num);
	at = (__u64)READ(PROBED, ctl, ptr);
	stride = bpf_core_type_size(struct xdp_buff);
	for (i = 0; i < TUN_BATCH_MAX && i < num; i++) {
		send_event(hook, (void *)at, ifindex, netns, i);
		at += stride;
	}
	return 0;
}

SEC("fentry/tun_sendmsg")
int BPF_PROG(pl_tun_sendmsg_fe, struct socket *sock, struct msghdr *m)
{
	return sendmsg_event(PL_HOOK_tun_sendmsg_fe, sock, m);
}

SEC("kprobe/tun_sendmsg")
int BPF_KPROBE(pl_tun_sendmsg_kp, struct socket *sock, struct msghdr *m)
{
	return sendmsg_event(PL_HOOK_tun_sendmsg_kp, sock, m);
}

static __always_inline int get_user_event(__u8 hook, struct tun_struct *tun, bool direct)
{
	struct net_device *dev = READ(direct, tun, dev);
	struct pl_event *e;

	if (!dev)
		return 0;
	/* whoever writes to a tap and is no vhost worker is a VMM that serves it itself */
	role_learn(current_tid(), PL_ROLE_VMM);
	e = event_begin_dev(hook, dev, direct);
	if (e)
		event_end(e);
	return 0;
}

SEC("fentry/tun_get_user")
int BPF_PROG(pl_tun_get_user_fe, struct tun_struct *tun)
{
	return get_user_event(PL_HOOK_tun_get_user_fe, tun, DIRECT);
}

SEC("kprobe/tun_get_user")
int BPF_KPROBE(pl_tun_get_user_kp, struct tun_struct *tun)
{
	return get_user_event(PL_HOOK_tun_get_user_kp, tun, PROBED);
}
