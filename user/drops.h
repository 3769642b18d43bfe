/* SPDX-License-Identifier: GPL-2.0 */
/* Names for what drop events carry: reasons from the kernel's BTF, places from its symbols */
#ifndef PKTLAP_DROPS_H
#define PKTLAP_DROPS_H

#include <jansson.h>
#include <linux/types.h>

struct drops;

int drops_new(struct drops **out);
void drops_free(struct drops *d);

/* Note a reason and a place (distance from _stext) that an event had. Cheap */
void drops_seen(struct drops *d, __u32 reason, __s32 place);

/*
 * The document TRACE_DROPS (trace.h): {reasons: {number: name}, places: {distance: {symbol,
 * source}}}. symbol is "function+0x1a" with " [module]"; source is "file:line" where debug info
 * is installed, else "". Reads BTF and symbols of the running kernel, only when drops were seen.
 * Caller owns the reference.
 */
json_t *drops_doc(const struct drops *d);

#endif
