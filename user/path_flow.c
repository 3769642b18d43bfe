// SPDX-License-Identifier: GPL-2.0
/*
 * The way of a flow: where each of its two addresses is, by this host's addresses, routes,
 * neighbours and forwarding databases, and what lies between.
 */
#include "path_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netns.h"

struct addr {
	__u8 family, bytes[16], len;
	char text[INET6_ADDRSTRLEN];
	const char *netns; /* "10.0.0.1@NETNS"; NULL */
};

/* Where one end of the flow is */
struct place {
	struct addr addr;
	bool local; /* an address of dev: the packets begin or end in its namespace's stack */
	struct host_dev *dev; /* the device that the route, or the address, names */
	struct host_dev *port; /* behind which it is: a port of dev where dev is a bridge */
};

static int addr_parse(const char *text, struct addr *a)
{
	size_t len = strcspn(text, "@");

	if (len >= sizeof(a->text))
		return -EINVAL;
	memcpy(a->text, text, len);
	a->text[len] = 0;
	a->netns = text[len] ? text + len + 1 : NULL;
	a->family = strchr(a->text, ':') ? AF_INET6 : AF_INET;
	a->len = a->family == AF_INET ? 4 : 16;
	return inet_pton(a->family, a->text, a->bytes) == 1 ? 0 : -EINVAL;
}

/* The device that has the address: of the namespace that is named, the own one, the only one */
static struct host_dev *addr_owner(const struct host *h, const struct addr *a, bool *several)
{
	struct host_dev *found = NULL;
	size_t i, j;

	*several = false;
	for (i = 0; i < h->ndevs; i++) {
		struct host_dev *d = h->devs[i];

		for (j = 0; j < d->naddrs; j++)
			if (d->addrs[j].family == a->family && !memcmp(d->addrs[j].bytes, a->bytes, a->len))
				break;
		if (j == d->naddrs)
			continue;
		if (a->netns ? !strcmp(a->netns, d->ns->name) : d->ns->own)
			return d;
		if (a->netns)
			continue;
		*several |= found && found->ns != d->ns;
		found = d;
	}
	return *several ? NULL : found;
}

struct route {
	struct host *h;
	struct host_netns *ns;
	struct host_dev *dev;
	struct addr via; /* gateway; family 0: none */
};

static int route_msg(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nlattr *tb[RTA_MAX + 1];
	struct route *r = ctx;

	nl_attrs(nlh, sizeof(struct rtmsg), tb, RTA_MAX);
	r->dev = host_find_index(r->h, r->ns, nl_u32(tb[RTA_OIF]));
	if (nl_copy(tb[RTA_GATEWAY], r->via.bytes, sizeof(r->via.bytes))) {
		r->via.family = mnl_attr_get_payload_len(tb[RTA_GATEWAY]) == 4 ? AF_INET : AF_INET6;
		r->via.len = r->via.family == AF_INET ? 4 : 16;
	}
	return MNL_CB_OK;
}

/* What the kernel would do with a packet to dst; from src, as received by iif where it is not 0 */
static int route_ask(struct route *r, const struct addr *dst, const struct addr *src, __u32 iif)
{
	struct nlmsghdr *nlh;
	struct rtmsg *rtm;
	char buf[NL_BYTES];
	struct nl nl;
	int err = nl_open(&nl, NETLINK_ROUTE);

	if (err)
		return err;
	nlh = nl_request(buf, RTM_GETROUTE, 0, sizeof(*rtm), &rtm);
	rtm->rtm_family = dst->family;
	rtm->rtm_dst_len = dst->len * 8;
	mnl_attr_put(nlh, RTA_DST, dst->len, dst->bytes);
	if (src) {
		rtm->rtm_src_len = src->len * 8;
		mnl_attr_put(nlh, RTA_SRC, src->len, src->bytes);
	}
	if (iif)
		mnl_attr_put_u32(nlh, RTA_IIF, iif);
	err = nl_call(&nl, nlh, route_msg, r);
	nl_close(&nl);
	return err;
}

struct neigh {
	struct host *h;
	struct host_netns *ns;
	const struct addr *addr;
	struct host_dev *on; /* only this device's; NULL: any */
	struct host_dev *dev;
	__u8 mac[6];
};

static int neigh_msg(const struct nlmsghdr *nlh, void *ctx)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[NDA_MAX + 1];
	struct neigh *n = ctx;
	struct host_dev *d;

	nl_attrs(nlh, sizeof(*ndm), tb, NDA_MAX);
	if (ndm->ndm_family != n->addr->family || !tb[NDA_DST] || !tb[NDA_LLADDR] || n->dev ||
	    mnl_attr_get_payload_len(tb[NDA_DST]) != n->addr->len ||
	    memcmp(mnl_attr_get_payload(tb[NDA_DST]), n->addr->bytes, n->addr->len))
		return MNL_CB_OK;
	d = host_find_index(n->h, n->ns, ndm->ndm_ifindex);
	if (!d || (n->on && d != n->on))
		return MNL_CB_OK;
	n->dev = d;
	nl_copy(tb[NDA_LLADDR], n->mac, sizeof(n->mac));
	return MNL_CB_OK;
}

