/* SPDX-License-Identifier: GPL-2.0 */
/* Snapshots of a domain's clocks, so that times can be mapped between them later */
#ifndef PKTLAP_CLOCK_H
#define PKTLAP_CLOCK_H

#include <jansson.h>
#include <linux/types.h>

struct clock_snapshot {
	__u64 mono_ns; /* middle of the reading */
	__u64 real_ns, tai_ns, boot_ns;
	__u64 width_ns; /* time that the reading took: the others are off by at most half */
};

/* CLOCK_MONOTONIC, ns */
__u64 clock_mono_ns(void);

/* Read all clocks between two readings of CLOCK_MONOTONIC, best (narrowest) of a few tries */
void clock_snapshot_take(struct clock_snapshot *s);

/* The document TRACE_CLOCK (trace.h); caller owns the reference */
json_t *clock_snapshot_doc(const struct clock_snapshot *s);

#endif
