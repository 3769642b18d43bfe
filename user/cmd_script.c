// SPDX-License-Identifier: GPL-2.0
/* pktlap script: single packets, sighting by sighting */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "breakdown.h"
#include "cmd.h"
#include "pipeline.h"
#include "report.h"
#include "slowest.h"
#include "util.h"
#include "view_script.h"

enum { OPT_SLOWEST = 0x100,
       OPT_PACKET,
       OPT_PATH,
       OPT_END,
       OPT_TIMES };

static const struct argp_option options[] = {
	{ "format", 'f', "FORMAT", 0,
	  "text (default); jsonl: a JSON object a line; perfetto: a trace for ui.perfetto.dev; "
	  "pcapng: a capture for Wireshark",
	  0 },
	{ "slowest", OPT_SLOWEST, "N", 0,
	  "Only the N packets of the longest time, slowest first (complete ones without --end)",
	  0 },
	{ "packet", OPT_PACKET, "ID", 0,
	  "Only this packet, as numbered in the report; may be repeated", 0 },
	{ "path", OPT_PATH, "N", 0, "Only packets of this path, as numbered in the report", 0 },
	{ "end", OPT_END, "HOW", 0,
	  "Only packets that ended so: complete, dropped, merged, split, incomplete, ambiguous",
	  0 },
	{ "times", OPT_TIMES, "KIND", 0,
	  "Text: rel: since the packet's first sighting (default); ns: of the wall clock, in ns, and no "
	  "delta, for programs",
	  0 },
	{ "unit", 'u', "UNIT", 0, "Text, and comments of pcapng: relative times in ns, us (default) or ms", 0 },
	{ "verbose", 'v', NULL, 0,
	  "Text: also which hook made each sighting, its length (of a batch: the count), argument", 0 },
	{ 0 },
};

static const char doc[] =
	"Single packets of the recording FILE (default pktlap.data): a row for each sighting, with "
	"its time, the time since the one before, hop, device, CPU and task. Without a filter all "
	"of them, in the order in which they ended.\v"
	"Exit status: 0 ok, 1 failed or no such packet, 2 wrong usage, 3 events were lost or the "
	"recording is cut off or damaged.";

#define END_ANY PACKET_NR_ENDS

struct args {
	struct pipeline_config pipeline;
	__u64 slowest; /* 0: all */
	__u64 path; /* 0: all */
	__u64 *ids; /* wanted; 0 when shown */
	size_t nids;
	enum packet_end end;
	const struct script_format *format;
	enum text_unit unit;
	bool absolute, verbose;
};

struct script {
	const struct args *args;
	struct script_view view;
	struct script_state *state; /* the format's */
	struct breakdown_builder *paths; /* finished; NULL: no --path */
	struct slowest *slowest; /* NULL: show at once */
	__u64 ids_left;
	__u64 packets;
};

static enum packet_end end_by_name(const char *name)
{
	for (int end = 0; end < PACKET_NR_ENDS; end++)
		if (!strcmp(packet_end_name(end), name))
			return end;
	return END_ANY;
}

