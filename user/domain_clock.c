// SPDX-License-Identifier: GPL-2.0
/* From the documents of two recordings to the relation of their clocks, see domain_clock.h */
#include "domain_clock.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define ROUNDING_NS 50 /* of clocks that the kernel counts in ns from cycles, by both */
#define NEIGHBOURS  4 /* snapshots on each side that may be narrower than the nearest one */

static const char *const names[] = {
	[CLOCK_SAME] = "same-kernel",
	[CLOCK_PTP_KVM] = "ptp_kvm",
	[CLOCK_TSC] = "tsc",
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
	__s64 mono, real, width, real_error, tsc;
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
		if (!time_of(doc, "tsc", &s->tsc))
			s->tsc = 0;
		out->n++;
	}
	qsort(out->at, out->n, sizeof(*out->at), snap_cmp);
	return 0;
}

static __s64 snap_offset(const struct snap *s)
{
	return s->real - s->mono;
}

/* The snapshot whose real time is nearest, of at least one */
static size_t snap_nearest(const struct snaps *s, __s64 real)
{
	size_t at = sorted_last(s->at, s->n, sizeof(*s->at), offsetof(struct snap, real), real);

	if (at + 1 < s->n && llabs(s->at[at + 1].real - real) < llabs(s->at[at].real - real))
		at++;
	return at;
}

/* The narrowest of it and its neighbours that does not say that the clock was stepped between */
static const struct snap *snap_best(const struct snaps *s, __s64 real)
{
	size_t at, i, to;
	const struct snap *best;

	if (!s->at || !s->n)
		return NULL;
	at = snap_nearest(s, real);
	best = &s->at[at];
	to = at + NEIGHBOURS < s->n ? at + NEIGHBOURS : s->n - 1;
	for (i = at > NEIGHBOURS ? at - NEIGHBOURS : 0; i <= to; i++)
		if (s->at[i].width < best->width &&
		    llabs(snap_offset(&s->at[i]) - snap_offset(&s->at[at])) <=
			    s->at[i].width + s->at[at].width)
			best = &s->at[i];
	return best;
}

/* What two recordings say; ref and own are their clock snapshots */
struct evidence {
	const struct trace *reference, *domain;
	struct snaps ref, own;
};

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
static int samples_ptp(const struct evidence *e, struct samples *out)
{
	const json_t *docs = e->domain->docs[TRACE_CLOCK], *doc, *pair;
	const struct snap *r, *d;
	__s64 host, real;
	size_t i;
	int err = samples_room(out, json_array_size(docs));

	if (err)
		return err;
	json_array_foreach(docs, i, doc) {
		pair = json_object_get(doc, "ptp_kvm");
		if (!time_of(pair, "host_real_ns", &host) || !time_of(pair, "real_ns", &real))
			continue;
		r = snap_best(&e->ref, host);
		d = snap_best(&e->own, real);
		if (r && d)
			sample_add(out, real - snap_offset(d), host - snap_offset(r),
				   (r->width + d->width) / 2 + 1);
	}
	return 0;
}

static int samples_exchange(const struct evidence *e, struct samples *out)
{
	const json_t *docs = e->domain->docs[TRACE_SYNC], *doc;
	__s64 guest, host, width;
	size_t i;
	int err = samples_room(out, json_array_size(docs));

	if (err)
		return err;
	json_array_foreach(docs, i, doc)
		if (time_of(doc, "guest_ns", &guest) && time_of(doc, "host_ns", &host) &&
		    time_of(doc, "width_ns", &width))
			sample_add(out, guest, host, width / 2 + 1);
	return 0;
}

/* CLOCK_MONOTONIC counts what the counter does, at a rate that only NTP changes, by little */
static bool tsc_to_mono(const struct snaps *s, __s64 tsc, __s64 *mono, __s64 *width)
{
	const struct snap *a, *b;
	size_t at = sorted_last(s->at, s->n, sizeof(*s->at), offsetof(struct snap, tsc), tsc);

	if (at + 1 >= s->n)
		return false;
	a = &s->at[at];
	b = a + 1;
	if (!a->tsc || tsc < a->tsc || tsc > b->tsc || b->tsc <= a->tsc)
		return false;
	*mono = a->mono + (__s64)((double)(b->mono - a->mono) * (double)(tsc - a->tsc) /
				  (double)(b->tsc - a->tsc));
	*width = a->width > b->width ? a->width : b->width;
	return true;
}

/* guest = host * ratio / 2^bits + offset, see kvm_tsc.h */
static __s64 host_tsc(const json_t *vm, __s64 guest)
{
	json_int_t ratio = json_integer_value(json_object_get(vm, "ratio"));
	json_int_t bits = json_integer_value(json_object_get(vm, "ratio_bits"));
	__s64 tsc = (__s64)((__u64)guest - (__u64)json_integer_value(json_object_get(vm, "offset")));

	if (ratio <= 0 || bits <= 0 || bits > 62)
		return tsc;
	return (__s64)((__int128)tsc * ((__int128)1 << bits) / ratio);
}

