// SPDX-License-Identifier: GPL-2.0
/* pktlap agent: waits for a recorder on another machine, records for it */
#include <argp.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "agent.h"
#include "agent_own.h"
#include "agent_proto.h"
#include "cmd.h"
#include "endpoint.h"
#include "util.h"

enum { OPT_STDIO = 256,
       OPT_VSOCK,
       OPT_TCP,
       OPT_ONCE };

static const struct argp_option options[] = {
	{ "stdio", OPT_STDIO, NULL, 0,
	  "Talk to the recorder on standard input and output, as in record --guest exec:'ssh vm "
	  "pktlap agent --stdio'",
	  0 },
	{ "vsock", OPT_VSOCK, NULL, 0,
	  "Wait at a vsock port, the argument PORT (default 7311), for the host of this guest", 0 },
	{ "tcp", OPT_TCP, "[ADDR:]PORT", 0,
	  "Wait at a TCP port; without ADDR only at the loopback. Whoever reaches it may record: no "
	  "password is asked for",
	  0 },
	{ "interface", 'i', "DEV", 0,
	  "Only packets at this device (or DEV@NETNS); may be repeated. Default: all but loopback",
	  0 },
	{ "once", OPT_ONCE, NULL, 0, "End after the first recorder", 0 },
	{ "verbose", 'v', NULL, 0, "Messages of the kernel's verifier and of libbpf to the recorder, which shows the first 50 lines", 0 },
	{ 0 },
};

static const char doc[] =
	"Record on this machine, mostly a guest, for a pktlap record --guest on another one: the "
	"same hops, sent over vsock, TCP or an open byte stream. Nothing is attached before a "
	"recorder asks for it, and everything is detached when its connection ends.\v"
	"Needs what pktlap record needs. One recorder at a time.\n\n"
	"Exit status: 0 ok, 1 failed, 2 wrong usage.";

struct args {
	struct agent_config cfg;
	const char **devices;
	struct endpoint at;
	bool stdio, listen, once;
	unsigned int ways; /* of these, that were named */
	bool port; /* was given */
};

static void port_take(struct args *a, const char *arg, struct argp_state *state)
{
	__u64 port;

	if (!a->listen || a->at.kind != ENDPOINT_VSOCK || a->port)
		argp_error(state, "unexpected argument: %s", arg);
	if (parse_u64(arg, &port) || port >= VMADDR_PORT_ANY)
		argp_error(state, "--vsock: not a port: %s", arg);
	a->at.port = port;
	a->port = true;
}

static void tcp_take(struct args *a, const char *arg, struct argp_state *state)
{
	char spec[300], why[512];
	const char *colon = strrchr(arg, ':');

	snprintf(spec, sizeof(spec), "tcp:%s%s", colon ? "" : "localhost:", arg);
	if (endpoint_parse(spec, &a->at, why, sizeof(why)))
		argp_error(state, "--tcp: not [ADDR:]PORT: %s", arg);
	a->listen = true;
	a->ways++;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case OPT_STDIO:
		a->stdio = true;
		a->ways++;
		break;
	case OPT_VSOCK:
		a->at.kind = ENDPOINT_VSOCK;
		a->at.port = AGENT_PORT;
		a->listen = true;
		a->ways++;
		break;
	case OPT_TCP:
		tcp_take(a, arg, state);
		break;
	case OPT_ONCE:
		a->once = true;
		break;
	case 'i':
		a->devices[a->cfg.ndevices++] = arg;
		break;
	case 'v':
		a->cfg.verbose = true;
		break;
	case ARGP_KEY_ARG:
		port_take(a, arg, state);
		break;
	case ARGP_KEY_END:
		if (a->ways != 1)
			argp_error(state, "one of --stdio, --vsock and --tcp is needed%s",
				   a->ways ? ", not more" : "");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = { options, parse, "[PORT]", doc, NULL, NULL, NULL };

/* --- wait for recorders ------------------------------------------------------------------------ */

struct listener {
	const struct agent_config *cfg;
	int fd, signal_fd;
	pid_t child; /* 0: nobody is served */
	bool once, end;
	int status; /* of the last one that was served */
};

/* A vsock connection from anywhere but the host would be another guest's */
static bool peer_allowed(const struct sockaddr_storage *peer)
{
	const struct sockaddr_vm *vm = (const struct sockaddr_vm *)peer;

	return peer->ss_family != AF_VSOCK || vm->svm_cid == VMADDR_CID_HOST ||
	       vm->svm_cid == VMADDR_CID_LOCAL;
}

static int child_run(const struct listener *l, int fd, pid_t parent)
{
	char own[112];
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		return CMD_FAIL;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	close(l->fd);
	close(l->signal_fd);
	endpoint_own(fd, own, sizeof(own));
	return agent_serve(l->cfg, fd, fd, own) ? CMD_FAIL : CMD_OK;
}

static void recorder_accept(struct listener *l)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t len = sizeof(peer);
	int fd = accept4(l->fd, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);
	pid_t parent = getpid();

	if (fd < 0)
		return;
	if (!peer_allowed(&peer)) {
		msg_error("a connection from vsock CID %u was refused: only the host may record",
			  ((const struct sockaddr_vm *)&peer)->svm_cid);
		close(fd);
		return;
	}
	if (l->child) {
		agent_refuse(fd);
		return;
	}
	l->child = fork();
	if (!l->child)
		_exit(child_run(l, fd, parent));
	if (l->child < 0) {
		msg_error("cannot serve a recorder: %s", strerror(errno));
		l->child = 0;
	}
	close(fd);
}

