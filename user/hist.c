// SPDX-License-Identifier: GPL-2.0
/* Log-linear histogram, see hist.h */
#include "hist.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STEP_BITS 7 /* log2(HIST_STEPS) */

typedef unsigned __int128 u128;

static unsigned int value_octave(__u64 ns)
{
	return ns < HIST_STEPS ? 0 : 64 - STEP_BITS - __builtin_clzll(ns);
}

static unsigned int value_step(__u64 ns, unsigned int octave)
{
	return octave ? (ns >> (octave - 1)) & (HIST_STEPS - 1) : ns;
}

void hist_init(struct hist *h)
{
	memset(h, 0, sizeof(*h));
}

void hist_free(struct hist *h)
{
	for (int i = 0; i < HIST_OCTAVES; i++)
		free(h->octave[i]);
	hist_init(h);
}

static __u64 *octave_get(struct hist *h, unsigned int octave)
{
	if (!h->octave[octave])
		h->octave[octave] = calloc(HIST_STEPS, sizeof(__u64));
	return h->octave[octave];
}

int hist_add(struct hist *h, __u64 ns)
{
	unsigned int octave = value_octave(ns);
	__u64 *steps = octave_get(h, octave);

	if (!steps)
		return -ENOMEM;
	steps[value_step(ns, octave)]++;

	if (!h->n || ns < h->min)
		h->min = ns;
	if (ns > h->max)
		h->max = ns;
	h->n++;
	h->sum += ns;
	h->sumsq += (u128)ns * ns;
	return 0;
}

int hist_merge(struct hist *to, const struct hist *from)
{
	if (!from->n)
		return 0;

	/* All memory first, so that a failure leaves the numbers alone */
	for (int i = 0; i < HIST_OCTAVES; i++)
		if (from->octave[i] && !octave_get(to, i))
			return -ENOMEM;

	for (int i = 0; i < HIST_OCTAVES; i++) {
		if (!from->octave[i])
			continue;
		for (int j = 0; j < HIST_STEPS; j++)
			to->octave[i][j] += from->octave[i][j];
	}

	if (!to->n || from->min < to->min)
		to->min = from->min;
	if (from->max > to->max)
		to->max = from->max;
	to->n += from->n;
	to->sum += from->sum;
	to->sumsq += from->sumsq;
	return 0;
}

__u64 hist_avg(const struct hist *h)
{
	return h->n ? (h->sum + h->n / 2) / h->n : 0;
}

/* Nearest integer to the square root */
static __u64 sqrt_round(u128 v)
{
	__u64 root = 0;

	for (int bit = 63; bit >= 0; bit--) {
		__u64 try = root | 1ULL << bit;

		if ((u128)try * try <= v)
			root = try;
	}
	/* (root + 1/2)^2 = root^2 + root + 1/4 */
	if (v - (u128)root * root > root)
		root++;
	return root;
}

__u64 hist_stddev(const struct hist *h)
{
	u128 quot, rest, dev;

	if (!h->n)
		return 0;
	/*
	 * Sum of squared deviations = sumsq - sum^2 / n, with sum = quot * n + rest, so that no
	 * intermediate product needs more than 128 bits.
	 */
	quot = h->sum / h->n;
	rest = h->sum % h->n;
	dev = h->sumsq - quot * quot * h->n - 2 * quot * rest - rest * rest / h->n;
	return sqrt_round((dev + h->n / 2) / h->n);
}

struct hist_step hist_step(const struct hist *h, __u64 rank)
{
	struct hist_step step = { .low = h->max, .high = h->max };

	for (unsigned int i = 0; i < HIST_OCTAVES; i++) {
		for (unsigned int j = 0; h->octave[i] && j < HIST_STEPS; j++) {
			unsigned int shift = i ? i - 1 : 0;

			if (h->octave[i][j] < rank - step.below) {
				step.below += h->octave[i][j];
				continue;
			}
			step.low = i ? (__u64)(HIST_STEPS + j) << shift : j;
			step.high = step.low + (1ULL << shift) - 1;
			step.n = h->octave[i][j];
			return step;
		}
	}
	return step;
}

__u64 hist_quantile(const struct hist *h, unsigned int permille)
{
	__u64 rank = ((u128)h->n * permille + 999) / 1000, value;
	struct hist_step step;

	if (rank <= 1)
		return h->min;
	if (rank >= h->n)
		return h->max;
	step = hist_step(h, rank);
	value = step.low + (step.high - step.low + 1) / 2;
	if (value < h->min)
		return h->min;
	return value > h->max ? h->max : value;
}
