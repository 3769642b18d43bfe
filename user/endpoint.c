// SPDX-License-Identifier: GPL-2.0
#include "endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "agent_proto.h"
#include "util.h"

#define BACKLOG		8
#define KERNEL_HOLD_MAX 65536 /* what the kernel may hold back: an answer to a PING waits for it */

static int number_parse(const char *s, size_t n, unsigned int max, unsigned int *out)
{
	char buf[16];
	__u64 v;

	if (!n || n >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, s, n);
	buf[n] = 0;
	if (parse_u64(buf, &v) || v > max)
		return -EINVAL;
	*out = v;
	return 0;
}

static int vsock_parse(const char *s, struct endpoint *e)
{
	size_t n = strcspn(s, ":");

	if (number_parse(s, n, VMADDR_CID_ANY - 1, &e->cid))
		return -EINVAL;
	return s[n] ? number_parse(s + n + 1, strlen(s + n + 1), VMADDR_PORT_ANY - 1, &e->port) : 0;
}

static int tcp_parse(const char *s, struct endpoint *e)
{
	const char *end = s + strcspn(s, ":"), *host = s;
	size_t n = end - s;
	unsigned int port = AGENT_PORT;

	if (*s == '[') {
		host = s + 1;
		n = strcspn(host, "]");
		end = host + n;
		if (*end++ != ']')
			return -EINVAL;
	}
	if (n >= sizeof(e->host) || (*end && *end != ':'))
		return -EINVAL;
	memcpy(e->host, host, n);
	e->host[n] = 0;
	if (*end && (number_parse(end + 1, strlen(end + 1), 65535, &port) || !port))
		return -EINVAL;
	snprintf(e->service, sizeof(e->service), "%u", port);
	return 0;
}

int endpoint_parse(const char *spec, struct endpoint *e, char *why, size_t len)
{
	static const char *const forms[] = {
		[ENDPOINT_VSOCK] = "vsock:CID[:PORT]",
		[ENDPOINT_TCP] = "tcp:HOST[:PORT]",
		[ENDPOINT_EXEC] = "exec:COMMAND",
	};
	const char *rest = strchr(spec, ':');
	size_t i, n = rest ? rest - spec + 1 : 0;
	int err = -EINVAL;

	memset(e, 0, sizeof(*e));
	e->port = AGENT_PORT;
	for (i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (!n || strncmp(spec, forms[i], n))
			continue;
		e->kind = i;
		rest++;
		if (i == ENDPOINT_VSOCK)
			err = vsock_parse(rest, e);
		else if (i == ENDPOINT_TCP)
			err = *rest ? tcp_parse(rest, e) : -EINVAL;
		else
			err = *rest ? 0 : -EINVAL;
		e->command = rest;
		if (err)
			snprintf(why, len, "'%s' should be %s", spec, forms[i]);
		return err;
	}
	snprintf(why, len, "'%s' is none of %s, %s, %s", spec, forms[0], forms[1], forms[2]);
	return -EINVAL;
}

static int fd_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) ? -errno : 0;
}

int endpoint_channel(int fd, unsigned int silent_ms)
{
	const int hold = KERNEL_HOLD_MAX, one = 1;

	/* of use where it is a TCP connection, refused elsewhere */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &hold, sizeof(hold));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent_ms, sizeof(silent_ms));
	return fd_nonblock(fd);
}

static int socket_listen(int family, const struct sockaddr *addr, socklen_t alen)
{
	int err, one = 1, fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (family != AF_VSOCK)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (!bind(fd, addr, alen) && !listen(fd, BACKLOG))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int vsock_listen(const struct endpoint *e, char *why, size_t len)
{
	const struct sockaddr_vm a = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_ANY,
		.svm_port = e->port,
	};
	int fd = socket_listen(AF_VSOCK, (const struct sockaddr *)&a, sizeof(a));

	if (fd == -EAFNOSUPPORT || fd == -ESOCKTNOSUPPORT || fd == -ENODEV || fd == -EADDRNOTAVAIL)
		snprintf(why, len, "this kernel has no vsock: modprobe vmw_vsock_virtio_transport, and give "
				   "the guest a vhost-vsock device");
	else if (fd < 0)
		snprintf(why, len, "cannot wait at vsock port %u: %s", e->port, strerror(-fd));
	return fd;
}

