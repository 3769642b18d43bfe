// SPDX-License-Identifier: GPL-2.0
/* pktlap record: attach, stream events to a file until something ends it */
#include <argp.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "filter.h"
#include "hop_select.h"
#include "record.h"
#include "util.h"

#define RING_BYTES_MIN 4096UL
#define RING_BYTES_MAX (1UL << 30)

enum { OPT_DURATION = 256,
       OPT_COUNT,
       OPT_BUFFER,
       OPT_SAMPLE,
       OPT_FOLLOW_NAT,
       OPT_HOPS };

static const struct argp_option options[] = {
	{ "interface", 'i', "DEV", 0,
	  "Only packets at this device, or at this bridge and its ports; may be repeated. DEV@NETNS "
	  "names one in another namespace. Default: all but loopback",
	  0 },
	{ "output", 'o', "FILE", 0, "Write to FILE (default pktlap.data); an older one becomes FILE.old", 0 },
	{ "duration", OPT_DURATION, "TIME", 0, "Stop after TIME (5, 200ms, 1.5s)", 0 },
	{ "count", OPT_COUNT, "N", 0, "Stop when N packets have entered this host", 0 },
	{ "hops", OPT_HOPS, "LIST", 0,
	  "Only these hops: names or patterns, as in 'nic:*,tap:xmit' (pktlap check lists them)", 0 },
	{ "sample", OPT_SAMPLE, "1/N", 0,
	  "Only one packet in N (of TCP: all of one flow in N), the same ones at each hop and on each host", 0 },
	{ "follow-nat", OPT_FOLLOW_NAT, NULL, 0,
	  "A packet that matched FILTER is followed where addresses or ports are translated, too", 0 },
	{ "buffer", OPT_BUFFER, "SIZE", 0, "Ring for each CPU: 4K to 1G, a power of two", 0 },
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
	"Exit status: 0 ok, 1 failed, 2 wrong usage, 3 events were lost or a hop named with --hops "
	"is not covered on this kernel.";

struct args {
	struct record_config cfg;
	const char **devices;
	const char *hops;
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
	if (*end || n < RING_BYTES_MIN || n > RING_BYTES_MAX || (n & (n - 1)))
		return -EINVAL;
	*out = n;
	return 0;
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
	case OPT_BUFFER:
		if (size_parse(arg, &a->cfg.ring_bytes))
			argp_error(state, "--buffer: not a power of two from 4K to 1G: %s", arg);
		break;
	case OPT_HOPS:
		a->hops = arg;
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

static void summary_show(const struct record_config *cfg, const struct record_result *res)
{
	if (cfg->quiet)
		return;
	fprintf(stderr, "%s%llu events, %llu packets, %llu lost in %llu.%03llu s: %s, %llu KiB\n",
		isatty(STDERR_FILENO) ? "\r\033[K" : "", res->events, res->packets, res->lost,
		res->duration_ns / 1000000000, res->duration_ns / 1000000 % 1000, cfg->file,
		res->bytes / 1024);
}

static enum cmd_status filter_make(struct args *a, struct filter **out)
{
	struct filter_error why;
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

static enum cmd_status record(const struct record_config *cfg)
{
	struct record_result res;
	int err = record_run(cfg, &res);

	if (err)
		return err == -ENODEV ? CMD_USAGE : CMD_FAIL;
	summary_show(cfg, &res);
	if (res.uncovered)
		msg_error("a hop named with --hops is not covered here: pktlap check says why");
	if (res.unfollowed)
		msg_error("%llu packets that matched could not be followed where their headers change: "
			  "too many at a time",
			  res.unfollowed);
	return res.lost || res.uncovered || res.unfollowed ? CMD_PARTIAL : CMD_OK;
}

int cmd_record(int argc, char **argv)
{
	struct args a = { .cfg = { .file = "pktlap.data" } };
	struct filter *filter = NULL;
	enum cmd_status status;
	char bad[64];
	int n;

	a.devices = calloc(argc, sizeof(*a.devices));
	if (!a.devices) {
		msg_error("out of memory");
		return CMD_FAIL;
	}
	a.cfg.devices = a.devices;
	a.cfg.argc = argc;
	a.cfg.argv = argv;
	n = command_split(argc, argv, &a.cfg.command);
	argp_parse(&argp, n, argv, ARGP_IN_ORDER, NULL, &a);
	status = filter_make(&a, &filter);
	if (status == CMD_OK && hops_select(a.hops, a.cfg.want, a.cfg.asked, bad)) {
		msg_error("no hop is named or matches '%s': pktlap check lists them", bad);
		status = CMD_USAGE;
	}
	if (status == CMD_OK)
		status = record(&a.cfg);
	free(filter);
	free(a.filter);
	free(a.devices);
	return status;
}
