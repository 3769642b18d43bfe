/* SPDX-License-Identifier: GPL-2.0 */
/* One kernel of what was recorded: its stream, its names, its clock; domain 0 is the reference */
#ifndef PKTLAP_DOMAIN_H
#define PKTLAP_DOMAIN_H

#include "domain_clock.h"
#include "merge.h"
#include "names.h"
#include "stitch.h"

struct domain {
	const char *name; /* "host" for the first one, else as the kernel calls itself, unique */
	const struct trace *trace;
	struct names *names;
	struct domain_clock clock; /* domain 0: not used */
	struct merge *merge; /* these two are of the last run; NULL before */
	struct stitch *stitch;
};

#endif
