/* SPDX-License-Identifier: GPL-2.0 */
/* Draining of the rings: one libbpf ring buffer for each CPU, so that none can starve another */
#ifndef PKTLAP_RING_H
#define PKTLAP_RING_H

#include <linux/types.h>

#include "../bpf/event.h"
#include "hooks.h"

struct rings;

/* Called for each event, in the order of the CPU's ring. Other than 0: stop, and pass it on */
typedef int (*ring_event_fn)(void *ctx, unsigned int cpu, const struct pl_event *ev);

int rings_open(const struct hooks *h, ring_event_fn fn, void *ctx, struct rings **out);
void rings_close(struct rings *r);

/* Readable when a program asked for a wake-up: to be watched besides a timer */
int rings_epoll_fd(const struct rings *r);

/*
 * Take what is there, at most budget events of each CPU in turn, so that one busy CPU cannot keep
 * the others waiting until their rings are full. Returns the number of events (budget for at
 * least one CPU: there may be more), or what fn returned.
 */
int rings_drain(struct rings *r, unsigned int budget, bool *more);

#endif
