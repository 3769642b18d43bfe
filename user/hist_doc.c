// SPDX-License-Identifier: GPL-2.0
/* Histograms in documents, see hist.h */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "hist.h"

typedef unsigned __int128 u128;

#define U128_DIGITS 40

static json_t *u128_doc(u128 v)
{
	char buf[U128_DIGITS], *at = buf + sizeof(buf) - 1;

	*at = 0;
	do {
		*--at = '0' + (int)(v % 10);
		v /= 10;
	} while (v);
	return json_string(at);
}

static u128 u128_load(const json_t *doc)
{
	const char *s = json_string_value(doc);
	u128 v = 0;

	for (; s && *s >= '0' && *s <= '9'; s++)
		v = v * 10 + (*s - '0');
	return v;
}

json_t *hist_doc(const struct hist *h, size_t *rows)
{
	json_t *steps = json_array();
	bool failed = !steps;

	for (int o = 0; o < HIST_OCTAVES; o++)
		for (int i = 0; h->octave[o] && i < HIST_STEPS; i++)
			if (h->octave[o][i])
				failed |= json_array_append_new(steps,
								json_pack("[i, i, I]", o, i,
									  (json_int_t)h->octave[o][i])) != 0;
	*rows += json_array_size(steps);
	if (failed) {
		json_decref(steps);
		return NULL;
	}
	return json_pack("{s:I, s:I, s:I, s:o, s:o, s:o}", "n", (json_int_t)h->n, "min",
			 (json_int_t)h->min, "max", (json_int_t)h->max, "sum", u128_doc(h->sum),
			 "sumsq", u128_doc(h->sumsq), "steps", steps);
}

/* -EINVAL: not of a histogram */
static int steps_load(struct hist *h, const json_t *steps)
{
	const json_t *row;
	size_t i;

	json_array_foreach(steps, i, row) {
		json_int_t octave = json_integer_value(json_array_get(row, 0));
		json_int_t step = json_integer_value(json_array_get(row, 1));
		json_int_t count = json_integer_value(json_array_get(row, 2));

		if (octave < 0 || octave >= HIST_OCTAVES || step < 0 || step >= HIST_STEPS ||
		    count <= 0)
			return -EINVAL;
		if (!h->octave[octave])
			h->octave[octave] = calloc(HIST_STEPS, sizeof(__u64));
		if (!h->octave[octave])
			return -ENOMEM;
		h->octave[octave][step] += count;
		h->n += count;
	}
	return 0;
}

/* Of numbers with this sum, min and max the squares' sum is in this range; sum is valid */
static bool sumsq_valid(const struct hist *h)
{
	u128 quot = h->n ? h->sum / h->n : 0, rest = h->n ? h->sum % h->n : 0, most;

	if (!h->n)
		return !h->sumsq;
	/* sum^2 / n, in parts that have room: see hist_stddev() */
	if (h->sumsq < quot * quot * h->n + 2 * quot * rest + rest * rest / h->n)
		return false;
	return __builtin_mul_overflow(h->sum, (u128)h->max, &most) || h->sumsq <= most;
}

/* What the numbers are used for must come out in their range */
static bool hist_valid(const struct hist *h, const json_t *doc)
{
	json_int_t min = json_integer_value(json_object_get(doc, "min"));
	json_int_t max = json_integer_value(json_object_get(doc, "max"));

	return min >= 0 && max >= min &&
	       (json_int_t)h->n == json_integer_value(json_object_get(doc, "n")) &&
	       h->sum >= (u128)h->n * h->min && h->sum <= (u128)h->n * h->max && sumsq_valid(h);
}

int hist_load(struct hist *h, const json_t *doc)
{
	int err = steps_load(h, json_object_get(doc, "steps"));

	h->min = json_integer_value(json_object_get(doc, "min"));
	h->max = json_integer_value(json_object_get(doc, "max"));
	h->sum = u128_load(json_object_get(doc, "sum"));
	h->sumsq = u128_load(json_object_get(doc, "sumsq"));
	if (!err && !hist_valid(h, doc))
		err = -EINVAL;
	if (err)
		hist_free(h);
	return err == -ENOMEM ? err : 0;
}
