/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which packets are looked at: FILTER, --sample, and packets that were selected before and whose
 * headers have changed since (select.bpf.c). All of it is dead code without a filter and without
 * sampling: callers ask only if cfg_select.
 */
#ifndef PKTLAP_SELECT_BPF_H
#define PKTLAP_SELECT_BPF_H

#include "pktlap.bpf.h"
#include "filter_abi.h"

/*
 * What has no packet of its own (a socket told, a reader woken, a worker run, an interrupt) is kept
 *   - where it follows from a packet in the same call: if that packet is selected (select_note_*());
 *   - where it is a socket's: if a packet of the socket was ever selected (bpf/sock.bpf.h);
 *   - else, being one for a batch at most: always. The stitcher joins it to packets that it knows,
 *     and drops it where there is none.
 */

/* Answers of select_skb() and select_bytes(): enum filter_verdict, and */
#define SELECT_FOLLOWED 3 /* it was selected before: its identity is the one of then */

/* how: the device's type (0: not known), and */
#define SELECT_BORN	0x10000 /* the skb is new here: what was known of its address is over */
#define SELECT_ENDS	0x20000 /* it is freed */
#define SELECT_IN	0x40000 /* above the link layer: the header that it came in is in front */

/* Is the packet of this skb looked at? skb: address_of() it */
int select_skb(__u64 skb, __u32 how);

/*
 * The same by its bytes alone, where it is no skb yet or they are not in its linear part: linear of
 * whole bytes can be read at l2; proto and tag are those of frame_fill().
 */
int select_bytes(__u64 l2, __u32 linear, __u32 whole, __u32 proto, __u32 tag);

/* Identity of a followed packet, as it was when it was selected, into its event */
int follow_fill(struct pl_event *e, __u64 skb, __u32 how);

/*
 * A packet leaves a socket of this host. yes: it is selected, and the write that it comes from, in
 * this task, is told now; else the socket is known for one that sends others. skb, sk: address_of()
 */
int sends_out(__u64 skb, __u64 sk, __u32 yes);

/* The skb is freed: its address is another packet's next time */
static __always_inline void follow_end(__u64 addr)
{
	if (cfg_select)
		bpf_map_delete_elem(&followed, &addr);
}

/* Was the packet selected that this task sends, on this CPU? Asked inside of its transmit */
static __always_inline void select_note_xmit(bool yes)
{
	struct pl_selected *here = cfg_select ? selected_here() : NULL;

	if (!here)
		return;
	here->xmit_tid = current_tid();
	here->xmit = yes;
}

static __always_inline bool select_xmit_was(void)
{
	const struct pl_selected *here;

	if (!cfg_select)
		return true;
	here = selected_here();
	return here && here->xmit && here->xmit_tid == current_tid();
}

/* Likewise of the packet that GRO has at hand, in the softirq of this CPU */
static __always_inline void select_note_gro(bool yes)
{
	struct pl_selected *here = cfg_select ? selected_here() : NULL;

	if (here)
		here->gro = yes;
}

static __always_inline bool select_gro_was(void)
{
	const struct pl_selected *here;

	if (!cfg_select)
		return true;
	here = selected_here();
	return here && here->gro;
}

/* Likewise of the packet that this task puts into the socket's queue */
static __always_inline void select_note_queue(__u64 sk, bool yes)
{
	struct pl_selected *here = cfg_select ? selected_here() : NULL;

	if (!here)
		return;
	here->queue_sk = sk;
	here->queue_tid = current_tid();
	here->queue = yes;
}

/* enum filter_verdict; FILTER_UNSURE: not noted */
static __always_inline int select_queue_take(__u64 sk)
{
	struct pl_selected *here = selected_here();

	if (!here || here->queue_sk != sk || here->queue_tid != current_tid())
		return FILTER_UNSURE;
	here->queue_sk = 0;
	return here->queue ? FILTER_PASS : FILTER_REJECT;
}

#endif
