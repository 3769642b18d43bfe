/* SPDX-License-Identifier: GPL-2.0 */
/* What the stitcher's tests and its benchmark share: a host's devices and tasks, event makers */
#ifndef PKTLAP_TEST_STITCH_FEED_H
#define PKTLAP_TEST_STITCH_FEED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "names.h"
#include "stitch.h"

#define NETNS	       4026531840u
#define VMS	       4
#define CPUS	       4

/* interface numbers */
#define IF_NIC	       2
#define IF_BR	       3
#define IF_VETH	       4
#define IF_PEER	       5
#define IF_TAP(vm)     (10 + (vm))

/* tasks: the last VM has its backend in user space */
#define TID_WORKER(vm) (1000 + (vm))
#define TID_VCPU(vm)   (2000 + (vm))
#define TID_VMM(vm)    (3000 + (vm))
#define VM_USER	       (VMS - 1)

static inline json_t *feed_dev(int ifindex, const char *name, const char *kind)
{
	return json_pack("{s:I, s:s, s:i, s:s, s:s}", "netns", (json_int_t)NETNS, "netns_name", "",
			 "ifindex", ifindex, "name", name, "kind", kind);
}

static inline json_t *feed_task(int tid, const char *role)
{
	return json_pack("{s:i, s:s, s:s}", "tid", tid, "comm", role, "role", role);
}

/* The documents TRACE_DEVICES and TRACE_TASKS */
static inline void feed_docs(json_t **devices, json_t **comms)
{
	json_t *devs = json_array(), *tasks = json_array();
	char name[16];
	int vm;

	json_array_append_new(devs, feed_dev(IF_NIC, "nic0", "nic"));
	json_array_append_new(devs, feed_dev(IF_BR, "br0", "bridge"));
	json_array_append_new(devs, feed_dev(IF_VETH, "veth0", "veth"));
	json_array_append_new(devs, feed_dev(IF_PEER, "veth1", "veth"));
	for (vm = 0; vm < VMS; vm++) {
		snprintf(name, sizeof(name), "tap%d", vm);
		json_array_append_new(devs, feed_dev(IF_TAP(vm), name, "tap"));
		if (vm != VM_USER)
			json_array_append_new(tasks, feed_task(TID_WORKER(vm), "vhost"));
		else
			json_array_append_new(tasks, feed_task(TID_VMM(vm), "vmm"));
		json_array_append_new(tasks, feed_task(TID_VCPU(vm), "vcpu"));
	}
	*devices = devs;
	*comms = tasks;
}

static inline struct names *feed_names(void)
{
	struct names *n = NULL;
	json_t *devs, *tasks;

	feed_docs(&devs, &tasks);
	names_new(devs, tasks, NULL, &n);
	json_decref(devs);
	json_decref(tasks);
	return n;
}

/* Any hook of this hop: the first in the catalogue */
static inline __u8 feed_hook(enum pl_hop hop)
{
	static __u8 hooks[PL_NR_HOPS];
	int i;

	if (!hooks[hop])
		for (i = PL_NR_HOOKS - 1; i > 0; i--)
			hooks[hook_desc(i)->hop] = i;
	return hooks[hop];
}

#endif
