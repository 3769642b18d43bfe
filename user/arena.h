/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that is freed all at once. A failure is remembered: a builder may go on with what it
 * got (never NULL for strings) and asks once at its end.
 */
#ifndef PKTLAP_ARENA_H
#define PKTLAP_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena {
	struct arena_block *blocks;
	bool failed;
};

/* n zeroed elements, aligned for any type; NULL when n is 0 or there is no memory */
void *arena_alloc(struct arena *a, size_t n, size_t size);

/* Formatted copy; "" when there is no memory */
const char *arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

void arena_free(struct arena *a);

#endif
