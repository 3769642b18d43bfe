/* SPDX-License-Identifier: GPL-2.0 */
/* Views of ways. 0 or -ENOMEM */
#ifndef PKTLAP_VIEW_PATH_H
#define PKTLAP_VIEW_PATH_H

#include <stdio.h>

#include "path.h"
#include "text.h"

#define PATH_SCHEMA 1

/* A tree with facts and hops, or, where p->brief, a line a way. all: every fact */
int view_path_text(struct path *p, const struct text_out *o, bool all);

/* The contract of user/path.schema.json */
int view_path_json(struct path *p, FILE *f);

/* A digraph for graphviz */
int view_path_dot(struct path *p, FILE *f);

#endif
