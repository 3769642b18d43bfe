// SPDX-License-Identifier: GPL-2.0
#include "tail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "slowest.h"
#include "util.h"

/* Packets that are kept for a decision at the end, over all paths: some 20 MB at most */
#define KEPT_MAX	8192
#define PPM_MAX		250000
#define MIDDLE_FROM	450 /* permille */
#define MIDDLE_TO	550
#define FRACTION_DIGITS 4 /* of a percentage */

struct tail_work {
	struct hist_step step; /* that the limit lies in */
	struct slowest *kept; /* of these the slowest; NULL: all of them are taken */
	__u64 middle_low, middle_high;
	__u64 *medians; /* by stage */
};

struct tail {
	const struct breakdown_builder *builder;
	const struct breakdown *result;
	struct tail_path *paths;
	struct tail_work *work;
};

int tail_spec_parse(const char *s, struct tail_spec *out)
{
	size_t len = strlen(s), digits = strspn(s, "0123456789");
	unsigned int scale = 10000;
	__u64 ppm = 0;

	*out = (struct tail_spec){ 0 };
	if (!len || s[len - 1] != '%')
		return parse_u64(s, &out->count) || !out->count ? -EINVAL : 0;
	if (!digits || digits > 3)
		return -EINVAL;
	for (size_t i = 0; i < digits; i++)
		ppm = ppm * 10 + (s[i] - '0') * scale;
	if (s[digits] == '.') {
		size_t more = strspn(s + ++digits, "0123456789");

		if (!more || more > FRACTION_DIGITS)
			return -EINVAL;
		for (; more; more--)
			ppm += (s[digits++] - '0') * (scale /= 10);
	}
	if (digits != len - 1 || !ppm)
		return -EINVAL;
	out->ppm = ppm;
	return ppm > PPM_MAX ? -ERANGE : 0;
}

/* How many of a path's n packets are the slowest; at most a quarter, or they would be the middle */
static __u64 wanted_of(const struct tail_spec *spec, __u64 n)
{
	__u64 wanted = spec->count ? spec->count : (n * spec->ppm + 999999) / 1000000;

	if (n < 3)
		return 0;
	if (wanted > n / 4)
		wanted = n / 4 ? n / 4 : 1;
	return wanted;
}

static __u64 rank_of(__u64 n, unsigned int permille)
{
	return (n * permille + 999) / 1000;
}

static int path_begin(struct tail *t, size_t i, const struct tail_spec *spec, size_t kept_max)
{
	const struct path_stat *stat = &t->result->paths[i];
	struct tail_path *path = &t->paths[i];
	struct tail_work *w = &t->work[i];
	__u64 n = stat->packets, rest;

	hist_init(&path->slow);
	hist_init(&path->middle);
	path->stages = calloc(stat->nstages + 1, sizeof(*path->stages));
	w->medians = calloc(stat->nstages + 1, sizeof(*w->medians));
	if (!path->stages || !w->medians)
		return -ENOMEM;
	path->wanted = wanted_of(spec, n);
	if (!path->wanted)
		return 0;
	for (size_t j = 0; j < stat->nstages; j++)
		w->medians[j] = hist_quantile(&stat->stages[j].ns, 500);
	w->middle_low = hist_step(&stat->total, rank_of(n, MIDDLE_FROM)).low;
	w->middle_high = hist_step(&stat->total, rank_of(n, MIDDLE_TO)).high;
	w->step = hist_step(&stat->total, n - path->wanted + 1);
	rest = path->wanted - (n - w->step.below - w->step.n);
	path->coarse = rest > kept_max && rest < w->step.n;
	return path->coarse || rest == w->step.n ? 0 : slowest_new(rest, &w->kept);
}

int tail_new(const struct breakdown_builder *b, const struct breakdown *result,
	     const struct tail_spec *spec, struct tail **out)
{
	struct tail *t = calloc(1, sizeof(*t));
	size_t n = result->npaths;

	if (!t)
		return -ENOMEM;
	t->builder = b;
	t->result = result;
	t->paths = calloc(n + 1, sizeof(*t->paths));
	t->work = calloc(n + 1, sizeof(*t->work));
	if (!t->paths || !t->work)
		goto err;
	for (size_t i = 0; i < n; i++)
		if (path_begin(t, i, spec, KEPT_MAX / n + 1))
			goto err;
	*out = t;
	return 0;
err:
	tail_free(t);
	return -ENOMEM;
}

static int middle_add(struct tail *t, size_t i, const struct packet *p)
{
	__u32 stage[PACKET_MAX_SIGHTINGS];

	breakdown_stages(&t->result->paths[i], p, stage);
	for (size_t j = 0; j + 1 < p->n; j++)
		t->paths[i].stages[stage[j]].middle_sum += p->s[j + 1].ts - p->s[j].ts;
	return hist_add(&t->paths[i].middle, packet_total(p));
}

static int slow_add(struct tail *t, size_t i, const struct packet *p)
{
	struct tail_path *path = &t->paths[i];
	__u32 stage[PACKET_MAX_SIGHTINGS];
	__u64 most = 0, largest = 0;

	breakdown_stages(&t->result->paths[i], p, stage);
	for (size_t j = 0; j + 1 < p->n; j++) {
		__u64 ns = p->s[j + 1].ts - p->s[j].ts, median = t->work[i].medians[stage[j]];

		if (hist_add(&path->stages[stage[j]].slow, ns))
			return -ENOMEM;
		if (ns > median && ns - median > most) {
			most = ns - median;
			largest = stage[j];
		}
	}
	if (most)
		path->stages[largest].largest++;
	return hist_add(&path->slow, packet_total(p));
}

int tail_packet(void *ctx, const struct packet *p)
{
	struct tail *t = ctx;
	__u32 id = breakdown_path_id(t->builder, p);
	const struct tail_work *w;
	__u64 total = packet_total(p);

	if (!id || !t->paths[id - 1].wanted)
		return 0;
	w = &t->work[id - 1];
	if (total > w->step.high || (total >= w->step.low && !w->kept))
		return slow_add(t, id - 1, p);
	if (total >= w->step.low && slowest_add(w->kept, p))
		return -ENOMEM;
	if (total >= w->middle_low && total <= w->middle_high)
		return middle_add(t, id - 1, p);
	return 0;
}

struct kept {
	struct tail *tail;
	size_t path;
};

static int kept_take(void *ctx, const struct packet *p)
{
	const struct kept *k = ctx;

	return slow_add(k->tail, k->path, p);
}

int tail_finish(struct tail *t, const struct tail_path **out)
{
	int err = 0;

	for (size_t i = 0; i < t->result->npaths && !err; i++) {
		struct kept k = { t, i };

		if (t->work[i].kept)
			err = slowest_each(t->work[i].kept, kept_take, &k);
		t->paths[i].limit = t->paths[i].slow.min;
	}
	*out = t->paths;
	return err;
}

void tail_free(struct tail *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->result->npaths && t->paths && t->work; i++) {
		for (size_t j = 0; t->paths[i].stages && j < t->result->paths[i].nstages; j++)
			hist_free(&t->paths[i].stages[j].slow);
		hist_free(&t->paths[i].slow);
		hist_free(&t->paths[i].middle);
		free(t->paths[i].stages);
		free(t->work[i].medians);
		slowest_free(t->work[i].kept);
	}
	free(t->paths);
	free(t->work);
	free(t);
}
