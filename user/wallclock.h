/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PKTLAP_WALLCLOCK_H
#define PKTLAP_WALLCLOCK_H

#include <linux/types.h>

#include "trace.h"

/*
 * Wall clock time of a monotonic one, by the recording's clock snapshots (the last one before
 * it, so that a step of the wall clock during the recording is followed). 0: no snapshot.
 */
__u64 wallclock_ns(const struct trace *t, __u64 mono_ns);

#endif
