// SPDX-License-Identifier: GPL-2.0
/*
 * The report as JSON: the contract of report.schema.json. Every member is always there and keeps
 * its type; "" or 0 where there is nothing to say. Times are integer nanoseconds.
 */
#include "json_build.h"
#include "view.h"
#include "view_tail.h"

static json_t *counts_json(struct json_builder *b, const struct report_count *c, size_t n)
{
	json_t *o = json_object();

	for (size_t i = 0; i < n; i++)
		json_put_int(b, o, c[i].name, c[i].n);
	return o;
}

static json_t *dist_json(struct json_builder *b, const struct report_dist *d)
{
	json_t *o = json_object();

	json_put_int(b, o, "n", d->n);
	json_put_int(b, o, "min", d->min);
	json_put_int(b, o, "avg", d->avg);
	json_put_int(b, o, "p50", d->p50);
	json_put_int(b, o, "p90", d->p90);
	json_put_int(b, o, "p99", d->p99);
	json_put_int(b, o, "p999", d->p999);
	json_put_int(b, o, "max", d->max);
	json_put_int(b, o, "stddev", d->stddev);
	json_put_int(b, o, "share_ppm", d->share_ppm);
	return o;
}

static json_t *cost_json(struct json_builder *b, const struct report_cost *c)
{
	json_t *o = json_object();

	json_put_int(b, o, "cost_ns_per_packet", c->ns_per_packet);
	json_put_int(b, o, "events_per_1000_packets", c->events_per_1000_packets);
	json_put_int(b, o, "share_ppm", c->share_ppm);
	return o;
}

static json_t *hops_json(struct json_builder *b, const struct report_path *p)
{
	json_t *a = json_array();

	for (size_t i = 0; i < p->nhops; i++) {
		const struct report_hop *h = &p->hops[i];
		json_t *o = json_object();

		json_put_str(b, o, "domain", h->domain);
		json_put_str(b, o, "hop", h->hop);
		json_put_str(b, o, "dev", h->dev);
		json_put_str(b, o, "task", h->task);
		json_put_str(b, o, "label", h->label);
		json_put_int(b, o, "nth", h->nth);
		json_put_bool(b, o, "optional", h->optional);
		json_put_int(b, o, "n", h->n);
		json_append(b, a, o);
	}
	return a;
}

static json_t *stages_json(struct json_builder *b, const struct report_path *p)
{
	json_t *a = json_array();

	for (size_t i = 0; i < p->nstages; i++) {
		const struct report_stage *s = &p->stages[i];
		json_t *o = dist_json(b, &s->d);

		json_put_str(b, o, "from", s->from->hop);
		json_put_str(b, o, "from_dev", s->from->dev);
		json_put_int(b, o, "from_index", s->from - p->hops);
		json_put_str(b, o, "to", s->to->hop);
		json_put_str(b, o, "to_dev", s->to->dev);
		json_put_int(b, o, "to_index", s->to - p->hops);
		json_put_int(b, o, "min_packet", s->min_packet);
		json_put_int(b, o, "max_packet", s->max_packet);
		json_put_int(b, o, "error_ns", s->error_ns);
		json_put_int(b, o, "below_error", s->below);
		json_put(b, o, "causes", json_object());
		json_append(b, a, o);
	}
	return a;
}

static json_t *slowest_json(struct json_builder *b, const struct report_path *p)
{
	const struct report_stage *s = p->slowest.stage;
	json_t *o = json_object();

	json_put_int(b, o, "packet", p->slowest.packet);
	json_put_int(b, o, "ns", p->slowest.ns);
	json_put_int(b, o, "mono_ns", p->slowest.mono_ns);
	json_put_int(b, o, "real_ns", p->slowest.real_ns);
	json_put(b, o, "stage_index", json_integer(s ? s - p->stages : -1));
	json_put_int(b, o, "stage_ns", p->slowest.stage_ns);
	return o;
}

