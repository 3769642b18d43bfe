// SPDX-License-Identifier: GPL-2.0
/* Tables of text: kept until the widest cell of each column is known */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "text.h"

#define COLUMNS_MAX 32

struct row {
	struct row *next;
	bool bold;
	const char *cells[COLUMNS_MAX];
};

struct table {
	const struct text_out *o;
	struct arena mem;
	size_t ncolumns, at;
	struct column {
		bool right;
		size_t gap, width;
	} columns[COLUMNS_MAX];
	struct row *first, *last;
	bool open; /* the last row still takes cells */
};

int table_new(const struct text_out *o, const char *columns, struct table **out)
{
	struct table *t = calloc(1, sizeof(*t));
	size_t gap = 2;

	if (!t)
		return -ENOMEM;
	t->o = o;
	for (; *columns && t->ncolumns < COLUMNS_MAX; columns++) {
		if (*columns == ' ') {
			gap = 1;
			continue;
		}
		t->columns[t->ncolumns] = (struct column){
			.right = *columns == 'r',
			.gap = t->ncolumns ? gap : 0,
		};
		t->ncolumns++;
		gap = 2;
	}
	*out = t;
	return 0;
}

static void row_begin(struct table *t)
{
	struct row *r = arena_alloc(&t->mem, 1, sizeof(*r));

	if (!r)
		return;
	if (t->last)
		t->last->next = r;
	else
		t->first = r;
	t->last = r;
	t->at = 0;
	t->open = true;
}

void table_cell(struct table *t, const char *fmt, ...)
{
	size_t width;
	va_list ap;
	char *s;
	int n;

	if (!t->open)
		row_begin(t);
	if (!t->open || t->at == t->ncolumns)
		return;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0) {
		t->mem.failed = true;
		return;
	}
	width = text_width(t->o, s);
	if (width > t->columns[t->at].width)
		t->columns[t->at].width = width;
	t->last->cells[t->at++] = arena_printf(&t->mem, "%s", s);
	free(s);
}

void table_row_end(struct table *t, bool bold)
{
	if (!t->open)
		row_begin(t);
	if (t->last)
		t->last->bold = bold;
	t->open = false;
}

static void row_print(const struct table *t, const struct row *r, size_t indent)
{
	size_t blanks = indent; /* put off: a line ends without any */

	if (r->bold && t->o->bold)
		fputs("\033[1m", t->o->f);
	for (size_t i = 0; i < t->ncolumns; i++) {
		const char *cell = r->cells[i] ? r->cells[i] : "";
		size_t pad = t->columns[i].width - text_width(t->o, cell);

		blanks += t->columns[i].gap + (t->columns[i].right ? pad : 0);
		if (*cell) {
			text_printf(t->o, "%*s%s", (int)blanks, "", cell);
			blanks = 0;
		}
		if (!t->columns[i].right)
			blanks += pad;
	}
	fputs(r->bold && t->o->bold ? "\033[0m\n" : "\n", t->o->f);
}

int table_finish(struct table *t, size_t indent)
{
	int err = t->mem.failed ? -ENOMEM : 0;

	for (const struct row *r = t->first; r && !err; r = r->next)
		row_print(t, r, indent);
	arena_free(&t->mem);
	free(t);
	return err;
}
