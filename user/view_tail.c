// SPDX-License-Identifier: GPL-2.0
#include "view_tail.h"

#include <stdlib.h>
#include <string.h>

#define SHARE_LEN 32
#define ARROW	  "→"

/* "91 %" of parts in a million, with a sign; parts of 1 % say their tenths */
static const char *share_text(__s64 ppm, char buf[SHARE_LEN])
{
	__s64 permille = (llabs(ppm) + 500) / 1000;

	snprintf(buf, SHARE_LEN, "%s%lld.%lld %%", ppm < 0 && permille ? "-" : "", permille / 10,
		 permille % 10);
	return buf;
}

static const char *signed_ns(const struct text_out *o, __s64 ns, char buf[TEXT_NS_LEN + 1])
{
	buf[0] = ns < 0 ? '-' : '+';
	text_ns(o, ns < 0 ? -(__u64)ns : (__u64)ns, buf + 1);
	return buf;
}

static void ns_cell(struct table *t, const struct text_out *o, __u64 ns)
{
	char buf[TEXT_NS_LEN];

	table_cell(t, "%s", text_ns(o, ns, buf));
}

static void more_cells(struct table *t, const struct text_out *o, __s64 more, __s64 ppm)
{
	char ns[TEXT_NS_LEN + 1], share[SHARE_LEN];

	table_cell(t, "%s", signed_ns(o, more, ns));
	table_cell(t, "%s", share_text(ppm, share));
}

static void stage_cells(struct table *t, const struct text_out *o,
			const struct report_tail_stage *s, bool bold)
{
	table_cell(t, "%s", s->stage->from->label);
	table_cell(t, ARROW);
	table_cell(t, "%s", s->stage->to->label);
	table_cell(t, "%llu", s->n);
	ns_cell(t, o, s->stage->d.p50);
	ns_cell(t, o, s->p50);
	ns_cell(t, o, s->middle_avg);
	ns_cell(t, o, s->avg);
	more_cells(t, o, s->more, s->share_ppm);
	table_row_end(t, bold);
}

/* Rows that are not about one stage */
static void sum_cells(struct table *t, const struct text_out *o, const char *title, __u64 middle,
		      __u64 slow, __s64 more, __s64 ppm)
{
	table_cell(t, "%s", title);
	for (int i = 0; i < 5; i++)
		table_cell(t, "%s", "");
	ns_cell(t, o, middle);
	ns_cell(t, o, slow);
	more_cells(t, o, more, ppm);
	table_row_end(t, false);
}

static void heads(struct table *t, const struct text_out *o)
{
	static const char *const heads[] = { "n", "p50", "p50 slow", "avg middle", "avg slow", "more", "share" };

	table_cell(t, "slowest, %s", text_unit_name(o));
	table_cell(t, "%s", "");
	table_cell(t, "%s", "");
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		table_cell(t, "%s", heads[i]);
	table_row_end(t, false);
}

static int show_table(const struct report_tail *tail, const struct text_out *o, bool all)
{
	struct table *t;
	char title[64];
	int err;

	err = table_new(o, "l l lrrrrrrr", &t);
	if (err)
		return err;
	heads(t, o);
	for (size_t i = 0; i < tail->nstages; i++) {
		const struct report_tail_stage *s = &tail->stages[i];

		if (all || !s->small)
			stage_cells(t, o, s, s == tail->top);
	}
	if (tail->folded.rows && !all) {
		snprintf(title, sizeof(title), "%zu other stages", tail->folded.rows);
		sum_cells(t, o, title, tail->folded.middle_avg, tail->folded.avg, tail->folded.more,
			  tail->folded.share_ppm);
	}
	sum_cells(t, o, "total", tail->middle_avg, tail->avg, tail->more, tail->more > 0 ? 1000000 : 0);
	return table_finish(t, 2);
}

/* "the slowest 1 %", "the 20 slowest" */
static void say_group(const struct report_tail *t, const struct text_out *o)
{
	char ns[TEXT_NS_LEN];
	size_t len = strlen(t->asked);

	if (len && t->asked[len - 1] == '%')
		text_printf(o, "  the slowest %.*s %%", (int)len - 1, t->asked);
	else
		text_printf(o, "  the slowest packets");
	text_printf(o, " (n = %llu, from %s %s on)", t->n, text_ns(o, t->limit, ns),
		    text_unit_name(o));
}

static void say_top(const struct report_tail *t, const struct text_out *o)
{
	char share[SHARE_LEN];

	text_printf(o, ";\n  %s of that in %s " ARROW " %s, which is the largest excess in %llu of them\n",
		    share_text(t->top->share_ppm, share), t->top->stage->from->label,
		    t->top->stage->to->label, t->top->largest);
}

static void say_doubts(const struct report_tail *t, const struct text_out *o)
{
	if (t->coarse)
		text_printf(o, "  more than the %llu asked for: so many took about as long as the limit\n",
			    t->wanted);
	if (t->few)
		text_printf(o, "  few packets: another recording may show other stages\n");
}

int view_tail_text(const struct report_path *p, const struct text_out *o, bool all)
{
	const struct report_tail *t = &p->tail;
	char ns[TEXT_NS_LEN];
	int err;

	if (!*t->asked)
		return 0;
	if (!t->n) {
		text_printf(o, "  slowest %s: too few packets to tell slow ones from others\n", t->asked);
		return 0;
	}
	err = show_table(t, o, all);
	if (err)
		return err;
	say_group(t, o);
	if (t->more <= 0 || !t->top) {
		text_printf(o, " took no longer than those in the middle (n = %llu)\n", t->middle_n);
	} else {
		text_printf(o, " took %s %s more than those in the middle (n = %llu)",
			    text_ns(o, t->more, ns), text_unit_name(o), t->middle_n);
		say_top(t, o);
	}
	say_doubts(t, o);
	return 0;
}

static json_t *stage_json(struct json_builder *b, const struct report_path *p,
			  const struct report_tail_stage *s)
{
	json_t *o = json_object();

	json_put_int(b, o, "stage_index", s->stage - p->stages);
	json_put_int(b, o, "n", s->n);
	json_put_int(b, o, "p50", s->p50);
	json_put_int(b, o, "avg", s->avg);
	json_put_int(b, o, "middle_avg", s->middle_avg);
	json_put(b, o, "more", json_integer(s->more));
	json_put(b, o, "share_ppm", json_integer(s->share_ppm));
	json_put_int(b, o, "largest_in", s->largest);
	return o;
}

json_t *view_tail_json(struct json_builder *b, const struct report_path *p)
{
	const struct report_tail *t = &p->tail;
	json_t *o = json_object(), *stages = json_array();

	json_put_str(b, o, "asked", t->asked);
	json_put_int(b, o, "wanted", t->wanted);
	json_put_int(b, o, "n", t->n);
	json_put_bool(b, o, "coarse", t->coarse);
	json_put_bool(b, o, "few", t->few);
	json_put_int(b, o, "limit", t->limit);
	json_put_int(b, o, "avg", t->avg);
	json_put_int(b, o, "middle_n", t->middle_n);
	json_put_int(b, o, "middle_low", t->middle_low);
	json_put_int(b, o, "middle_high", t->middle_high);
	json_put_int(b, o, "middle_avg", t->middle_avg);
	json_put(b, o, "more", json_integer(t->more));
	json_put(b, o, "top_stage_index", json_integer(t->top ? t->top->stage - p->stages : -1));
	for (size_t i = 0; i < t->nstages; i++)
		json_append(b, stages, stage_json(b, p, &t->stages[i]));
	json_put(b, o, "stages", stages);
	return o;
}