static json_t *paths_json(struct json_builder *b, const struct report *r)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->npaths; i++) {
		const struct report_path *p = &r->paths[i];
		json_t *o = json_object();

		json_put_int(b, o, "id", p->id);
		json_put(b, o, "chain", json_strings(b, p->chain, p->nchain));
		json_put(b, o, "hops", hops_json(b, p));
		json_put_int(b, o, "packets", p->packets);
		json_put_int(b, o, "dropped", p->dropped);
		json_put(b, o, "stages", stages_json(b, p));
		json_put(b, o, "total", dist_json(b, &p->total));
		json_put(b, o, "total_all", dist_json(b, &p->total_all));
		json_put(b, o, "slowest", slowest_json(b, p));
		json_put(b, o, "observer", cost_json(b, &p->cost));
		json_put(b, o, "tail", view_tail_json(b, p));
		json_append(b, a, o);
	}
	return a;
}

static json_t *drops_json(struct json_builder *b, const struct report *r)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->ndrops; i++) {
		const struct report_drop *d = &r->drops[i];
		json_t *o = json_object();

		json_put_int(b, o, "path", d->path);
		json_put(b, o, "chain", json_strings(b, d->chain, d->nchain));
		json_put_str(b, o, "hop", d->hop);
		json_put_str(b, o, "dev", d->dev);
		json_put_int(b, o, "reason", d->reason_nr);
		json_put_str(b, o, "reason_name", d->reason_known ? d->reason : "");
		json_put_str(b, o, "place", d->place);
		json_put_str(b, o, "source", d->source);
		json_put_int(b, o, "packets", d->packets);
		json_append(b, a, o);
	}
	return a;
}

static json_t *changes_json(struct json_builder *b, const struct report *r)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->nchanges; i++) {
		const struct report_change *c = &r->changes[i];
		json_t *o = json_object();

		json_put_str(b, o, "domain", c->domain);
		json_put_int(b, o, "at_ns", c->at_ns);
		json_put_int(b, o, "real_ns", c->real_ns);
		json_put_str(b, o, "what", c->what);
		json_put_str(b, o, "dev", c->dev);
		json_put_str(b, o, "was", c->was);
		json_put_str(b, o, "to", c->to);
		json_append(b, a, o);
	}
	return a;
}

static json_t *coverage_json(struct json_builder *b, const struct report *r)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->ncoverage; i++) {
		const struct report_coverage *c = &r->coverage[i];
		json_t *o = json_object();

		json_put_str(b, o, "domain", c->domain);
		json_put_str(b, o, "hop", c->hop);
		json_put_str(b, o, "state", c->state);
		json_put_str(b, o, "as", c->as);
		json_put_str(b, o, "hook", c->hook);
		json_put_str(b, o, "kind", c->kind);
		json_put_str(b, o, "target", c->target);
		json_put_str(b, o, "why", c->why);
		json_put_str(b, o, "partial", c->partial);
		json_append(b, a, o);
	}
	return a;
}

static json_t *packets_json(struct json_builder *b, const struct report *r)
{
	json_t *o = json_object();

	json_put_int(b, o, "seen", r->seen);
	for (int end = 0; end < PACKET_NR_ENDS; end++)
		json_put_int(b, o, packet_end_name(end), r->packets[end]);
	json_put_int(b, o, "cloned", r->cloned);
	json_put_int(b, o, "undecided", r->undecided);
	json_put_int(b, o, "out_of_order", r->late_packets);
	json_put(b, o, "incomplete_last_hop", counts_json(b, r->last_hop, r->nlast_hop));
	return o;
}

static json_t *kept_json(struct json_builder *b, const struct report *r)
{
	const struct report_kept *k = &r->kept;
	json_t *o = json_object(), *ends = json_object(), *paths = json_array();

	json_put_bool(b, o, "all", !k->on);
	json_put_int(b, o, "slower_than_ns", k->slower_than_ns);
	json_put_int(b, o, "packets", k->all);
	for (int end = 0; end < PACKET_NR_ENDS; end++)
		json_put_int(b, ends, packet_end_name(end), k->packets[end]);
	json_put(b, o, "by_end", ends);
	json_put_int(b, o, "counted_until_ns", k->until_ns);
	json_put(b, o, "total_all", dist_json(b, &k->total));
	json_put(b, o, "total_other", dist_json(b, &k->other));
	for (size_t i = 0; i < k->nfast; i++) {
		json_t *path = json_object();

		json_put(b, path, "chain", json_strings(b, k->fast[i].chain, k->fast[i].nchain));
		json_put(b, path, "total_all", dist_json(b, &k->fast[i].total));
		json_append(b, paths, path);
	}
	json_put(b, o, "fast_paths", paths);
	json_put_int(b, o, "unstitched_times", k->unstitched_times);
	json_put_int(b, o, "unstitched_events", k->unstitched_events);
	json_put_int(b, o, "unstitched_ns", k->unstitched_ns);
	json_put_int(b, o, "damaged_blocks", k->bad_blocks);
	json_put_int(b, o, "damaged_packets", k->bad_packets);
	return o;
}

