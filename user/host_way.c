// SPDX-License-Identifier: GPL-2.0
/* Which elements lie on the ways of a device; where a MAC address is */
#include "host_int.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "netns.h"

void host_next(const struct host_dev *d, const struct host_dev *from, bool up,
	       void (*fn)(void *ctx, struct host_dev *next, bool up), void *ctx)
{
	bool bridge = d->kind == HOST_BRIDGE || d->kind == HOST_OVS;
	size_t i;

	if (up && d->master && d->master != from)
		fn(ctx, d->master, true);
	for (i = 0; up && i < d->nuppers; i++)
		if (d->uppers[i] != from)
			fn(ctx, d->uppers[i], true);
	if (bridge || (!up && (d->kind == HOST_BOND || d->kind == HOST_VRF)))
		for (i = 0; i < d->nports; i++)
			if (d->ports[i] != from)
				fn(ctx, d->ports[i], false);
	if (!up && d->lower && d->lower != from)
		fn(ctx, d->lower, false);
	/* an OVS bridge device (internal port) is a way into its datapath */
	if (!up && d->kind == HOST_OVS_INTERNAL && d->master && d->master != from)
		fn(ctx, d->master, false);
	if (!up && d->peer && d->peer != from)
		fn(ctx, d->peer, true);
}

struct way_walk {
	struct host *h;
	struct host_way *way;
	struct host_dev *from;
	int err;
	unsigned int depth;
};

static void way_put(struct way_walk *w, struct host_dev *d)
{
	void *more;

	if (d->mark == w->h->mark)
		return;
	d->mark = w->h->mark;
	more = reallocarray(w->way->devs, w->way->ndevs + 1, sizeof(*w->way->devs));
	if (!more) {
		w->err = -ENOMEM;
		return;
	}
	w->way->devs = more;
	w->way->devs[w->way->ndevs++] = d;
}

/* What lies above d, and below d; from a port only to hardware */
static void up_walk(struct way_walk *w, struct host_dev *d);

static bool leads_to_nic(const struct host_dev *d, unsigned int depth)
{
	size_t i;

	if (!d || depth > 16)
		return false;
	if (d->kind == HOST_NIC)
		return true;
	if (d->kind == HOST_BOND)
		for (i = 0; i < d->nports; i++)
			if (leads_to_nic(d->ports[i], depth + 1))
				return true;
	return leads_to_nic(d->lower, depth + 1);
}

static void down_walk(struct way_walk *w, struct host_dev *d)
{
	size_t i;

	if (!d || d->mark == w->h->mark)
		return;
	way_put(w, d);
	if (d->kind == HOST_BOND || d->kind == HOST_BRIDGE || d->kind == HOST_OVS)
		for (i = 0; i < d->nports; i++)
			down_walk(w, d->ports[i]);
	down_walk(w, d->lower);
	if (d->peer && d->peer->mark != w->h->mark) {
		way_put(w, d->peer);
		up_walk(w, d->peer);
	}
}

/* Of the ports of a bridge that is reached from below: those that lead to hardware */
static void uplinks_walk(struct way_walk *w, struct host_dev *bridge)
{
	size_t i;

	for (i = 0; i < bridge->nports; i++)
		if (leads_to_nic(bridge->ports[i], 0))
			down_walk(w, bridge->ports[i]);
}

static void up_walk(struct way_walk *w, struct host_dev *d)
{
	size_t i;

	if (d->master && d->master->mark != w->h->mark) {
		way_put(w, d->master);
		if (d->master->kind == HOST_BRIDGE || d->master->kind == HOST_OVS)
			uplinks_walk(w, d->master);
		up_walk(w, d->master);
	}
	for (i = 0; i < d->nuppers; i++)
		if (d->uppers[i]->mark != w->h->mark) {
			way_put(w, d->uppers[i]);
			up_walk(w, d->uppers[i]);
		}
}

/* From hardware: all that it leads to, through every port of every bridge */
static void out_walk(struct way_walk *w, struct host_dev *d)
{
	size_t i;

	if (!d)
		return;
	for (i = 0; i < d->nuppers; i++)
		if (d->uppers[i]->mark != w->h->mark) {
			way_put(w, d->uppers[i]);
			out_walk(w, d->uppers[i]);
		}
	if (!d->master || d->master->mark == w->h->mark)
		return;
	way_put(w, d->master);
	if (d->master->kind != HOST_BOND)
		for (i = 0; i < d->master->nports; i++)
			down_walk(w, d->master->ports[i]);
	out_walk(w, d->master);
}

