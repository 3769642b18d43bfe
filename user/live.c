// SPDX-License-Identifier: GPL-2.0
#include "live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 256

/* Events of a CPU that wait, in order of time: a ring buffer, its size a power of two */
struct queue {
	struct pl_event *ev;
	size_t room, head, n;
	__u64 last_ts; /* of the event that was read last */
	unsigned int taken; /* in this round */
};

struct live {
	struct live_config cfg;
	size_t waiting;
	__u64 passed_ts; /* of the latest event that was passed on */
	struct live_stats stats;
	unsigned int *heap; /* CPUs by the time of their first event */
	size_t nheap;
	struct queue queue[];
};

int live_new(const struct live_config *cfg, struct live **out)
{
	struct live *l = calloc(1, sizeof(*l) + cfg->cpus * sizeof(struct queue));

	if (!l)
		return -ENOMEM;
	l->cfg = *cfg;
	if (!l->cfg.slack_ns)
		l->cfg.slack_ns = LIVE_SLACK_NS;
	if (!l->cfg.max_events)
		l->cfg.max_events = LIVE_EVENTS_MAX;
	l->heap = calloc(cfg->cpus + 1, sizeof(*l->heap));
	if (!l->heap) {
		free(l);
		return -ENOMEM;
	}
	*out = l;
	return 0;
}

void live_free(struct live *l)
{
	unsigned int cpu;

	if (!l)
		return;
	for (cpu = 0; cpu < l->cfg.cpus; cpu++)
		free(l->queue[cpu].ev);
	free(l->heap);
	free(l);
}

static struct pl_event *queue_at(const struct queue *q, size_t i)
{
	return &q->ev[(q->head + i) & (q->room - 1)];
}

static int queue_grow(struct queue *q)
{
	size_t room = q->room ? 2 * q->room : ROOM_MIN, first;
	struct pl_event *ev = malloc(room * sizeof(*ev));

	if (!ev)
		return -ENOMEM;
	first = q->room - q->head < q->n ? q->room - q->head : q->n;
	if (q->n) {
		memcpy(ev, q->ev + q->head, first * sizeof(*ev));
		memcpy(ev + first, q->ev, (q->n - first) * sizeof(*ev));
	}
	free(q->ev);
	q->ev = ev;
	q->room = room;
	q->head = 0;
	return 0;
}

int live_push(struct live *l, unsigned int cpu, const struct pl_event *ev)
{
	struct queue *q;
	size_t i;
	int err;

	if (cpu >= l->cfg.cpus)
		return -EINVAL;
	q = &l->queue[cpu];
	if (q->n == q->room) {
		err = queue_grow(q);
		if (err)
			return err;
	}
	/* from behind: nearly always the last place; an interrupted program's event goes before those
	 * of the interruption */
	for (i = q->n; i && queue_at(q, i - 1)->ts > ev->ts; i--)
		*queue_at(q, i) = *queue_at(q, i - 1);
	*queue_at(q, i) = *ev;
	q->n++;
	q->taken++;
	q->last_ts = ev->ts;
	if (++l->waiting > l->stats.waiting_max)
		l->stats.waiting_max = l->waiting;
	return 0;
}

/* --- passing on ----------------------------------------------------------------------------- */

static bool cpu_before(const struct live *l, unsigned int a, unsigned int b)
{
	__u64 x = queue_at(&l->queue[a], 0)->ts, y = queue_at(&l->queue[b], 0)->ts;

	return x < y || (x == y && a < b);
}

static void heap_sift(struct live *l, size_t i)
{
	unsigned int cpu = l->heap[i];
	size_t child;

	while ((child = 2 * i + 1) < l->nheap) {
		if (child + 1 < l->nheap && cpu_before(l, l->heap[child + 1], l->heap[child]))
			child++;
		if (!cpu_before(l, l->heap[child], cpu))
			break;
		l->heap[i] = l->heap[child];
		i = child;
	}
	l->heap[i] = cpu;
}

static void heap_make(struct live *l)
{
	unsigned int cpu;
	size_t i;

	l->nheap = 0;
	for (cpu = 0; cpu < l->cfg.cpus; cpu++)
		if (l->queue[cpu].n)
			l->heap[l->nheap++] = cpu;
	for (i = l->nheap / 2; i--;)
		heap_sift(l, i);
}

/* Pass on the first event of all */
static int first_pass(struct live *l)
{
	struct queue *q = &l->queue[l->heap[0]];
	struct pl_event ev = *queue_at(q, 0);

	q->head = (q->head + 1) & (q->room - 1);
	q->n--;
	l->waiting--;
	if (!q->n)
		l->heap[0] = l->heap[--l->nheap];
	if (l->nheap)
		heap_sift(l, 0);
	l->stats.events++;
	if (ev.ts < l->passed_ts)
		l->stats.late++;
	else
		l->passed_ts = ev.ts;
	return l->cfg.event(l->cfg.ctx, &ev);
}

/* Pass on what is not later than due, and what is too much */
static int pass(struct live *l, __u64 due)
{
	int err = 0;

	heap_make(l);
	while (!err && l->nheap) {
		if (queue_at(&l->queue[l->heap[0]], 0)->ts > due) {
			if (l->waiting <= l->cfg.max_events)
				break;
			l->stats.forced++;
		}
		err = first_pass(l);
	}
	return err;
}

int live_round(struct live *l, __u64 begin_ns, unsigned int budget)
{
	__u64 due = begin_ns;
	unsigned int cpu;
	struct queue *q;

	for (cpu = 0; cpu < l->cfg.cpus; cpu++) {
		q = &l->queue[cpu];
		if (q->taken >= budget && q->last_ts < due)
			due = q->last_ts;
		q->taken = 0;
	}
	return pass(l, due > l->cfg.slack_ns ? due - l->cfg.slack_ns : 0);
}

int live_finish(struct live *l)
{
	return pass(l, ~0ULL);
}

const struct live_stats *live_stats(const struct live *l)
{
	return &l->stats;
}
