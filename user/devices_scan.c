// SPDX-License-Identifier: GPL-2.0
/* Of the devices: the list at the start, namespace by namespace */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "devices.h"
#include "link.h"
#include "netns.h"

/* State of one scan */
struct scan {
	struct devices *all;
	struct nl home; /* in the own namespace */
};

static int netns_scan(void *ctx, const struct netns_at *at)
{
	struct known_netns *ns;
	struct scan *s = ctx;
	__u32 inode;

	if (at->own)
		s->all->own = at->netns;
	ns = devices_netns_add(s->all, at->netns, at->name);
	if (!ns)
		return -ENOMEM;
	ns->nsid = link_nsid(&s->home, at->path, &inode);
	return links_dump(s->all, at->netns, at->name);
}

/* Ports may be listed before their bridge */
static void masters_name(struct devices *all)
{
	const struct device *master;
	size_t i;

	for (i = 0; i < all->n; i++) {
		master = devices_get(all, all->dev[i].netns, all->dev[i].master);
		if (master)
			memcpy(all->dev[i].master_name, master->name, IF_NAMESIZE);
	}
}

int devices_scan(struct devices *all)
{
	struct scan s = { .all = all };
	int ret;

	memset(all, 0, sizeof(*all));
	ret = nl_open(&s.home, NETLINK_ROUTE);
	/* the own namespace first: listing its veths is what gives those behind them their numbers */
	if (!ret)
		ret = netns_each(netns_scan, &s, NULL);
	masters_name(all);
	nl_close(&s.home);
	return ret;
}
