/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every command that reads a recording does: open, names, merge, stitch, a call for each
 * packet. Errors are said on stderr, in one line, here; callers only pass the status on.
 */
#ifndef PKTLAP_PIPELINE_H
#define PKTLAP_PIPELINE_H

#include <argp.h>

#include "cmd.h"
#include "merge.h"
#include "names.h"
#include "stitch.h"
#include "trace.h"

struct pipeline_config {
	const char *path;
	__u64 timeout_ns; /* as in stitch_config */
	size_t max_in_flight;
};

/* Child parser of FILE, --timeout and --max-in-flight; its input is a struct pipeline_config */
extern const struct argp pipeline_argp;

struct pipeline {
	struct pipeline_config cfg;
	struct trace *trace;
	struct names *names;
	struct merge *merge; /* these two are of the last run */
	struct stitch *stitch;
};

/* 0 or a negative errno, already reported. p is to be closed in any case */
int pipeline_open(struct pipeline *p, const struct pipeline_config *cfg);

/*
 * Read the recording and call packet for each packet as it ends. packet may return 1 to end early,
 * or a negative errno. May be called again: packets have the same numbers each time. 0 or a
 * negative errno, already reported.
 */
int pipeline_run(struct pipeline *p, int (*packet)(void *ctx, const struct packet *p), void *ctx);

/*
 * After a run: CMD_OK, or CMD_PARTIAL after one line on stderr (events lost, recording cut off or
 * damaged).
 */
enum cmd_status pipeline_status(const struct pipeline *p);

void pipeline_close(struct pipeline *p);

#endif
