// SPDX-License-Identifier: GPL-2.0
/*
 * Ways for people: a tree at the left, its elements' hops at the right. A tree that does not
 * branch is a column; indentation means a branch.
 */
#include "view_path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ALONE_MAX    12
#define CHAIN_MAX    64
#define BRANCHES_MAX 8
#define FACT_MIN     24 /* columns: below this nothing is gained by folding */

static const char *const arrows[] = { "", "→", "←", "↔" }; /* bit 0 forward, bit 1 back */

/* A printed line: left column (tree, name, fact), right column (hop) */
struct line {
	const char *bars; /* tree, before the name */
	const char *name; /* "" on all but the first line of an element */
	const char *fact;
	const struct path_hop *hop;
};

struct lines {
	struct path *p;
	const struct text_out *o;
	struct arena mem;
	struct line *line;
	size_t n, size;
	bool all, failed;
	bool narrow; /* hops below the facts, not beside them */
	size_t fold; /* columns of a fact; 0: any */
};

static void line_put(struct lines *l, struct line line)
{
	struct line *more;

	if (l->n == l->size) {
		more = reallocarray(l->line, l->size ? 2 * l->size : 64, sizeof(*more));
		if (!more) {
			l->failed = true;
			return;
		}
		l->line = more;
		l->size = l->size ? 2 * l->size : 64;
	}
	l->line[l->n++] = line;
}

static const char *clean(struct lines *l, const char *s)
{
	char buf[512];

	return arena_printf(&l->mem, "%s", text_clean(buf, sizeof(buf), s));
}

static void elem_lines(struct lines *l, const struct path_elem *e, const char *bars, const char *rest);

/* A bridge of a thousand ports is told by the first of them, and their number */
static void branches_lines(struct lines *l, const struct path_elem *e, const char *rest)
{
	size_t shown = l->all || e->nnext <= BRANCHES_MAX + 2 ? e->nnext : BRANCHES_MAX;

	if (e->nnext == 1) {
		elem_lines(l, e->next[0], rest, rest);
		return;
	}
	for (size_t i = 0; i < shown; i++) {
		bool last = i + 1 == e->nnext;

		elem_lines(l, e->next[i], arena_printf(&l->mem, "%s%s", rest, last ? "└─ " : "├─ "),
			   arena_printf(&l->mem, "%s%s", rest, last ? "   " : "│  "));
	}
	if (shown < e->nnext)
		line_put(l, (struct line){
				    .bars = arena_printf(&l->mem, "%s└─ ", rest),
				    .name = arena_printf(&l->mem, "%zu more (--all)", e->nnext - shown),
				    .fact = "",
			    });
}

/* Where a fact is to be cut so that it fits: after the last comma, else blank, that does; its length: nowhere */
static size_t fold_at(const struct lines *l, const char *fact)
{
	size_t cut = 0, blank = 0, i;

	if (!l->fold || text_width(l->o, fact) <= l->fold)
		return strlen(fact);
	for (i = 0; fact[i]; i++) {
		if (text_width_n(l->o, fact, i) > l->fold)
			break;
		if (fact[i] == ' ' && i)
			*(fact[i - 1] == ',' ? &cut : &blank) = i;
	}
	return cut ? cut : blank ? blank
				 : strlen(fact);
}

/* The facts of an element, a line each, or more where they are to be folded */
static void facts_lines(struct lines *l, const struct path_elem *e, const char *bars, const char *below)
{
	const char *const *facts = path_facts(l->p, e, l->all);
	size_t begin = l->n, cut;
	const char *rest;

	for (; facts && *facts; facts++)
		for (rest = clean(l, *facts); *rest; rest += cut + strspn(rest + cut, " ")) {
			cut = fold_at(l, rest);
			line_put(l, (struct line){
					    .bars = l->n == begin ? bars : below,
					    .name = l->n == begin ? clean(l, e->name) : "",
					    .fact = arena_printf(&l->mem, "%.*s", (int)cut, rest),
				    });
			if (l->failed)
				return;
		}
	if (l->n == begin)
		line_put(l, (struct line){ .bars = bars, .name = clean(l, e->name), .fact = "" });
}

/* bars: before the name; rest: before the lines below it */
static void elem_lines(struct lines *l, const struct path_elem *e, const char *bars, const char *rest)
{
	const char *below = arena_printf(&l->mem, "%s%s", rest, e->nnext ? "│" : " ");
	size_t at = l->n, nhops = e->again ? 0 : e->nhops;

	facts_lines(l, e, bars, below);
	if (l->narrow)
		at = l->n;
	for (size_t i = 0; i < nhops && !l->failed; i++, at++) {
		if (at == l->n)
			line_put(l, (struct line){ .bars = below, .name = "", .fact = "" });
		if (!l->failed)
			l->line[at].hop = &e->hops[i];
	}
	branches_lines(l, e, rest);
}

