// SPDX-License-Identifier: GPL-2.0
/* Of the report: paths with their stages and shares, and drops */
#include <stdlib.h>

#include "drop_names.h"
#include "report_int.h"

typedef unsigned __int128 u128;

struct share {
	size_t row;
	u128 rest;
};

static int share_cmp(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	if (x->rest != y->rest)
		return x->rest < y->rest ? 1 : -1;
	return (x->row > y->row) - (x->row < y->row);
}

/*
 * Parts of whole for each row's sum, such that they add up to whole exactly: rounded down, and
 * what is missing goes to the rows that lost most by it (largest remainder).
 */
static void shares(const struct path_stat *path, unsigned int whole, struct share *tmp,
		   unsigned int *out)
{
	u128 total = path->total.sum;
	unsigned int left = whole;

	for (size_t i = 0; i < path->nstages; i++) {
		u128 part = path->stages[i].ns.sum * whole;

		out[i] = total ? part / total : 0;
		tmp[i] = (struct share){ i, total ? part % total : 0 };
		left -= out[i];
	}
	if (!total || !path->nstages)
		return;
	qsort(tmp, path->nstages, sizeof(*tmp), share_cmp);
	for (size_t i = 0; left && i < path->nstages; i++, left--)
		out[tmp[i].row]++;
}

struct report_dist report_dist(const struct hist *h)
{
	return (struct report_dist){
		.n = h->n,
		.min = h->min,
		.avg = hist_avg(h),
		.p50 = hist_quantile(h, 500),
		.p90 = hist_quantile(h, 900),
		.p99 = hist_quantile(h, 990),
		.p999 = hist_quantile(h, 999),
		.max = h->max,
		.stddev = hist_stddev(h),
	};
}

static void path_hops(struct report *r, struct report_path *p, const struct path_stat *stat,
		      const struct report_input *in)
{
	p->hops = arena_alloc(&r->mem, stat->nnodes, sizeof(*p->hops));
	for (size_t i = 0; p->hops && i < stat->nnodes; i++) {
		const struct path_node *node = &stat->nodes[i];
		struct names *names = in->domains[node->domain].names;

		p->hops[p->nhops++] = (struct report_hop){
			.domain = report_domain_name(r, in, node->domain),
			.hop = hop_desc(node->hop)->name,
			.dev = report_str(r, names_dev_name(names, node->dev)),
			.task = report_task(r, names, node),
			.nth = node->nth,
			.optional = hop_desc(node->hop)->flags & PL_HOP_OPT,
			.n = node->n,
		};
	}
}

/* The hop's name does where it comes once; else its device, else a number */
static void path_labels(struct report *r, struct report_path *p, const struct path_stat *stat,
			const struct report_input *in)
{
	for (size_t i = 0; i < p->nhops; i++) {
		struct report_hop *h = &p->hops[i];
		bool devs = false;

		for (size_t j = 0; j < p->nhops; j++)
			if (stat->nodes[j].hop == stat->nodes[i].hop &&
			    stat->nodes[j].domain == stat->nodes[i].domain &&
			    stat->nodes[j].dev != stat->nodes[i].dev)
				devs = true;
		h->label = report_in_domain(r, in, stat->nodes[i].domain, h->hop);
		if (devs && *h->dev)
			h->label = arena_printf(&r->mem, "%s@%s", h->label, h->dev);
		if (h->nth)
			h->label = arena_printf(&r->mem, "%s#%u", h->label, h->nth + 1);
	}
}

static void path_shares(struct report *r, struct report_path *p, const struct path_stat *stat)
{
	struct share *tmp = calloc(stat->nstages + 1, sizeof(*tmp));
	unsigned int *permille = calloc(stat->nstages + 1, sizeof(*permille));
	unsigned int *ppm = calloc(stat->nstages + 1, sizeof(*ppm));

	if (!tmp || !permille || !ppm) {
		r->mem.failed = true;
		goto out;
	}
	shares(stat, 1000, tmp, permille);
	shares(stat, 1000000, tmp, ppm);
	for (size_t i = 0; i < p->nstages; i++) {
		p->stages[i].d.share_permille = permille[i];
		p->stages[i].d.share_ppm = ppm[i];
	}
	p->total.share_permille = stat->total.sum ? 1000 : 0;
	p->total.share_ppm = stat->total.sum ? 1000000 : 0;
out:
	free(tmp);
	free(permille);
	free(ppm);
}

/* Few packets and little time: the slowest packet's stage and what costs much always show */
static void path_rare(struct report_path *p)
{
	for (size_t i = 0; i < p->nstages; i++) {
		struct report_stage *s = &p->stages[i];

		s->rare = s->d.n * REPORT_RARE_PART < p->packets &&
			  s->d.share_ppm * REPORT_RARE_PART < 1000000 && s != p->slowest.stage;
		if (!s->rare)
			continue;
		p->rare.rows++;
		p->rare.n += s->d.n;
		p->rare.share_permille += s->d.share_permille;
		p->rare.share_ppm += s->d.share_ppm;
	}
	if (p->rare.rows > 1)
		return;
	/* one row for one row saves nothing */
	for (size_t i = 0; i < p->nstages; i++)
		p->stages[i].rare = false;
	p->rare.rows = 0;
	p->rare.n = p->rare.share_permille = p->rare.share_ppm = 0;
}

