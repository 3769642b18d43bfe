/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Totals of all complete packets by path, for a recording that does not keep them all: a path is
 * what the breakdown takes for one (breakdown.h), its hops that are not optional with their
 * devices.
 */
#ifndef PKTLAP_TOTALS_H
#define PKTLAP_TOTALS_H

#include <jansson.h>

#include "hist.h"
#include "stitch.h"

#define TOTALS_PATHS_MAX 1024 /* packets of further paths are counted in others */

struct totals_hop {
	__u8 hop; /* enum pl_hop */
	__u16 dev;
	__u64 ts; /* of a sighting there, ns: what the device was called goes by time */
};

struct totals_path {
	__u64 hash;
	struct totals_hop *hops;
	size_t nhops;
	struct hist total;
};

struct totals {
	struct totals_path *paths;
	size_t npaths;
	__u64 others;
	__u16 *slot; /* by hash: index + 1; open addressing */
};

int totals_new(struct totals **out);
void totals_free(struct totals *t);

/* Add a complete packet that was sighted in order. 0 or -ENOMEM */
int totals_add(struct totals *t, const struct packet *p);

/* The path of these hops; NULL: none. Only hop and dev count */
const struct totals_path *totals_find(const struct totals *t, const struct totals_hop *hops,
				      size_t n);

/* Does a hop shape the path? */
static inline bool totals_hop_counts(__u8 hop)
{
	return !(hop_desc(hop)->flags & PL_HOP_OPT);
}

/* A list for the document TRACE_KEPT, and back. NULL, -ENOMEM: no memory */
json_t *totals_doc(const struct totals *t, const struct names *names);
/* Whatever the document says, what comes out is whole */
int totals_load(const json_t *doc, struct names *names, struct totals **out);

#endif
