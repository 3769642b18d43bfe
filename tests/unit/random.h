/* SPDX-License-Identifier: GPL-2.0 */
/* A sequence of numbers that is the same on every machine */
#ifndef PKTLAP_TEST_RANDOM_H
#define PKTLAP_TEST_RANDOM_H

#include <linux/types.h>

/* The next one, 0 to below - 1; any *state begins a sequence */
static inline __u64 random_below(__u64 *state, __u64 below)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (*state ^ *state >> 29) % below;
}

#endif
