/* SPDX-License-Identifier: GPL-2.0 */
/* One recording from start to end: hooks, rings, trace file and what is known about the host */
#ifndef PKTLAP_RECORD_H
#define PKTLAP_RECORD_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "catalogue.h"

struct filter;

struct record_config {
	const char *file;
	const char *const *devices; /* names given with -i; none: all but loopback */
	size_t ndevices;
	bool want[PL_NR_HOPS]; /* hops to cover, by base */
	bool asked[PL_NR_HOPS]; /* of these: named by the user */
	const struct filter *filter; /* NULL: every packet */
	const char *filter_text; /* the expression, for the file; "" */
	__u32 sample; /* one packet in so many; 0: every one */
	bool follow_nat;
	size_t ring_bytes; /* for each CPU; 0: chosen by the number of CPUs */
	__u64 duration_ns; /* 0: no limit */
	__u64 count; /* stop after so many packets entered; 0: no limit */
	bool quiet, verbose;
	char **command; /* to run; ends the recording. NULL: none */
	int argc; /* of pktlap itself, for the file */
	char **argv;
};

struct record_result {
	__u64 events; /* stored */
	__u64 packets; /* that entered: first hops in this kernel */
	__u64 unfollowed; /* selected packets that could not be followed where their headers change */
	__u64 lost; /* events for which a ring had no room */
	__u64 bytes; /* of the file */
	__u64 duration_ns;
	bool uncovered; /* a hop that was asked for is not covered */
	const char *reason; /* why it ended: "signal", "duration", "count", "command" */
};

/*
 * Record until something ends it. 0 or a negative errno; then one line has been printed, all
 * programs are detached, and the file is readable as far as it was written (or was not made).
 */
int record_run(const struct record_config *cfg, struct record_result *res);

#endif
