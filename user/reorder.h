/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Merge the per-CPU streams into one in order of time while they are recorded: what merge.h does
 * with a file. Events wait in memory until none that is earlier can come any more.
 *
 * An event comes into its CPU's ring a little after its time was taken, and is read later still.
 * So it is passed on once all rings were read empty at a time that is slack_ns later than its
 * own, or, of a ring that was not read empty, an event that is later by that much was read.
 */
#ifndef PKTLAP_REORDER_H
#define PKTLAP_REORDER_H

#include <linux/types.h>
#include <stddef.h>

#include "../bpf/event.h"

struct reorder;

struct reorder_config {
	unsigned int cpus; /* numbers are below that */
	__u64 slack_ns; /* 0: REORDER_SLACK_NS */
	/* called in order of time; a return other than 0 is passed on */
	int (*event)(void *ctx, const struct pl_event *ev);
	void *ctx;
};

/* A program may be interrupted, or preempted, between its timestamp and its place in the ring */
#define REORDER_SLACK_NS 100000000ULL

int reorder_new(const struct reorder_config *cfg, struct reorder **out);
void reorder_free(struct reorder *r);

/* Take an event, in the order of its CPU's ring. 0, -EINVAL: no such CPU, or -ENOMEM */
int reorder_push(struct reorder *r, const struct pl_event *ev);

/*
 * After a round over all rings: pass on what is due. begin_ns: the time, monotonic, before it;
 * budget: how many events of a CPU it took at most; a CPU of which it took so many was not read
 * empty. 0, or what the event function returned.
 */
int reorder_round(struct reorder *r, __u64 begin_ns, unsigned int budget);

/* The end of the streams: pass on all that waits; they may begin anew then */
int reorder_finish(struct reorder *r);

/* Of the events passed on: those out of order, because they came later than the slack allows */
__u64 reorder_late(const struct reorder *r);

#endif
