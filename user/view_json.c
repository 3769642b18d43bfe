// SPDX-License-Identifier: GPL-2.0
/*
 * The report as JSON: the contract of report.schema.json. Every member is always there and keeps
 * its type; "" or 0 where there is nothing to say. Times are integer nanoseconds.
 */
#include <errno.h>
#include <stdint.h>

#include "view.h"

/* A member that could not be made would break the contract: then there is no output at all */
struct builder {
	bool failed;
};

static void put(struct builder *b, json_t *o, const char *key, json_t *value)
{
	if (json_object_set_new(o, key, value))
		b->failed = true;
}

/* JSON integers are signed here; nothing that was measured comes near the end of them */
static void put_int(struct builder *b, json_t *o, const char *key, __u64 v)
{
	put(b, o, key, json_integer(v < INT64_MAX ? v : INT64_MAX));
}

static void put_str(struct builder *b, json_t *o, const char *key, const char *s)
{
	put(b, o, key, json_string(s));
}

static void put_bool(struct builder *b, json_t *o, const char *key, bool v)
{
	put(b, o, key, json_boolean(v));
}

static void append(struct builder *b, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		b->failed = true;
}

static json_t *counts_json(struct builder *b, const struct report_count *c, size_t n)
{
	json_t *o = json_object();

	for (size_t i = 0; i < n; i++)
		put_int(b, o, c[i].name, c[i].n);
	return o;
}

static json_t *strings_json(struct builder *b, const char *const *s, size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++)
		append(b, a, json_string(s[i]));
	return a;
}

static json_t *dist_json(struct builder *b, const struct report_dist *d)
{
	json_t *o = json_object();

	put_int(b, o, "n", d->n);
	put_int(b, o, "min", d->min);
	put_int(b, o, "avg", d->avg);
	put_int(b, o, "p50", d->p50);
	put_int(b, o, "p90", d->p90);
	put_int(b, o, "p99", d->p99);
	put_int(b, o, "p999", d->p999);
	put_int(b, o, "max", d->max);
	put_int(b, o, "stddev", d->stddev);
	put_int(b, o, "share_ppm", d->share_ppm);
	return o;
}

static json_t *cost_json(struct builder *b, const struct report_cost *c)
{
	json_t *o = json_object();

	put_int(b, o, "cost_ns_per_packet", c->ns_per_packet);
	put_int(b, o, "events_per_1000_packets", c->events_per_1000_packets);
	put_int(b, o, "share_ppm", c->share_ppm);
	return o;
}

static json_t *hops_json(struct builder *b, const struct report_path *p)
{
	json_t *a = json_array();

	for (size_t i = 0; i < p->nhops; i++) {
		const struct report_hop *h = &p->hops[i];
		json_t *o = json_object();

		put_str(b, o, "hop", h->hop);
		put_str(b, o, "dev", h->dev);
		put_str(b, o, "task", h->task);
		put_str(b, o, "label", h->label);
		put_int(b, o, "nth", h->nth);
		put_bool(b, o, "optional", h->optional);
		put_int(b, o, "n", h->n);
		append(b, a, o);
	}
	return a;
}

static json_t *stages_json(struct builder *b, const struct report_path *p)
{
	json_t *a = json_array();

	for (size_t i = 0; i < p->nstages; i++) {
		const struct report_stage *s = &p->stages[i];
		json_t *o = dist_json(b, &s->d);

		put_str(b, o, "from", s->from->hop);
		put_str(b, o, "from_dev", s->from->dev);
		put_int(b, o, "from_index", s->from - p->hops);
		put_str(b, o, "to", s->to->hop);
		put_str(b, o, "to_dev", s->to->dev);
		put_int(b, o, "to_index", s->to - p->hops);
		put_int(b, o, "min_packet", s->min_packet);
		put_int(b, o, "max_packet", s->max_packet);
		put(b, o, "causes", json_object());
		append(b, a, o);
	}
	return a;
}

static json_t *slowest_json(struct builder *b, const struct report_path *p)
{
	const struct report_stage *s = p->slowest.stage;
	json_t *o = json_object();

	put_int(b, o, "packet", p->slowest.packet);
	put_int(b, o, "ns", p->slowest.ns);
	put_int(b, o, "mono_ns", p->slowest.mono_ns);
	put_int(b, o, "real_ns", p->slowest.real_ns);
	put(b, o, "stage_index", json_integer(s ? s - p->stages : -1));
	put_int(b, o, "stage_ns", p->slowest.stage_ns);
	return o;
}

static json_t *paths_json(struct builder *b, const struct report *r)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->npaths; i++) {
		const struct report_path *p = &r->paths[i];
		json_t *o = json_object();

		put_int(b, o, "id", p->id);
		put(b, o, "chain", strings_json(b, p->chain, p->nchain));
		put(b, o, "hops", hops_json(b, p));
		put_int(b, o, "packets", p->packets);
		put_int(b, o, "dropped", p->dropped);
		put(b, o, "stages", stages_json(b, p));
		put(b, o, "total", dist_json(b, &p->total));
		put(b, o, "slowest", slowest_json(b, p));
		put(b, o, "observer", cost_json(b, &p->cost));
		append(b, a, o);
	}
	return a;
}

static json_t *drops_json(struct builder *b, const struct report *r)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->ndrops; i++) {
		const struct report_drop *d = &r->drops[i];
		json_t *o = json_object();

		put_int(b, o, "path", d->path);
		put(b, o, "chain", strings_json(b, d->chain, d->nchain));
		put_str(b, o, "hop", d->hop);
		put_str(b, o, "dev", d->dev);
		put_int(b, o, "reason", d->reason_nr);
		put_str(b, o, "reason_name", d->reason_known ? d->reason : "");
		put_str(b, o, "place", d->place);
		put_str(b, o, "source", d->source);
		put_int(b, o, "packets", d->packets);
		append(b, a, o);
	}
	return a;
}

