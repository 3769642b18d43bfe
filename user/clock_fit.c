// SPDX-License-Identifier: GPL-2.0
/*
 * The time of the samples is cut into pieces of equal length. A drift is estimated for all of it and
 * taken out, and how far it may be wrong is kept. In each piece the
 * intervals of its samples are intersected (Marzullo: the part that most of them share). Between
 * the middles of two pieces the offset is interpolated.
 */
#include "clock_fit.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define PIECES_MAX   4096
#define PIECES_MIN   64 /* unless they were shorter than PIECE_MIN_NS */
#define PIECE_NS     1000000000ULL
#define PIECE_MIN_NS 10000000ULL
#define NEIGHBOURS   8 /* before and after a sample, that it must agree with */
#define SLOPES_FROM  192 /* samples of which each pair gives a slope */
/* of a crystal against itself some seconds later; also what is assumed beyond the samples */
#define WANDER_PPB   100

struct piece {
	__u64 mid; /* time that it holds for: of its narrowest sample */
	/* all without drift: offset - drift(at) */
	__s64 lo, hi; /* of the samples, then with the packets */
	__s64 packet_lo, packet_hi; /* INT64_MIN, INT64_MAX: none */
	bool on; /* has samples */
};

struct clock_fit {
	struct piece *piece;
	size_t npieces;
	__u64 first, len; /* of the pieces */
	__u64 middle; /* of the samples' time */
	__s64 base; /* the offset that all else is relative to */
	double drift; /* ns a ns */
	double wander; /* by how much the drift may differ from that, at any time */
	struct clock_fit_stats st;
};

static __s64 drift_at(const struct clock_fit *f, __u64 at)
{
	return f->base + (__s64)(f->drift * ((double)at - (double)f->first));
}