static int neigh_dump(void *ctx)
{
	struct neigh *n = ctx;
	struct nlmsghdr *nlh;
	struct ndmsg *ndm;
	char buf[NL_BYTES];
	struct nl nl;
	int err = nl_open(&nl, NETLINK_ROUTE);

	if (err)
		return err;
	nlh = nl_request(buf, RTM_GETNEIGH, NLM_F_DUMP, sizeof(*ndm), &ndm);
	ndm->ndm_family = n->addr->family;
	err = nl_call(&nl, nlh, neigh_msg, n);
	nl_close(&nl);
	return err;
}

/* The port behind which a MAC address is; the device itself where it is no bridge */
static struct host_dev *port_of_mac(struct path *p, struct host *h, const __u8 mac[6], struct host_dev *dev)
{
	struct host_dev **ports = NULL, *port = NULL;
	int i, n = host_find_mac(h, mac, &ports);

	for (i = 0; i < n && !port; i++)
		if (!dev || ports[i] == dev || ports[i]->master == dev)
			port = ports[i];
	for (i = 0; i < n && !port && dev && dev->kind != HOST_BRIDGE; i++)
		port = ports[i];
	free(ports);
	if (port && port != dev)
		path_note(p, "%02x:%02x:%02x:%02x:%02x:%02x is behind %s by the table of %s", mac[0], mac[1],
			  mac[2], mac[3], mac[4], mac[5], port->label,
			  port->master ? port->master->label : port->label);
	return port;
}

static void neigh_note(struct path *p, const struct addr *a, const struct neigh *n)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(a->family, a->bytes, text, sizeof(text));
	path_note(p, "%s has %02x:%02x:%02x:%02x:%02x:%02x by the neighbours of %s", text, n->mac[0], n->mac[1],
		  n->mac[2], n->mac[3], n->mac[4], n->mac[5], n->dev->label);
}

/*
 * An address that no route of ours leads to may still be bridged here: other namespaces know it,
 * that of the other end before all
 */
static bool place_by_neighbours(struct path *p, struct host *h, struct place *pl, struct host_netns *other)
{
	struct neigh n = { .h = h, .addr = &pl->addr };
	size_t i;

	for (i = 0; i <= h->nnetns && !n.dev; i++) {
		n.ns = i ? h->netns[i - 1] : other;
		if (n.ns)
			netns_run(n.ns->path, n.ns->netns, neigh_dump, &n);
	}
	if (!n.dev)
		return false;
	neigh_note(p, &pl->addr, &n);
	pl->port = port_of_mac(p, h, n.mac, NULL);
	pl->dev = pl->port && pl->port->master ? pl->port->master : n.dev;
	if (!pl->port)
		pl->port = n.dev;
	return true;
}

static void place_by_route(struct path *p, struct host *h, struct place *pl, struct route *r)
{
	struct neigh n = { .h = h, .ns = r->ns, .on = r->dev };
	char via[INET6_ADDRSTRLEN] = "";

	pl->dev = pl->port = r->dev;
	if (r->via.family)
		inet_ntop(r->via.family, r->via.bytes, via, sizeof(via));
	path_note(p, "%s is routed to %s%s%s", pl->addr.text, r->dev->label, *via ? " via " : "", via);
	n.addr = r->via.family ? &r->via : &pl->addr;
	if (neigh_dump(&n) || !n.dev)
		return;
	neigh_note(p, n.addr, &n);
	pl->port = port_of_mac(p, h, n.mac, r->dev) ?: r->dev;
}

/* A local address of another namespace is, seen from the bridge, behind that device's port */
static void place_by_owner(struct path *p, struct host *h, struct place *pl, struct host_dev *owner)
{
	path_note(p, "%s is an address of %s", pl->addr.text, owner->label);
	pl->dev = pl->port = owner;
	pl->local = true;
	/* hardware in a namespace of its own, wired to another device of this host: a bridge knows it
	 * behind its uplink, and that is where packets come in */
	if (!owner->ns->own && owner->kind == HOST_NIC && owner->has_mac) {
		struct host_dev *port = port_of_mac(p, h, owner->mac, NULL);

		if (port && port != owner) {
			pl->port = port;
			pl->dev = port->master ? port->master : port;
			pl->local = false;
		}
	}
}

static int place_find(struct path *p, struct host *h, struct place *pl, struct host_netns *other,
		      char *err, size_t errlen)
{
	struct route r = { .h = h, .ns = h->netns[0] };
	struct host_dev *owner;
	bool several;
	int ret;

	owner = addr_owner(h, &pl->addr, &several);
	if (several) {
		snprintf(err, errlen, "address %s is in several network namespaces: name one, as in %s@NETNS",
			 pl->addr.text, pl->addr.text);
		return -ENODEV;
	}
	if (owner) {
		place_by_owner(p, h, pl, owner);
		return 0;
	}
	ret = route_ask(&r, &pl->addr, NULL, 0);
	if (!ret && r.dev && r.dev->kind != HOST_LOOPBACK) {
		/* the default route of the host is no proof where a bridge has it as a neighbour */
		if (r.via.family && place_by_neighbours(p, h, pl, other))
			return 0;
		place_by_route(p, h, pl, &r);
		return 0;
	}
	if (place_by_neighbours(p, h, pl, other))
		return 0;
	snprintf(err, errlen, "no way to %s: no route (%s), and no neighbour in any namespace", pl->addr.text,
		 ret ? strerror(-ret) : "unreachable");
	return -ENETUNREACH;
}

