/* SPDX-License-Identifier: GPL-2.0 */
/* A netlink socket and requests that are answered at once; messages are built and read by libmnl */
#ifndef PKTLAP_NL_H
#define PKTLAP_NL_H

#include <libmnl/libmnl.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define NL_BYTES 1024 /* of a request */

struct nl {
	struct mnl_socket *sock;
	unsigned int seq;
};

/* A socket in the network namespace that the thread is in. bus: NETLINK_ROUTE, ... 0 or -errno */
int nl_open(struct nl *nl, int bus);
void nl_close(struct nl *nl); /* takes one that was never opened, if zeroed */

/*
 * Begin a request in buf (NL_BYTES); *head, unless size is 0, is the family's own header, zeroed,
 * to be filled in. flags: NLM_F_DUMP or 0.
 */
struct nlmsghdr *nl_request(char *buf, int type, int flags, size_t size, void *head);

/*
 * Send and call fn for each message of the answer. A dump that the kernel marks as disturbed
 * (NLM_F_DUMP_INTR: something changed meanwhile) is taken as it is: what it describes moves.
 * 0 or -errno: the kernel's own, or that with which fn ended it (MNL_CB_ERROR and errno).
 */
int nl_call(struct nl *nl, struct nlmsghdr *nlh, mnl_cb_t fn, void *ctx);

/* Attributes by type into tb[max + 1], NULL where there is none; newer ones than max are left out */
void nl_attrs(const struct nlmsghdr *nlh, size_t head, const struct nlattr **tb, int max);
void nl_nested(const struct nlattr *nest, const struct nlattr **tb, int max);

/* Values; 0 or "" when the attribute is NULL or too short. Byte order as in the message */
__u8 nl_u8(const struct nlattr *attr);
__u16 nl_u16(const struct nlattr *attr);
__u32 nl_u32(const struct nlattr *attr);
__u64 nl_u64(const struct nlattr *attr);
const char *nl_str(const struct nlattr *attr);
/* Copy what there is of size bytes, the rest is zero; false: no attribute */
bool nl_copy(const struct nlattr *attr, void *to, size_t size);

#endif
