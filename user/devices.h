/* SPDX-License-Identifier: GPL-2.0 */
/* The network devices of this host, in every network namespace that can be found */
#ifndef PKTLAP_DEVICES_H
#define PKTLAP_DEVICES_H

#include <jansson.h>
#include <linux/types.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "catalogue.h"

struct device {
	__u32 netns; /* inode number of the namespace */
	__u32 ifindex; /* 0: a row that is not used any more */
	__u32 master; /* ifindex of the bridge, bond, ... it belongs to; 0: none */
	char name[IF_NAMESIZE];
	char master_name[IF_NAMESIZE];
	char netns_name[64]; /* "" for the recorder's own; "" too when it has no name */
	char driver[32]; /* rtnl kind ("bridge", "tun", ...) or the hardware's driver */
	bool own; /* in the recorder's own namespace */
	enum pl_dev_kind kind;
};

struct known_netns {
	__u32 inode;
	int nsid; /* number that the recorder's own namespace knows it by; -1: none */
	char name[64];
};

/* Devices are found by (netns, ifindex) in constant time: hosts with thousands of them exist */
struct devices {
	struct device *dev; /* the recorder's own namespace first */
	size_t n, room, unused; /* unused: rows of ifindex 0 among the n */
	struct known_netns *netns;
	size_t nnetns;
	__u32 own; /* inode number of the recorder's own namespace */
	__u32 *slot; /* indexes of rows + 1; open addressing, a power of two */
	size_t nslots;
};

/*
 * List them by rtnetlink: the own namespace, those under /run/netns, those of running processes.
 * A namespace that cannot be entered (no CAP_SYS_ADMIN) is left out. 0 or -errno; what was found
 * so far is kept.
 */
int devices_scan(struct devices *all);
void devices_free(struct devices *all);

/* The row of a device; NULL: not known. Valid until the next devices_put() */
struct device *devices_get(const struct devices *all, __u32 netns, __u32 ifindex);
/* Add, or write over the row of the same netns and ifindex; names its master. 0 or -ENOMEM */
int devices_put(struct devices *all, const struct device *dev);
/* It is gone */
void devices_remove(struct devices *all, struct device *dev);

/* Add what this file (/run/netns/NAME, /proc/PID/ns/net) is of. NULL: no memory */
struct known_netns *devices_netns_add(struct devices *all, __u32 inode, const char *name);
struct known_netns *devices_netns(const struct devices *all, __u32 inode); /* NULL: not known */

/*
 * By name, "eth1", or "eth0@peer" for a named namespace; a bare name means the own namespace,
 * else any other in which the name is the only one. NULL: none, or several (*several set).
 */
const struct device *devices_find(const struct devices *all, const char *name, bool *several);

/* Can each name be found? Else -ENODEV, after one line on stderr */
int devices_check(const struct devices *all, const char *const *names, size_t nnames);

/*
 * Is a device one of those that names (as for devices_find()) stand for: named itself, or a port
 * of a named bridge (bond, ...). No names: every device is.
 */
bool devices_in_scope(const struct devices *all, const char *const *names, size_t nnames,
		      const struct device *dev);
/* Does the name, as given to devices_find(), mean this device? */
bool device_is(const struct device *dev, const char *name);

/* Call fn for each interrupt that a device of the own namespace uses; -errno or fn's result */
int device_irqs(const struct device *dev, int (*fn)(void *ctx, const struct device *dev, unsigned int irq), void *ctx);

/* The document TRACE_DEVICES (trace.h), and one row of it; caller owns the reference */
json_t *devices_doc(const struct devices *all);
json_t *device_doc(const struct device *dev);

#endif
