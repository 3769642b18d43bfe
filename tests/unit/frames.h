/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random Ethernet frames shaped as real ones: tags, labels, PPPoE, IPv4 with options and as
 * fragments, IPv6 with extension headers, what is in them, cut off anywhere. Values come from few, so
 * that filters find something. One in eight has a few bytes changed at random.
 */
#ifndef TEST_FRAMES_H
#define TEST_FRAMES_H

#include <linux/types.h>
#include <stddef.h>
#include <string.h>

#define FRAME_MAX 2048

struct frames {
	__u64 random;
};

struct frame {
	__u8 b[FRAME_MAX];
	size_t n;
};

static inline __u32 frames_rnd(struct frames *g, __u32 below)
{
	g->random ^= g->random << 13;
	g->random ^= g->random >> 7;
	g->random ^= g->random << 17;
	return (g->random >> 16) % below;
}

/* one in n */
static inline int frames_one(struct frames *g, __u32 n)
{
	return frames_rnd(g, n) == 0;
}

static inline void put8(struct frame *f, __u8 v)
{
	if (f->n < FRAME_MAX)
		f->b[f->n++] = v;
}

static inline void put16(struct frame *f, __u16 v)
{
	put8(f, v >> 8);
	put8(f, v);
}

static inline void put32(struct frame *f, __u32 v)
{
	put16(f, v >> 16);
	put16(f, v);
}

static inline void put_payload(struct frames *g, struct frame *f)
{
	static const char text[] = "The quick brown fox jumps over the lazy dog. ";
	unsigned int n = frames_one(g, 4) ? frames_rnd(g, 1400) : frames_rnd(g, 120), i;

	for (i = 0; i < n; i++)
		put8(f, text[i % (sizeof(text) - 1)]);
}

static inline __u16 frames_port(struct frames *g)
{
	static const __u16 ports[] = { 53, 80, 7788, 1024, 6081, 65535 };

	return ports[frames_rnd(g, 6)];
}

static inline void put_l4(struct frames *g, struct frame *f, __u8 proto)
{
	size_t len;

	switch (proto) {
	case 6:
		put16(f, frames_port(g));
		put16(f, frames_port(g));
		put32(f, frames_rnd(g, 2) << 31 | frames_rnd(g, 5000));
		put32(f, frames_rnd(g, 3));
		len = frames_one(g, 4) ? frames_rnd(g, 16) : 5;
		put8(f, len << 4);
		put8(f, frames_rnd(g, 64));
		put16(f, 501);
		put32(f, frames_rnd(g, 65536) << 16);
		for (; len > 5; len--)
			put32(f, 0x01010101);
		break;
	case 17:
		put16(f, frames_port(g));
		put16(f, frames_port(g));
		put16(f, frames_rnd(g, 200));
		put16(f, frames_rnd(g, 65536));
		break;
	case 132:
		put16(f, frames_port(g));
		put16(f, frames_port(g));
		put32(f, frames_rnd(g, 2));
		put32(f, 0);
		break;
	case 1:
	case 58:
		put8(f, proto == 1 ? frames_rnd(g, 2) * 8 : 128 + frames_rnd(g, 9));
		put8(f, frames_rnd(g, 2));
		put16(f, 0);
		put16(f, frames_rnd(g, 2));
		put16(f, frames_rnd(g, 9));
		break;
	}
}

static inline void put_l3(struct frames *g, struct frame *f, __u16 type);

static inline __u8 frames_proto(struct frames *g, __u8 icmp)
{
	static const __u8 protos[] = { 6, 6, 6, 17, 17, 17, 17, 132, 1, 2, 50, 51, 103, 112, 9, 47 };
	__u8 p = protos[frames_rnd(g, sizeof(protos))];

	return p == 1 ? icmp : p;
}

