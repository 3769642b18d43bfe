// SPDX-License-Identifier: GPL-2.0
/* Of the report: what the recording says about itself */
#include <stdlib.h>
#include <string.h>

#include "report_int.h"

/* Time of the last event, where the recorder did not live to write its end */
static __u64 last_event(const struct trace *t)
{
	__u64 last = json_count(t->docs[TRACE_KEPT], "until_ns");

	for (size_t i = 0; i < t->nblocks; i++)
		if (t->blocks[i].ts_max > last)
			last = t->blocks[i].ts_max;
	return last;
}

static void doc_meta(struct report *r, const struct report_input *in)
{
	const struct trace *t = in->domains[0].trace;
	const json_t *meta = t->docs[TRACE_META], *options = json_object_get(meta, "options");
	__u64 end = json_count(t->docs[TRACE_END], "end_mono_ns");

	r->host = report_str(r, json_str(meta, "host"));
	r->release = report_str(r, json_str(meta, "release"));
	r->machine = report_str(r, json_str(meta, "machine"));
	r->version = report_str(r, json_str(meta, "version"));
	r->end_reason = report_str(r, json_str(t->docs[TRACE_END], "reason"));
	r->filter = report_str(r, json_str(options, "filter"));
	r->sample = json_count(options, "sample");
	r->follow_nat = json_is_true(json_object_get(options, "follow_nat"));
	r->cpus = json_count(meta, "cpus");
	r->start_mono_ns = json_count(meta, "start_mono_ns");
	r->start_real_ns = domain_wall_ns(in->domains, 0, r->start_mono_ns);
	if (!end)
		end = last_event(t);
	r->duration_ns = end > r->start_mono_ns ? end - r->start_mono_ns : 0;
}

static int cpu_cmp(const void *a, const void *b)
{
	const struct report_count *x = a, *y = b;

	int m = atoi(x->name), n = atoi(y->name);

	return (m > n) - (m < n);
}

/* Of one domain; from: where its rows begin */
static void loss_by_cpu(struct report *r, const json_t *by_cpu, size_t from)
{
	const char *cpu;
	json_t *value;
	size_t i;

	json_object_foreach((json_t *)by_cpu, cpu, value) {
		json_int_t lost = json_integer_value(value);

		if (lost <= 0)
			continue;
		for (i = from; i < r->nlost_by_cpu; i++)
			if (!strcmp(r->lost_by_cpu[i].name, cpu))
				break;
		if (i == r->nlost_by_cpu)
			r->lost_by_cpu[r->nlost_by_cpu++].name = report_str(r, cpu);
		r->lost_by_cpu[i].n += lost;
	}
}

/* Entries of all by_cpu objects together: more than enough room for what they are summed to */
static size_t cpus_count(json_t *hooks)
{
	const char *id;
	json_t *hook;
	size_t n = 0;

	json_object_foreach(hooks, id, hook)
		n += json_object_size(json_object_get(hook, "by_cpu"));
	return n;
}

static json_t *hooks_counted(const struct report_input *in, size_t domain)
{
	return json_object_get(in->domains[domain].trace->docs[TRACE_COUNTS], "hooks");
}

static void loss_add(struct report *r, const struct report_input *in, size_t domain)
{
	size_t cpu = r->nlost_by_cpu;
	__u64 by_hop[PL_NR_HOPS] = { 0 };
	const char *id;
	json_t *hook;

	json_object_foreach(hooks_counted(in, domain), id, hook) {
		r->made_events += json_count(hook, "made");
		by_hop[hook_desc(hook_by_id(id))->hop] += json_count(hook, "lost");
		loss_by_cpu(r, json_object_get(hook, "by_cpu"), cpu);
	}
	for (int hop = 0; hop < PL_NR_HOPS; hop++)
		if (by_hop[hop])
			r->lost_by_hop[r->nlost_by_hop++] = (struct report_count){
				report_in_domain(r, in, domain, hop_desc(hop)->name),
				by_hop[hop],
			};
	if (r->nlost_by_cpu > cpu)
		qsort(r->lost_by_cpu + cpu, r->nlost_by_cpu - cpu, sizeof(*r->lost_by_cpu), cpu_cmp);
	for (; cpu < r->nlost_by_cpu; cpu++)
		r->lost_by_cpu[cpu].name = report_in_domain(r, in, domain, r->lost_by_cpu[cpu].name);
}

static void doc_loss(struct report *r, const struct report_input *in)
{
	size_t i, cpus = 0;

	for (i = 0; i < in->ndomains; i++)
		cpus += cpus_count(hooks_counted(in, i));
	r->lost_by_hop = arena_alloc(&r->mem, PL_NR_HOPS * in->ndomains, sizeof(*r->lost_by_hop));
	r->lost_by_cpu = arena_alloc(&r->mem, cpus, sizeof(*r->lost_by_cpu));
	if (r->mem.failed)
		return;
	r->lost_known = true;
	for (i = 0; i < in->ndomains; i++) {
		const json_t *counts = in->domains[i].trace->docs[TRACE_COUNTS];

		r->lost_known &= counts != NULL;
		r->lost += trace_lost(in->domains[i].trace);
		r->unfollowed += json_count(counts, "unfollowed");
		r->tasks_unfollowed += json_count(counts, "tasks_unfollowed");
		loss_add(r, in, i);
	}
}

/* "a; b" of the alternatives' errors, each once */
static const char *why_of(struct report *r, const json_t *tried)
{
	const char *why = "";
	const json_t *one;
	size_t i;

	json_array_foreach(tried, i, one) {
		const char *error = json_str(one, "error");

		if (!*error || strstr(why, error))
			continue;
		why = *why ? arena_printf(&r->mem, "%s; %s", why, error) : error;
	}
	return report_str(r, why);
}

