/* SPDX-License-Identifier: GPL-2.0 */
/* Inside of record: record.c sets up and runs the loop, record_docs.c writes what is known */
#ifndef PKTLAP_RECORD_INT_H
#define PKTLAP_RECORD_INT_H

#include "clock.h"
#include "cost.h"
#include "devices.h"
#include "devices_watch.h"
#include "drops.h"
#include "guests.h"
#include "hazards.h"
#include "hooks.h"
#include "live.h"
#include "poller.h"
#include "record.h"
#include "ring.h"
#include "tasks.h"
#include "trace.h"

struct recorder {
	const struct record_config *cfg;
	struct devices devices; /* as they are now */
	struct devices_watch *watch;
	json_t *changes; /* not in the file yet; NULL: none */
	size_t nchanges; /* so far */
	__u64 *in_scope; /* netns << 32 | ifindex of what the programs select; sorted */
	size_t nin_scope;
	struct tasks *tasks;
	struct drops *drops;
	struct hazards *hazards;
	struct hooks *hooks;
	struct cost *cost;
	struct trace_writer *trace;
	struct guests *guests; /* NULL: none */
	struct filter *filter; /* the user's, and not the guests' channels; NULL: the user's */
	char *filter_text;
	struct live *live; /* NULL: all events go into the file */
	__u64 start_ns; /* CLOCK_MONOTONIC */
	__u64 end_ns; /* CLOCK_MONOTONIC; 0: it runs */
	bool stopping; /* stop() is at work */
	bool unscoped; /* the programs had no room for a device that came */
	__u64 packets;
	__u64 next_second; /* CLOCK_MONOTONIC, of the once-a-second work */
	__u64 next_cost; /* CLOCK_MONOTONIC, of the next look at the run statistics */
	__u64 shown_events; /* at the last line of progress */
	pid_t child;
	int child_status;
	const char *end; /* why to stop; NULL: go on */
	long drain_ns; /* the timer: until the rings are looked at again */
	struct poller poller;
	struct poller_fd signals, timer; /* fd -1: not open */
	int pair_fd; /* of clock_pair_open(); negative: not such a guest */
	struct poller_fd device_wake; /* another's, which only ends the wait */
};

/* Documents of the beginning and of the end. 0 or -errno of the trace file */
int record_docs_begin(struct recorder *r);
int record_docs_end(struct recorder *r);

/* Changes since the last call into the file */
int record_doc_changes(struct recorder *r);

/* --- record_scope.c: what the programs select by --- */

/* Room for the interrupts of these devices, and for some of devices that may come */
unsigned int scope_irqs(const struct devices *all);
/* Entries of the set of selected devices: for those that there are, and for as many to come */
unsigned int scope_room(const struct recorder *r);
/* Tell the programs, after load. 0 or -errno */
int scope_set(struct recorder *r);
/* Take up what happened to devices since the last call. 0 or -errno */
int scope_changes(struct recorder *r);

/* --- record_guests.c ------------------------------------------------------------------------ */

/* Connect and say what to record; they load their programs while the host loads its own */
int record_guests_open(struct recorder *r);
/* Wait until all have attached theirs. 0 or -errno, one line has been printed */
int record_guests_ready(struct recorder *r);
/* Tell them to stop: they detach while the host does */
int record_guests_stop(struct recorder *r);
/* Take what they still send, until each has come to its end or is given up */
int record_guests_end(struct recorder *r);

/* Everything that is in the rings now into the file. 0 or -errno */
int record_drain(struct recorder *r);

/* A clock snapshot into the file */
int record_doc_clock(struct recorder *r);

#endif
