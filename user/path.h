/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ways that packets take through this host: trees of elements over a snapshot (host.h), with
 * the hops of each element and the hooks that cover them. A tree begins outside (hardware, the
 * far end of a veth) where there is an outside, and ends at guests and at the host's own stack;
 * "forward" is the direction from its root to its leaves.
 */
#ifndef PKTLAP_PATH_H
#define PKTLAP_PATH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "catalogue.h"
#include "host.h"

enum path_what {
	PATH_NIC,
	PATH_TAP,
	PATH_MACVTAP,
	PATH_BRIDGE,
	PATH_OVS,
	PATH_VETH,
	PATH_VIRTUAL, /* VLAN, macvlan, VXLAN, bond, VRF, ...: passes on */
	PATH_STACK, /* a namespace's own IP stack and sockets */
	PATH_VHOST, /* vhost workers */
	PATH_VMM, /* the process that has the tap open */
	PATH_VCPU, /* its vCPU threads */
	PATH_NR_WHATS
};

struct path_hop {
	enum pl_hop hop;
	bool forward, back;
};

/* How a hop is covered on this kernel; strings "" where there is nothing to say */
struct path_cover {
	const char *state; /* "attached", "uncovered", "untried" */
	const char *kind, *target, *hook; /* of the hook that serves it */
	const char *why; /* uncovered: the last alternative's reason */
};

struct path_elem {
	unsigned int id; /* from 1, in the order of the trees */
	enum path_what what;
	const char *name; /* "eth1", "eth0@peer", "vhost-204", "vm1", "2 vCPUs", "stack@peer" */
	struct host_dev *dev; /* of devices, and of PATH_STACK the one that leads to it */
	struct host_proc *proc; /* of tasks */
	struct host_task **tasks;
	size_t ntasks;
	bool unsure; /* tasks: which of them it is could not be told */
	bool up; /* devices: forward goes into it (receives), not out by it (transmits) */
	struct path_hop *hops;
	size_t nhops;
	struct path_elem *parent;
	struct path_elem **next;
	size_t nnext;
	struct path_elem *again; /* drawn there already, with all that follows */
	bool keep;
};

struct path {
	struct arena mem;
	const struct host *host;
	struct path_elem **roots;
	size_t nroots;
	struct path_elem **elems; /* those that were kept, by id */
	size_t nelems;
	struct host_dev **alone; /* devices on no way; only when all was asked for */
	size_t nalone;
	const char **notes; /* how what was asked for was found: "10.0.0.2 is 52:54:... on br0, ..." */
	size_t nnotes;
	bool brief; /* a line a way is what was asked for */
	bool tried; /* cover comes from attaching */
	struct path_cover cover[PL_NR_HOPS];
	const char *cover_why; /* not tried: why not; "" nobody asked for it */
	struct path_elem **elem_of; /* by host_dev.nr, while it is built */
};

/* What a user asks for; one of the members, or none: all ways */
struct path_query {
	const char *dev, *mac, *src, *dst;
	__u32 pid;
};

/*
 * Find the ways. 0; -ENODEV, -EINVAL, ... with one line in err for what cannot be found or read;
 * -ENOMEM. The host must outlive the path.
 */
int path_new(struct host *h, const struct path_query *q, struct path **out, char *err, size_t errlen);
void path_free(struct path *p); /* takes NULL */

/*
 * Fill cover: attach all hooks for a moment, as `check` does. A failure (no privileges) is not
 * one of the path: it is told in cover_why.
 */
void path_cover_try(struct path *p);
/* From the document of hooks_doc() (for tests) */
void path_cover_set(struct path *p, const json_t *hops);

/* What is to be known of an element, a line each, most important first; NULL-terminated */
const char *const *path_facts(struct path *p, const struct path_elem *e, bool all);
/* What stands out in a short form: down, a port that does not forward, programs; "" */
const char *path_mark(struct path *p, const struct path_elem *e);

const char *path_what_name(enum path_what what); /* "nic", "vhost", ... */

/* Hops of an element by the direction in which forward passes it and by what is around it; added to it */
void path_hops_add(struct path *p, struct path_elem *e);

#endif
