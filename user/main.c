// SPDX-License-Identifier: GPL-2.0
/* pktlap VERB: finds the verb and runs it */
#include <argp.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "util.h"

/* argv0: how argp and msg_error() begin their lines; glibc wants it writable and never writes */
#define CMD(verb, what) \
	{ \
#verb, (char *)"pktlap " #verb, cmd_##verb, what \
	}

static const struct cmd {
	const char *name;
	char *argv0;
	int (*run)(int argc, char **argv);
	const char *what;
} cmds[] = {
	CMD(record, "record the packets' way into a file until Ctrl-C"),
	CMD(report, "where the time went: a breakdown by stage for each path"),
	CMD(script, "single packets, sighting by sighting"),
	CMD(path, "the way packets take on this host, and what covers each hop"),
	CMD(check, "what pktlap can see on this host, and why not the rest"),
	CMD(agent, "record in a guest or on another host, for a recorder elsewhere"),
};

static const struct cmd *cmd_find(const char *name)
{
	for (size_t i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++)
		if (!strcmp(cmds[i].name, name))
			return &cmds[i];
	return NULL;
}

static void usage(FILE *f)
{
	fputs("Usage: pktlap COMMAND [OPTION...]\n"
	      "Where did this packet's microseconds go? Latency of each stage on a packet's way\n"
	      "through a Linux virtualisation host.\n\n",
	      f);
	for (size_t i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++)
		fprintf(f, "  %-8s %s\n", cmds[i].name, cmds[i].what);
	fputs("  help     what a command does and its options\n\n"
	      "  pktlap COMMAND --help, pktlap help COMMAND   options of a command\n"
	      "  pktlap --version                             version of pktlap\n\n"
	      "Exit status: 0 ok, 1 failed, 2 wrong usage, 3 finished, but events were lost, the\n"
	      "recording is cut off, or hops that were asked for are not covered.\n",
	      f);
}

static int cmd_run(const struct cmd *cmd, int argc, char **argv)
{
	argv[0] = program_invocation_name = program_invocation_short_name = cmd->argv0;
	return cmd->run(argc, argv);
}

static int unknown(const char *name)
{
	msg_error("'%s' is not a pktlap command; 'pktlap --help' lists them", name);
	return CMD_USAGE;
}

static int cmd_help(int argc, char **argv)
{
	char help[] = "--help";
	char *args[] = { NULL, help, NULL };
	const struct cmd *cmd;

	if (argc < 2) {
		usage(stdout);
		return stdout_finish() ? CMD_FAIL : CMD_OK;
	}
	cmd = cmd_find(argv[1]);
	return cmd ? cmd_run(cmd, 2, args) : unknown(argv[1]);
}

int main(int argc, char **argv)
{
	const struct cmd *cmd;
	const char *verb;

	setlocale(LC_CTYPE, "");
	argp_err_exit_status = CMD_USAGE;
	program_invocation_name = program_invocation_short_name = (char *)"pktlap";

	if (argc < 2) {
		usage(stderr);
		return CMD_USAGE;
	}
	verb = argv[1];
	if (!strcmp(verb, "help"))
		return cmd_help(argc - 1, argv + 1);
	if (!strcmp(verb, "--help") || !strcmp(verb, "-h"))
		return cmd_help(1, argv);
	if (!strcmp(verb, "--version") || !strcmp(verb, "-V")) {
		puts("pktlap " PKTLAP_VERSION);
		return stdout_finish() ? CMD_FAIL : CMD_OK;
	}
	cmd = cmd_find(verb);
	return cmd ? cmd_run(cmd, argc - 1, argv + 1) : unknown(verb);
}
