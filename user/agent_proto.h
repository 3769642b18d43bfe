/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What recorder and agent say to each other, over any reliable byte stream. All numbers are
 * little-endian.
 *
 *	agent → recorder: hello, then (after START) {ready: true}, then a trace as in a file
 *	(trace_format.h); or lines for the user and {failed: true}
 *	recorder → agent: messages, each struct agent_msg and its payload
 *
 * In the trace an agent also sends chunks of kinds that only a recorder writes into a file:
 *	TRACE_GUEST	{ready: true}: all is attached; {failed: true}: that cannot be;
 *			{message: text}: a line for the user
 *	TRACE_SYNC	{id, t2, t3}: answer to a PING, by the agent's CLOCK_MONOTONIC: when it was
 *			read, when the answer was made. It goes before whatever waits to be sent
 *
 * Neither side trusts the other: sizes are bounded, everything has a checksum.
 */
#ifndef PKTLAP_AGENT_PROTO_H
#define PKTLAP_AGENT_PROTO_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define AGENT_HELLO_MAGIC "plagent\n"
#define AGENT_MSG_MAGIC	  "PLma"
#define AGENT_PROTO	  1U
#define AGENT_PORT	  7311 /* vsock and TCP, where none is named */
#define AGENT_LOCAL_ENV	  "PKTLAP_RECORDER" /* in the environment of what record --guest exec: starts */
#define AGENT_MSG_MAX	  131072 /* bytes of a payload */

enum agent_state {
	AGENT_FREE,
	AGENT_BUSY, /* serves another recorder; the connection ends here */
};

/* The same in every version of the protocol, so that each side can name the other's */
struct agent_hello {
	char magic[8]; /* AGENT_HELLO_MAGIC */
	__u16 proto; /* AGENT_PROTO */
	__u16 trace; /* TRACE_VERSION */
	__u16 state; /* enum agent_state */
	__u16 reserved; /* 0 */
	char version[32]; /* of pktlap, with a final NUL */
	char own[112]; /* the TCP connection that the channel goes through: "ADDR PORT ADDR PORT",
			* with a final NUL; empty: none, or not known */
	__u32 crc; /* crc32 over all before */
} __attribute__((packed));

enum agent_msg_kind {
	AGENT_START = 1, /* JSON {hops, filter, filter_code[], sample, follow_nat, buffer}: attach
			  * and stream. Absent: the agent's default */
	AGENT_PING, /* struct agent_ping */
	AGENT_STOP, /* detach, send the rest and the documents of the end */
	AGENT_NR_MSGS
};

struct agent_msg {
	char magic[4]; /* AGENT_MSG_MAGIC */
	__u16 proto;
	__u16 kind; /* enum agent_msg_kind */
	__u32 len; /* of the payload */
	__u32 crc; /* crc32 over all before and the payload */
} __attribute__((packed));

struct agent_ping {
	__u64 id;
} __attribute__((packed));

/* own: see struct agent_hello; NULL: none */
void agent_hello_make(struct agent_hello *h, enum agent_state state, const char *own);

/*
 * What came in place of a hello. 0; -EMEDIUMTYPE: no agent; -EBADMSG: damaged; -EPROTONOSUPPORT:
 * another version; -EBUSY. why gets one line that says what is wrong and what to do.
 */
int agent_hello_check(const struct agent_hello *h, char *why, size_t len);

/*
 * The two ends of a TCP connection in own as an expression of pcap-filter that leaves it out:
 * "not (...)". 0, or -EINVAL: these are not two addresses and ports.
 */
int agent_own_filter(const char *own, char *expr, size_t len);

/* Header of a message with this payload */
void agent_msg_make(struct agent_msg *m, enum agent_msg_kind kind, const void *payload, __u32 len);

/* Messages out of a stream of bytes, in whatever pieces it comes */
struct agent_rx {
	size_t have; /* bytes in buf */
	unsigned char buf[sizeof(struct agent_msg) + AGENT_MSG_MAX];
};

/* Where the next bytes of the stream belong, and how many at most: never 0 */
void *agent_rx_room(struct agent_rx *rx, size_t *room);

/*
 * The next whole message, its payload in rx->buf, valid until the next
 * call. 1; 0: more bytes are needed; -EBADMSG: no message of ours; -EPROTONOSUPPORT: another
 * version's. agent_rx_drop() takes it out when it is done with.
 */
int agent_rx_next(const struct agent_rx *rx, struct agent_msg *m, const void **payload);
void agent_rx_drop(struct agent_rx *rx, const struct agent_msg *m);

#endif
