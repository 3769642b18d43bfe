/* SPDX-License-Identifier: GPL-2.0 */
/* One recording from start to end: hooks, rings, trace file and what is known about the host */
#ifndef PKTLAP_RECORD_H
#define PKTLAP_RECORD_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "catalogue.h"
#include "guests.h"
#include "trace.h"

#define RECORD_GUESTS_MAX 63 /* as many as a file holds beside the host */

/* Bytes of a ring that can be asked for: between these, and a power of two */
#define RECORD_RING_MIN	  4096UL
#define RECORD_RING_MAX	  (1UL << 30)

static inline bool record_ring_valid(__u64 bytes)
{
	return bytes >= RECORD_RING_MIN && bytes <= RECORD_RING_MAX && !(bytes & (bytes - 1));
}

/* Where an agent's recording goes in place of a file. All in the thread of record_run() */
struct record_channel {
	trace_put_fn put; /* takes a chunk whole; an error ends the recording */
	int (*open)(void *ctx, struct poller *p); /* put its own descriptors into the loop */
	int (*attached)(void *ctx); /* all programs are */
	bool (*room)(void *ctx); /* false: leave events in the rings */
	const char *(*ended)(void *ctx); /* why to end; NULL: go on */
	void *ctx;
};

struct filter;

struct record_config {
	const char *file;
	const struct record_channel *channel; /* NULL: to file */
	const char *const *devices; /* names given with -i; none: all but loopback */
	size_t ndevices;
	const char *const *guests; /* named with --guest, see endpoint_parse() */
	size_t nguests; /* up to RECORD_GUESTS_MAX */
	const char *hops; /* as the user named them, for the guests; NULL: all */
	bool want[PL_NR_HOPS]; /* hops to cover, by base */
	bool asked[PL_NR_HOPS]; /* of these: named by the user */
	const struct filter *filter; /* NULL: every packet */
	const char *filter_text; /* the expression, for the file; "" */
	__u32 sample; /* one packet in so many; 0: every one */
	bool follow_nat;
	size_t ring_bytes; /* for each CPU; 0: chosen by the number of CPUs */
	__u64 duration_ns; /* 0: no limit */
	__u64 slower_than_ns; /* keep only packets that took longer; 0: all events */
	__u64 count; /* stop after so many packets entered; 0: no limit */
	bool quiet, verbose;
	char **command; /* to run; ends the recording. NULL: none */
	int argc; /* of pktlap itself, for the file */
	char **argv;
};

struct record_result {
	__u64 events; /* stored, or stitched while recording */
	__u64 packets; /* that entered: first hops in this kernel */
	__u64 unfollowed; /* selected packets that could not be followed where their headers change */
	__u64 tasks_unfollowed; /* times that there was no room to note a task */
	__u64 lost; /* events for which a ring had no room */
	__u64 bytes; /* of the file */
	__u64 duration_ns;
	__u64 seen, kept; /* packets, with slower_than_ns */
	__u64 unstitched; /* of events: stored, because there was no time to stitch them */
	bool uncovered; /* a hop that was asked for is not covered */
	bool unscoped; /* there was no room for some devices that came; it has been said */
	const char *reason; /* why it ended: "signal", "duration", "count", "command" */
	int command_status; /* as waitpid() gives it; 0 also when it was not waited for */
	struct guest_result guest[RECORD_GUESTS_MAX];
	size_t nguests;
};

/*
 * Record until something ends it. 0 or a negative errno; then one line has been printed, all
 * programs are detached, and the file is readable as far as it was written (or was not made).
 */
int record_run(const struct record_config *cfg, struct record_result *res);

#endif
