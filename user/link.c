// SPDX-License-Identifier: GPL-2.0
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"

bool link_parse(const struct nlmsghdr *nlh, struct link_msg *out)
{
	const struct nlattr *tb[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct device *d = &out->dev;

	if (ifi->ifi_family != AF_UNSPEC)
		return false;
	nl_attrs(nlh, sizeof(*ifi), tb, IFLA_MAX);
	if (!tb[IFLA_IFNAME] || tb[IFLA_WIRELESS])
		return false;
	nl_nested(tb[IFLA_LINKINFO], info, IFLA_INFO_MAX);
	memset(out, 0, sizeof(*out));
	out->new_nsid = tb[IFLA_NEW_NETNSID] ? (int)nl_u32(tb[IFLA_NEW_NETNSID]) : -1;
	d->ifindex = ifi->ifi_index;
	d->master = nl_u32(tb[IFLA_MASTER]);
	snprintf(d->name, sizeof(d->name), "%s", nl_str(tb[IFLA_IFNAME]));
	d->kind = host_pl_kind(host_kind_of(nl_str(info[IFLA_INFO_KIND]), d->name, ifi->ifi_type));
	snprintf(d->driver, sizeof(d->driver), "%.31s", nl_str(info[IFLA_INFO_KIND]));
	return true;
}

void link_driver_read(struct device *d)
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

/* State of one dump */
struct dump {
	struct devices *all;
	__u32 netns;
	const char *netns_name;
};

static int dump_msg(const struct nlmsghdr *nlh, void *data)
{
	struct dump *s = data;
	struct link_msg msg;

	if (!link_parse(nlh, &msg))
		return MNL_CB_OK;
	msg.dev.netns = s->netns;
	msg.dev.own = s->netns == s->all->own;
	if (!msg.dev.own)
		snprintf(msg.dev.netns_name, sizeof(msg.dev.netns_name), "%s", s->netns_name);
	else if (!*msg.dev.driver)
		link_driver_read(&msg.dev);
	if (!devices_put(s->all, &msg.dev))
		return MNL_CB_OK;
	errno = ENOMEM;
	return MNL_CB_ERROR;
}

int links_dump(struct devices *all, __u32 netns, const char *netns_name)
{
	struct dump s = { .all = all, .netns = netns, .netns_name = netns_name };
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh;
	char buf[NL_BYTES];
	struct nl nl;
	int err;

	err = nl_open(&nl, NETLINK_ROUTE);
	if (err)
		return err;
	nlh = nl_request(buf, RTM_GETLINK, NLM_F_DUMP, sizeof(*ifi), &ifi);
	err = nl_call(&nl, nlh, dump_msg, &s);
	nl_close(&nl);
	return err;
}

static int nsid_msg(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[NETNSA_MAX + 1];

	nl_attrs(nlh, sizeof(struct rtgenmsg), tb, NETNSA_MAX);
	if (nlh->nlmsg_type == RTM_NEWNSID && tb[NETNSA_NSID])
		*(int *)data = (int)nl_u32(tb[NETNSA_NSID]);
	return MNL_CB_OK;
}

int link_nsid(struct nl *nl, const char *path, __u32 *inode)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), nsid = -1;
	struct rtgenmsg *gen;
	struct nlmsghdr *nlh;
	char buf[NL_BYTES];
	struct stat st;

	if (fd < 0)
		return -1;
	nlh = nl_request(buf, RTM_GETNSID, 0, sizeof(*gen), &gen);
	gen->rtgen_family = AF_UNSPEC;
	mnl_attr_put_u32(nlh, NETNSA_FD, fd);
	*inode = fstat(fd, &st) ? 0 : st.st_ino;
	/* what is no namespace's file is refused */
	if (nl_call(nl, nlh, nsid_msg, &nsid))
		nsid = -1;
	close(fd);
	return nsid;
}
