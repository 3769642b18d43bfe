/* SPDX-License-Identifier: GPL-2.0 */
/*
 * FILTER: the packet as an Ethernet frame, and the function whose body the recorder replaces by
 * the translated expression (user/filter.h). See bpf/filter_abi.h for what passes between them.
 */
#ifndef PKTLAP_FILTER_BPF_H
#define PKTLAP_FILTER_BPF_H

#include "key.bpf.h"
#include "filter_abi.h"

#define STR(x)	#x
#define XSTR(x) STR(x)

#define MACS	2 * 6 /* bytes of the addresses, in front of a tag */
#define L3_AT	(FILTER_SHIFT + ETH_HLEN) /* in the window, without or behind a tag */

/*
 * Global: the arguments are where the translated code expects them, the memory of the frame may be
 * read at any alignment (the verifier does not permit that of the stack), and its own stack is
 * its own. Without a filter nothing of it is left after the verifier's removal of dead code.
 */
__noinline int filter_run(struct filter_frame *frame)
{
	register struct filter_frame *in asm("r1");
	register long out asm("r0");

	if (!cfg_filter || !frame)
		return FILTER_PASS;
	in = frame;
	asm volatile(".rept " XSTR(FILTER_ROOM) "\n"
						"r0 = " XSTR(FILTER_FILLER) "\n"
									    ".endr\n"
		     : "=r"(out), "+r"(in)
		     :
		     : "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "memory");
	return out;
}

/* Copy what can be read, as far as the window goes */
static __always_inline int window_read(void *to, __u32 room, __u64 from, __u32 have)
{
	__u64 n = have;

	/* keeps clang from comparing the lower half only, which bounds nothing to the verifier */
	asm volatile(""
		     : "+r"(n));
	if (n > room)
		n = room;
	/* zero bytes are refused by the verifier of some kernels */
	return n ? bpf_probe_read_kernel(to, n, (void *)from) : 0;
}

/*
 * l2: address of the Ethernet header, or with KEY_AT_L3 in proto of the network header; linear:
 * bytes there that may be read; whole: bytes of the packet from there on; proto: ethertype where
 * there is no header; tag: 0, or the one in metadata: ethertype, then TCI, in network order.
 */
static __always_inline void frame_fill(struct filter_frame *f, __u64 l2, __u32 linear, __u32 whole,
				       __u32 proto, __u32 tag)
{
	bool l3 = proto & KEY_AT_L3;
	__u32 front = (l3 ? ETH_HLEN : 0) + (tag ? FILTER_SHIFT : 0);
	int err;

	f->start = tag ? 0 : FILTER_SHIFT;
	f->first = l3 ? MACS : 0;
	f->rest = l2 - front;
	/* a tag behind addresses that are not all there cannot be read either */
	f->have = l3 || linear >= MACS ? linear + front : linear;
	f->len = whole + front;
	if (l3) {
		__be16 type = proto;

		__builtin_memcpy(f->window + L3_AT - 2, &type, 2);
		err = window_read(f->window + L3_AT, FILTER_WINDOW - ETH_HLEN, l2, linear);
	} else {
		err = window_read(f->window + FILTER_SHIFT, FILTER_WINDOW, l2, linear);
		if (tag)
			__builtin_memmove(f->window, f->window + FILTER_SHIFT, MACS);
	}
	if (tag)
		__builtin_memcpy(f->window + MACS, &tag, 4);
	if (err)
		f->have = 0;
}

#endif
