// SPDX-License-Identifier: GPL-2.0
/* The report as text for a terminal */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "view.h"
#include "view_tail.h"

#define LINE_WIDTH    100
#define CHANGES_SHOWN 10
#define ARROW	      "→"

/* Items after a title, broken into lines that are indented below it */
struct list {
	const struct text_out *o;
	size_t indent, at;
	bool any;
};

static void list_begin(struct list *l, const struct text_out *o, const char *title)
{
	*l = (struct list){ .o = o, .indent = strspn(title, " ") + 2, .at = text_width(o, title) };
	text_printf(o, "%s", title);
}

__attribute__((format(printf, 2, 3))) static void list_item(struct list *l, const char *fmt, ...)
{
	size_t width;
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	width = text_width(l->o, s);
	if (l->any && l->at + 2 + width > LINE_WIDTH) {
		text_printf(l->o, ",\n%*s%s", (int)l->indent, "", s);
		l->at = l->indent + width;
	} else {
		text_printf(l->o, "%s%s", l->any ? ", " : " ", s);
		l->at += width + (l->any ? 2 : 1);
	}
	l->any = true;
	free(s);
}

/* Words that belong to the items before, broken into lines likewise */
static void list_words(struct list *l, const char *words)
{
	while (*words) {
		int n = strcspn(words, " ");
		size_t width = text_width_n(l->o, words, n);

		if (l->at + 1 + width > LINE_WIDTH) {
			text_printf(l->o, "\n%*s", (int)l->indent, "");
			l->at = l->indent;
		} else {
			text_printf(l->o, " ");
			l->at++;
		}
		text_printf(l->o, "%.*s", n, words);
		l->at += width;
		words += n + strspn(words + n, " ");
	}
}

static void list_counts(const struct text_out *o, const char *title, const struct report_count *c,
			size_t n)
{
	struct list l;

	if (!n)
		return;
	list_begin(&l, o, title);
	for (size_t i = 0; i < n; i++)
		list_item(&l, "%s %llu", c[i].name, c[i].n);
	text_printf(o, "\n");
}

static void show_header(const struct report *r, const struct text_out *o)
{
	char date[TEXT_NS_LEN];
	struct list l;

	text_printf(o, "%s   %llu.%03llu s%s on %s (%s)", r->file, r->duration_ns / 1000000000,
		    r->duration_ns / 1000000 % 1000, r->ended && !r->truncated ? "" : ", cut off,",
		    *r->host ? r->host : "unknown host", *r->release ? r->release : "?");
	if (r->start_real_ns)
		text_printf(o, ", %s", text_date(r->start_real_ns, date));
	text_printf(o, "   events %llu, lost ", r->kept.on ? r->events : r->stored_events);
	if (r->lost_known)
		text_printf(o, "%llu\n", r->lost);
	else
		text_printf(o, "unknown\n");

	if (*r->filter)
		text_printf(o, "filter: %s%s\n", r->filter, r->follow_nat ? "   (NAT followed)" : "");
	if (r->sample > 1)
		text_printf(o, "sample: 1 packet in %llu\n", r->sample);
	list_begin(&l, o, "packets:");
	list_item(&l, "%llu seen", r->seen);
	list_item(&l, "%llu complete", r->packets[PACKET_COMPLETE]);
	list_item(&l, "%llu dropped", r->packets[PACKET_DROPPED]);
	list_item(&l, "%llu ambiguous", r->packets[PACKET_AMBIGUOUS]);
	list_item(&l, "%llu incomplete", r->packets[PACKET_INCOMPLETE]);
	if (r->packets[PACKET_MERGED])
		list_item(&l, "%llu merged by GRO", r->packets[PACKET_MERGED]);
	if (r->packets[PACKET_SPLIT])
		list_item(&l, "%llu cut into segments by GSO", r->packets[PACKET_SPLIT]);
	if (r->cloned)
		list_item(&l, "%llu cloned", r->cloned);
	if (r->undecided)
		list_item(&l, "%llu not decided (no hop could read their headers)", r->undecided);
	if (r->late_packets)
		list_item(&l, "%llu left out (sighted out of order)", r->late_packets);
	text_printf(o, "\n");
}

static const char *seconds(__u64 ns, char buf[TEXT_NS_LEN])
{
	snprintf(buf, TEXT_NS_LEN, "%llu.%03llu", ns / 1000000000, ns / 1000000 % 1000);
	return buf;
}

