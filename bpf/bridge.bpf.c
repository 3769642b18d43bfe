// SPDX-License-Identifier: GPL-2.0
/* The bridge: no tracepoint of it carries an skb, so all of it hooks functions */
#include "skb.bpf.h"

/* br_handle_frame gets a pointer to the skb pointer: only memory reads find the skb */
static __always_inline int br_in_event(__u8 hook, struct sk_buff **pskb)
{
	struct sk_buff *skb = NULL;
	struct skb_hop hop = { .hook = hook, .direct = PROBED };

	if (bpf_probe_read_kernel(&skb, sizeof(skb), pskb) || !skb)
		return 0;
	return skb_hop(hop, skb, NULL);
}

/* ctx[0] is refused by the verifier for T **: "type PTR is not a struct" (6.12) */
SEC("fentry/br_handle_frame")
int pl_br_in_fe(void *ctx)
{
	__u64 pskb = 0;

	bpf_get_func_arg(ctx, 0, &pskb);
	return br_in_event(PL_HOOK_br_in_fe, (void *)pskb);
}

SEC("kprobe/br_handle_frame")
int BPF_KPROBE(pl_br_in_kp, struct sk_buff **pskb)
{
	return br_in_event(PL_HOOK_br_in_kp, pskb);
}

SEC("fentry/br_handle_frame_finish")
int BPF_PROG(pl_br_in_finish_fe, void *net, void *sk, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP(br_in_finish_fe, DIRECT, 0), skb, NULL);
}

/* skb->dev is still the port it came in by; the port it leaves by is the argument */
SEC("fentry/__br_forward")
int BPF_PROG(pl_br_forward_fe, struct net_bridge_port *to, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP(br_forward_fe, DIRECT, 0), skb, to->dev);
}

SEC("kprobe/__br_forward")
int BPF_KPROBE(pl_br_forward_kp, struct net_bridge_port *to, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP(br_forward_kp, PROBED, 0), skb, READ(PROBED, to, dev));
}

SEC("fentry/br_dev_queue_push_xmit")
int BPF_PROG(pl_br_push_fe, void *net, void *sk, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP(br_push_fe, DIRECT, 0), skb, NULL);
}

SEC("kprobe/br_dev_queue_push_xmit")
int BPF_KPROBE(pl_br_push_kp, void *net, void *sk, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP(br_push_kp, PROBED, 0), skb, NULL);
}
