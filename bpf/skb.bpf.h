/* SPDX-License-Identifier: GPL-2.0 */
/* Events of hops that see an sk_buff */
#ifndef PKTLAP_SKB_BPF_H
#define PKTLAP_SKB_BPF_H

#include "key.bpf.h"
#include "select.bpf.h"
#include "skb_read.bpf.h"

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
	bool ends; /* the skb is freed */
	bool born; /* the skb is new: what was known of one at its address is over */
	bool ip; /* skb->data is not at a link header: parse from the network header */
	bool out; /* ip: the link header is not made yet; what is in its place is another one */
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
static __always_inline enum pl_scope dev_scope(__u32 netns, __u32 ifindex, __u16 type)
{
	if (cfg_scoped)
		return scope_of(netns, ifindex);
	return type != ARPHRD_LOOPBACK ? PL_SCOPE_YES : PL_SCOPE_NO;
}

static __always_inline bool dev_wanted(__u32 netns, __u32 ifindex, __u16 type)
{
	return dev_scope(netns, ifindex, type) == PL_SCOPE_YES;
}

/*
 * Select an skb at a hop where skb->dev may be something else. What is read of the device there
 * goes nowhere else.
 */
static __always_inline enum pl_scope skb_scope(struct sk_buff *skb, bool direct)
{
	enum pl_scope at_dev;
	struct net_device *dev;
	__u32 ifindex = 0, netns = 0;
	__u16 type;

	/* netlink and unix skbs, the bulk of what is consumed, never had a MAC header */
	if (READ(direct, skb, mac_header) == MAC_UNSET)
		return PL_SCOPE_NO;
	if (!cfg_scoped)
		return PL_SCOPE_YES;
	dev = READ(direct, skb, dev);
	if (dev)
		dev_of(dev, direct, &ifindex, &netns, &type);
	at_dev = scope_of(netns, ifindex);
	if (at_dev == PL_SCOPE_YES)
		return PL_SCOPE_YES;
	/* a device of that number came before; another namespace may have one, too */
	return at_dev || scope_of(0, READ(direct, skb, skb_iif)) ? PL_SCOPE_UP : PL_SCOPE_NO;
}

/* Select an skb that a socket has or gets: skb->dev is cleared or overwritten by then */
static __always_inline enum pl_scope sock_skb_scope(__u32 netns, struct sk_buff *skb, bool direct)
{
	__u32 iif = READ(direct, skb, skb_iif);

	if (cfg_scoped)
		return scope_of(netns, iif);
	return iif != LOOPBACK_IFINDEX ? PL_SCOPE_YES : PL_SCOPE_NO;
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

/* Identity, length, tags of the skb into e; selected: the answer of select_skb() */
static __always_inline void skb_fill(struct pl_event *e, struct sk_buff *skb, bool direct,
				     __u16 type, int selected)
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
	if (selected == FILTER_UNSURE)
		e->flags |= PL_F_UNSURE;
	if (selected == SELECT_FOLLOWED)
		follow_fill(e, address_of(skb), type);
	else if (tail > start)
		key_fill(e, (__u64)head + start, tail - start, tail - start + data_len,
			 l3_only ? proto | KEY_AT_L3 : proto);
}

/* argument "how" of select_skb() */
static __always_inline __u32 select_how(struct skb_hop hop, __u16 type)
{
	__u32 how = (hop.born ? SELECT_BORN : 0) | (hop.ends ? SELECT_ENDS : 0);

	if (!hop.ip)
		return how | type;
	return how | ARPHRD_NONE | (hop.out ? 0 : SELECT_IN);
}

/* What is known of an skb before there is an event of it */
struct skb_look {
	__u32 ifindex, netns; /* 0: not known at this hop */
	__u16 type; /* of the device; 0: not known */
	enum pl_scope scope;
	int selected; /* the answer of select_skb() */
};

/*
 * Is the packet one of those that are looked at? dev: the device where the hop has it as an argument
 * or where it is not skb->dev; NULL: skb->dev.
 */
static __always_inline bool skb_wanted(struct skb_hop hop, struct sk_buff *skb,
				       struct net_device *dev, struct skb_look *at)
{
	if (hop.trust == DEV_OF_SKB) {
		if (!dev)
			dev = READ(hop.direct, skb, dev);
		if (!dev)
			return false;
		dev_of(dev, hop.direct, &at->ifindex, &at->netns, &at->type);
		at->scope = dev_scope(at->netns, at->ifindex, at->type);
	} else if (hop.trust == DEV_GONE) {
		at->netns = sock_netns(hop.sk, hop.direct);
		at->scope = sock_skb_scope(at->netns, skb, hop.direct);
	} else {
		at->scope = skb_scope(skb, hop.direct);
	}
	/* what this host sends out over such a device has come in nowhere */
	if (!at->scope || (at->scope == PL_SCOPE_UP && !READ(hop.direct, skb, skb_iif)))
		return false;
	at->selected = FILTER_PASS;
	if (cfg_select)
		at->selected = select_skb(address_of(skb), select_how(hop, at->type));
	return at->selected != FILTER_REJECT;
}

/* Its event, begun, with all that is of the skb; NULL: no room */
static __always_inline struct pl_event *skb_begin(struct skb_hop hop, struct sk_buff *skb,
						  const struct skb_look *at)
{
	struct pl_event *e = event_begin_at(hop.hook, at->ifindex, at->netns);

	if (!e)
		return NULL;
	e->flags |= hop.flags | (at->scope == PL_SCOPE_UP ? PL_F_KNOWN : 0);
	skb_fill(e, skb, hop.direct, hop.ip ? ARPHRD_NONE : at->type, at->selected);
	return e;
}

/* The event of a hop that sees an skb. Is the packet one of those that are looked at? */
static __always_inline bool skb_event(struct skb_hop hop, struct sk_buff *skb,
				      struct net_device *dev)
{
	struct skb_look at = {};
	struct pl_event *e;

	if (!skb_wanted(hop, skb, dev, &at))
		return false;
	e = skb_begin(hop, skb, &at);
	if (e) {
		if (hop.sk)
			sock_mark(e, hop.sk, hop.direct,
				  e->proto == IPPROTO_TCP || e->proto == IPPROTO_UDP);
		event_end(e);
	}
	if (hop.ends)
		follow_end(address_of(skb));
	return true;
}

static __always_inline int skb_hop(struct skb_hop hop, struct sk_buff *skb,
				   struct net_device *dev)
{
	skb_event(hop, skb, dev);
	return 0;
}

/* The plain case: both kinds of program, tp_btf or fentry and their probed fallback */
#define SKB_HOP(name, how, fl) \
	((struct skb_hop){ .hook = PL_HOOK_##name, .direct = how, .flags = fl })
#define SKB_HOP_ENTRY(name, how) \
	((struct skb_hop){ .hook = PL_HOOK_##name, .direct = how, .flags = PL_F_ENTRY, .born = true })
#define SKB_HOP_IP(name, how) \
	((struct skb_hop){ .hook = PL_HOOK_##name, .direct = how, .ip = true })
#define SKB_HOP_SOCK(name, how, socket) \
	((struct skb_hop){ .hook = PL_HOOK_##name, .direct = how, .trust = DEV_GONE, .ip = true, .sk = socket })
#define SKB_HOP_LOOSE(name, how) \
	((struct skb_hop){ .hook = PL_HOOK_##name, .direct = how, .trust = DEV_MAYBE })
#define SKB_HOP_FREE(name, how) \
	((struct skb_hop){ .hook = PL_HOOK_##name, .direct = how, .trust = DEV_MAYBE, .ends = true })

#endif
