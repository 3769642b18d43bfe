// SPDX-License-Identifier: GPL-2.0
#include "nl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_BYTES 65536 /* the kernel fills at most 32 KiB at a time */

int nl_open(struct nl *nl, int bus)
{
	int err;

	memset(nl, 0, sizeof(*nl));
	nl->sock = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!nl->sock)
		return -errno;
	if (mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		err = -errno;
		nl_close(nl);
		return err;
	}
	return 0;
}

void nl_close(struct nl *nl)
{
	if (nl->sock)
		mnl_socket_close(nl->sock);
	nl->sock = NULL;
}

struct nlmsghdr *nl_request(char *buf, int type, int flags, size_t size, void *head)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	void *extra;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	if (!(flags & NLM_F_DUMP))
		nlh->nlmsg_flags |= NLM_F_ACK;
	if (size) {
		extra = mnl_nlmsg_put_extra_header(nlh, size);
		*(void **)head = extra;
	}
	return nlh;
}

/* mnl_cb_run() would give up at the first message that has the mark */
static void intr_clear(char *buf, int bytes)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)buf;

	for (; mnl_nlmsg_ok(nlh, bytes); nlh = mnl_nlmsg_next(nlh, &bytes))
		nlh->nlmsg_flags &= ~NLM_F_DUMP_INTR;
}

int nl_call(struct nl *nl, struct nlmsghdr *nlh, mnl_cb_t fn, void *ctx)
{
	char *buf = malloc(ANSWER_BYTES);
	int n, ret = 0;

	if (!buf)
		return -ENOMEM;
	nlh->nlmsg_seq = ++nl->seq;
	if (mnl_socket_sendto(nl->sock, nlh, nlh->nlmsg_len) < 0) {
		ret = -errno;
		goto out;
	}
	do {
		n = mnl_socket_recvfrom(nl->sock, buf, ANSWER_BYTES);
		if (n <= 0) {
			ret = n ? -errno : 0;
			break;
		}
		intr_clear(buf, n);
		errno = 0;
		n = mnl_cb_run(buf, n, nl->seq, mnl_socket_get_portid(nl->sock), fn, ctx);
		if (n < 0)
			ret = errno ? -errno : -EIO;
	} while (n > 0);
out:
	free(buf);
	return ret;
}
