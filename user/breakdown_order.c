// SPDX-License-Identifier: GPL-2.0
/*
 * The order of a path's nodes. Packets of one path meet its optional hops in different sets and,
 * now and then, in different orders (an interrupt that came earlier or later than a copy). The
 * stages, taken as edges of a graph, say which order most packets had: edges are accepted from
 * the most to the least frequent, unless they would close a circle. What a rare packet does
 * cannot disturb the order of the others, nor does it matter which packet came first.
 */
#include "breakdown_order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct order {
	size_t n; /* nodes */
	struct edge {
		__u32 from, to;
		__u64 weight;
	} * edges; /* accepted ones: the first naccepted */
	size_t naccepted;
	__u32 *position; /* of node: place on the way */
	__u32 *waits; /* accepted edges into node whose begin is not placed yet */
	__u32 *stack;
	bool *mark;
};

static int edge_cmp(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight < y->weight ? 1 : -1;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->to > y->to) - (x->to < y->to);
}

/* Can b be reached from a by accepted edges? */
static bool order_reaches(struct order *o, __u32 a, __u32 b)
{
	size_t depth = 0;

	memset(o->mark, 0, o->n * sizeof(*o->mark));
	o->stack[depth++] = a;
	o->mark[a] = true;
	while (depth) {
		__u32 at = o->stack[--depth];

		if (at == b)
			return true;
		for (size_t i = 0; i < o->naccepted; i++) {
			const struct edge *e = &o->edges[i];

			if (e->from == at && !o->mark[e->to]) {
				o->mark[e->to] = true;
				o->stack[depth++] = e->to;
			}
		}
	}
	return false;
}

static void order_accept(struct order *o, size_t nedges)
{
	qsort(o->edges, nedges, sizeof(*o->edges), edge_cmp);
	for (size_t i = 0; i < nedges; i++) {
		struct edge e = o->edges[i];

		if (order_reaches(o, e.to, e.from))
			continue;
		o->edges[o->naccepted++] = e;
		o->waits[e.to]++;
	}
}

/* Of two nodes that may come next: as in the catalogue, which is ordered like the way */
static bool node_before(const struct path_node *a, const struct path_node *b)
{
	if (a->hop != b->hop)
		return a->hop < b->hop;
	if (a->nth != b->nth)
		return a->nth < b->nth;
	return a->dev < b->dev;
}

static void order_place(struct order *o, const struct path_node *nodes)
{
	memset(o->mark, 0, o->n * sizeof(*o->mark)); /* placed */
	for (size_t place = 0; place < o->n; place++) {
		size_t best = o->n;

		for (size_t i = 0; i < o->n; i++)
			if (!o->mark[i] && !o->waits[i] &&
			    (best == o->n || node_before(&nodes[i], &nodes[best])))
				best = i;
		o->mark[best] = true;
		o->position[best] = place;
		for (size_t i = 0; i < o->naccepted; i++)
			if (o->edges[i].from == best)
				o->waits[o->edges[i].to]--;
	}
}

static int stage_cmp(const void *a, const void *b)
{
	const struct stage *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->to > y->to) - (x->to < y->to);
}

static int order_apply(const struct order *o, struct path_stat *path)
{
	struct path_node *nodes = malloc(o->n * sizeof(*nodes));
	struct stage key;

	if (!nodes)
		return -ENOMEM;
	for (size_t i = 0; i < o->n; i++)
		nodes[o->position[i]] = path->nodes[i];
	free(path->nodes);
	path->nodes = nodes;

	for (size_t i = 0; i < path->nstages; i++) {
		path->stages[i].from = o->position[path->stages[i].from];
		path->stages[i].to = o->position[path->stages[i].to];
	}
	if (!path->nstages)
		return 0;

	key = *path->slowest_stage;
	qsort(path->stages, path->nstages, sizeof(*path->stages), stage_cmp);
	path->slowest_stage = bsearch(&key, path->stages, path->nstages, sizeof(key), stage_cmp);
	return 0;
}

static size_t order_edges(struct order *o, const struct path_stat *path, size_t nfixed)
{
	size_t n = 0;

	/* the packet hops' own order holds whatever else */
	for (size_t i = 1; i < nfixed; i++)
		o->edges[n++] = (struct edge){ i - 1, i, ~0ULL };
	for (size_t i = 0; i < path->nstages; i++) {
		const struct stage *s = &path->stages[i];

		o->edges[n++] = (struct edge){ s->from, s->to, s->ns.n };
	}
	return n;
}

int path_order(struct path_stat *path, size_t nfixed)
{
	struct order o = { .n = path->nnodes };
	int err = -ENOMEM;

	if (!o.n)
		return 0;
	o.edges = calloc(nfixed + path->nstages + 1, sizeof(*o.edges));
	o.position = calloc(o.n, sizeof(*o.position));
	o.waits = calloc(o.n, sizeof(*o.waits));
	o.stack = calloc(o.n, sizeof(*o.stack));
	o.mark = calloc(o.n, sizeof(*o.mark));
	if (!o.edges || !o.position || !o.waits || !o.stack || !o.mark)
		goto out;

	order_accept(&o, order_edges(&o, path, nfixed));
	order_place(&o, path->nodes);
	err = order_apply(&o, path);
out:
	free(o.edges);
	free(o.position);
	free(o.waits);
	free(o.stack);
	free(o.mark);
	return err;
}
