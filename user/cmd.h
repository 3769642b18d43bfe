/* SPDX-License-Identifier: GPL-2.0 */
/* The verbs of pktlap: one file each, user/cmd_<verb>.c */
#ifndef PKTLAP_CMD_H
#define PKTLAP_CMD_H

/* Exit status of every command; a part of the interface (man page, scripts) */
enum cmd_status {
	CMD_OK = 0,
	CMD_FAIL = 1, /* runtime failure: one line on stderr says what */
	CMD_USAGE = 2, /* options or arguments are wrong */
	CMD_PARTIAL = 3, /* finished, but events were lost or hops asked for not covered */
};

/*
 * argv[0] is "pktlap <verb>", as argp wants it for its usage lines; main() has set
 * program_invocation_name to the same for msg_error() and argp_err_exit_status to CMD_USAGE.
 * Return: enum cmd_status.
 */
int cmd_record(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_script(int argc, char **argv);
int cmd_path(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_agent(int argc, char **argv);

#endif
