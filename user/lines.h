/* SPDX-License-Identifier: GPL-2.0 */
/* Bytes that come in pieces, line by line */
#ifndef PKTLAP_LINES_H
#define PKTLAP_LINES_H

#include <stddef.h>

/* All 0 at first */
struct lines {
	char text[512]; /* of the line so far; what does not fit is left out */
	size_t len;
};

typedef void (*line_fn)(void *ctx, const char *line);

/* n bytes more: fn gets each line that ends in them, without its end */
void lines_add(struct lines *l, const char *bytes, size_t n, line_fn fn, void *ctx);

/* Nothing more comes: fn gets what is left, if anything */
void lines_end(struct lines *l, line_fn fn, void *ctx);

#endif