/* The device by which packets from src come in decides where they go */
static void forward_check(struct path *p, struct host *h, const struct place *src, struct place *dst)
{
	struct route r = { .h = h, .ns = h->netns[0] };

	if (src->local || dst->local || src->dev == dst->dev || !src->dev->ns->own)
		return;
	if (route_ask(&r, &dst->addr, &src->addr, src->dev->ifindex)) {
		path_note(p, "packets from %s that %s receives are not routed to %s (reverse path filter, policy or no forwarding)",
			  src->addr.text, src->dev->label, dst->addr.text);
		return;
	}
	if (r.dev && r.dev != dst->dev) {
		place_by_route(p, h, dst, &r);
		path_note(p, "by policy: from %s it goes to %s", src->addr.text, r.dev->label);
	}
}

static struct path_elem *elem_find(struct path_elem *e, const struct host_dev *d)
{
	struct path_elem *found;

	if (e->dev == d && e->what != PATH_STACK)
		return e;
	for (size_t i = 0; i < e->nnext; i++) {
		found = elem_find(e->next[i], d);
		if (found)
			return found;
	}
	return NULL;
}

/* A stack of the namespace that the tree leads to; NULL */
static struct path_elem *stack_find(struct path_elem *e, const struct host_netns *ns)
{
	struct path_elem *found = NULL;

	if (e->what == PATH_STACK && e->parent && e->dev->ns == ns)
		return e;
	for (size_t i = 0; i < e->nnext && !found; i++)
		found = stack_find(e->next[i], ns);
	return found;
}

/*
 * Routed: up to the device that has the route, through the stack, down from the other. False: what
 * comes from src does not get to the namespace that dst is in
 */
static bool routed_grow(struct path *p, struct path_elem *root, const struct place *src,
			const struct place *dst)
{
	struct path_elem *in = elem_find(root, src->dev), *stack;

	if (src->dev->ns != dst->dev->ns || src->local) {
		stack = stack_find(root, dst->dev->ns);
	} else {
		if (!in)
			in = root;
		in->nnext = 0;
		stack = path_stack_add(p, in, src->dev);
	}
	if (!stack)
		return false;
	/* what was drawn on the other branches is not on this way */
	memset(p->elem_of, 0, p->host->ndevs * sizeof(*p->elem_of));
	path_grow(p, stack, dst->dev, false, false);
	return true;
}

/* A packet for the device's own stack goes nowhere else from there */
static void end_in_stack(struct path *p, struct path_elem *e)
{
	e->nnext = 0;
	path_stack_add(p, e, e->dev);
}

static int grow(struct path *p, const struct place *src, const struct place *dst, char *err, size_t errlen)
{
	struct path_targets t = { .devs = (struct host_dev *[]){ dst->port }, .n = 1 };
	/* what this host, or a namespace, sends goes out where the route says, whatever its address is on */
	bool own_route = src->local && !dst->local && src->dev->ns == dst->dev->ns;
	struct path_elem *at = NULL;

	if (src->local)
		path_grow(p, path_stack_add(p, NULL, src->dev), own_route ? dst->dev : src->port, false, false);
	else
		path_grow_root(p, src->port, true, false);
	if (!p->nroots)
		return -ENOMEM;
	if (src->port == dst->port)
		return 0;
	at = elem_find(p->roots[0], dst->port);
	if (!at && !routed_grow(p, p->roots[0], src, dst)) {
		snprintf(err, errlen, "no way from %s to %s: nothing that can be seen leads from %s to %s",
			 src->addr.text, dst->addr.text, src->port->label, dst->port->label);
		return -ENETUNREACH;
	}
	if (at && dst->local)
		end_in_stack(p, at);
	path_prune(p, &t);
	return 0;
}

int path_flow(struct path *p, struct host *h, const char *src, const char *dst, char *err, size_t errlen)
{
	struct place a = {}, b = {};
	int ret;

	if (addr_parse(src, &a.addr) || addr_parse(dst, &b.addr)) {
		snprintf(err, errlen, "not an IP address: %s", addr_parse(src, &a.addr) ? src : dst);
		return -EINVAL;
	}
	if (a.addr.family != b.addr.family) {
		snprintf(err, errlen, "%s and %s are of different address families", src, dst);
		return -EINVAL;
	}
	ret = place_find(p, h, &a, NULL, err, errlen);
	if (!ret)
		ret = place_find(p, h, &b, a.local ? a.dev->ns : NULL, err, errlen);
	if (ret)
		return ret;
	forward_check(p, h, &a, &b);
	return grow(p, &a, &b, err, errlen);
}
