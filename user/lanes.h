/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lanes of a time line: spans of time that overlap are put into different lanes, so that each lane
 * is a row of spans that do not. Spans come in about the order of their ends; then there are about
 * as many lanes as spans overlap at most, and that is what memory grows with.
 */
#ifndef PKTLAP_LANES_H
#define PKTLAP_LANES_H

#include <linux/types.h>
#include <stddef.h>

struct lanes {
	struct lane {
		__u64 end; /* of the last span in it */
		__u32 nr;
	} * lane; /* by end */
	size_t n, cap;
};

/*
 * Lane for a span from begin to end (begin <= end): a number from 0, below l->n. Spans of one lane
 * do not touch. A span that comes long after later ones gets a lane that none of them is in.
 * Negative: -ENOMEM, or -E2BIG beyond 2^24 lanes.
 */
int lanes_take(struct lanes *l, __u64 begin, __u64 end);
void lanes_free(struct lanes *l);

#endif
