// SPDX-License-Identifier: GPL-2.0
/* From what a user asks for to the trees that show it */
#include "path_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Hardware that a device's packets can come from or go to */
struct uplinks {
	struct host *h;
	struct path *p;
	struct host_dev **nics;
	size_t n;
	const struct host_dev *from;
};

static void uplinks_walk(struct uplinks *u, struct host_dev *d, const struct host_dev *from, bool up);

static void uplink_step(void *ctx, struct host_dev *next, bool up)
{
	struct uplinks *u = ctx;

	uplinks_walk(u, next, u->from, up);
}

static void uplinks_walk(struct uplinks *u, struct host_dev *d, const struct host_dev *from, bool up)
{
	const struct host_dev *before = u->from;
	struct host_dev **slot;

	if (d->mark == u->h->mark)
		return;
	d->mark = u->h->mark;
	if (d->kind == HOST_NIC) {
		slot = path_add(u->p, u->nics, u->n);
		if (slot)
			*slot = d;
	}
	u->from = d;
	host_next(d, from, up, uplink_step, u);
	u->from = before;
}

static void uplinks_find(struct uplinks *u, const struct path_targets *t)
{
	u->h->mark++;
	for (size_t i = 0; i < t->n; i++) {
		uplinks_walk(u, t->devs[i], NULL, true);
		/* the way down from the device itself, which has its mark already */
		u->from = t->devs[i];
		host_next(t->devs[i], NULL, false, uplink_step, u);
	}
}

/* Leaves of a tree; more than one is enough to know */
static size_t leaves(const struct path_elem *e, const struct path_elem **last)
{
	size_t n = 0;

	if (!e->nnext) {
		*last = e;
		return 1;
	}
	for (size_t i = 0; i < e->nnext && n < 2; i++)
		n += leaves(e->next[i], last);
	return n;
}

static void trees_drop(struct path *p, size_t nroots)
{
	p->nroots = nroots;
	memset(p->elem_of, 0, p->host->ndevs * sizeof(*p->elem_of));
}

/* Where it does not come from hardware: begin at the end that is not the guest */
static void device_grow(struct path *p, struct host_dev *d)
{
	const struct path_elem *last = NULL;
	size_t before = p->nroots;
	struct host_dev *end;
	bool up;

	while (d->lower)
		d = d->lower;
	up = d->kind != HOST_VETH || !path_is_end(d);
	if (p->elem_of[d->nr])
		return;
	if (d->kind == HOST_BRIDGE || d->kind == HOST_OVS || d->kind == HOST_BOND) {
		path_grow(p, NULL, d, true, false);
		return;
	}
	/* a veth's port of a bridge: begin at its other end */
	if (d->kind == HOST_VETH && up && d->peer && path_is_end(d->peer)) {
		path_grow_root(p, d->peer, false, false);
		return;
	}
	path_grow_root(p, d, up, false);
	if (d->kind != HOST_TAP || before || leaves(p->roots[0], &last) != 1 || !last->dev)
		return;
	end = last->dev;
	if (end->kind != HOST_VETH || !path_is_end(end))
		return;
	trees_drop(p, 0);
	path_grow_root(p, end, false, false);
}

void path_of_targets(struct path *p, struct host *h, const struct path_targets *t)
{
	struct uplinks u = { .h = h, .p = p };
	bool nic = false;
	size_t i;

	for (i = 0; i < t->n; i++)
		nic |= t->devs[i]->kind == HOST_NIC;
	if (nic) {
		for (i = 0; i < t->n; i++)
			path_grow(p, NULL, t->devs[i], true, false);
	} else {
		uplinks_find(&u, t);
		for (i = 0; i < u.n; i++)
			path_grow(p, NULL, u.nics[i], true, true);
		for (i = 0; !u.n && i < t->n; i++)
			device_grow(p, t->devs[i]);
	}
	path_prune(p, t);
}

