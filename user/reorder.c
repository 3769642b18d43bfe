// SPDX-License-Identifier: GPL-2.0
/* A queue for each CPU, a heap over them by the time of their first event, see reorder.h */
#include "reorder.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN  256
#define ROOM_KEEP 16384 /* 1 MiB: what is more goes when it is empty */

/* Events of a CPU that wait, in order of time: a ring buffer, its size a power of two */
struct queue {
	struct pl_event *ev;
	size_t room, head, n;
	__u64 last_ts; /* of the event that was read last */
	unsigned int taken; /* in this round */
};

struct reorder {
	struct reorder_config cfg;
	__u64 passed_ts; /* of the latest event that was passed on */
	__u64 late;
	unsigned int *heap; /* CPUs by the time of their first event */
	size_t nheap;
	struct queue queue[];
};

int reorder_new(const struct reorder_config *cfg, struct reorder **out)
{
	struct reorder *r = calloc(1, sizeof(*r) + cfg->cpus * sizeof(struct queue));

	if (!r)
		return -ENOMEM;
	r->cfg = *cfg;
	if (!r->cfg.slack_ns)
		r->cfg.slack_ns = REORDER_SLACK_NS;
	r->heap = calloc(cfg->cpus + 1, sizeof(*r->heap));
	if (!r->heap) {
		free(r);
		return -ENOMEM;
	}
	*out = r;
	return 0;
}

void reorder_free(struct reorder *r)
{
	if (!r)
		return;
	for (unsigned int cpu = 0; cpu < r->cfg.cpus; cpu++)
		free(r->queue[cpu].ev);
	free(r->heap);
	free(r);
}

static struct pl_event *queue_at(const struct queue *q, size_t i)
{
	return &q->ev[(q->head + i) & (q->room - 1)];
}

static int queue_grow(struct queue *q)
{
	size_t room = q->room ? 2 * q->room : ROOM_MIN;
	struct pl_event *ev = calloc(room, sizeof(*ev));

	if (!ev)
		return -ENOMEM;
	for (size_t i = 0; i < q->n; i++)
		ev[i] = *queue_at(q, i);
	free(q->ev);
	q->ev = ev;
	q->room = room;
	q->head = 0;
	return 0;
}

/* An outburst of one CPU is no reason to keep its room */
static void queue_emptied(struct queue *q)
{
	if (q->room <= ROOM_KEEP)
		return;
	free(q->ev);
	q->ev = NULL;
	q->room = q->head = 0;
}

int reorder_push(struct reorder *r, const struct pl_event *ev)
{
	struct queue *q = &r->queue[ev->cpu];
	size_t i;
	int err;

	if (ev->cpu >= r->cfg.cpus)
		return -EINVAL;
	if (q->n == q->room) {
		err = queue_grow(q);
		if (err)
			return err;
	}
	/*
	 * From behind: nearly always the last place; an interrupted program's event goes before
	 * those of the interruption
	 */
	for (i = q->n; i && queue_at(q, i - 1)->ts > ev->ts; i--)
		*queue_at(q, i) = *queue_at(q, i - 1);
	*queue_at(q, i) = *ev;
	q->n++;
	q->taken++;
	q->last_ts = ev->ts;
	return 0;
}

/* --- passing on ----------------------------------------------------------------------------- */

static bool cpu_before(const struct reorder *r, unsigned int a, unsigned int b)
{
	__u64 x = queue_at(&r->queue[a], 0)->ts, y = queue_at(&r->queue[b], 0)->ts;

	return x < y || (x == y && a < b);
}

static void heap_sift(struct reorder *r, size_t i)
{
	unsigned int cpu = r->heap[i];
	size_t child;

	while ((child = 2 * i + 1) < r->nheap) {
		if (child + 1 < r->nheap && cpu_before(r, r->heap[child + 1], r->heap[child]))
			child++;
		if (!cpu_before(r, r->heap[child], cpu))
			break;
		r->heap[i] = r->heap[child];
		i = child;
	}
	r->heap[i] = cpu;
}

static void heap_make(struct reorder *r)
{
	r->nheap = 0;
	for (unsigned int cpu = 0; cpu < r->cfg.cpus; cpu++)
		if (r->queue[cpu].n)
			r->heap[r->nheap++] = cpu;
	for (size_t i = r->nheap / 2; i--;)
		heap_sift(r, i);
}

/* Pass on the first event of all. It keeps its place during the call */
static int first_pass(struct reorder *r)
{
	struct queue *q = &r->queue[r->heap[0]];
	const struct pl_event *ev = queue_at(q, 0);
	int err;

	if (ev->ts < r->passed_ts)
		r->late++;
	else
		r->passed_ts = ev->ts;
	err = r->cfg.event(r->cfg.ctx, ev);
	q->head = (q->head + 1) & (q->room - 1);
	if (!--q->n) {
		queue_emptied(q);
		r->heap[0] = r->heap[--r->nheap];
	}
	if (r->nheap)
		heap_sift(r, 0);
	return err;
}

static int pass(struct reorder *r, __u64 due)
{
	int err = 0;

	heap_make(r);
	while (!err && r->nheap && queue_at(&r->queue[r->heap[0]], 0)->ts <= due)
		err = first_pass(r);
	return err;
}

int reorder_round(struct reorder *r, __u64 begin_ns, unsigned int budget)
{
	__u64 due = begin_ns;

	for (unsigned int cpu = 0; cpu < r->cfg.cpus; cpu++) {
		struct queue *q = &r->queue[cpu];

		if (q->taken >= budget && q->last_ts < due)
			due = q->last_ts;
		q->taken = 0;
	}
	return due > r->cfg.slack_ns ? pass(r, due - r->cfg.slack_ns) : 0;
}

int reorder_finish(struct reorder *r)
{
	int err = pass(r, ~0ULL);

	r->passed_ts = 0;
	return err;
}

__u64 reorder_late(const struct reorder *r)
{
	return r->late;
}
