/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel addresses do not leave the process: they are replaced by a keyed hash. The same address
 * gives the same hash all through a recording, and another one in the next; 0 stays 0.
 */
#ifndef PKTLAP_TRACE_HIDE_H
#define PKTLAP_TRACE_HIDE_H

#include <linux/types.h>
#include <stdbool.h>

#include "../bpf/event.h"

struct trace_hide {
	__u64 k0, k1;
	bool key[256]; /* by hook: key is an address too (context hops) */
};

void trace_hide_init(struct trace_hide *h, const __u8 key[16]);

/* SipHash-1-3 of the 8 or 4 bytes; 0 for 0, and for nothing else */
__u64 trace_hide_u64(const struct trace_hide *h, __u64 address);
__u32 trace_hide_u32(const struct trace_hide *h, __u32 address);

/* Replace the addresses in an event: obj, head, and key of context hops */
void pl_event_hide(const struct trace_hide *h, struct pl_event *ev);

#endif
