// SPDX-License-Identifier: GPL-2.0
/*
 * The report as JSON: the contract of report.schema.json. Every member is always there and keeps
 * its type; "" or 0 where there is nothing to say. Times are integer nanoseconds.
 */
#include <errno.h>
#include <stdint.h>

#include "view.h"

/* JSON integers are signed here; nothing that was measured comes near the end of them */
static json_int_t json_int(__u64 v)
{
	return v < INT64_MAX ? v : INT64_MAX;
}

/* NULL goes through: json_pack() of it fails, and so does the whole */
static json_t *counts_json(const struct report_count *c, size_t n)
{
	json_t *o = json_object();

	for (size_t i = 0; i < n; i++)
		json_object_set_new(o, c[i].name, json_integer(json_int(c[i].n)));
	return o;
}

static json_t *strings_json(const char *const *s, size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(a, json_string(s[i]));
	return a;
}

static json_t *dist_json(const struct report_dist *d)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "n", json_int(d->n),
			 "min", json_int(d->min), "avg", json_int(d->avg), "p50", json_int(d->p50), "p90",
			 json_int(d->p90), "p99", json_int(d->p99), "p999", json_int(d->p999), "max", json_int(d->max),
			 "stddev", json_int(d->stddev), "share_ppm", json_int(d->share_ppm));
}

static json_t *cost_json(const struct report_cost *c)
{
	return json_pack("{s:I, s:I, s:I}", "cost_ns_per_packet", json_int(c->ns_per_packet),
			 "events_per_1000_packets", json_int(c->events_per_1000_packets), "share_ppm",
			 json_int(c->share_ppm));
}

static json_t *hops_json(const struct report_path *p)
{
	json_t *a = json_array();

	for (size_t i = 0; i < p->nhops; i++) {
		const struct report_hop *h = &p->hops[i];

		json_array_append_new(a, json_pack("{s:s, s:s, s:s, s:s, s:I, s:b, s:I}", "hop",
						   h->hop, "dev", h->dev, "task", h->task, "label",
						   h->label, "nth", json_int(h->nth), "optional",
						   h->optional, "n", json_int(h->n)));
	}
	return a;
}

static json_t *stages_json(const struct report_path *p)
{
	json_t *a = json_array(), *stage;

	for (size_t i = 0; i < p->nstages; i++) {
		const struct report_stage *s = &p->stages[i];

		stage = dist_json(&s->d);
		json_object_update_new(stage, json_pack("{s:s, s:s, s:I, s:s, s:s, s:I}", "from",
							s->from->hop, "from_dev", s->from->dev,
							"from_index", json_int(s->from - p->hops), "to",
							s->to->hop, "to_dev", s->to->dev,
							"to_index", json_int(s->to - p->hops)));
		json_object_update_new(stage, json_pack("{s:I, s:I, s:{}}", "min_packet",
							json_int(s->min_packet), "max_packet",
							json_int(s->max_packet), "causes"));
		json_array_append_new(a, stage);
	}
	return a;
}

static json_t *slowest_json(const struct report_path *p)
{
	const struct report_stage *s = p->slowest.stage;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "packet", json_int(p->slowest.packet), "ns",
			 json_int(p->slowest.ns), "mono_ns", json_int(p->slowest.mono_ns), "real_ns",
			 json_int(p->slowest.real_ns), "stage_index", s ? json_int(s - p->stages) : (json_int_t)-1,
			 "stage_ns", json_int(p->slowest.stage_ns));
}

static json_t *paths_json(const struct report *r)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->npaths; i++) {
		const struct report_path *p = &r->paths[i];

		json_array_append_new(a, json_pack("{s:I, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o}",
				"id", json_int(p->id), "chain", strings_json(p->chain, p->nchain), "hops",
				hops_json(p), "packets", json_int(p->packets), "dropped",
				json_int(p->dropped), "stages", stages_json(p), "total",
				dist_json(&p->total), "slowest", slowest_json(p), "observer",
				cost_json(&p->cost)));
	}
	return a;
}

