// SPDX-License-Identifier: GPL-2.0
/* Waterfall of one packet */
#include "view_script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "packet_text.h"
#include "report.h"
#include "slowest.h"

static void show_end(const struct script_view *v, const struct packet *p)
{
	char drop[PACKET_DROP_LEN];

	text_printf(&v->out, "   %s%s%s", packet_end_name(p->end), p->cloned ? ", cloned" : "",
		    p->nonmono ? ", sighted out of order" : "");
	if (p->end == PACKET_DROPPED)
		text_printf(&v->out, ": %s", packet_drop(script_drops(v, p), p, drop));
}

static void show_header(const struct script_view *v, const struct packet *p)
{
	char proto[PACKET_NAME_LEN], ns[TEXT_NS_LEN], at[TEXT_NS_LEN];
	__u64 real = p->n ? script_wall_ns(v, p, 0) : 0;

	text_printf(&v->out, "packet %llu   %s, %u bytes", p->id, packet_proto_name(p->proto, proto),
		    packet_len(p));
	if (real)
		text_printf(&v->out, "   %s", text_clock(real, at));
	text_printf(&v->out, "   %s %s", text_ns(&v->out, packet_total(p), ns),
		    text_unit_name(&v->out));
	show_end(v, p);
	text_printf(&v->out, "\n");
}

static void heads(struct table *t, const struct script_view *v)
{
	if (v->absolute) {
		table_cell(t, "ns");
	} else {
		table_cell(t, "%s", text_unit_name(&v->out));
		table_cell(t, "delta");
		if (v->ndomains > 1)
			table_cell(t, "%s", "");
	}
	if (v->ndomains > 1)
		table_cell(t, "domain");
	table_cell(t, "hop");
	table_cell(t, "device");
	table_cell(t, "CPU");
	table_cell(t, "task");
	if (v->verbose) {
		table_cell(t, "hook");
		table_cell(t, "length");
		table_cell(t, "arg");
	}
	table_row_end(t, false);
}

static void hook_cells(struct table *t, const struct sighting *s)
{
	const struct hook_desc *hook = hook_desc(s->hook);

	if (s->hook)
		table_cell(t, "%s:%s", hook_kind_name(hook->kind), hook->target);
	else
		table_cell(t, "%s", "");
	table_cell(t, "%u", s->len);
	/* of a packet hop it is the flow's hash, nothing for people */
	if (s->hop == PL_HOP_sock_ready || s->hop == PL_HOP_app_wake)
		table_cell(t, "%s", wait_name(s->arg));
	else if (hop_desc(s->hop)->class == PL_CLASS_CTX)
		table_cell(t, "%u", s->arg);
	else
		table_cell(t, "%s", "");
}

static void sighting_row(struct table *t, const struct script_view *v, const struct packet *p,
			 size_t at, bool largest)
{
	const struct sighting *s = &p->s[at];
	const struct packet_part *crossing = packet_crossing(p, at);
	char ns[TEXT_NS_LEN], name[PACKET_NAME_LEN];
	__u64 real;

	if (v->absolute) {
		real = script_wall_ns(v, p, at);
		table_cell(t, "%llu", real ? real : s->ts);
	} else {
		table_cell(t, "%s", text_ns(&v->out, s->ts - p->s[0].ts, ns));
		table_cell(t, "%s", at ? text_ns(&v->out, s->ts - p->s[at - 1].ts, ns) : "");
		if (v->ndomains > 1)
			table_cell(t, "%s%s", crossing ? "±" : "",
				   crossing ? text_ns(&v->out, crossing->error_ns, ns) : "");
	}
	if (v->ndomains > 1)
		table_cell(t, "%s", script_domain(v, p, at)->name);
	table_cell(t, "%s", hop_desc(s->hop)->name);
	table_cell(t, "%s", sighting_dev(script_domain(v, p, at)->names, s, name));
	table_cell(t, "%u", s->cpu);
	table_cell(t, "%s", sighting_task(script_domain(v, p, at)->names, s, name));
	if (v->verbose)
		hook_cells(t, s);
	table_row_end(t, largest);
}

/* The sighting that took longest to come */
static size_t largest_step(const struct packet *p)
{
	__u64 largest = 0;
	size_t at = 0;

	for (size_t i = 1; i < p->n; i++) {
		if (p->s[i].ts - p->s[i - 1].ts <= largest)
			continue;
		largest = p->s[i].ts - p->s[i - 1].ts;
		at = i;
	}
	return at;
}

int view_script(const struct script_view *v, const struct packet *p)
{
	size_t largest = largest_step(p);
	struct table *t;
	int err;

	if (v->ndomains > 1)
		err = table_new(&v->out, v->absolute ? "rlllrllrr" : "rrrlllrllrr", &t);
	else
		err = table_new(&v->out, v->absolute ? "rllrllrr" : "rrllrllrr", &t);
	if (err)
		return err;
	show_header(v, p);
	heads(t, v);
	for (size_t i = 0; i < p->n; i++)
		sighting_row(t, v, p, i, largest && i == largest);
	return table_finish(t, 2);
}

/* --- as a format among others --------------------------------------------------------------- */

struct script_state {
	const struct script_view *view;
	bool any;
};

static int text_begin(const struct script_view *v, struct script_state **out)
{
	struct script_state *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->view = v;
	*out = s;
	return 0;
}

static int text_packet(struct script_state *s, const struct packet *p)
{
	if (s->any)
		text_printf(&s->view->out, "\n");
	s->any = true;
	return view_script(s->view, p);
}

static void text_end(struct script_state *s)
{
	free(s);
}

const struct script_format script_text = { "text", false, text_begin, text_packet, text_end };

const struct script_format *script_format_by_name(const char *name)
{
	static const struct script_format *const formats[] = {
		&script_text,
		&script_jsonl,
		&script_perfetto,
		&script_pcapng,
	};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!strcmp(formats[i]->name, name))
			return formats[i];
	return NULL;
}