static json_t *observer_json(struct json_builder *b, const struct report *r)
{
	json_t *o = cost_json(b, &r->cost), *by_hop = json_object();

	for (size_t i = 0; i < r->nhook_cost; i++) {
		const struct report_hook_cost *c = &r->hook_cost[i];
		json_t *hook = json_object();

		json_put_str(b, hook, "hook", c->hook);
		json_put_int(b, hook, "runs", c->runs);
		json_put_int(b, hook, "ns", c->ns);
		json_put_int(b, hook, "ns_per_run", c->ns_per_run);
		json_put(b, by_hop, c->label, hook);
	}
	json_put_bool(b, o, "includes_dispatch", false);
	json_put_int(b, o, "window_ns", r->cost_window_ns);
	json_put(b, o, "by_hop", by_hop);
	return o;
}

static json_t *recording_json(struct json_builder *b, const struct report *r)
{
	json_t *o = json_object();

	json_put_str(b, o, "file", r->file);
	json_put_str(b, o, "pktlap", r->version);
	json_put_int(b, o, "start_real_ns", r->start_real_ns);
	json_put_int(b, o, "start_mono_ns", r->start_mono_ns);
	json_put_int(b, o, "duration_ns", r->duration_ns);
	json_put_bool(b, o, "ended", r->ended);
	json_put_str(b, o, "end_reason", r->end_reason);
	json_put_bool(b, o, "truncated", r->truncated);
	json_put_int(b, o, "damaged_blocks", r->bad_blocks);
	json_put_int(b, o, "damaged_events", r->bad_events);
	json_put_int(b, o, "late_events", r->late_events);
	json_put_str(b, o, "filter", r->filter);
	json_put_int(b, o, "sample", r->sample);
	json_put_bool(b, o, "follow_nat", r->follow_nat);
	json_put_int(b, o, "unfollowed", r->unfollowed);
	json_put_int(b, o, "tasks_unfollowed", r->tasks_unfollowed);
	return o;
}

static json_t *domains_json(struct json_builder *b, const struct report *r)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->ndomains; i++) {
		const struct report_domain *d = &r->domains[i];
		json_t *o = json_object();

		json_put_str(b, o, "name", d->name);
		json_put_str(b, o, "host", d->host);
		json_put_str(b, o, "release", d->release);
		json_put_str(b, o, "machine", d->machine);
		json_put_int(b, o, "cpus", d->cpus);
		json_put_int(b, o, "events", d->events);
		json_put_bool(b, o, "lost_known", d->lost_known);
		json_put_int(b, o, "lost", d->lost);
		json_put_bool(b, o, "ended", d->ended);
		json_put_bool(b, o, "hazards_known", d->hazards_known);
		json_put_str(b, o, "spec", d->spec);
		json_put_int(b, o, "gone_ns", d->gone_ns);
		json_put_str(b, o, "gone", d->gone);
		json_put_int(b, o, "left", d->left);
		json_append(b, a, o);
	}
	return a;
}

static json_t *method_json(struct json_builder *b, const struct report_clock_method *m)
{
	json_t *o = json_object();

	json_put_str(b, o, "method", m->name);
	json_put_bool(b, o, "in_use", m->in_use);
	json_put_int(b, o, "error_ns", m->error_ns);
	json_put(b, o, "offset_ns", json_integer(m->offset_ns));
	json_put(b, o, "drift_ppb", json_integer(m->drift_ppb));
	json_put_int(b, o, "samples", m->samples);
	json_put_int(b, o, "outliers", m->outliers);
	json_put_int(b, o, "pieces", m->pieces);
	json_put_int(b, o, "proofs", m->proofs);
	json_put_int(b, o, "disproved_pieces", m->disproved);
	json_put_int(b, o, "disproved_ns", m->disproved_ns);
	return o;
}

