// SPDX-License-Identifier: GPL-2.0
/* Of the report: what happened to devices while it was recorded */
#include <stdlib.h>

#include "changes.h"
#include "report_int.h"

static const char *dev_name(struct report *r, const struct names *names, const json_t *row)
{
	__u32 netns = json_count(row, "netns");
	char *name = names_dev_print(json_str(row, "name"), netns == names_own_netns(names),
				     json_str(row, "netns_name"), netns);
	const char *copy = report_str(r, name);

	r->mem.failed |= !name;
	free(name);
	return copy;
}

static void change_make(struct report *r, const struct report_input *in, size_t domain,
			const json_t *row, enum device_event what)
{
	const struct domain *d = &in->domains[domain];
	struct report_change *c = &r->changes[r->nchanges++];
	__u64 at = domain_map(in->domains, domain, json_count(row, "time_ns"), NULL);

	*c = (struct report_change){
		.domain = report_domain_name(r, in, domain),
		.at_ns = !d->root && at > r->start_mono_ns ? at - r->start_mono_ns : 0,
		.real_ns = domain_wall_ns(in->domains, domain, at),
		.what = device_event_name(what),
		.dev = what == DEVICES_MISSED ? "" : dev_name(r, d->names, row),
		.was = report_str(r, json_str(row, "was")),
		.to = report_str(r, json_str(row, what == DEVICE_JOINED ? "master" : "to")),
	};
}

static void changes_add(struct report *r, const struct report_input *in, size_t domain)
{
	const json_t *row;
	enum device_event what;
	size_t i;

	json_array_foreach(in->domains[domain].trace->docs[TRACE_CHANGES], i, row) {
		what = device_event_by_name(json_str(row, "what"));
		/* that a bridge was renamed is a change of its own already */
		if (what == DEVICE_NR_EVENTS || what == DEVICE_MASTER || r->mem.failed)
			continue;
		change_make(r, in, domain, row, what);
	}
}

void report_changes(struct report *r, const struct report_input *in)
{
	size_t i, rows = 0;

	for (i = 0; i < in->ndomains; i++)
		rows += json_array_size(in->domains[i].trace->docs[TRACE_CHANGES]);
	r->changes = arena_alloc(&r->mem, rows, sizeof(*r->changes));
	for (i = 0; r->changes && i < in->ndomains; i++)
		changes_add(r, in, i);
}
