// SPDX-License-Identifier: GPL-2.0
/*
 * The packet key, in the kernel, against its description: what it must not depend on, what it must
 * depend on, and on random packets that it tells apart exactly those that ref.c tells apart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"
#include "packet.h"
#include "ref.h"
#include "run.h"
#include "run.skel.h"
#include "user/hooks_cast.h"

#define KEY_AT_L3	0x10000 /* bpf/key.bpf.h */
#define RANDOM_PACKETS	20000
#define HOSTILE_PACKETS 100000
#define FLAGS_SEEN	(PL_F_KEY | PL_F_PAY | PL_F_FRAG | PL_F_VLAN_FRAME)

struct fixture {
	struct run_bpf *skel;
	int fd;
	__u64 random;
};

static int setup_with(void **state, bool cast)
{
	static struct fixture f;

	f = (struct fixture){ .random = 88172645463325252ULL };
	*state = &f;
	f.skel = calloc(1, sizeof(*f.skel));
	if (!f.skel || run_bpf__create_skeleton(f.skel))
		return -1;
	if (cast && !object_cast(f.skel->skeleton))
		return -1;
	if (bpf_object__open_skeleton(f.skel->skeleton, NULL))
		return -1;
	f.skel->rodata->cfg_cast = cast;
	/* 6.1: a tc program must not ask for the task */
	bpf_program__set_autoload(f.skel->progs.run_skb, false);
	if (run_bpf__load(f.skel))
		return -1;
	f.fd = bpf_program__fd(f.skel->progs.run_key);
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, false);
}

static int setup_cast(void **state)
{
	return setup_with(state, true);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	run_bpf__destroy(f->skel);
	return 0;
}

static __u32 rnd(struct fixture *f, __u32 below)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return (f->random >> 16) % below;
}

/* The key of the bytes that are in the map, from offset at on */
static struct pl_event key_at(struct fixture *f, __u32 at, __u32 linear, __u32 frame, __u32 proto)
{
	struct run_in *in = &f->skel->bss->in;
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	in->at = at;
	in->linear = linear;
	in->frame = frame;
	in->proto = proto;
	assert_int_equal(bpf_prog_test_run_opts(f->fd, &opts), 0);
	assert_int_equal(opts.retval, 0);
	return f->skel->bss->out.ev;
}

static struct pl_event key_of(struct fixture *f, const struct packet *p)
{
	size_t l3, len = packet_build(p, f->skel->bss->in.packet, &l3);

	return key_at(f, 0, len, len, 0);
}

static bool same(const struct pl_event *a, const struct pl_event *b)
{
	return a->key == b->key && a->pay == b->pay && a->arg == b->arg && a->proto == b->proto &&
	       ((a->flags ^ b->flags) & (PL_F_KEY | PL_F_PAY | PL_F_FRAG)) == 0;
}

static bool told_apart(const struct pl_event *a, const struct pl_event *b)
{
	return a->key != b->key || ((a->flags & b->flags & PL_F_PAY) && a->pay != b->pay);
}

/* Kinds of packet that every property is tried on */
enum { UDP4,
       TCP4,
       ICMP4,
       UDP6,
       TCP6,
       ICMP6,
       ARP,
       PTP,
       LLC,
       SCTP4,
       UDPLITE4,
       ESP4,
       FRAG4_FIRST,
       FRAG4,
       FRAG6_FIRST,
       FRAG6,
       UDP4_OPTIONS,
       UDP6_EXT,
       TINY4,
       KINDS };

static const char *const kind_name[] = { "udp4", "tcp4", "icmp4", "udp6", "tcp6", "icmp6", "arp",
					 "ptp", "llc", "sctp4", "udplite4", "esp4", "frag4 first", "frag4", "frag6 first", "frag6",
					 "udp4 options", "udp6 ext", "tiny4" };

