/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stitching while recording (record --slower-than): a thread of its own that turns events into
 * packets and leaves only the slow ones, so that the recorder's loop does nothing but drain the
 * rings and write.
 *
 * Memory is bounded: when more than max_events wait, because the thread gets too little time, the
 * recorder stops handing events over and writes them into the file as they are (TRACE_EVENTS), until
 * the thread has caught up. Nothing is lost by that: who reads the file stitches these events. Only
 * the packets that are on their way at such a moment come apart: they end as incomplete, or where
 * they had reached an end of their way. How often that was, and how much, is in the file.
 */
#ifndef PKTLAP_LIVE_H
#define PKTLAP_LIVE_H

#include <jansson.h>

#include "catalogue.h"
#include "trace.h"

struct live;

struct live_config {
	struct trace_writer *trace; /* borrowed; used in the caller's thread only */
	const json_t *devices, *tasks; /* documents as they are now; used during the call only */
	unsigned int cpus; /* numbers are below that */
	__u64 slower_than_ns;
	size_t max_events; /* 0: LIVE_EVENTS_MAX */
	__u64 slack_ns; /* 0: REORDER_SLACK_NS */
	bool selected; /* of stitch.h */
};

#define LIVE_EVENTS_MAX (1UL << 20) /* 64 MiB */

/* Starts the thread, with the signal mask and the privileges of the caller. 0 or a negative errno */
int live_new(const struct live_config *cfg, struct live **out);
void live_free(struct live *l);

/*
 * All of these are for one thread, the caller's. 0, or a negative errno of the trace file or of
 * the thread (-ENOMEM); then nothing more is stitched.
 */

/* Take an event of a CPU, in the order of its ring; or write it into the file, see above */
int live_event(struct live *l, unsigned int cpu, const struct pl_event *ev);

/*
 * After a round over all rings: begin_ns: the time, monotonic, before it; budget: how many events
 * of a CPU it took at most. Writes what the thread has finished into the file.
 */
int live_round(struct live *l, __u64 begin_ns, unsigned int budget);

/* Rows of TRACE_CHANGES that were not handed over yet; a copy is made */
int live_changes(struct live *l, const json_t *changes);

/* A task's role: cheap to repeat. Type of hooks_each_role()'s fn, ctx is the live */
int live_role(void *ctx, __u32 tid, enum pl_role_kind role);

/* The end: stitch all that waits, write it and the last TRACE_KEPT */
int live_finish(struct live *l);

struct live_stats {
	__u64 events; /* handed over to be stitched */
	__u64 unstitched; /* written as they are */
	__u64 times; /* how often that began */
	__u64 waiting_max; /* events at a time */
	__u64 seen, kept; /* packets, as of the last TRACE_KEPT */
};
const struct live_stats *live_stats(const struct live *l);

#endif
