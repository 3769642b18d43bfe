/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Merge the per-CPU streams of a recording into one stream in order of time. Inside a CPU's
 * stream events are almost in order: a program that was interrupted between its timestamp and
 * its reserve stands after the events of the interruption. Memory: two blocks for each CPU.
 */
#ifndef PKTLAP_MERGE_H
#define PKTLAP_MERGE_H

#include "trace.h"

struct merge;

int merge_open(const struct trace *t, struct merge **out);
void merge_close(struct merge *m);

/*
 * Next event in order of time. Returns 1 and sets *ev (valid until the next call), 0 at the end,
 * -EBADMSG when a block is damaged: it is skipped, counted, and the call may be repeated; the
 * first event after it has PL_F_GAP, as after events that a ring had no room for.
 */
int merge_next(struct merge *m, const struct pl_event **ev);

/* Events that came later than the two blocks of look-ahead could mend (delivered late), blocks
 * and events skipped because they are damaged */
struct merge_stats {
	__u64 late;
	__u64 bad_blocks;
	__u64 bad_events;
};
const struct merge_stats *merge_stats(const struct merge *m);

#endif
