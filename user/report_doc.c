// SPDX-License-Identifier: GPL-2.0
/* Of the report: what the recording says about itself */
#include <stdlib.h>
#include <string.h>

#include "report_int.h"

static const char *str_of(const json_t *doc, const char *name)
{
	const char *s = json_string_value(json_object_get(doc, name));

	return s ? s : "";
}

/* Counters of the file are never negative; one that is was not written by pktlap */
static __u64 int_of(const json_t *doc, const char *name)
{
	json_int_t v = json_integer_value(json_object_get(doc, name));

	return v > 0 ? v : 0;
}

/* Time of the last event, where the recorder did not live to write its end */
static __u64 last_event(const struct trace *t)
{
	__u64 last = int_of(t->docs[TRACE_KEPT], "until_ns");

	for (size_t i = 0; i < t->nblocks; i++)
		if (t->blocks[i].ts_max > last)
			last = t->blocks[i].ts_max;
	return last;
}

static void doc_meta(struct report *r, const struct trace *t, const struct wallclock *clock)
{
	const json_t *meta = t->docs[TRACE_META];
	__u64 end = int_of(t->docs[TRACE_END], "end_mono_ns");

	r->host = report_str(r, str_of(meta, "host"));
	r->release = report_str(r, str_of(meta, "release"));
	r->machine = report_str(r, str_of(meta, "machine"));
	r->version = report_str(r, str_of(meta, "version"));
	r->end_reason = report_str(r, str_of(t->docs[TRACE_END], "reason"));
	r->filter = report_str(r, str_of(json_object_get(meta, "options"), "filter"));
	r->sample = int_of(json_object_get(meta, "options"), "sample");
	r->follow_nat = json_is_true(json_object_get(json_object_get(meta, "options"), "follow_nat"));
	r->unfollowed = int_of(t->docs[TRACE_COUNTS], "unfollowed");
	r->cpus = int_of(meta, "cpus");
	r->start_mono_ns = int_of(meta, "start_mono_ns");
	r->start_real_ns = wallclock_ns(clock, r->start_mono_ns);
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

static void loss_by_cpu(struct report *r, const json_t *by_cpu, size_t room)
{
	const char *cpu;
	json_t *value;
	size_t i;

	json_object_foreach((json_t *)by_cpu, cpu, value) {
		__u64 lost = json_integer_value(value);

		for (i = 0; i < r->nlost_by_cpu; i++)
			if (!strcmp(r->lost_by_cpu[i].name, cpu))
				break;
		if (i == room || !lost)
			continue;
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

__u64 report_lost(const struct trace *t)
{
	json_t *hooks = json_object_get(t->docs[TRACE_COUNTS], "hooks"), *hook;
	const char *id;
	__u64 lost = 0;

	json_object_foreach(hooks, id, hook)
		lost += int_of(hook, "lost");
	return lost;
}

static void doc_loss(struct report *r, const struct trace *t)
{
	json_t *hooks = json_object_get(t->docs[TRACE_COUNTS], "hooks"), *hook;
	size_t ncpus = cpus_count(hooks);
	__u64 by_hop[PL_NR_HOPS] = { 0 };
	const char *id;

	r->lost_known = t->docs[TRACE_COUNTS];
	r->lost_by_hop = arena_alloc(&r->mem, PL_NR_HOPS, sizeof(*r->lost_by_hop));
	r->lost_by_cpu = arena_alloc(&r->mem, ncpus, sizeof(*r->lost_by_cpu));
	if (r->mem.failed)
		return;

	json_object_foreach(hooks, id, hook) {
		__u64 lost = int_of(hook, "lost");

		r->made_events += int_of(hook, "made");
		r->lost += lost;
		by_hop[hook_desc(hook_by_id(id))->hop] += lost;
		loss_by_cpu(r, json_object_get(hook, "by_cpu"), ncpus);
	}
	for (int hop = 0; hop < PL_NR_HOPS; hop++)
		if (by_hop[hop])
			r->lost_by_hop[r->nlost_by_hop++] = (struct report_count){
				hop_desc(hop)->name,
				by_hop[hop],
			};
	if (r->nlost_by_cpu)
		qsort(r->lost_by_cpu, r->nlost_by_cpu, sizeof(*r->lost_by_cpu), cpu_cmp);
}

/* "a; b" of the alternatives' errors, each once */
static const char *why_of(struct report *r, const json_t *tried)
{
	const char *why = "";
	const json_t *one;
	size_t i;

	json_array_foreach(tried, i, one) {
		const char *error = str_of(one, "error");

		if (!*error || strstr(why, error))
			continue;
		why = *why ? arena_printf(&r->mem, "%s; %s", why, error) : error;
	}
	return report_str(r, why);
}

static void doc_coverage(struct report *r, const struct trace *t)
{
	const json_t *hops = t->docs[TRACE_HOPS], *hop;
	size_t i;

	r->coverage = arena_alloc(&r->mem, json_array_size(hops), sizeof(*r->coverage));
	json_array_foreach(hops, i, hop) {
		struct report_coverage *c = r->coverage ? &r->coverage[r->ncoverage++] : NULL;
		const char *as = str_of(hop, "as");

		if (!c)
			return;
		c->hop = report_str(r, str_of(hop, "hop"));
		c->state = report_str(r, str_of(hop, "state"));
		c->as = report_str(r, as);
		c->hook = report_str(r, str_of(hop, "hook"));
		c->kind = report_str(r, str_of(hop, "kind"));
		c->target = report_str(r, str_of(hop, "target"));
		c->why = why_of(r, json_object_get(hop, "tried"));
		c->partial = report_str(r, hook_partial(hook_by_id(c->hook)));
		c->missing = !*as && !strcmp(c->state, "uncovered");
		c->silent = !*as && !strcmp(c->state, "silent");
	}
}

void report_hook_costs(const struct trace *t, struct hook_cost cost[PL_NR_HOOKS])
{
	json_t *hooks = json_object_get(t->docs[TRACE_COST], "hooks"), *hook;
	const char *id;

	memset(cost, 0, PL_NR_HOOKS * sizeof(*cost));
	json_object_foreach(hooks, id, hook)
		cost[hook_by_id(id)] = (struct hook_cost){
			int_of(hook, "runs"),
			int_of(hook, "ns"),
		};
	cost[PL_HOOK_none].runs = 0; /* hooks that this pktlap does not know */
}

/* Hooks that serve a hop side by side (PL_COMPANIONS) are one row */
static void hook_cost_add(struct report *r, enum pl_hook hook, const struct hook_cost *cost)
{
	const char *hop = hop_desc(hook_desc(hook)->hop)->name;
	size_t i = 0;

	while (i < r->nhook_cost && strcmp(r->hook_cost[i].hop, hop))
		i++;
	if (i == r->nhook_cost)
		r->hook_cost[r->nhook_cost++] =
			(struct report_hook_cost){ .hop = hop, .hook = hook_desc(hook)->id };
	r->hook_cost[i].runs += cost->runs;
	r->hook_cost[i].ns += cost->ns;
}

static void doc_cost(struct report *r, const struct report_input *in)
{
	struct hook_cost cost[PL_NR_HOOKS];

	report_hook_costs(in->trace, cost);
	r->cost_window_ns = int_of(in->trace->docs[TRACE_COST], "window_ns");
	r->hook_cost = arena_alloc(&r->mem, PL_NR_HOOKS, sizeof(*r->hook_cost));
	if (!r->hook_cost)
		return;
	for (int i = 0; i < PL_NR_HOOKS; i++)
		if (cost[i].runs)
			hook_cost_add(r, i, &cost[i]);
	for (size_t i = 0; i < r->nhook_cost; i++) {
		struct report_hook_cost *c = &r->hook_cost[i];

		c->ns_per_run = (c->ns + c->runs / 2) / c->runs;
	}
}

static void doc_hazards(struct report *r, const struct trace *t)
{
	const json_t *hazards = t->docs[TRACE_HAZARDS], *one;
	size_t i;

	r->hazards_known = json_is_array(hazards);
	r->hazards = arena_alloc(&r->mem, json_array_size(hazards), sizeof(*r->hazards));
	json_array_foreach(hazards, i, one) {
		struct report_hazard *z = r->hazards ? &r->hazards[r->nhazards++] : NULL;

		if (!z)
			return;
		z->id = report_str(r, str_of(one, "id"));
		z->severity = report_str(r, str_of(one, "severity"));
		z->subject = report_str(r, str_of(one, "subject"));
		z->evidence = report_str(r, str_of(one, "evidence"));
		z->remedy = report_str(r, str_of(one, "remedy"));
		z->during = !strcmp(str_of(one, "when"), "during");
		z->note = !strcmp(z->severity, "note");
		r->nnotes += z->note;
	}
}

void report_docs(struct report *r, const struct report_input *in, const struct wallclock *clock)
{
	doc_meta(r, in->trace, clock);
	doc_loss(r, in->trace);
	doc_coverage(r, in->trace);
	doc_cost(r, in);
	doc_hazards(r, in->trace);
}