static int procs_put(struct host *h, struct host_way *way)
{
	size_t i, j;

	for (i = 0; i < h->nprocs; i++) {
		struct host_proc *p = h->procs[i];
		void *more;

		for (j = 0; j < p->ntapqs; j++)
			if (p->tapqs[j]->dev->mark == h->mark)
				break;
		if (j == p->ntapqs)
			continue;
		more = reallocarray(way->procs, way->nprocs + 1, sizeof(*way->procs));
		if (!more)
			return -ENOMEM;
		way->procs = more;
		way->procs[way->nprocs++] = p;
	}
	return 0;
}

int host_way(struct host *h, struct host_dev *dev, struct host_way *way)
{
	struct way_walk w = { .h = h, .way = way };
	size_t i;
	int err;

	memset(way, 0, sizeof(*way));
	h->mark++;
	for (i = 0; !dev && i < h->ndevs; i++)
		way_put(&w, h->devs[i]);
	if (dev && dev->kind == HOST_NIC) {
		way_put(&w, dev);
		out_walk(&w, dev);
	} else if (dev) {
		down_walk(&w, dev);
		up_walk(&w, dev);
	}
	err = w.err ? w.err : procs_put(h, way);
	if (err)
		host_way_free(way);
	return err;
}

void host_way_free(struct host_way *way)
{
	free(way->devs);
	free(way->procs);
	memset(way, 0, sizeof(*way));
}

/* --- forwarding databases --------------------------------------------------------------------- */

struct fdb_find {
	struct host *h;
	struct host_netns *ns;
	const __u8 *mac;
	struct host_dev **ports;
	size_t n;
};

static int fdb_msg(const struct nlmsghdr *nlh, void *ctx)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[NDA_MAX + 1];
	struct fdb_find *f = ctx;
	struct host_dev *d;
	__u8 mac[6];
	void *more;
	size_t i;

	nl_attrs(nlh, sizeof(*ndm), tb, NDA_MAX);
	if (!nl_copy(tb[NDA_LLADDR], mac, sizeof(mac)) || memcmp(mac, f->mac, sizeof(mac)))
		return MNL_CB_OK;
	d = host_find_index(f->h, f->ns, ndm->ndm_ifindex);
	/* a port's own address is there too: it is not behind the port */
	if (!d || (ndm->ndm_state & NUD_PERMANENT && !memcmp(d->mac, mac, sizeof(mac))))
		return MNL_CB_OK;
	for (i = 0; i < f->n; i++)
		if (f->ports[i] == d)
			return MNL_CB_OK;
	more = reallocarray(f->ports, f->n + 1, sizeof(*f->ports));
	if (!more) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	f->ports = more;
	f->ports[f->n++] = d;
	return MNL_CB_OK;
}

static int fdb_dump(void *ctx)
{
	struct nlmsghdr *nlh;
	struct ndmsg *ndm;
	char buf[NL_BYTES];
	struct nl nl;
	int err = nl_open(&nl, NETLINK_ROUTE);

	if (err)
		return err;
	nlh = nl_request(buf, RTM_GETNEIGH, NLM_F_DUMP, sizeof(*ndm), &ndm);
	ndm->ndm_family = AF_BRIDGE;
	err = nl_call(&nl, nlh, fdb_msg, ctx);
	nl_close(&nl);
	return err;
}

int host_find_mac(struct host *h, const __u8 mac[6], struct host_dev ***ports)
{
	struct fdb_find f = { .h = h, .mac = mac };
	size_t i, j;
	int err = 0;

	for (i = 0; !err && i < h->nnetns; i++) {
		bool bridge = false;

		f.ns = h->netns[i];
		for (j = 0; j < f.ns->ndevs; j++)
			bridge |= h->devs[f.ns->first + j]->kind == HOST_BRIDGE ||
				  h->devs[f.ns->first + j]->kind == HOST_VXLAN;
		if (bridge)
			err = netns_run(f.ns->path, f.ns->netns, fdb_dump, &f);
	}
	if (err) {
		free(f.ports);
		return err;
	}
	*ports = f.ports;
	return f.n;
}
