// SPDX-License-Identifier: GPL-2.0
/* From the documents of two recordings to the relation of their clocks, see domain_clock.h */
#include "domain_clock.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDING_NS  50 /* of clocks that the kernel counts in ns from cycles, by both */
#define NEIGHBOURS   4 /* snapshots on each side that may be narrower than the nearest one */

static const char *const names[] = {
	[CLOCK_SAME] = "same-kernel",
	[CLOCK_PTP_KVM] = "ptp_kvm",
	[CLOCK_EXCHANGE] = "exchange",
	[CLOCK_REALTIME_SYNC] = "realtime",
	[CLOCK_NONE] = "none",
};

const char *clock_method_name(enum clock_method m)
{
	return names[m <= CLOCK_NONE ? m : CLOCK_NONE];
}

enum clock_method clock_method_by_name(const char *name)
{
	enum clock_method m;

	for (m = 0; m < CLOCK_NR_METHODS; m++)
		if (!strcmp(names[m], name))
			break;
	return m;
}

/* --- documents ------------------------------------------------------------------------------- */

/* Times of a document are below 2^61 (in 2043), or it is not one of pktlap's */
static bool time_of(const json_t *doc, const char *name, __s64 *out)
{
	const json_t *v = json_object_get(doc, name);

	*out = json_integer_value(v);
	return json_is_integer(v) && *out >= 0 && *out < INT64_MAX / 4;
}

/* real - mono of a kernel: constant but for steps, as both tick alike */
struct snap {
	__s64 mono, real, width, real_error;
};

struct snaps {
	struct snap *at; /* by mono */
	size_t n;
};

static int snap_cmp(const void *a, const void *b)
{
	const struct snap *x = a, *y = b;

	return (x->mono > y->mono) - (x->mono < y->mono);
}

static int snaps_read(const struct trace *t, struct snaps *out)
{
	const json_t *docs = t->docs[TRACE_CLOCK], *doc;
	size_t i;

	out->n = 0;
	out->at = calloc(json_array_size(docs) + 1, sizeof(*out->at));
	if (!out->at)
		return -ENOMEM;
	json_array_foreach(docs, i, doc) {
		struct snap *s = &out->at[out->n];

		if (!time_of(doc, "mono_ns", &s->mono) || !time_of(doc, "real_ns", &s->real) ||
		    !time_of(doc, "width_ns", &s->width))
			continue;
		if (!time_of(doc, "real_error_ns", &s->real_error))
			s->real_error = 0;
		out->n++;
	}
	qsort(out->at, out->n, sizeof(*out->at), snap_cmp);
	return 0;
}

static __s64 snap_offset(const struct snap *s)
{
	return s->real - s->mono;
}

/* The snapshot whose time is nearest; by real or by mono */
static size_t snap_nearest(const struct snaps *s, __s64 t, bool real)
{
	size_t i, best = 0;
	__s64 d, near = INT64_MAX;

	for (i = 0; i < s->n; i++) {
		d = llabs((real ? s->at[i].real : s->at[i].mono) - t);
		if (d > near)
			break;
		near = d;
		best = i;
	}
	return best;
}

/* The narrowest of it and its neighbours that does not say that the clock was stepped between */
static const struct snap *snap_best(const struct snaps *s, __s64 t, bool real)
{
	size_t at, i, to;
	const struct snap *best;

	if (!s->n)
		return NULL;
	at = snap_nearest(s, t, real);
	best = &s->at[at];
	to = at + NEIGHBOURS < s->n ? at + NEIGHBOURS : s->n - 1;
	for (i = at > NEIGHBOURS ? at - NEIGHBOURS : 0; i <= to; i++)
		if (s->at[i].width < best->width &&
		    llabs(snap_offset(&s->at[i]) - snap_offset(&s->at[at])) <=
			    s->at[i].width + s->at[at].width)
			best = &s->at[i];
	return best;
}

/* --- samples of each method ------------------------------------------------------------------ */

struct samples {
	struct clock_sample *s;
	size_t n;
};

static int samples_room(struct samples *out, size_t n)
{
	out->n = 0;
	out->s = calloc(n + 1, sizeof(*out->s));
	return out->s ? 0 : -ENOMEM;
}

static void sample_add(struct samples *out, __s64 domain, __s64 reference, __s64 half)
{
	__s64 offset = reference - domain;

	if (domain < 0)
		return;
	half += ROUNDING_NS;
	out->s[out->n++] = (struct clock_sample){ domain, offset - half, offset + half };
}

/* real - mono of either kernel turns the pair of real times into one of monotonic times */
static int samples_ptp(const struct trace *reference, const struct trace *domain,
		       struct samples *out)
{
	const json_t *docs = domain->docs[TRACE_CLOCK], *doc, *pair;
	struct snaps ref = { 0 }, own = { 0 };
	const struct snap *r, *d;
	__s64 host, real;
	size_t i;
	int err = samples_room(out, json_array_size(docs));

	if (!err)
		err = snaps_read(reference, &ref);
	if (!err)
		err = snaps_read(domain, &own);
	if (err)
		goto out;
	json_array_foreach(docs, i, doc) {
		pair = json_object_get(doc, "ptp_kvm");
		if (!time_of(pair, "host_real_ns", &host) || !time_of(pair, "real_ns", &real))
			continue;
		r = snap_best(&ref, host, true);
		d = snap_best(&own, real, true);
		if (r && d)
			sample_add(out, real - snap_offset(d), host - snap_offset(r),
				   (r->width + d->width) / 2 + 1);
	}
out:
	free(ref.at);
	free(own.at);
	return err;
}

