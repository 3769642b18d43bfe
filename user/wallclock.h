/* SPDX-License-Identifier: GPL-2.0 */
/* Wall clock times of a recording */
#ifndef PKTLAP_WALLCLOCK_H
#define PKTLAP_WALLCLOCK_H

#include <linux/types.h>

#include "trace.h"

struct wallclock;

int wallclock_new(const struct trace *t, struct wallclock **out);
void wallclock_free(struct wallclock *w);

/*
 * Wall clock time of a monotonic one, by the clock snapshots of the recording: the last one before
 * it, so that a step of the wall clock during the recording is followed. 0: no snapshot.
 */
__u64 wallclock_ns(const struct wallclock *w, __u64 mono_ns);

#endif