static int samples_of_vm(const struct snaps *ref, const struct snaps *own, const json_t *vm,
			 struct samples *out)
{
	__s64 mono, width;
	int err = samples_room(out, own->n);

	for (size_t i = 0; !err && i < own->n; i++)
		if (own->at[i].tsc && tsc_to_mono(ref, host_tsc(vm, own->at[i].tsc), &mono, &width))
			sample_add(out, own->at[i].mono, mono, (width + own->at[i].width) / 2 + 1);
	return err;
}

/* Does what one method says lie within the errors of another? */
static bool samples_agree(const struct samples *a, const struct clock_fit *b)
{
	size_t agree = 0;
	__u64 err;

	for (size_t i = 0; i < a->n; i++) {
		__s64 offset = (__s64)(clock_fit_map(b, a->s[i].at, &err) - a->s[i].at);

		agree += offset + (__s64)err >= a->s[i].lo && offset - (__s64)err <= a->s[i].hi;
	}
	return agree * 2 > a->n;
}

/*
 * Which VM of the host the guest is, the exchange tells: its counter must agree with it. Where
 * that cannot tell, or two agree, it is not certain, and the method is not used.
 */
static int samples_tsc(const struct evidence *e, struct samples *out)
{
	const json_t *vms = e->reference->docs[TRACE_KVM_TSC], *vm;
	struct samples exchange = { 0 }, one;
	struct clock_fit *fit = NULL;
	size_t i, found = 0;
	int err = samples_room(out, 0);

	if (!err)
		err = samples_exchange(e, &exchange);
	if (!err)
		err = clock_fit_new(exchange.s, exchange.n, &fit);
	json_array_foreach(vms, i, vm) {
		if (err)
			break;
		err = samples_of_vm(&e->ref, &e->own, vm, &one);
		if (err || !one.n || !samples_agree(&one, fit) || found++) {
			free(one.s);
			continue;
		}
		free(out->s);
		*out = one;
	}
	if (found > 1)
		out->n = 0;
	clock_fit_free(fit);
	free(exchange.s);
	return err == -ENODATA ? 0 : err;
}

/* Each kernel says how far it may be from true time: so they are at most both apart */
static int samples_realtime(const struct evidence *e, struct samples *out)
{
	const struct snap *r, *d;
	size_t i;
	int err = samples_room(out, e->own.n);

	for (i = 0; !err && i < e->own.n; i++) {
		d = &e->own.at[i];
		r = snap_best(&e->ref, d->real);
		if (r && r->real_error && d->real_error)
			sample_add(out, d->mono, d->real - snap_offset(r),
				   (r->width + d->width) / 2 + 1 + r->real_error + d->real_error);
	}
	return err;
}

/* Same boot of the same kernel: one clock */
static int samples_same(const struct evidence *e, struct samples *out)
{
	const json_t *ref = e->reference->docs[TRACE_META], *own = e->domain->docs[TRACE_META];
	const char *a = json_string_value(json_object_get(ref, "boot_id"));
	const char *b = json_string_value(json_object_get(own, "boot_id"));
	int err = samples_room(out, 1);

	if (!err && a && b && *a && !strcmp(a, b))
		out->s[out->n++] = (struct clock_sample){
			.at = json_integer_value(json_object_get(own, "start_mono_ns")),
		};
	return err;
}

static int (*const collect[CLOCK_NR_METHODS])(const struct evidence *e, struct samples *out) = {
	[CLOCK_SAME] = samples_same,
	[CLOCK_PTP_KVM] = samples_ptp,
	[CLOCK_TSC] = samples_tsc,
	[CLOCK_EXCHANGE] = samples_exchange,
	[CLOCK_REALTIME_SYNC] = samples_realtime,
};

static int method_fit(const struct evidence *e, enum clock_method m, struct clock_fit **out)
{
	struct samples samples = { 0 };
	int err = collect[m](e, &samples);

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
	struct evidence e = { .reference = reference, .domain = domain };
	enum clock_method m;
	int err;

	memset(out, 0, sizeof(*out));
	err = snaps_read(reference, &e.ref);
	if (!err)
		err = snaps_read(domain, &e.own);
	for (m = 0; !err && m < CLOCK_NR_METHODS; m++)
		err = method_fit(&e, m, &out->fit[m]);
	free(e.ref.at);
	free(e.own.at);
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
}

__u64 domain_clock_map(const struct domain_clock *c, __u64 ts, __u64 *err)
{
	if (c->method == CLOCK_SAME) {
		if (err)
			*err = 0;
		return ts;
	}
	return clock_fit_map(c->fit[c->method], ts, err);
}
