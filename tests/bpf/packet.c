// SPDX-License-Identifier: GPL-2.0
#include "packet.h"

#include <string.h>

struct out {
	__u8 *at;
};

static void put8(struct out *o, __u8 v)
{
	*o->at++ = v;
}

static void put16(struct out *o, __u16 v)
{
	put8(o, v >> 8);
	put8(o, v);
}

static void put32(struct out *o, __u32 v)
{
	put16(o, v >> 16);
	put16(o, v);
}

static void put(struct out *o, const void *from, size_t n)
{
	memcpy(o->at, from, n);
	o->at += n;
}

static void put_fill(struct out *o, const struct packet *p)
{
	unsigned int i;

	for (i = 0; i < p->payload; i++)
		put8(o, p->fill[i % sizeof(p->fill)]);
}

static void put_l4(struct out *o, const struct packet *p)
{
	switch (p->proto) {
	case 6:
		put16(o, p->sport);
		put16(o, p->dport);
		put32(o, p->seq);
		put32(o, p->ack);
		put8(o, 0x50);
		put8(o, p->tcpflags);
		put16(o, p->window);
		put16(o, p->l4sum);
		put16(o, 0);
		break;
	case 17:
	case 136:
		put16(o, p->sport);
		put16(o, p->dport);
		put16(o, 8 + p->payload);
		put16(o, p->l4sum);
		break;
	case 132:
		put16(o, p->sport);
		put16(o, p->dport);
		put32(o, p->seq);
		put16(o, p->l4sum);
		put16(o, p->l4sum);
		break;
	case 1:
	case 58:
		put16(o, p->sport);
		put16(o, p->l4sum);
		put16(o, p->dport);
		put16(o, p->seq);
		break;
	}
	put_fill(o, p);
}

static void put_ip4(struct out *o, const struct packet *p)
{
	__u8 *start = o->at, *len;
	unsigned int i;

	put8(o, 0x40 | (5 + p->options / 4));
	put8(o, p->tos);
	len = o->at;
	put16(o, 0);
	put16(o, p->id);
	put16(o, (p->dont ? 0x4000 : 0) | (p->more ? 0x2000 : 0) | p->frag);
	put8(o, p->ttl);
	put8(o, p->proto);
	put16(o, p->ipsum);
	put(o, p->src, 4);
	put(o, p->dst, 4);
	for (i = 0; i < p->options; i++)
		put8(o, 1);
	if (p->frag)
		put_fill(o, p);
	else
		put_l4(o, p);
	len[0] = (o->at - start) >> 8;
	len[1] = o->at - start;
}

static void put_ip6(struct out *o, const struct packet *p)
{
	__u8 *len, *start;
	unsigned int i, j;

	put32(o, 6u << 28 | (__u32)p->tos << 20 | p->flow);
	len = o->at;
	put16(o, 0);
	put8(o, p->exts ? p->ext[0] : p->proto);
	put8(o, p->ttl);
	put(o, p->src, 16);
	put(o, p->dst, 16);
	start = o->at;
	for (i = 0; i < p->exts; i++) {
		put8(o, i + 1 < p->exts ? p->ext[i + 1] : p->proto);
		if (p->ext[i] == 44) {
			put8(o, 0);
			put16(o, p->frag << 3 | (p->more ? 1 : 0));
			put32(o, p->id6);
			continue;
		}
		put8(o, p->extlen[i]);
		for (j = 0; j < p->extlen[i] * 8u + 6; j++)
			put8(o, 0);
	}
	if (p->frag)
		put_fill(o, p);
	else
		put_l4(o, p);
	len[0] = (o->at - start) >> 8;
	len[1] = o->at - start;
}

static void put_arp(struct out *o, const struct packet *p)
{
	put16(o, 1);
	put16(o, 0x0800);
	put8(o, 6);
	put8(o, 4);
	put16(o, p->sport);
	put(o, p->src + 4, 6);
	put(o, p->src, 4);
	put(o, p->dst + 4, 6);
	put(o, p->dst, 4);
}

size_t packet_build(const struct packet *p, __u8 *out, size_t *l3)
{
	static const __u16 types[] = { [P_IP4] = 0x0800, [P_IP6] = 0x86dd, [P_ARP] = 0x0806 };
	struct out o = { .at = out };
	unsigned int i;

	put(&o, p->macs, 12);
	for (i = 0; i < p->tags; i++) {
		put16(&o, p->tpid[i]);
		put16(&o, p->tci[i]);
	}
	put16(&o, p->l3 == P_OTHER ? p->ethertype : types[p->l3]);
	*l3 = o.at - out;
	if (p->l3 == P_IP4)
		put_ip4(&o, p);
	else if (p->l3 == P_IP6)
		put_ip6(&o, p);
	else if (p->l3 == P_ARP)
		put_arp(&o, p);
	else
		put_fill(&o, p);
	while (o.at < out + p->pad_to)
		put8(&o, p->l3 == P_IP4 || p->l3 == P_IP6 ? 0xee : 0); /* old drivers send what was there */
	return o.at - out;
}
