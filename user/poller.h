/* SPDX-License-Identifier: GPL-2.0 */
/* One epoll set and what to call for each file descriptor in it */
#ifndef PKTLAP_POLLER_H
#define PKTLAP_POLLER_H

#include <linux/types.h>
#include <sys/epoll.h>

struct poller {
	int epoll_fd; /* -1: not open */
};

/*
 * In the caller's memory, which must last until the poller is closed. ready: 0, or a negative
 * errno that ends poller_wait(); NULL: the descriptor only ends the wait.
 */
struct poller_fd {
	int fd;
	int (*ready)(void *ctx, __u32 events);
	void *ctx;
};

/* 0 or -errno, as all others here. events: EPOLLIN ... */
int poller_open(struct poller *p);
void poller_close(struct poller *p);
int poller_add(struct poller *p, struct poller_fd *f, __u32 events);
int poller_set(struct poller *p, struct poller_fd *f, __u32 events);
/* Its ready() may still be called once in the poller_wait() that runs */
void poller_remove(struct poller *p, struct poller_fd *f);

/*
 * Wait for any of them, at most timeout_ms (-1: for ever), then call what is ready. 0, also after
 * a timeout or a signal; or what a ready() returned.
 */
int poller_wait(struct poller *p, int timeout_ms);

#endif
