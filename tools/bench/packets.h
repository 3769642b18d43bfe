/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is measured with: packets of 12 hops towards a guest, 8 in flight on each CPU, with the same
 * batch hops as live ones
 */
#ifndef PKTLAP_BENCH_PACKETS_H
#define PKTLAP_BENCH_PACKETS_H

#include <string.h>

#include "catalogue.h"

#define NETNS	  4026531833U
#define NIC	  2
#define TAP	  3
#define WORKER	  901
#define IN_FLIGHT 8

static const __u8 way[] = {
	PL_HOOK_napi_gro,
	PL_HOOK_receive_skb,
	PL_HOOK_br_in_fe,
	PL_HOOK_br_forward_fe,
	PL_HOOK_br_push_fe,
	PL_HOOK_dev_queue_tp,
	PL_HOOK_start_xmit,
	PL_HOOK_vhost_wake_fe,
	PL_HOOK_handle_rx_fe,
	PL_HOOK_skb_copy_tp,
	PL_HOOK_consume_skb,
	PL_HOOK_vhost_used_fe,
};
#define HOPS (sizeof(way) / sizeof(*way))

/* Hop number hop of a packet, on a CPU */
static inline void event_fill(struct pl_event *e, __u64 packet, unsigned int hop, __u64 ts, unsigned int cpu)
{
	memset(e, 0, sizeof(*e));
	e->ts = ts;
	e->cpu = cpu;
	e->hook = way[hop];
	e->netns = NETNS;
	e->tid = hop < 8 ? 0 : WORKER + cpu;
	if (hop == 7 || hop == 8 || hop == 11) {
		e->obj = 0xffff888000000000ULL + cpu;
		e->flags = PL_F_RX;
		return;
	}
	/* skbs are reused as the allocator does, per CPU */
	e->obj = 0xffff888100000000ULL + (packet % (2 * IN_FLIGHT)) * 256;
	e->head = packet % (2 * IN_FLIGHT);
	e->key = (packet + 1) * 0x9e3779b97f4a7c15ULL;
	e->pay = packet;
	e->arg = 0x51a2f00d;
	e->len = 98;
	e->proto = 17;
	e->ifindex = hop < 3 ? NIC : TAP;
	e->flags = PL_F_KEY | PL_F_PAY | (hop ? 0 : PL_F_ENTRY);
}

#endif
