/* SPDX-License-Identifier: GPL-2.0 */
/* Events of hops that see a socket and no packet */
#ifndef PKTLAP_SOCK_BPF_H
#define PKTLAP_SOCK_BPF_H

#include "skb.bpf.h"

#define AF_INET	    2
#define AF_INET6    10
#define SOCK_STREAM 1
#define SOCK_DGRAM  2
#define SOCK_RAW    3

static __always_inline bool sock_is_inet(struct sock *sk, bool direct)
{
	__u16 family = READ(direct, sk, __sk_common.skc_family);

	return family == AF_INET || family == AF_INET6;
}

/* Not a raw one, which has a protocol too */
static __always_inline bool sock_is_tcp(struct sock *sk, bool direct)
{
	return READ(direct, sk, sk_protocol) == IPPROTO_TCP &&
	       READ(direct, sk, sk_type) == SOCK_STREAM && sock_is_inet(sk, direct);
}

/* In a namespace that the user wants something of */
static __always_inline bool sock_in_scope(struct sock *sk, bool direct)
{
	return !cfg_scoped || scope_has(sock_netns(sk, direct), 0);
}

/* A socket of IP that the user wants to know of */
static __always_inline bool sock_wanted(struct sock *sk, bool direct)
{
	return sock_is_inet(sk, direct) && sock_in_scope(sk, direct);
}

/* An IPv6 socket that talks IPv4: ::ffff:a.b.c.d */
static __always_inline bool addr_is_mapped(const struct in6_addr *a)
{
	return !a->in6_u.u6_addr32[0] && !a->in6_u.u6_addr32[1] &&
	       a->in6_u.u6_addr32[2] == bpf_htonl(0xffff);
}

static __always_inline __u64 addr_word(const struct in6_addr *a, int i)
{
	return (__u64)a->in6_u.u6_addr32[2 * i + 1] << 32 | a->in6_u.u6_addr32[2 * i];
}

/*
 * The flow of the packets that a connected socket sends, or receives: what key_fill() makes of
 * their headers. 0: not connected.
 */
static __always_inline __u32 sock_flow(struct sock *sk, __u8 proto, bool sends)
{
	struct in6_addr far6, near6, *s6 = sends ? &near6 : &far6, *d6 = sends ? &far6 : &near6;
	__be32 far = READ(PROBED, sk, __sk_common.skc_daddr);
	__be32 near = READ(PROBED, sk, __sk_common.skc_rcv_saddr);
	__u64 far_port = READ(PROBED, sk, __sk_common.skc_dport);
	__u64 near_port = bpf_htons(READ(PROBED, sk, __sk_common.skc_num));
	__u64 flow;

	if (!far_port)
		return 0;
	far6 = READ(PROBED, sk, __sk_common.skc_v6_daddr);
	near6 = READ(PROBED, sk, __sk_common.skc_v6_rcv_saddr);
	if (READ(PROBED, sk, __sk_common.skc_family) == AF_INET || addr_is_mapped(&far6)) {
		flow = mix(mix(proto, sends ? near : far), sends ? far : near);
	} else {
		flow = mix(mix(0, addr_word(s6, 0)), addr_word(s6, 1));
		flow = mix(mix(flow, addr_word(d6, 0)), addr_word(d6, 1));
		flow = mix(flow, proto);
	}
	flow = mix(flow, sends ? near_port << 16 | far_port : far_port << 16 | near_port);
	return (__u32)(flow ^ flow >> 32);
}

/* Local and remote port: a socket that is made where another one was has others */
static __always_inline __u32 sock_ports(struct sock *sk)
{
	return (__u32)READ(PROBED, sk, __sk_common.skc_num) << 16 |
	       READ(PROBED, sk, __sk_common.skc_dport);
}

/* What is known of a socket; NULL: nothing */
static __always_inline struct pl_sock *sock_known(struct sock *sk)
{
	__u64 addr = address_of(sk);
	struct pl_sock *known = bpf_map_lookup_elem(&socks, &addr);

	return known && known->ports == sock_ports(sk) ? known : NULL;
}

/* The same, made when there is none; NULL: no room */
static __always_inline struct pl_sock *sock_know(struct sock *sk)
{
	struct pl_sock fresh = { .ports = sock_ports(sk) }, *known = sock_known(sk);
	__u64 addr = address_of(sk);

	if (known)
		return known;
	bpf_map_update_elem(&socks, &addr, &fresh, BPF_ANY);
	return bpf_map_lookup_elem(&socks, &addr);
}

/* Was a selected packet ever given to this socket? */
static __always_inline bool sock_takes(struct sock *sk)
{
	struct pl_sock *known;

	if (!cfg_select)
		return true;
	known = sock_known(sk);
	return known && known->takes;
}

/*
 * May what is written to this TCP socket be sent in a selected packet? Yes, until it has sent data
 * and none was selected: a filter of addresses and ports, and the sample of TCP, go by flow.
 */
static __always_inline bool sock_sends(struct sock *sk)
{
	struct pl_sock *known;

	if (!cfg_select)
		return true;
	known = sock_known(sk);
	return !known || known->sends || !known->others;
}

/* A packet is put into the socket's queue; yes: it is selected */
static __always_inline void sock_note_queue(struct sock *sk, bool yes)
{
	struct pl_sock *known;

	if (!cfg_select)
		return;
	select_note_queue(address_of(sk), yes);
	known = yes ? sock_know(sk) : NULL;
	if (known)
		known->takes = 1;
}

/*
 * Reserve an event about a socket that is wanted; NULL: no room. obj and vlan say which socket,
 * netns tells connections with the same addresses and ports apart.
 */
static __always_inline struct pl_event *sock_begin(__u8 hook, struct sock *sk, bool direct)
{
	struct pl_event *e = event_begin_at(hook, 0, sock_netns(sk, direct));

	if (!e)
		return NULL;
	e->obj = (__u64)sk;
	/* a raw socket has its protocol in place of a port */
	sock_mark(e, sk, direct, READ(direct, sk, sk_type) != SOCK_RAW);
	return e;
}

/*
 * Copy of a TCP socket's bytes to its reader: not the skb, which may hold several segments or a part
 * of one that was read before, but the range that is copied. copied_seq moves only afterwards.
 */
static __always_inline int tcp_copy_event(__u8 hook, struct sock *sk, struct sk_buff *skb, int len)
{
	struct pl_event *e;

	if (!cfg_scoped && READ(PROBED, skb, skb_iif) == LOOPBACK_IFINDEX)
		return 0;
	/* by socket: the skb's headers are those of the first packet in it only */
	if (!sock_in_scope(sk, PROBED) || !sock_takes(sk))
		return 0;
	e = sock_begin(hook, sk, PROBED);
	if (!e)
		return 0;
	e->obj = (__u64)skb;
	e->proto = IPPROTO_TCP;
	e->arg = sock_flow(sk, IPPROTO_TCP, false);
	e->key = READ(PROBED, (struct tcp_sock *)sk, copied_seq);
	e->pay = e->len = len;
	e->flags |= PL_F_KEY;
	event_end(e);
	return 0;
}

#endif
