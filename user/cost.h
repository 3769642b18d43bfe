/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs cost, by the kernel's own run statistics. Counting itself costs two clock
 * readings a run, so it is on only until enough runs were seen (or the recording ends). The
 * statistics leave out the dispatch of a program (trampoline, kprobe trap): they are a lower
 * bound, and the report says so. A run that makes no event (other device, other task) costs too:
 * ns divided by made charges it to the events of its hook.
 */
#ifndef PKTLAP_COST_H
#define PKTLAP_COST_H

#include <jansson.h>

#include "hooks.h"

struct cost;

/* Turn the statistics on. -EPERM ...: the kernel does not let us; the recording goes on without */
int cost_start(struct cost **out);

/* Turn them off if enough runs were counted (force: in any case) and keep the result */
void cost_poll(struct cost *c, const struct hooks *h, bool force);
void cost_free(struct cost *c);

/* The document TRACE_COST (trace.h); empty hooks when nothing was counted. Caller owns it */
json_t *cost_doc(const struct cost *c);

#endif
