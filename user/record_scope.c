// SPDX-License-Identifier: GPL-2.0
/*
 * Of record: which devices the programs select, at the start and as devices come and go. A device
 * is in scope by its own name or by that of the bridge (bond, ...) that it belongs to; one that
 * was selected stays so when it is renamed. Without -i all are, and the programs do not ask.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record_int.h"
#include "util.h"

/* A file holds so many changes: names of devices have 16 bits in it, and what is read is bounded */
#define CHANGES_MAX   30000
#define SCOPE_PER_DEV 3 /* entries of hooks_scope_add(), the worst case: each in a namespace of its own */
#define SCOPE_MIN     4096 /* for devices that may come; 64 bytes or so each */
#define SCOPE_MAX     (1 << 22)
#define MASTERS_MAX   8 /* bond in bridge, ...: the kernel has the same limit */
#define IRQS_MIN      1024 /* 8 bytes each: for devices that may come */

static int irq_max(void *ctx, const struct device *dev, unsigned int irq)
{
	unsigned int *max = ctx;

	(void)dev;
	*max = irq > *max ? irq : *max;
	return 0;
}

unsigned int scope_irqs(const struct devices *all)
{
	unsigned int max = IRQS_MIN - 1;
	size_t i;

	for (i = 0; i < all->n; i++)
		device_irqs(&all->dev[i], irq_max, &max);
	return max + 1;
}

unsigned int scope_room(const struct recorder *r)
{
	size_t n = SCOPE_PER_DEV * 2 * r->devices.n + SCOPE_MIN;

	return n < SCOPE_MAX ? n : SCOPE_MAX;
}

static int irq_add(void *ctx, const struct device *dev, unsigned int irq)
{
	int err = hooks_irq_add(ctx, irq, dev->netns, dev->ifindex);

	return err == -E2BIG ? 0 : err; /* a device that came later, with a high number */
}

static int role_add(void *ctx, __u32 tid, enum pl_role_kind kind)
{
	return hooks_role_add(ctx, tid, kind);
}

/* --- the set of selected devices ------------------------------------------------------------ */

static __u64 key_of(const struct device *dev)
{
	return (__u64)dev->netns << 32 | dev->ifindex;
}

