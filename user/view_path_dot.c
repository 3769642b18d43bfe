// SPDX-License-Identifier: GPL-2.0
/* Ways as a digraph for graphviz: boxes are elements, an edge is drawn in the forward direction */
#include "view_path.h"

#include <errno.h>

/* In a quoted string of the DOT language only quote and backslash mean something */
static void quoted(FILE *f, const char *s)
{
	char buf[512];

	for (s = text_clean(buf, sizeof(buf), s); *s; s++) {
		if (*s == '"' || *s == '\\')
			putc('\\', f);
		putc(*s, f);
	}
}

static const char *shape(enum path_what what)
{
	switch (what) {
	case PATH_VHOST:
	case PATH_VMM:
	case PATH_VCPU:
		return "ellipse";
	case PATH_BRIDGE:
	case PATH_OVS:
		return "hexagon";
	default:
		return "box";
	}
}

static void hops_label(struct path *p, const struct path_elem *e, FILE *f)
{
	for (size_t i = 0; i < e->nhops; i++) {
		const struct path_hop *h = &e->hops[i];
		const struct path_cover *c = &p->cover[h->hop];

		fputs(h->forward ? h->back ? "<> " : "> " : "< ", f);
		quoted(f, hop_desc(h->hop)->name);
		if (*c->hook)
			fprintf(f, " %s %s", c->kind, c->target);
		else if (p->tried)
			fputs(" not covered", f);
		fputs("\\l", f);
	}
}

static void node(struct path *p, const struct path_elem *e, FILE *f)
{
	const char *const *facts = path_facts(p, e, false);

	fprintf(f, "\tn%u [shape=%s, label=\"", e->id, shape(e->what));
	quoted(f, e->name);
	fputs("\\n", f);
	for (; facts && *facts; facts++) {
		quoted(f, *facts);
		fputs("\\l", f);
	}
	hops_label(p, e, f);
	fputs("\"];\n", f);
}

static unsigned int id_of(const struct path_elem *e)
{
	/* an element that is drawn elsewhere is that one, unless it was left out there */
	return e->again && e->again->id ? e->again->id : e->id;
}

int view_path_dot(struct path *p, FILE *f)
{
	fputs("digraph pktlap {\n\trankdir=LR;\n\tnode [fontname=\"monospace\", fontsize=10];\n", f);
	for (size_t i = 0; i < p->nelems; i++) {
		const struct path_elem *e = p->elems[i];

		if (id_of(e) == e->id)
			node(p, e, f);
		for (size_t j = 0; j < e->nnext; j++)
			fprintf(f, "\tn%u -> n%u;\n", id_of(e), id_of(e->next[j]));
	}
	fputs("}\n", f);
	return p->mem.failed ? -ENOMEM : 0;
}
