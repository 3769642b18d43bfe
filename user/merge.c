// SPDX-License-Identifier: GPL-2.0
/*
 * One stream for each CPU, a heap over the streams by the time of their next event.
 *
 * A stream holds two consecutive blocks, each sorted, and gives out the smaller of their heads.
 * When one is used up, the next block is read in its place. So an event that stands late in the
 * ring by up to a block's length (TRACE_BLOCK_EVENTS) still comes in its turn. Blocks are not
 * read before the time that they begin with has come: only CPUs that were active at about the
 * same time take memory together.
 */
#include "merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trace_format.h"

struct half {
	struct pl_event *ev; /* room for a block; NULL: not needed so far */
	unsigned int pos, n; /* used up: pos == n */
};

struct stream {
	__u64 next_ts; /* of the next event; while nothing is read: not above it */
	__u32 cpu;
	size_t block, end; /* in merge.order: the next block to read, behind the last */
	bool gap; /* the block before the next one could not be read */
	struct half a, b; /* a is the earlier block */
	struct half *head; /* the one of them that has the next event; NULL: settle first */
};

struct merge {
	const struct trace *t;
	size_t *order; /* numbers of blocks: those of a CPU together, in their order */
	struct stream *stream;
	struct stream **heap;
	size_t nstreams, nheap;
	bool given; /* the caller has the top's next event */
	__u64 last_ts;
	struct pl_event *spare; /* half a block, for sorting */
	struct merge_stats stats;
};

static bool stream_before(const struct stream *x, const struct stream *y)
{
	return x->next_ts < y->next_ts || (x->next_ts == y->next_ts && x->cpu < y->cpu);
}

static void heap_sift(struct merge *m, size_t i)
{
	struct stream *s = m->heap[i];
	size_t child;

	while ((child = 2 * i + 1) < m->nheap) {
		if (child + 1 < m->nheap && stream_before(m->heap[child + 1], m->heap[child]))
			child++;
		if (!stream_before(m->heap[child], s))
			break;
		m->heap[i] = m->heap[child];
		i = child;
	}
	m->heap[i] = s;
}

/* Merge the sorted runs [lo, mid) and [mid, hi); moves only what is out of order */
static void runs_merge(struct pl_event *ev, struct pl_event *spare, size_t lo, size_t mid,
		       size_t hi)
{
	size_t to = mid, left = 0, right = mid, n;

	while (to > lo && ev[to - 1].ts > ev[mid].ts)
		to--;
	n = mid - to;
	memcpy(spare, ev + to, n * sizeof(*ev));
	while (left < n) {
		if (right < hi && ev[right].ts < spare[left].ts)
			ev[to++] = ev[right++];
		else
			ev[to++] = spare[left++];
	}
}

/* Merge sort: stable, one comparison per event where there is nothing to do */
static void block_sort(struct pl_event *ev, struct pl_event *spare, size_t n)
{
	size_t width, lo, mid, hi;

	for (width = 1; width < n; width *= 2)
		for (lo = 0; lo + width < n; lo += 2 * width) {
			mid = lo + width;
			hi = mid + width < n ? mid + width : n;
			if (ev[mid - 1].ts > ev[mid].ts)
				runs_merge(ev, spare, lo, mid, hi);
		}
}

/* Read a stream's next block into h, which is used up. One that cannot be read is passed over */
static int half_load(struct merge *m, struct stream *s, struct half *h)
{
	size_t block = m->order[s->block];
	int n;

	if (!h->ev)
		h->ev = malloc(TRACE_BLOCK_EVENTS * sizeof(*h->ev));
	if (!h->ev)
		return -ENOMEM;
	s->block++;
	n = trace_read_block(m->t, block, h->ev);
	if (n < 0) {
		m->stats.bad_blocks++;
		m->stats.bad_events += m->t->blocks[block].events;
		s->gap = true;
		return -EBADMSG;
	}
	block_sort(h->ev, m->spare, n);
	if (s->gap && n)
		h->ev[0].flags |= PL_F_GAP;
	s->gap = false;
	h->pos = 0;
	h->n = n;
	return 0;
}