static void hop_print(const struct lines *l, const struct path_hop *h)
{
	const struct path_cover *c = &l->p->cover[h->hop];
	const char *arrow = arrows[h->forward | h->back << 1];

	text_printf(l->o, "%s%*s ", arrow, (int)((l->o->utf8 ? 1 : 3) - text_width(l->o, arrow)), "");
	if (*c->hook)
		text_printf(l->o, "%-14s %-8s %s", hop_desc(h->hop)->name, c->kind, c->target);
	else if (l->p->tried)
		text_printf(l->o, "%-14s not covered", hop_desc(h->hop)->name);
	else
		text_printf(l->o, "%s", hop_desc(h->hop)->name);
}

/* Columns of hop_print() */
static size_t hop_width(const struct lines *l, const struct path_hop *h)
{
	const struct path_cover *c = &l->p->cover[h->hop];

	return (l->o->utf8 ? 2 : 4) + 24 + (*c->hook ? strlen(c->target) : 2);
}

/* Where names end and where facts do; the columns of the longest line */
static size_t lines_measure(const struct lines *l, size_t *name_col, size_t *hop_col)
{
	size_t hops = 0, facts = 0, i, w;

	*name_col = *hop_col = 0;
	for (i = 0; i < l->n; i++) {
		const struct line *k = &l->line[i];

		w = text_width(l->o, k->bars) + text_width(l->o, k->name);
		if (*k->name && w > *name_col)
			*name_col = w;
		w = text_width(l->o, k->fact);
		if (w > facts)
			facts = w;
		if (k->hop && w > *hop_col)
			*hop_col = w;
		if (k->hop && hop_width(l, k->hop) > hops)
			hops = hop_width(l, k->hop);
	}
	if (!l->narrow && hops && *hop_col + 3 + hops > facts)
		return *name_col + 2 + *hop_col + 3 + hops;
	return *name_col + 2 + (hops > facts ? hops : facts);
}

static void lines_print(const struct lines *l)
{
	const struct text_out *o = l->o;
	size_t name_col, hop_col, i, w;

	lines_measure(l, &name_col, &hop_col);
	for (i = 0; i < l->n; i++) {
		const struct line *k = &l->line[i];
		bool bold = o->bold && *k->name;

		w = text_width(o, k->bars) + text_width(o, k->name);
		text_printf(o, "%s%s%s%s", k->bars, bold ? "\033[1m" : "", k->name, bold ? "\033[0m" : "");
		if (*k->fact || k->hop)
			text_printf(o, "%*s%s", (int)(name_col + 2 - w), "", k->fact);
		if (k->hop && !l->narrow)
			text_printf(o, "%*s", (int)(hop_col + 3 - text_width(o, k->fact)), "");
		if (k->hop)
			hop_print(l, k->hop);
		text_printf(o, "\n");
	}
}

static bool is_line(const struct path_elem *e)
{
	for (; e->nnext; e = e->next[0])
		if (e->nnext > 1)
			return false;
	return true;
}

static void name_print(const struct text_out *o, const char *name)
{
	char buf[256];

	text_printf(o, "%s", text_clean(buf, sizeof(buf), name));
}

static void title_print(const struct path *p, size_t i, const struct text_out *o)
{
	const struct path_elem *e = p->roots[i];

	text_printf(o, "%sway %zu   ", i || p->nnotes ? "\n" : "", i + 1);
	if (!is_line(e)) {
		name_print(o, e->name);
		text_printf(o, " and what it leads to\n");
		return;
	}
	for (;; e = e->next[0]) {
		name_print(o, e->name);
		if (!e->nnext)
			break;
		text_printf(o, " → ");
	}
	text_printf(o, "\n");
}

/* Hops that are not covered, by reason */
static void uncovered_print(const struct path *p, const bool seen[PL_NR_HOPS], const struct text_out *o)
{
	bool told[PL_NR_HOPS] = {};

	for (int hop = 1; hop < PL_NR_HOPS; hop++) {
		const struct path_cover *c = &p->cover[hop];

		if (!seen[hop] || *c->hook || told[hop])
			continue;
		text_printf(o, "not covered: %s\n ", *c->why ? c->why : c->state);
		for (int same = hop; same < PL_NR_HOPS; same++) {
			if (!seen[same] || *p->cover[same].hook || strcmp(p->cover[same].why, c->why))
				continue;
			told[same] = true;
			text_printf(o, " %s", hop_desc(same)->name);
		}
		text_printf(o, "\n");
	}
}

