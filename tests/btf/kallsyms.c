// SPDX-License-Identifier: GPL-2.0
/*
 * The kallsyms tables inside of a kernel image: names as strings of tokens (scripts/kallsyms.c).
 * No symbol says where they are, so they are found by what they must look like; each find is
 * verified by a table that depends on it.
 */
#include <string.h>

#include "kernel.h"

#define TOKENS	     256
#define NAME_MAX_LEN 512
#define SYMBOLS_MIN  20000 /* fewer: not a kernel's table */
#define SYMBOLS_MAX  2000000
#define MARKER_EVERY 256

struct table {
	const unsigned char *image, *end;
	const unsigned char *tokens[TOKENS], *token_table;
	const unsigned char *names;
	unsigned int count;
};

static unsigned int u16_at(const unsigned char *p)
{
	return p[0] | p[1] << 8;
}

static unsigned int u32_at(const unsigned char *p)
{
	return u16_at(p) | u16_at(p + 2) << 16;
}

static const unsigned char *align(const struct table *t, const unsigned char *p, unsigned int to)
{
	return t->image + ((p - t->image) + to - 1) / to * to;
}

/* Digits are tokens that stand for themselves: digit is where token '0' might be */
static bool tokens_at(struct table *t, const unsigned char *digit)
{
	const unsigned char *p = digit, *index;
	unsigned int i;

	for (i = 0; i < '0'; i++) {
		if (p - t->image < 2)
			return false;
		for (p--; p > t->image && p[-1]; p--)
			;
	}
	t->token_table = p;
	for (i = 0; i < TOKENS; i++) {
		t->tokens[i] = p;
		p = memchr(p, 0, t->end - p);
		if (!p)
			return false;
		p++;
	}
	/* the index that follows must agree */
	index = align(t, p, 8);
	if (index + 2 * TOKENS > t->end)
		return false;
	for (i = 0; i < TOKENS; i++)
		if (u16_at(index + 2 * i) != t->tokens[i] - t->token_table)
			return false;
	return true;
}

static const unsigned char *name_skip(const unsigned char *p, const unsigned char *end)
{
	unsigned int len;

	if (end - p < 2)
		return NULL;
	len = *p++;
	if (len & 0x80) /* 6.1 and newer: two bytes */
		len = (len & 0x7f) | *p++ << 7;
	return len && len < (size_t)(end - p) ? p + len : NULL;
}

/* p: where the number of symbols might be, with the names after it; markers follow these */
static bool names_at(struct table *t, const unsigned char *p)
{
	unsigned int i, n = u32_at(p), second = 0;
	const unsigned char *at = p + 8, *markers;

	if (n < SYMBOLS_MIN || n > SYMBOLS_MAX || u32_at(p + 4))
		return false;
	for (i = 0; i < n; i++) {
		if (i == MARKER_EVERY)
			second = at - (p + 8);
		at = name_skip(at, t->token_table);
		if (!at)
			return false;
	}
	markers = align(t, at, 8);
	if (u32_at(markers) || u32_at(markers + 4) != second)
		return false;
	t->names = p + 8;
	t->count = n;
	return true;
}

static int names_expand(const struct table *t, struct names *out)
{
	const unsigned char *p = t->names, *next;
	char name[NAME_MAX_LEN];
	unsigned int i;
	size_t n, len;

	for (i = 0; i < t->count; i++, p = next) {
		next = name_skip(p, t->token_table);
		p += *p & 0x80 ? 2 : 1;
		for (n = 0; p < next; p++, n += len) {
			len = strlen((const char *)t->tokens[*p]);
			if (n + len >= sizeof(name))
				return -1;
			memcpy(name + n, t->tokens[*p], len);
		}
		/* the first character is the symbol's type */
		if (n > 1 && names_add(out, name + 1, n - 1))
			return -1;
	}
	return 0;
}

int kallsyms_decode(const unsigned char *image, size_t size, struct names *out)
{
	static const char digits[] = "0\0"
				     "1\0"
				     "2\0"
				     "3\0"
				     "4\0"
				     "5\0"
				     "6\0"
				     "7\0"
				     "8\0"
				     "9";
	struct table t = { .image = image, .end = image + size };
	const unsigned char *p = image;

	while ((p = memmem(p, t.end - p, digits, sizeof(digits)))) {
		if (tokens_at(&t, p))
			break;
		p++;
	}
	if (!p)
		return -1;
	for (p = align(&t, t.token_table, 8) - 16; p > image; p -= 8)
		if (names_at(&t, p))
			return names_expand(&t, out);
	return -1;
}
