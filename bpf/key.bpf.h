/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The packet key: identity from bytes that no hop on the way changes.
 *
 * In: addresses, protocol, ports, IP ID, fragment offset, TCP seq/ack/window/flags, ICMP type/
 * code/id/seq, the ethertype of frames that are not IP. Not in: TTL, TOS/DSCP (remarked), all
 * checksums (unfilled with CHECKSUM_PARTIAL), lengths (GRO and GSO change them), TCP's PSH, FIN
 * and CWR (GRO adds the last segment's, GSO leaves them to one segment: tcp_gro_receive(),
 * tcp_gso_segment()), VLAN tags, MAC addresses, anything of the skb.
 * So a large TCP skb and its first segment have the same key.
 *
 * pay is a second hash, over the first PL_PAY_WINDOW payload bytes; valid only when these are
 * in the linear area, so it may confirm a join but must not be missed.
 *
 * TCP is joined by ranges: the low half of its key is the sequence number, the high half a hash of
 * all else, and pay the number of payload bytes of this skb, in fragments or not. pay of other GSO
 * packets is their number of bytes, too: what tells which of them is which after segmentation.
 */
#ifndef PKTLAP_KEY_BPF_H
#define PKTLAP_KEY_BPF_H

#include "pktlap.bpf.h"
#include <bpf/bpf_endian.h>

#define ETH_HLEN	  14
#define ETH_P_802_2	  0x0004
#define ETH_P_802_3_MIN	  0x0600 /* smaller: a length */
#define ETH_P_IP	  0x0800
#define ETH_P_ARP	  0x0806
#define ETH_P_IPV6	  0x86dd
#define ETH_P_8021Q	  0x8100
#define ETH_P_8021AD	  0x88a8

#define IPPROTO_HOPOPTS	  0
#define IPPROTO_ICMP	  1
#define IPPROTO_TCP	  6
#define IPPROTO_UDP	  17
#define IPPROTO_ROUTING	  43
#define IPPROTO_FRAGMENT  44
#define IPPROTO_ICMPV6	  58
#define IPPROTO_DSTOPTS	  60
#define IPPROTO_SCTP	  132
#define IPPROTO_UDPLITE	  136

#define UDP_HLEN	  8
#define TCP_WORDS	  16 /* bytes of the TCP header that are looked at */
#define IP4_PLAIN	  0x45 /* version 4, no options */
#define IP_MF_OFFSET	  0x3fff /* more fragments, and offset */
#define IP_OFFSET	  0x1fff
#define IP6_VERSION	  0x60000000
#define IP6_VERSION_MASK  0xf0000000
#define IP6_OFFSET	  0xfff8
#define TCP_GATHERED	  0x0089 /* CWR, PSH, FIN in the word of data offset and flags */
#define FLOW_OF_FRAGMENTS (1ULL << 32) /* no pair of ports */
#define IP6_EXT_MAX	  6 /* extension headers that are followed */
#define VLAN_DEPTH_MAX	  3 /* tags in the frame that are skipped */

/* what is read of a header at a time; each struct is copied from the packet in one go */
struct eth_words {
	__be16 mac[6];
	__be16 proto;
};
struct vlan_words {
	__be16 tci;
	__be16 proto;
};
struct ip4_words {
	__u8 vhl, tos;
	__be16 len, id, frag;
	__u8 ttl, proto;
	__sum16 sum;
	__be32 s, d;
};
struct ip6_words {
	__be32 flow;
	__be16 plen;
	__u8 next, hops;
	__u64 s[2], d[2];
};
struct ext_words {
	__u8 next, len;
	__be16 frag;
	__be32 id;
};
struct l4_words {
	__be16 sport, dport;
	__u32 seq, ack;
	__u16 offflags, window;
};

/* State of the parse; on the stack of the parser */
struct parse {
	__u64 at; /* kernel address of the header at hand */
	__u64 end; /* end of the linear part */
	__u64 stop; /* where the packet would end if all of it were linear */
	__u64 key;
	__u64 flow;
	__u16 flags;
	__u16 l3; /* ethertype, host order */
	__u8 proto;
};

/* one round of a multiply-and-rotate hash; the constant is that of splitmix64's finaliser */
static __always_inline __u64 mix(__u64 h, __u64 v)
{
	h = (h ^ v) * 0xbf58476d1ce4e5b9ULL;
	return h ^ (h >> 29);
}