static struct packet packet_of(int kind)
{
	static const __u8 protos[KINDS] = { 17, 6, 1, 17, 6, 58, 0, 0, 0, 132, 136, 50, 17, 17, 17,
					    17, 17, 17, 17 };
	struct packet p = {
		.tpid = { 0x8100, 0x8100, 0x8100 },
		.macs = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 },
		.src = { 10, 0, 0, 1, 1, 2, 3, 4, 5, 6 },
		.dst = { 10, 0, 0, 2, 7, 8, 9, 10 },
		.ttl = 64,
		.id = 4711,
		.flow = 0x12345,
		.id6 = 99,
		.proto = protos[kind],
		.sport = 7788,
		.dport = 53,
		.seq = 1000,
		.ack = 2000,
		.tcpflags = 0x10,
		.window = 501,
		.payload = 100,
		.fill = "The quick brown fox jumps over it",
	};

	if (kind == UDP6 || kind == TCP6 || kind == ICMP6 || kind == UDP6_EXT || kind == FRAG6 ||
	    kind == FRAG6_FIRST)
		p.l3 = P_IP6;
	if (kind == ARP)
		p.l3 = P_ARP;
	if (kind == PTP || kind == LLC)
		p.l3 = P_OTHER;
	p.ethertype = kind == LLC ? 0x26 : 0x88f7;
	if (kind == FRAG4_FIRST || kind == FRAG6_FIRST || kind == FRAG4 || kind == FRAG6)
		p.more = 1;
	if (kind == FRAG4 || kind == FRAG6)
		p.frag = 185;
	if (kind == UDP4_OPTIONS)
		p.options = 40;
	if (kind == UDP6_EXT) {
		p.exts = 3;
		p.ext[1] = 43;
		p.ext[2] = 60;
		p.extlen[1] = 2;
	} else if (p.l3 == P_IP6 && p.more) {
		p.exts = 2;
		p.ext[1] = 44;
	}
	if (kind == TINY4) {
		p.payload = 12; /* read at once without the padding, bit by bit with it */
		p.pad_to = 60;
	}
	return p;
}

/* Changes that hops make. Each must leave the identity alone */
static const char *hop_changes(struct packet *p, int n)
{
	switch (n) {
	case 0: p->ttl--; return "ttl";
	case 1: p->tos ^= 0xb8; return "tos";
	case 2: p->ipsum ^= 0x1234; return "ip checksum";
	case 3: p->l4sum ^= 0x5678; return "l4 checksum";
	case 4:
		p->macs[3] ^= 1;
		p->macs[9] ^= 1;
		return "mac addresses";
	case 5:
		p->tags = 1;
		p->tci[0] = 100;
		return "a vlan tag";
	case 6:
		p->tags = 2;
		p->tpid[0] = 0x88a8;
		p->tci[1] = 5;
		return "two vlan tags";
	case 7: p->pad_to = 60; return "padding";
	case 8:
		if (p->proto == 6)
			p->tcpflags ^= 8;
		return "push flag";
	case 9: p->dont = 1; return "don't fragment";
	case 10: p->fill[40] ^= 1; return "payload beyond the window";
	case 11: p->tags = 3; return "three vlan tags";
	case 12: p->pad_to = 0; return "no padding";
	default: return NULL;
	}
}

static void test_same(void **state)
{
	struct fixture *f = *state;
	int kind, n;

	for (kind = 0; kind < KINDS; kind++) {
		struct packet p = packet_of(kind);
		struct pl_event base = key_of(f, &p), ev;
		const char *what;

		assert_true(base.flags & PL_F_KEY);
		for (n = 0;; n++) {
			p = packet_of(kind);
			what = hop_changes(&p, n);
			if (!what)
				break;
			/* the first fragment of layer 4 begins at 20: its window is 20 bytes on */
			if (n == 10 && (kind == FRAG4_FIRST || kind == FRAG6_FIRST))
				continue;
			ev = key_of(f, &p);
			if (!same(&base, &ev))
				fail_msg("%s: key depends on %s", kind_name[kind], what);
		}
	}
}

