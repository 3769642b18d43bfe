/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The breakdown: packets grouped by path, and for each path the statistics of each stage.
 * user/report.c makes the finished report of it, which the views print.
 *
 * A path is shaped by its packet hops and their devices; hops flagged PL_HOP_OPT (context,
 * bypassable) are stages of it where a packet met them, but do not make another path. So a stage
 * (from, to) may have fewer packets than its path. For each packet its stages sum to its total
 * exactly, so the sums of all stages of a path give the sum of its totals.
 */
#ifndef PKTLAP_BREAKDOWN_H
#define PKTLAP_BREAKDOWN_H

#include "hist.h"
#include "stitch.h"

/* A hop at a device of a domain, as a node of a path */
struct path_node {
	__u8 domain;
	__u8 hop; /* enum pl_hop */
	__u8 hook; /* enum pl_hook that served it */
	__u8 nth; /* n-th time that this (hop, dev) comes in the packet, from 0 */
	bool many_tids; /* seen with other tasks than tid, too */
	bool many_ports; /* likewise */
	__u16 dev;
	__u16 port; /* of the socket; 0: not known */
	__u32 tid; /* task of its first sighting; of context hops the task meant */
	__u64 n; /* sightings, of packets in the statistics */
};

struct stage {
	__u16 from, to; /* index into path.nodes */
	struct hist ns;
	__u64 max_packet; /* id of the packet with the longest time in this stage */
	__u64 min_packet;
	/* from one domain to another: how far its times may be off, ns (the largest of all); 0: one
	 * clock. below: packets whose time is smaller than that, so that it may be nothing */
	__u64 error_ns;
	__u64 below;
};

struct path_stat {
	__u32 id; /* 1, 2, ... by number of packets */
	__u64 packets; /* that the statistics are made of (complete ones) */
	__u64 dropped; /* packets of this path's beginning that were dropped */
	/*
	 * In the order of the way, optional hops at their place. Where packets met two optional
	 * hops in different orders, the order of most packets; the other gives stages with
	 * from > to.
	 */
	struct path_node *nodes;
	size_t nnodes;
	struct stage *stages; /* in the order of the way: by from, then to */
	size_t nstages;
	struct hist total;
	__u64 slowest; /* packet id */
	__u64 slowest_ts; /* ns, monotonic, of its first sighting */
	__u64 slowest_ns;
	struct stage *slowest_stage; /* the largest stage of the slowest packet, into stages */
	__u64 slowest_stage_ns;
};

/* Packets that ended by a drop, by path so far, reason and place */
struct drop_stat {
	__u32 path; /* path_stat.id that begins like this, 0: none */
	struct path_node *nodes; /* the packet hops up to the drop; n is not counted */
	size_t nnodes;
	__u8 hop; /* last hop before the drop */
	__u8 domain;
	__u16 dev;
	__u32 reason;
	__s32 place;
	__u64 packets;
};

struct breakdown {
	struct path_stat *paths;
	size_t npaths;
	struct drop_stat *drops; /* by path (0 last), then most packets first */
	size_t ndrops;
	__u64 packets[PACKET_NR_ENDS];
	__u64 seen; /* all packets */
	__u64 cloned;
	__u64 nonmono; /* complete, but left out of the statistics: sighted late */
};

/* Does a hop shape the path? */
static inline bool hop_shapes_path(enum pl_hop hop)
{
	return !(hop_desc(hop)->flags & PL_HOP_OPT);
}

struct breakdown_builder;

int breakdown_new(struct breakdown_builder **out);
/* Has the type of stitch_config.packet; ctx is the builder */
int breakdown_packet(void *ctx, const struct packet *p);
/* Sort and finish, once. The result belongs to the builder, until breakdown_free() */
int breakdown_finish(struct breakdown_builder *b, const struct breakdown **out);
/* After the end: id of the path whose statistics the packet is in, 0: none */
__u32 breakdown_path_id(const struct breakdown_builder *b, const struct packet *p);
/*
 * After the end: the stages of a packet of this path (that of breakdown_path_id()), in its order:
 * stage[i] is the index of the stage between its sightings i and i + 1
 */
void breakdown_stages(const struct path_stat *path, const struct packet *p,
		      __u32 stage[PACKET_MAX_SIGHTINGS]);
void breakdown_free(struct breakdown_builder *b);

#endif
