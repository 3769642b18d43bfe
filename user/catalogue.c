// SPDX-License-Identifier: GPL-2.0
#include "catalogue.h"

#include <stddef.h>
#include <string.h>

#define ARRAY_SIZE(a)			   (sizeof(a) / sizeof(*(a)))

/* the word for "any" in the role column of PL_ALIASES */
#define PL_ROLE_ANY			   PL_ROLE_NONE

#define PL_X(id, name, class, flags, what) [PL_HOP_##id] = { name, what, PL_CLASS_##class, flags },
static const struct hop_desc hops[PL_NR_HOPS] = {
	[PL_HOP_none] = { "none", "not a hop", PL_CLASS_CTX, 0 },
	PL_HOPS(PL_X)
};
#undef PL_X

#define PL_X(id, hop, kind, target, module) \
	[PL_HOOK_##id] = { #id, PL_HOP_##hop, PL_KIND_##kind, target, module },
static const struct hook_desc hooks[PL_NR_HOOKS] = {
	[PL_HOOK_none] = { "none", PL_HOP_none, PL_KIND_TPBTF, "", "" },
	PL_HOOKS(PL_X)
};
#undef PL_X

#define PL_X(hook, main) [PL_HOOK_##hook] = PL_HOOK_##main,
static const __u8 mains[PL_NR_HOOKS] = { PL_COMPANIONS(PL_X) };
#undef PL_X

/* Rows of PL_ALIASES by number, from 1 */
#define PL_X(hop, base, dev, role, after) ALIAS_##hop,
enum alias_row { ALIAS_none,
		 PL_ALIASES(PL_X) NR_ALIASES };
#undef PL_X

#define PL_X(hop, base, dev, role, after) \
	[ALIAS_##hop] = { PL_HOP_##hop, PL_HOP_##base, PL_DEV_##dev, PL_ROLE_##role, \
			  PL_HOP_##after },
static const struct alias_desc aliases[NR_ALIASES] = { PL_ALIASES(PL_X) };
#undef PL_X

/* Last row of each base: the rows of one base stand together, later initialisers win */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#define PL_X(hop, base, dev, role, after) [PL_HOP_##base] = ALIAS_##hop,
static const __u8 alias_last[PL_NR_HOPS] = { PL_ALIASES(PL_X) };
#undef PL_X
#pragma GCC diagnostic pop

#define PL_X(hop, base, dev, role, after) [PL_HOP_##hop] = PL_HOP_##base,
static const __u8 base_of[PL_NR_HOPS] = { PL_ALIASES(PL_X) };
#undef PL_X

/* events carry the hook in a byte, sightings the hop */
_Static_assert((int)PL_NR_HOOKS <= 256 && (int)PL_NR_HOPS <= 256, "too many hops for a byte");

#define PL_X(id, what) [PL_HOOK_##id] = what,
static const char *const partials[PL_NR_HOOKS] = { PL_PARTIAL(PL_X) };
#undef PL_X

static const char *const kind_names[PL_NR_KINDS] = {
	[PL_KIND_TPBTF] = "tp_btf",
	[PL_KIND_RAWTP] = "raw_tp",
	[PL_KIND_FENTRY] = "fentry",
	[PL_KIND_FEXIT] = "fexit",
	[PL_KIND_KPROBE] = "kprobe",
	[PL_KIND_KRETPROBE] = "kretprobe",
};

static const char *const dev_names[PL_NR_DEV_KINDS] = {
	[PL_DEV_ANY] = "any",
	[PL_DEV_OTHER] = "other",
	[PL_DEV_NIC] = "nic",
	[PL_DEV_TAP] = "tap",
	[PL_DEV_BRIDGE] = "bridge",
	[PL_DEV_VETH] = "veth",
};

static const char *const role_names[] = {
	[PL_ROLE_NONE] = "none",
	[PL_ROLE_VHOST] = "vhost",
	[PL_ROLE_VCPU] = "vcpu",
	[PL_ROLE_VMM] = "vmm",
	[PL_ROLE_APP] = "app",
};

static const char *const wait_names[PL_NR_WAITS] = {
	[PL_WAIT_NONE] = "none",
	[PL_WAIT_RECV] = "recv",
	[PL_WAIT_POLL] = "poll",
	[PL_WAIT_EPOLL] = "epoll",
	[PL_WAIT_URING] = "io_uring",
	[PL_WAIT_OTHER] = "unknown",
};

const struct hop_desc *hop_desc(enum pl_hop hop)
{
	return &hops[(unsigned int)hop < PL_NR_HOPS ? hop : PL_HOP_none];
}

const struct hook_desc *hook_desc(enum pl_hook hook)
{
	return &hooks[(unsigned int)hook < PL_NR_HOOKS ? hook : PL_HOOK_none];
}

enum pl_hook hook_main(enum pl_hook hook)
{
	return (unsigned int)hook < PL_NR_HOOKS ? mains[hook] : PL_HOOK_none;
}

const char *hook_partial(enum pl_hook hook)
{
	return (unsigned int)hook < PL_NR_HOOKS && partials[hook] ? partials[hook] : "";
}

static const char *name_of(const char *const *names, size_t n, size_t i)
{
	return i < n && names[i] ? names[i] : "?";
}

const char *hook_kind_name(enum pl_hook_kind kind)
{
	return name_of(kind_names, ARRAY_SIZE(kind_names), kind);
}

const char *dev_kind_name(enum pl_dev_kind kind)
{
	return name_of(dev_names, ARRAY_SIZE(dev_names), kind);
}

const char *role_name(enum pl_role_kind role)
{
	return name_of(role_names, ARRAY_SIZE(role_names), role);
}

const char *wait_name(enum pl_wait how)
{
	return name_of(wait_names, ARRAY_SIZE(wait_names), how);
}

static int number_of(const char *const *names, size_t n, const char *name, int none)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (names[i] && !strcmp(names[i], name))
			return i;
	return none;
}

enum pl_hop hop_by_name(const char *name)
{
	int hop;

	for (hop = PL_HOP_none + 1; hop < PL_NR_HOPS; hop++)
		if (!strcmp(hops[hop].name, name))
			return hop;
	return PL_HOP_none;
}

enum pl_hook hook_by_id(const char *id)
{
	int hook;

	for (hook = PL_HOOK_none + 1; hook < PL_NR_HOOKS; hook++)
		if (!strcmp(hooks[hook].id, id))
			return hook;
	return PL_HOOK_none;
}

enum pl_dev_kind dev_kind_by_name(const char *name)
{
	int kind = number_of(dev_names, ARRAY_SIZE(dev_names), name, PL_DEV_OTHER);

	return kind == PL_DEV_ANY ? PL_DEV_OTHER : kind; /* no device is of kind "any" */
}

enum pl_role_kind role_by_name(const char *name)
{
	return number_of(role_names, ARRAY_SIZE(role_names), name, PL_ROLE_NONE);
}

enum pl_hop hop_alias(enum pl_hop base, enum pl_dev_kind dev, enum pl_role_kind role,
		      enum pl_hop after)
{
	const struct alias_desc *a;
	enum pl_hop found = base;

	if ((unsigned int)base >= PL_NR_HOPS || !alias_last[base])
		return base;
	/* backwards through the rows of the base: what matches last is the first row */
	for (a = &aliases[alias_last[base]]; a->base == base; a--)
		if ((a->dev == PL_DEV_ANY || a->dev == dev) &&
		    (a->role == PL_ROLE_NONE || a->role == role) &&
		    (a->after == PL_HOP_none || a->after == after))
			found = a->hop;
	return found;
}

enum pl_hop hop_base(enum pl_hop hop)
{
	return (unsigned int)hop < PL_NR_HOPS && base_of[hop] ? base_of[hop] : hop;
}
