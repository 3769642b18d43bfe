// SPDX-License-Identifier: GPL-2.0
#include "ref.h"

#include <string.h>

#include "bpf/event.h"

struct cursor {
	const __u8 *p;
	size_t at, linear, frame;
};

static bool there(const struct cursor *c, size_t n)
{
	return c->at + n <= c->linear;
}

static unsigned int be16(const struct cursor *c, size_t off)
{
	return c->p[c->at + off] << 8 | c->p[c->at + off + 1];
}

static void say(struct ident *id, const void *bytes, size_t n)
{
	memcpy(id->key + id->nkey, bytes, n);
	id->nkey += n;
}

static void say8(struct ident *id, __u8 v)
{
	say(id, &v, 1);
}

static void say16(struct ident *id, __u16 v)
{
	say(id, &v, 2);
}

static void say_at(struct ident *id, const struct cursor *c, size_t off, size_t n)
{
	say(id, c->p + c->at + off, n);
}

/* rest: bytes of payload that there are by the header in front of it */
static void payload(struct cursor *c, struct ident *id, size_t rest)
{
	size_t n = rest < PL_PAY_WINDOW ? rest : PL_PAY_WINDOW;

	if (!n || !there(c, n))
		return;
	id->has_pay = true;
	memcpy(id->pay, c->p + c->at, n);
}

static void skip_to_payload(struct cursor *c, struct ident *id, size_t header, size_t rest)
{
	c->at += header;
	payload(c, id, rest > header ? rest - header : 0);
}

/* what the IP header says is less in padded frames, 0 in packets that are too long for it */
static void tcp_length(const struct cursor *c, struct ident *id, size_t rest)
{
	size_t all = c->frame - c->at, header = (c->p[c->at + 12] >> 4) * 4;

	if (rest && rest < all)
		all = rest;
	id->tcp_bytes = all > header ? all - header : 0;
}

static void layer4(struct cursor *c, struct ident *id, size_t rest)
{
	switch (id->proto) {
	case 6:
		if (!there(c, 16))
			return;
		say_at(id, c, 0, 13); /* ports, seq, ack, data offset */
		say8(id, c->p[c->at + 13] & ~0x89); /* flags that GSO and GRO move: CWR, PSH, FIN */
		say_at(id, c, 14, 2); /* window */
		id->seq = be16(c, 4) << 16 | be16(c, 6);
		tcp_length(c, id, rest);
		break;
	case 17:
	case 136:
		if (!there(c, 8))
			return;
		say_at(id, c, 0, 4);
		skip_to_payload(c, id, 8, rest);
		break;
	case 132:
		if (!there(c, 12))
			return;
		say_at(id, c, 0, 8); /* ports, tag; then the checksum */
		skip_to_payload(c, id, 12, rest);
		break;
	case 1:
	case 58:
		if (!there(c, 8))
			return;
		say_at(id, c, 0, 2);
		say_at(id, c, 4, 4);
		skip_to_payload(c, id, 8, rest);
		break;
	default:
		payload(c, id, rest);
	}
	id->has_key = true;
}

/* the first fragment has the checksum of layer 4, which may be unfilled, in its first 20 bytes */
static void fragment(struct cursor *c, struct ident *id, bool first, size_t rest)
{
	id->frag = true;
	id->has_key = true;
	say8(id, 44); /* a fragment is never a whole packet with the same fields */
	skip_to_payload(c, id, first ? 20 : 0, rest);
}

static void ip4(struct cursor *c, struct ident *id)
{
	unsigned int hlen, total, frag;

	if (!there(c, 20) || c->p[c->at] >> 4 != 4)
		return;
	hlen = (c->p[c->at] & 15) * 4;
	if (hlen < 20)
		return;
	total = be16(c, 2);
	frag = be16(c, 6);
	id->proto = c->p[c->at + 9];
	say8(id, id->proto);
	say_at(id, c, 4, 2);
	say16(id, frag & 0x1fff);
	say_at(id, c, 12, 8);
	c->at += hlen;
	total = total > hlen ? total - hlen : 0;
	if (frag & 0x3fff)
		fragment(c, id, !(frag & 0x1fff), total);
	else
		layer4(c, id, total);
}

static bool ip6_skips(unsigned int next)
{
	return next == 0 || next == 43 || next == 60;
}

static void ip6(struct cursor *c, struct ident *id)
{
	unsigned int next, frag, i;
	size_t rest, len;
	__u8 label[3];

	if (!there(c, 40) || c->p[c->at] >> 4 != 6)
		return;
	memcpy(label, c->p + c->at + 1, 3);
	label[0] &= 15;
	say(id, label, 3);
	say_at(id, c, 8, 32);
	rest = be16(c, 4);
	next = c->p[c->at + 6];
	c->at += 40;
	/* further than six, what comes is taken for the payload */
	for (i = 0; i < 6 && (ip6_skips(next) || next == 44); i++) {
		if (!there(c, 8))
			return;
		len = next == 44 ? 8 : 8 * (c->p[c->at + 1] + 1u);
		rest = rest > len ? rest - len : 0;
		if (next == 44) {
			frag = be16(c, 2);
			id->proto = c->p[c->at];
			say8(id, 44);
			say8(id, id->proto);
			say16(id, frag & 0xfff8);
			say_at(id, c, 4, 4);
			c->at += 8;
			fragment(c, id, !(frag & 0xfff8), rest);
			return;
		}
		next = c->p[c->at];
		c->at += len;
	}
	id->proto = next;
	say8(id, next);
	layer4(c, id, rest);
}

void ident_of(const __u8 *packet, size_t linear, size_t frame, __u16 proto, bool l3,
	      struct ident *id)
{
	struct cursor c = { .p = packet, .linear = linear, .frame = frame };
	unsigned int i;

	memset(id, 0, sizeof(*id));
	if (!l3) {
		if (!proto && !there(&c, 14))
			return;
		if (!proto)
			proto = be16(&c, 12);
		c.at = 14;
	}
	for (i = 0; i < 3 && (proto == 0x8100 || proto == 0x88a8); i++) {
		if (!there(&c, 4))
			return;
		if (!i)
			id->tci = be16(&c, 0);
		id->tagged = true;
		proto = be16(&c, 2);
		c.at += 4;
	}
	/* a length in its place: the kernel calls it 802.2 or by some other small number */
	if (proto < 0x600)
		proto = 4;
	say16(id, proto);
	if (proto == 0x0800) {
		ip4(&c, id);
	} else if (proto == 0x86dd) {
		ip6(&c, id);
	} else if (proto == 0x0806) {
		id->proto = PL_PROTO_ARP;
		id->has_key = there(&c, 28);
		if (id->has_key)
			say_at(id, &c, 0, 28);
	} else {
		id->proto = PL_PROTO_OTHER;
		payload(&c, id, c.at < frame ? frame - c.at : 0);
		id->has_key = id->has_pay;
	}
}
