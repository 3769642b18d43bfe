/* SPDX-License-Identifier: GPL-2.0 */
/* Events of hops that see an sk_buff */
#ifndef PKTLAP_SKB_BPF_H
#define PKTLAP_SKB_BPF_H

#include "pktlap.bpf.h"
#include "key.bpf.h"

/* How far skb->dev can be trusted at a hop */
enum dev_trust {
	DEV_OF_SKB, /* skb->dev is the device */
	DEV_MAYBE, /* may be something else in the same word: use it to select, never show it */
	DEV_GONE, /* select by the socket's namespace and the device that received the packet */
};

/* Where the event's device comes from, and what is fixed at the hop */
struct skb_hop {
	__u8 hook;
	bool direct;
	enum dev_trust trust;
	__u16 flags;
	bool ip; /* skb->data is not at a link header: parse from the network header */
	struct sock *sk; /* the socket whose packet it is; NULL: of no matter at this hop */
};

static __always_inline __u32 sock_netns(struct sock *sk, bool direct)
{
	struct net *net = READ(direct, sk, __sk_common.skc_net.net);

	return READ(direct, net, ns.inum);
}

/* The low half of a socket's address, less what is the same in all: hidden by the recorder */
static __always_inline __u32 sock_number(const struct sock *sk)
{
	return address_of(sk) >> 6;
}

/* Which socket it was. ports: it has one. Tags have no meaning to a socket, and are not kept */
static __always_inline void sock_mark(struct pl_event *e, struct sock *sk, bool direct, bool ports)
{
	e->vlan = sock_number(sk);
	e->queue = ports ? READ(direct, sk, __sk_common.skc_num) : 0;
	e->flags &= ~(PL_F_VLAN_META | PL_F_VLAN_FRAME);
	e->flags |= PL_F_SOCK;
}

static __always_inline void dev_of(struct net_device *dev, bool direct, __u32 *ifindex,
				   __u32 *netns, __u16 *type)
{
	struct net *net;

	*ifindex = READ(direct, dev, ifindex);
	*type = READ(direct, dev, type);
	net = READ(direct, dev, nd_net.net);
	*netns = READ(direct, net, ns.inum);
}

/* Does the user want this device? lo only when it is named */
static __always_inline bool dev_wanted(__u32 netns, __u32 ifindex, __u16 type)
{
	if (cfg_scoped)
		return scope_has(netns, ifindex);
	return type != ARPHRD_LOOPBACK;
}

/* Reserve an event at this device; NULL: not wanted, or no room */
static __always_inline struct pl_event *event_begin_dev(__u8 hook, struct net_device *dev,
							bool direct)
{
	__u32 ifindex, netns;
	__u16 type;

	dev_of(dev, direct, &ifindex, &netns, &type);
	return dev_wanted(netns, ifindex, type) ? event_begin_at(hook, ifindex, netns) : NULL;
}

/*
 * Select an skb at a hop where skb->dev may be something else. What is read of the device there
 * goes nowhere else.
 */
static __always_inline bool skb_wanted(struct sk_buff *skb, bool direct)
{
	struct net_device *dev;
	__u32 ifindex = 0, netns = 0;
	__u16 type;

	/* netlink and unix skbs, the bulk of what is consumed, never had a MAC header */
	if (READ(direct, skb, mac_header) == MAC_UNSET)
		return false;
	if (!cfg_scoped)
		return true;
	dev = READ(direct, skb, dev);
	if (dev)
		dev_of(dev, direct, &ifindex, &netns, &type);
	return scope_has(netns, ifindex) || scope_has(0, READ(direct, skb, skb_iif));
}

/* Select an skb that a socket has or gets: skb->dev is cleared or overwritten by then */
static __always_inline bool sock_skb_wanted(__u32 netns, struct sk_buff *skb, bool direct)
{
	__u32 iif = READ(direct, skb, skb_iif);

	return cfg_scoped ? scope_has(netns, iif) : iif != LOOPBACK_IFINDEX;
}

/* noinline: clang 14 moves a CO-RE access out of its field_exists guard when it inlines */
static __noinline __u64 vlan_meta_probed(struct sk_buff *skb)
{
	struct sk_buff___6_3 *new = (void *)skb;
	struct sk_buff___before_6_3 *old = (void *)skb;
	__u16 tci;

	if (bpf_core_field_exists(new->vlan_all)) {
		__u32 all = 0;

		bpf_core_read(&all, sizeof(all), &new->vlan_all);
		if (!all)
			return 0;
	} else {
		if (!BPF_CORE_READ_BITFIELD_PROBED(old, vlan_present))
			return 0;
	}
	bpf_core_read(&tci, sizeof(tci), &skb->vlan_tci);
	return 1ULL << 32 | tci;
}

