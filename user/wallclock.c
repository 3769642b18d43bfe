// SPDX-License-Identifier: GPL-2.0
/* From monotonic to wall clock time, see wallclock.h */
#include "wallclock.h"

static __u64 int_of(const json_t *doc, const char *name)
{
	return json_integer_value(json_object_get(doc, name));
}

__u64 wallclock_ns(const struct trace *t, __u64 mono_ns)
{
	const json_t *meta = t->docs[TRACE_META];
	__u64 mono = int_of(meta, "start_mono_ns"), real = int_of(meta, "start_real_ns");
	const json_t *snapshot;
	bool first = true;
	size_t i;

	json_array_foreach(t->docs[TRACE_CLOCK], i, snapshot) {
		__u64 at = int_of(snapshot, "mono_ns");

		/* in the order in which they were taken */
		if (!first && at > mono_ns)
			break;
		mono = at;
		real = int_of(snapshot, "real_ns");
		first = false;
	}
	return real ? real + (mono_ns - mono) : 0;
}