static void covered_print(const struct path *p, const struct text_out *o)
{
	bool seen[PL_NR_HOPS] = {};
	unsigned int n = 0, covered = 0;

	for (size_t i = 0; i < p->nelems; i++)
		for (size_t j = 0; j < p->elems[i]->nhops; j++) {
			enum pl_hop hop = p->elems[i]->hops[j].hop;

			n += !seen[hop];
			covered += !seen[hop] && *p->cover[hop].hook;
			seen[hop] = true;
		}
	if (!n)
		return;
	text_printf(o, "\n→ to the end of the way   ← back   ↔ both");
	if (p->tried)
		text_printf(o, "      %u of %u hops covered", covered, n);
	text_printf(o, "\n");
	if (p->tried)
		uncovered_print(p, seen, o);
	if (*p->cover_why)
		text_printf(o, "hooks were not tried: %s\n", p->cover_why);
}

static void remarks_print(const struct path *p, const struct text_out *o)
{
	for (size_t i = 0; i < p->host->nremarks; i++)
		text_printf(o, "note: %s\n", p->host->remarks[i]);
}

static int one_tree_print(struct path *p, size_t root, const struct text_out *o, bool all)
{
	struct lines l = { .p = p, .o = o, .all = all };
	size_t name_col, hop_col;

	elem_lines(&l, p->roots[root], "", "");
	if (o->columns && !l.failed && lines_measure(&l, &name_col, &hop_col) > o->columns) {
		/* once more, with hops below facts, and these folded */
		l.n = 0;
		l.narrow = true;
		l.fold = o->columns > name_col + 2 + FACT_MIN ? o->columns - name_col - 2 : FACT_MIN;
		elem_lines(&l, p->roots[root], "", "");
	}
	l.failed |= l.mem.failed;
	if (!l.failed)
		lines_print(&l);
	free(l.line);
	arena_free(&l.mem);
	return l.failed ? -ENOMEM : 0;
}

static int tree_print(struct path *p, const struct text_out *o, bool all)
{
	int err = 0;
	size_t i;

	for (i = 0; i < p->nnotes; i++)
		text_printf(o, "%s\n", p->notes[i]);
	for (i = 0; !err && i < p->nroots; i++) {
		title_print(p, i, o);
		err = one_tree_print(p, i, o, all);
	}
	if (!err)
		covered_print(p, o);
	return err;
}

/* --- a line a way ------------------------------------------------------------------------------- */

static void brief_elem(struct path *p, const struct path_elem *e, const struct text_out *o)
{
	const char *mark = path_mark(p, e);

	name_print(o, e->name);
	if (*mark) {
		text_printf(o, " [");
		name_print(o, mark);
		text_printf(o, "]");
	}
	if (e->unsure)
		text_printf(o, "?");
}

static void brief_walk(struct path *p, const struct path_elem *e, const struct text_out *o,
		       const struct path_elem **chain, size_t depth)
{
	if (depth < CHAIN_MAX)
		chain[depth++] = e;
	for (size_t i = 0; i < e->nnext; i++)
		brief_walk(p, e->next[i], o, chain, depth);
	if (e->nnext)
		return;
	for (size_t i = 0; i < depth; i++) {
		text_printf(o, "%s", i ? " → " : "");
		brief_elem(p, chain[i], o);
	}
	text_printf(o, "%s\n", e->again ? " (as above)" : "");
}

static void alone_print(const struct path *p, const struct text_out *o)
{
	for (size_t i = 0; i < p->nalone && i < ALONE_MAX; i++) {
		text_printf(o, "%s", i ? ", " : "\non no way: ");
		name_print(o, p->alone[i]->label);
	}
	if (p->nalone > ALONE_MAX)
		text_printf(o, ", %zu more", p->nalone - ALONE_MAX);
	if (p->nalone)
		text_printf(o, "\n");
}

int view_path_text(struct path *p, const struct text_out *o, bool all)
{
	const struct path_elem *chain[CHAIN_MAX];
	int err = 0;

	if (p->brief) {
		for (size_t i = 0; i < p->nroots; i++)
			brief_walk(p, p->roots[i], o, chain, 0);
		if (!p->nroots)
			text_printf(o, "no way found: no hardware, no guest, no veth\n");
		alone_print(p, o);
	} else {
		err = tree_print(p, o, all);
	}
	remarks_print(p, o);
	return err ? err : p->mem.failed ? -ENOMEM
					 : 0;
}