/* Where the key is, or belongs */
static size_t key_find(const struct recorder *r, __u64 key, bool *found)
{
	size_t lo = 0, hi = r->nin_scope, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (r->in_scope[mid] < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	*found = lo < r->nin_scope && r->in_scope[lo] == key;
	return lo;
}

static bool selected(const struct recorder *r, const struct device *dev)
{
	bool found;

	key_find(r, key_of(dev), &found);
	return found;
}

static int select_add(struct recorder *r, const struct device *dev)
{
	__u64 key = key_of(dev), *more;
	bool found;
	size_t at = key_find(r, key, &found);
	int err;

	if (found)
		return 0;
	more = reallocarray(r->in_scope, r->nin_scope + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	r->in_scope = more;
	err = hooks_scope_add(r->hooks, dev->netns, dev->ifindex);
	if (err)
		return err;
	memmove(more + at + 1, more + at, (r->nin_scope - at) * sizeof(*more));
	more[at] = key;
	r->nin_scope++;
	return 0;
}

static int select_remove(struct recorder *r, const struct device *dev)
{
	bool found, other = false;
	size_t at = key_find(r, key_of(dev), &found), i;
	int err;

	if (!found)
		return 0;
	memmove(r->in_scope + at, r->in_scope + at + 1,
		(--r->nin_scope - at) * sizeof(*r->in_scope));
	for (i = 0; i < r->nin_scope; i++)
		other |= (__u32)r->in_scope[i] == dev->ifindex;
	err = hooks_scope_remove(r->hooks, dev->netns, dev->ifindex);
	return err || other ? err : hooks_scope_remove(r->hooks, 0, dev->ifindex);
}

static bool wanted(const struct recorder *r, const struct device *dev)
{
	const struct record_config *cfg = r->cfg;
	const struct device *master = devices_get(&r->devices, dev->netns, dev->master);

	/* a bridge that was selected stands for its ports under another name, too */
	return (master && selected(r, master)) ||
	       devices_in_scope(&r->devices, cfg->devices, cfg->ndevices, dev);
}

/* What comes in at a port may be for this host: followed up over its bridge, and what that is in */
static int masters_add(struct recorder *r, const struct device *dev)
{
	const struct device *master = dev;
	int err = 0, depth;

	for (depth = 0; !err && depth < MASTERS_MAX; depth++) {
		master = devices_get(&r->devices, dev->netns, master->master);
		if (!master)
			break;
		err = hooks_scope_up(r->hooks, master->netns, master->ifindex);
	}
	return err;
}

static int device_select(struct recorder *r, const struct device *dev)
{
	int err = 0;

	if (r->cfg->ndevices && !wanted(r, dev))
		return 0;
	if (r->cfg->ndevices)
		err = select_add(r, dev);
	if (!err && r->cfg->ndevices)
		err = masters_add(r, dev);
	if (err == -E2BIG) {
		if (!r->unscoped)
			msg_error("more devices than the programs have room for: %s and later ones are not recorded",
				  dev->name);
		r->unscoped = true;
		return 0;
	}
	return err ? err : device_irqs(dev, irq_add, r->hooks);
}

int scope_set(struct recorder *r)
{
	const struct devices *all = &r->devices;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < all->n; i++)
		err = device_select(r, &all->dev[i]);
	return err ? err : tasks_scan(r->tasks, role_add, r->hooks);
}

/* --- changes -------------------------------------------------------------------------------- */

/* A named device is what the user waits for: said at once, the rest is in the file */
static void gone_tell(const struct recorder *r, const struct device_change *c)
{
	const char *name = NULL;
	size_t i;

	for (i = 0; i < r->cfg->ndevices && !name; i++)
		if (device_is(&c->dev, r->cfg->devices[i]))
			name = r->cfg->devices[i];
	if (!name)
		return;
	if (c->what == DEVICE_MOVED)
		msg_error("device %s has moved to %s: not recorded until one of that name comes back",
			  name, *c->to ? c->to : "another network namespace");
	else
		msg_error("device %s is gone: recording goes on, and takes up one of that name that comes",
			  name);
}

static int scope_follow(struct recorder *r, const struct device_change *c)
{
	const struct device *dev = devices_get(&r->devices, c->dev.netns, c->dev.ifindex);

	switch (c->what) {
	case DEVICE_GONE:
	case DEVICE_MOVED:
		if (selected(r, &c->dev))
			gone_tell(r, c);
		return select_remove(r, &c->dev);
	case DEVICE_LEFT:
		/* a port was in scope by its bridge only, unless it has a name of its own there */
		return dev && !wanted(r, dev) ? select_remove(r, dev) : 0;
	case DEVICE_APPEARED:
	case DEVICE_RENAMED:
	case DEVICE_JOINED:
		return dev ? device_select(r, dev) : 0;
	default:
		return 0;
	}
}

static int change_note(struct recorder *r, const struct device_change *c)
{
	struct device_change end = *c;
	json_t *row;

	if (r->nchanges++ > CHANGES_MAX)
		return 0;
	if (r->nchanges > CHANGES_MAX)
		end.what = DEVICES_MISSED;
	row = device_change_doc(&end);
	if (!r->changes)
		r->changes = json_array();
	return json_array_append_new(r->changes, row) ? -ENOMEM : 0;
}

static int on_change(void *ctx, const struct device_change *c)
{
	struct recorder *r = ctx;
	int err = change_note(r, c);

	if (c->what == DEVICES_MISSED)
		msg_error("devices change faster than they can be followed: some may have wrong names");
	return err ? err : scope_follow(r, c);
}

int scope_changes(struct recorder *r)
{
	return devices_watch_read(r->watch, &r->devices, on_change, r);
}
