/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every command that reads recordings does: open, names, merge, stitch, join, a call for each
 * packet. Errors are said on stderr, in one line, here; callers only pass the status on.
 *
 * A recording may be of several kernels (record --guest), and several recordings may be read as
 * one: each kernel is a domain. Packets that crossed from one to another come as one packet, on
 * the clock of domain 0 (the first recording's host). For that the recordings are read once more,
 * first: the clocks are known only when all packets that prove them are.
 */
#ifndef PKTLAP_PIPELINE_H
#define PKTLAP_PIPELINE_H

#include <argp.h>

#include "cmd.h"
#include "domain.h"
#include "join.h"
#include "merge.h"
#include "names.h"
#include "stitch.h"
#include "totals.h"
#include "trace.h"

#define PIPELINE_FILES_MAX 16

struct pipeline_config {
	const char *path; /* the first one */
	const char *more[PIPELINE_FILES_MAX - 1]; /* to be read with it */
	size_t nmore;
	const char *clock; /* method for all domains, clock_method_name(); NULL: the best one */
	__u64 timeout_ns; /* as in stitch_config */
	size_t max_in_flight;
};

/* Child parser of FILE..., --timeout ...; its input is a struct pipeline_config */
extern const struct argp pipeline_argp;

struct pipeline {
	struct pipeline_config cfg;
	struct trace *file[PIPELINE_FILES_MAX];
	size_t nfiles;
	struct domain *domain;
	size_t ndomains;
	struct join *join; /* of the last run; NULL: one domain only */
	struct totals *totals; /* of the last run, of a recording that does not keep all; else NULL */
	bool clocks_settled;
	struct stitch_stats stitch_stats; /* of the last run, over all domains */
	struct merge_stats merge_stats;
};

/* 0 or a negative errno, already reported. p is to be closed in any case */
int pipeline_open(struct pipeline *p, const struct pipeline_config *cfg);

/*
 * Read the recording and call packet for each packet as it ends; of a recording that keeps only slow
 * packets (TRACE_KEPT), for each that is kept: those that the recorder stitched come first. packet
 * may return 1 to end early, or a negative errno. May be called again: packets have the same numbers
 * each time. 0 or a negative errno, already reported.
 */
int pipeline_run(struct pipeline *p, int (*packet)(void *ctx, const struct packet *p), void *ctx);

/*
 * After a run: CMD_OK, or CMD_PARTIAL after one line on stderr (events lost, recording cut off or
 * damaged).
 */
enum cmd_status pipeline_status(const struct pipeline *p);

void pipeline_close(struct pipeline *p);

#endif
