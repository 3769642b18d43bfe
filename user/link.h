/* SPDX-License-Identifier: GPL-2.0 */
/* rtnetlink messages about network devices */
#ifndef PKTLAP_LINK_H
#define PKTLAP_LINK_H

#include "devices.h"
#include "nl.h"

struct link_msg {
	struct device dev; /* netns, own, netns_name and master_name are the caller's to fill in */
	int new_nsid; /* RTM_DELLINK: the namespace that it went to; -1: none, it is gone */
};

/*
 * Take an RTM_NEWLINK or RTM_DELLINK apart. False: it tells nothing about the device itself (a
 * bridge's view of a port, a wireless event). driver is left empty for hardware.
 */
bool link_parse(const struct nlmsghdr *nlh, struct link_msg *out);

/* The driver of hardware, from sysfs: of the own namespace's devices only */
void link_driver_read(struct device *dev);

/*
 * List the devices of the namespace that this thread is in into all, as of netns. 0 or -errno.
 */
int links_dump(struct devices *all, __u32 netns, const char *netns_name);

/*
 * The number that nl's namespace has given to the one that path (/run/netns/NAME,
 * /proc/PID/ns/net) opens, and its inode; -1: none. Takes no privilege but to open path.
 */
int link_nsid(struct nl *nl, const char *path, __u32 *inode);

#endif
