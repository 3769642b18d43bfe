// SPDX-License-Identifier: GPL-2.0
#include "devices_watch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "link.h"

/* 1000 veths make about 8000 messages; the memory is taken only by those that wait */
#define QUEUE_BYTES (32 << 20)
#define READ_MAX    4096 /* messages in one call: events of packets wait meanwhile */

struct devices_watch {
	struct mnl_socket *nl; /* notifications only */
	struct nl ask; /* questions only */
	__u64 empty_ns; /* when there was last nothing more to read */
	unsigned char buf[65536];
};

/* One call of devices_watch_read() */
struct reading {
	struct devices_watch *w;
	struct devices *all;
	device_change_fn fn;
	void *ctx;
	__u64 now;
	int nsid; /* of the message at hand; -1: the own namespace */
	int err;
};

static int group_join(int fd, int group)
{
	return setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) ? -errno : 0;
}

int devices_watch_open(struct devices_watch **out)
{
	struct devices_watch *w = calloc(1, sizeof(*w));
	int bytes = QUEUE_BYTES, one = 1, fd, err;

	if (!w)
		return -ENOMEM;
	w->empty_ns = clock_mono_ns();
	w->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	err = w->nl ? nl_open(&w->ask, NETLINK_ROUTE) : -errno;
	if (err)
		goto fail;
	fd = mnl_socket_get_fd(w->nl);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (mnl_socket_bind(w->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		err = -errno;
	/* refused without CAP_NET_BROADCAST: then it is the own namespace only */
	setsockopt(fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &one, sizeof(one));
	if (!err)
		err = group_join(fd, RTNLGRP_LINK) ?: group_join(fd, RTNLGRP_NSID);
	if (err)
		goto fail;
	*out = w;
	return 0;
fail:
	devices_watch_close(w);
	return err;
}

void devices_watch_close(struct devices_watch *w)
{
	if (!w)
		return;
	if (w->nl)
		mnl_socket_close(w->nl);
	nl_close(&w->ask);
	free(w);
}

int devices_watch_fd(const struct devices_watch *w)
{
	return mnl_socket_get_fd(w->nl);
}

/* --- namespaces ----------------------------------------------------------------------------- */

static struct known_netns *netns_by_nsid(const struct devices *all, int nsid)
{
	size_t i;

	for (i = 0; i < all->nnetns; i++)
		if (all->netns[i].nsid == nsid)
			return &all->netns[i];
	return NULL;
}

/* A namespace that came while the recording runs is known if it has a name */
static struct known_netns *netns_find(struct reading *r, int nsid)
{
	static const char *const dirs[] = { "/run/netns", "/run/docker/netns" };
	struct known_netns *ns = NULL;
	char path[PATH_MAX];
	struct dirent *e;
	__u32 inode;
	size_t i;
	DIR *d;

	for (i = 0; !ns && i < sizeof(dirs) / sizeof(*dirs); i++) {
		d = opendir(dirs[i]);
		if (!d)
			continue;
		while (!ns && (e = readdir(d))) {
			snprintf(path, sizeof(path), "%s/%s", dirs[i], e->d_name);
			if (*e->d_name == '.' || link_nsid(&r->w->ask, path, &inode) != nsid)
				continue;
			ns = devices_netns_add(r->all, inode, e->d_name);
			if (!ns) {
				r->err = -ENOMEM;
				break;
			}
			ns->nsid = nsid;
		}
		closedir(d);
	}
	return ns;
}

static struct known_netns *netns_of(struct reading *r, int nsid)
{
	if (nsid < 0)
		return devices_netns(r->all, r->all->own);
	return netns_by_nsid(r->all, nsid) ?: netns_find(r, nsid);
}

/* --- changes -------------------------------------------------------------------------------- */

static void tell(struct reading *r, enum device_event what, const struct device *dev,
		 const char *was, const char *to)
{
	struct device_change c = {
		.what = what,
		.after_ns = r->w->empty_ns,
		.time_ns = r->now,
		.dev = *dev,
	};

	snprintf(c.was, sizeof(c.was), "%s", was);
	snprintf(c.to, sizeof(c.to), "%s", to);
	if (!r->err)
		r->err = r->fn(r->ctx, &c);
}

/* A bridge has another name: its ports belong to what is called so now */
static void ports_tell(struct reading *r, const struct device *master, const char *was)
{
	struct device *d;
	size_t i;

	for (i = 0; i < r->all->n; i++) {
		d = &r->all->dev[i];
		if (!d->ifindex || d->netns != master->netns || d->master != master->ifindex)
			continue;
		memcpy(d->master_name, master->name, sizeof(d->master_name));
		tell(r, DEVICE_MASTER, d, was, "");
	}
}

static void link_new(struct reading *r, struct device *now)
{
	struct device *row = devices_get(r->all, now->netns, now->ifindex);
	struct device was = { 0 };

	if (row)
		was = *row;
	if (!*now->driver && row)
		memcpy(now->driver, row->driver, sizeof(now->driver));
	else if (!*now->driver && now->own)
		link_driver_read(now);
	r->err = devices_put(r->all, now);
	if (r->err)
		return;
	*now = *devices_get(r->all, now->netns, now->ifindex);
	if (!row) {
		tell(r, DEVICE_APPEARED, now, "", "");
		return;
	}
	if (was.master != now->master)
		tell(r, now->master ? DEVICE_JOINED : DEVICE_LEFT, now, was.master_name, "");
	if (strcmp(was.name, now->name)) {
		tell(r, DEVICE_RENAMED, now, was.name, "");
		ports_tell(r, now, was.name);
	}
}

static void link_gone(struct reading *r, const struct link_msg *msg)
{
	struct device *row = devices_get(r->all, msg->dev.netns, msg->dev.ifindex), was;
	const struct known_netns *to = NULL;

	if (!row)
		return;
	was = *row;
	/* the number is the one that the namespace it was in has given to the new one */
	if (msg->new_nsid >= 0 && was.own)
		to = netns_of(r, msg->new_nsid);
	devices_remove(r->all, row);
	tell(r, msg->new_nsid >= 0 ? DEVICE_MOVED : DEVICE_GONE, &was, "", to ? to->name : "");
}

static int link_msg(struct reading *r, const struct nlmsghdr *nlh)
{
	struct link_msg msg;
	const struct known_netns *ns;

	if (!link_parse(nlh, &msg))
		return MNL_CB_OK;
	ns = netns_of(r, r->nsid);
	if (!ns) /* one without a name: what its events are called is not known */
		return MNL_CB_OK;
	msg.dev.netns = ns->inode;
	msg.dev.own = ns->inode == r->all->own;
	if (!msg.dev.own)
		snprintf(msg.dev.netns_name, sizeof(msg.dev.netns_name), "%s", ns->name);
	if (nlh->nlmsg_type == RTM_NEWLINK)
		link_new(r, &msg.dev);
	else
		link_gone(r, &msg);
	return r->err ? MNL_CB_STOP : MNL_CB_OK;
}

/* The namespace has ended; its devices are gone, but the kernel does not say so to others */
static int netns_gone(struct reading *r, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[NETNSA_MAX + 1];
	struct known_netns *ns;
	struct device was;
	int nsid = -1;
	__u32 inode;
	size_t i;

	nl_attrs(nlh, sizeof(struct rtgenmsg), tb, NETNSA_MAX);
	if (tb[NETNSA_NSID])
		nsid = (int)nl_u32(tb[NETNSA_NSID]);
	ns = nsid < 0 || r->nsid >= 0 ? NULL : netns_by_nsid(r->all, nsid);
	if (!ns || ns->inode == r->all->own)
		return MNL_CB_OK;
	inode = ns->inode;
	*ns = r->all->netns[--r->all->nnetns];
	for (i = 0; i < r->all->n && !r->err; i++) {
		was = r->all->dev[i];
		if (!was.ifindex || was.netns != inode)
			continue;
		devices_remove(r->all, &r->all->dev[i]);
		tell(r, DEVICE_GONE, &was, "", "");
	}
	return r->err ? MNL_CB_STOP : MNL_CB_OK;
}

static int message(const struct nlmsghdr *nlh, void *data)
{
	struct reading *r = data;

	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return link_msg(r, nlh);
	case RTM_DELNSID:
		return netns_gone(r, nlh);
	default:
		return MNL_CB_OK;
	}
}

/* --- the socket ----------------------------------------------------------------------------- */

/* Length of the next datagram, and the namespace that it is from; 0: none, or -errno */
static ssize_t receive(struct reading *r)
{
	char control[CMSG_SPACE(sizeof(int)) * 2];
	struct iovec iov = { r->w->buf, sizeof(r->w->buf) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	ssize_t n;

	n = recvmsg(mnl_socket_get_fd(r->w->nl), &msg, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	r->nsid = -1;
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_NETLINK && c->cmsg_type == NETLINK_LISTEN_ALL_NSID)
			memcpy(&r->nsid, CMSG_DATA(c), sizeof(r->nsid));
	return n;
}

/* The queue was full. What the own namespace looks like now can be asked for, no other's */
static void missed(struct reading *r)
{
	struct devices now = { .own = r->all->own };
	const struct device none = { .netns = r->all->own, .own = true };
	struct device dev;
	size_t i;

	tell(r, DEVICES_MISSED, &none, "", "");
	if (links_dump(&now, now.own, ""))
		goto out;
	for (i = 0; i < r->all->n && !r->err; i++) {
		dev = r->all->dev[i];
		if (!dev.own || !dev.ifindex || devices_get(&now, dev.netns, dev.ifindex))
			continue;
		devices_remove(r->all, &r->all->dev[i]);
		tell(r, DEVICE_GONE, &dev, "", "");
	}
	for (i = 0; i < now.n && !r->err; i++)
		link_new(r, &now.dev[i]);
out:
	devices_free(&now);
}

int devices_watch_read(struct devices_watch *w, struct devices *all, device_change_fn fn,
		       void *ctx)
{
	struct reading r = { .w = w, .all = all, .fn = fn, .ctx = ctx };
	int n, count;

	for (count = 0; !r.err && count < READ_MAX; count++) {
		__u64 before = clock_mono_ns();

		n = receive(&r);
		if (!n) {
			w->empty_ns = before;
			break;
		}
		r.now = clock_mono_ns();
		if (n == -ENOBUFS)
			missed(&r);
		else if (n < 0)
			return n;
		else
			mnl_cb_run(w->buf, n, 0, 0, message, &r);
	}
	return r.err;
}
