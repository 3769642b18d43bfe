/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Text for people: numbers with units, tables whose columns are as wide as their content, UTF-8
 * where the terminal has it. Strings are UTF-8 in the program; text_printf() writes ASCII instead
 * ("->", "us") when out.utf8 is not set.
 */
#ifndef PKTLAP_TEXT_H
#define PKTLAP_TEXT_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum text_unit { UNIT_NS,
		 UNIT_US,
		 UNIT_MS };

/* "ns", "us", "ms"; 0 or -EINVAL */
int text_unit_parse(const char *name, enum text_unit *unit);

struct text_out {
	FILE *f;
	bool utf8;
	bool bold; /* escape sequences are welcome */
	enum text_unit unit;
	size_t columns; /* of the terminal, or of COLUMNS in the environment; 0: as wide as it comes */
};

/* As the locale, NO_COLOR and the kind of file ask for; unit is microseconds */
void text_out_init(struct text_out *o, FILE *f);

void text_printf(const struct text_out *o, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Columns that s takes on a terminal, as text_printf() writes it */
size_t text_width(const struct text_out *o, const char *s);
/* The same of its first bytes */
size_t text_width_n(const struct text_out *o, const char *s, size_t bytes);

/*
 * Copy a name that came from outside (device, task, symbol), with control characters replaced:
 * a task may call itself what a terminal takes for a command. Cuts at a whole character.
 */
const char *text_clean(char *to, size_t size, const char *name);

/* "1234.567" in the unit of o, rounded to the nearest; buf also is the return value */
#define TEXT_NS_LEN 40
const char *text_ns(const struct text_out *o, __u64 ns, char buf[TEXT_NS_LEN]);
const char *text_unit_name(const struct text_out *o); /* "µs" */

/* "12.3" of permille; below 0.1 but not 0 "<0.1" is the caller's to decide */
const char *text_permille(unsigned int permille, char buf[TEXT_NS_LEN]);

/* Local time of a wall clock time, "12:01:07.123456789" and "2026-01-31 12:01:07 +0100" */
const char *text_clock(__u64 real_ns, char buf[TEXT_NS_LEN]);
const char *text_date(__u64 real_ns, char buf[TEXT_NS_LEN]);

struct table;

/* One letter a column: l(eft), r(ight); a blank before it: one space to the left, else two */
int table_new(const struct text_out *o, const char *columns, struct table **out);
/* Cells from left to right, row after row; what is left of a row stays empty */
void table_cell(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void table_row_end(struct table *t, bool bold);
/* Write and free. 0 or -ENOMEM: then nothing was written */
int table_finish(struct table *t, size_t indent);

#endif