static json_t *coverage_json(struct builder *b, const struct report *r)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->ncoverage; i++) {
		const struct report_coverage *c = &r->coverage[i];
		json_t *o = json_object();

		put_str(b, o, "hop", c->hop);
		put_str(b, o, "state", c->state);
		put_str(b, o, "as", c->as);
		put_str(b, o, "hook", c->hook);
		put_str(b, o, "kind", c->kind);
		put_str(b, o, "target", c->target);
		put_str(b, o, "why", c->why);
		append(b, a, o);
	}
	return a;
}

static json_t *packets_json(struct builder *b, const struct report *r)
{
	json_t *o = json_object();

	put_int(b, o, "seen", r->seen);
	for (int end = 0; end < PACKET_NR_ENDS; end++)
		put_int(b, o, packet_end_name(end), r->packets[end]);
	put_int(b, o, "cloned", r->cloned);
	put_int(b, o, "undecided", r->undecided);
	put_int(b, o, "out_of_order", r->late_packets);
	put(b, o, "incomplete_last_hop", counts_json(b, r->last_hop, r->nlast_hop));
	return o;
}

static json_t *observer_json(struct builder *b, const struct report *r)
{
	json_t *o = cost_json(b, &r->cost), *by_hop = json_object();

	for (size_t i = 0; i < r->nhook_cost; i++) {
		const struct report_hook_cost *c = &r->hook_cost[i];
		json_t *hook = json_object();

		put_str(b, hook, "hook", c->hook);
		put_int(b, hook, "runs", c->runs);
		put_int(b, hook, "ns", c->ns);
		put_int(b, hook, "ns_per_run", c->ns_per_run);
		put(b, by_hop, c->hop, hook);
	}
	put_bool(b, o, "includes_dispatch", false);
	put_int(b, o, "window_ns", r->cost_window_ns);
	put(b, o, "by_hop", by_hop);
	return o;
}

static json_t *recording_json(struct builder *b, const struct report *r)
{
	json_t *o = json_object();

	put_str(b, o, "file", r->file);
	put_str(b, o, "pktlap", r->version);
	put_int(b, o, "start_real_ns", r->start_real_ns);
	put_int(b, o, "start_mono_ns", r->start_mono_ns);
	put_int(b, o, "duration_ns", r->duration_ns);
	put_bool(b, o, "ended", r->ended);
	put_str(b, o, "end_reason", r->end_reason);
	put_bool(b, o, "truncated", r->truncated);
	put_int(b, o, "damaged_blocks", r->bad_blocks);
	put_int(b, o, "damaged_events", r->bad_events);
	put_int(b, o, "late_events", r->late_events);
	put_str(b, o, "filter", r->filter);
	put_int(b, o, "sample", r->sample);
	put_bool(b, o, "follow_nat", r->follow_nat);
	put_int(b, o, "unfollowed", r->unfollowed);
	return o;
}

static json_t *domains_json(struct builder *b, const struct report *r)
{
	json_t *a = json_array(), *o = json_object();

	put_str(b, o, "name", "host");
	put_str(b, o, "host", r->host);
	put_str(b, o, "release", r->release);
	put_str(b, o, "machine", r->machine);
	put_int(b, o, "cpus", r->cpus);
	append(b, a, o);
	return a;
}

static json_t *clock_json(struct builder *b)
{
	json_t *a = json_array(), *o = json_object();

	/* one domain, one clock: nothing to be mapped, nothing to be wrong by */
	put_str(b, o, "domain", "host");
	put_int(b, o, "error_ns", 0);
	append(b, a, o);
	return a;
}

static json_t *events_json(struct builder *b, const struct report *r)
{
	json_t *o = json_object();

	put_int(b, o, "made", r->made_events);
	put_int(b, o, "stored", r->stored_events);
	put_int(b, o, "read", r->events);
	put_int(b, o, "unused", r->unused_events);
	put_int(b, o, "unsure_fetches", r->unsure_fetches);
	put_int(b, o, "evicted_packets", r->evicted);
	return o;
}

static json_t *lost_json(struct builder *b, const struct report *r)
{
	json_t *o = json_object();

	put_bool(b, o, "known", r->lost_known);
	put_int(b, o, "events", r->lost);
	put(b, o, "by_hop", counts_json(b, r->lost_by_hop, r->nlost_by_hop));
	put(b, o, "by_cpu", counts_json(b, r->lost_by_cpu, r->nlost_by_cpu));
	return o;
}

int view_json(const struct report *r, FILE *f)
{
	struct builder b = { .failed = false };
	json_t *o = json_object();

	put_int(&b, o, "schema", REPORT_SCHEMA);
	put(&b, o, "recording", recording_json(&b, r));
	put(&b, o, "domains", domains_json(&b, r));
	put(&b, o, "packets", packets_json(&b, r));
	put(&b, o, "events", events_json(&b, r));
	put(&b, o, "lost", lost_json(&b, r));
	put(&b, o, "paths", paths_json(&b, r));
	put(&b, o, "drops", drops_json(&b, r));
	put(&b, o, "hops", coverage_json(&b, r));
	put(&b, o, "clock", clock_json(&b));
	put(&b, o, "observer", observer_json(&b, r));

	if (!b.failed) {
		json_dumpf(o, f, JSON_INDENT(2));
		putc('\n', f);
	}
	json_decref(o);
	return b.failed ? -ENOMEM : 0;
}
