// SPDX-License-Identifier: GPL-2.0
/* pktlap record: attach, stream events to a file until something ends it */
#include <argp.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd.h"
#include "endpoint.h"
#include "filter.h"
#include "hop_select.h"
#include "record.h"
#include "util.h"

#define HOPS_SHOWN 5 /* in one line */

enum { OPT_DURATION = 256,
       OPT_COUNT,
       OPT_SLOWER_THAN,
       OPT_BUFFER,
       OPT_SAMPLE,
       OPT_FOLLOW_NAT,
       OPT_HOPS,
       OPT_GUEST };

static const struct argp_option options[] = {
	{ "interface", 'i', "DEV", 0,
	  "Only packets at this device, or at this bridge and its ports; may be repeated. DEV@NETNS "
	  "names one in another namespace. Default: all but loopback",
	  0 },
	{ "output", 'o', "FILE", 0, "Write to FILE (default pktlap.data); an older one becomes FILE.old", 0 },
	{ "duration", OPT_DURATION, "TIME", 0, "Stop after TIME (5, 200ms, 1.5s)", 0 },
	{ "count", OPT_COUNT, "N", 0, "Stop when N packets have entered this host", 0 },
	{ "slower-than", OPT_SLOWER_THAN, "TIME", 0,
	  "Keep only packets that took longer than TIME (500us, 1ms, 2s), and those dropped; all are "
	  "counted",
	  0 },
	{ "hops", OPT_HOPS, "LIST", 0,
	  "Only these hops: names or patterns, as in 'nic:*,tap:xmit' (pktlap check lists them)", 0 },
	{ "sample", OPT_SAMPLE, "1/N", 0,
	  "Only one packet in N (of TCP: all of one flow in N), the same ones at each hop and on each host", 0 },
	{ "follow-nat", OPT_FOLLOW_NAT, NULL, 0,
	  "A packet that matched FILTER is followed where addresses or ports are translated, too", 0 },
	{ "buffer", OPT_BUFFER, "SIZE", 0, "Ring for each CPU: 4K to 1G, a power of two", 0 },
	{ "guest", OPT_GUEST, "HOW", 0,
	  "Record in a guest (or on another host), too, through pktlap agent there: vsock:CID[:PORT], "
	  "tcp:HOST[:PORT], exec:COMMAND (exec:'ssh vm pktlap agent --stdio'); may be repeated",
	  0 },
	{ "quiet", 'q', NULL, 0, "No progress, no summary", 0 },
	{ "verbose", 'v', NULL, 0, "Messages of the kernel's verifier and of libbpf on stderr", 0 },
	{ 0 },
};

static const char doc[] =
	"Record the packets that pass this host, hop by hop, into a file for pktlap report.\v"
	"FILTER is an expression as in tcpdump, see pcap-filter(7): only packets that match it at some "
	"hop are recorded from there on, until they are freed. VLAN tags that the kernel keeps beside the packet count "
	"as if they were in it.\n\n"
	"Ends at Ctrl-C, after --duration or --count, or when COMMAND ends. Needs root, or CAP_BPF, "
	"CAP_PERFMON, CAP_NET_ADMIN and CAP_SYSLOG. All programs are detached however it ends.\n\n"
	"Exit status: 0 ok, 1 failed, 2 wrong usage, 3 events were lost, a guest went missing, a hop "
	"named with --hops is not covered on this kernel or a guest's, or with --slower-than some events are in the "
	"file as they came, because there was no time to stitch them. COMMAND's own status is told when "
	"it is not 0, and not passed on.";

struct args {
	struct record_config cfg;
	const char **devices, **guests;
	char *filter; /* its words so far, joined by blanks */
};

static void filter_add(struct argp_state *state, char **all, const char *word)
{
	char *more;

	if (asprintf(&more, "%s%s%s", *all ? *all : "", *all ? " " : "", word) < 0)
		argp_failure(state, CMD_FAIL, 0, "out of memory");
	free(*all);
	*all = more;
}

/* "1/N" or "N" */
static int sample_parse(const char *s, __u32 *out)
{
	__u64 n;

	if (parse_u64(strncmp(s, "1/", 2) ? s : s + 2, &n) || !n || n > UINT32_MAX)
		return -EINVAL;
	*out = n == 1 ? 0 : n;
	return 0;
}

