// SPDX-License-Identifier: GPL-2.0
/* What the file says about itself: host, hops, devices, tasks, counters, cost, end */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "kvm_tsc.h"
#include "record_int.h"
#include "util.h"

/* Write and release; a NULL document is a lack of memory */
static int doc_put(struct recorder *r, enum trace_chunk kind, json_t *doc)
{
	int err = doc ? trace_write_doc(r->trace, kind, doc) : -ENOMEM;

	json_decref(doc);
	return err;
}

static json_t *strings_doc(const char *const *s, size_t n)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		json_array_append_new(a, json_text(s[i]));
	return a;
}

/* Which boot of which kernel this is: recordings of one have one clock */
static const char *boot_id(char id[64])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	*id = '\0';
	if (f) {
		if (!fgets(id, 64, f))
			*id = '\0';
		fclose(f);
	}
	id[strcspn(id, "\n")] = '\0';
	return id;
}

static json_t *options_doc(const struct recorder *r)
{
	const struct record_config *cfg = r->cfg;
	const char *filter = r->filter_text ? r->filter_text : cfg->filter_text;

	return json_pack("{s:o, s:I, s:I, s:I, s:I, s:o, s:I, s:b}", "devices",
			 strings_doc(cfg->devices, cfg->ndevices), "ring_bytes",
			 (json_int_t)cfg->ring_bytes, "duration_ns", (json_int_t)cfg->duration_ns,
			 "count", (json_int_t)cfg->count, "slower_than_ns",
			 (json_int_t)cfg->slower_than_ns, "filter", json_text(filter ? filter : ""),
			 "sample", (json_int_t)cfg->sample, "follow_nat", cfg->follow_nat);
}

static json_t *meta_doc(const struct recorder *r)
{
	const struct record_config *cfg = r->cfg;
	struct clock_snapshot now;
	struct utsname u;
	char id[64];

	uname(&u);
	clock_snapshot_take(&now, -1);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:o, s:I, s:I, s:o}", "boot_id",
			 boot_id(id), "version", PKTLAP_VERSION, "host", u.nodename, "release",
			 u.release, "machine", u.machine, "cpus", (int)hooks_ncpus(r->hooks),
			 "command", strings_doc((const char *const *)cfg->argv, cfg->argc),
			 "start_real_ns", (json_int_t)now.real_ns, "start_mono_ns",
			 (json_int_t)r->start_ns, "options", options_doc(r));
}

int record_doc_clock(struct recorder *r)
{
	struct clock_snapshot now;

	clock_snapshot_take(&now, r->pair_fd);
	return doc_put(r, TRACE_CLOCK, clock_snapshot_doc(&now));
}

int record_docs_begin(struct recorder *r)
{
	int err = doc_put(r, TRACE_META, meta_doc(r));

	if (!err)
		err = doc_put(r, TRACE_HOPS, hooks_doc(r->hooks));
	if (!err)
		err = doc_put(r, TRACE_DEVICES, devices_doc(&r->devices));
	if (!err)
		err = doc_put(r, TRACE_TASKS, tasks_doc(r->tasks));
	if (!err && hazards_known(r->hazards))
		err = doc_put(r, TRACE_HAZARDS, hazards_doc(r->hazards));
	if (!err)
		err = doc_put(r, TRACE_KVM_TSC, kvm_tsc_doc(""));
	if (!err)
		err = record_doc_clock(r);
	return err;
}

static json_t *counts_doc(const struct recorder *r)
{
	json_t *hooks = json_object();
	unsigned int cpu, ncpus = hooks_ncpus(r->hooks);
	__u64 packets, tasks;
	enum pl_hook hook;
	char key[16];

	for (hook = 1; hook < PL_NR_HOOKS; hook++) {
		struct pl_count all = hooks_count_all(r->hooks, hook);
		json_t *by_cpu;

		if (!all.made)
			continue;
		by_cpu = json_object();
		for (cpu = 0; all.lost && cpu < ncpus; cpu++) {
			struct pl_count one = hooks_count(r->hooks, cpu, hook);

			snprintf(key, sizeof(key), "%u", cpu);
			if (one.lost)
				json_object_set_new(by_cpu, key, json_integer(one.lost));
		}
		json_object_set_new(hooks, hook_desc(hook)->id,
				    json_pack("{s:I, s:I, s:o}", "made", (json_int_t)all.made,
					      "lost", (json_int_t)all.lost, "by_cpu", by_cpu));
	}
	hooks_unfollowed(r->hooks, &packets, &tasks);
	return json_pack("{s:o, s:I, s:I}", "hooks", hooks, "unfollowed", (json_int_t)packets,
			 "tasks_unfollowed", (json_int_t)tasks);
}

int record_doc_changes(struct recorder *r)
{
	json_t *changes = r->changes;

	r->changes = NULL;
	return changes ? doc_put(r, TRACE_CHANGES, changes) : 0;
}

int record_docs_end(struct recorder *r)
{
	int err = record_doc_changes(r);

	hooks_each_role(r->hooks, tasks_role, r->tasks);
	if (!err)
		err = doc_put(r, TRACE_TASKS, tasks_doc(r->tasks));
	if (!err)
		err = doc_put(r, TRACE_HOPS, hooks_doc(r->hooks));
	if (!err)
		err = doc_put(r, TRACE_COUNTS, counts_doc(r));
	if (!err)
		err = doc_put(r, TRACE_COST, cost_doc(r->cost));
	if (!err)
		err = doc_put(r, TRACE_DROPS, drops_doc(r->drops));
	if (!err && hazards_look_again(r->hazards))
		msg_error("whether hazards came up while recording could not be looked for");
	if (!err && hazards_known(r->hazards))
		err = doc_put(r, TRACE_HAZARDS, hazards_doc(r->hazards));
	if (!err)
		err = record_doc_clock(r);
	if (!err)
		err = doc_put(r, TRACE_END, json_pack("{s:s, s:I, s:I, s:I}", "reason", r->end, "end_mono_ns", (json_int_t)clock_mono_ns(), "events", (json_int_t)trace_events_written(r->trace), "packets", (json_int_t)r->packets));
	return err;
}
