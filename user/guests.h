/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The recorder's side of its guests: connect, hand over what to record, take what the agents
 * send into the file, each as one domain, compare clocks, stop them.
 *
 * Everything happens in poller_wait() and guests_work(), never blocking (but in guests_open(),
 * for a connect). A guest that is lost while recording costs its own half only.
 */
#ifndef PKTLAP_GUESTS_H
#define PKTLAP_GUESTS_H

#include <jansson.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "catalogue.h"
#include "endpoint.h"
#include "poller.h"
#include "trace.h"

/* In the order in which a guest goes through them */
enum guest_state {
	GUEST_HELLO, /* connected, the agent has not greeted */
	GUEST_STARTING, /* it was told to start, and has not attached all */
	GUEST_READY, /* attached; it records */
	GUEST_STOPPING, /* it was told to stop */
	GUEST_DONE, /* its recording is whole */
	GUEST_LOST, /* and is not */
};

struct guest_result {
	const char *spec;
	__u64 events, lost; /* in the file; for which its rings had no room */
	__u64 unfollowed; /* see struct record_result */
	bool uncovered[PL_NR_HOPS]; /* its kernel does not cover them, and was asked to */
	bool missing; /* it did not come to its end: lost, or never answered the stop */
};

struct guests;

/*
 * What guest i is to record, the JSON of AGENT_START. own: the TCP connection that its channel
 * goes through, as it sees it (struct agent_hello), which is not to be recorded; "": none. The
 * caller owns the reference; NULL: this cannot be asked for, one line has been printed.
 */
typedef json_t *(*guest_start_fn)(void *ctx, size_t i, const char *own);

/*
 * Connect to n guests (see endpoint_parse()); each that answers is told what start() gives. 0 or
 * a negative errno; then one line has been printed.
 */
int guests_open(const char *const *specs, size_t n, guest_start_fn start, void *ctx,
		struct poller *p, struct guests **out);

/*
 * What time has come for: questions for the clock, documents for the file, limits of patience.
 * 0; -ECONNABORTED: a guest was lost before it was ready, one line has been printed; other
 * errors are the trace file's.
 */
int guests_work(struct guests *g);

/* Is one of them still in this state, or before it? A guest that is lost is not */
bool guests_in(const struct guests *g, enum guest_state state);

/* All are ready: what they send goes to w as domains 1 .. n from now on */
void guests_begin(struct guests *g, struct trace_writer *w);

/* Compare clocks for the last time, then stop them: until none is in GUEST_STOPPING */
void guests_stop(struct guests *g);

/* Those that have not come to their end are given up, as if lost. 0 or the trace file's error */
int guests_give_up(struct guests *g);

/* The TCP connection of guest i's channel as this host sees it; "": none, or not known (yet) */
const char *guest_own(const struct guests *g, size_t i);

size_t guests_count(const struct guests *g);
void guest_result_get(const struct guests *g, size_t i, struct guest_result *res);

/* Connections closed, commands ended; takes NULL */
void guests_close(struct guests *g);

#endif