/* Fields of identity; false: the kind of packet has no such field */
static bool identity_changes(struct packet *p, int kind, int n)
{
	bool ip = p->l3 == P_IP4 || p->l3 == P_IP6, l4 = ip && !p->more, other = p->l3 == P_OTHER;
	bool ports = l4 && kind != ESP4 && kind != ICMP4 && kind != ICMP6;

	switch (n) {
	case 0: p->src[3] ^= 1; return !other;
	case 1: p->dst[0] ^= 0x80; return !other;
	case 2: p->src[15] ^= 1; return p->l3 == P_IP6;
	case 3: p->dst[8] ^= 1; return p->l3 == P_IP6;
	case 4: p->sport ^= 1; return ports || p->l3 == P_ARP;
	case 5: p->dport ^= 0x8000; return ports;
	case 6: p->id ^= 1; return p->l3 == P_IP4;
	case 7: p->flow ^= 1; return p->l3 == P_IP6;
	case 8: p->seq ^= 0x80000000; return l4 && (p->proto == 6 || p->proto == 132);
	case 9: p->ack++; return l4 && p->proto == 6;
	case 10: p->window++; return l4 && p->proto == 6;
	case 11: p->tcpflags ^= 2; return l4 && p->proto == 6;
	case 12: p->sport ^= 0x0100; return kind == ICMP4 || kind == ICMP6;
	case 13: p->dport++; return kind == ICMP4 || kind == ICMP6;
	case 14: p->seq++; return kind == ICMP4 || kind == ICMP6;
	case 15: p->frag++; return kind == FRAG4 || kind == FRAG6;
	case 16: p->id6++; return kind == FRAG6 || kind == FRAG6_FIRST;
	case 17: p->fill[0] ^= 1; return p->proto != 6 && p->l3 != P_ARP && kind != FRAG4_FIRST &&
					 kind != FRAG6_FIRST;
	case 18: p->fill[31] ^= 1; return p->proto != 6 && p->l3 != P_ARP && kind != TINY4;
	case 19: p->ethertype = 0x22f0; return other;
	case 20: p->src[4] ^= 1; return p->l3 == P_ARP;
	case 21: p->proto = 103; return ip;
	default: return false;
	}
}

static void test_different(void **state)
{
	struct fixture *f = *state;
	unsigned int tried = 0;
	int kind, n;

	for (kind = 0; kind < KINDS; kind++) {
		struct packet p = packet_of(kind);
		struct pl_event base = key_of(f, &p), ev;

		for (n = 0; n <= 21; n++) {
			p = packet_of(kind);
			if (!identity_changes(&p, kind, n))
				continue;
			ev = key_of(f, &p);
			tried++;
			if (!(ev.flags & PL_F_KEY) || !told_apart(&base, &ev))
				fail_msg("%s: key does not see change %d", kind_name[kind], n);
		}
	}
	assert_true(tried > 100);
}

static void test_kinds_differ(void **state)
{
	struct fixture *f = *state;
	struct pl_event ev[KINDS];
	int a, b;

	for (a = 0; a < KINDS; a++) {
		struct packet p = packet_of(a);

		ev[a] = key_of(f, &p);
		p = packet_of(a);
		assert_int_equal(ev[a].proto, a == ARP ? PL_PROTO_ARP : a == PTP || a == LLC ? PL_PROTO_OTHER
											     : p.proto);
		for (b = 0; b < a; b++) {
			/* options and extension headers alone make no other packet */
			bool equal = (a == UDP4_OPTIONS && b == UDP4) ||
				     (a == UDP6_EXT && b == UDP6);

			if (told_apart(&ev[a], &ev[b]) == equal)
				fail_msg("%s and %s", kind_name[a], kind_name[b]);
		}
	}
}

/* Where the parse starts and what is known before makes no difference */
static void test_start(void **state)
{
	struct fixture *f = *state;
	struct run_in *in = &f->skel->bss->in;
	unsigned int tags;
	int kind;

	for (kind = 0; kind < KINDS; kind++) {
		for (tags = 0; tags <= 2; tags++) {
			struct packet p = packet_of(kind);
			struct pl_event base, ev;
			size_t l3, len;
			__u32 type;

			p.tags = tags;
			base = key_of(f, &p);
			len = packet_build(&p, in->packet, &l3);
			memcpy(&type, in->packet + 12, 2);
			type &= 0xffff;
			ev = key_at(f, 0, len, len, type);
			assert_true(same(&base, &ev));
			assert_int_equal(ev.vlan, base.vlan);
			ev = key_at(f, 14, len - 14, len - 14, type | KEY_AT_L3);
			assert_true(same(&base, &ev));
			/* the kernel's own number for a length instead of a type */
			if (kind == LLC && !tags) {
				ev = key_at(f, 0, len, len, htons(4));
				assert_true(same(&base, &ev));
			}
		}
	}
}