/* The first domain's clock is the reference: nothing to be mapped, nothing to be wrong by */
static json_t *clock_json(struct json_builder *b, const struct report *r)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->ndomains; i++) {
		const struct report_domain *d = &r->domains[i];
		json_t *o = json_object(), *methods = json_array();
		const struct report_clock_method *used = NULL;

		for (size_t j = 0; j < d->nclock; j++) {
			json_append(b, methods, method_json(b, &d->clock[j]));
			if (d->clock[j].in_use)
				used = &d->clock[j];
		}
		json_put_str(b, o, "domain", d->name);
		json_put_str(b, o, "reference", d->reference);
		json_put_str(b, o, "method", used ? used->name : i ? "none"
								   : "reference");
		json_put_bool(b, o, "known", used || !i);
		json_put_int(b, o, "error_ns", used ? used->error_ns : 0);
		json_put(b, o, "methods", methods);
		json_append(b, a, o);
	}
	return a;
}

static json_t *crossings_json(struct json_builder *b, const struct report *r)
{
	json_t *o = json_object();

	json_put_int(b, o, "joined", r->crossed);
	json_put_int(b, o, "ambiguous", r->ambiguous_crossings);
	json_put_int(b, o, "impossible", r->impossible_crossings);
	json_put_int(b, o, "below_nothing", r->moved_crossings);
	json_put_int(b, o, "too_long", r->long_crossings);
	json_put_int(b, o, "evicted", r->evicted_crossings);
	return o;
}

static json_t *events_json(struct json_builder *b, const struct report *r)
{
	json_t *o = json_object();

	json_put_int(b, o, "made", r->made_events);
	json_put_int(b, o, "stored", r->stored_events);
	json_put_int(b, o, "read", r->events);
	json_put_int(b, o, "unused", r->unused_events);
	json_put_int(b, o, "unsure_fetches", r->unsure_fetches);
	json_put_int(b, o, "evicted_packets", r->evicted);
	return o;
}

static json_t *lost_json(struct json_builder *b, const struct report *r)
{
	json_t *o = json_object();

	json_put_bool(b, o, "known", r->lost_known);
	json_put_int(b, o, "events", r->lost);
	json_put(b, o, "by_hop", counts_json(b, r->lost_by_hop, r->nlost_by_hop));
	json_put(b, o, "by_cpu", counts_json(b, r->lost_by_cpu, r->nlost_by_cpu));
	return o;
}

static json_t *hazards_json(struct json_builder *b, const struct report *r)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->nhazards; i++) {
		const struct report_hazard *z = &r->hazards[i];
		json_t *o = json_object();

		json_put_str(b, o, "domain", z->domain);
		json_put_str(b, o, "id", z->id);
		json_put_str(b, o, "severity", z->severity);
		json_put_str(b, o, "when", z->during ? "during" : "start");
		json_put_str(b, o, "subject", z->subject);
		json_put_str(b, o, "evidence", z->evidence);
		json_put_str(b, o, "remedy", z->remedy);
		json_append(b, a, o);
	}
	return a;
}

int view_json(const struct report *r, FILE *f)
{
	struct json_builder b = { .failed = false };
	json_t *o = json_object();

	json_put_int(&b, o, "schema", REPORT_SCHEMA);
	json_put(&b, o, "recording", recording_json(&b, r));
	json_put(&b, o, "domains", domains_json(&b, r));
	json_put(&b, o, "packets", packets_json(&b, r));
	json_put(&b, o, "kept", kept_json(&b, r));
	json_put(&b, o, "events", events_json(&b, r));
	json_put(&b, o, "lost", lost_json(&b, r));
	json_put(&b, o, "paths", paths_json(&b, r));
	json_put(&b, o, "drops", drops_json(&b, r));
	json_put(&b, o, "changes", changes_json(&b, r));
	json_put(&b, o, "hops", coverage_json(&b, r));
	json_put(&b, o, "clock", clock_json(&b, r));
	json_put(&b, o, "crossings", crossings_json(&b, r));
	json_put(&b, o, "observer", observer_json(&b, r));
	json_put_bool(&b, o, "hazards_known", r->domains[0].hazards_known);
	json_put(&b, o, "hazards", hazards_json(&b, r));
	return json_finish(&b, o, f);
}