static void path_stages(struct report *r, struct report_path *p, const struct path_stat *stat)
{
	size_t largest = 0;

	p->stages = arena_alloc(&r->mem, stat->nstages, sizeof(*p->stages));
	if (!p->stages || !p->hops)
		return;
	p->nstages = stat->nstages;
	for (size_t i = 0; i < stat->nstages; i++) {
		const struct stage *s = &stat->stages[i];

		p->stages[i] = (struct report_stage){
			.from = &p->hops[s->from],
			.to = &p->hops[s->to],
			.d = report_dist(&s->ns),
			.min_packet = s->min_packet,
			.max_packet = s->max_packet,
			.error_ns = s->error_ns,
			.below = s->below,
		};
		if (s->ns.sum > stat->stages[largest].ns.sum)
			largest = i;
	}
	p->stages[largest].largest = true;
	if (stat->slowest_stage)
		p->slowest.stage = &p->stages[stat->slowest_stage - stat->stages];
}

/* What the programs add up to: sightings, and the mean run of the hook that made each */
struct cost_sum {
	__u64 packets, events;
	u128 ns, total;
};

/* costs: of each domain's kernel, whose programs are its own */
static void cost_add(struct cost_sum *sum, const struct path_stat *stat,
		     const struct hook_cost (*costs)[PL_NR_HOOKS])
{
	sum->packets += stat->packets;
	sum->total += stat->total.sum;
	for (size_t i = 0; i < stat->nnodes; i++) {
		const struct path_node *node = &stat->nodes[i];
		const struct hook_cost *hook =
			&costs[node->domain][node->hook < PL_NR_HOOKS ? node->hook : 0];

		sum->events += node->n;
		if (hook->runs)
			sum->ns += (u128)node->n * hook->ns / hook->runs;
	}
}

static struct report_cost cost_of(const struct cost_sum *sum)
{
	__u64 n = sum->packets;

	if (!n)
		return (struct report_cost){ 0 };
	return (struct report_cost){
		.ns_per_packet = (sum->ns + n / 2) / n,
		.events_per_1000_packets = ((u128)sum->events * 1000 + n / 2) / n,
		/* always set; NOLINTBEGIN(clang-analyzer-core.UndefinedBinaryOperatorResult) */
		.share_permille = sum->total ? sum->ns * 1000 / sum->total : 0,
		.share_ppm = sum->total ? sum->ns * 1000000 / sum->total : 0,
		/* NOLINTEND(clang-analyzer-core.UndefinedBinaryOperatorResult) */
	};
}

static void path_make(struct report *r, const struct report_input *in,
		      const struct path_stat *stat)
{
	struct report_path *p = &r->paths[r->npaths++];

	p->id = stat->id;
	p->packets = stat->packets;
	p->dropped = stat->dropped;
	p->chain = report_chain(r, in, stat->nodes, stat->nnodes, &p->nchain);
	p->total = report_dist(&stat->total);
	p->slowest.packet = stat->slowest;
	p->slowest.ns = stat->slowest_ns;
	p->slowest.mono_ns = stat->slowest_ts;
	p->slowest.real_ns = domain_wall_ns(in->domains, stat->nodes[0].domain, stat->slowest_ts);
	p->slowest.stage_ns = stat->slowest_stage_ns;
	path_hops(r, p, stat, in);
	path_labels(r, p, stat, in);
	path_stages(r, p, stat);
	path_shares(r, p, stat);
	path_rare(p);
	report_tail(r, in, p, in->tail ? &in->tail[stat - in->breakdown->paths] : NULL);
	p->total_all = p->total;
}

static void drop_make(struct report *r, const struct report_input *in,
		      const struct drop_stat *stat)
{
	const struct domain *domain = &in->domains[stat->domain];
	const json_t *doc = domain->trace->docs[TRACE_DROPS];
	struct report_drop *d = &r->drops[r->ndrops++];
	char name[DROP_NAME_LEN];

	d->path = stat->path;
	d->chain = report_chain(r, in, stat->nodes, stat->nnodes, &d->nchain);
	d->hop = stat->hop ? hop_desc(stat->hop)->name : "";
	d->dev = report_in_domain(r, in, stat->domain,
				  report_str(r, names_dev_name(domain->names, stat->dev)));
	d->reason = report_str(r, drop_reason_name(doc, stat->reason, name));
	d->reason_known = *d->reason;
	if (!d->reason_known)
		d->reason = arena_printf(&r->mem, "%u", stat->reason);
	d->place = report_str(r, drop_place_name(doc, stat->place, name));
	d->source = report_str(r, drop_place_source(doc, stat->place, name));
	d->reason_nr = stat->reason;
	d->place_offset = stat->place;
	d->packets = stat->packets;
}

void report_paths(struct report *r, const struct report_input *in)
{
	const struct breakdown *b = in->breakdown;
	struct hook_cost(*costs)[PL_NR_HOOKS] = calloc(in->ndomains, sizeof(*costs));
	struct cost_sum all = { 0 };

	if (!costs) {
		r->mem.failed = true;
		return;
	}
	for (size_t i = 0; i < in->ndomains; i++)
		report_hook_costs(in->domains[i].trace, costs[i]);
	r->paths = arena_alloc(&r->mem, b->npaths, sizeof(*r->paths));
	r->drops = arena_alloc(&r->mem, b->ndrops, sizeof(*r->drops));
	if (r->mem.failed)
		goto out;

	for (size_t i = 0; i < b->npaths; i++) {
		struct cost_sum one = { 0 };

		path_make(r, in, &b->paths[i]);
		cost_add(&one, &b->paths[i], costs);
		cost_add(&all, &b->paths[i], costs);
		r->paths[i].cost = cost_of(&one);
	}
	r->cost = cost_of(&all);
	for (size_t i = 0; i < b->ndrops; i++)
		drop_make(r, in, &b->drops[i]);
out:
	free(costs);
}
