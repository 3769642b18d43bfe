/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rings: one for each CPU, written by the programs that run there, read by the recorder
 * through shared memory. No lock, no system call, no helper: to take a slot is one atomic
 * operation on a line that no other CPU writes.
 *
 * pl_ring.head counts the slots taken, pl_ring.tail those given back; slot n is number n % size of
 * the CPU's own part of the map slots. Programs on a CPU may nest (an interrupt in the middle of
 * another program), so slots are taken in order and become ready in any order. Ready is what
 * pl_event.cpu says: the programs add one when all else is written, so that after its n-th use a
 * slot has n there (modulo 65536), and the reader, who knows the use it waits for, needs to write
 * nothing into the slots. The reader puts the number of the CPU in its place.
 *
 * Included by both sides, after event.h.
 */
#ifndef PKTLAP_RING_LAYOUT_H
#define PKTLAP_RING_LAYOUT_H

struct pl_ring {
	/* written by the programs */
	__u64 head; /* slots taken so far */
	__u64 gap; /* events were lost after the last one that was kept */
	/* written before the programs run */
	__u32 first; /* index in the map slots */
	__u32 size; /* slots, a power of two; 0: the CPU had none, all its events are lost */
	__u64 unused[5];
	/* a line of its own: written by the reader */
	__u64 tail __attribute__((aligned(64))); /* slots given back so far */
};

_Static_assert(sizeof(struct pl_ring) == 128, "two cache lines");

/* What the cpu field of slot number pos, counted from the start, is when it is ready */
static inline __u16 pl_ring_ready(const struct pl_ring *ring, __u64 pos)
{
	return (__u16)(pos / ring->size + 1);
}

#endif
