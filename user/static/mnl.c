// SPDX-License-Identifier: GPL-2.0
/*
 * What pktlap uses of libmnl, for the static agent: Debian has no static libmnl. Same names and
 * meaning as in <libmnl/libmnl.h>.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct mnl_socket {
	int fd;
	struct sockaddr_nl addr;
};

/* --- sockets ------------------------------------------------------------------------------------ */

struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
	struct mnl_socket *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->fd = socket(AF_NETLINK, SOCK_RAW | flags, bus);
	if (s->fd >= 0)
		return s;
	free(s);
	return NULL;
}

int mnl_socket_bind(struct mnl_socket *s, unsigned int groups, pid_t pid)
{
	socklen_t len = sizeof(s->addr);

	memset(&s->addr, 0, sizeof(s->addr));
	s->addr.nl_family = AF_NETLINK;
	s->addr.nl_groups = groups;
	s->addr.nl_pid = pid;
	if (bind(s->fd, (struct sockaddr *)&s->addr, sizeof(s->addr)))
		return -1;
	return getsockname(s->fd, (struct sockaddr *)&s->addr, &len);
}

int mnl_socket_close(struct mnl_socket *s)
{
	int ret = close(s->fd);

	free(s);
	return ret;
}

int mnl_socket_get_fd(const struct mnl_socket *s)
{
	return s->fd;
}

unsigned int mnl_socket_get_portid(const struct mnl_socket *s)
{
	return s->addr.nl_pid;
}

ssize_t mnl_socket_sendto(const struct mnl_socket *s, const void *req, size_t len)
{
	static const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	return sendto(s->fd, req, len, 0, (const struct sockaddr *)&kernel, sizeof(kernel));
}

ssize_t mnl_socket_recvfrom(const struct mnl_socket *s, void *buf, size_t len)
{
	struct sockaddr_nl from;
	struct iovec iov = { buf, len };
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t n = recvmsg(s->fd, &msg, 0);

	if (n >= 0 && (msg.msg_flags & MSG_TRUNC)) {
		errno = ENOSPC;
		return -1;
	}
	return n;
}

/* --- messages ----------------------------------------------------------------------------------- */

struct nlmsghdr *mnl_nlmsg_put_header(void *buf)
{
	struct nlmsghdr *nlh = buf;

	memset(nlh, 0, MNL_ALIGN(sizeof(*nlh)));
	nlh->nlmsg_len = MNL_ALIGN(sizeof(*nlh));
	return nlh;
}

void *mnl_nlmsg_put_extra_header(struct nlmsghdr *nlh, size_t size)
{
	void *extra = (char *)nlh + nlh->nlmsg_len;

	memset(extra, 0, MNL_ALIGN(size));
	nlh->nlmsg_len += MNL_ALIGN(size);
	return extra;
}

void *mnl_nlmsg_get_payload(const struct nlmsghdr *nlh)
{
	return (char *)nlh + MNL_ALIGN(sizeof(*nlh));
}

bool mnl_nlmsg_ok(const struct nlmsghdr *nlh, int len)
{
	return len >= (int)sizeof(*nlh) && nlh->nlmsg_len >= sizeof(*nlh) &&
	       nlh->nlmsg_len <= (unsigned int)len;
}

struct nlmsghdr *mnl_nlmsg_next(const struct nlmsghdr *nlh, int *len)
{
	*len -= MNL_ALIGN(nlh->nlmsg_len);
	return (struct nlmsghdr *)((char *)nlh + MNL_ALIGN(nlh->nlmsg_len));
}

static int error_run(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_len < MNL_ALIGN(sizeof(*nlh)) + sizeof(err->error)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	if (!err->error)
		return MNL_CB_STOP; /* an acknowledgement */
	errno = err->error < 0 ? -err->error : err->error;
	return MNL_CB_ERROR;
}

static int message_run(const struct nlmsghdr *nlh, mnl_cb_t fn, void *data)
{
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR) {
		errno = EINTR;
		return MNL_CB_ERROR;
	}
	switch (nlh->nlmsg_type) {
	case NLMSG_NOOP:
	case NLMSG_OVERRUN:
		return MNL_CB_OK;
	case NLMSG_ERROR:
		return error_run(nlh);
	case NLMSG_DONE:
		return MNL_CB_STOP;
	default:
		return fn ? fn(nlh, data) : MNL_CB_OK;
	}
}

