// SPDX-License-Identifier: GPL-2.0
#include "ring.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* what the callback returns to make libbpf leave the ring in the middle; not an errno */
#define RING_PAUSE (-100000)

struct ring {
	struct rings *all;
	struct ring_buffer *rb;
	unsigned int cpu;
};

struct rings {
	ring_event_fn fn;
	void *ctx;
	int epoll_fd;
	unsigned int n, taken, budget;
	struct ring ring[];
};

static int ring_sample(void *ctx, void *data, size_t size)
{
	struct ring *ring = ctx;
	struct rings *r = ring->all;
	int err;

	if (size < sizeof(struct pl_event))
		return -EBADMSG;
	err = r->fn(r->ctx, ring->cpu, data);
	if (err)
		return err;
	/* the event is consumed also when the callback returns less than 0 (libbpf 1.1 and newer) */
	return ++r->taken == r->budget ? RING_PAUSE : 0;
}

static int ring_open(struct rings *r, const struct hooks *h, unsigned int cpu)
{
	struct ring *ring = &r->ring[r->n];
	struct epoll_event ev = { .events = EPOLLIN };
	int fd = hooks_ring_fd(h, cpu);

	if (fd < 0)
		return 0;
	ring->all = r;
	ring->cpu = cpu;
	ring->rb = ring_buffer__new(fd, ring_sample, ring, NULL);
	if (!ring->rb)
		return -errno;
	r->n++;
	return epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

int rings_open(const struct hooks *h, ring_event_fn fn, void *ctx, struct rings **out)
{
	unsigned int cpu, ncpus = hooks_ncpus(h);
	struct rings *r = calloc(1, sizeof(*r) + ncpus * sizeof(struct ring));
	int err = 0;

	if (!r)
		return -ENOMEM;
	r->fn = fn;
	r->ctx = ctx;
	r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (r->epoll_fd < 0) {
		err = -errno;
		free(r);
		return err;
	}
	for (cpu = 0; !err && cpu < ncpus; cpu++)
		err = ring_open(r, h, cpu);
	if (err) {
		rings_close(r);
		return err;
	}
	*out = r;
	return 0;
}

void rings_close(struct rings *r)
{
	unsigned int i;

	if (!r)
		return;
	for (i = 0; i < r->n; i++)
		ring_buffer__free(r->ring[i].rb);
	close(r->epoll_fd);
	free(r);
}

int rings_epoll_fd(const struct rings *r)
{
	return r->epoll_fd;
}

int rings_drain(struct rings *r, unsigned int budget, bool *more)
{
	unsigned int i;
	int total = 0, err;

	*more = false;
	r->budget = budget;
	for (i = 0; i < r->n; i++) {
		r->taken = 0;
		err = ring_buffer__consume(r->ring[i].rb);
		total += r->taken;
		if (err == RING_PAUSE)
			*more = true;
		else if (err < 0)
			return err;
	}
	return total;
}