static int samples_exchange(const struct trace *reference, const struct trace *domain,
			    struct samples *out)
{
	const json_t *docs = domain->docs[TRACE_SYNC], *doc;
	__s64 guest, host, width;
	size_t i;
	int err = samples_room(out, json_array_size(docs));

	(void)reference;
	if (err)
		return err;
	json_array_foreach(docs, i, doc)
		if (time_of(doc, "guest_ns", &guest) && time_of(doc, "host_ns", &host) &&
		    time_of(doc, "width_ns", &width))
			sample_add(out, guest, host, width / 2 + 1);
	return 0;
}

/* Each kernel says how far it may be from true time: so they are at most both apart */
static int samples_realtime(const struct trace *reference, const struct trace *domain,
			    struct samples *out)
{
	struct snaps ref = { 0 }, own = { 0 };
	const struct snap *r, *d;
	size_t i;
	int err = snaps_read(reference, &ref);

	if (!err)
		err = snaps_read(domain, &own);
	if (!err)
		err = samples_room(out, own.n);
	for (i = 0; !err && i < own.n; i++) {
		d = &own.at[i];
		r = snap_best(&ref, d->real, true);
		if (r && r->real_error && d->real_error)
			sample_add(out, d->mono, d->real - snap_offset(r),
				   (r->width + d->width) / 2 + 1 + r->real_error + d->real_error);
	}
	free(ref.at);
	free(own.at);
	return err;
}

/* Same boot of the same kernel: one clock */
static int samples_same(const struct trace *reference, const struct trace *domain,
			struct samples *out)
{
	const char *a = json_string_value(json_object_get(reference->docs[TRACE_META], "boot_id"));
	const char *b = json_string_value(json_object_get(domain->docs[TRACE_META], "boot_id"));
	int err = samples_room(out, 1);

	if (!err && a && b && *a && !strcmp(a, b))
		out->s[out->n++] = (struct clock_sample){
			.at = json_integer_value(json_object_get(domain->docs[TRACE_META],
								 "start_mono_ns")),
		};
	return err;
}

static int (*const collect[CLOCK_NR_METHODS])(const struct trace *reference,
					      const struct trace *domain, struct samples *out) = {
	[CLOCK_SAME] = samples_same,
	[CLOCK_PTP_KVM] = samples_ptp,
	[CLOCK_EXCHANGE] = samples_exchange,
	[CLOCK_REALTIME_SYNC] = samples_realtime,
};

static int method_fit(const struct trace *reference, const struct trace *domain,
		      enum clock_method m, struct clock_fit **out)
{
	struct samples samples = { 0 };
	int err = collect[m](reference, domain, &samples);

	if (!err)
		err = clock_fit_new(samples.s, samples.n, out);
	free(samples.s);
	return err == -ENODATA ? 0 : err;
}

/* The first method that has something to say and was not disproved; else the first of all */
static enum clock_method method_best(const struct domain_clock *c)
{
	struct clock_fit_stats st;
	enum clock_method m, first = CLOCK_NONE;

	for (m = 0; m < CLOCK_NR_METHODS; m++) {
		if (!c->fit[m])
			continue;
		if (first == CLOCK_NONE)
			first = m;
		clock_fit_stats(c->fit[m], &st);
		if (!st.contradicted)
			return m;
	}
	return first;
}

int domain_clock_new(const struct trace *reference, const struct trace *domain,
		     enum clock_method forced, struct domain_clock *out)
{
	enum clock_method m;
	int err = 0;

	memset(out, 0, sizeof(*out));
	for (m = 0; !err && m < CLOCK_NR_METHODS; m++)
		err = method_fit(reference, domain, m, &out->fit[m]);
	if (err) {
		domain_clock_free(out);
		return err;
	}
	out->forced = forced != CLOCK_NONE;
	out->method = out->forced ? forced : method_best(out);
	if (out->forced && !out->fit[forced]) {
		domain_clock_free(out);
		return -ENODATA;
	}
	return 0;
}

void domain_clock_free(struct domain_clock *c)
{
	enum clock_method m;

	for (m = 0; m < CLOCK_NR_METHODS; m++) {
		clock_fit_free(c->fit[m]);
		c->fit[m] = NULL;
	}
	c->method = CLOCK_NONE;
}

void domain_clock_before(struct domain_clock *c, __u64 domain_ts, __u64 ref_ts)
{
	enum clock_method m;

	for (m = 0; m < CLOCK_NR_METHODS; m++)
		if (c->fit[m])
			clock_fit_hi(c->fit[m], domain_ts, ref_ts - domain_ts);
}

void domain_clock_after(struct domain_clock *c, __u64 domain_ts, __u64 ref_ts)
{
	enum clock_method m;

	for (m = 0; m < CLOCK_NR_METHODS; m++)
		if (c->fit[m])
			clock_fit_lo(c->fit[m], domain_ts, ref_ts - domain_ts);
}

void domain_clock_settle(struct domain_clock *c)
{
	enum clock_method m;

	for (m = 0; m < CLOCK_NR_METHODS; m++)
		if (c->fit[m])
			clock_fit_refine(c->fit[m]);
	if (!c->forced)
		c->method = method_best(c);
	c->proved = true;
}

__u64 domain_clock_map(const struct domain_clock *c, __u64 ts, __u64 *err)
{
	if (c->method == CLOCK_NONE) {
		if (err)
			*err = INT64_MAX / 4;
		return ts;
	}
	if (c->method == CLOCK_SAME) {
		if (err)
			*err = 0;
		return ts;
	}
	return clock_fit_map(c->fit[c->method], ts, err);
}
