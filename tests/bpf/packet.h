/* SPDX-License-Identifier: GPL-2.0 */
/* Packets made from a description, field by field */
#ifndef TEST_BPF_PACKET_H
#define TEST_BPF_PACKET_H

#include <linux/types.h>
#include <stddef.h>

#define PACKET_MAX 2048

struct packet {
	unsigned int tags; /* VLAN tags in the frame, at most 3 */
	__u16 tci[3], tpid[3];
	__u8 macs[12];
	__u16 ethertype; /* of what is not IP or ARP; below 0x600: a length (802.3) */
	enum { P_IP4,
	       P_IP6,
	       P_ARP,
	       P_OTHER } l3;
	__u8 src[16], dst[16]; /* IPv4, ARP: the first four bytes */
	__u8 ttl, tos;
	__u16 id, ipsum;
	__u16 frag; /* offset in units of 8 bytes */
	unsigned char more; /* more fragments */
	unsigned char dont; /* don't fragment */
	unsigned int options; /* bytes of IPv4 options, a multiple of 4 */
	__u32 flow; /* IPv6 flow label */
	unsigned int exts; /* IPv6 extension headers, at most 4 */
	__u8 ext[4], extlen[4]; /* their types (44: fragment), length in 8 bytes less one */
	__u32 id6; /* of the fragment header */
	__u8 proto;
	__u16 sport, dport, l4sum; /* ICMP: type and code in sport, id in dport */
	__u32 seq, ack; /* ICMP: low half of seq; SCTP: verification tag in seq */
	__u8 tcpflags;
	__u16 window;
	unsigned int payload; /* bytes */
	__u8 fill[64]; /* the payload, repeated */
	unsigned int pad_to; /* zeros up to this frame length */
};

/* Returns the length of the frame; *l3 = offset of the network header. Bytes beyond stay as they are */
size_t packet_build(const struct packet *p, __u8 *out, size_t *l3);

#endif
