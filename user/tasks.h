/* SPDX-License-Identifier: GPL-2.0 */
/* Names and roles of the tasks that a recording has met */
#ifndef PKTLAP_TASKS_H
#define PKTLAP_TASKS_H

#include <jansson.h>
#include <linux/types.h>

#include "catalogue.h"

struct tasks;

int tasks_new(struct tasks **out);
void tasks_free(struct tasks *t);

/*
 * Find the vhost workers, vCPU threads and tap-serving VMMs that run now, and call fn for each.
 * Workers and vCPUs that are missed (a VMM that does not name its threads) or start later are
 * learned by the BPF programs as they run. Returns what fn returned, 0, or -errno.
 */
int tasks_scan(struct tasks *t, int (*fn)(void *ctx, __u32 tid, enum pl_role_kind kind), void *ctx);

/* Note that an event named this task; its name is read at the first time. Cheap afterwards */
int tasks_seen(struct tasks *t, __u32 tid);

/* Note what a task is; has the type of hooks_each_role()'s fn, ctx is the tasks */
int tasks_role(void *ctx, __u32 tid, enum pl_role_kind kind);

/* The document TRACE_TASKS (trace.h); caller owns the reference */
json_t *tasks_doc(const struct tasks *t);

#endif
