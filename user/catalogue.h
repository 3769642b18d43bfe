/* SPDX-License-Identifier: GPL-2.0 */
/* The catalogue (bpf/catalogue.h) as data for user space */
#ifndef PKTLAP_USER_CATALOGUE_H
#define PKTLAP_USER_CATALOGUE_H

#include <linux/types.h>
#include <stdbool.h>

#include "../bpf/catalogue.h"
#include "../bpf/event.h"

struct hop_desc {
	const char *name; /* "nic:gro" */
	const char *what; /* one line for people */
	enum pl_hop_class class;
	unsigned int flags; /* PL_HOP_OPT, PL_HOP_ENTRY */
};

struct hook_desc {
	const char *id; /* name in the catalogue; the program is pl_<id> */
	enum pl_hop hop;
	enum pl_hook_kind kind;
	const char *target; /* tracepoint or function */
	const char *module; /* "": built in, or unknown */
};

struct alias_desc {
	enum pl_hop hop;
	enum pl_hop base;
	enum pl_dev_kind dev; /* PL_DEV_ANY: any device */
	enum pl_role_kind role; /* PL_ROLE_NONE: any task */
	enum pl_hop after; /* PL_HOP_none: whatever came before */
};

/* Constant description, index below PL_NR_HOPS / PL_NR_HOOKS; entry 0 is "none" */
const struct hop_desc *hop_desc(enum pl_hop hop);
const struct hook_desc *hook_desc(enum pl_hook hook);

/* The hook beside which this one is attached (PL_COMPANIONS); PL_HOOK_none: it serves alone */
enum pl_hook hook_main(enum pl_hook hook);

/* What a hook leaves out of its hop, and why (PL_PARTIAL); "": nothing. Never NULL */
const char *hook_partial(enum pl_hook hook);

/* "fentry", "tp_btf", ... ; "nic", "tap", ... ; "vhost", "vcpu", ... Never NULL */
const char *hook_kind_name(enum pl_hook_kind kind);
const char *dev_kind_name(enum pl_dev_kind kind);
const char *role_name(enum pl_role_kind role);
/* How a reader waits for its socket: "recv", "poll" (select(), too), "epoll", "io_uring", ... */
const char *wait_name(enum pl_wait how);

/* The reverse; PL_HOP_none, PL_HOOK_none, PL_DEV_OTHER, PL_ROLE_NONE when there is no such name */
enum pl_hop hop_by_name(const char *name);
enum pl_hook hook_by_id(const char *id);
enum pl_dev_kind dev_kind_by_name(const char *name);
enum pl_role_kind role_by_name(const char *name);

/*
 * What an event of hop base is called on a device of this kind, by a task of this role, for a
 * packet whose last hop was after (PL_ALIASES). Returns base when no alias matches.
 */
enum pl_hop hop_alias(enum pl_hop base, enum pl_dev_kind dev, enum pl_role_kind role,
		      enum pl_hop after);

/* The base of an aliased hop, the hop itself when it has hooks of its own */
enum pl_hop hop_base(enum pl_hop hop);

#endif
