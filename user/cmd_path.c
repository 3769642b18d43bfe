// SPDX-License-Identifier: GPL-2.0
/* pktlap path: find and draw the way that packets take on this host, with hops and hooks */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "host.h"
#include "path.h"
#include "util.h"
#include "view_path.h"

enum { KEY_PID = 256,
       KEY_MAC,
       KEY_FLOW,
       KEY_NO_HOOKS };

enum format { FORMAT_TEXT,
	      FORMAT_JSON,
	      FORMAT_DOT };

static const struct argp_option options[] = {
	{ "pid", KEY_PID, "PID", 0, "The ways of the taps that this process (a VMM) has open", 0 },
	{ "mac", KEY_MAC, "MAC", 0, "The ways to this address, by the bridges' forwarding databases", 0 },
	{ "flow", KEY_FLOW, "SRC", 0, "The way of packets from SRC to the DST that follows (IP addresses)", 0 },
	{ "format", 'f', "FORMAT", 0, "text (default), json, or dot (graphviz)", 0 },
	{ "all", 'a', NULL, 0, "Text: every irq, queue, offload and vCPU", 0 },
	{ "no-hooks", KEY_NO_HOOKS, NULL, 0, "Do not attach the hooks for a moment to see which cover what", 0 },
	{ 0 },
};

static const char doc[] =
	"Find the way that packets take on this host: hardware, XDP and tc programs, VLANs, bridge, "
	"queueing disciplines, tap, vhost worker, VMM, vCPUs; and beside each the hops and the hooks "
	"that cover them. Without an argument: all ways, a line each.\v"
	"DEV@NETNS names a device in another network namespace.\n\n"
	"Exit status: 0 ok, 1 failed, 2 wrong usage or no such device, process or address.";

struct args {
	struct path_query query;
	enum format format;
	bool all, no_hooks, flow;
};

static void pid_parse(struct args *a, const char *arg, struct argp_state *state)
{
	__u64 pid;

	if (parse_u64(arg, &pid) || !pid || pid > 0x7fffffff)
		argp_error(state, "--pid: a process id, not %s", arg);
	else
		a->query.pid = pid;
}

static void format_parse(struct args *a, const char *arg, struct argp_state *state)
{
	if (!strcmp(arg, "text"))
		a->format = FORMAT_TEXT;
	else if (!strcmp(arg, "json"))
		a->format = FORMAT_JSON;
	else if (!strcmp(arg, "dot"))
		a->format = FORMAT_DOT;
	else
		argp_error(state, "--format: text, json or dot, not %s", arg);
}

static void end_check(const struct args *a, struct argp_state *state)
{
	const struct path_query *q = &a->query;

	if (a->flow && !q->dst)
		argp_error(state, "--flow: two addresses, SRC DST");
	else if (!!q->dev + !!q->pid + !!q->mac + !!q->src > 1)
		argp_error(state, "one of DEV, --pid, --mac and --flow");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case KEY_PID:
		pid_parse(a, arg, state);
		break;
	case KEY_MAC:
		a->query.mac = arg;
		break;
	case KEY_FLOW:
		a->query.src = arg;
		a->flow = true;
		break;
	case KEY_NO_HOOKS:
		a->no_hooks = true;
		break;
	case 'f':
		format_parse(a, arg, state);
		break;
	case 'a':
		a->all = true;
		break;
	case ARGP_KEY_ARG:
		if (a->flow && !a->query.dst)
			a->query.dst = arg;
		else if (!a->query.dev)
			a->query.dev = arg;
		else
			argp_error(state, "unexpected argument: %s", arg);
		break;
	case ARGP_KEY_END:
		end_check(a, state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = { options, parse, "[DEV]", doc, NULL, NULL, NULL };

static int show(struct path *p, const struct args *a)
{
	struct text_out o;

	switch (a->format) {
	case FORMAT_JSON:
		return view_path_json(p, stdout);
	case FORMAT_DOT:
		return view_path_dot(p, stdout);
	default:
		text_out_init(&o, stdout);
		return view_path_text(p, &o, a->all);
	}
}

int cmd_path(int argc, char **argv)
{
	struct args a = {};
	struct host *h = NULL;
	struct path *p = NULL;
	char why[256];
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	err = host_scan(&h);
	if (err) {
		msg_error("cannot read the devices of this host: %s", strerror(-err));
		return CMD_FAIL;
	}
	err = path_new(h, &a.query, &p, why, sizeof(why));
	if (err) {
		msg_error("%s", why);
		host_free(h);
		return err == -ENOMEM ? CMD_FAIL : CMD_USAGE;
	}
	if (!a.no_hooks && !(p->brief && a.format == FORMAT_TEXT))
		path_cover_try(p);
	err = show(p, &a);
	if (err)
		msg_error("cannot show it: %s", strerror(-err));
	path_free(p);
	host_free(h);
	return stdout_finish() || err ? CMD_FAIL : CMD_OK;
}
