// SPDX-License-Identifier: GPL-2.0
/* Of the report: what happened to devices while it was recorded */
#include <stdlib.h>

#include "changes.h"
#include "report_int.h"

static const char *text_of(const json_t *row, const char *name)
{
	const char *s = json_string_value(json_object_get(row, name));

	return s ? s : "";
}

static __u64 number_of(const json_t *row, const char *name)
{
	json_int_t v = json_integer_value(json_object_get(row, name));

	return v > 0 ? v : 0;
}

static const char *dev_name(struct report *r, const struct names *names, const json_t *row)
{
	__u32 netns = number_of(row, "netns");
	char *name = names_dev_print(text_of(row, "name"), netns == names_own_netns(names),
				     text_of(row, "netns_name"), netns);
	const char *copy = report_str(r, name);

	r->mem.failed |= !name;
	free(name);
	return copy;
}

static void change_make(struct report *r, const struct report_input *in,
			const struct wallclock *clock, const json_t *row, enum device_event what)
{
	struct report_change *c = &r->changes[r->nchanges++];
	__u64 at = number_of(row, "time_ns");

	*c = (struct report_change){
		.at_ns = at > r->start_mono_ns ? at - r->start_mono_ns : 0,
		.real_ns = wallclock_ns(clock, at),
		.what = device_event_name(what),
		.dev = what == DEVICES_MISSED ? "" : dev_name(r, in->names, row),
		.was = report_str(r, text_of(row, "was")),
		.to = report_str(r, text_of(row, what == DEVICE_JOINED ? "master" : "to")),
	};
}

void report_changes(struct report *r, const struct report_input *in, const struct wallclock *clock)
{
	const json_t *rows = in->trace->docs[TRACE_CHANGES], *row;
	enum device_event what;
	size_t i;

	r->changes = arena_alloc(&r->mem, json_array_size(rows), sizeof(*r->changes));
	json_array_foreach(rows, i, row) {
		what = device_event_by_name(text_of(row, "what"));
		/* that a bridge was renamed is a change of its own already */
		if (what == DEVICE_NR_EVENTS || what == DEVICE_MASTER || r->mem.failed)
			continue;
		change_make(r, in, clock, row, what);
	}
}
