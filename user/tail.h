/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tail: what the slowest packets of each path spent their time on, against the packets in the
 * middle (from the 45th to the 55th percentile of the total). Both groups are averaged over the same
 * stages, a stage that a packet did not meet counting as nothing, so the differences of the stages
 * sum to that of the totals. (Medians of stages do not sum to the median of totals.)
 *
 * It takes a second pass, after the breakdown is finished. Memory: histograms, and the few packets
 * that lie in the same step of the histogram as the limit.
 */
#ifndef PKTLAP_TAIL_H
#define PKTLAP_TAIL_H

#include "breakdown.h"

/* Which packets are the slowest: so many, or that part of the path's */
struct tail_spec {
	__u64 count; /* 0: by part */
	unsigned int ppm; /* 10000: 1 % */
};

struct tail_stage {
	struct hist slow; /* of the slowest */
	unsigned __int128 middle_sum; /* ns, of all packets in the middle */
	__u64 largest; /* in so many of the slowest it exceeded its median by most */
};

/* None (slow.n 0): too few packets */
struct tail_path {
	struct hist slow, middle; /* totals of the two groups */
	__u64 limit; /* the slowest took this long or more, ns */
	__u64 wanted; /* how many were asked for */
	/* more were taken, all of the limit's histogram step: it has too many to tell them apart */
	bool coarse;
	struct tail_stage *stages; /* as path_stat.stages */
};

struct tail;

/* The breakdown is to be finished, and to stay. 0 or -ENOMEM */
int tail_new(const struct breakdown_builder *b, const struct breakdown *result,
	     const struct tail_spec *spec, struct tail **out);
/* Has the type of stitch_config.packet; ctx is the tail */
int tail_packet(void *ctx, const struct packet *p);
/* After the pass. *out is as breakdown.paths, and belongs to the tail. 0 or -ENOMEM */
int tail_finish(struct tail *t, const struct tail_path **out);
void tail_free(struct tail *t);

/* "1%", "0.1%", "20". 0, -EINVAL, or -ERANGE: no more than a quarter can be the slowest */
int tail_spec_parse(const char *s, struct tail_spec *out);

#endif
