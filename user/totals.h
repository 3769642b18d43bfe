/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is known of all packets where not all of them are kept (record --slower-than): how they
 * ended, and how long the complete ones took, on each path. A path is what the breakdown takes
 * for one (breakdown.h): its hops that are not optional, with their devices.
 */
#ifndef PKTLAP_TOTALS_H
#define PKTLAP_TOTALS_H

#include <jansson.h>
#include <stdbool.h>

#include "hist.h"
#include "stitch.h"

#define TOTALS_PATHS_MAX 1024 /* packets of further paths are counted in other */

struct totals_hop {
	__u8 hop; /* enum pl_hop */
	__u16 dev;
	__u64 ts; /* of a sighting there, ns: what the device was called goes by time */
};

struct totals_path {
	__u64 hash;
	struct totals_hop *hops;
	size_t nhops;
	struct hist total; /* of its packets, from the first sighting to the last; ns */
};

struct totals {
	__u64 seen, kept;
	__u64 packets[PACKET_NR_ENDS]; /* seen, by their end */
	__u64 cloned, nonmono; /* as in struct breakdown */
	__u64 last_id; /* of packets so far: the largest */
	struct stitch_stats stitch; /* of those parts of it that a report shows; stitch_stats_add() */
	__u64 late; /* events out of order */
	__u64 bad_blocks, bad_packets; /* kept, but damaged in the file; whoever reads it counts them */
	struct totals_path *paths;
	size_t npaths;
	struct hist other; /* of complete packets on paths that had no place above */
	struct hist all; /* of all complete packets: what a report says first */
	__u16 *slot; /* of paths, by hash: index + 1; open addressing */
};

int totals_new(struct totals **out);
void totals_free(struct totals *t);

/*
 * Is a packet kept? When it took longer than ns from its first sighting to its last, whatever its
 * end; and when it was dropped: it never arrives.
 */
bool totals_keeps(const struct packet *p, __u64 ns);

/* Count a packet; one that is complete and was sighted in order goes into its path. 0 or -ENOMEM */
int totals_add(struct totals *t, const struct packet *p, bool kept);

/* The path of these hops; NULL: none. Only hop and dev count */
const struct totals_path *totals_find(const struct totals *t, const struct totals_hop *hops,
				      size_t n);

/*
 * Members of the document TRACE_KEPT (trace.h), and back. Whatever the document says, what comes
 * out is whole. NULL, -ENOMEM: no memory.
 */
json_t *totals_doc(const struct totals *t, const struct names *names);
int totals_load(const json_t *doc, struct names *names, struct totals **out);

#endif