static void number(struct argp_state *state, const char *option, const char *arg, __u64 *out)
{
	if (parse_u64(arg, out) || !*out)
		argp_error(state, "%s: not a number above 0: %s", option, arg);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->pipeline;
		return 0;
	case 'f':
		a->format = script_format_by_name(arg);
		if (!a->format)
			argp_error(state, "--format: text, jsonl, perfetto or pcapng, not %s", arg);
		return 0;
	case OPT_SLOWEST:
		number(state, "--slowest", arg, &a->slowest);
		return 0;
	case OPT_PACKET:
		number(state, "--packet", arg, &a->ids[a->nids++]);
		return 0;
	case OPT_PATH:
		number(state, "--path", arg, &a->path);
		return 0;
	case OPT_END:
		a->end = end_by_name(arg);
		if (a->end == END_ANY)
			argp_error(state, "--end: no packet ends as %s (see --help)", arg);
		return 0;
	case OPT_TIMES:
		if (strcmp(arg, "rel") && strcmp(arg, "ns"))
			argp_error(state, "--times: rel or ns, not %s", arg);
		a->absolute = !strcmp(arg, "ns");
		return 0;
	case 'u':
		if (text_unit_parse(arg, &a->unit))
			argp_error(state, "--unit: ns, us or ms, not %s", arg);
		return 0;
	case 'v':
		a->verbose = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Is the packet asked for by its number? An id is found once */
static bool id_wanted(struct script *s, __u64 id)
{
	for (size_t i = 0; i < s->args->nids; i++) {
		if (s->args->ids[i] != id)
			continue;
		s->args->ids[i] = 0;
		s->ids_left--;
		return true;
	}
	return !s->args->nids;
}

static int packet_show(void *ctx, const struct packet *p)
{
	struct script *s = ctx;

	/* a full disk need not wait for the end of the recording */
	if (ferror(s->view.out.f))
		return 1;
	return s->args->format->packet(s->state, p);
}

static int packet_take(void *ctx, const struct packet *p)
{
	struct script *s = ctx;
	const struct args *a = s->args;
	int err;

	s->packets++;
	if (a->end != END_ANY && p->end != a->end)
		return 0;
	if (s->paths && breakdown_path_id(s->paths, p) != a->path)
		return 0;
	if (!id_wanted(s, p->id))
		return 0;
	err = s->slowest ? slowest_add(s->slowest, p) : packet_show(s, p);
	/* all that were asked for have been found: the rest need not be read */
	return !err && a->nids && !s->ids_left ? 1 : err;
}

/* Numbers of paths go by their packets, so they are known only after reading all */
static int paths_find(struct script *s, struct pipeline *p)
{
	const struct breakdown *paths = NULL;
	int err = breakdown_new(&s->paths);

	if (!err)
		err = pipeline_run(p, breakdown_packet, s->paths);
	if (!err)
		err = breakdown_finish(s->paths, &paths);
	if (err || s->args->path <= paths->npaths)
		return err;
	msg_error("%s: no path %llu (number of paths: %zu)", p->cfg.path, s->args->path,
		  paths->npaths);
	return -ENOENT;
}

static int script_open(struct script *s, struct pipeline *p)
{
	if (s->args->slowest && slowest_new(s->args->slowest, &s->slowest)) {
		msg_error("out of memory");
		return -ENOMEM;
	}
	s->ids_left = s->args->nids;
	text_out_init(&s->view.out, stdout);
	s->view.out.unit = s->args->unit;
	s->view.domains = p->domain;
	s->view.ndomains = p->ndomains;
	s->view.verbose = s->args->verbose;
	s->view.absolute = s->args->absolute;
	if (s->args->format->begin(&s->view, &s->state)) {
		msg_error("out of memory");
		return -ENOMEM;
	}
	return s->args->path ? paths_find(s, p) : 0;
}

static int script_run(struct script *s, struct pipeline *p)
{
	int err = pipeline_run(p, packet_take, s);

	/* 1: the output cannot be written, which is told at its end */
	if (!err && s->slowest && slowest_each(s->slowest, packet_show, s) < 0) {
		msg_error("out of memory");
		return -ENOMEM;
	}
	if (err || !s->args->nids || !s->ids_left)
		return err;
	for (size_t i = 0; i < s->args->nids; i++)
		if (s->args->ids[i])
			msg_error("%s: no packet %llu that was asked for, of %llu packets",
				  p->cfg.path, s->args->ids[i], s->packets);
	return -ENOENT;
}

static int script_status(struct script *s, struct pipeline *p)
{
	int err = script_run(s, p);

	s->args->format->end(s->state);
	s->state = NULL;
	if (stdout_finish() || err)
		return CMD_FAIL;
	return pipeline_status(p);
}

int cmd_script(int argc, char **argv)
{
	const struct argp_child children[] = { { &pipeline_argp, 0, NULL, 0 }, { 0 } };
	const struct argp argp = { options, parse, NULL, doc, children, NULL, NULL };
	struct args a = { .unit = UNIT_US, .end = END_ANY, .format = &script_text };
	struct script s = { .args = &a };
	int status = CMD_FAIL;
	struct pipeline p;

	a.ids = calloc(argc, sizeof(*a.ids));
	if (!a.ids) {
		msg_error("out of memory");
		return CMD_FAIL;
	}
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (a.format->binary && isatty(STDOUT_FILENO)) {
		msg_error("%s is not for a terminal: write it to a file, or pipe it", a.format->name);
		free(a.ids);
		return CMD_USAGE;
	}
	signal(SIGPIPE, SIG_DFL); /* who started us may have ignored it */
	if (a.slowest && a.end == END_ANY && !a.nids)
		a.end = PACKET_COMPLETE;

	if (!pipeline_open(&p, &a.pipeline) && !script_open(&s, &p))
		status = script_status(&s, &p);
	a.format->end(s.state);
	pipeline_close(&p);
	slowest_free(s.slowest);
	breakdown_free(s.paths);
	free(a.ids);
	return status;
}
