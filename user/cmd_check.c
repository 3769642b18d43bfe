// SPDX-License-Identifier: GPL-2.0
/*
 * pktlap check: attach every hook, for a moment, and say which hop is covered by which hook and
 * why not by the others. What it prints is what a recording would have.
 */
#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "cmd.h"
#include "hop_select.h"
#include "hooks.h"
#include "util.h"

static const struct argp_option options[] = {
	{ "format", 'f', "FORMAT", 0, "text (default) or json", 0 },
	{ "all", 'a', NULL, 0, "Text: also the alternatives that were refused for covered hops", 0 },
	{ "verbose", 'v', NULL, 0, "Messages of the kernel's verifier and of libbpf on stderr", 0 },
	{ 0 },
};

static const char doc[] =
	"Say what pktlap can see on this host: for each hop the hook that covers it, or why none "
	"does.\v"
	"The hooks are really attached, for a moment: a load alone is no proof.\n\n"
	"Exit status: 0 a recording can be made, 1 it cannot, 2 wrong usage.";

struct args {
	bool json, all, verbose;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case 'f':
		if (strcmp(arg, "json") && strcmp(arg, "text"))
			argp_error(state, "--format: text or json, not %s", arg);
		a->json = !strcmp(arg, "json");
		break;
	case 'a':
		a->all = true;
		break;
	case 'v':
		a->verbose = true;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument: %s", arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = { options, parse, NULL, doc, NULL, NULL, NULL };

static const char *str(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static void tried_print(const json_t *hop)
{
	const json_t *t;
	size_t i;

	json_array_foreach(json_object_get(hop, "tried"), i, t)
		printf("%-15s   %-9s %-28s %s\n", "", str(t, "kind"), str(t, "target"),
		       str(t, "error"));
}

static void text_print(const json_t *hops, bool all)
{
	unsigned int covered = 0, n = 0;
	const json_t *hop;
	struct utsname u;
	size_t i;

	uname(&u);
	printf("kernel %s %s\n\n%-15s   %-9s %-28s %s\n", u.release, u.machine, "HOP", "KIND", "HOOK",
	       "");
	json_array_foreach(hops, i, hop) {
		bool on = !strcmp(str(hop, "state"), "attached");
		const char *as = str(hop, "as");

		n++;
		covered += on;
		if (on)
			printf("%-15s   %-9s %-28s %s%s\n", str(hop, "hop"), str(hop, "kind"),
			       str(hop, "target"), *as ? "as " : "", as);
		else
			printf("%-15s   %s%s\n", str(hop, "hop"), *as ? "not covered, like " : "not covered", as);
		if (!*as && (!on || all))
			tried_print(hop);
	}
	printf("\n%u of %u hops covered\n", covered, n);
}

static int json_print(const json_t *hops)
{
	struct utsname u;
	json_t *all;

	uname(&u);
	all = json_pack("{s:i, s:s, s:s, s:O}", "schema", 1, "release", u.release, "machine",
			u.machine, "hops", hops);
	if (!all || json_dumpf(all, stdout, JSON_INDENT(2)))
		return CMD_FAIL;
	putchar('\n');
	json_decref(all);
	return CMD_OK;
}

int cmd_check(int argc, char **argv)
{
	struct hooks_config cfg = { .ring_bytes = 4096, .nirqs = 1 };
	bool asked[PL_NR_HOPS];
	struct args a = {};
	struct hooks *h = NULL;
	char why[256], bad[64];
	int ret = CMD_OK;
	json_t *hops;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	hops_select(NULL, cfg.want, asked, bad);
	cfg.verbose = a.verbose;
	if (hooks_load(&cfg, &h, why, sizeof(why)) || hooks_attach(h, why, sizeof(why))) {
		msg_error("%s", why);
		if (!h)
			return CMD_FAIL;
		ret = CMD_FAIL;
	}
	hooks_detach(h);
	hops = hooks_doc(h);
	if (!hops)
		ret = CMD_FAIL;
	else if (a.json)
		ret = json_print(hops) ?: ret;
	else
		text_print(hops, a.all);
	json_decref(hops);
	hooks_free(h);
	return stdout_finish() ? CMD_FAIL : ret;
}
