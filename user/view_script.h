/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Views of single packets. They are called packet after packet and write as they go: what they
 * keep is bound by the names of the recording and by packets that overlap, not by its length.
 */
#ifndef PKTLAP_VIEW_SCRIPT_H
#define PKTLAP_VIEW_SCRIPT_H

#include "domain.h"
#include "stitch.h"
#include "text.h"

#define SCRIPT_SCHEMA 1 /* of the JSON lines; grows when a member changes its meaning */

/* Borrowed, all of it, and to stay until script_format.end() */
struct script_view {
	struct text_out out; /* out.f is where every format writes */
	const struct domain *domains; /* at least one */
	size_t ndomains;
	bool verbose; /* text: also the hook and what it counted */
	bool absolute; /* text: wall clock times in ns in place of relative ones */
};

/* The domain that sighting at was made in */
static inline const struct domain *script_domain(const struct script_view *v, const struct packet *p,
						 size_t at)
{
	return &v->domains[packet_domain(p, at)];
}

/* Wall clock time of a sighting, ns; 0: not known */
static inline __u64 script_wall_ns(const struct script_view *v, const struct packet *p, size_t at)
{
	return domain_wall_ns(v->domains, packet_domain(p, 0), p->s[at].ts);
}

/* The kernel's names of drops: of the domain where the packet ended */
static inline const json_t *script_drops(const struct script_view *v, const struct packet *p)
{
	return script_domain(v, p, p->n ? p->n - 1 : 0)->trace->docs[TRACE_DROPS];
}

struct script_state;

struct script_format {
	const char *name;
	bool binary; /* nothing for a terminal */
	/* 0 or -ENOMEM; sets *out, which packet() and end() get */
	int (*begin)(const struct script_view *v, struct script_state **out);
	/* 0 or -ENOMEM. Failing writes are left to ferror(out.f) */
	int (*packet)(struct script_state *s, const struct packet *p);
	/* Write what comes last, and free. s may be NULL */
	void (*end)(struct script_state *s);
};

extern const struct script_format script_text;
extern const struct script_format script_jsonl; /* the contract of user/script.schema.json */
extern const struct script_format script_perfetto; /* a trace for ui.perfetto.dev */
extern const struct script_format script_pcapng; /* a capture for Wireshark */

/* NULL: no such format */
const struct script_format *script_format_by_name(const char *name);

/* One packet as text: 0 or -ENOMEM */
int view_script(const struct script_view *v, const struct packet *p);

#endif