/* Let neither half be used up while there are blocks, then choose the head */
static int stream_settle(struct merge *m, struct stream *s)
{
	struct half swap;
	int err;

	while (s->a.pos == s->a.n || s->b.pos == s->b.n) {
		if (s->a.pos == s->a.n) {
			swap = s->a;
			s->a = s->b;
			s->b = swap;
		}
		if (s->block == s->end)
			break;
		err = half_load(m, s, s->a.pos == s->a.n ? &s->a : &s->b);
		if (err)
			return err;
	}
	if (s->a.pos == s->a.n) /* then b is, too */
		return 0;
	s->head = &s->a;
	if (s->b.pos < s->b.n && s->b.ev[s->b.pos].ts < s->a.ev[s->a.pos].ts)
		s->head = &s->b;
	s->next_ts = s->head->ev[s->head->pos].ts;
	return 0;
}

static void stream_free(struct stream *s)
{
	free(s->a.ev);
	free(s->b.ev);
	s->a.ev = s->b.ev = NULL;
}

/* Let the top of the heap be the stream with the earliest event */
static int heap_settle(struct merge *m)
{
	struct stream *s;
	int err;

	while (m->nheap && !m->heap[0]->head) {
		s = m->heap[0];
		err = stream_settle(m, s);
		if (err)
			return err;
		if (!s->head) {
			stream_free(s);
			m->heap[0] = m->heap[--m->nheap];
		}
		if (m->nheap)
			heap_sift(m, 0);
	}
	return 0;
}

int merge_next(struct merge *m, const struct pl_event **ev)
{
	struct stream *s;
	int err;

	if (m->given) {
		s = m->heap[0];
		s->head->pos++;
		s->head = NULL;
		m->given = false;
	}
	err = heap_settle(m);
	if (err || !m->nheap)
		return err;
	s = m->heap[0];
	*ev = &s->head->ev[s->head->pos];
	if (s->next_ts < m->last_ts)
		m->stats.late++;
	else
		m->last_ts = s->next_ts;
	m->given = true;
	return 1;
}

/* Not above the time of what the stream gives out first */
static __u64 stream_begin(const struct merge *m, const struct stream *s)
{
	__u64 ts = m->t->blocks[m->order[s->block]].ts_min, other;

	if (s->block + 1 < s->end) {
		other = m->t->blocks[m->order[s->block + 1]].ts_min;
		ts = other < ts ? other : ts;
	}
	return ts;
}

/* Sort the blocks by CPU: count, then place. at: for each CPU, where its blocks begin */
static int streams_make(struct merge *m, size_t *at)
{
	const struct trace *t = m->t;
	size_t i, sum = 0, n;

	for (i = 0; i < t->nblocks; i++)
		m->nstreams += !at[t->blocks[i].cpu]++;
	if (!m->nstreams)
		return 0;
	m->stream = calloc(m->nstreams, sizeof(*m->stream));
	m->heap = calloc(m->nstreams, sizeof(struct stream *));
	if (!m->stream || !m->heap)
		return -ENOMEM;
	for (i = 0; i < TRACE_CPUS_MAX; i++) {
		n = at[i];
		at[i] = sum;
		sum += n;
		if (!n)
			continue;
		m->stream[m->nheap] = (struct stream){
			.cpu = i, .block = at[i], .end = sum
		};
		m->heap[m->nheap] = &m->stream[m->nheap];
		m->nheap++;
	}
	for (i = 0; i < t->nblocks; i++)
		m->order[at[t->blocks[i].cpu]++] = i;
	for (i = 0; i < m->nstreams; i++)
		m->stream[i].next_ts = stream_begin(m, &m->stream[i]);
	for (i = m->nheap / 2; i--;)
		heap_sift(m, i);
	return 0;
}

int merge_open(const struct trace *t, struct merge **out)
{
	struct merge *m = calloc(1, sizeof(*m));
	size_t *at = calloc(TRACE_CPUS_MAX, sizeof(*at));
	int err = -ENOMEM;

	if (!m || !at)
		goto fail;
	m->t = t;
	m->order = calloc(t->nblocks + 1, sizeof(*m->order));
	m->spare = malloc(TRACE_BLOCK_EVENTS / 2 * sizeof(*m->spare));
	if (!m->order || !m->spare)
		goto fail;
	err = streams_make(m, at);
	if (err)
		goto fail;
	free(at);
	*out = m;
	return 0;
fail:
	free(at);
	merge_close(m);
	return err;
}

void merge_close(struct merge *m)
{
	size_t i;

	if (!m)
		return;
	for (i = 0; m->stream && i < m->nstreams; i++)
		stream_free(&m->stream[i]);
	free(m->stream);
	free(m->heap);
	free(m->order);
	free(m->spare);
	free(m);
}

const struct merge_stats *merge_stats(const struct merge *m)
{
	return &m->stats;
}