/* Which packets the stages are of: nobody may take the slow ones for all */
static void show_kept(const struct report *r, const struct text_out *o)
{
	const struct report_kept *k = &r->kept;
	char ns[TEXT_NS_LEN], s[TEXT_NS_LEN];
	struct list l;

	if (!k->on)
		return;
	list_begin(&l, o, "kept:");
	list_item(&l, "%llu of %llu packets", k->all, r->seen);
	list_words(&l, "–");
	list_words(&l, "those slower than");
	list_words(&l, text_ns(o, k->slower_than_ns, ns));
	list_words(&l, text_unit_name(o));
	list_words(&l, "and those dropped; stages, shares and own cost below are of them only");
	text_printf(o, "\n");
	if (k->unstitched_times)
		text_printf(o,
			    "not stitched while recording: %llu times too busy, %s s, %llu events: "
			    "stitched now\n",
			    k->unstitched_times, seconds(k->unstitched_ns, s),
			    k->unstitched_events);
	if (!r->ended)
		text_printf(o, "what was seen is counted up to %s s only\n",
			    seconds(k->until_ns, s));
}

/* A row that is not of the first kernel says of which it is */
static bool other(const struct report *r, const char *domain)
{
	return strcmp(domain, r->domains[0].name) != 0;
}

static void show_change(const struct report *r, const struct report_change *c,
			const struct text_out *o)
{
	text_printf(o, "device changed%s%s, at %llu.%03llu s: ", other(r, c->domain) ? " in " : "",
		    other(r, c->domain) ? c->domain : "", c->at_ns / 1000000000,
		    c->at_ns / 1000000 % 1000);
	if (!strcmp(c->what, "renamed"))
		text_printf(o, "%s renamed to %s\n", c->was, c->dev);
	else if (!strcmp(c->what, "joined"))
		text_printf(o, "%s joined %s\n", c->dev, c->to);
	else if (!strcmp(c->what, "left"))
		text_printf(o, "%s left %s\n", c->dev, c->was);
	else if (!strcmp(c->what, "moved"))
		text_printf(o, "%s moved to %s\n", c->dev,
			    *c->to ? c->to : "another network namespace");
	else if (!strcmp(c->what, "missed"))
		text_printf(o, "some changes are not known from here on, names may be wrong\n");
	else
		text_printf(o, "%s %s\n", c->dev, c->what);
}

static void show_changes(const struct report *r, const struct text_out *o, bool all)
{
	size_t n = all || r->nchanges <= CHANGES_SHOWN ? r->nchanges : CHANGES_SHOWN - 1;

	for (size_t i = 0; i < n; i++)
		show_change(r, &r->changes[i], o);
	if (n < r->nchanges)
		text_printf(o, "devices changed: %zu more (--all)\n", r->nchanges - n);
}

static void show_chain(const struct text_out *o, const char *const *chain, size_t n)
{
	for (size_t i = 0; i < n; i++)
		text_printf(o, "%s%s", i ? " " ARROW " " : "", chain[i]);
}

static void dist_cells(const struct text_out *o, struct table *t, const struct report_dist *d,
		       bool share)
{
	const __u64 ns[] = { d->min, d->avg, d->p50, d->p90, d->p99, d->max, d->stddev };
	char buf[TEXT_NS_LEN];

	table_cell(t, "%llu", d->n);
	for (size_t i = 0; i < sizeof(ns) / sizeof(ns[0]); i++)
		table_cell(t, "%s", text_ns(o, ns[i], buf));
	/* of all packets: the shares are of those that are kept */
	if (share)
		table_cell(t, "%s %%", text_permille(d->share_permille, buf));
	else
		table_cell(t, "–");
}

/* Of a stage from one clock to another: by how much its times may be off */
static void error_cell(const struct text_out *o, struct table *t, const struct report_stage *s)
{
	char ns[TEXT_NS_LEN];

	if (!s->error_ns)
		table_cell(t, "%s", "");
	else if (!s->below)
		table_cell(t, "±%s", text_ns(o, s->error_ns, ns));
	else
		table_cell(t, "±%s, %llu are below", text_ns(o, s->error_ns, ns), s->below);
}

static void rare_cells(struct table *t, const struct report_path *p)
{
	char buf[TEXT_NS_LEN];

	table_cell(t, "%zu rare stages", p->rare.rows);
	table_cell(t, "%s", "");
	table_cell(t, "%s", "(--all)");
	table_cell(t, "%llu", p->rare.n);
	for (int i = 0; i < 7; i++)
		table_cell(t, "–");
	table_cell(t, "%s %%", text_permille(p->rare.share_permille, buf));
	table_row_end(t, false);
}