static void child_ended(struct listener *l)
{
	int status;

	if (!l->child || waitpid(l->child, &status, WNOHANG) != l->child)
		return;
	l->child = 0;
	l->status = WIFEXITED(status) ? WEXITSTATUS(status) : CMD_FAIL;
	l->end = l->end || l->once;
}

static void signals_take(struct listener *l)
{
	struct signalfd_siginfo si;

	while (read(l->signal_fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			child_ended(l);
		else
			l->end = true;
	}
}

static int listener_loop(struct listener *l)
{
	struct pollfd p[] = { { .fd = l->fd, .events = POLLIN },
			      { .fd = l->signal_fd, .events = POLLIN } };

	while (!l->end) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (p[1].revents)
			signals_take(l);
		if (p[0].revents && !l->end)
			recorder_accept(l);
	}
	if (l->child > 0) {
		kill(l->child, SIGTERM); /* it sends the end of its recording */
		waitpid(l->child, NULL, 0);
	}
	return 0;
}

static int agent_listen(const struct args *a)
{
	struct listener l = { .cfg = &a->cfg, .once = a->once };
	char why[256];
	sigset_t set;
	int err;

	l.fd = endpoint_listen(&a->at, why, sizeof(why));
	if (l.fd < 0) {
		msg_error("%s", why);
		return CMD_FAIL;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	l.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (a->at.kind == ENDPOINT_VSOCK)
		fprintf(stderr, "waiting at vsock port %u\n", a->at.port);
	else
		fprintf(stderr, "waiting at %s port %s\n", a->at.host, a->at.service);
	err = l.signal_fd < 0 ? -errno : listener_loop(&l);
	if (err)
		msg_error("cannot wait for a recorder: %s", strerror(-err));
	close(l.fd);
	if (l.signal_fd >= 0)
		close(l.signal_fd);
	return err ? CMD_FAIL : a->once ? l.status
					: CMD_OK;
}

static int stdio_serve(const struct args *a)
{
	char own[112];

	agent_own_ssh(own, sizeof(own));
	return agent_serve(&a->cfg, STDIN_FILENO, STDOUT_FILENO, own) ? CMD_FAIL : CMD_OK;
}

int cmd_agent(int argc, char **argv)
{
	struct args a = { .cfg = { .argc = argc, .argv = argv } };
	int ret;

	a.devices = calloc(argc, sizeof(*a.devices));
	if (!a.devices) {
		msg_error("out of memory");
		return CMD_FAIL;
	}
	a.cfg.devices = a.devices;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &a);
	if (a.stdio)
		ret = stdio_serve(&a);
	else
		ret = agent_listen(&a);
	free(a.devices);
	return ret;
}
