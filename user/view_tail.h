/* SPDX-License-Identifier: GPL-2.0 */
/* Of the views of a report: the slowest packets of a path against those in the middle */
#ifndef PKTLAP_VIEW_TAIL_H
#define PKTLAP_VIEW_TAIL_H

#include "json_build.h"
#include "report.h"
#include "text.h"

/* A table of the stages and what it says in words. 0 or -ENOMEM. Nothing when not asked for */
int view_tail_text(const struct report_path *p, const struct text_out *o, bool all);
json_t *view_tail_json(struct json_builder *b, const struct report_path *p);

#endif