static __always_inline int parse_read(const struct parse *p, void *to, __u32 size)
{
	if (p->at + size > p->end)
		return -1;
	return bpf_probe_read_kernel(to, size, (void *)p->at);
}

/* Not over its length: short frames may or may not be padded with zeros */
static __always_inline __u32 payload_hash(const __u64 w[PL_PAY_WINDOW / 8])
{
	__u64 h = mix(mix(mix(mix(0, w[0]), w[1]), w[2]), w[3]);

	return (__u32)(h ^ h >> 32);
}

/* Hash the payload window at p->at; left out when part of it is not linear */
static __always_inline void parse_payload(struct parse *p, struct pl_event *e, __u32 rest)
{
	__u64 w[PL_PAY_WINDOW / 8] = {};
	__u32 want = rest < PL_PAY_WINDOW ? rest : PL_PAY_WINDOW;

	if (e->flags & PL_F_GSO) {
		e->pay = rest;
		return;
	}
	if (want == 0 || p->at + want > p->end)
		return;
	if (want == PL_PAY_WINDOW) {
		if (bpf_probe_read_kernel(w, sizeof(w), (void *)p->at))
			return;
	} else {
		/* the mask tells the verifier the bound on every kernel and clang */
		if (bpf_probe_read_kernel(w, want & (PL_PAY_WINDOW - 1), (void *)p->at))
			return;
	}
	e->pay = payload_hash(w);
	p->flags |= PL_F_PAY;
}

static __always_inline void ports_mix(struct parse *p, const struct l4_words *l4)
{
	p->flow = mix(p->flow, (__u64)l4->sport << 16 | l4->dport);
}

/*
 * rest: bytes from the TCP header on by the IP header, which leaves out the padding of short frames;
 * 0 in packets above 64 KiB (BIG TCP).
 */
static __always_inline void tcp_mix(struct parse *p, struct pl_event *e, const struct l4_words *l4,
				    __u32 rest)
{
	__u32 all = p->stop - p->at, hlen = (bpf_ntohs(l4->offflags) >> 12) * 4;
	__u16 flags = l4->offflags & ~bpf_htons(TCP_GATHERED);

	if (rest && rest < all)
		all = rest;
	ports_mix(p, l4);
	p->key = mix(p->key, (__u64)l4->ack << 32 | (__u32)flags << 16 | l4->window);
	p->key = mix(p->key, p->flow);
	p->key = (p->key ^ p->key << 32) >> 32 << 32 | bpf_ntohl(l4->seq);
	e->pay = all > hlen ? all - hlen : 0;
}

static __always_inline int parse_tcp(struct parse *p, struct pl_event *e, __u32 rest)
{
	struct l4_words l4;

	if (parse_read(p, &l4, TCP_WORDS))
		return -1;
	tcp_mix(p, e, &l4, rest);
	return 0;
}

/* rest: bytes of the IP payload at p->at by the IP header, 0 when it is not to be trusted */
static __always_inline int parse_l4(struct parse *p, struct pl_event *e, __u32 rest)
{
	struct l4_words l4;

	switch (p->proto) {
	case IPPROTO_TCP:
		return parse_tcp(p, e, rest);
	case IPPROTO_SCTP:
		if (parse_read(p, &l4, 12))
			return -1;
		/* ports, verification tag (seq); the checksum is left to hardware, too */
		ports_mix(p, &l4);
		p->key = mix(p->key, l4.seq);
		p->at += 12;
		parse_payload(p, e, rest > 12 ? rest - 12 : 0);
		break;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		if (parse_read(p, &l4, UDP_HLEN))
			return -1;
		ports_mix(p, &l4);
		p->at += UDP_HLEN;
		parse_payload(p, e, rest > UDP_HLEN ? rest - UDP_HLEN : 0);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (parse_read(p, &l4, 8))
			return -1;
		/* type, code; then id, seq: the checksum between them is left out */
		p->key = mix(p->key, (__u64)l4.sport << 32 | l4.seq);
		p->at += 8;
		parse_payload(p, e, rest > 8 ? rest - 8 : 0);
		break;
	default:
		parse_payload(p, e, rest);
	}
	p->key = mix(p->key, p->flow);
	return 0;
}

