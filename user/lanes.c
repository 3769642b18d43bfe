// SPDX-License-Identifier: GPL-2.0
#include "lanes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LANES_MAX (1U << 24)

/* How many lanes ended before this time */
static size_t lanes_before(const struct lanes *l, __u64 ts)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->lane[middle].end < ts)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int lanes_grow(struct lanes *l)
{
	size_t cap = l->cap ? 2 * l->cap : 8;
	struct lane *lane;

	if (l->n < l->cap)
		return 0;
	if (l->n >= LANES_MAX)
		return -E2BIG;
	lane = realloc(l->lane, cap * sizeof(*lane));
	if (!lane)
		return -ENOMEM;
	l->lane = lane;
	l->cap = cap;
	return 0;
}

int lanes_take(struct lanes *l, __u64 begin, __u64 end)
{
	size_t at = lanes_before(l, begin), to;
	__u32 nr = l->n;
	int err;

	if (at) {
		/* the one with the least gap: the others stay free for spans that began earlier */
		nr = l->lane[--at].nr;
		to = lanes_before(l, end) - 1;
		memmove(&l->lane[at], &l->lane[at + 1], (to - at) * sizeof(*l->lane));
	} else {
		err = lanes_grow(l);
		if (err)
			return err;
		to = lanes_before(l, end);
		memmove(&l->lane[to + 1], &l->lane[to], (l->n - to) * sizeof(*l->lane));
		l->n++;
	}
	l->lane[to] = (struct lane){ end, nr };
	return nr;
}

void lanes_free(struct lanes *l)
{
	free(l->lane);
	memset(l, 0, sizeof(*l));
}
