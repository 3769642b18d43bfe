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

#include "clock.h"
#include "cmd.h"
#include "devices.h"
#include "hazards.h"
#include "hop_select.h"
#include "hooks.h"
#include "text.h"
#include "util.h"

#define CHECK_SCHEMA 1
#define LINE_WIDTH   100

enum { OPT_STRICT = 256,
       OPT_LIST,
       OPT_HAZARDS };

static const struct argp_option options[] = {
	{ "format", 'f', "FORMAT", 0, "text (default) or json", 0 },
	{ "all", 'a', NULL, 0,
	  "Text: also the alternatives that were refused for covered hops, and hazards that are only notes", 0 },
	{ "strict", OPT_STRICT, NULL, 0, "Exit with 3 when a hazard is a fault", 0 },
	{ "hazards", OPT_HAZARDS, NULL, 0,
	  "Only look for hazards: no hook is attached, and counters get no time to grow", 0 },
	{ "list", OPT_LIST, NULL, 0, "Only list what hazards are looked for, and their remedies", 0 },
	{ "verbose", 'v', NULL, 0, "Messages of the kernel's verifier and of libbpf on stderr", 0 },
	{ 0 },
};

static const char doc[] =
	"Say what pktlap can see on this host: for each hop the hook that covers it, or why none "
	"does; and what on the host distorts latency (hazards): with DEV, on the way over these "
	"devices, else anywhere.\v"
	"The hooks are really attached, for a moment: a load alone is no proof.\n\n"
	"Exit status: 0 a recording can be made, 1 it cannot, 2 wrong usage, 3 with --strict: there "
	"is a fault.";

