/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Merge the per-CPU streams into one in order of time while they are recorded: what merge.h does
 * with a file. Events wait in memory until none that is earlier can come any more.
 *
 * An event comes into its CPU's ring a little after its time was taken, and is read later still.
 * So it may be passed on once all rings were read empty at a time that is slack_ns later than its
 * own, or, of a ring that was not read empty, an event that is later by that much was read.
 */
#ifndef PKTLAP_LIVE_H
#define PKTLAP_LIVE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "../bpf/event.h"

struct live;

struct live_config {
	unsigned int cpus; /* numbers are below that */
	__u64 slack_ns; /* 0: LIVE_SLACK_NS */
	size_t max_events; /* that wait at a time; 0: LIVE_EVENTS_MAX */
	/* called in order of time; a return other than 0 is passed on */
	int (*event)(void *ctx, const struct pl_event *ev);
	void *ctx;
};

/* A program may be interrupted, or preempted, between its timestamp and its place in the ring */
#define LIVE_SLACK_NS	100000000ULL
#define LIVE_EVENTS_MAX (1UL << 20) /* 64 MiB */

int live_new(const struct live_config *cfg, struct live **out);
void live_free(struct live *l);

/* Take an event, in the order of its CPU's ring. 0 or -ENOMEM */
int live_push(struct live *l, unsigned int cpu, const struct pl_event *ev);

/*
 * After a round over all rings: pass on what is due. begin_ns: the time, monotonic, before it;
 * budget: how many events of a CPU it took at most; a CPU of which it took so many was not read
 * empty. When more than max_events wait, the earliest are passed on anyway. 0, what the event
 * function returned, or -ENOMEM.
 */
int live_round(struct live *l, __u64 begin_ns, unsigned int budget);

/* The end: pass on all that waits */
int live_finish(struct live *l);

struct live_stats {
	__u64 events; /* passed on */
	__u64 late; /* of these: out of order, because they came later than the slack allows */
	__u64 forced; /* of these: before their time, because max_events waited */
	__u64 waiting_max;
};
const struct live_stats *live_stats(const struct live *l);

#endif