static void test_vlan(void **state)
{
	struct fixture *f = *state;
	struct packet p = packet_of(UDP4);
	struct pl_event ev = key_of(f, &p);

	assert_int_equal(ev.vlan, 0);
	assert_false(ev.flags & PL_F_VLAN_FRAME);
	p.tags = 2;
	p.tci[0] = 0x6123;
	p.tci[1] = 5;
	p.tpid[0] = 0x88a8;
	ev = key_of(f, &p);
	assert_int_equal(ev.vlan, 0x61230000);
	assert_true(ev.flags & PL_F_VLAN_FRAME);
}

/* Segmentation: the first segment has the key of the whole, as seen by GRO and GSO */
static void test_segments(void **state)
{
	struct fixture *f = *state;
	struct packet whole = packet_of(TCP4), first = whole, second = whole;
	struct pl_event a, b, c;

	whole.tcpflags = 0x18;
	whole.payload = 1900;
	first.payload = second.payload = 950;
	second.seq += 950;
	second.id++;
	a = key_of(f, &whole);
	b = key_of(f, &first);
	c = key_of(f, &second);
	assert_true(a.key == b.key);
	assert_true(a.key != c.key);
	assert_int_equal(a.arg, c.arg);
	assert_int_equal(PL_TCP_SEQ(&a), whole.seq);
	assert_int_equal(a.pay, 1900);
	assert_int_equal(PL_TCP_SEQ(&c), whole.seq + 950);
	assert_int_equal(c.pay, 950);
}

static void check_ident(const struct pl_event *ev, const struct ident *id, const char *what)
{
	unsigned int want = (id->has_key ? PL_F_KEY : 0) | (id->has_pay ? PL_F_PAY : 0) |
			    (id->frag ? PL_F_FRAG : 0) | (id->tagged ? PL_F_VLAN_FRAME : 0);

	if ((ev->flags & FLAGS_SEEN) != want)
		fail_msg("%s: flags are %x, not %x", what, ev->flags, want);
	if (id->has_key && ev->proto != id->proto)
		fail_msg("%s: proto is %u, not %u", what, ev->proto, id->proto);
	if (id->tagged && ev->vlan != (__u32)id->tci << 16)
		fail_msg("%s: vlan is %x", what, ev->vlan);
	if (id->has_key && id->proto == 6 && !id->frag &&
	    (PL_TCP_SEQ(ev) != id->seq || ev->pay != id->tcp_bytes))
		fail_msg("%s: bytes %u + %u, not %u + %u", what, PL_TCP_SEQ(ev), ev->pay, id->seq,
			 id->tcp_bytes);
	if (!id->has_key && (ev->key || ev->proto))
		fail_msg("%s: no key, but there is one", what);
}

/* The linear part ends anywhere: what is beyond has no say, and what is said is the truth */
static void test_truncated(void **state)
{
	struct fixture *f = *state;
	struct run_in *in = &f->skel->bss->in;
	unsigned int tags;
	int kind;

	for (kind = 0; kind < KINDS * 2; kind++) {
		struct packet p = packet_of(kind / 2);
		struct pl_event base, ev, again;
		struct ident id;
		size_t l3, len, cut, i;

		tags = p.tags = kind % 2 * 2;
		base = key_of(f, &p);
		for (cut = 0; cut < 200; cut++) {
			len = packet_build(&p, in->packet, &l3);
			if (cut > len)
				break;
			ev = key_at(f, 0, cut, len, 0);
			ident_of(in->packet, cut, len, 0, false, &id);
			check_ident(&ev, &id, kind_name[kind / 2]);
			if ((ev.flags & PL_F_KEY) && ev.key != base.key)
				fail_msg("%s: another key at %zu", kind_name[kind / 2], cut);
			if ((ev.flags & PL_F_PAY) && ev.pay != base.pay)
				fail_msg("%s: another pay at %zu", kind_name[kind / 2], cut);
			for (i = cut; i < len; i++)
				in->packet[i] = rnd(f, 256);
			again = key_at(f, 0, cut, len, 0);
			assert_memory_equal(&ev, &again, sizeof(ev));
		}
		assert_true(tags <= 2);
	}
}

