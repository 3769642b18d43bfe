/* SPDX-License-Identifier: GPL-2.0 */
/* Draining of the rings (bpf/ring.h): one for each CPU, so that none can starve another */
#ifndef PKTLAP_RING_H
#define PKTLAP_RING_H

#include <linux/types.h>

#include "../bpf/event.h"
#include "../bpf/ring.h"
#include "hooks.h"

/* Called for each event, in the order of the CPU's ring. 0, or -errno: stop, and pass it on */
typedef int (*ring_event_fn)(void *ctx, unsigned int cpu, const struct pl_event *ev);

/*
 * Take what is there, at most budget events of each CPU in turn, so that one busy CPU cannot keep
 * the others waiting until their rings are full. Returns the most that was taken of one CPU
 * (budget: there is more), or the error of fn.
 */
int rings_drain(const struct hooks *h, unsigned int budget, ring_event_fn fn, void *ctx);

/*
 * One ring: take at most budget events, give their slots back. slots: the whole map. Returns how
 * many, or the error of fn for the last one.
 */
int ring_take(struct pl_ring *ring, const struct pl_event *slots, unsigned int cpu,
	      unsigned int budget, ring_event_fn fn, void *ctx);

#endif
