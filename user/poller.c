// SPDX-License-Identifier: GPL-2.0
#include "poller.h"

#include <errno.h>
#include <unistd.h>

#define EVENTS_MAX 32

int poller_open(struct poller *p)
{
	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return p->epoll_fd < 0 ? -errno : 0;
}

void poller_close(struct poller *p)
{
	if (p->epoll_fd >= 0)
		close(p->epoll_fd);
	p->epoll_fd = -1;
}

static int poller_ctl(struct poller *p, int op, struct poller_fd *f, __u32 events)
{
	struct epoll_event ev = { .events = events, .data.ptr = f };

	return epoll_ctl(p->epoll_fd, op, f->fd, &ev) ? -errno : 0;
}

int poller_add(struct poller *p, struct poller_fd *f, __u32 events)
{
	return poller_ctl(p, EPOLL_CTL_ADD, f, events);
}

int poller_set(struct poller *p, struct poller_fd *f, __u32 events)
{
	return poller_ctl(p, EPOLL_CTL_MOD, f, events);
}

void poller_remove(struct poller *p, struct poller_fd *f)
{
	poller_ctl(p, EPOLL_CTL_DEL, f, 0);
}

int poller_wait(struct poller *p, int timeout_ms)
{
	struct epoll_event ev[EVENTS_MAX];
	int i, err = 0, n = epoll_wait(p->epoll_fd, ev, EVENTS_MAX, timeout_ms);

	if (n < 0 && errno != EINTR)
		return -errno;
	for (i = 0; i < n && !err; i++) {
		struct poller_fd *f = ev[i].data.ptr;

		if (f->ready)
			err = f->ready(f->ctx, ev[i].events);
	}
	return err;
}
