/* SPDX-License-Identifier: GPL-2.0 */
/* Views of the finished report: they print and compute nothing. 0 or -ENOMEM */
#ifndef PKTLAP_VIEW_H
#define PKTLAP_VIEW_H

#include "report.h"
#include "text.h"

/* all: every rare stage in its own row */
int view_text(const struct report *r, const struct text_out *o, bool all);

/* The contract of user/report.schema.json */
int view_json(const struct report *r, FILE *f);

/* A row a stage and one for the total, RFC 4180 quoting */
int view_csv(const struct report *r, FILE *f);

#endif
