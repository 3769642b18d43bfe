// SPDX-License-Identifier: GPL-2.0
#include "devices.h"

#include <dirent.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netns.h"
#include "nl.h"
#include "util.h"

/* State of one scan */
struct scan {
	struct devices *all;
	const struct netns_at *at;
};

static enum pl_dev_kind kind_of(const char *rtnl_kind, unsigned short type)
{
	if (!strcmp(rtnl_kind, "tun"))
		return PL_DEV_TAP;
	if (!strcmp(rtnl_kind, "bridge"))
		return PL_DEV_BRIDGE;
	if (!strcmp(rtnl_kind, "veth"))
		return PL_DEV_VETH;
	/* devices that software made have a kind; what is left is hardware, real or emulated */
	if (!*rtnl_kind && type == ARPHRD_ETHER)
		return PL_DEV_NIC;
	return PL_DEV_OTHER;
}

static int info_attr(const struct nlattr *attr, void *data)
{
	const char **kind = data;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND && !mnl_attr_validate(attr, MNL_TYPE_STRING))
		*kind = mnl_attr_get_str(attr);
	return MNL_CB_OK;
}

struct link_attrs {
	const char *name, *kind;
	__u32 master;
};

static int link_attr(const struct nlattr *attr, void *data)
{
	struct link_attrs *a = data;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		a->name = mnl_attr_get_str(attr);
		break;
	case IFLA_MASTER:
		a->master = mnl_attr_get_u32(attr);
		break;
	case IFLA_LINKINFO:
		return mnl_attr_parse_nested(attr, info_attr, &a->kind);
	}
	return MNL_CB_OK;
}

/* The driver of hardware; only the own namespace's devices are in this sysfs */
static void driver_read(struct device *d)
{
	char path[128], target[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/class/net/%s/device/driver", d->name);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return;
	target[n] = 0;
	snprintf(d->driver, sizeof(d->driver), "%.31s",
		 strrchr(target, '/') ? strrchr(target, '/') + 1 : target);
}

static int link_msg(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct link_attrs a = { .kind = "" };
	struct scan *s = data;
	struct device *d;

	mnl_attr_parse(nlh, sizeof(*ifi), link_attr, &a);
	if (!a.name)
		return MNL_CB_OK;
	d = reallocarray(s->all->dev, s->all->n + 1, sizeof(*d));
	if (!d) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	s->all->dev = d;
	d += s->all->n++;
	memset(d, 0, sizeof(*d));
	d->netns = s->at->netns;
	d->own = s->at->own;
	d->ifindex = ifi->ifi_index;
	d->master = a.master;
	d->kind = kind_of(a.kind, ifi->ifi_type);
	snprintf(d->name, sizeof(d->name), "%s", a.name);
	snprintf(d->netns_name, sizeof(d->netns_name), "%s", s->at->name);
	snprintf(d->driver, sizeof(d->driver), "%.31s", a.kind);
	if (!*a.kind && d->own)
		driver_read(d);
	return MNL_CB_OK;
}

/* List the devices of the namespace that this thread is in */
static int netns_scan(void *ctx, const struct netns_at *at)
{
	struct scan *s = ctx;
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh;
	char buf[NL_BYTES];
	struct nl nl;
	int err;

	s->at = at;
	err = nl_open(&nl, NETLINK_ROUTE);
	if (err)
		return err;
	nlh = nl_request(buf, RTM_GETLINK, NLM_F_DUMP, sizeof(*ifi), &ifi);
	err = nl_call(&nl, nlh, link_msg, s);
	nl_close(&nl);
	return err;
}

static void masters_name(struct devices *all)
{
	size_t i, j;

	for (i = 0; i < all->n; i++)
		for (j = 0; all->dev[i].master && j < all->n; j++)
			if (all->dev[j].netns == all->dev[i].netns &&
			    all->dev[j].ifindex == all->dev[i].master)
				memcpy(all->dev[i].master_name, all->dev[j].name, IF_NAMESIZE);
}

int devices_scan(struct devices *all)
{
	struct scan s = { .all = all };
	int ret;

	memset(all, 0, sizeof(*all));
	ret = netns_each(netns_scan, &s, NULL);
	masters_name(all);
	return ret;
}

void devices_free(struct devices *all)
{
	free(all->dev);
	memset(all, 0, sizeof(*all));
}

const struct device *devices_find(const struct devices *all, const char *name, bool *several)
{
	const char *at = strchr(name, '@');
	size_t len = at ? (size_t)(at - name) : strlen(name), i;
	const struct device *found = NULL;

	*several = false;
	for (i = 0; i < all->n; i++) {
		const struct device *d = &all->dev[i];

		if (strlen(d->name) != len || memcmp(d->name, name, len))
			continue;
		if (at ? !strcmp(d->netns_name, at + 1) : d->own)
			return d;
		if (at)
			continue;
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

bool devices_in_scope(const struct devices *all, const char *const *names, size_t nnames,
		      const struct device *dev)
{
	const struct device *named;
	bool several;
	size_t i;

	for (i = 0; i < nnames; i++) {
		named = devices_find(all, names[i], &several);
		if (named == dev)
			return true;
		/* a bridge (bond, ...) stands for its ports too */
		if (named && named->netns == dev->netns && named->ifindex == dev->master)
			return true;
	}
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

json_t *devices_doc(const struct devices *all)
{
	json_t *doc = json_array();
	size_t i;

	for (i = 0; doc && i < all->n; i++) {
		const struct device *d = &all->dev[i];

		json_array_append_new(doc, json_pack("{s:I, s:o, s:i, s:o, s:s, s:o, s:o}",
						     "netns", (json_int_t)d->netns, "netns_name", json_text(d->netns_name),
						     "ifindex", (int)d->ifindex, "name", json_text(d->name),
						     "kind", dev_kind_name(d->kind), "driver", json_text(d->driver),
						     "master", json_text(d->master_name)));
	}
	return doc;
}
