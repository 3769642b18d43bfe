// SPDX-License-Identifier: GPL-2.0
/* Memory that is freed all at once, see arena.h */
#include "arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_BYTES 16384

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	_Alignas(max_align_t) char data[];
};

static struct arena_block *block_new(struct arena *a, size_t bytes)
{
	size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
	struct arena_block *b = calloc(1, sizeof(*b) + size);

	if (!b)
		return NULL;
	b->size = size;
	b->next = a->blocks;
	a->blocks = b;
	return b;
}

void *arena_alloc(struct arena *a, size_t n, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	struct arena_block *b = a->blocks;
	size_t bytes;
	void *p;

	if (!n || !size)
		return NULL;
	if (__builtin_mul_overflow(n, size, &bytes) ||
	    __builtin_add_overflow(bytes, align - 1, &bytes))
		goto err;
	bytes &= ~(align - 1);
	if (!b || b->size - b->used < bytes)
		b = block_new(a, bytes);
	if (!b)
		goto err;
	p = b->data + b->used;
	b->used += bytes;
	return p;
err:
	a->failed = true;
	return NULL;
}

const char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = n < 0 ? NULL : arena_alloc(a, n + 1, 1);
	if (!p) {
		a->failed = true;
		return "";
	}
	va_start(ap, fmt);
	vsnprintf(p, n + 1, fmt, ap);
	va_end(ap);
	return p;
}

void arena_free(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
	a->failed = false;
}