struct args {
	bool json, all, verbose, strict, list, hazards;
	const char **devices;
	size_t ndevices;
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
	case OPT_STRICT:
		a->strict = true;
		break;
	case OPT_LIST:
		a->list = true;
		break;
	case OPT_HAZARDS:
		a->hazards = true;
		break;
	case ARGP_KEY_ARG:
		a->devices[a->ndevices++] = arg;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = { options, parse, "[DEV...]", doc, NULL, NULL, NULL };

static const char *str(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

/* all: also the alternatives of what covers the hop, not only what is missing beside it */
static void tried_print(const json_t *hop, bool all)
{
	const json_t *t;
	size_t i;

	json_array_foreach(json_object_get(hop, "tried"), i, t)
		if (all || !strcmp(str(t, "beside"), str(hop, "hook")))
			printf("%-15s   %-9s %-28s %s\n", "", str(t, "kind"), str(t, "target"),
			       str(t, "error"));
}

static void text_print(const json_t *hops, bool all)
{
	unsigned int covered = 0, parts = 0, n = 0;
	const json_t *hop;
	struct utsname u;
	size_t i;

	uname(&u);
	printf("kernel %s %s\n\n%-15s   %-9s %-28s %s\n", u.release, u.machine, "HOP", "KIND", "HOOK",
	       "");
	json_array_foreach(hops, i, hop) {
		const char *partial = str(hop, "partial");
		bool on = !strcmp(str(hop, "state"), "attached");
		const char *as = str(hop, "as");

		n++;
		covered += on;
		if (on)
			printf("%-15s   %-9s %-28s %s%s\n", str(hop, "hop"), str(hop, "kind"),
			       str(hop, "target"), *as ? "as " : "", as);
		else
			printf("%-15s   %s%s\n", str(hop, "hop"), *as ? "not covered, like " : "not covered", as);
		parts += *partial && !*as;
		if (*partial && !*as)
			printf("%-15s   %s\n", "", partial);
		if (!*as)
			tried_print(hop, !on || all);
	}
	printf("\n%u of %u hops covered", covered, n);
	if (parts)
		printf(", %u of them in part", parts);
	putchar('\n');
}

/* Words after a first column, broken into lines */
static void words_print(const char *words, int indent)
{
	int at = indent, n;

	for (; *words; words += n + strspn(words + n, " ")) {
		n = strcspn(words, " ");
		if (at > indent && at + 1 + n > LINE_WIDTH) {
			printf("\n%*s", indent, "");
			at = indent;
		}
		at += printf("%s%.*s", at > indent ? " " : "", n, words);
	}
	putchar('\n');
}

static void hazards_print(const json_t *hazards, bool all)
{
	size_t i, notes = 0;
	const json_t *z;
	char *line;

	if (!json_array_size(hazards)) {
		printf("no hazards found\n");
		return;
	}
	printf("hazards\n");
	json_array_foreach(hazards, i, z) {
		bool note = !strcmp(str(z, "severity"), "note");

		notes += note;
		if ((note && !all) ||
		    asprintf(&line, "%s %s", str(z, "subject"), str(z, "evidence")) < 0)
			continue;
		printf("%-10s", str(z, "severity"));
		words_print(line, 10);
		free(line);
		if (asprintf(&line, "%s: %s", str(z, "id"), str(z, "remedy")) < 0)
			continue;
		printf("%12s", "");
		words_print(line, 12);
		free(line);
	}
	if (notes && !all)
		printf("%-10s%zu more (--all)\n", notes == 1 ? "note" : "notes", notes);
}

static int doc_print(json_t *o)
{
	if (!o || json_dumpf(o, stdout, JSON_INDENT(2))) {
		json_decref(o);
		return CMD_FAIL;
	}
	putchar('\n');
	json_decref(o);
	return CMD_OK;
}

static int list_print(bool json)
{
	json_t *rows = hazards_table_doc(), *row;
	size_t i;

	if (json)
		return doc_print(json_pack("{s:i, s:o}", "schema", CHECK_SCHEMA, "hazards", rows));
	json_array_foreach(rows, i, row) {
		printf("%s (%s)\n        ", str(row, "id"), str(row, "severity"));
		words_print(str(row, "looks_at"), 8);
		printf("        ");
		words_print(str(row, "remedy"), 8);
	}
	json_decref(rows);
	return CMD_OK;
}

/* Everything that a check looks at and finds */
struct check {
	struct args a;
	struct devices devices;
	struct hazards *hazards;
	struct hooks *hooks;
	json_t *hops_doc, *hazards_doc;
};

/* What is known before a hook is loaded */
static int check_prepare(struct check *c)
{
	int err = devices_scan(&c->devices);

	if (!err)
		err = hazards_new(&c->hazards);
	if (err) {
		msg_error("cannot look at this host: %s", strerror(-err));
		return err;
	}
	return devices_check(&c->devices, c->a.devices, c->a.ndevices);
}

static int check_hazards(struct check *c)
{
	const struct hazard_config cfg = { .names = c->a.devices, .nnames = c->a.ndevices, .slow = true };

	return hazards_look(c->hazards, &cfg, c->hooks ? hooks_ksyms(c->hooks) : NULL);
}

static int documents_make(struct check *c)
{
	c->hops_doc = c->hooks ? hooks_doc(c->hooks) : json_array();
	c->hazards_doc = hazards_doc(c->hazards);
	if (c->hops_doc && c->hazards_doc)
		return CMD_OK;
	msg_error("out of memory");
	return CMD_FAIL;
}

/* Hazards between load and attach: pktlap's own hooks are not there yet, and counters get time */
static int check_run(struct check *c)
{
	struct hooks_config cfg = { .ring_bytes = 4096, .nirqs = 1, .verbose = c->a.verbose };
	bool asked[PL_NR_HOPS];
	char why[256], bad[64];
	int ret = CMD_OK, err;

	hops_select(NULL, cfg.want, asked, bad);
	if (hooks_load(&cfg, &c->hooks, why, sizeof(why))) {
		msg_error("%s", why);
		return CMD_FAIL;
	}
	err = check_hazards(c);
	if (hooks_attach(c->hooks, why, sizeof(why))) {
		msg_error("%s", why);
		ret = CMD_FAIL;
	}
	hooks_detach(c->hooks);
	if (!err)
		err = hazards_look_again(c->hazards);
	if (err) {
		msg_error("cannot look for hazards: %s", strerror(-err));
		return CMD_FAIL;
	}
	return documents_make(c) ? CMD_FAIL : ret;
}

static int check_hazards_only(struct check *c)
{
	int err = check_hazards(c);

	if (!err)
		return documents_make(c);
	msg_error("cannot look for hazards: %s", strerror(-err));
	return CMD_FAIL;
}

/* What relates this kernel's clock to that of its host, or of another host */
static void clocks_print(void)
{
	json_t *clocks = clock_methods_doc();
	const char *why = str(clocks, "ptp_kvm_why");

	printf("clock: ptp_kvm %s%s; exchange with record --guest; real time %s",
	       json_is_true(json_object_get(clocks, "ptp_kvm")) ? "works" : "– ", why ? why : "",
	       json_is_true(json_object_get(clocks, "realtime")) ? "" : "not synchronised\n");
	if (json_is_true(json_object_get(clocks, "realtime")))
		printf("synchronised within %lld ns\n",
		       json_integer_value(json_object_get(clocks, "real_error_ns")));
	json_decref(clocks);
}

static int check_print(const struct check *c)
{
	struct utsname u;

	if (!c->hops_doc || !c->hazards_doc)
		return CMD_FAIL;
	uname(&u);
	if (c->a.json)
		return doc_print(json_pack("{s:i, s:s, s:s, s:O, s:O, s:o}", "schema", CHECK_SCHEMA,
					   "release", u.release, "machine", u.machine, "hops", c->hops_doc,
					   "hazards", c->hazards_doc, "clocks", clock_methods_doc()));
	if (c->hooks) {
		text_print(c->hops_doc, c->a.all);
		putchar('\n');
		clocks_print();
	}
	hazards_print(c->hazards_doc, c->a.all);
	return CMD_OK;
}

static int check_all(struct check *c)
{
	int ret, err = check_prepare(c);

	if (err)
		return err == -ENODEV ? CMD_USAGE : CMD_FAIL;
	ret = c->a.hazards ? check_hazards_only(c) : check_run(c);
	if (check_print(c))
		return CMD_FAIL;
	if (ret == CMD_OK && c->a.strict && hazards_count(c->hazards, HAZARD_FAULT))
		ret = CMD_PARTIAL;
	return ret;
}

static void check_free(struct check *c)
{
	json_decref(c->hops_doc);
	json_decref(c->hazards_doc);
	hooks_free(c->hooks);
	hazards_free(c->hazards);
	devices_free(&c->devices);
	free(c->a.devices);
}

int cmd_check(int argc, char **argv)
{
	struct check c = {};
	int ret;

	c.a.devices = calloc(argc, sizeof(*c.a.devices));
	if (!c.a.devices) {
		msg_error("out of memory");
		return CMD_FAIL;
	}
	argp_parse(&argp, argc, argv, 0, NULL, &c.a);
	ret = c.a.list ? list_print(c.a.json) : check_all(&c);
	check_free(&c);
	return stdout_finish() ? CMD_FAIL : ret;
}
