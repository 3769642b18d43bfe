// SPDX-License-Identifier: GPL-2.0
/*
 * The IP layer. ip_rcv_core() and not ip_rcv(): what comes out of GRO in a list has no call of the
 * latter (ip_list_rcv()). skb->data is at the network header or beyond in all of these.
 */
#include "sock.bpf.h"

SEC("fentry/ip_rcv_core")
int BPF_PROG(pl_ip_rcv_fe, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP_IP(ip_rcv_fe, DIRECT), skb, NULL);
}

SEC("kprobe/ip_rcv_core")
int BPF_KPROBE(pl_ip_rcv_kp, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP_IP(ip_rcv_kp, PROBED), skb, NULL);
}

SEC("fentry/ip6_rcv_core")
int BPF_PROG(pl_ip6_rcv_fe, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP_IP(ip6_rcv_fe, DIRECT), skb, NULL);
}

SEC("kprobe/ip6_rcv_core")
int BPF_KPROBE(pl_ip6_rcv_kp, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP_IP(ip6_rcv_kp, PROBED), skb, NULL);
}

SEC("fentry/ip_protocol_deliver_rcu")
int BPF_PROG(pl_ip_deliver_fe, void *net, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP_IP(ip_deliver_fe, DIRECT), skb, NULL);
}

SEC("kprobe/ip_protocol_deliver_rcu")
int BPF_KPROBE(pl_ip_deliver_kp, void *net, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP_IP(ip_deliver_kp, PROBED), skb, NULL);
}

SEC("fentry/ip6_protocol_deliver_rcu")
int BPF_PROG(pl_ip6_deliver_fe, void *net, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP_IP(ip6_deliver_fe, DIRECT), skb, NULL);
}

SEC("kprobe/ip6_protocol_deliver_rcu")
int BPF_KPROBE(pl_ip6_deliver_kp, void *net, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP_IP(ip6_deliver_kp, PROBED), skb, NULL);
}

/* The device is the route's, and the socket the sender's, when a socket of this host sends it */
static __always_inline int out_event(__u8 hook, bool direct, struct sock *sk, struct sk_buff *skb)
{
	struct skb_hop hop = { .hook = hook, .direct = direct, .ip = true, .out = true };
	bool yes;

	if (!READ(direct, skb, skb_iif)) {
		hop.flags = PL_F_LOCAL;
		hop.born = true;
		hop.sk = sk;
	}
	yes = skb_event(hop, skb, NULL);
	if (cfg_select && hop.sk)
		sends_out(address_of(skb), address_of(sk), yes);
	return 0;
}

SEC("fentry/ip_finish_output2")
int BPF_PROG(pl_ip_out_fe, void *net, struct sock *sk, struct sk_buff *skb)
{
	return out_event(PL_HOOK_ip_out_fe, DIRECT, sk, skb);
}

SEC("kprobe/ip_finish_output2")
int BPF_KPROBE(pl_ip_out_kp, void *net, struct sock *sk, struct sk_buff *skb)
{
	return out_event(PL_HOOK_ip_out_kp, PROBED, sk, skb);
}

SEC("fentry/ip6_finish_output2")
int BPF_PROG(pl_ip6_out_fe, void *net, struct sock *sk, struct sk_buff *skb)
{
	return out_event(PL_HOOK_ip6_out_fe, DIRECT, sk, skb);
}

SEC("kprobe/ip6_finish_output2")
int BPF_KPROBE(pl_ip6_out_kp, void *net, struct sock *sk, struct sk_buff *skb)
{
	return out_event(PL_HOOK_ip6_out_kp, PROBED, sk, skb);
}