struct seen {
	__u64 key;
	__u32 pay;
	bool has_pay;
	struct ident id;
};

static int cmp_key(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key ? 1
			      : x->pay < y->pay	      ? -1
						      : x->pay > y->pay;
}

static int cmp_ident_key(const struct ident *x, const struct ident *y)
{
	if (x->nkey != y->nkey)
		return x->nkey < y->nkey ? -1 : 1;
	return memcmp(x->key, y->key, x->nkey);
}

static int cmp_ident(const void *a, const void *b)
{
	const struct ident *x = &((const struct seen *)a)->id, *y = &((const struct seen *)b)->id;
	int c = cmp_ident_key(x, y);

	return c ? c : memcmp(x->pay, y->pay, sizeof(x->pay));
}

/* Values from few, so that many packets differ in one field, and many in none that counts */
static struct packet packet_random(struct fixture *f)
{
	static const __u8 protos[] = { 1, 6, 17, 17, 58, 132, 136, 47, 50 }, exts[] = { 0, 43, 60, 44 };
	struct packet p = packet_of(rnd(f, KINDS));
	unsigned int i;

	p.l3 = rnd(f, 8) < 4 ? P_IP4 : rnd(f, 8) < 6 ? P_IP6
			       : rnd(f, 2)	     ? P_ARP
						     : P_OTHER;
	p.proto = protos[rnd(f, sizeof(protos))];
	p.tags = rnd(f, 4) ? 0 : rnd(f, 4);
	for (i = 0; i < 3; i++)
		p.tci[i] = rnd(f, 4096);
	p.macs[5] = rnd(f, 256);
	p.src[3] = rnd(f, 2);
	p.dst[3] = rnd(f, 2);
	p.src[12] = rnd(f, 2);
	p.ttl = rnd(f, 256);
	p.tos = rnd(f, 256);
	p.ipsum = rnd(f, 65536);
	p.l4sum = rnd(f, 65536);
	p.id = rnd(f, 3);
	p.more = rnd(f, 8) == 0;
	p.frag = rnd(f, 10) ? 0 : rnd(f, 3);
	p.options = rnd(f, 4) ? 0 : 4 * rnd(f, 11);
	p.flow = rnd(f, 2);
	p.exts = rnd(f, 3) ? 0 : rnd(f, 5);
	for (i = 0; i < 4; i++) {
		p.ext[i] = exts[rnd(f, 4)];
		p.extlen[i] = rnd(f, 3);
	}
	p.sport = rnd(f, 2);
	p.dport = rnd(f, 2);
	p.seq = rnd(f, 2);
	p.ack = rnd(f, 2);
	p.tcpflags = 0x10 | rnd(f, 16);
	p.payload = rnd(f, 4) ? 64 : rnd(f, 40);
	memset(p.fill, rnd(f, 4), sizeof(p.fill));
	p.ethertype = rnd(f, 2) ? 0x88f7 : 0x22f0;
	p.pad_to = 60 * rnd(f, 2);
	return p;
}