int mnl_cb_run(const void *buf, size_t bytes, unsigned int seq, unsigned int portid, mnl_cb_t fn,
	       void *data)
{
	const struct nlmsghdr *nlh = buf;
	int ret = MNL_CB_OK, len = bytes;

	for (; ret > MNL_CB_STOP && mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
		/* 0: a notification, or whoever asks does not care */
		if ((nlh->nlmsg_pid && portid && nlh->nlmsg_pid != portid) ||
		    (nlh->nlmsg_seq && seq && nlh->nlmsg_seq != seq)) {
			errno = nlh->nlmsg_pid && portid && nlh->nlmsg_pid != portid ? ESRCH : EPROTO;
			return MNL_CB_ERROR;
		}
		ret = message_run(nlh, fn, data);
	}
	return ret;
}

/* --- attributes --------------------------------------------------------------------------------- */

uint16_t mnl_attr_get_type(const struct nlattr *attr)
{
	return attr->nla_type & NLA_TYPE_MASK;
}

uint16_t mnl_attr_get_payload_len(const struct nlattr *attr)
{
	return attr->nla_len - MNL_ATTR_HDRLEN;
}

void *mnl_attr_get_payload(const struct nlattr *attr)
{
	return (char *)attr + MNL_ATTR_HDRLEN;
}

const char *mnl_attr_get_str(const struct nlattr *attr)
{
	return mnl_attr_get_payload(attr);
}

bool mnl_attr_ok(const struct nlattr *attr, int len)
{
	return len >= (int)sizeof(*attr) && attr->nla_len >= sizeof(*attr) && attr->nla_len <= len;
}

struct nlattr *mnl_attr_next(const struct nlattr *attr)
{
	return (struct nlattr *)((char *)attr + MNL_ALIGN(attr->nla_len));
}

/* A string that ends within its attribute: the one type that is asked for */
int mnl_attr_validate(const struct nlattr *attr, enum mnl_attr_data_type type)
{
	size_t len = mnl_attr_get_payload_len(attr);

	if (type == MNL_TYPE_NUL_STRING && len && !((const char *)mnl_attr_get_payload(attr))[len - 1])
		return 0;
	errno = EINVAL;
	return -1;
}

static int attrs_run(const void *from, const void *end, mnl_attr_cb_t fn, void *data)
{
	const struct nlattr *attr = from;
	int ret = MNL_CB_OK;

	for (; ret > MNL_CB_STOP && mnl_attr_ok(attr, (const char *)end - (const char *)attr);
	     attr = mnl_attr_next(attr))
		ret = fn(attr, data);
	return ret;
}

int mnl_attr_parse(const struct nlmsghdr *nlh, unsigned int offset, mnl_attr_cb_t fn, void *data)
{
	return attrs_run((const char *)mnl_nlmsg_get_payload(nlh) + MNL_ALIGN(offset),
			 (const char *)nlh + nlh->nlmsg_len, fn, data);
}

int mnl_attr_parse_nested(const struct nlattr *nest, mnl_attr_cb_t fn, void *data)
{
	return attrs_run(mnl_attr_get_payload(nest), (const char *)nest + nest->nla_len, fn, data);
}

void mnl_attr_put(struct nlmsghdr *nlh, uint16_t type, size_t len, const void *data)
{
	struct nlattr *attr = (struct nlattr *)((char *)nlh + MNL_ALIGN(nlh->nlmsg_len));

	attr->nla_type = type;
	attr->nla_len = MNL_ATTR_HDRLEN + len;
	memset(mnl_attr_get_payload(attr), 0, MNL_ALIGN(len));
	memcpy(mnl_attr_get_payload(attr), data, len);
	nlh->nlmsg_len = MNL_ALIGN(nlh->nlmsg_len) + MNL_ALIGN(attr->nla_len);
}

void mnl_attr_put_u32(struct nlmsghdr *nlh, uint16_t type, uint32_t value)
{
	mnl_attr_put(nlh, type, sizeof(value), &value);
}
