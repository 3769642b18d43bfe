/* SPDX-License-Identifier: GPL-2.0 */
/* The network namespaces of this host: find them, go in, come back */
#ifndef PKTLAP_NETNS_H
#define PKTLAP_NETNS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

/* Valid while the callback runs */
struct netns_at {
	__u32 netns; /* inode number */
	bool own; /* the one that the caller began in */
	const char *name; /* that of /run/netns; "" for the own one, and for one without a name */
	const char *path; /* opens it: /run/netns/NAME or /proc/PID/ns/net */
};

/*
 * Call fn in each network namespace once: the own one first, those under /run/netns, those of
 * running processes. One that cannot be entered (no CAP_SYS_ADMIN) is left out and counted in
 * *refused (may be NULL). Ends when fn returns other than 0. Returns that, 0, or -errno; the
 * thread is back in its own namespace then.
 */
int netns_each(int (*fn)(void *ctx, const struct netns_at *at), void *ctx, size_t *refused);

/* Call fn in the namespace that path opens, which must be inode netns; -ESTALE: it is another now */
int netns_run(const char *path, __u32 netns, int (*fn)(void *ctx), void *ctx);

#endif
