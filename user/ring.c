// SPDX-License-Identifier: GPL-2.0
#include "ring.h"

#include <errno.h>
#include <stdlib.h>

/* slots are given back in lots: the producer's CPU has to fetch the line each time */
#define GIVE_BACK 256

struct rings {
	const struct hooks *hooks;
	ring_event_fn fn;
	void *ctx;
};

int ring_take(struct pl_ring *ring, const struct pl_event *slots, unsigned int cpu,
	      unsigned int budget, ring_event_fn fn, void *ctx)
{
	const struct pl_event *slot;
	unsigned int n = 0;
	__u64 tail = ring->tail;
	struct pl_event ev;
	int err = 0;

	/* a CPU without a ring has none of this */
	while (ring->size && n < budget && !err) {
		slot = &slots[ring->first + (tail & (ring->size - 1))];
		if (__atomic_load_n(&slot->cpu, __ATOMIC_ACQUIRE) != pl_ring_ready(ring, tail))
			break;
		ev = *slot;
		ev.cpu = (__u16)cpu;
		tail++;
		if (++n % GIVE_BACK == 0)
			__atomic_store_n(&ring->tail, tail, __ATOMIC_RELEASE);
		err = fn(ctx, cpu, &ev);
	}
	__atomic_store_n(&ring->tail, tail, __ATOMIC_RELEASE);
	return err ? err : (int)n;
}

int rings_open(const struct hooks *h, ring_event_fn fn, void *ctx, struct rings **out)
{
	struct rings *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->hooks = h;
	r->fn = fn;
	r->ctx = ctx;
	*out = r;
	return 0;
}

void rings_close(struct rings *r)
{
	free(r);
}

int rings_drain(struct rings *r, unsigned int budget)
{
	unsigned int cpu, ncpus = hooks_ncpus(r->hooks);
	const struct pl_event *slots;
	struct pl_ring *ring;
	int n, most = 0;

	for (cpu = 0; cpu < ncpus; cpu++) {
		ring = hooks_ring(r->hooks, cpu, &slots);
		n = ring_take(ring, slots, cpu, budget, r->fn, r->ctx);
		if (n < 0)
			return n;
		most = n > most ? n : most;
	}
	return most;
}
