/* SPDX-License-Identifier: GPL-2.0 */
/* The agent's side of one connection: what a recorder on another machine asks for */
#ifndef PKTLAP_AGENT_H
#define PKTLAP_AGENT_H

#include <stdbool.h>
#include <stddef.h>

struct agent_config {
	const char *const *devices; /* none: all but loopback */
	size_t ndevices;
	bool verbose;
	int argc; /* of pktlap itself, for the recording */
	char **argv;
};

/*
 * Greet the recorder, wait for what it wants, record until it says stop or the connection ends.
 * in and out may be the same; both become non-blocking; own: see struct agent_hello. All
 * programs are detached on return; privileges are dropped: a process serves one connection only.
 *
 * 0, or a negative errno; what is wrong was told to the recorder, or, where that is not there to
 * hear it, on stderr.
 */
int agent_serve(const struct agent_config *cfg, int in, int out, const char *own);

/* Tell a second recorder that the agent is busy, and close fd */
void agent_refuse(int fd);

#endif
