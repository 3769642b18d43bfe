/* SPDX-License-Identifier: GPL-2.0 */
/* What waits to be written to a non-blocking descriptor, piece by piece */
#ifndef PKTLAP_SENDQ_H
#define PKTLAP_SENDQ_H

#include <stdbool.h>
#include <stddef.h>

struct iovec;

struct sendq {
	struct sendq_item *head, *last;
	size_t bytes; /* that wait */
	size_t urgent; /* pieces that wait, of those put as such */
};

/*
 * Append one piece, copied. urgent: before all pieces of which nothing has been written yet.
 * 0 or -ENOMEM. There is no bound: who fills it looks at bytes, or urgent.
 */
int sendq_put(struct sendq *q, const struct iovec *iov, int n, bool urgent);

/* Write what fd takes now. 0 (look at bytes for what is left) or -errno */
int sendq_write(struct sendq *q, int fd);

/* Write all of it, as long as something goes within timeout_ms. 0, -ETIMEDOUT or -errno */
int sendq_finish(struct sendq *q, int fd, int timeout_ms);

/* Forget what waits */
void sendq_clear(struct sendq *q);

#endif
