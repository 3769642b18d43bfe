// SPDX-License-Identifier: GPL-2.0
/* The tap's sending side: what vhost or the VMM hand to the host's stack */
#include "skb.bpf.h"

#define TUN_MSG_PTR   2 /* include/linux/if_tun.h: ptr is xdp_buff[num] */
#define TUN_BATCH_MAX 64 /* VHOST_NET_BATCH, drivers/vhost/net.c */

struct send_hop {
	__u8 hook;
	__u32 ifindex, netns;
};

/* At a hop without an skb. queue: PL_BATCH(). NULL: no room */
static __always_inline struct pl_event *send_begin(struct send_hop hop, __u16 queue)
{
	struct pl_event *e = event_begin_at(hop.hook, hop.ifindex, hop.netns);

	if (e)
		e->queue = queue;
	return e;
}

/* Of packets that are not shown to anybody here: one large one, or a batch without a selected one */
static __always_inline void send_bare(struct send_hop hop, __u16 queue, __u16 flags)
{
	struct pl_event *e = send_begin(hop, queue);

	if (!e)
		return;
	e->flags |= flags;
	event_end(e);
}

/*
 * One packet of a batch; its frame is in kernel memory, no skb is made yet. Is it selected?
 * Global, so that the verifier looks at it once and not in each round of the loop.
 */
__noinline int send_event(__u64 buff, __u32 hook, __u32 ifindex, __u32 netns, __u32 queue)
{
	struct send_hop hop = { .hook = hook, .ifindex = ifindex, .netns = netns };
	struct xdp_buff *xdp = (void *)buff;
	void *data = READ(PROBED, xdp, data), *end = READ(PROBED, xdp, data_end);
	int selected = FILTER_PASS;
	struct pl_event *e;

	if (cfg_select)
		selected = select_bytes((__u64)data, end - data, end - data, 0, 0);
	if (selected == FILTER_REJECT)
		return false;
	e = send_begin(hop, queue);
	if (!e)
		return true;
	if (selected == FILTER_UNSURE)
		e->flags |= PL_F_UNSURE;
	e->obj = (__u64)data;
	e->len = end - data;
	key_fill(e, (__u64)data, e->len, e->len, 0);
	event_end(e);
	return true;
}

static __always_inline int sendmsg_event(__u8 hook, struct socket *sock, struct msghdr *m)
{
	struct tun_file *tfile;
	struct tun_msg_ctl *ctl;
	struct net_device *dev;
	struct send_hop hop = { .hook = hook };
	__u32 num, stride, i;
	bool any = false;
	__u64 at;
	__u16 type;

	tfile = (void *)sock - bpf_core_field_offset(struct tun_file, socket);
	dev = BPF_CORE_READ(tfile, tun, dev);
	if (!dev)
		return 0;
	dev_of(dev, PROBED, &hop.ifindex, &hop.netns, &type);
	if (!dev_wanted(hop.netns, hop.ifindex, type))
		return 0;
	ctl = READ(PROBED, m, msg_control);
	if (!ctl || READ(PROBED, ctl, type) != TUN_MSG_PTR) {
		/* one large or GSO packet, still in the guest's memory: no bytes to see here */
		send_bare(hop, PL_BATCH(0, 1), cfg_select ? PL_F_UNSURE : 0);
		return 0;
	}
	num = READ(PROBED, ctl, num);
	at = (__u64)READ(PROBED, ctl, ptr);
	stride = bpf_core_type_size(struct xdp_buff);
	for (i = 0; i < TUN_BATCH_MAX && i < num; i++) {
		any |= send_event(at, hop.hook, hop.ifindex, hop.netns, PL_BATCH(i, num));
		at += stride;
	}
	if (!any && num)
		send_bare(hop, PL_BATCH(PL_BATCH_NONE, num), 0);
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
	__u32 ifindex, netns;
	struct pl_event *e;
	__u16 type;

	if (!dev)
		return 0;
	dev_of(dev, direct, &ifindex, &netns, &type);
	if (!dev_wanted(netns, ifindex, type))
		return 0;
	/* whoever writes to a tap and is no vhost worker is a VMM that serves it itself */
	role_learn(current_tid(), PL_ROLE_VMM);
	e = event_begin_at(hook, ifindex, netns);
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
