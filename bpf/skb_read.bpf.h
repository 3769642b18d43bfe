/* SPDX-License-Identifier: GPL-2.0 */
/* What is read of an sk_buff, where it needs more than a load */
#ifndef PKTLAP_SKB_READ_BPF_H
#define PKTLAP_SKB_READ_BPF_H

#include "pktlap.bpf.h"
#include <bpf/bpf_endian.h>

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

/* The tag in metadata, as a filter takes it: ethertype, then TCI, in network order; 0: none */
static __always_inline __u32 skb_tag(struct sk_buff *skb)
{
	if (!(vlan_meta(skb, PROBED) >> 32))
		return 0;
	return READ(PROBED, skb, vlan_proto) | (__u32)bpf_htons(READ(PROBED, skb, vlan_tci)) << 16;
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

#endif
