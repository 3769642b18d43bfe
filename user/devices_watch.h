/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Devices that appear, vanish, are renamed or moved while a recording runs, from rtnetlink's
 * notifications: of the own network namespace, and of those that it has a number for (all that a
 * veth connects with it). No namespace is held open: one that ends meanwhile is not kept alive.
 */
#ifndef PKTLAP_DEVICES_WATCH_H
#define PKTLAP_DEVICES_WATCH_H

#include "changes.h"
#include "devices.h"

struct devices_watch;

typedef int (*device_change_fn)(void *ctx, const struct device_change *c);

/*
 * To be opened before devices_scan(), so that nothing happens in between, and before privileges
 * are dropped (other namespaces: CAP_NET_BROADCAST over them; a large queue: CAP_NET_ADMIN).
 * 0 or -errno.
 */
int devices_watch_open(struct devices_watch **out);
void devices_watch_close(struct devices_watch *w);

int devices_watch_fd(const struct devices_watch *w); /* readable: there are changes */

/*
 * Apply what happened since the last call to all, and call fn for each change. Never blocks.
 * Returns 0, -ENOMEM, or what fn returned if it was not 0.
 */
int devices_watch_read(struct devices_watch *w, struct devices *all, device_change_fn fn,
		       void *ctx);

#endif