/* Geneve, on its port: one of few networks, an Ethernet frame or IP in it */
static inline void put_geneve(struct frames *g, struct frame *f)
{
	__u16 inner = frames_one(g, 2) ? 0x0800 : 0x6558;
	unsigned int opts = frames_rnd(g, 3);

	put8(f, opts);
	put8(f, 0);
	put16(f, inner);
	put32(f, (frames_one(g, 2) ? 42 : 43) << 8);
	for (; opts; opts--)
		put32(f, 0);
	if (inner == 0x6558) {
		put32(f, 0x02000000);
		put32(f, 0x00010200);
		put32(f, 0x00000002);
		put16(f, 0x0800);
	}
	put_l3(g, f, 0x0800);
}

static inline void put_ip4(struct frames *g, struct frame *f)
{
	unsigned int options = frames_one(g, 6) ? frames_rnd(g, 11) : 0, i;
	__u16 frag = frames_one(g, 8) ? 0x2000 | frames_rnd(g, 3) * 8 : frames_one(g, 2) ? 0x4000
											 : 0;
	static const __u32 hosts[] = { 0x0a000001, 0x0a000001, 0x0a000002, 0x0a000003, 0xc0a80101,
				       0xe0000001, 0xffffffff };
	__u8 proto = frames_proto(g, 1);
	size_t start = f->n;

	put8(f, 0x40 | (5 + options));
	put8(f, frames_rnd(g, 256));
	put16(f, 0);
	put16(f, frames_rnd(g, 200));
	put16(f, frag);
	put8(f, frames_rnd(g, 256));
	put8(f, proto);
	put16(f, frames_rnd(g, 65536));
	put32(f, hosts[frames_rnd(g, 7)]);
	put32(f, hosts[frames_rnd(g, 7)]);
	for (i = 0; i < options; i++)
		put32(f, 0x01010101);
	if (!(frag & 0x1fff))
		put_l4(g, f, proto);
	if (proto == 17 && f->n >= 6 && f->b[f->n - 6] == 0x17 && f->b[f->n - 5] == 0xc1 && start < 80)
		put_geneve(g, f);
	put_payload(g, f);
	f->b[start + 2] = (f->n - start) >> 8;
	f->b[start + 3] = f->n - start;
}

static inline void put_ip6(struct frames *g, struct frame *f)
{
	static const __u8 exts[] = { 0, 43, 60, 44 };
	__u8 proto = frames_proto(g, 58), ext[5] = {}, first;
	unsigned int n = frames_one(g, 3) ? frames_rnd(g, 5) : 0, i, j, len;
	size_t start = f->n;

	for (i = 0; i < n; i++)
		ext[i] = exts[frames_rnd(g, 4)];
	first = n ? ext[0] : proto;
	put32(f, 0x60000000 | (frames_one(g, 2) ? 0x12345 : 0));
	put16(f, 0);
	put8(f, first);
	put8(f, frames_one(g, 2) ? 64 : frames_rnd(g, 256));
	for (i = 0; i < 2; i++) {
		put32(f, frames_one(g, 8) ? 0xff020000 : 0x20010db8);
		put32(f, 0);
		put32(f, 0);
		put32(f, 1 + frames_rnd(g, 4));
	}
	for (i = 0; i < n; i++) {
		len = ext[i] == 44 ? 0 : frames_rnd(g, 3);
		put8(f, i + 1 < n ? ext[i + 1] : proto);
		put8(f, len);
		for (j = 0; j < len * 8 + 6; j++)
			put8(f, 0);
	}
	put_l4(g, f, proto);
	put_payload(g, f);
	f->b[start + 4] = (f->n - start - 40) >> 8;
	f->b[start + 5] = f->n - start - 40;
}

static inline void put_arp(struct frames *g, struct frame *f)
{
	put32(f, 0x00010800);
	put32(f, 0x06040000 | (1 + frames_rnd(g, 2)));
	put32(f, 0x02000000);
	put16(f, 0x0001);
	put32(f, 0x0a000001 + frames_rnd(g, 3));
	put32(f, 0);
	put16(f, 0);
	put32(f, 0x0a000001 + frames_rnd(g, 3));
}

