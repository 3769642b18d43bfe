/* SPDX-License-Identifier: GPL-2.0 */
/* Where an agent is reached, or waits: vsock, TCP, or a command's standard input and output */
#ifndef PKTLAP_ENDPOINT_H
#define PKTLAP_ENDPOINT_H

#include <stddef.h>
#include <sys/types.h>

enum endpoint_kind {
	ENDPOINT_VSOCK,
	ENDPOINT_TCP,
	ENDPOINT_EXEC,
};

struct endpoint {
	enum endpoint_kind kind;
	unsigned int cid, port; /* vsock */
	char host[256]; /* TCP */
	char service[8]; /* TCP: the port */
	const char *command; /* exec: for /bin/sh -c; part of what was parsed */
};

/*
 * "vsock:CID[:PORT]", "tcp:HOST[:PORT]" ("tcp:[ADDR6]:PORT"), "exec:COMMAND". 0, or -EINVAL with
 * why it is none of them.
 */
int endpoint_parse(const char *spec, struct endpoint *e, char *why, size_t len);

/*
 * Connect to e (not exec) within timeout_ms. A non-blocking socket, or a negative errno with one
 * line that says what is wrong and what to do.
 */
int endpoint_connect(const struct endpoint *e, int timeout_ms, char *why, size_t len);

/*
 * A listening socket: vsock for any CID that this kernel has; TCP at host, an address of this machine
 * ("0.0.0.0", "::": all) or "localhost". Or a negative errno with one line as above.
 */
int endpoint_listen(const struct endpoint *e, char *why, size_t len);

/*
 * Make a connected descriptor of any kind ready to be a channel: non-blocking; over TCP messages go
 * at once, little is held back in the kernel, and the connection ends when nothing of what was sent
 * is acknowledged, or the peer has no room for it, for silent_ms (tcp(7), TCP_USER_TIMEOUT; that it
 * counts a full peer, too: since Linux 5.11, commit 9d9b1ee0b2d1). 0 or -errno.
 */
int endpoint_channel(int fd, unsigned int silent_ms);

/* The two ends of a connected TCP socket as "ADDR PORT ADDR PORT"; "" where it is none */
void endpoint_own(int fd, char *own, size_t len);

/*
 * Start command in a process group of its own, all signals as they are by default. Its standard
 * input and output are *fd[0] (to write) and *fd[1] (to read), its standard error is fd[2] (to
 * read), all non-blocking and close-on-exec. 0 or -errno.
 */
int endpoint_exec(const char *command, pid_t *pid, int fd[3]);

#endif
