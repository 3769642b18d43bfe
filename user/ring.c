// SPDX-License-Identifier: GPL-2.0
#include "ring.h"

/* slots are given back in lots: the producer's CPU has to fetch the line each time */
#define GIVE_BACK 256

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

int rings_drain(const struct hooks *h, unsigned int budget, ring_event_fn fn, void *ctx)
{
	unsigned int cpu, ncpus = hooks_ncpus(h);
	const struct pl_event *slots;
	struct pl_ring *ring;
	int n, most = 0;

	for (cpu = 0; cpu < ncpus; cpu++) {
		ring = hooks_ring(h, cpu, &slots);
		n = ring_take(ring, slots, cpu, budget, fn, ctx);
		if (n < 0)
			return n;
		most = n > most ? n : most;
	}
	return most;
}
