// SPDX-License-Identifier: GPL-2.0
#include "devices.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define UNUSED_MAX 64 /* rows that may lie unused besides a quarter of all */

static size_t slot_hash(const struct devices *all, __u32 netns, __u32 ifindex)
{
	__u64 key = (__u64)netns << 32 | ifindex;

	return ((key ^ key >> 32) * 0x9e3779b97f4a7c15ULL >> 32) & (all->nslots - 1);
}

/* The slot of a device, or the free one where it belongs */
static __u32 *slot_of(const struct devices *all, __u32 netns, __u32 ifindex)
{
	size_t i = slot_hash(all, netns, ifindex);
	const struct device *d;

	for (; all->slot[i]; i = (i + 1) & (all->nslots - 1)) {
		d = &all->dev[all->slot[i] - 1];
		if (d->netns == netns && d->ifindex == ifindex)
			break;
	}
	return &all->slot[i];
}

/* Rows in use move together, in their order; all are found again by the new slots */
static int devices_rebuild(struct devices *all, size_t room)
{
	size_t i, n = 0, nslots = 64;
	struct device *dev;
	__u32 *slot;

	while (nslots < 2 * room)
		nslots *= 2;
	slot = calloc(nslots, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	dev = reallocarray(all->dev, room, sizeof(*dev));
	if (!dev) {
		free(slot);
		return -ENOMEM;
	}
	free(all->slot);
	all->slot = slot;
	all->nslots = nslots;
	all->dev = dev;
	all->room = room;
	for (i = 0; i < all->n; i++) {
		if (!dev[i].ifindex)
			continue;
		dev[n] = dev[i];
		*slot_of(all, dev[n].netns, dev[n].ifindex) = n + 1;
		n++;
	}
	all->n = n;
	all->unused = 0;
	return 0;
}

struct device *devices_get(const struct devices *all, __u32 netns, __u32 ifindex)
{
	__u32 at = all->nslots && ifindex ? *slot_of(all, netns, ifindex) : 0;

	return at ? &all->dev[at - 1] : NULL;
}

int devices_put(struct devices *all, const struct device *dev)
{
	const struct device *master;
	struct device *row = devices_get(all, dev->netns, dev->ifindex);
	int err;

	if (!row) {
		/* what is not used any more makes room first */
		bool many = all->unused > all->n / 4 + UNUSED_MAX;

		err = all->dev && all->n < all->room ? 0 : devices_rebuild(all, many ? all->room : 2 * all->room + 16);
		if (err)
			return err;
		row = &all->dev[all->n++];
		*slot_of(all, dev->netns, dev->ifindex) = all->n;
	}
	*row = *dev;
	master = devices_get(all, dev->netns, dev->master);
	memset(row->master_name, 0, sizeof(row->master_name));
	if (master)
		memcpy(row->master_name, master->name, sizeof(row->master_name));
	return 0;
}

void devices_remove(struct devices *all, struct device *dev)
{
	/* the slot goes on leading past the row, which no device has any more */
	memset(dev, 0, sizeof(*dev));
	all->unused++;
}

struct known_netns *devices_netns(const struct devices *all, __u32 inode)
{
	size_t i;

	for (i = 0; i < all->nnetns; i++)
		if (all->netns[i].inode == inode)
			return &all->netns[i];
	return NULL;
}

struct known_netns *devices_netns_add(struct devices *all, __u32 inode, const char *name)
{
	struct known_netns *ns = devices_netns(all, inode);

	if (ns)
		return ns;
	ns = reallocarray(all->netns, all->nnetns + 1, sizeof(*ns));
	if (!ns)
		return NULL;
	all->netns = ns;
	ns += all->nnetns++;
	*ns = (struct known_netns){ .inode = inode, .nsid = -1 };
	snprintf(ns->name, sizeof(ns->name), "%s", name);
	return ns;
}

void devices_free(struct devices *all)
{
	free(all->dev);
	free(all->netns);
	free(all->slot);
	memset(all, 0, sizeof(*all));
}

bool device_is(const struct device *dev, const char *name)
{
	const char *at = strchr(name, '@');
	size_t len = at ? (size_t)(at - name) : strlen(name);

	if (!dev->ifindex || strlen(dev->name) != len || memcmp(dev->name, name, len))
		return false;
	return !at || !strcmp(dev->netns_name, at + 1);
}

const struct device *devices_find(const struct devices *all, const char *name, bool *several)
{
	const struct device *found = NULL, *d;
	size_t i;

	*several = false;
	for (i = 0; i < all->n; i++) {
		d = &all->dev[i];
		if (!device_is(d, name))
			continue;
		if (d->own || strchr(name, '@'))
			return d;
		*several |= found != NULL;
		found = d;
	}
	return *several ? NULL : found;
}

int devices_check(const struct devices *all, const char *const *names, size_t nnames)
{
	bool several;
	size_t i;

	for (i = 0; i < nnames; i++) {
		if (devices_find(all, names[i], &several))
			continue;
		if (several)
			msg_error("device %s is in several network namespaces: name one, as in %s@NETNS",
				  names[i], names[i]);
		else
			msg_error("no such device: %s (`ip link` lists them)", names[i]);
		return -ENODEV;
	}
	return 0;
}

/* Searched is only where the name is right: there are thousands of devices */
static bool device_meant(const struct devices *all, const struct device *dev, const char *name)
{
	bool several;

	return dev && device_is(dev, name) && devices_find(all, name, &several) == dev;
}

bool devices_in_scope(const struct devices *all, const char *const *names, size_t nnames,
		      const struct device *dev)
{
	/* a bridge (bond, ...) stands for its ports too */
	const struct device *master = devices_get(all, dev->netns, dev->master);
	size_t i;

	for (i = 0; i < nnames; i++)
		if (device_meant(all, dev, names[i]) || device_meant(all, master, names[i]))
			return true;
	return !nnames;
}

/* MSI vectors are listed in the PCI device's directory, of which virtio's is a child */
int device_irqs(const struct device *dev, int (*fn)(void *ctx, const struct device *dev, unsigned int irq), void *ctx)
{
	static const char *const dirs[] = { "device/msi_irqs", "device/../msi_irqs" };
	char path[128];
	struct dirent *e;
	unsigned int irq;
	int ret = 0;
	size_t i;
	DIR *d = NULL;
	FILE *f;

	if (!dev->own || dev->kind != PL_DEV_NIC)
		return 0;
	for (i = 0; !d && i < sizeof(dirs) / sizeof(*dirs); i++) {
		snprintf(path, sizeof(path), "/sys/class/net/%s/%s", dev->name, dirs[i]);
		d = opendir(path);
	}
	if (d) {
		while (!ret && (e = readdir(d)))
			if (sscanf(e->d_name, "%u", &irq) == 1)
				ret = fn(ctx, dev, irq);
		closedir(d);
		return ret;
	}
	snprintf(path, sizeof(path), "/sys/class/net/%s/device/irq", dev->name);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%u", &irq) == 1 && irq)
		ret = fn(ctx, dev, irq);
	fclose(f);
	return ret;
}

json_t *device_doc(const struct device *d)
{
	return json_pack("{s:I, s:o, s:i, s:o, s:s, s:o, s:o}", "netns", (json_int_t)d->netns,
			 "netns_name", json_text(d->netns_name), "ifindex", (int)d->ifindex, "name",
			 json_text(d->name), "kind", dev_kind_name(d->kind), "driver",
			 json_text(d->driver), "master", json_text(d->master_name));
}

json_t *devices_doc(const struct devices *all)
{
	json_t *doc = json_array();
	size_t i;

	for (i = 0; doc && i < all->n; i++)
		if (all->dev[i].ifindex)
			json_array_append_new(doc, device_doc(&all->dev[i]));
	return doc;
}
