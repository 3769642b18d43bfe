// SPDX-License-Identifier: GPL-2.0
/* pktlap report: the breakdown of a recording by path and stage */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "breakdown.h"
#include "cmd.h"
#include "pipeline.h"
#include "report.h"
#include "tail.h"
#include "util.h"
#include "view.h"

enum { OPT_SLOWEST = 0x100 };

enum format { FORMAT_TEXT,
	      FORMAT_JSON,
	      FORMAT_CSV };

static const struct argp_option options[] = {
	{ "format", 'f', "FORMAT", 0, "text (default), json or csv; both in nanoseconds", 0 },
	{ "unit", 'u', "UNIT", 0, "Text: times in ns, us (default) or ms", 0 },
	{ "all", 'a', NULL, 0, "Text: rare stages in rows of their own", 0 },
	{ "slowest", OPT_SLOWEST, "N%", 0,
	  "Text and json: also which stages make the slowest N % (or the N slowest, a quarter at "
	  "most) of each path slower than its packets in the middle",
	  0 },
	{ 0 },
};

static const char doc[] =
	"Where the packets' time went: for each path the time of each stage, in the order of the "
	"way, from the recording FILE (default pktlap.data).\v"
	"A stage is rare that fewer than one in 100 of the path's packets met and that took less "
	"than a hundredth of its time; rare stages are folded into one row without --all. The "
	"largest stage is bold on a terminal, unless NO_COLOR is set.\n\n"
	"Exit status: 0 ok, 1 failed, 2 wrong usage, 3 events were lost or the recording is cut "
	"off or damaged; the report is of what there is. A closed pipe (| head) ends pktlap by "
	"SIGPIPE, as it does other filters.";

struct args {
	struct pipeline_config pipeline;
	enum format format;
	enum text_unit unit;
	bool all;
	const char *slowest; /* as given; NULL: not asked for */
	struct tail_spec tail;
};

static int format_parse(const char *name, enum format *format)
{
	static const char *const names[] = {
		[FORMAT_TEXT] = "text",
		[FORMAT_JSON] = "json",
		[FORMAT_CSV] = "csv",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name))
			continue;
		*format = i;
		return 0;
	}
	return -EINVAL;
}

static void slowest_parse(struct args *a, const char *arg, struct argp_state *state)
{
	int err = tail_spec_parse(arg, &a->tail);

	if (err == -ERANGE)
		argp_error(state, "--slowest: 25%% at most, not %s", arg);
	else if (err)
		argp_error(state, "--slowest: not a percentage (1%%, 0.1%%) or a number above 0: %s", arg);
	a->slowest = arg;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->pipeline;
		return 0;
	case 'f':
		if (format_parse(arg, &a->format))
			argp_error(state, "--format: text, json or csv, not %s", arg);
		return 0;
	case 'u':
		if (text_unit_parse(arg, &a->unit))
			argp_error(state, "--unit: ns, us or ms, not %s", arg);
		return 0;
	case 'a':
		a->all = true;
		return 0;
	case OPT_SLOWEST:
		slowest_parse(a, arg, state);
		return 0;
	case ARGP_KEY_END:
		if (a->slowest && a->format == FORMAT_CSV)
			argp_error(state, "--slowest: with text or json, not csv");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int report_show(const struct report *r, const struct args *a)
{
	struct text_out out;

	switch (a->format) {
	case FORMAT_JSON:
		return view_json(r, stdout);
	case FORMAT_CSV:
		return view_csv(r, stdout);
	default:
		text_out_init(&out, stdout);
		out.unit = a->unit;
		return view_text(r, &out, a->all);
	}
}

/* A second pass: which packets are slow is known only now. 0 or a negative errno, already reported */
static int tail_run(struct pipeline *p, const struct breakdown_builder *b,
		    const struct breakdown *result, const struct args *a, struct tail **tail)
{
	if (!a->slowest)
		return 0;
	if (tail_new(b, result, &a->tail, tail)) {
		msg_error("out of memory");
		return -ENOMEM;
	}
	return pipeline_run(p, tail_packet, *tail);
}

/* What belongs to the pipeline's run is that of its last one: no other may follow */
static int breakdown_show(struct pipeline *p, const struct breakdown *result, struct tail *tail,
			  const struct args *a)
{
	struct report_input in = {
		.file = p->cfg.path,
		.breakdown = result,
		.stitch = &p->stitch_stats,
		.merge = &p->merge_stats,
		.domains = p->domain,
		.ndomains = p->ndomains,
		.join = p->join ? join_stats(p->join) : NULL,
		.tail_asked = a->slowest,
		.totals = p->totals,
	};
	struct report *r = NULL;
	int err = tail ? tail_finish(tail, &in.tail) : 0;

	if (!err)
		err = report_new(&in, &r);
	if (!err)
		err = report_show(r, a);
	report_free(r);
	if (err)
		msg_error("%s: %s", p->cfg.path, strerror(-err));
	return err;
}

static int report_run(struct pipeline *p, struct breakdown_builder *b, const struct args *a)
{
	const struct breakdown *result;
	struct tail *tail = NULL;
	int err = pipeline_run(p, breakdown_packet, b);

	if (err)
		return err;
	if (breakdown_finish(b, &result)) {
		msg_error("out of memory");
		return -ENOMEM;
	}
	err = tail_run(p, b, result, a, &tail);
	if (!err)
		err = breakdown_show(p, result, tail, a);
	tail_free(tail);
	return err;
}

int cmd_report(int argc, char **argv)
{
	const struct argp_child children[] = { { &pipeline_argp, 0, NULL, 0 }, { 0 } };
	const struct argp argp = { options, parse, NULL, doc, children, NULL, NULL };
	struct args a = { .unit = UNIT_US };
	struct breakdown_builder *b = NULL;
	enum cmd_status status = CMD_FAIL;
	struct pipeline p;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	signal(SIGPIPE, SIG_DFL); /* who started us may have ignored it */

	if (pipeline_open(&p, &a.pipeline))
		goto out;
	if (breakdown_new(&b)) {
		msg_error("out of memory");
		goto out;
	}
	if (report_run(&p, b, &a) || stdout_finish())
		goto out;
	status = pipeline_status(&p);
out:
	breakdown_free(b);
	pipeline_close(&p);
	return status;
}
