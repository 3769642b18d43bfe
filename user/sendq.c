// SPDX-License-Identifier: GPL-2.0
#include "sendq.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "clock.h"

#define PIECES	    16 /* in one system call */
#define NSEC_PER_MS 1000000

struct sendq_item {
	struct sendq_item *next;
	size_t len, done;
	bool urgent;
	char data[];
};

static void item_append(struct sendq *q, struct sendq_item *item)
{
	if (q->last)
		q->last->next = item;
	else
		q->head = item;
	q->last = item;
}

/* Behind the first one only where that is half out */
static void item_prepend(struct sendq *q, struct sendq_item *item)
{
	struct sendq_item **at = q->head && q->head->done ? &q->head->next : &q->head;

	item->next = *at;
	*at = item;
	if (!item->next)
		q->last = item;
}

int sendq_put(struct sendq *q, const struct iovec *iov, int n, bool urgent)
{
	struct sendq_item *item;
	size_t len = 0;
	int i;

	for (i = 0; i < n; i++)
		len += iov[i].iov_len;
	if (!len)
		return 0;
	item = malloc(sizeof(*item) + len);
	if (!item)
		return -ENOMEM;
	item->next = NULL;
	item->len = item->done = 0;
	item->urgent = urgent;
	for (i = 0; i < n; i++) {
		memcpy(item->data + item->len, iov[i].iov_base, iov[i].iov_len);
		item->len += iov[i].iov_len;
	}
	if (urgent)
		item_prepend(q, item);
	else
		item_append(q, item);
	q->bytes += len;
	q->urgent += urgent;
	return 0;
}

/* n bytes of the first pieces are out */
static void written(struct sendq *q, size_t n)
{
	struct sendq_item *item = q->head;
	size_t part;

	q->bytes -= n;
	while (item) {
		part = item->len - item->done < n ? item->len - item->done : n;
		item->done += part;
		n -= part;
		if (item->done < item->len)
			return;
		q->head = item->next;
		if (!q->head)
			q->last = NULL;
		q->urgent -= item->urgent;
		free(item);
		item = n ? q->head : NULL;
	}
}

int sendq_write(struct sendq *q, int fd)
{
	struct iovec iov[PIECES];
	struct sendq_item *item;
	ssize_t n;
	int k;

	while (q->head) {
		for (k = 0, item = q->head; item && k < PIECES; item = item->next, k++)
			iov[k] = (struct iovec){ item->data + item->done, item->len - item->done };
		n = writev(fd, iov, k);
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			written(q, n);
	}
	return 0;
}

int sendq_finish(struct sendq *q, int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	const __u64 patience = (__u64)timeout_ms * NSEC_PER_MS;
	__u64 now = clock_mono_ns(), end = now + patience;
	size_t left = q->bytes;
	int err;

	for (;;) {
		err = sendq_write(q, fd);
		if (err || !q->bytes)
			return err;
		now = clock_mono_ns();
		if (q->bytes < left)
			end = now + patience;
		left = q->bytes;
		if (now >= end)
			return -ETIMEDOUT;
		poll(&p, 1, (end - now) / NSEC_PER_MS + 1);
	}
}

void sendq_clear(struct sendq *q)
{
	struct sendq_item *item;

	while ((item = q->head)) {
		q->head = item->next;
		free(item);
	}
	q->last = NULL;
	q->bytes = q->urgent = 0;
}