/* A bridge between two ends is a way; one between many is where its ways begin */
static struct host_dev *bridge_begin(struct host_dev *bridge)
{
	for (size_t i = 0; bridge->nports == 2 && i < 2; i++) {
		struct host_dev *port = bridge->ports[i];

		if (port->kind == HOST_VETH && port->peer && path_is_end(port->peer))
			return port->peer;
	}
	return NULL;
}

static bool rest_is_way(const struct host_dev *d)
{
	switch (d->kind) {
	case HOST_TAP:
	case HOST_TUN:
		return d->ntapqs;
	case HOST_VETH:
		return d->peer;
	case HOST_BOND:
		return d->nports;
	default:
		return false;
	}
}

void path_all(struct path *p, struct host *h)
{
	struct host_dev *d, *begin, **slot;
	size_t i;

	for (i = 0; i < h->ndevs; i++)
		if (h->devs[i]->kind == HOST_NIC && !p->elem_of[i])
			path_grow(p, NULL, h->devs[i], true, false);
	for (i = 0; i < h->ndevs; i++) {
		d = h->devs[i];
		if ((d->kind != HOST_BRIDGE && d->kind != HOST_OVS) || p->elem_of[i] || !d->nports)
			continue;
		begin = bridge_begin(d);
		if (begin && !p->elem_of[begin->nr])
			path_grow_root(p, begin, false, false);
		else
			path_grow(p, NULL, d, true, false);
	}
	for (i = 0; i < h->ndevs; i++) {
		d = h->devs[i];
		if (!p->elem_of[i] && rest_is_way(d))
			path_grow_root(p, d, d->kind != HOST_VETH || !path_is_end(d), false);
		if (p->elem_of[i] || d->kind == HOST_LOOPBACK)
			continue;
		slot = path_add(p, p->alone, p->nalone);
		if (slot)
			*slot = d;
	}
}

/* --- what was asked for ------------------------------------------------------------------------- */

static struct host_dev *target_add(struct path *p, struct path_targets *t, struct host_dev *d)
{
	struct host_dev **slot;

	for (size_t i = 0; i < t->n; i++)
		if (t->devs[i] == d)
			return d;
	slot = path_add(p, t->devs, t->n);
	if (slot)
		*slot = d;
	return d;
}

static int by_device(struct path *p, struct host *h, const char *name, char *err, size_t errlen)
{
	struct path_targets t = {};
	struct host_dev *d;
	bool several;

	d = host_find(h, name, &several);
	if (!d && several)
		snprintf(err, errlen, "device %s is in several network namespaces: name one, as in %s@NETNS",
			 name, name);
	else if (!d)
		snprintf(err, errlen, "no such device: %s (`ip link` lists them)%s", name,
			 h->netns_unseen ? "; other network namespaces are not seen: no CAP_SYS_ADMIN" : "");
	if (!d)
		return -ENODEV;
	target_add(p, &t, d);
	path_of_targets(p, h, &t);
	if (!p->nroots)
		path_elem_add(p, NULL, d, true);
	return 0;
}

static int by_pid(struct path *p, struct host *h, __u32 pid, char *err, size_t errlen)
{
	struct path_targets t = { .proc = host_find_proc(h, pid) };

	if (!t.proc) {
		snprintf(err, errlen, "process %u has no tap and no vhost-net open, or is not there, or not ours to see",
			 pid);
		return -ENODEV;
	}
	for (size_t i = 0; i < t.proc->ntapqs; i++)
		target_add(p, &t, t.proc->tapqs[i]->dev);
	if (!t.n) {
		snprintf(err, errlen, "process %u (%s) has no tap or macvtap that can be seen from here", pid,
			 t.proc->task->comm);
		return -ENODEV;
	}
	path_of_targets(p, h, &t);
	return 0;
}

static bool leads_to_guest(const struct host_dev *d)
{
	return d->kind == HOST_TAP || d->kind == HOST_MACVTAP || d->kind == HOST_VETH;
}

