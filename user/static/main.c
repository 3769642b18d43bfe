// SPDX-License-Identifier: GPL-2.0
/* pktlap-agent: pktlap agent as one static program, to be copied into a guest */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "util.h"

int main(int argc, char **argv)
{
	static char name[] = "pktlap-agent"; /* glibc wants it writable */

	argp_err_exit_status = CMD_USAGE;
	program_invocation_name = program_invocation_short_name = name;
	if (argc > 1 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))) {
		puts("pktlap-agent " PKTLAP_VERSION);
		return stdout_finish() ? CMD_FAIL : CMD_OK;
	}
	if (argc > 0)
		argv[0] = name;
	return cmd_agent(argc, argv);
}
