/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Log-linear histogram of nanoseconds: 128 linear steps for each power of two, so a value is
 * known to 1/128 (< 1 %); min, max, sum and count are exact, the sum of squares is kept in 128
 * bits. Full range of 64 bits; no saturation. Memory grows by octave on demand.
 */
#ifndef PKTLAP_HIST_H
#define PKTLAP_HIST_H

#include <jansson.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define HIST_STEPS   128 /* linear steps of an octave */
#define HIST_OCTAVES 58 /* [0]: below 128, [o]: from 2^(o+6) to below 2^(o+7) */

struct hist {
	__u64 n, min, max;
	unsigned __int128 sum, sumsq;
	__u64 *octave[HIST_OCTAVES]; /* NULL until used; HIST_STEPS counters each */
};

void hist_init(struct hist *h);
void hist_free(struct hist *h); /* leaves h as after hist_init() */
int hist_add(struct hist *h, __u64 ns); /* 0 or -ENOMEM; then h is as before */
int hist_merge(struct hist *to, const struct hist *from);

/* ns, rounded to the nearest; 0 when empty */
__u64 hist_avg(const struct hist *h);
/* population standard deviation, ns; exact up to rounding (integer square root) */
__u64 hist_stddev(const struct hist *h);
/*
 * Value at or below which permille/1000 of the values lie (nearest rank), ns: the middle of its
 * step, but never outside [min, max]. permille 500 = median, 999 = p99.9
 */
__u64 hist_quantile(const struct hist *h, unsigned int permille);

/* A step of the histogram: values from low to high, below is how many are less than low */
struct hist_step {
	__u64 low, high, n, below;
};

/* The step with the rank-th smallest value, 1 <= rank <= n */
struct hist_step hist_step(const struct hist *h, __u64 rank);

/*
 * As JSON and back: {n, min, max, sum, sumsq, steps: [[octave, step, n]...]}, sums as decimal
 * strings: they have up to 128 bits. *rows grows by the number of steps. hist_load() takes h for
 * empty; a document that no histogram can have made leaves it so. NULL, -ENOMEM: no memory.
 */
json_t *hist_doc(const struct hist *h, size_t *rows);
int hist_load(struct hist *h, const json_t *doc);

#endif
