// SPDX-License-Identifier: GPL-2.0
#include "lines.h"

static void line_end(struct lines *l, line_fn fn, void *ctx)
{
	l->text[l->len] = '\0';
	l->len = 0;
	fn(ctx, l->text);
}

void lines_add(struct lines *l, const char *bytes, size_t n, line_fn fn, void *ctx)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (bytes[i] == '\n')
			line_end(l, fn, ctx);
		else if (l->len < sizeof(l->text) - 1)
			l->text[l->len++] = bytes[i];
	}
}

void lines_end(struct lines *l, line_fn fn, void *ctx)
{
	if (l->len)
		line_end(l, fn, ctx);
}
