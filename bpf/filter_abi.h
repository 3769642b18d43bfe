/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the translated filter is given and what it answers; the one contract between filter_run()
 * (bpf/filter.bpf.h) and the translator (user/filter_ebpf.c). Needs __u8 ... __u64.
 */
#ifndef PKTLAP_FILTER_ABI_H
#define PKTLAP_FILTER_ABI_H

#define FILTER_WINDOW 96 /* bytes of a frame that are copied before the filter runs */
#define FILTER_SHIFT  4 /* a VLAN tag fits in front */
#define FILTER_ROOM   4096 /* instructions of filter_run() that are replaced */
#define FILTER_FILLER 0x70616c66 /* what they are before: r0 = FILTER_FILLER */

/*
 * The packet as an Ethernet frame, the way it is or would be on the wire: with an Ethernet header
 * where the hop has none (what depends on its addresses is not sure), with the tag that is in the skb's metadata in its place.
 * Its byte v is window[start + v] for v < FILTER_WINDOW, and at the kernel address rest + v for
 * v >= 18. Only bytes below have may be read: the others are not linear.
 */
struct filter_frame {
	__u8 window[FILTER_SHIFT + FILTER_WINDOW];
	__u32 start; /* 0 or FILTER_SHIFT */
	__u32 first; /* bytes below cannot be read: there is no link header here */
	__u32 unused;
	__u64 rest;
	__u32 have;
	__u32 len; /* of the whole frame: what `len`, `less`, `greater` mean, and where it ends */
};

enum filter_verdict {
	FILTER_REJECT,
	FILTER_PASS,
	FILTER_UNSURE, /* it depends on bytes that are in the packet but cannot be read here */
};

#endif
