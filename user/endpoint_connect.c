// SPDX-License-Identifier: GPL-2.0
/* The recorder's end of endpoint.h: apart, as names are resolved by libraries that an agent lacks */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "endpoint.h"

static int connect_wait(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int err = 0, n = poll(&p, 1, timeout_ms);

	if (n <= 0)
		return n < 0 ? -errno : -ETIMEDOUT;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) ? -errno : -err;
}

/* A connected socket or -errno */
static int socket_connect(int family, const struct sockaddr *addr, socklen_t alen, int timeout_ms)
{
	int err = 0, fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, addr, alen))
		err = errno == EINPROGRESS ? connect_wait(fd, timeout_ms) : -errno;
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int vsock_connect(const struct endpoint *e, int timeout_ms, char *why, size_t len)
{
	const struct sockaddr_vm a = {
		.svm_family = AF_VSOCK,
		.svm_cid = e->cid,
		.svm_port = e->port,
	};
	int fd = socket_connect(AF_VSOCK, (const struct sockaddr *)&a, sizeof(a), timeout_ms);

	switch (-fd) {
	case EAFNOSUPPORT:
	case ESOCKTNOSUPPORT:
		snprintf(why, len, "this kernel has no vsock: modprobe vhost_vsock");
		break;
	case ENODEV:
	case ENETUNREACH:
	case EHOSTUNREACH:
		snprintf(why, len,
			 "no guest with CID %u runs here (or vhost_vsock is not loaded); QEMU gives one "
			 "by -device vhost-vsock-pci,guest-cid=%u",
			 e->cid, e->cid);
		break;
	case ECONNRESET:
	case ECONNREFUSED:
		snprintf(why, len, "no guest has CID %u, or no agent waits in it at port %u: run "
				   "`pktlap agent --vsock` there",
			 e->cid, e->port);
		break;
	case ETIMEDOUT:
		snprintf(why, len, "no answer from CID %u: is the guest up, and its vsock module loaded?",
			 e->cid);
		break;
	default:
		if (fd < 0)
			snprintf(why, len, "cannot connect: %s", strerror(-fd));
	}
	return fd;
}

static int tcp_connect(const struct endpoint *e, int timeout_ms, char *why, size_t len)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *all, *a;
	int fd = -EADDRNOTAVAIL, err;

	err = getaddrinfo(e->host, e->service, &hints, &all);
	if (err) {
		snprintf(why, len, "cannot find %s: %s", e->host, gai_strerror(err));
		return -EADDRNOTAVAIL;
	}
	for (a = all; a && fd < 0; a = a->ai_next)
		fd = socket_connect(a->ai_family, a->ai_addr, a->ai_addrlen, timeout_ms);
	freeaddrinfo(all);
	if (fd == -ECONNREFUSED)
		snprintf(why, len, "no agent waits at %s port %s: run `pktlap agent --tcp` there", e->host,
			 e->service);
	else if (fd < 0)
		snprintf(why, len, "cannot connect to %s port %s: %s", e->host, e->service,
			 strerror(-fd));
	return fd;
}

int endpoint_connect(const struct endpoint *e, int timeout_ms, char *why, size_t len)
{
	if (e->kind == ENDPOINT_VSOCK)
		return vsock_connect(e, timeout_ms, why, len);
	return tcp_connect(e, timeout_ms, why, len);
}
