// SPDX-License-Identifier: GPL-2.0
/* From monotonic to wall clock time, see wallclock.h */
#include "wallclock.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "util.h"

struct wallclock {
	size_t n;
	struct snapshot {
		__u64 mono, real;
	} at[]; /* by mono */
};

static __u64 int_of(const json_t *doc, const char *name)
{
	return json_integer_value(json_object_get(doc, name));
}

static int snapshot_cmp(const void *a, const void *b)
{
	const struct snapshot *x = a, *y = b;

	return (x->mono > y->mono) - (x->mono < y->mono);
}

int wallclock_new(const struct trace *t, struct wallclock **out)
{
	const json_t *clocks = t->docs[TRACE_CLOCK], *meta = t->docs[TRACE_META], *doc;
	size_t n = json_array_size(clocks), i;
	struct wallclock *w = calloc(1, sizeof(*w) + (n + 1) * sizeof(*w->at));

	if (!w)
		return -ENOMEM;
	json_array_foreach(clocks, i, doc)
		w->at[w->n++] = (struct snapshot){ int_of(doc, "mono_ns"), int_of(doc, "real_ns") };
	/* a recorder that was killed at once has at least this one */
	if (!w->n && int_of(meta, "start_real_ns"))
		w->at[w->n++] = (struct snapshot){
			int_of(meta, "start_mono_ns"),
			int_of(meta, "start_real_ns"),
		};
	qsort(w->at, w->n, sizeof(*w->at), snapshot_cmp);
	*out = w;
	return 0;
}

void wallclock_free(struct wallclock *w)
{
	free(w);
}

__u64 wallclock_ns(const struct wallclock *w, __u64 mono_ns)
{
	size_t low;

	if (!w->n)
		return 0;
	low = sorted_last(w->at, w->n, sizeof(*w->at), offsetof(struct snapshot, mono), mono_ns);
	return w->at[low].real + (mono_ns - w->at[low].mono);
}
