// SPDX-License-Identifier: GPL-2.0
/* Of the report: the kernels that were recorded, and how well their clocks are known */
#include <string.h>

#include "report_int.h"

const char *report_domain_name(struct report *r, const struct report_input *in, unsigned int domain)
{
	return report_str(r, in->domains[domain].name);
}

const char *report_in_domain(struct report *r, const struct report_input *in, unsigned int domain,
			     const char *name)
{
	if (!domain || !*name)
		return name;
	return arena_printf(&r->mem, "%s/%s", report_str(r, in->domains[domain].name), name);
}

static void method_make(struct report_clock_method *m, enum clock_method nr,
			const struct clock_fit *fit, bool in_use)
{
	struct clock_fit_stats st;

	clock_fit_stats(fit, &st);
	*m = (struct report_clock_method){
		.name = clock_method_name(nr),
		.in_use = in_use,
		.samples = st.samples,
		.outliers = st.outliers,
		.pieces = st.pieces,
		.proofs = st.bounds_lo + st.bounds_hi,
		.disproved = st.contradicted,
		.disproved_ns = st.contradiction_ns,
		.offset_ns = st.offset_ns,
		.drift_ppb = st.drift_ppb,
		.error_ns = nr == CLOCK_SAME ? 0 : st.error_ns,
	};
}

static void domain_clock_make(struct report *r, struct report_domain *d,
			      const struct domain_clock *c)
{
	enum clock_method m;

	d->clock = arena_alloc(&r->mem, CLOCK_NR_METHODS, sizeof(*d->clock));
	for (m = 0; d->clock && m < CLOCK_NR_METHODS; m++)
		if (c->fit[m])
			method_make(&d->clock[d->nclock++], m, c->fit[m], m == c->method);
}

static void domain_make(struct report *r, const struct report_input *in, unsigned int nr,
			struct report_domain *d)
{
	const struct domain *from = &in->domains[nr];
	const json_t *meta = from->trace->docs[TRACE_META], *guest = from->trace->docs[TRACE_GUEST];

	d->name = report_str(r, from->name);
	d->host = report_str(r, json_str(meta, "host"));
	d->release = report_str(r, json_str(meta, "release"));
	d->machine = report_str(r, json_str(meta, "machine"));
	d->cpus = json_count(meta, "cpus");
	d->events = from->trace->nevents;
	d->ended = from->trace->ended;
	d->lost_known = from->trace->docs[TRACE_COUNTS];
	d->lost = trace_lost(from->trace);
	d->hazards_known = json_is_array(from->trace->docs[TRACE_HAZARDS]);
	d->reference = nr ? report_domain_name(r, in, from->reference) : "";
	d->spec = report_str(r, json_str(guest, "spec"));
	d->gone_ns = json_count(guest, "lost_ns");
	d->gone = report_str(r, json_str(guest, "reason"));
	if (nr)
		domain_clock_make(r, d, &from->clock);
	if (in->join)
		d->left = in->join->left[nr];
}

void report_domains(struct report *r, const struct report_input *in)
{
	r->domains = arena_alloc(&r->mem, in->ndomains, sizeof(*r->domains));
	for (size_t i = 0; r->domains && i < in->ndomains; i++)
		domain_make(r, in, i, &r->domains[r->ndomains++]);
	if (!in->join)
		return;
	r->crossed = in->join->joined;
	r->ambiguous_crossings = in->join->ambiguous;
	r->impossible_crossings = in->join->contradictions;
	r->moved_crossings = in->join->moved;
	r->long_crossings = in->join->too_long;
	r->evicted_crossings = in->join->evicted;
}