static inline void put_llc(struct frames *g, struct frame *f)
{
	static const __u8 saps[] = { 0xfe, 0x42, 0xe0, 0xf0, 0xaa, 0xff };
	__u8 sap = saps[frames_rnd(g, 6)];
	unsigned int i;

	put8(f, sap);
	put8(f, sap);
	put8(f, frames_one(g, 2) ? 3 : frames_rnd(g, 256));
	if (sap == 0xaa) {
		put8(f, 0);
		put16(f, frames_one(g, 2) ? 0x0800 : 0);
		put16(f, frames_one(g, 2) ? 0x809b : 0x80f3);
	} else {
		/* IS-IS and its like: type of PDU in the fifth byte */
		put8(f, 0x81 + frames_rnd(g, 3));
		put32(f, 27);
		for (i = 0; i < 4; i++)
			put8(f, 15 + frames_rnd(g, 13));
	}
	put_payload(g, f);
}

static inline void put_l3(struct frames *g, struct frame *f, __u16 type)
{
	unsigned int labels;

	switch (type) {
	case 0x0800: put_ip4(g, f); break;
	case 0x86dd: put_ip6(g, f); break;
	case 0x0806:
	case 0x8035: put_arp(g, f); break;
	case 0x8847:
		for (labels = frames_rnd(g, 3);; labels--) {
			put32(f, (1000 + frames_rnd(g, 2)) << 12 | (labels ? 0 : 0x100) | 64);
			if (!labels)
				break;
		}
		put_ip4(g, f);
		break;
	case 0x8864:
		put32(f, 0x11000000 | (frames_one(g, 2) ? 7 : 8));
		put16(f, 100);
		put16(f, frames_one(g, 3) ? 0x0057 : 0x0021);
		put_l3(g, f, frames_one(g, 3) ? 0x86dd : 0x0800);
		break;
	default:
		if (type < 0x600)
			put_llc(g, f);
		else
			put_payload(g, f);
	}
}

static inline void put_macs(struct frames *g, struct frame *f)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (!i && frames_one(g, 12)) {
			put32(f, 0xffffffff);
			put16(f, 0xffff);
			continue;
		}
		put32(f, !i && frames_one(g, 12) ? 0x01005e00 : 0x02000000);
		put16(f, 1 + frames_rnd(g, 3));
	}
}

static inline void frame_random(struct frames *g, struct frame *f)
{
	static const __u16 types[] = { 0x0800, 0x0800, 0x0800, 0x0800, 0x0800, 0x0800, 0x86dd,
				       0x86dd, 0x86dd, 0x0806, 0x8035, 0x8847, 0x8847, 0x8864,
				       0x8863, 0x88f7, 0x22f0, 0x0026, 0x0040, 0x6004, 0x6002,
				       0x6003, 0x6001, 0x809b, 0x80f3, 0x8137 };
	static const __u16 tpids[] = { 0x8100, 0x88a8, 0x9100 };
	unsigned int tags = frames_one(g, 3) ? frames_rnd(g, 4) : 0, i;
	__u16 type = types[frames_rnd(g, sizeof(types) / sizeof(*types))];

	f->n = 0;
	put_macs(g, f);
	for (i = 0; i < tags; i++) {
		put16(f, tpids[frames_rnd(g, 3)]);
		put16(f, frames_rnd(g, 8) << 13 | (frames_one(g, 2) ? 5 : 100));
	}
	put16(f, type);
	put_l3(g, f, type);
	if (frames_one(g, 8))
		for (i = frames_rnd(g, 4); i < 4; i++)
			f->b[frames_rnd(g, f->n)] = frames_rnd(g, 256);
	if (frames_one(g, 2))
		while (f->n < 60)
			put8(f, 0);
	if (frames_one(g, 6))
		f->n = frames_rnd(g, f->n + 1);
}

#endif
