/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Joining: a packet that leaves one domain and enters another is one packet. The stitcher of each
 * domain gives its packets; what leaves (last seen at a transmit, or copied to a guest) and what
 * enters (first seen at a receive) with the same key, in the order of cause and effect, is put
 * together. Where several could be meant none is: they are counted as ambiguous and stay apart.
 *
 * At a crossing the part that did not cause what followed is left out: what the sender did after
 * the receiver had the packet (a signal that came too late, a freed buffer), and what the receiver
 * was about before it was sent (a poll that ran already).
 */
#ifndef PKTLAP_JOIN_H
#define PKTLAP_JOIN_H

#include "stitch.h"

struct join;

struct join_config {
	unsigned int domains;
	__u64 hold_ns; /* how long a packet waits for the rest of its way; 0: 32 s */
	__u64 window_ns; /* a crossing takes at most so long; 0: 5 s */
	size_t max_held; /* packets; 0: 65536. The oldest goes on as it is beyond that */
	/* a domain's time on its group's clock, ns; *err: half width in which it is */
	__u64 (*map)(void *ctx, unsigned int domain, __u64 ts, __u64 *err);
	/* domains whose clocks are related have the same; others' packets are not joined */
	unsigned int (*group)(void *ctx, unsigned int domain);
	/* each packet as it is known; p is valid during the call; other than 0 stops */
	int (*packet)(void *ctx, const struct packet *p);
	/*
	 * May be NULL. For each crossing: the packet was in domain from at from_ts (its own clock),
	 * and was later seen in domain to at to_ts (likewise). Then the times of the clocks are not
	 * yet trusted to choose between packets: only one that is alone with its key is joined.
	 */
	void (*crossing)(void *ctx, unsigned int from, __u64 from_ts, unsigned int to,
			 __u64 to_ts);
	void *ctx;
};

/* 0 or -ENOMEM */
int join_new(const struct join_config *cfg, struct join **out);
void join_free(struct join *j);

/* A packet of a domain has ended. 0, what the callback returned, or -ENOMEM; stays so */
int join_packet(struct join *j, unsigned int domain, const struct packet *p);
/* All events before now (clock of domain 0, ns) have been given to the stitchers */
int join_time(struct join *j, __u64 now);
int join_finish(struct join *j);

struct join_stats {
	__u64 parts; /* packets of all domains that came in */
	__u64 joined; /* crossings */
	__u64 ambiguous; /* packets that could be followed by more than one, or the other way */
	__u64 evicted; /* went on as they were, maybe too early to be joined, because of max_held */
	__u64 contradictions; /* crossings that the clocks, with their errors, say are impossible */
	__u64 moved; /* crossings that took less than nothing, within the error */
	__u64 too_long; /* crossings beyond PACKET_MAX_PARTS: not joined */
	__u64 left[256]; /* left a domain, and were not seen in another; by domain */
};
const struct join_stats *join_stats(const struct join *j);

#endif