static int sample_cmp(const void *a, const void *b)
{
	const struct clock_sample *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

static int double_cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* What the drift may have changed by in this time */
static __s64 wander_in(const struct clock_fit *f, __u64 a, __u64 b)
{
	return (__s64)(f->wander * (a > b ? (double)(a - b) : (double)(b - a)));
}

static __s64 sample_mid(const struct clock_sample *s)
{
	return s->lo + (s->hi - s->lo) / 2;
}

/* The narrowest of each of up to SLOPES_FROM equal parts of the samples, which are in order */
static size_t samples_pick(const struct clock_sample *s, size_t n,
			   const struct clock_sample *pick[SLOPES_FROM])
{
	size_t parts = n < SLOPES_FROM ? n : SLOPES_FROM, part, i;

	for (part = 0; part < parts; part++) {
		size_t from = part * n / parts, to = (part + 1) * n / parts;

		pick[part] = &s[from];
		for (i = from; i < to; i++)
			if (s[i].hi - s[i].lo < pick[part]->hi - pick[part]->lo)
				pick[part] = &s[i];
	}
	return parts;
}

/* Can both be true, whatever the drift between them is? */
static bool samples_agree(const struct clock_sample *a, const struct clock_sample *b)
{
	__u64 apart = a->at > b->at ? a->at - b->at : b->at - a->at;
	__s64 drift = apart / 1000000 * CLOCK_DRIFT_MAX_PPM + 1;

	return a->lo <= b->hi + drift && b->lo <= a->hi + drift;
}

/* Take out samples that most of their neighbours exclude. Returns how many are left */
static size_t samples_filter(struct clock_sample *s, size_t n)
{
	size_t i, j, kept = 0, asked, against;
	bool *bad = calloc(n + 1, sizeof(*bad));

	for (i = 0; bad && i < n; i++) {
		asked = against = 0;
		for (j = i > NEIGHBOURS ? i - NEIGHBOURS : 0; j < n && j <= i + NEIGHBOURS; j++) {
			asked += j != i;
			against += j != i && !samples_agree(&s[i], &s[j]);
		}
		bad[i] = against * 2 > asked;
	}
	for (i = 0; bad && i < n; i++)
		if (!bad[i])
			s[kept++] = s[i];
	free(bad);
	return kept ? kept : n;
}

/* Slopes that a line through both intervals can have */
static void slope_range(const struct clock_sample *a, const struct clock_sample *b, double *lo,
			double *hi)
{
	double apart = (double)(b->at - a->at);

	*lo = (double)(b->lo - a->hi) / apart;
	*hi = (double)(b->hi - a->lo) / apart;
}

/*
 * The drift changes: the median of slopes, and how far those between neighbours must be from it.
 * Slopes of pairs that are close say nothing but their noise: they count by what they exclude.
 */
static int drift_median(struct clock_fit *f, const struct clock_sample *const *pick, size_t n)
{
	size_t i, j, slopes = 0;
	double *slope, most = 0, lo, hi;
	__u64 apart;

	if (!n)
		return 0;
	slope = malloc((n * n / 2 + 1) * sizeof(*slope));
	if (!slope)
		return -ENOMEM;
	apart = (pick[n - 1]->at - pick[0]->at) / 3;
	for (i = 0; i < n; i++)
		for (j = i + 1; j < n; j++)
			if (pick[j]->at - pick[i]->at >= apart && pick[j]->at > pick[i]->at)
				slope[slopes++] = (double)(sample_mid(pick[j]) - sample_mid(pick[i])) /
						  (double)(pick[j]->at - pick[i]->at);
	if (slopes) {
		qsort(slope, slopes, sizeof(*slope), double_cmp);
		f->drift = slope[slopes / 2];
	}
	free(slope);
	for (i = 0; i < n; i++)
		for (j = i + 1; j < n && j <= i + NEIGHBOURS; j++) {
			if (pick[j]->at == pick[i]->at)
				continue;
			slope_range(pick[i], pick[j], &lo, &hi);
			most = lo - f->drift > most ? lo - f->drift : most;
			most = f->drift - hi > most ? f->drift - hi : most;
		}
	f->wander += most;
	return 0;
}

/*
 * Drifts that agree with all samples are a range; the one nearest to none is taken, as clocks of
 * one machine tick alike, and how far the others are off may be the error. Without such a range
 * the drift is the median of those between samples.
 */
static int drift_fit(struct clock_fit *f, const struct clock_sample *s, size_t n)
{
	const struct clock_sample *pick[SLOPES_FROM];
	size_t picked = samples_pick(s, n, pick), i, j;
	const double limit = CLOCK_DRIFT_MAX_PPM * 1e-6;
	double lo = -limit, hi = limit, l, h;

	f->wander = WANDER_PPB * 1e-9;
	for (i = 0; i < picked; i++)
		for (j = i + 1; j < picked; j++) {
			if (pick[j]->at == pick[i]->at)
				continue;
			slope_range(pick[i], pick[j], &l, &h);
			lo = l > lo ? l : lo;
			hi = h < hi ? h : hi;
		}
	if (lo > hi)
		return drift_median(f, pick, picked);
	f->drift = lo > 0 ? lo : hi < 0 ? hi
					: 0;
	if (picked > 1)
		f->wander += hi - f->drift > f->drift - lo ? hi - f->drift : f->drift - lo;
	return 0;
}

struct edge {
	__s64 at;
	int step; /* 1: an interval begins, -1: ends */
};

static int edge_cmp(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return y->step - x->step; /* intervals that touch share a point */
}

/* Of a piece: the narrowest place that most of its samples have in common */
static int piece_fit(struct clock_fit *f, struct piece *p, const struct clock_sample *s, size_t n)
{
	struct edge *e = malloc(2 * n * sizeof(*e));
	size_t i, narrowest = 0;
	int depth = 0, best = 0;

	if (!e)
		return -ENOMEM;
	for (i = 1; i < n; i++)
		narrowest = s[i].hi - s[i].lo < s[narrowest].hi - s[narrowest].lo ? i : narrowest;
	p->mid = s[narrowest].at;
	for (i = 0; i < n; i++) {
		__s64 drift = drift_at(f, s[i].at), wander = wander_in(f, s[i].at, p->mid);

		e[2 * i] = (struct edge){ s[i].lo - drift - wander, 1 };
		e[2 * i + 1] = (struct edge){ s[i].hi - drift + wander, -1 };
	}
	qsort(e, 2 * n, sizeof(*e), edge_cmp);
	for (i = 0; i + 1 < 2 * n; i++) {
		depth += e[i].step;
		if (depth <= best)
			continue;
		best = depth;
		p->lo = e[i].at;
		p->hi = e[i + 1].at;
	}
	p->on = true;
	f->st.outliers += n - best;
	free(e);
	return 0;
}

static size_t piece_of(const struct clock_fit *f, __u64 at)
{
	size_t i = at > f->first ? (at - f->first) / f->len : 0;

	return i < f->npieces ? i : f->npieces - 1;
}

static int pieces_fit(struct clock_fit *f, const struct clock_sample *s, size_t n)
{
	size_t i, from = 0;
	int err;

	for (i = 0; i < f->npieces; i++)
		f->piece[i] = (struct piece){
			.mid = f->first + i * f->len + f->len / 2,
			.packet_lo = INT64_MIN,
			.packet_hi = INT64_MAX,
		};
	for (i = 1; i <= n; i++) {
		if (i < n && piece_of(f, s[i].at) == piece_of(f, s[from].at))
			continue;
		err = piece_fit(f, &f->piece[piece_of(f, s[from].at)], s + from, i - from);
		if (err)
			return err;
		from = i;
	}
	return 0;
}

/* Short ones in a short recording, whose drift is hardly known */
static __u64 piece_length(__u64 span)
{
	__u64 len = span / PIECES_MIN + 1;

	if (len > PIECE_NS)
		len = span / PIECES_MAX + 1 > PIECE_NS ? span / PIECES_MAX + 1 : PIECE_NS;
	return len > PIECE_MIN_NS ? len : PIECE_MIN_NS;
}

static int fit(struct clock_fit *f, struct clock_sample *s, size_t n)
{
	size_t given = n;
	__u64 span;
	int err;

	qsort(s, n, sizeof(*s), sample_cmp);
	n = samples_filter(s, n);
	span = s[n - 1].at - s[0].at;
	f->first = s[0].at;
	f->middle = s[0].at + span / 2;
	f->base = sample_mid(&s[n / 2]);
	f->len = piece_length(span);
	f->npieces = span / f->len + 1;
	f->piece = calloc(f->npieces, sizeof(*f->piece));
	if (!f->piece)
		return -ENOMEM;
	err = drift_fit(f, s, n);
	if (!err)
		err = pieces_fit(f, s, n);
	f->st.samples = given;
	f->st.outliers += given - n;
	return err;
}

int clock_fit_new(const struct clock_sample *s, size_t n, struct clock_fit **out)
{
	struct clock_fit *f;
	struct clock_sample *copy;
	size_t i, m = 0;
	int err = -ENOMEM;

	f = calloc(1, sizeof(*f));
	copy = malloc((n + 1) * sizeof(*copy));
	if (!f || !copy)
		goto out;
	for (i = 0; i < n; i++)
		if (s[i].lo <= s[i].hi)
			copy[m++] = s[i];
	err = m ? fit(f, copy, m) : -ENODATA;
out:
	free(copy);
	if (err) {
		clock_fit_free(f);
		return err;
	}
	clock_fit_refine(f);
	*out = f;
	return 0;
}

void clock_fit_free(struct clock_fit *f)
{
	if (!f)
		return;
	free(f->piece);
	free(f);
}

void clock_fit_lo(struct clock_fit *f, __u64 at, __s64 lo)
{
	struct piece *p = &f->piece[piece_of(f, at)];

	f->st.bounds_lo++;
	lo -= drift_at(f, at) + wander_in(f, at, p->mid);
	if (lo > p->packet_lo)
		p->packet_lo = lo;
}

void clock_fit_hi(struct clock_fit *f, __u64 at, __s64 hi)
{
	struct piece *p = &f->piece[piece_of(f, at)];

	f->st.bounds_hi++;
	hi -= drift_at(f, at) - wander_in(f, at, p->mid);
	if (hi < p->packet_hi)
		p->packet_hi = hi;
}

static __u64 half(const struct piece *p)
{
	return (__u64)(p->hi - p->lo) / 2;
}

static __s64 middle(const struct piece *p)
{
	return p->lo + (p->hi - p->lo) / 2;
}

/* Between pieces with samples: what those say of it, to begin with */
static void piece_between(struct clock_fit *f, struct piece *p)
{
	__u64 err, ref = clock_fit_map(f, p->mid, &err);
	__s64 middle = (__s64)(ref - p->mid) - drift_at(f, p->mid);

	p->lo = middle - (__s64)err;
	p->hi = middle + (__s64)err;
}

static void piece_refine(struct clock_fit *f, struct piece *p)
{
	__s64 lo = p->packet_lo > p->lo ? p->packet_lo : p->lo;
	__s64 hi = p->packet_hi < p->hi ? p->packet_hi : p->hi;
	__u64 by;

	if (lo > hi) {
		by = lo - hi;
		f->st.contradicted++;
		if (by > f->st.contradiction_ns)
			f->st.contradiction_ns = by;
		return;
	}
	f->st.refined += lo > p->lo || hi < p->hi;
	p->on |= lo > p->lo || hi < p->hi;
	p->lo = lo;
	p->hi = hi;
}

/* What is known of one piece bounds the next one: the drift takes the time between them */
static void bounds_pass(struct clock_fit *f, const struct piece *from, struct piece *to)
{
	__s64 wander = wander_in(f, from->mid, to->mid);
	__s64 lo = from->lo - wander > to->lo ? from->lo - wander : to->lo;
	__s64 hi = from->hi + wander < to->hi ? from->hi + wander : to->hi;

	/* they exclude each other: the drift did more than all else allows, each is for itself */
	if (lo > hi)
		return;
	to->lo = lo;
	to->hi = hi;
}

static void bounds_spread(struct clock_fit *f)
{
	struct piece *last = NULL;
	size_t i;

	for (i = 0; i < f->npieces; i++) {
		if (!f->piece[i].on)
			continue;
		if (last)
			bounds_pass(f, last, &f->piece[i]);
		last = &f->piece[i];
	}
	for (i = f->npieces; i-- > 0;) {
		if (!f->piece[i].on)
			continue;
		if (last != &f->piece[i])
			bounds_pass(f, last, &f->piece[i]);
		last = &f->piece[i];
	}
}

void clock_fit_refine(struct clock_fit *f)
{
	size_t i;
	__u64 err;

	bounds_spread(f);
	f->st.refined = f->st.contradicted = f->st.pieces = 0;
	f->st.contradiction_ns = f->st.error_ns = 0;
	for (i = 0; i < f->npieces; i++)
		if (!f->piece[i].on)
			piece_between(f, &f->piece[i]);
	for (i = 0; i < f->npieces; i++) {
		piece_refine(f, &f->piece[i]);
		f->st.pieces += f->piece[i].on;
	}
	bounds_spread(f);
	for (i = 0; i < f->npieces; i++) {
		if (!f->piece[i].on)
			continue;
		clock_fit_map(f, f->piece[i].mid + f->len / 2, &err); /* as far off as a time can be */
		if (err > f->st.error_ns)
			f->st.error_ns = err;
	}
	f->st.drift_ppb = f->drift * 1e9;
	f->st.offset_ns = clock_fit_map(f, f->middle, NULL) - f->middle;
}

void clock_fit_stats(const struct clock_fit *f, struct clock_fit_stats *st)
{
	*st = f->st;
}

/* The pieces with evidence around a time; the same one twice before the first, after the last */
static void pieces_around(const struct clock_fit *f, __u64 at, const struct piece **before,
			  const struct piece **after)
{
	size_t i = piece_of(f, at), j;

	*before = *after = NULL;
	for (j = i + 1; j-- > 0 && !*before;)
		if (f->piece[j].on && f->piece[j].mid <= at)
			*before = &f->piece[j];
	for (j = i; j < f->npieces && !*after; j++)
		if (f->piece[j].on && f->piece[j].mid >= at)
			*after = &f->piece[j];
	if (!*before)
		*before = *after;
	if (!*after)
		*after = *before;
}

static __u64 distance(__u64 a, __u64 b)
{
	return a > b ? a - b : b - a;
}

/*
 * The error is that of the two pieces, in proportion, and what the drift may have changed by
 * since the nearer one: as much as between the two, at least as much as any crystal.
 */
__u64 clock_fit_map(const struct clock_fit *f, __u64 at, __u64 *err)
{
	const struct piece *a, *b;
	double part = 0, wander = f->wander, mid, width, change;
	__u64 near, da, db;

	pieces_around(f, at, &a, &b);
	if (!a || !b) { /* never: a fit has at least one sample */
		if (err)
			*err = INT64_MAX;
		return at;
	}
	da = distance(at, a->mid);
	db = distance(at, b->mid);
	near = da < db ? da : db;
	if (a != b)
		part = (double)da / (double)(b->mid - a->mid);
	mid = (double)middle(a) + part * (double)(middle(b) - middle(a));
	width = (double)half(a) + part * ((double)half(b) - (double)half(a));
	if (a != b) {
		/* what the two middles differ by beyond their widths is a change of the drift */
		change = (double)llabs(middle(b) - middle(a)) - (double)half(a) - (double)half(b);
		if (change > 0)
			wander += change / (double)(b->mid - a->mid);
	}
	if (err)
		*err = (__u64)(width + wander * (double)near) + 1;
	return at + drift_at(f, at) + (__s64)mid;
}