static int path_mac_targets(struct path *p, struct host *h, const __u8 mac[6], struct path_targets *t)
{
	struct host_dev **ports = NULL;
	bool guest = false;
	size_t i;
	int n = host_find_mac(h, mac, &ports);

	if (n < 0)
		return n;
	for (i = 0; i < (size_t)n; i++)
		guest |= leads_to_guest(ports[i]);
	/* a MAC is learned at uplinks of other bridges too: the port next to it is what is asked for */
	for (i = 0; i < (size_t)n; i++)
		if (!guest || leads_to_guest(ports[i]))
			target_add(p, t, ports[i]);
	for (i = 0; i < (size_t)n; i++)
		path_note(p, "%02x:%02x:%02x:%02x:%02x:%02x is behind %s%s%s", mac[0], mac[1], mac[2], mac[3],
			  mac[4], mac[5], ports[i]->label, ports[i]->master ? " by the table of " : "",
			  ports[i]->master ? ports[i]->master->label : "");
	free(ports);
	for (i = 0; !t->n && i < h->ndevs; i++)
		if (h->devs[i]->has_mac && !memcmp(h->devs[i]->mac, mac, 6)) {
			target_add(p, t, h->devs[i]);
			path_note(p, "it is the address of %s itself", h->devs[i]->label);
		}
	return 0;
}

static int by_mac(struct path *p, struct host *h, const char *text, char *err, size_t errlen)
{
	struct path_targets t = {};
	__u8 m[6];
	int n = 0, ret;

	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx%n", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5], &n) != 6 ||
	    text[n]) {
		snprintf(err, errlen, "not a MAC address: %s (as in 52:54:00:12:34:56)", text);
		return -EINVAL;
	}
	ret = path_mac_targets(p, h, m, &t);
	if (ret) {
		snprintf(err, errlen, "cannot read the forwarding databases: %s", strerror(-ret));
		return ret;
	}
	if (!t.n) {
		snprintf(err, errlen, "no bridge knows %s, and no device has it: it has not sent lately, or is not behind this host",
			 text);
		return -ENODEV;
	}
	path_of_targets(p, h, &t);
	return 0;
}

static void elems_number(struct path *p, struct path_elem *e)
{
	struct path_elem **slot = path_add(p, p->elems, p->nelems);

	if (slot)
		*slot = e;
	e->id = p->nelems;
	if (!e->again)
		path_hops_add(p, e);
	for (size_t i = 0; i < e->nnext; i++)
		elems_number(p, e->next[i]);
}

int path_new(struct host *h, const struct path_query *q, struct path **out, char *err, size_t errlen)
{
	struct path *p = calloc(1, sizeof(*p));
	int ret = 0;

	if (!p)
		goto nomem;
	p->host = h;
	p->cover_why = "";
	for (int hop = 0; hop < PL_NR_HOPS; hop++)
		p->cover[hop] = (struct path_cover){ "untried", "", "", "", "" };
	p->elem_of = arena_alloc(&p->mem, h->ndevs + 1, sizeof(*p->elem_of));
	if (!p->elem_of)
		goto nomem;
	if (q->dev)
		ret = by_device(p, h, q->dev, err, errlen);
	else if (q->pid)
		ret = by_pid(p, h, q->pid, err, errlen);
	else if (q->mac)
		ret = by_mac(p, h, q->mac, err, errlen);
	else if (q->src)
		ret = path_flow(p, h, q->src, q->dst, err, errlen);
	else
		path_all(p, h);
	p->brief = !q->dev && !q->pid && !q->mac && !q->src;
	for (size_t i = 0; !ret && i < p->nroots; i++)
		elems_number(p, p->roots[i]);
	if (p->mem.failed)
		goto nomem;
	if (ret)
		path_free(p);
	else
		*out = p;
	return ret;
nomem:
	path_free(p);
	snprintf(err, errlen, "out of memory");
	return -ENOMEM;
}

void path_free(struct path *p)
{
	if (!p)
		return;
	arena_free(&p->mem);
	free(p);
}
