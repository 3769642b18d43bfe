// SPDX-License-Identifier: GPL-2.0
/*
 * How devices hang together. An index of another namespace comes with an id that only the device's
 * own namespace can translate (RTM_GETNSID), so it is asked there; nothing is matched by guess.
 */
#include "host_int.h"

#include <errno.h>
#include <stdlib.h>

#include "link.h"
#include "netns.h"

/* What the ids of one namespace mean */
struct nsid {
	__s32 id;
	struct host_netns *ns;
};

struct nsids {
	struct host *h;
	struct host_netns *of;
	struct nl nl;
	struct nsid *ids;
	size_t n;
};

/* Does it look like the other end of d? Only spares questions */
static bool may_be_link(const struct host_dev *d, const struct host_dev *other)
{
	return other && (d->kind != HOST_VETH || (other->kind == HOST_VETH && other->link == d->ifindex));
}

static struct host_netns *nsid_find(struct nsids *all, const struct host_dev *d)
{
	struct host *h = all->h;
	struct nsid *known;
	__u32 inode;
	size_t i;

	for (i = 0; i < all->n; i++)
		if (all->ids[i].id == d->link_nsid)
			return all->ids[i].ns;
	for (i = 0; i < h->nnetns; i++) {
		struct host_netns *ns = h->netns[i];

		if (ns == all->of || !may_be_link(d, host_find_index(h, ns, d->link)) ||
		    link_nsid(&all->nl, ns->path, &inode) != d->link_nsid)
			continue;
		known = host_add(h, all->ids, all->n);
		if (known)
			*known = (struct nsid){ d->link_nsid, ns };
		return ns;
	}
	return NULL;
}

static void link_set(struct host_dev *d, struct host_dev *other)
{
	d->link_unseen = !other;
	if (d->kind == HOST_VETH)
		d->peer = other;
	else
		d->lower = other;
}

static int nsids_work(void *ctx)
{
	struct nsids *all = ctx;
	size_t i;
	int err = nl_open(&all->nl, NETLINK_ROUTE);

	for (i = 0; !err && i < all->of->ndevs; i++) {
		struct host_dev *d = all->h->devs[all->of->first + i];
		struct host_netns *ns;

		if (d->link_nsid < 0 || !d->link || d->peer)
			continue;
		ns = nsid_find(all, d);
		if (!ns)
			continue;
		link_set(d, host_find_index(all->h, ns, d->link));
		/* a pair points both ways: the other end need not be asked */
		if (d->peer && d->peer->link == d->ifindex) {
			d->peer->peer = d;
			d->peer->link_unseen = false;
		}
	}
	nl_close(&all->nl);
	return err;
}

static void local_join(struct host *h, struct host_dev *d)
{
	struct host_dev *other;

	d->master = host_find_index(h, d->ns, d->master_index);
	if (!d->link)
		return;
	other = host_find_index(h, d->ns, d->link);
	if (d->kind == HOST_BOND)
		d->active = other;
	else if (d->link_nsid >= 0)
		d->link_unseen = true; /* until nsids_work() */
	else
		link_set(d, other);
}

/* Internal ports do not name their datapath; userspace makes only one */
static void ovs_join(struct host *h, struct host_netns *ns)
{
	struct host_dev *datapath = NULL;
	size_t i, n = 0;

	for (i = 0; i < ns->ndevs; i++)
		if (h->devs[ns->first + i]->kind == HOST_OVS) {
			datapath = h->devs[ns->first + i];
			n++;
		}
	for (i = 0; n == 1 && i < ns->ndevs; i++) {
		struct host_dev *d = h->devs[ns->first + i];

		if (d->kind == HOST_OVS_INTERNAL && !d->master)
			d->master = datapath;
	}
}

void host_links_join(struct host *h)
{
	struct host_dev **slot;
	size_t i, j;

	for (i = 0; i < h->ndevs; i++)
		local_join(h, h->devs[i]);
	for (i = 0; i < h->nnetns; i++) {
		struct nsids all = { .h = h, .of = h->netns[i] };
		bool any = false;

		ovs_join(h, all.of);
		for (j = 0; j < all.of->ndevs; j++) {
			struct host_dev *d = h->devs[all.of->first + j];

			any |= d->link_unseen && !d->peer;
		}
		if (any)
			netns_run(all.of->path, all.of->netns, nsids_work, &all);
	}
	for (i = 0; i < h->ndevs; i++) {
		struct host_dev *d = h->devs[i];

		if (d->master) {
			slot = host_add(h, d->master->ports, d->master->nports);
			if (slot)
				*slot = d;
		}
		if (d->lower && d->lower != d) {
			slot = host_add(h, d->lower->uppers, d->lower->nuppers);
			if (slot)
				*slot = d;
		}
	}
}
