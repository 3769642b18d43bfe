// SPDX-License-Identifier: GPL-2.0
/* Waterfall of one packet */
#include "view_script.h"

#include <netinet/in.h>
#include <stdio.h>

#include "drop_names.h"
#include "report.h"
#include "slowest.h"

#define NAME_LEN 64

static const char *proto_name(__u8 proto, char buf[NAME_LEN])
{
	switch (proto) {
	case PL_PROTO_NONE:
		return "headers not read";
	case PL_PROTO_ARP:
		return "arp";
	case PL_PROTO_OTHER:
		return "not ip";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMPV6:
		return "icmpv6";
	default:
		snprintf(buf, NAME_LEN, "ip protocol %u", proto);
		return buf;
	}
}

/* Bytes where first seen; context hops count something else */
static __u32 packet_len(const struct packet *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (hop_desc(p->s[i].hop)->class == PL_CLASS_PKT)
			return p->s[i].len;
	return 0;
}

static void show_end(const struct script_view *v, const struct packet *p)
{
	char reason[DROP_NAME_LEN], place[DROP_NAME_LEN];
	const char *name;

	text_printf(&v->out, "   %s%s%s", packet_end_name(p->end), p->cloned ? ", cloned" : "",
		    p->nonmono ? ", sighted out of order" : "");
	if (p->end != PACKET_DROPPED)
		return;
	name = drop_reason_name(v->drops, p->drop_reason, reason);
	text_printf(&v->out, ": ");
	if (*name)
		text_printf(&v->out, "%s", name);
	else
		text_printf(&v->out, "reason %u", p->drop_reason);
	text_printf(&v->out, ", in %s", drop_place_name(v->drops, p->drop_place, place));
}

static void show_header(const struct script_view *v, const struct packet *p)
{
	char proto[NAME_LEN], ns[TEXT_NS_LEN], at[TEXT_NS_LEN];
	__u64 real = p->n ? wallclock_ns(v->clock, p->s[0].ts) : 0;

	text_printf(&v->out, "packet %llu   %s, %u bytes", p->id, proto_name(p->proto, proto),
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
	}
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

static void task_cell(struct table *t, const struct script_view *v, const struct sighting *s)
{
	const char *comm = names_comm(v->names, s->tid);
	char name[NAME_LEN];

	/* the idle task of each CPU has no number of its own */
	if (!s->tid)
		table_cell(t, "swapper/%u", s->cpu);
	else if (comm && *comm)
		table_cell(t, "%s/%u", text_clean(name, sizeof(name), comm), s->tid);
	else
		table_cell(t, "%u", s->tid);
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
	if (hop_desc(s->hop)->class == PL_CLASS_CTX)
		table_cell(t, "%u", s->arg);
	else
		table_cell(t, "%s", "");
}

static void sighting_row(struct table *t, const struct script_view *v, const struct packet *p,
			 size_t at, bool largest)
{
	const struct sighting *s = &p->s[at];
	char ns[TEXT_NS_LEN], dev[NAME_LEN];
	__u64 real;

	if (v->absolute) {
		real = wallclock_ns(v->clock, s->ts);
		table_cell(t, "%llu", real ? real : s->ts);
	} else {
		table_cell(t, "%s", text_ns(&v->out, s->ts - p->s[0].ts, ns));
		table_cell(t, "%s", at ? text_ns(&v->out, s->ts - p->s[at - 1].ts, ns) : "");
	}
	table_cell(t, "%s", hop_desc(s->hop)->name);
	table_cell(t, "%s", text_clean(dev, sizeof(dev), names_dev_name(v->names, s->dev)));
	table_cell(t, "%u", s->cpu);
	task_cell(t, v, s);
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

	err = table_new(&v->out, v->absolute ? "rllrllrr" : "rrllrllrr", &t);
	if (err)
		return err;
	show_header(v, p);
	heads(t, v);
	for (size_t i = 0; i < p->n; i++)
		sighting_row(t, v, p, i, largest && i == largest);
	return table_finish(t, 2);
}
