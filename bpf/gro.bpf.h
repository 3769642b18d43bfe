/* SPDX-License-Identifier: GPL-2.0 */
/* The headers of a packet where GRO reads them; a test gives it packets of its own */
#ifndef PKTLAP_GRO_BPF_H
#define PKTLAP_GRO_BPF_H

#include "skb.bpf.h"

/*
 * Drivers with page buffers may leave all but the Ethernet header in a fragment (virtio_net does so
 * with full-sized frames): nic:gro cannot read the headers then, nor decide by them, and GRO itself
 * reads them at frag0, where dev_gro_receive() is called with skb->data at the network header.
 */
static __always_inline int gro_look(__u8 hook, struct sk_buff *skb, bool direct)
{
	struct napi_gro_cb *cb = (void *)skb + bpf_core_field_offset(struct sk_buff, cb);
	__u32 len = READ(direct, skb, len), proto, linear, ifindex, netns;
	int selected = FILTER_PASS;
	struct net_device *dev;
	struct pl_event *e;
	void *frag0;
	__u16 type;

	if (len != READ(direct, skb, data_len))
		return 0;
	frag0 = READ(PROBED, cb, frag0);
	dev = READ(direct, skb, dev);
	if (!frag0 || !dev)
		return 0;
	dev_of(dev, direct, &ifindex, &netns, &type);
	/* nic:gro may have seen enough of it to know that it is none of those that are looked at */
	if (!dev_wanted(netns, ifindex, type) || !select_gro_was())
		return 0;
	linear = READ(PROBED, cb, frag0_len);
	proto = READ(direct, skb, protocol) | KEY_AT_L3;
	if (cfg_select)
		selected = select_bytes((__u64)frag0, linear, len, proto, skb_tag(skb));
	if (selected == FILTER_REJECT) {
		select_note_gro(false);
		return 0;
	}
	e = event_begin_at(hook, ifindex, netns);
	if (!e)
		return 0;
	e->obj = (__u64)skb;
	e->head = (__u32)((__u64)READ(direct, skb, head) >> 6);
	e->len = len;
	e->flags |= PL_F_NONLIN | (selected == FILTER_UNSURE ? PL_F_UNSURE : 0);
	key_fill(e, (__u64)frag0, linear, len, proto);
	event_end(e);
	return 0;
}

#endif