/* A first fragment begins with the header of layer 4: its checksum is in the first 20 bytes */
static __always_inline void parse_fragment(struct parse *p, struct pl_event *e, bool first,
					   __u32 rest)
{
	__u32 skip = first ? 20 : 0;

	p->flags |= PL_F_FRAG;
	p->at += skip;
	parse_payload(p, e, rest > skip ? rest - skip : 0);
}

/*
 * What the key of a TCP or UDP packet is made of, as it lies in the packet. Read at once, since each
 * bpf_probe_read_kernel() costs as much as all the rest of the parse.
 */
union ip4_window {
	struct {
		__u32 front; /* aligns the payload of UDP, as the verifier demands */
		struct ip4_words ip;
		struct l4_words l4;
	};
	struct {
		__u64 headers[4];
		__u64 pay[PL_PAY_WINDOW / 8];
	};
	__u64 words[4 + PL_PAY_WINDOW / 8];
};
union ip6_window {
	struct {
		struct ip6_words ip;
		struct l4_words l4;
	};
	struct {
		__u64 headers[6];
		__u64 pay[PL_PAY_WINDOW / 8];
	};
	__u64 words[6 + PL_PAY_WINDOW / 8];
};

#define L4_WINDOW (UDP_HLEN + PL_PAY_WINDOW)

/*
 * Is it TCP, or UDP with a payload whose window was copied? rest: bytes by the IP header; have: bytes
 * copied, of both from the header of layer 4 on. A short payload is followed by zeros then, which the
 * padding of a frame need not be.
 */
static __always_inline bool l4_plain(const struct pl_event *e, __u8 proto, __u32 rest, __u64 have)
{
	if (proto == IPPROTO_TCP)
		return true;
	if (proto != IPPROTO_UDP || rest <= UDP_HLEN || e->flags & PL_F_GSO)
		return false;
	return have == (rest < L4_WINDOW ? rest : L4_WINDOW);
}

/* As parse_l4() does, of what l4_plain() said yes to */
static __always_inline void l4_plain_mix(struct parse *p, struct pl_event *e,
					 const struct l4_words *l4, const __u64 *pay, __u32 rest)
{
	if (p->proto == IPPROTO_TCP) {
		tcp_mix(p, e, l4, rest);
		return;
	}
	ports_mix(p, l4);
	p->key = mix(p->key, p->flow);
	e->pay = payload_hash(pay);
	p->flags |= PL_F_PAY;
}

/* The addresses, and what else of the IP header is in the key */
static __always_inline void ip4_mix(struct parse *p, const struct ip4_words *ip)
{
	p->proto = ip->proto;
	p->flow = mix(mix(ip->proto, ip->s), ip->d);
	p->key = mix((__u64)ip->id << 16 | (ip->frag & bpf_htons(IP_OFFSET)),
		     (__u64)ip->s << 32 | ip->d);
}

static __always_inline void ip6_mix(struct parse *p, const struct ip6_words *ip)
{
	p->flow = mix(mix(mix(mix(0, ip->s[0]), ip->s[1]), ip->d[0]), ip->d[1]);
	p->key = mix(ip->flow & bpf_htonl(0xfffff), p->flow);
}

/* Zero the last bytes of a payload window of which so many are not the packet's */
static __always_inline void window_trim(__u64 pay[PL_PAY_WINDOW / 8], __u32 bytes)
{
	__u32 bits = bytes * 8;
	int i;

#pragma unroll
	for (i = PL_PAY_WINDOW / 8 - 1; i >= 0; i--) {
		if (bits >= 64) {
			pay[i] = 0;
			bits -= 64;
		} else {
			pay[i] = pay[i] << bits >> bits;
			bits = 0;
		}
	}
}

/*
 * Copy what is linear of a window of so many bytes at p->at into to, whose first byte is skew bytes
 * in front of p->at (for alignment) and which is zero. Returns how many bytes, 0: cannot be read.
 */
static __always_inline __u64 window_copy(__u64 *to, __u32 window, __u32 skew, const struct parse *p)
{
	__u64 have = p->end - p->at;
	__u32 i;

	if (have > window)
		have = window;
	if (cfg_cast) {
		const __u64 *from = cast_words(p->at - skew);

#pragma unroll
		for (i = 0; i < (window + skew) / 8; i++)
			to[i] = from[i];
		if (have < window)
			window_trim(to + (window + skew - PL_PAY_WINDOW) / 8, window - have);
		return have;
	}
	if (have == window)
		return bpf_probe_read_kernel((void *)to + skew, window, (void *)p->at) ? 0 : window;
	/* 128: more than any window, a bound that every verifier understands */
	return bpf_probe_read_kernel((void *)to + skew, have & 127, (void *)p->at) ? 0 : have;
}

