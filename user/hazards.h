/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hazards: what on a host distorts latency, or makes packets go wrong, found without tracing.
 *
 * One table (HAZARDS) says what there is; for each row a function, hazard_find_<row>(), looks at
 * the host and adds what it finds, each with its evidence. `check --list` shows the table.
 */
#ifndef PKTLAP_HAZARDS_H
#define PKTLAP_HAZARDS_H

#include <jansson.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "catalogue.h"

enum hazard_severity {
	HAZARD_NOTE, /* good to know when numbers are read or compared */
	HAZARD_DISTORTS, /* adds latency or jitter of a known kind */
	HAZARD_FAULT, /* something is broken, or every number is that of the fault */
	HAZARD_NR_SEVERITIES
};

/* When a row looks */
#define HAZARD_ONCE  0 /* needs privileges, or cannot change by itself while recording */
#define HAZARD_AGAIN 1 /* once more at the end: without privileges, and cheap */
#define HAZARD_GROWS 2 /* counters: what counts is their growth from start to end */
#define HAZARD_SLOW  4 /* looks at every process: only for check, not when a recording starts */

/*
 * The table: X(row, id, severity, when, what it looks at, remedy).
 * Text is plain ASCII: it goes into the man page as it is. clang-format off
 */
#include "hazard_table.h"

#define HAZARD_ENUM(row, ...) HAZARD_##row,
enum hazard_id { HAZARDS(HAZARD_ENUM) HAZARD_NR };
#undef HAZARD_ENUM

struct hazard_row {
	const char *id;
	enum hazard_severity severity;
	unsigned int when;
	const char *looks_at, *remedy;
};

const struct hazard_row *hazard_row(enum hazard_id id);
const char *hazard_severity_name(enum hazard_severity severity);

struct host;
struct ksyms;
struct hazards;

struct hazard_config {
	const char *const *names; /* of devices that the way goes over; none: all */
	size_t nnames;
	bool slow; /* rows with HAZARD_SLOW too */
	/* for tests */
	const char *root; /* before every path of /proc and /sys; NULL: none */
	struct host *host; /* the snapshot to judge; NULL: one is taken */
	bool files_only; /* no bpf(), no other namespaces */
};

/* Note which BPF programs are loaded now: later ones may be pktlap's own. 0 or -errno */
int hazards_new(struct hazards **out);
void hazards_free(struct hazards *h);

/*
 * Look at everything. ksyms (may be NULL: loaded when needed) names helpers. What cfg points to
 * must live as long as h. What cannot be read is no hazard and no error. 0 or -errno: no memory,
 * no netlink
 */
int hazards_look(struct hazards *h, const struct hazard_config *cfg, const struct ksyms *k);

/* Look again at what may have changed since, at the end of a recording or check. 0 or -errno;
 * -ENODATA: the first look failed, so nothing is known to have come up since */
int hazards_look_again(struct hazards *h);

/* Was the first look taken: else what is not found may be there all the same */
bool hazards_known(const struct hazards *h);

/* How many there are of a severity */
size_t hazards_count(const struct hazards *h, enum hazard_severity severity);

/*
 * The document TRACE_HAZARDS (trace.h), worst first. Caller owns the reference; NULL: no memory.
 */
json_t *hazards_doc(const struct hazards *h);

/* The table as a document: [{id, severity, looks_at, remedy}] */
json_t *hazards_table_doc(void);

#endif
