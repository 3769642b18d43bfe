// SPDX-License-Identifier: GPL-2.0
/* Any device's way out: queue, qdisc, driver's transmit; and the ends of an skb */
#include "sock.bpf.h"

/* a bulk dequeue takes at most 8 packets (net/sched/sch_generic.c: by BQL's limit, usually fewer) */
#define BULK_MAX 8

static __always_inline int queue_event(__u8 hook, bool direct, struct sk_buff *skb)
{
	/* skb_iif 0: no device has received it, so a local socket made it */
	__u16 flags = READ(direct, skb, skb_iif) ? 0 : PL_F_LOCAL | PL_F_ENTRY;
	struct skb_hop hop = { .hook = hook, .direct = direct, .flags = flags };
	bool yes = skb_event(hop, skb, NULL);

	if (cfg_select && flags)
		sends_out(address_of(skb), address_of(READ(direct, skb, sk)), yes);
	return 0;
}

SEC("tp_btf/net_dev_queue")
int BPF_PROG(pl_dev_queue_tp, struct sk_buff *skb)
{
	return queue_event(PL_HOOK_dev_queue_tp, DIRECT, skb);
}

SEC("raw_tp/net_dev_queue")
int BPF_PROG(pl_dev_queue_raw, struct sk_buff *skb)
{
	return queue_event(PL_HOOK_dev_queue_raw, PROBED, skb);
}

SEC("tp_btf/qdisc_enqueue")
int BPF_PROG(pl_qdisc_enqueue, void *q, void *txq, struct sk_buff *skb)
{
	if (!skb)
		return 0;
	return skb_hop(SKB_HOP(qdisc_enqueue, DIRECT, 0), skb, NULL);
}

SEC("raw_tp/qdisc_enqueue")
int BPF_PROG(pl_qdisc_enqueue_raw, void *q, void *txq, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP(qdisc_enqueue_raw, PROBED, 0), skb, NULL);
}

/* Global, so that the verifier looks at it once and not in each round of the loop */
__noinline int dequeue_event(__u64 skb, __u8 hook)
{
	struct skb_hop hop = { .hook = hook, .direct = PROBED };

	return skb_hop(hop, (void *)skb, NULL);
}

/*
 * The same by plain loads, which a global function cannot make. Not in place: 6.1's verifier counts
 * the stack of all that a program calls, also where the call is dead.
 */
static __noinline int dequeue_direct(struct sk_buff *skb)
{
	return skb_hop(SKB_HOP(qdisc_dequeue, DIRECT, 0), skb, NULL);
}

/* The packets of a bulk that come after skb */
static __always_inline int dequeue_rest(__u8 hook, struct sk_buff *skb, int packets)
{
	int i;

	for (i = 1; i < BULK_MAX; i++) {
		if (packets <= i)
			break;
		skb = READ(PROBED, skb, next);
		if (!skb)
			break;
		dequeue_event((__u64)skb, hook);
	}
	return 0;
}

/*
 * skb is NULL when nothing is due (still with packets = 1), and the verifier of 6.12 and newer
 * wants to see it checked. A bulk hangs on skb->next.
 */
SEC("tp_btf/qdisc_dequeue")
int BPF_PROG(pl_qdisc_dequeue, void *q, void *txq, int packets, struct sk_buff *skb)
{
	if (!skb)
		return 0;
	dequeue_direct(skb);
	return dequeue_rest(PL_HOOK_qdisc_dequeue, skb, packets);
}

SEC("raw_tp/qdisc_dequeue")
int BPF_PROG(pl_qdisc_dequeue_raw, void *q, void *txq, int packets, struct sk_buff *skb)
{
	if (!skb)
		return 0;
	dequeue_event((__u64)skb, PL_HOOK_qdisc_dequeue_raw);
	return dequeue_rest(PL_HOOK_qdisc_dequeue_raw, skb, packets);
}

