// SPDX-License-Identifier: GPL-2.0
/* Of the report: packets that were counted, but are not in the recording (record --slower-than) */
#include <stdlib.h>

#include "report_int.h"

/* All packets' totals of a path of the breakdown: it is known by the hops that shape it */
static const struct totals_path *totals_of(const struct totals *t, const struct path_stat *stat)
{
	struct totals_hop *hops = calloc(stat->nnodes + 1, sizeof(*hops));
	const struct totals_path *path;
	size_t n = 0;

	if (!hops)
		return NULL;
	for (size_t i = 0; i < stat->nnodes; i++)
		if (hop_shapes_path(stat->nodes[i].hop))
			hops[n++] = (struct totals_hop){ .hop = stat->nodes[i].hop,
							 .dev = stat->nodes[i].dev };
	path = totals_find(t, hops, n);
	free(hops);
	return path;
}

static int fast_cmp(const void *a, const void *b)
{
	const struct report_fast *x = a, *y = b;

	return (x->total.n < y->total.n) - (x->total.n > y->total.n);
}

static void fast_add(struct report *r, const struct report_input *in, const struct totals_path *path)
{
	struct report_fast *f = &r->kept.fast[r->kept.nfast++];
	struct path_node *nodes = calloc(path->nhops + 1, sizeof(*nodes));

	if (!nodes) {
		r->mem.failed = true;
		return;
	}
	for (size_t i = 0; i < path->nhops; i++)
		nodes[i] = (struct path_node){ .hop = path->hops[i].hop, .dev = path->hops[i].dev };
	f->chain = report_chain(r, in, nodes, path->nhops, &f->nchain);
	f->total = report_dist(&path->total);
	free(nodes);
}

static void kept_paths(struct report *r, const struct report_input *in)
{
	const struct totals *t = in->totals;
	bool *slow = calloc(t->npaths + 1, sizeof(*slow));

	r->kept.fast = arena_alloc(&r->mem, t->npaths, sizeof(*r->kept.fast));
	for (size_t i = 0; slow && i < r->npaths; i++) {
		const struct totals_path *path = totals_of(t, &in->breakdown->paths[i]);

		/* none: there were too many to tell apart */
		r->paths[i].total_all = (struct report_dist){ 0 };
		if (!path)
			continue;
		r->paths[i].total_all = report_dist(&path->total);
		slow[path - t->paths] = true;
	}
	for (size_t i = 0; slow && r->kept.fast && i < t->npaths; i++)
		if (!slow[i])
			fast_add(r, in, &t->paths[i]);
	if (r->kept.fast && r->kept.nfast)
		qsort(r->kept.fast, r->kept.nfast, sizeof(*r->kept.fast), fast_cmp);
	r->mem.failed |= !slow;
	free(slow);
}

void report_kept(struct report *r, const struct report_input *in)
{
	const json_t *doc = in->domains[0].trace->docs[TRACE_KEPT];
	const json_t *unstitched = json_object_get(doc, "unstitched");
	const struct totals *t = in->totals;
	struct report_kept *k = &r->kept;
	__u64 until = json_count(doc, "until_ns");

	for (int end = 0; end < PACKET_NR_ENDS; end++) {
		k->packets[end] = in->breakdown->packets[end];
		k->all += k->packets[end];
	}
	if (!t)
		return;
	k->on = true;
	k->slower_than_ns = trace_slower_than(in->domains[0].trace);
	k->until_ns = until > r->start_mono_ns ? until - r->start_mono_ns : 0;
	k->unstitched_times = json_count(unstitched, "times");
	k->unstitched_events = json_count(unstitched, "events");
	k->unstitched_ns = json_count(unstitched, "ns");
	k->bad_blocks = t->bad_blocks;
	k->bad_packets = t->bad_packets;
	k->total = report_dist(&t->all);
	k->other = report_dist(&t->other);
	r->seen = t->seen;
	for (int end = 0; end < PACKET_NR_ENDS; end++)
		r->packets[end] = t->packets[end];
	r->cloned = t->cloned;
	r->late_packets = t->nonmono;
	r->late_events += t->late;
	kept_paths(r, in);
}
