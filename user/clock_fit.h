/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The relation of a domain's clock to the reference clock (that of domain 0), from evidence:
 * samples of both clocks at one time, and packets, which are not received before they were sent.
 * Evidence is an interval in which reference - domain must lie at a time. It is rigorous where
 * the evidence is; what is assumed between two pieces of it (the drift) is added to the error.
 *
 * Offsets and their bounds are in ns, times on the domain's clock (CLOCK_MONOTONIC).
 */
#ifndef PKTLAP_CLOCK_FIT_H
#define PKTLAP_CLOCK_FIT_H

#include <linux/types.h>
#include <stddef.h>

/* reference - domain was in [lo, hi] when the domain's clock showed at */
struct clock_sample {
	__u64 at;
	__s64 lo, hi;
};

/*
 * Two clocks that other clocks discipline drift apart by no more than this: adjtimex() slews by
 * up to 500 ppm (MAXFREQ in include/linux/timex.h), each.
 */
#define CLOCK_DRIFT_MAX_PPM 1000

struct clock_fit;

/*
 * Fit samples, in any order; they are copied. Offset and drift are found robustly (the samples
 * that most others agree with), piece by piece. 0; -ENODATA: no sample; -ENOMEM.
 */
int clock_fit_new(const struct clock_sample *s, size_t n, struct clock_fit **out);
void clock_fit_free(struct clock_fit *f);

/*
 * What packets prove, before clock_fit_refine(): at this time the offset was at least (lo) or at
 * most (hi) so much. Constant time and memory: the tightest of each piece is kept. A bound outside
 * the time of the samples is kept with the piece that is nearest.
 */
void clock_fit_lo(struct clock_fit *f, __u64 at, __s64 lo);
void clock_fit_hi(struct clock_fit *f, __u64 at, __s64 hi);

struct clock_fit_stats {
	size_t samples; /* given */
	size_t outliers; /* of these: do not agree with the others */
	size_t pieces;
	__u64 bounds_lo, bounds_hi; /* packets, by direction */
	size_t refined; /* pieces that packets made narrower */
	size_t contradicted; /* pieces where packets and samples exclude each other */
	__u64 contradiction_ns; /* by how much at most */
	__s64 offset_ns; /* in the middle of the recording */
	__s64 drift_ppb; /* of reference against domain, over all */
	__u64 error_ns; /* largest half width of any piece, with its drift */
};

/*
 * Narrow the pieces by the bounds. Where bounds and samples exclude each other the samples are
 * kept, and the piece is counted as contradicted. May be called again after further bounds.
 */
void clock_fit_refine(struct clock_fit *f);
void clock_fit_stats(const struct clock_fit *f, struct clock_fit_stats *st);

/* Reference time of a domain's time. err: half of the width in which it is; may be NULL */
__u64 clock_fit_map(const struct clock_fit *f, __u64 at, __u64 *err);

#endif