/* The driver's transmit may wake a worker: select_note_xmit() is for vhost:wake */
static __always_inline int xmit_event(struct skb_hop hop, struct sk_buff *skb,
				      struct net_device *dev)
{
	select_note_xmit(skb_event(hop, skb, dev));
	return 0;
}

SEC("tp_btf/net_dev_start_xmit")
int BPF_PROG(pl_start_xmit, struct sk_buff *skb, struct net_device *dev)
{
	return xmit_event(SKB_HOP(start_xmit, DIRECT, 0), skb, dev);
}

SEC("raw_tp/net_dev_start_xmit")
int BPF_PROG(pl_start_xmit_raw, struct sk_buff *skb, struct net_device *dev)
{
	return xmit_event(SKB_HOP(start_xmit_raw, PROBED, 0), skb, dev);
}

/*
 * A VMM that reads its tap itself tells the guest of what it read last: of a packet that is not
 * selected there is an event without a packet, so that its interrupt is nobody else's.
 */
static __always_inline void read_other(__u8 hook)
{
	const struct pl_role *role = role_of(current_tid());

	if (role && role->kind == PL_ROLE_VMM)
		event_context(hook, NULL, NULL, 0, 0);
}

static __always_inline int copy_event(struct skb_hop hop, struct sk_buff *skb, int len)
{
	struct sock *sk = READ(hop.direct, skb, sk);

	/* a tap's packets have none any more (skb_orphan() in tun_net_xmit()) */
	if (sk && sock_is_tcp(sk, hop.direct))
		return tcp_copy_event(hop.hook, sk, skb, len);
	if (!skb_event(hop, skb, NULL) && cfg_select)
		read_other(hop.hook);
	return 0;
}

SEC("tp_btf/skb_copy_datagram_iovec")
int BPF_PROG(pl_skb_copy_tp, struct sk_buff *skb, int len)
{
	return copy_event(SKB_HOP_LOOSE(skb_copy_tp, DIRECT), skb, len);
}

SEC("raw_tp/skb_copy_datagram_iovec")
int BPF_PROG(pl_skb_copy_raw, struct sk_buff *skb, int len)
{
	return copy_event(SKB_HOP_LOOSE(skb_copy_raw, PROBED), skb, len);
}

SEC("tp_btf/consume_skb")
int BPF_PROG(pl_consume_skb, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP_FREE(consume_skb, DIRECT), skb, NULL);
}

SEC("raw_tp/consume_skb")
int BPF_PROG(pl_consume_skb_raw, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP_FREE(consume_skb_raw, PROBED), skb, NULL);
}

static __always_inline int drop_event(struct skb_hop hop, struct sk_buff *skb, void *place,
				      __u32 reason)
{
	struct skb_look at = {};
	struct pl_event *e;

	if (!skb_wanted(hop, skb, NULL, &at))
		return 0;
	e = skb_begin(hop, skb, &at);
	if (e) {
		e->arg = reason;
		/* text and modules lie within 2 GiB of each other (x86, arm64): 32 bits of distance
		 * do, and say nothing about where the kernel is */
		e->vlan = (__u32)((__u64)place - cfg_stext);
		e->flags &= ~(PL_F_VLAN_META | PL_F_VLAN_FRAME);
		event_end(e);
	}
	follow_end(address_of(skb));
	return 0;
}

/* reason: from 5.17 on (commit c504e5c2f964); numbers differ by kernel, names come from its BTF */
SEC("tp_btf/kfree_skb")
int BPF_PROG(pl_kfree_skb, struct sk_buff *skb, void *place, unsigned int reason)
{
	return drop_event(SKB_HOP_FREE(kfree_skb, DIRECT), skb, place, reason);
}

SEC("raw_tp/kfree_skb")
int BPF_PROG(pl_kfree_skb_raw, struct sk_buff *skb, void *place, unsigned int reason)
{
	return drop_event(SKB_HOP_FREE(kfree_skb_raw, PROBED), skb, place, reason);
}