/*
 * The usual packet: IPv4 without options, whole, TCP or UDP, of which is linear what is asked for.
 * false: it is not that, and nothing was changed. The result is that of parse_ip4().
 */
static __always_inline bool parse_ip4_plain(struct parse *p, struct pl_event *e)
{
	union ip4_window w = {};
	__u32 rest;
	__u64 have;

	if (p->at + sizeof(w.ip) + TCP_WORDS > p->end)
		return false;
	have = window_copy(w.words, sizeof(w.ip) + L4_WINDOW, sizeof(w.front), p);
	rest = bpf_ntohs(w.ip.len);
	if (!have || w.ip.vhl != IP4_PLAIN || w.ip.frag & bpf_htons(IP_MF_OFFSET) ||
	    rest < sizeof(w.ip))
		return false;
	rest -= sizeof(w.ip);
	if (!l4_plain(e, w.ip.proto, rest, have - sizeof(w.ip)))
		return false;
	ip4_mix(p, &w.ip);
	p->at += sizeof(w.ip);
	l4_plain_mix(p, e, &w.l4, w.pay, rest);
	return true;
}

/* The same of IPv6 without extension headers */
static __always_inline bool parse_ip6_plain(struct parse *p, struct pl_event *e)
{
	union ip6_window w = {};
	__u32 rest;
	__u64 have;

	if (p->at + sizeof(w.ip) + TCP_WORDS > p->end)
		return false;
	have = window_copy(w.words, sizeof(w.ip) + L4_WINDOW, 0, p);
	rest = bpf_ntohs(w.ip.plen);
	if (!have || (w.ip.flow & bpf_htonl(IP6_VERSION_MASK)) != bpf_htonl(IP6_VERSION) ||
	    !l4_plain(e, w.ip.next, rest, have - sizeof(w.ip)))
		return false;
	ip6_mix(p, &w.ip);
	p->proto = w.ip.next;
	p->flow = mix(p->flow, w.ip.next);
	p->at += sizeof(w.ip);
	l4_plain_mix(p, e, &w.l4, w.pay, rest);
	return true;
}

static __always_inline int parse_ip4(struct parse *p, struct pl_event *e)
{
	struct ip4_words ip;
	__u32 hlen, len;

	if (parse_read(p, &ip, sizeof(ip)))
		return -1;
	hlen = (ip.vhl & 0xf) * 4;
	if ((ip.vhl >> 4) != 4 || hlen < sizeof(ip))
		return -1;
	len = bpf_ntohs(ip.len);
	ip4_mix(p, &ip);
	p->at += hlen;
	len = len > hlen ? len - hlen : 0;
	if (ip.frag & bpf_htons(IP_MF_OFFSET)) {
		/* ports are in the first fragment only: none of them is looked for */
		p->flow = mix(p->flow, FLOW_OF_FRAGMENTS | ip.id);
		p->key = mix(p->key, p->flow);
		parse_fragment(p, e, !(ip.frag & bpf_htons(IP_OFFSET)), len);
		return 0;
	}
	return parse_l4(p, e, len);
}

static __always_inline int parse_ip6(struct parse *p, struct pl_event *e)
{
	struct ip6_words ip;
	struct ext_words ext;
	__u32 rest;
	__u8 next;
	int i;

	if (parse_read(p, &ip, sizeof(ip)))
		return -1;
	if ((ip.flow & bpf_htonl(IP6_VERSION_MASK)) != bpf_htonl(IP6_VERSION))
		return -1;
	next = ip.next;
	rest = bpf_ntohs(ip.plen);
	ip6_mix(p, &ip);
	p->at += sizeof(ip);
	for (i = 0; i < IP6_EXT_MAX; i++) {
		__u32 elen;

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING &&
		    next != IPPROTO_FRAGMENT && next != IPPROTO_DSTOPTS)
			break;
		if (parse_read(p, &ext, sizeof(ext)))
			return -1;
		elen = next == IPPROTO_FRAGMENT ? 8 : (ext.len + 1) * 8;
		p->at += elen;
		rest = rest > elen ? rest - elen : 0;
		if (next == IPPROTO_FRAGMENT) {
			ext.frag &= bpf_htons(IP6_OFFSET);
			p->proto = ext.next;
			p->flow = mix(p->flow, FLOW_OF_FRAGMENTS | ext.id);
			p->key = mix(p->key, (__u64)ext.next << 48 | (__u64)ext.id << 16 |
						     ext.frag);
			parse_fragment(p, e, !ext.frag, rest);
			return 0;
		}
		next = ext.next;
	}
	p->proto = next;
	p->flow = mix(p->flow, next);
	return parse_l4(p, e, rest);
}

