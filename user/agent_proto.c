// SPDX-License-Identifier: GPL-2.0
#include "agent_proto.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "trace_format.h"

_Static_assert(sizeof(struct agent_hello) == 164, "layout on the wire");
_Static_assert(sizeof(struct agent_msg) == 16, "layout on the wire");

void agent_hello_make(struct agent_hello *h, enum agent_state state, const char *own)
{
	memset(h, 0, sizeof(*h));
	memcpy(h->magic, AGENT_HELLO_MAGIC, sizeof(h->magic));
	h->proto = AGENT_PROTO;
	h->trace = TRACE_VERSION;
	h->state = state;
	snprintf(h->version, sizeof(h->version), "%s", PKTLAP_VERSION);
	snprintf(h->own, sizeof(h->own), "%s", own ? own : "");
	h->crc = trace_crc(h, offsetof(struct agent_hello, crc));
}

/* len bytes of something unknown, fit to be shown; to has room for a NUL more */
static void bytes_show(const void *from, size_t len, char *to)
{
	size_t i;

	memcpy(to, from, len);
	to[len] = 0;
	for (i = 0; to[i]; i++)
		if (to[i] < ' ' || to[i] > '~')
			to[i] = '.';
}

int agent_hello_check(const struct agent_hello *h, char *why, size_t len)
{
	char got[sizeof(h->version) + 1];

	if (memcmp(h->magic, AGENT_HELLO_MAGIC, sizeof(h->magic))) {
		bytes_show(h, 24, got);
		snprintf(why, len, "what answers is no pktlap agent: it sent \"%s\"", got);
		return -EMEDIUMTYPE;
	}
	if (h->crc != trace_crc(h, offsetof(struct agent_hello, crc)) ||
	    h->version[sizeof(h->version) - 1] || h->own[sizeof(h->own) - 1]) {
		snprintf(why, len, "the agent's first words are damaged");
		return -EBADMSG;
	}
	if (h->proto != AGENT_PROTO || h->trace != TRACE_VERSION) {
		bytes_show(h->version, sizeof(h->version), got);
		snprintf(why, len,
			 "the agent is of pktlap %s (protocol %u, format %u), this is pktlap %s "
			 "(protocol %u, format %d): use the same version on both sides",
			 got, h->proto, h->trace, PKTLAP_VERSION, AGENT_PROTO, TRACE_VERSION);
		return -EPROTONOSUPPORT;
	}
	if (h->state == AGENT_BUSY) {
		snprintf(why, len, "the agent serves another recorder: wait until that has ended");
		return -EBUSY;
	}
	return 0;
}

int agent_own_filter(const char *own, char *expr, size_t len)
{
	char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN], rest;
	unsigned int pa, pb;
	unsigned char bin[16];
	int n;

	if (sscanf(own, "%45s %5u %45s %5u%c", a, &pa, b, &pb, &rest) != 4 || pa > 65535 ||
	    pb > 65535)
		return -EINVAL;
	/* nothing but two addresses of a kind can get into the expression */
	if ((inet_pton(AF_INET, a, bin) != 1 || inet_pton(AF_INET, b, bin) != 1) &&
	    (inet_pton(AF_INET6, a, bin) != 1 || inet_pton(AF_INET6, b, bin) != 1))
		return -EINVAL;
	n = snprintf(expr, len,
		     "not (tcp and ((src host %s and src port %u and dst host %s and dst port %u) or "
		     "(src host %s and src port %u and dst host %s and dst port %u)))",
		     a, pa, b, pb, b, pb, a, pa);
	return n > 0 && (size_t)n < len ? 0 : -EINVAL;
}

static __u32 msg_crc(const struct agent_msg *m, const void *payload)
{
	uLong crc = crc32(0, (const Bytef *)m, offsetof(struct agent_msg, crc));

	return crc32(crc, payload, m->len);
}

void agent_msg_make(struct agent_msg *m, enum agent_msg_kind kind, const void *payload, __u32 len)
{
	memcpy(m->magic, AGENT_MSG_MAGIC, sizeof(m->magic));
	m->proto = AGENT_PROTO;
	m->kind = kind;
	m->len = len;
	m->crc = msg_crc(m, len ? payload : "");
}

void *agent_rx_room(struct agent_rx *rx, size_t *room)
{
	*room = sizeof(rx->buf) - rx->have;
	return rx->buf + rx->have;
}

int agent_rx_next(const struct agent_rx *rx, struct agent_msg *m, const void **payload)
{
	if (rx->have < sizeof(*m))
		return 0;
	memcpy(m, rx->buf, sizeof(*m));
	if (memcmp(m->magic, AGENT_MSG_MAGIC, sizeof(m->magic)))
		return -EBADMSG;
	if (m->proto != AGENT_PROTO)
		return -EPROTONOSUPPORT;
	if (m->len > AGENT_MSG_MAX || !m->kind || m->kind >= AGENT_NR_MSGS ||
	    (m->kind == AGENT_PING && m->len != sizeof(struct agent_ping)))
		return -EBADMSG;
	if (rx->have < sizeof(*m) + m->len)
		return 0;
	*payload = rx->buf + sizeof(*m);
	return m->crc == msg_crc(m, *payload) ? 1 : -EBADMSG;
}

void agent_rx_drop(struct agent_rx *rx, const struct agent_msg *m)
{
	size_t len = sizeof(*m) + m->len;

	rx->have -= len;
	memmove(rx->buf, rx->buf + len, rx->have);
}
