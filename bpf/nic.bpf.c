// SPDX-License-Identifier: GPL-2.0
/* From the device's interrupt to the stack: irq, softirq, NAPI, GRO, netif_receive_skb */
#include "gro.bpf.h"

/* include/linux/netdevice.h, enum gro_result: these two mean that the skb is gone, silently */
#define GRO_MERGED	0
#define GRO_MERGED_FREE 1

static __always_inline int irq_event(__u8 hook, __u32 irq)
{
	const struct pl_irq_dev *dev = bpf_map_lookup_elem(&irqs, &irq);
	struct pl_event *e;

	if (!dev || !dev->ifindex)
		return 0;
	e = event_begin_at(hook, dev->ifindex, dev->netns);
	if (!e)
		return 0;
	e->arg = irq;
	event_end(e);
	return 0;
}

SEC("tp_btf/irq_handler_entry")
int BPF_PROG(pl_irq_entry, int irq)
{
	return irq_event(PL_HOOK_irq_entry, irq);
}

SEC("raw_tp/irq_handler_entry")
int BPF_PROG(pl_irq_entry_raw, int irq)
{
	return irq_event(PL_HOOK_irq_entry_raw, irq);
}

static __always_inline int softirq_event(__u8 hook, unsigned int vec)
{
	return vec == NET_RX_SOFTIRQ ? event_context(hook, NULL, NULL, vec, 0) : 0;
}

SEC("tp_btf/softirq_raise")
int BPF_PROG(pl_softirq_raise, unsigned int vec)
{
	return softirq_event(PL_HOOK_softirq_raise, vec);
}

SEC("raw_tp/softirq_raise")
int BPF_PROG(pl_softirq_raise_raw, unsigned int vec)
{
	return softirq_event(PL_HOOK_softirq_raise_raw, vec);
}

SEC("tp_btf/softirq_entry")
int BPF_PROG(pl_softirq_entry, unsigned int vec)
{
	return softirq_event(PL_HOOK_softirq_entry, vec);
}

SEC("raw_tp/softirq_entry")
int BPF_PROG(pl_softirq_entry_raw, unsigned int vec)
{
	return softirq_event(PL_HOOK_softirq_entry_raw, vec);
}

static __always_inline int napi_event(__u8 hook, struct napi_struct *napi, __u32 work,
				      bool direct)
{
	struct net_device *dev = READ(direct, napi, dev);
	__u32 ifindex, netns;
	struct pl_event *e;
	__u16 type;

	/* the backlog's NAPI has no device, GRO cells and threaded ones may have a dummy */
	if (!dev)
		return 0;
	dev_of(dev, direct, &ifindex, &netns, &type);
	if (!ifindex || !dev_wanted(netns, ifindex, type))
		return 0;
	e = event_begin_at(hook, ifindex, netns);
	if (!e)
		return 0;
	e->obj = (__u64)napi;
	e->len = work;
	event_end(e);
	return 0;
}

SEC("fentry/__napi_poll")
int BPF_PROG(pl_napi_poll_fe, struct napi_struct *napi)
{
	return napi_event(PL_HOOK_napi_poll_fe, napi, 0, DIRECT);
}

SEC("kprobe/__napi_poll")
int BPF_KPROBE(pl_napi_poll_kp, struct napi_struct *napi)
{
	return napi_event(PL_HOOK_napi_poll_kp, napi, 0, PROBED);
}

/* PREEMPT_RT kernels of Debian: only this copy exists, and BTF does not have it */
SEC("kprobe/__napi_poll.constprop.0")
int BPF_KPROBE(pl_napi_poll_cp, struct napi_struct *napi)
{
	return napi_event(PL_HOOK_napi_poll_cp, napi, 0, PROBED);
}

/* the tracepoint is the END of a poll */
SEC("tp_btf/napi_poll")
int BPF_PROG(pl_napi_polled, struct napi_struct *napi, int work)
{
	return napi_event(PL_HOOK_napi_polled, napi, work, DIRECT);
}

