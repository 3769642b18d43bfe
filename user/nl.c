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

struct attr_table {
	const struct nlattr **tb;
	int max;
};

static int attr_put(const struct nlattr *attr, void *data)
{
	struct attr_table *t = data;
	int type = mnl_attr_get_type(attr);

	if (type <= t->max)
		t->tb[type] = attr;
	return MNL_CB_OK;
}

void nl_attrs(const struct nlmsghdr *nlh, size_t head, const struct nlattr **tb, int max)
{
	struct attr_table t = { tb, max };

	memset(tb, 0, (max + 1) * sizeof(*tb));
	mnl_attr_parse(nlh, head, attr_put, &t);
}

void nl_nested(const struct nlattr *nest, const struct nlattr **tb, int max)
{
	struct attr_table t = { tb, max };

	memset(tb, 0, (max + 1) * sizeof(*tb));
	if (nest)
		mnl_attr_parse_nested(nest, attr_put, &t);
}

bool nl_copy(const struct nlattr *attr, void *to, size_t size)
{
	size_t len = attr ? mnl_attr_get_payload_len(attr) : 0;

	memset(to, 0, size);
	if (len)
		memcpy(to, mnl_attr_get_payload(attr), len < size ? len : size);
	return attr;
}

__u8 nl_u8(const struct nlattr *attr)
{
	__u8 v;

	nl_copy(attr, &v, sizeof(v));
	return v;
}

__u16 nl_u16(const struct nlattr *attr)
{
	__u16 v;

	nl_copy(attr, &v, sizeof(v));
	return v;
}

__u32 nl_u32(const struct nlattr *attr)
{
	__u32 v;

	nl_copy(attr, &v, sizeof(v));
	return v;
}

__u64 nl_u64(const struct nlattr *attr)
{
	__u64 v;

	nl_copy(attr, &v, sizeof(v));
	return v;
}

const char *nl_str(const struct nlattr *attr)
{
	if (!attr || mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0)
		return "";
	return mnl_attr_get_str(attr);
}