static int size_parse(const char *s, size_t *out)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(s, &end, 10);
	if (end == s || errno || *s == '-')
		return -EINVAL;
	switch (*end) {
	case 'K':
	case 'k':
		n <<= 10;
		end++;
		break;
	case 'M':
	case 'm':
		n <<= 20;
		end++;
		break;
	case 'G':
	case 'g':
		n <<= 30;
		end++;
		break;
	}
	if (*end || !record_ring_valid(n))
		return -EINVAL;
	*out = n;
	return 0;
}

static void guest_add(struct args *a, const char *arg, struct argp_state *state)
{
	struct endpoint e;
	char why[512];

	if (endpoint_parse(arg, &e, why, sizeof(why)))
		argp_error(state, "--guest: %s", why);
	if (a->cfg.nguests == RECORD_GUESTS_MAX)
		argp_error(state, "--guest: more than %d", RECORD_GUESTS_MAX);
	a->guests[a->cfg.nguests++] = arg;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case 'i':
		a->devices[a->cfg.ndevices++] = arg;
		break;
	case 'o':
		a->cfg.file = arg;
		break;
	case OPT_DURATION:
		if (parse_duration(arg, &a->cfg.duration_ns) || !a->cfg.duration_ns)
			argp_error(state, "--duration: not a time above 0: %s", arg);
		break;
	case OPT_COUNT:
		if (parse_u64(arg, &a->cfg.count) || !a->cfg.count)
			argp_error(state, "--count: not a number above 0: %s", arg);
		break;
	case OPT_SLOWER_THAN:
		if (parse_duration(arg, &a->cfg.slower_than_ns) || !a->cfg.slower_than_ns)
			argp_error(state, "--slower-than: not a time above 0: %s", arg);
		break;
	case OPT_BUFFER:
		if (size_parse(arg, &a->cfg.ring_bytes))
			argp_error(state, "--buffer: not a power of two from 4K to 1G: %s", arg);
		break;
	case OPT_HOPS:
		a->cfg.hops = arg;
		break;
	case OPT_GUEST:
		guest_add(a, arg, state);
		break;
	case OPT_SAMPLE:
		if (sample_parse(arg, &a->cfg.sample))
			argp_error(state, "--sample: not 1/N with N above 0: %s", arg);
		break;
	case OPT_FOLLOW_NAT:
		a->cfg.follow_nat = true;
		break;
	case 'q':
		a->cfg.quiet = true;
		break;
	case 'v':
		a->cfg.verbose = true;
		break;
	case ARGP_KEY_END:
		/* what is kept is decided before the guest's part of a packet is known */
		if (a->cfg.slower_than_ns && a->cfg.nguests)
			argp_error(state, "--slower-than is for one kernel: not together with --guest");
		break;
	case ARGP_KEY_ARG:
		filter_add(state, &a->filter, arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = { options, parse, "[FILTER] [-- COMMAND [ARG...]]", doc, NULL, NULL, NULL };

/* argp takes "--" away and mixes what follows with its own arguments: cut the command off first */
static int command_split(int argc, char **argv, char ***command)
{
	int i;

	*command = NULL;
	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--"))
			continue;
		if (i + 1 < argc)
			*command = &argv[i + 1];
		return i;
	}
	return argc;
}

static void guest_show(const struct guest_result *g)
{
	fprintf(stderr, "guest %s: %llu events, %llu lost%s\n", g->spec, g->events, g->lost,
		g->missing ? ", did not come to its end" : "");
}

/* Hops that were named, and that the guest's kernel does not cover: how many, and the first ones */
static unsigned int guest_uncovered(const struct record_config *cfg, const struct guest_result *g,
				    char names[200])
{
	unsigned int all = 0;
	enum pl_hop hop;
	size_t n = 0;

	for (hop = 1; hop < PL_NR_HOPS; hop++) {
		if (!cfg->asked[hop] || !g->uncovered[hop] || all++ >= HOPS_SHOWN)
			continue;
		n += snprintf(names + n, 200 - n, "%s%s", n ? ", " : "", hop_desc(hop)->name);
	}
	return all;
}

/* What a guest's half lacks; true: something. Events lost and its end are in the summary */
static bool guest_partial(const struct record_config *cfg, const struct guest_result *g)
{
	char names[200];
	unsigned int uncovered = guest_uncovered(cfg, g, names);

	if (uncovered)
		msg_error("guest %s: %u of the hops named with --hops are not covered there (%s%s): report "
			  "says why",
			  g->spec, uncovered, names, uncovered > HOPS_SHOWN ? ", ..." : "");
	if (g->unfollowed)
		msg_error("guest %s: %llu packets that matched could not be followed where their headers "
			  "change: too many at a time",
			  g->spec, g->unfollowed);
	return uncovered || g->unfollowed || g->missing || g->lost;
}

static void command_show(int status)
{
	if (WIFSIGNALED(status))
		msg_error("the command was killed by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		msg_error("the command ended with status %d", WEXITSTATUS(status));
}

static void summary_show(const struct record_config *cfg, const struct record_result *res)
{
	size_t i;

	if (cfg->quiet)
		return;
	fprintf(stderr, "%s%llu events, %llu packets, %llu lost in %llu.%03llu s: %s, %llu KiB\n",
		isatty(STDERR_FILENO) ? "\r\033[K" : "", res->events, res->packets, res->lost,
		res->duration_ns / 1000000000, res->duration_ns / 1000000 % 1000, cfg->file,
		res->bytes / 1024);
	for (i = 0; i < res->nguests; i++)
		guest_show(&res->guest[i]);
	command_show(res->command_status);
	if (cfg->slower_than_ns)
		fprintf(stderr, "kept %llu of %llu packets that were stitched while recording\n",
			res->kept, res->seen);
}

/* Does the recording lack something of what was asked for? */
static bool partial(const struct record_config *cfg, const struct record_result *res)
{
	bool missing = res->lost || res->uncovered || res->unstitched || res->unscoped ||
		       res->unfollowed || res->tasks_unfollowed;
	size_t i;

	for (i = 0; i < res->nguests; i++)
		missing |= guest_partial(cfg, &res->guest[i]);
	return missing;
}

static int record(struct args *a)
{
	struct record_result res;
	char bad[64];
	int err;

	if (hops_select(a->cfg.hops, a->cfg.want, a->cfg.asked, bad)) {
		msg_error("no hop is named or matches '%s': pktlap check lists them", bad);
		return CMD_USAGE;
	}
	err = record_run(&a->cfg, &res);
	if (err)
		return err == -ENODEV ? CMD_USAGE : CMD_FAIL;
	summary_show(&a->cfg, &res);
	if (res.uncovered)
		msg_error("a hop named with --hops is not covered here: pktlap check says why");
	if (res.unstitched)
		msg_error("too busy to stitch %llu of %llu events: they are in the file as they came, "
			  "report stitches them",
			  res.unstitched, res.events);
	if (res.unfollowed)
		msg_error("%llu packets that matched could not be followed where their headers change: "
			  "too many at a time",
			  res.unfollowed);
	if (res.tasks_unfollowed)
		msg_error("too many tasks to follow all of them, which was noticed %llu times: where they "
			  "ran, or were woken, is missing",
			  res.tasks_unfollowed);
	return partial(&a->cfg, &res) ? CMD_PARTIAL : CMD_OK;
}

static enum cmd_status filter_make(struct args *a, struct filter **out)
{
	struct filter_error why = { .at = -1 };
	int err;

	*out = NULL;
	a->cfg.filter_text = a->filter ? a->filter : "";
	if (!a->filter)
		return CMD_OK;
	err = filter_new(a->filter, out, &why);
	if (err == -ENOMEM) {
		msg_error("out of memory");
		return CMD_FAIL;
	}
	if (err)
		filter_error_show(a->filter, &why);
	a->cfg.filter = *out;
	return err ? CMD_USAGE : CMD_OK;
}

int cmd_record(int argc, char **argv)
{
	struct args a = { .cfg = { .file = "pktlap.data" } };
	struct filter *filter = NULL;
	int n, ret = CMD_FAIL;

	a.devices = calloc(argc, sizeof(*a.devices));
	a.guests = calloc(argc, sizeof(*a.guests));
	if (!a.devices || !a.guests) {
		msg_error("out of memory");
		goto out;
	}
	a.cfg.devices = a.devices;
	a.cfg.guests = a.guests;
	a.cfg.argc = argc;
	a.cfg.argv = argv;
	n = command_split(argc, argv, &a.cfg.command);
	argp_parse(&argp, n, argv, ARGP_IN_ORDER, NULL, &a);
	ret = filter_make(&a, &filter);
	if (ret == CMD_OK)
		ret = record(&a);
out:
	free(filter);
	free(a.filter);
	free(a.devices);
	free(a.guests);
	return ret;
}