SEC("raw_tp/napi_poll")
int BPF_PROG(pl_napi_polled_raw, struct napi_struct *napi, int work)
{
	return napi_event(PL_HOOK_napi_polled_raw, napi, work, PROBED);
}

/* What GRO makes of it (gro_exit()) comes before the next packet on this CPU */
static __always_inline int gro_event(struct skb_hop hop, struct sk_buff *skb)
{
	select_note_gro(skb_event(hop, skb, NULL));
	return 0;
}

SEC("tp_btf/napi_gro_receive_entry")
int BPF_PROG(pl_napi_gro, struct sk_buff *skb)
{
	return gro_event(SKB_HOP_ENTRY(napi_gro, DIRECT), skb);
}

SEC("raw_tp/napi_gro_receive_entry")
int BPF_PROG(pl_napi_gro_raw, struct sk_buff *skb)
{
	return gro_event(SKB_HOP_ENTRY(napi_gro_raw, PROBED), skb);
}

SEC("tp_btf/napi_gro_frags_entry")
int BPF_PROG(pl_napi_gro_frags, struct sk_buff *skb)
{
	return gro_event(SKB_HOP_ENTRY(napi_gro_frags, DIRECT), skb);
}

SEC("raw_tp/napi_gro_frags_entry")
int BPF_PROG(pl_napi_gro_frags_raw, struct sk_buff *skb)
{
	return gro_event(SKB_HOP_ENTRY(napi_gro_frags_raw, PROBED), skb);
}

/* arg0 is a napi_struct, in 6.18 a gro_node: not looked at */
SEC("fentry/dev_gro_receive")
int BPF_PROG(pl_dev_gro_receive_fe, void *napi, struct sk_buff *skb)
{
	return gro_look(PL_HOOK_dev_gro_receive_fe, skb, DIRECT);
}

SEC("kprobe/dev_gro_receive")
int BPF_KPROBE(pl_dev_gro_receive_kp, void *napi, struct sk_buff *skb)
{
	return gro_look(PL_HOOK_dev_gro_receive_kp, skb, PROBED);
}

static __always_inline int gro_exit(__u8 hook, int result)
{
	if ((result != GRO_MERGED && result != GRO_MERGED_FREE) || !select_gro_was())
		return 0;
	return event_context(hook, NULL, NULL, result, 0);
}

SEC("tp_btf/napi_gro_receive_exit")
int BPF_PROG(pl_napi_gro_exit, int result)
{
	return gro_exit(PL_HOOK_napi_gro_exit, result);
}

SEC("raw_tp/napi_gro_receive_exit")
int BPF_PROG(pl_napi_gro_exit_raw, int result)
{
	return gro_exit(PL_HOOK_napi_gro_exit_raw, result);
}

/*
 * A veth's packet comes from the device at its other end. Where devices were named, that one may
 * not be among them: then this is the first hop of the packet's way that is looked at.
 */
static __always_inline __u16 rxback_flags(void)
{
	return cfg_scoped ? PL_F_ENTRY : 0;
}

SEC("tp_btf/netif_rx")
int BPF_PROG(pl_netif_rx, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP(netif_rx, DIRECT, rxback_flags()), skb, NULL);
}

SEC("raw_tp/netif_rx")
int BPF_PROG(pl_netif_rx_raw, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP(netif_rx_raw, PROBED, rxback_flags()), skb, NULL);
}

SEC("tp_btf/netif_receive_skb_entry")
int BPF_PROG(pl_receive_skb_entry, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP_ENTRY(receive_skb_entry, DIRECT), skb, NULL);
}

SEC("raw_tp/netif_receive_skb_entry")
int BPF_PROG(pl_receive_skb_entry_raw, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP_ENTRY(receive_skb_entry_raw, PROBED), skb, NULL);
}

SEC("tp_btf/netif_receive_skb")
int BPF_PROG(pl_receive_skb, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP(receive_skb, DIRECT, 0), skb, NULL);
}

SEC("raw_tp/netif_receive_skb")
int BPF_PROG(pl_receive_skb_raw, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP(receive_skb_raw, PROBED, 0), skb, NULL);
}