static json_t *drops_json(const struct report *r)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->ndrops; i++) {
		const struct report_drop *d = &r->drops[i];

		json_array_append_new(a, json_pack("{s:I, s:o, s:s, s:s, s:I, s:s, s:s, s:s, s:I}",
				"path", json_int(d->path), "chain", strings_json(d->chain, d->nchain),
				"hop", d->hop, "dev", d->dev, "reason", json_int(d->reason_nr),
				"reason_name", d->reason_known ? d->reason : "", "place", d->place,
				"source", d->source, "packets", json_int(d->packets)));
	}
	return a;
}

static json_t *coverage_json(const struct report *r)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->ncoverage; i++) {
		const struct report_coverage *c = &r->coverage[i];

		json_array_append_new(a, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "hop",
				c->hop, "state", c->state, "as", c->as, "hook", c->hook, "kind",
				c->kind, "target", c->target, "why", c->why));
	}
	return a;
}

static json_t *packets_json(const struct report *r)
{
	json_t *o = json_pack("{s:I, s:I, s:I, s:o}", "seen", json_int(r->seen), "cloned", json_int(r->cloned),
			      "out_of_order", json_int(r->late_packets), "incomplete_last_hop",
			      counts_json(r->last_hop, r->nlast_hop));

	for (int end = 0; end < PACKET_NR_ENDS; end++)
		json_object_set_new(o, packet_end_name(end), json_integer(json_int(r->packets[end])));
	return o;
}

static json_t *observer_json(const struct report *r)
{
	json_t *o = cost_json(&r->cost), *by_hop = json_object();

	for (size_t i = 0; i < r->nhook_cost; i++) {
		const struct report_hook_cost *c = &r->hook_cost[i];

		json_object_set_new(by_hop, c->hop, json_pack("{s:s, s:I, s:I, s:I}", "hook", c->hook,
				"runs", json_int(c->runs), "ns", json_int(c->ns), "ns_per_run",
				json_int(c->ns_per_run)));
	}
	json_object_set_new(o, "includes_dispatch", json_false());
	json_object_set_new(o, "window_ns", json_integer(json_int(r->cost_window_ns)));
	json_object_set_new(o, "by_hop", by_hop);
	return o;
}

static json_t *recording_json(const struct report *r)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:b, s:s, s:b, s:I, s:I, s:I}", "file", r->file,
			 "pktlap", r->version, "start_real_ns", json_int(r->start_real_ns),
			 "start_mono_ns", json_int(r->start_mono_ns), "duration_ns", json_int(r->duration_ns),
			 "ended", r->ended, "end_reason", r->end_reason, "truncated", r->truncated,
			 "damaged_blocks", json_int(r->bad_blocks), "damaged_events", json_int(r->bad_events),
			 "late_events", json_int(r->late_events));
}

static json_t *domains_json(const struct report *r)
{
	return json_pack("[{s:s, s:s, s:s, s:s, s:I}]", "name", "host", "host", r->host, "release",
			 r->release, "machine", r->machine, "cpus", json_int(r->cpus));
}

static json_t *events_json(const struct report *r)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "made", json_int(r->made_events),
			 "stored", json_int(r->stored_events), "read", json_int(r->events),
			 "unused", json_int(r->unused_events), "unsure_fetches",
			 json_int(r->unsure_fetches), "evicted_packets", json_int(r->evicted));
}

static json_t *lost_json(const struct report *r)
{
	return json_pack("{s:b, s:I, s:o, s:o}", "known", r->lost_known, "events", json_int(r->lost),
			 "by_hop", counts_json(r->lost_by_hop, r->nlost_by_hop), "by_cpu",
			 counts_json(r->lost_by_cpu, r->nlost_by_cpu));
}

static json_t *report_json(const struct report *r)
{
	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:[{s:s, s:I}], s:o}",
			 "schema", REPORT_SCHEMA, "recording", recording_json(r), "domains",
			 domains_json(r), "packets", packets_json(r), "events", events_json(r),
			 "lost", lost_json(r), "paths", paths_json(r), "drops", drops_json(r),
			 "hops", coverage_json(r), "clock", "domain", "host", "error_ns", json_int(0),
			 "observer", observer_json(r));
}

int view_json(const struct report *r, FILE *f)
{
	json_t *doc = report_json(r);

	if (!doc)
		return -ENOMEM;
	json_dumpf(doc, f, JSON_INDENT(2));
	putc('\n', f);
	json_decref(doc);
	return 0;
}