/* Names of what dist_cells() fills */
static void dist_heads(struct table *t)
{
	static const char *const heads[] = {
		"n",
		"min",
		"avg",
		"p50",
		"p90",
		"p99",
		"max",
		"stddev",
		"share",
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		table_cell(t, "%s", heads[i]);
}

static void total_cells(const struct text_out *o, struct table *t, const char *name,
			const struct report_dist *d, bool share)
{
	table_cell(t, "%s", name);
	table_cell(t, "%s", "");
	table_cell(t, "%s", "");
	dist_cells(o, t, d, share);
	table_row_end(t, false);
}

static int show_stages(const struct report *r, const struct report_path *p,
		       const struct text_out *o, bool all)
{
	struct table *t;
	bool crosses = false;
	int err;

	for (size_t i = 0; i < p->nstages; i++)
		crosses |= p->stages[i].error_ns != 0;
	err = table_new(o, crosses ? "l l lrrrrrrrrrl" : "l l lrrrrrrrrr", &t);
	if (err)
		return err;
	table_cell(t, "stage, %s", text_unit_name(o));
	table_cell(t, "%s", "");
	table_cell(t, "%s", "");
	dist_heads(t);
	if (crosses)
		table_cell(t, "clock");
	table_row_end(t, false);

	for (size_t i = 0; i < p->nstages; i++) {
		const struct report_stage *s = &p->stages[i];

		if (s->rare && !all)
			continue;
		table_cell(t, "%s", s->from->label);
		table_cell(t, ARROW);
		table_cell(t, "%s", s->to->label);
		dist_cells(o, t, &s->d, true);
		if (crosses)
			error_cell(o, t, s);
		table_row_end(t, s->largest);
	}
	if (p->rare.rows && !all)
		rare_cells(t, p);

	total_cells(o, t, r->kept.on ? "total, kept" : "total", &p->total, true);
	if (r->kept.on && p->total_all.n)
		total_cells(o, t, "total, all", &p->total_all, false);
	return table_finish(t, 2);
}

static void show_slowest(const struct report *r, const struct report_path *p,
			 const struct text_out *o)
{
	char total[TEXT_NS_LEN], part[TEXT_NS_LEN], at[TEXT_NS_LEN];

	text_printf(o, "  slowest: packet %llu", p->slowest.packet);
	if (p->slowest.real_ns)
		text_printf(o, " at %s", text_clock(p->slowest.real_ns, at));
	text_printf(o, ", %s %s", text_ns(o, p->slowest.ns, total), text_unit_name(o));
	if (p->slowest.stage)
		text_printf(o, ", of which %s in %s " ARROW " %s",
			    text_ns(o, p->slowest.stage_ns, part), p->slowest.stage->from->label,
			    p->slowest.stage->to->label);
	text_printf(o, "   (pktlap script --packet %llu%s%s)\n", p->slowest.packet,
		    strcmp(r->file, "pktlap.data") ? " " : "",
		    strcmp(r->file, "pktlap.data") ? r->file : "");
}

static void show_cost(const struct text_out *o, const char *title, const struct report_cost *c)
{
	char share[TEXT_NS_LEN];

	text_printf(o, "%s %llu.%llu events, %llu ns a packet (%s %% of the total)\n", title,
		    c->events_per_1000_packets / 1000, c->events_per_1000_packets / 100 % 10,
		    c->ns_per_packet, text_permille(c->share_permille, share));
}

static void show_drop(const struct report_drop *d, const struct text_out *o, const char *indent)
{
	text_printf(o, "%s%llu dropped", indent, d->packets);
	if (*d->hop)
		text_printf(o, " after %s%s%s", d->hop, *d->dev ? " on " : "", d->dev);
	text_printf(o, ": %s%s, in %s", d->reason_known ? "" : "reason ", d->reason, d->place);
	if (*d->source)
		text_printf(o, " (%s)", d->source);
	text_printf(o, "\n");
}

static int show_path(const struct report *r, const struct report_path *p,
		     const struct text_out *o, bool all)
{
	int err;

	text_printf(o, "\npath %u   ", p->id);
	show_chain(o, p->chain, p->nchain);
	text_printf(o, "   %llu packet%s", p->packets, p->packets == 1 ? "" : "s");
	if (r->kept.on && p->total_all.n)
		text_printf(o, " kept of %llu", p->total_all.n);
	if (p->dropped)
		text_printf(o, ", %llu more dropped", p->dropped);
	text_printf(o, "\n");

	err = show_stages(r, p, o, all);
	if (err)
		return err;
	show_slowest(r, p, o);
	for (size_t i = 0; i < r->ndrops; i++)
		if (r->drops[i].path == p->id)
			show_drop(&r->drops[i], o, "  ");
	if (p->cost.ns_per_packet)
		show_cost(o, "  own cost:", &p->cost);
	return view_tail_text(p, o, all);
}

/* The time of packets of which none is kept, and of all */
static int show_fast(const struct report *r, const struct text_out *o)
{
	const struct report_kept *k = &r->kept;
	struct table *t;
	char ns[TEXT_NS_LEN];
	int err;

	if (!k->on)
		return 0;
	if (k->nfast)
		text_printf(o, "\npaths without a packet slower than %s %s, totals of all\n",
			    text_ns(o, k->slower_than_ns, ns), text_unit_name(o));
	for (size_t i = 0; i < k->nfast; i++) {
		text_printf(o, "  %zu   ", i + 1);
		show_chain(o, k->fast[i].chain, k->fast[i].nchain);
		text_printf(o, "\n");
	}
	err = table_new(o, "l l lrrrrrrrrr", &t);
	if (err)
		return err;
	text_printf(o, "\n");
	table_cell(t, "packets, %s", text_unit_name(o));
	table_cell(t, "%s", "");
	table_cell(t, "%s", "");
	dist_heads(t);
	table_row_end(t, false);
	for (size_t i = 0; i < k->nfast; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%zu", i + 1);
		total_cells(o, t, name, &k->fast[i].total, false);
	}
	if (k->other.n)
		total_cells(o, t, "on other paths", &k->other, false);
	total_cells(o, t, "all complete", &k->total, false);
	return table_finish(t, 2);
}

static void show_no_path(const struct report *r, const struct text_out *o)
{
	if (r->kept.on && r->seen)
		text_printf(o, "\nNo packet that is kept was seen on its whole way.\n");
	else if (!r->stored_events)
		text_printf(o, "\nThe recording has no events: no packet came past a hop.\n");
	else if (!r->seen)
		text_printf(o, "\nNo event belongs to a packet: nothing to break down.\n");
	else if (r->packets[PACKET_SPLIT] + r->packets[PACKET_MERGED] == r->seen)
		text_printf(o, "\nNo packet is whole: merged by GRO into others, or cut up by GSO.\n");
	else
		text_printf(o, "\nNo packet was seen on its whole way: nothing to break down.\n");
}

static void show_other_drops(const struct report *r, const struct text_out *o)
{
	bool any = false;

	for (size_t i = 0; i < r->ndrops; i++) {
		const struct report_drop *d = &r->drops[i];

		if (d->path)
			continue;
		if (!any)
			text_printf(o, "\ndropped on a way that no complete packet took\n");
		any = true;
		text_printf(o, "  ");
		show_chain(o, d->chain, d->nchain);
		show_drop(d, o, d->nchain ? ": " : "");
	}
}

/* whys: also for the same reason */
static bool missing_alike(const struct report_coverage *a, const struct report_coverage *b, bool whys)
{
	return a->missing && b->missing && !strcmp(a->domain, b->domain) &&
	       (!whys || !strcmp(a->why, b->why));
}

/* "not covered in vm1:" */
static void list_begin_in(struct list *l, const struct report *r, const struct text_out *o,
			  const char *what, const char *domain)
{
	char title[256];

	snprintf(title, sizeof(title), "%s%s%s:", what, other(r, domain) ? " in " : "",
		 other(r, domain) ? domain : "");
	list_begin(l, o, title);
}

/*
 * Hops that lack for the same reason in one line. A guest has no vhost and no KVM, mostly: why it
 * lacks a hop is told with --all only
 */
static void show_missing(const struct report *r, const struct text_out *o, bool all)
{
	for (size_t i = 0; i < r->ncoverage; i++) {
		const struct report_coverage *c = &r->coverage[i];
		bool whys = all || !other(r, c->domain), shown = !c->missing;
		struct list l;

		for (size_t j = 0; j < i && !shown; j++)
			shown = missing_alike(&r->coverage[j], c, whys);
		if (shown)
			continue;
		list_begin_in(&l, r, o, "not covered", c->domain);
		for (size_t j = i; j < r->ncoverage; j++)
			if (missing_alike(&r->coverage[j], c, whys))
				list_item(&l, "%s", r->coverage[j].hop);
		list_words(&l, "–");
		if (!whys)
			list_words(&l, "--all says why");
		else
			list_words(&l, *c->why ? c->why : "no alternative was tried");
		text_printf(o, "\n");
	}
}

static void show_partial(const struct report *r, const struct text_out *o)
{
	struct list l;

	for (size_t i = 0; i < r->ncoverage; i++) {
		if (!*r->coverage[i].partial || *r->coverage[i].as)
			continue;
		list_begin_in(&l, r, o, "covered in part", r->coverage[i].domain);
		list_item(&l, "%s", r->coverage[i].hop);
		list_words(&l, "–");
		list_words(&l, r->coverage[i].partial);
		text_printf(o, "\n");
	}
}

static void show_silent(const struct report *r, const struct text_out *o)
{
	const char *domain = NULL;
	struct list l;

	for (size_t i = 0; i < r->ncoverage; i++) {
		const struct report_coverage *c = &r->coverage[i];

		if (!c->silent)
			continue;
		if (domain && strcmp(domain, c->domain))
			text_printf(o, "\n");
		if (!domain || strcmp(domain, c->domain))
			list_begin_in(&l, r, o, "silent while their neighbours were not", c->domain);
		domain = c->domain;
		list_item(&l, "%s (%s %s)", c->hop, c->kind, c->target);
	}
	if (domain)
		text_printf(o, "\n");
}

static void show_hook_costs(const struct report *r, const struct text_out *o)
{
	struct list l;

	if (!r->nhook_cost)
		return;
	if (r->npaths > 1)
		show_cost(o, "own cost, all paths:", &r->cost);
	for (size_t i = 0; i < r->nhook_cost; i++) {
		const struct report_hook_cost *c = &r->hook_cost[i];

		if (!i || strcmp(c->domain, c[-1].domain)) {
			text_printf(o, "%s", i ? "\n" : "");
			list_begin_in(&l, r, o, "own cost, ns a run", c->domain);
		}
		list_item(&l, "%s %llu", c->hop, c->ns_per_run);
	}
	text_printf(o, "\n  (kernel's run statistics; the dispatch of a program comes on top)\n");
}

static void show_damage(const struct report *r, const struct text_out *o)
{
	list_counts(o, "lost events by hop:", r->lost_by_hop, r->nlost_by_hop);
	list_counts(o, "lost events by CPU:", r->lost_by_cpu, r->nlost_by_cpu);
	if (r->bad_blocks)
		text_printf(o, "damaged or missing in the file: %llu blocks, %llu events of them known\n",
			    r->bad_blocks, r->bad_events);
	if (r->kept.bad_blocks)
		text_printf(o, "kept, but damaged in the file: %llu packets in %llu blocks\n",
			    r->kept.bad_packets, r->kept.bad_blocks);
	if (r->evicted)
		text_printf(o, "given up to save memory: %llu packets (--max-in-flight)\n",
			    r->evicted);
	if (r->unfollowed)
		text_printf(o, "not followed where headers change, too many at a time: %llu packets\n",
			    r->unfollowed);
	if (r->tasks_unfollowed)
		text_printf(o, "tasks not followed, too many at a time: noticed %llu times\n", r->tasks_unfollowed);
	if (r->unsure_fetches)
		text_printf(o, "vhost:fetch left out of %llu packets: not certain which it was\n",
			    r->unsure_fetches);
	if (r->late_events)
		text_printf(o, "out of order in the file: %llu events\n", r->late_events);
}

/* What is worse than a note, a line each; all: the notes too. None found is told from not looked for */
static void show_hazards(const struct report *r, const struct text_out *o, bool all)
{
	size_t shown = 0;
	struct list l;

	for (size_t i = 0; i < r->nhazards; i++) {
		const struct report_hazard *z = &r->hazards[i];

		if (z->note && !all)
			continue;
		list_begin(&l, o, shown++ ? "        " : "hazards:");
		if (other(r, z->domain)) {
			list_words(&l, "in");
			list_words(&l, z->domain);
			list_words(&l, "–");
		}
		list_words(&l, z->subject);
		list_words(&l, z->evidence);
		list_words(&l, z->during ? "(came up while recording)" : "");
		text_printf(o, " [%s]\n", z->severity);
	}
	if (r->nnotes && !all)
		text_printf(o, "%s %zu %snote%s (--all)\n", shown ? "        " : "hazards:", r->nnotes,
			    shown ? "more " : "", r->nnotes == 1 ? "" : "s");
	if (!r->nhazards && r->domains[0].hazards_known)
		text_printf(o, "hazards: none found\n");
	for (size_t i = 0; i < r->ndomains; i++)
		if (!r->domains[i].hazards_known)
			text_printf(o, "hazards%s%s: not looked for when this was recorded\n",
				    i ? " in " : "", i ? r->domains[i].name : "");
}

static void show_clock(const struct report_domain *d, const struct text_out *o)
{
	const struct report_clock_method *m;
	char ns[TEXT_NS_LEN];
	struct list l;

	list_begin(&l, o, "clock of");
	list_words(&l, d->name);
	list_words(&l, d->nclock ? "against" : "");
	list_words(&l, d->nclock ? d->reference : "");
	list_words(&l, "–");
	if (!d->nclock)
		list_words(&l, "no relation to others is known: its packets are joined with its own guests' only");
	for (size_t i = 0; i < d->nclock; i++) {
		m = &d->clock[i];
		if (!m->in_use)
			continue;
		list_item(&l, "%s: ±%s %s", m->name, text_ns(o, m->error_ns, ns), text_unit_name(o));
		list_item(&l, "offset %lld ns", m->offset_ns);
		list_item(&l, "drift %lld ppb", m->drift_ppb);
		list_item(&l, "%llu samples", m->samples);
		list_item(&l, "held against %llu packets", m->proofs);
	}
	for (size_t i = 0; i < d->nclock; i++) {
		m = &d->clock[i];
		if (m->disproved)
			list_item(&l, "%s DISPROVED by packets in %llu of %llu parts, by up to %s %s",
				  m->name, m->disproved, m->pieces,
				  text_ns(o, m->disproved_ns, ns), text_unit_name(o));
	}
	text_printf(o, "\n");
}

static void show_domain(const struct report_domain *d, const struct text_out *o)
{
	struct list l;

	list_begin(&l, o, "domain");
	list_words(&l, d->name);
	list_words(&l, "–");
	list_item(&l, "%s (%s)", *d->host ? d->host : "unknown", *d->release ? d->release : "?");
	if (*d->spec)
		list_item(&l, "%s", d->spec);
	list_item(&l, "events %llu", d->events);
	if (d->lost_known)
		list_item(&l, "lost %llu", d->lost);
	else
		list_item(&l, "lost unknown");
	list_item(&l, "%llu packets left it and were not seen elsewhere", d->left);
	if (d->gone_ns)
		list_item(&l, "MISSING since %s", *d->gone ? d->gone : "its agent was lost");
	text_printf(o, "\n");
}

/* The first domain is in the head of the report */
static void show_domains(const struct report *r, const struct text_out *o)
{
	struct list l;

	if (r->ndomains < 2)
		return;
	for (size_t i = 1; i < r->ndomains; i++) {
		show_domain(&r->domains[i], o);
		show_clock(&r->domains[i], o);
	}
	list_begin(&l, o, "crossings:");
	list_item(&l, "%llu between domains", r->crossed);
	list_item(&l, "%llu ambiguous, not joined", r->ambiguous_crossings);
	if (r->moved_crossings)
		list_item(&l, "%llu took less than nothing, within the clock's error: shown as 0",
			  r->moved_crossings);
	if (r->long_crossings)
		list_item(&l, "%llu beyond %d domains on one way, not joined", r->long_crossings,
			  PACKET_MAX_PARTS);
	if (r->evicted_crossings)
		list_item(&l, "%llu packets went on unjoined to save memory (--max-in-flight)",
			  r->evicted_crossings);
	if (r->impossible_crossings)
		list_item(&l, "%llu impossible by the clocks, left out", r->impossible_crossings);
	text_printf(o, "\n");
}

int view_text(const struct report *r, const struct text_out *o, bool all)
{
	int err = 0;

	show_header(r, o);
	show_kept(r, o);
	show_changes(r, o, all);
	for (size_t i = 0; i < r->npaths && !err; i++)
		err = show_path(r, &r->paths[i], o, all);
	if (err)
		return err;
	if (!r->npaths)
		show_no_path(r, o);
	show_other_drops(r, o);
	err = show_fast(r, o);
	if (err)
		return err;

	text_printf(o, "\n");
	show_domains(r, o);
	show_hazards(r, o, all);
	list_counts(o, "incomplete, last seen at:", r->last_hop, r->nlast_hop);
	show_damage(r, o);
	show_missing(r, o, all);
	show_partial(r, o);
	show_silent(r, o);
	show_hook_costs(r, o);
	return 0;
}