/* Tag in metadata, with bit 32 set when there is one */
static __always_inline __u64 vlan_meta(struct sk_buff *skb, bool direct)
{
	/* a stale protocol with the bit clear (6.1) is rare: the exact answer costs only then */
	if (!READ(direct, skb, vlan_proto) && !READ(direct, skb, vlan_tci))
		return 0;
	return vlan_meta_probed(skb);
}

static __always_inline bool skb_is_gso(unsigned char *head, __u32 end)
{
	struct skb_shared_info *info = (void *)(head + end);
	__u16 size = 0;

	if (cfg_cast) {
		info = cast_to((__u64)info, bpf_core_type_id_kernel(struct skb_shared_info));
		return info->gso_size != 0;
	}
	bpf_core_read(&size, sizeof(size), &info->gso_size);
	return size != 0;
}

/*
 * Is there an Ethernet header at mac? Not on tun, PPP, IP tunnels: there mac_header, when it is set
 * at all, is where the network header is. type 0: the device is not known.
 */
static __always_inline bool has_ethernet(struct sk_buff *skb, bool direct, __u32 mac, __u16 type)
{
	if (mac == MAC_UNSET)
		return false;
	if (type)
		return type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK;
	return mac != READ(direct, skb, network_header);
}

/* Identity, length, tags of the skb into e */
static __always_inline void skb_fill(struct pl_event *e, struct sk_buff *skb, bool direct,
				     __u16 type)
{
	unsigned char *head = READ(direct, skb, head);
	__u32 len = READ(direct, skb, len);
	__u32 data_len = READ(direct, skb, data_len);
	__u32 tail = READ(direct, skb, tail);
	__u32 mac = READ(direct, skb, mac_header);
	__u32 proto = READ(direct, skb, protocol);
	bool l3_only = !has_ethernet(skb, direct, mac, type);
	__u32 start = l3_only ? READ(direct, skb, network_header) : mac;
	__u64 vlan;

	e->obj = (__u64)skb;
	e->head = (__u32)((__u64)head >> 6);
	e->len = len;
	e->queue = READ(direct, skb, queue_mapping);
	if (data_len)
		e->flags |= PL_F_NONLIN;
	if (skb_is_gso(head, READ(direct, skb, end)))
		e->flags |= PL_F_GSO;
	vlan = vlan_meta(skb, direct);
	if (vlan) {
		e->vlan = (__u16)vlan;
		e->flags |= PL_F_VLAN_META;
	}
	if (tail > start)
		key_fill(e, (__u64)head + start, tail - start, tail - start + data_len,
			 l3_only ? proto | KEY_AT_L3 : proto);
}

/*
 * The event of a hop that sees an skb. dev: the device where the hop has it as an argument or
 * where it is not skb->dev; NULL: skb->dev.
 */
static __always_inline int skb_hop(struct skb_hop hop, struct sk_buff *skb,
				   struct net_device *dev)
{
	__u32 ifindex = 0, netns = 0;
	struct pl_event *e;
	__u16 type = 0;

	if (hop.trust == DEV_OF_SKB) {
		if (!dev)
			dev = READ(hop.direct, skb, dev);
		if (!dev)
			return 0;
		dev_of(dev, hop.direct, &ifindex, &netns, &type);
		if (!dev_wanted(netns, ifindex, type))
			return 0;
	} else if (hop.trust == DEV_GONE) {
		netns = sock_netns(hop.sk, hop.direct);
		if (!sock_skb_wanted(netns, skb, hop.direct))
			return 0;
	} else if (!skb_wanted(skb, hop.direct)) {
		return 0;
	}
	e = event_begin_at(hop.hook, ifindex, netns);
	if (!e)
		return 0;
	e->flags |= hop.flags;
	skb_fill(e, skb, hop.direct, hop.ip ? ARPHRD_NONE : type);
	if (hop.sk)
		sock_mark(e, hop.sk, hop.direct,
			  e->proto == IPPROTO_TCP || e->proto == IPPROTO_UDP);
	event_end(e);
	return 0;
}

/* The plain case: both kinds of program, tp_btf or fentry and their probed fallback */
#define SKB_HOP(name, how, fl) \
	((struct skb_hop){ .hook = PL_HOOK_##name, .direct = how, .flags = fl })
#define SKB_HOP_IP(name, how) \
	((struct skb_hop){ .hook = PL_HOOK_##name, .direct = how, .ip = true })
#define SKB_HOP_SOCK(name, how, socket) \
	((struct skb_hop){ .hook = PL_HOOK_##name, .direct = how, .trust = DEV_GONE, .ip = true, .sk = socket })
#define SKB_HOP_LOOSE(name, how) \
	((struct skb_hop){ .hook = PL_HOOK_##name, .direct = how, .trust = DEV_MAYBE })

#endif