/* Rows of a document of all domains */
static size_t rows_count(const struct report_input *in, enum trace_chunk kind)
{
	size_t i, n = 0;

	for (i = 0; i < in->ndomains; i++)
		n += json_array_size(in->domains[i].trace->docs[kind]);
	return n;
}

static void coverage_add(struct report *r, const char *domain, const json_t *hop)
{
	struct report_coverage *c = &r->coverage[r->ncoverage++];
	const char *as = json_str(hop, "as");

	c->domain = domain;
	c->hop = report_str(r, json_str(hop, "hop"));
	c->state = report_str(r, json_str(hop, "state"));
	c->as = report_str(r, as);
	c->hook = report_str(r, json_str(hop, "hook"));
	c->kind = report_str(r, json_str(hop, "kind"));
	c->target = report_str(r, json_str(hop, "target"));
	c->why = why_of(r, json_object_get(hop, "tried"));
	c->partial = report_str(r, hook_partial(hook_by_id(c->hook)));
	c->missing = !*as && !strcmp(c->state, "uncovered");
	c->silent = !*as && !strcmp(c->state, "silent");
}

static void doc_coverage(struct report *r, const struct report_input *in)
{
	const json_t *hop;
	size_t i, row;

	r->coverage = arena_alloc(&r->mem, rows_count(in, TRACE_HOPS), sizeof(*r->coverage));
	for (i = 0; r->coverage && i < in->ndomains; i++)
		json_array_foreach(in->domains[i].trace->docs[TRACE_HOPS], row, hop)
			coverage_add(r, report_domain_name(r, in, i), hop);
}

void report_hook_costs(const struct trace *t, struct hook_cost cost[PL_NR_HOOKS])
{
	json_t *hooks = json_object_get(t->docs[TRACE_COST], "hooks"), *hook;
	const char *id;

	memset(cost, 0, PL_NR_HOOKS * sizeof(*cost));
	json_object_foreach(hooks, id, hook)
		cost[hook_by_id(id)] = (struct hook_cost){
			json_count(hook, "runs"),
			json_count(hook, "ns"),
		};
	cost[PL_HOOK_none].runs = 0; /* hooks that this pktlap does not know */
}

/* Hooks that serve a hop side by side (PL_COMPANIONS) are one row. from: the domain's rows */
static void hook_cost_add(struct report *r, const struct report_input *in, size_t domain,
			  size_t from, enum pl_hook hook, const struct hook_cost *cost)
{
	const char *hop = hop_desc(hook_desc(hook)->hop)->name;
	size_t i = from;

	while (i < r->nhook_cost && strcmp(r->hook_cost[i].hop, hop))
		i++;
	if (i == r->nhook_cost)
		r->hook_cost[r->nhook_cost++] = (struct report_hook_cost){
			.domain = report_domain_name(r, in, domain),
			.hop = hop,
			.hook = hook_desc(hook)->id,
			.label = report_in_domain(r, in, domain, hop),
		};
	r->hook_cost[i].runs += cost->runs;
	r->hook_cost[i].ns += cost->ns;
}

static void doc_cost(struct report *r, const struct report_input *in)
{
	struct hook_cost cost[PL_NR_HOOKS];
	size_t i, from;

	r->cost_window_ns = json_count(in->domains[0].trace->docs[TRACE_COST], "window_ns");
	r->hook_cost = arena_alloc(&r->mem, PL_NR_HOOKS * in->ndomains, sizeof(*r->hook_cost));
	if (!r->hook_cost)
		return;
	for (i = 0; i < in->ndomains; i++) {
		report_hook_costs(in->domains[i].trace, cost);
		from = r->nhook_cost;
		for (int hook = 0; hook < PL_NR_HOOKS; hook++)
			if (cost[hook].runs)
				hook_cost_add(r, in, i, from, hook, &cost[hook]);
	}
	for (i = 0; i < r->nhook_cost; i++) {
		struct report_hook_cost *c = &r->hook_cost[i];

		c->ns_per_run = (c->ns + c->runs / 2) / c->runs;
	}
}

static void hazard_add(struct report *r, const char *domain, const json_t *one)
{
	struct report_hazard *z = &r->hazards[r->nhazards++];

	z->domain = domain;
	z->id = report_str(r, json_str(one, "id"));
	z->severity = report_str(r, json_str(one, "severity"));
	z->subject = report_str(r, json_str(one, "subject"));
	z->evidence = report_str(r, json_str(one, "evidence"));
	z->remedy = report_str(r, json_str(one, "remedy"));
	z->during = !strcmp(json_str(one, "when"), "during");
	z->note = !strcmp(z->severity, "note");
	r->nnotes += z->note;
}

static void doc_hazards(struct report *r, const struct report_input *in)
{
	const json_t *one;
	size_t i, row;

	r->hazards = arena_alloc(&r->mem, rows_count(in, TRACE_HAZARDS), sizeof(*r->hazards));
	for (i = 0; r->hazards && i < in->ndomains; i++)
		json_array_foreach(in->domains[i].trace->docs[TRACE_HAZARDS], row, one)
			hazard_add(r, report_domain_name(r, in, i), one);
}

void report_docs(struct report *r, const struct report_input *in)
{
	doc_meta(r, in);
	doc_loss(r, in);
	doc_coverage(r, in);
	doc_cost(r, in);
	doc_hazards(r, in);
}
