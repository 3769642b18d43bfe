/* SPDX-License-Identifier: GPL-2.0 */
/* Devices and tasks of a recording, by the numbers that events carry */
#ifndef PKTLAP_NAMES_H
#define PKTLAP_NAMES_H

#include <jansson.h>
#include <linux/types.h>
#include <stdbool.h>

#include "catalogue.h"

struct names;

/*
 * devices, tasks, changes: the documents TRACE_DEVICES, TRACE_TASKS and TRACE_CHANGES (trace.h);
 * each may be NULL.
 */
int names_new(const json_t *devices, const json_t *tasks, const json_t *changes,
	      struct names **out);
void names_free(struct names *n);

/* A device from some time on: what it is called, and the bridge (bond, ...) it belongs to */
struct names_dev {
	__u32 netns, ifindex;
	const char *name; /* "eth1", "eth0@peer" */
	const char *master; /* "" for none */
	enum pl_dev_kind kind;
	__u64 after_ns; /* what was known before holds up to here, ... */
	__u64 from_ns; /* ... this from here on; ns, monotonic. Between: it may have either name */
};

/*
 * Add what is known of a device, in the order of time. The first of a (netns, ifindex) holds for
 * all times before, too, the last one for all after. One that comes out of order is left out.
 * 0 or -ENOMEM.
 */
int names_dev_add(struct names *n, const struct names_dev *d);

/* What is called "eth1" or "eth0@peer" or "eth0@4026532305", to be freed; NULL: no memory */
char *names_dev_print(const char *name, bool own_netns, const char *netns_name, __u32 netns);

/* More rows of TRACE_CHANGES, later than those known so far. 0 or -ENOMEM */
int names_changes_add(struct names *n, const json_t *changes);

/* A task's name and role, in place of what was known. 0 or -ENOMEM */
int names_task_set(struct names *n, __u32 tid, const char *comm, enum pl_role_kind role);

/* Inode number of the recorder's own network namespace; 0: not known */
__u32 names_own_netns(const struct names *n);

/* Times between which a name of a (netns, ifindex) holds: from <= t < to */
struct names_span {
	__u64 from, to;
};

/*
 * Small number that stands for a device under one name for the life of n; 0 is "no device"
 * (ifindex 0). A device that the recording does not list is added as "if<N>@<netns>"; one that
 * was just being renamed, or whose index was just taken by another, as "<one>|<other>". Nearly
 * constant time: it is called for each event. span may be NULL. Negative: -ENOMEM.
 */
int names_dev(struct names *n, __u32 netns, __u32 ifindex, __u64 ts, struct names_span *span);
const char *names_dev_name(const struct names *n, int dev); /* "eth1", "eth0@peer"; "" for 0 */
const char *names_dev_master(const struct names *n, int dev); /* "br0"; "" for none */
enum pl_dev_kind names_dev_kind(const struct names *n, int dev);
/* The numbers that events carry for it; 0, 0 for number 0 and for all devices beyond 65534 */
void names_dev_id(const struct names *n, int dev, __u32 *netns, __u32 *ifindex);

/* Constant time. comm is NULL, the role PL_ROLE_NONE for a task that the recording does not list */
const char *names_comm(const struct names *n, __u32 tid);
enum pl_role_kind names_role(const struct names *n, __u32 tid);

#endif