static __always_inline int parse_arp(struct parse *p)
{
	__u64 w[3];

	/* hardware and protocol types, operation, both address pairs, less their last 4 bytes */
	if (parse_read(p, w, sizeof(w)))
		return -1;
	p->proto = PL_PROTO_ARP;
	p->key = mix(mix(mix(ETH_P_ARP, w[0]), w[1]), w[2]);
	p->at += sizeof(w);
	if (parse_read(p, w, 4))
		return -1;
	p->key = mix(p->key, (__u32)w[0]);
	return 0;
}

static __always_inline int parse_other(struct parse *p, struct pl_event *e)
{
	p->proto = PL_PROTO_OTHER;
	p->key = mix(p->l3, PL_PROTO_OTHER);
	parse_payload(p, e, p->stop > p->at ? p->stop - p->at : 0);
	/* the ethertype alone is no identity */
	return p->flags & PL_F_PAY ? 0 : -1;
}

/* proto argument of key_fill(): the address is that of the network header */
#define KEY_AT_L3 0x10000

/*
 * Fill key, pay, flow, proto, vlan (the frame's tag) of e from the frame's headers.
 *
 * l2: address of the Ethernet header, or with KEY_AT_L3 of the network header; linear: bytes
 * there that may be read; frame: bytes of the whole frame from l2 on; proto: ethertype when it is
 * known (skb->protocol), else 0, network byte order. (A BPF function has five arguments.)
 *
 * Global, so that the verifier looks at it once for a program and not on every path to it: in the
 * loop over a batch that took 6.1's more than its million instructions, and minutes. Weak, since
 * each layer's object has a copy; the linker keeps one.
 */
__weak __noinline int key_fill(struct pl_event *e, __u64 l2, __u32 linear, __u32 frame, __u32 proto)
{
	struct parse p = { .at = l2, .end = l2 + linear, .stop = l2 + frame };
	int i, err;

	/* a global function's pointer may be NULL to the verifier */
	if (!e)
		return 0;
	if (!(proto & KEY_AT_L3)) {
		if (!proto) {
			struct eth_words eth;

			if (parse_read(&p, &eth, sizeof(eth)))
				return 0;
			proto = eth.proto;
		}
		p.at += ETH_HLEN;
	}
	proto &= 0xffff;
	for (i = 0; i < VLAN_DEPTH_MAX; i++) {
		struct vlan_words tag;

		if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
			break;
		if (parse_read(&p, &tag, sizeof(tag)))
			goto out;
		if (i == 0) {
			e->vlan |= (__u32)bpf_ntohs(tag.tci) << 16;
			p.flags |= PL_F_VLAN_FRAME;
		}
		proto = tag.proto;
		p.at += sizeof(tag);
	}
	p.l3 = bpf_ntohs(proto);
	/* the frame has a length there (802.3), skb->protocol one of several small numbers */
	if (p.l3 < ETH_P_802_3_MIN)
		p.l3 = ETH_P_802_2;
	if (p.l3 == ETH_P_IP)
		err = parse_ip4_plain(&p, e) ? 0 : parse_ip4(&p, e);
	else if (p.l3 == ETH_P_IPV6)
		err = parse_ip6_plain(&p, e) ? 0 : parse_ip6(&p, e);
	else if (p.l3 == ETH_P_ARP)
		err = parse_arp(&p);
	else
		err = parse_other(&p, e);
	if (!err) {
		e->key = p.key ?: 1;
		e->arg = (__u32)(p.flow ^ p.flow >> 32);
		e->proto = p.proto;
		p.flags |= PL_F_KEY;
	}
out:
	e->flags |= p.flags;
	return 0;
}

#endif
