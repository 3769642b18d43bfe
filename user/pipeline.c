// SPDX-License-Identifier: GPL-2.0
/* From a recording to its packets, see pipeline.h */
#include "pipeline.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

enum { OPT_TIMEOUT = 0x200,
       OPT_MAX_IN_FLIGHT };

static const struct argp_option options[] = {
	{ "timeout", OPT_TIMEOUT, "TIME", 0,
	  "A packet that is not seen for TIME has ended (5s, 200ms; default 30s)", 1 },
	{ "max-in-flight", OPT_MAX_IN_FLIGHT, "N", 0,
	  "Packets to keep in memory at a time (default 262144)", 1 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct pipeline_config *cfg = state->input;
	__u64 n;

	switch (key) {
	case OPT_TIMEOUT:
		if (parse_duration(arg, &cfg->timeout_ns) || !cfg->timeout_ns)
			argp_error(state, "--timeout: not a time above 0: %s", arg);
		return 0;
	case OPT_MAX_IN_FLIGHT:
		if (parse_u64(arg, &n) || !n || n > UINT32_MAX)
			argp_error(state, "--max-in-flight: not a number above 0: %s", arg);
		cfg->max_in_flight = n;
		return 0;
	case ARGP_KEY_ARG:
		if (cfg->path)
			argp_error(state, "one recording at a time: %s and %s", cfg->path, arg);
		cfg->path = arg;
		return 0;
	case ARGP_KEY_END:
		if (!cfg->path)
			cfg->path = "pktlap.data";
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp pipeline_argp = { options, parse, "[FILE]", NULL, NULL, NULL, NULL };

static int failed(const struct pipeline *p, int err)
{
	msg_error("%s: %s", p->cfg.path, err == -ENOMEM ? "out of memory" : strerror(-err));
	return err;
}

int pipeline_open(struct pipeline *p, const struct pipeline_config *cfg)
{
	char why[512] = "";
	int err;

	memset(p, 0, sizeof(*p));
	p->cfg = *cfg;
	err = trace_open(cfg->path, &p->trace, why, sizeof(why));
	if (err) {
		msg_error("%s", *why ? why : strerror(-err));
		return err;
	}
	err = names_new(p->trace->docs[TRACE_DEVICES], p->trace->docs[TRACE_TASKS], &p->names);
	return err ? failed(p, err) : 0;
}

static void run_close(struct pipeline *p)
{
	if (p->stitch)
		stitch_free(p->stitch);
	if (p->merge)
		merge_close(p->merge);
	p->stitch = NULL;
	p->merge = NULL;
}

/* Recorded with a filter or a sample? */
static bool is_selected(const struct trace *t)
{
	json_t *given = json_object_get(t->docs[TRACE_META], "options");
	const char *filter = json_string_value(json_object_get(given, "filter"));

	return (filter && *filter) || json_integer_value(json_object_get(given, "sample")) > 1;
}

static int events_feed(struct pipeline *p)
{
	const struct pl_event *ev;
	int err;

	for (;;) {
		err = merge_next(p->merge, &ev);
		if (err == -EBADMSG)
			continue; /* counted; the next block may be whole */
		if (err <= 0)
			return err;
		err = stitch_event(p->stitch, ev);
		if (err)
			return err;
	}
}

int pipeline_run(struct pipeline *p, int (*packet)(void *ctx, const struct packet *p), void *ctx)
{
	struct stitch_config cfg = {
		.timeout_ns = p->cfg.timeout_ns,
		.max_in_flight = p->cfg.max_in_flight,
		.names = p->names,
		.selected = is_selected(p->trace),
		.packet = packet,
		.ctx = ctx,
	};
	int err;

	run_close(p);
	err = merge_open(p->trace, &p->merge);
	if (!err)
		err = stitch_new(&cfg, &p->stitch);
	if (!err)
		err = events_feed(p);
	if (!err)
		err = stitch_finish(p->stitch);
	return err < 0 ? failed(p, err) : 0;
}

static __u64 lost_events(const struct trace *t)
{
	json_t *hooks = json_object_get(t->docs[TRACE_COUNTS], "hooks"), *hook;
	const char *id;
	__u64 lost = 0;

	json_object_foreach(hooks, id, hook)
		lost += json_integer_value(json_object_get(hook, "lost"));
	return lost;
}

enum cmd_status pipeline_status(const struct pipeline *p)
{
	const struct merge_stats *merge = merge_stats(p->merge);
	__u64 lost = lost_events(p->trace), damaged = merge->bad_blocks + p->trace->damaged;
	char cut[128] = "", bad[96] = "", loss[96] = "", all[320];

	if (p->trace->truncated)
		snprintf(cut, sizeof(cut), "; cut off after %llu of %llu bytes",
			 p->trace->good_bytes, p->trace->file_bytes);
	else if (!p->trace->ended)
		snprintf(cut, sizeof(cut), "; the recorder was killed, or is still running");
	if (damaged)
		snprintf(bad, sizeof(bad), "; %llu blocks damaged or missing, %llu events of them known",
			 damaged, merge->bad_events);
	if (lost)
		snprintf(loss, sizeof(loss), "; %llu events were lost while recording", lost);

	snprintf(all, sizeof(all), "%s%s%s", cut, bad, loss);
	if (!*all)
		return CMD_OK;
	msg_error("%s is not complete: %s", p->cfg.path, all + strlen("; "));
	return CMD_PARTIAL;
}

void pipeline_close(struct pipeline *p)
{
	run_close(p);
	names_free(p->names);
	if (p->trace)
		trace_close(p->trace);
}
