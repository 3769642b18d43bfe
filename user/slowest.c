// SPDX-License-Identifier: GPL-2.0
/* A heap with the fastest of the kept packets on top, the one to go when a slower one comes */
#include "slowest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct slowest {
	size_t n, cap, max;
	struct packet **heap;
};

/* Is a to be kept rather than b? */
static bool slower(const struct packet *a, const struct packet *b)
{
	__u64 x = packet_total(a), y = packet_total(b);

	return x != y ? x > y : a->id < b->id;
}

int slowest_new(size_t max, struct slowest **out)
{
	struct slowest *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->max = max;
	*out = s;
	return 0;
}

void slowest_free(struct slowest *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++)
		free(s->heap[i]);
	free(s->heap);
	free(s);
}

static struct packet *packet_copy(const struct packet *p)
{
	struct packet *copy = malloc(packet_size(p));

	return copy ? memcpy(copy, p, packet_size(p)) : NULL;
}

static void swap(struct slowest *s, size_t i, size_t j)
{
	struct packet *p = s->heap[i];

	s->heap[i] = s->heap[j];
	s->heap[j] = p;
}

static void sift_up(struct slowest *s, size_t i)
{
	for (; i && slower(s->heap[(i - 1) / 2], s->heap[i]); i = (i - 1) / 2)
		swap(s, i, (i - 1) / 2);
}

static void sift_down(struct slowest *s)
{
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < s->n && slower(s->heap[child], s->heap[child + 1]))
			child++;
		if (child >= s->n || slower(s->heap[child], s->heap[i]))
			return;
		swap(s, i, child);
		i = child;
	}
}

static int heap_grow(struct slowest *s)
{
	size_t cap = s->cap ? 2 * s->cap : 16;
	struct packet **heap;

	if (s->n < s->cap)
		return 0;
	heap = realloc(s->heap, cap * sizeof(*heap));
	if (!heap)
		return -ENOMEM;
	s->heap = heap;
	s->cap = cap;
	return 0;
}

int slowest_add(struct slowest *s, const struct packet *p)
{
	struct packet *copy;

	if (!s->max || (s->n == s->max && !slower(p, s->heap[0])))
		return 0;
	if (s->n < s->max && heap_grow(s))
		return -ENOMEM;
	copy = packet_copy(p);
	if (!copy)
		return -ENOMEM;
	if (s->n == s->max) {
		free(s->heap[0]);
		s->heap[0] = copy;
		sift_down(s);
	} else {
		s->heap[s->n] = copy;
		sift_up(s, s->n++);
	}
	return 0;
}

/* Take the fastest off the top again and again: the array fills from its end with the slowest
 * in front */
int slowest_each(struct slowest *s, int (*fn)(void *ctx, const struct packet *p), void *ctx)
{
	size_t all = s->n;
	int ret = 0;

	while (s->n > 1) {
		swap(s, 0, --s->n);
		sift_down(s);
	}
	for (size_t i = 0; i < all; i++) {
		if (!ret)
			ret = fn(ctx, s->heap[i]);
		free(s->heap[i]);
	}
	s->n = 0;
	return ret;
}