/* An address as such: names are for those who connect */
static socklen_t address_make(const struct endpoint *e, struct sockaddr_storage *to)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
	struct sockaddr_in *in = (struct sockaddr_in *)to;
	const char *host = strcmp(e->host, "localhost") ? e->host : "127.0.0.1";
	__u16 port = htons(strtoul(e->service, NULL, 10));

	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = port;
		return sizeof(*in);
	}
	if (inet_pton(AF_INET6, host, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = port;
		return sizeof(*in6);
	}
	return 0;
}

static int tcp_listen(const struct endpoint *e, char *why, size_t len)
{
	struct sockaddr_storage a;
	socklen_t alen = address_make(e, &a);
	int fd;

	if (!alen) {
		snprintf(why, len, "'%s' is no address of this machine", e->host);
		return -EADDRNOTAVAIL;
	}
	fd = socket_listen(a.ss_family, (const struct sockaddr *)&a, alen);
	if (fd < 0)
		snprintf(why, len, "cannot wait at %s port %s: %s", e->host, e->service,
			 strerror(-fd));
	return fd;
}

int endpoint_listen(const struct endpoint *e, char *why, size_t len)
{
	return e->kind == ENDPOINT_VSOCK ? vsock_listen(e, why, len) : tcp_listen(e, why, len);
}

static int end_print(const struct sockaddr_storage *a, char *buf, size_t len)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)a;
	const struct sockaddr_in *in = (const struct sockaddr_in *)a;
	const void *addr = &in6->sin6_addr;
	char host[INET6_ADDRSTRLEN];
	int family = a->ss_family;

	if (family == AF_INET) {
		addr = &in->sin_addr;
	} else if (family != AF_INET6) {
		return -EAFNOSUPPORT;
	} else if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		addr = &in6->sin6_addr.s6_addr[12];
		family = AF_INET;
	}
	if (!inet_ntop(family, addr, host, sizeof(host)))
		return -EINVAL;
	/* the port is at the same place in both */
	snprintf(buf, len, "%s %u", host, ntohs(in->sin_port));
	return 0;
}

void endpoint_own(int fd, char *own, size_t len)
{
	struct sockaddr_storage me = { 0 }, peer = { 0 };
	socklen_t mlen = sizeof(me), plen = sizeof(peer);
	char a[80], b[80];

	*own = 0;
	if (getsockname(fd, (struct sockaddr *)&me, &mlen) ||
	    getpeername(fd, (struct sockaddr *)&peer, &plen) || end_print(&me, a, sizeof(a)) ||
	    end_print(&peer, b, sizeof(b)))
		return;
	snprintf(own, len, "%s %s", a, b);
}

static void exec_child(const char *command, const int in[2], const int out[2], const int err[2])
{
	setpgid(0, 0);
	dup2(in[0], STDIN_FILENO);
	dup2(out[1], STDOUT_FILENO);
	dup2(err[1], STDERR_FILENO);
	signals_reset();
	setenv(AGENT_LOCAL_ENV, "1", 1);
	execl("/bin/sh", "sh", "-c", command, NULL);
	_exit(127);
}

static void pair_close(const int fd[2])
{
	if (fd[0] >= 0)
		close(fd[0]);
	if (fd[1] >= 0)
		close(fd[1]);
}

int endpoint_exec(const char *command, pid_t *pid, int fd[3])
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 }, ret;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		goto fail;
	if (fd_nonblock(in[1]) || fd_nonblock(out[0]) || fd_nonblock(err[0]))
		goto fail;
	*pid = fork();
	if (*pid < 0)
		goto fail;
	if (!*pid)
		exec_child(command, in, out, err);
	setpgid(*pid, *pid); /* whoever comes first */
	close(in[0]);
	close(out[1]);
	close(err[1]);
	fd[0] = in[1];
	fd[1] = out[0];
	fd[2] = err[0];
	return 0;
fail:
	ret = -errno;
	pair_close(in);
	pair_close(out);
	pair_close(err);
	return ret;
}