static void test_random(void **state)
{
	struct fixture *f = *state;
	struct seen *seen = calloc(RANDOM_PACKETS, sizeof(*seen));
	unsigned int i, n = 0, pairs = 0;

	assert_non_null(seen);
	for (i = 0; i < RANDOM_PACKETS; i++) {
		struct packet p = packet_random(f);
		struct pl_event ev;
		size_t l3, len = packet_build(&p, f->skel->bss->in.packet, &l3);
		size_t linear = rnd(f, 4) ? len : rnd(f, len + 1);

		ev = key_at(f, 0, linear, len, 0);
		ident_of(f->skel->bss->in.packet, linear, len, 0, false, &seen[n].id);
		check_ident(&ev, &seen[n].id, "random packet");
		if (!seen[n].id.has_key)
			continue;
		seen[n].key = ev.key;
		seen[n++].pay = ev.pay;
	}
	/* one identity, one key */
	qsort(seen, n, sizeof(*seen), cmp_ident);
	for (i = 1; i < n; i++) {
		if (cmp_ident_key(&seen[i - 1].id, &seen[i].id))
			continue;
		pairs++;
		if (seen[i - 1].key != seen[i].key)
			fail_msg("protocol %u: one identity, keys %llx and %llx", seen[i].id.proto,
				 seen[i - 1].key, seen[i].key);
		if (seen[i - 1].id.has_pay && seen[i].id.has_pay && !cmp_ident(&seen[i - 1], &seen[i]))
			assert_int_equal(seen[i - 1].pay, seen[i].pay);
	}
	/* one key, one identity */
	qsort(seen, n, sizeof(*seen), cmp_key);
	for (i = 1; i < n; i++) {
		if (seen[i - 1].key != seen[i].key)
			continue;
		if (cmp_ident_key(&seen[i - 1].id, &seen[i].id))
			fail_msg("protocols %u and %u: one key, several identities",
				 seen[i - 1].id.proto, seen[i].id.proto);
		if (seen[i - 1].pay == seen[i].pay && seen[i].id.has_pay && seen[i - 1].id.has_pay)
			assert_memory_equal(seen[i - 1].id.pay, seen[i].id.pay, PL_PAY_WINDOW);
	}
	print_message("# %u packets with a key, %u of them alike another\n", n, pairs);
	assert_true(n > RANDOM_PACKETS / 2 && pairs > n / 4 && pairs < n);
	free(seen);
}

/* Bytes as an attacker might send them: whatever they are, the same answer, and ref.c's */
static void test_hostile(void **state)
{
	static const __u16 types[] = { 0x0800, 0x86dd, 0x8100, 0x88a8, 0x0806, 0x88f7, 0, 0xffff };
	static const __u8 nexts[] = { 0, 43, 44, 60, 6, 17, 1, 58 };
	struct fixture *f = *state;
	struct run_in *in = &f->skel->bss->in;
	struct pl_event ev, again;
	unsigned int i, j, keys = 0;
	struct ident id;

	for (i = 0; i < HOSTILE_PACKETS; i++) {
		size_t len = 14 + rnd(f, 180), linear = rnd(f, 3) ? len : rnd(f, len + 1);
		__u16 type = types[rnd(f, 8)];

		for (j = 0; j < len + 8; j++)
			in->packet[j] = rnd(f, 256);
		in->packet[12] = type >> 8;
		in->packet[13] = type;
		if (type == 0x0800 && rnd(f, 4))
			in->packet[14] = 0x40 | rnd(f, 16);
		if (type == 0x86dd && rnd(f, 8))
			in->packet[14] = 0x60;
		if (type == 0x86dd)
			for (j = 20; j < len; j += rnd(f, 8) + 1)
				in->packet[j] = nexts[rnd(f, 8)];
		ev = key_at(f, 0, linear, len, 0);
		ident_of(in->packet, linear, len, 0, false, &id);
		check_ident(&ev, &id, "hostile packet");
		keys += id.has_key;
		for (j = linear; j < len + 8; j++)
			in->packet[j] = ~in->packet[j];
		again = key_at(f, 0, linear, len, 0);
		assert_memory_equal(&ev, &again, sizeof(ev));
	}
	print_message("# %u of %u hostile packets have a key\n", keys, HOSTILE_PACKETS);
	assert_true(keys > HOSTILE_PACKETS / 10);
}

/* An address that is not mapped: no key, no harm */
static void test_unmapped(void **state)
{
	struct fixture *f = *state;
	struct pl_event ev = key_at(f, 0x40000000, 100, 100, 0);

	assert_false(ev.flags & PL_F_KEY);
	assert_true(ev.key == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_different),
		cmocka_unit_test(test_kinds_differ),
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_unmapped),
	};

	int failed;

	failed = cmocka_run_group_tests_name("packet key in the kernel", tests, setup, teardown);
	if (cast_func())
		failed += cmocka_run_group_tests_name("packet key by plain loads", tests, setup_cast, teardown);
	else
		print_message("# this kernel has no bpf_rdonly_cast() for programs\n");
	return failed;
}
