// SPDX-License-Identifier: GPL-2.0
/* Of the report: the slowest packets of a path against those in the middle */
#include <stdint.h>
#include <stdlib.h>

#include "report_int.h"

#define SMALL_PPM 5000
#define FEW	  20 /* packets: quarters of a group of fewer are a handful each */

typedef __int128 s128;

static s128 divided(s128 a, s128 b)
{
	return a < 0 ? -((-a + b / 2) / b) : (a + b / 2) / b;
}

/*
 * Average of one group less that of the other, times both sizes: in whole numbers, so that the
 * stages' differences sum to that of the totals exactly
 */
static s128 difference(unsigned __int128 sum, __u64 n, unsigned __int128 middle, __u64 middle_n)
{
	return (s128)sum * middle_n - (s128)middle * n;
}

/* A stage's difference may be far more than that of the totals, to which it is a share */
static __s64 share_of(s128 more, s128 whole)
{
	s128 ppm = whole > 0 ? divided(more * 1000000, whole) : 0;

	if (ppm > INT64_MAX)
		return INT64_MAX;
	return ppm < -INT64_MAX ? -INT64_MAX : ppm;
}

static void stage_make(struct report_tail *t, const struct report_stage *stage,
		       const struct tail_path *tail, const struct tail_stage *from, s128 whole)
{
	s128 more = difference(from->slow.sum, t->n, from->middle_sum, t->middle_n);
	struct report_tail_stage *s = &t->stages[t->nstages++];

	*s = (struct report_tail_stage){
		.stage = stage,
		.n = from->slow.n,
		.p50 = hist_quantile(&from->slow, 500),
		.avg = divided(from->slow.sum, tail->slow.n),
		.middle_avg = divided(from->middle_sum, tail->middle.n),
		.more = divided(more, (s128)t->n * t->middle_n),
		.share_ppm = share_of(more, whole),
		.largest = from->largest,
	};
	if (s->more > 0 && (!t->top || s->more > t->top->more))
		t->top = s;
}

static void stage_fold(struct report_tail *t, struct report_tail_stage *s)
{
	s->small = true;
	t->folded.rows++;
	t->folded.avg += s->avg;
	t->folded.middle_avg += s->middle_avg;
	t->folded.more += s->more;
	t->folded.share_ppm += s->share_ppm;
}

void report_tail(struct report *r, const struct report_input *in, struct report_path *p,
		 const struct tail_path *tail)
{
	struct report_tail *t = &p->tail;
	s128 whole;

	t->asked = "";
	if (!tail)
		return;
	t->asked = report_str(r, in->tail_asked);
	t->wanted = tail->wanted;
	/* a path of which this pass saw nothing: it cannot be, but would divide by 0 */
	if (!tail->slow.n || !tail->middle.n)
		return;
	t->n = tail->slow.n;
	t->middle_n = tail->middle.n;
	t->coarse = tail->coarse;
	t->few = t->n < FEW;
	t->limit = tail->limit;
	t->middle_low = tail->middle.min;
	t->middle_high = tail->middle.max;
	t->avg = hist_avg(&tail->slow);
	t->middle_avg = hist_avg(&tail->middle);
	whole = difference(tail->slow.sum, t->n, tail->middle.sum, t->middle_n);
	t->more = divided(whole, (s128)t->n * t->middle_n);
	t->stages = arena_alloc(&r->mem, p->nstages, sizeof(*t->stages));
	if (!t->stages)
		return;
	for (size_t i = 0; i < p->nstages; i++)
		stage_make(t, &p->stages[i], tail, &tail->stages[i], whole);
	for (size_t i = 0; i < t->nstages; i++)
		if (llabs(t->stages[i].share_ppm) < SMALL_PPM && &t->stages[i] != t->top)
			stage_fold(t, &t->stages[i]);
}
