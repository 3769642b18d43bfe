/* SPDX-License-Identifier: GPL-2.0 */
/* One packet as text: every sighting in a row */
#ifndef PKTLAP_VIEW_SCRIPT_H
#define PKTLAP_VIEW_SCRIPT_H

#include <jansson.h>

#include "names.h"
#include "stitch.h"
#include "text.h"
#include "wallclock.h"

struct script_view {
	struct text_out out;
	const struct names *names;
	const struct wallclock *clock;
	const json_t *drops; /* TRACE_DROPS, may be NULL */
	bool verbose; /* also the hook and what it counted */
	bool absolute; /* wall clock times in ns in place of relative ones */
};

/* 0 or -ENOMEM */
int view_script(const struct script_view *v, const struct packet *p);

#endif
