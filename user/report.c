// SPDX-License-Identifier: GPL-2.0
/* The finished report, see report.h */
#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report_int.h"
#include "text.h"

const char *report_str(struct report *r, const char *s)
{
	size_t size = s ? strlen(s) + 1 : 0;
	char *to = arena_alloc(&r->mem, size, 1);

	return to ? text_clean(to, size, s) : "";
}

static int count_cmp(const void *a, const void *b)
{
	const struct report_count *x = a, *y = b;

	return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : strcmp(x->name, y->name);
}

static void report_last_hops(struct report *r, const struct stitch_stats *s)
{
	r->last_hop = arena_alloc(&r->mem, PL_NR_HOPS, sizeof(*r->last_hop));
	for (int hop = 0; r->last_hop && hop < PL_NR_HOPS; hop++)
		if (s->last_hop[hop])
			r->last_hop[r->nlast_hop++] = (struct report_count){
				hop_desc(hop)->name,
				s->last_hop[hop],
			};
	if (r->last_hop && r->nlast_hop)
		qsort(r->last_hop, r->nlast_hop, sizeof(*r->last_hop), count_cmp);
}

static void report_counters(struct report *r, const struct report_input *in)
{
	const struct breakdown *b = in->breakdown;

	r->ended = true;
	r->bad_blocks = in->merge->bad_blocks;
	for (size_t i = 0; i < in->ndomains; i++) {
		const struct trace *t = in->domains[i].trace;

		r->truncated |= t->truncated;
		/* a guest that was lost is told as that */
		r->ended &= t->ended || t->docs[TRACE_GUEST];
		r->bad_blocks += t->damaged;
		r->stored_events += t->nevents;
	}
	r->bad_events = in->merge->bad_events;
	r->late_events = in->merge->late;

	r->events = in->stitch->events;
	r->unused_events = in->stitch->unused;
	r->evicted = in->stitch->evicted;
	r->undecided = in->stitch->undecided;
	r->unsure_fetches = in->stitch->unsure_fetches;
	r->seen = b->seen;
	memcpy(r->packets, b->packets, sizeof(r->packets));
	r->cloned = b->cloned;
	r->late_packets = b->nonmono;
}

int report_new(const struct report_input *in, struct report **out)
{
	struct report *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->file = report_str(r, in->file);
	report_counters(r, in);
	report_docs(r, in);
	report_changes(r, in);
	report_last_hops(r, in->stitch);
	report_domains(r, in);
	report_paths(r, in);
	report_kept(r, in);

	if (r->mem.failed) {
		report_free(r);
		return -ENOMEM;
	}
	*out = r;
	return 0;
}

void report_free(struct report *r)
{
	if (!r)
		return;
	arena_free(&r->mem);
	free(r);
}
