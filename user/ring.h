/* SPDX-License-Identifier: GPL-2.0 */
/* Draining of the rings (bpf/ring.h): one for each CPU, so that none can starve another */
#ifndef PKTLAP_RING_H
#define PKTLAP_RING_H

#include <linux/types.h>
#include <stdbool.h>

#include "../bpf/event.h"
#include "../bpf/ring.h"
#include "hooks.h"

struct rings;

/* Called for each event, in the order of the CPU's ring. Other than 0: stop, and pass it on */
typedef int (*ring_event_fn)(void *ctx, unsigned int cpu, const struct pl_event *ev);

/* The rings of h, which must outlive them. 0 or -ENOMEM */
int rings_open(const struct hooks *h, ring_event_fn fn, void *ctx, struct rings **out);
void rings_close(struct rings *r); /* takes NULL */

/*
 * Take what is there, at most budget events of each CPU in turn, so that one busy CPU cannot keep
 * the others waiting until their rings are full. Returns the most that was taken of one CPU
 * (budget: there is more), or what fn returned.
 */
int rings_drain(struct rings *r, unsigned int budget);

/*
 * One ring: take at most budget events, give their slots back. slots: the whole map. Returns how
 * many, or what fn returned for the last one.
 */
int ring_take(struct pl_ring *ring, const struct pl_event *slots, unsigned int cpu,
	      unsigned int budget, ring_event_fn fn, void *ctx);

#endif
