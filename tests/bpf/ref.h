/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What identity of a packet is, without a hash: the bytes that the key stands for, found by a
 * plain parser that has nothing in common with bpf/key.bpf.h but its description.
 */
#ifndef TEST_BPF_REF_H
#define TEST_BPF_REF_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define IDENT_MAX 96

struct ident {
	bool has_key, has_pay, frag;
	__u8 proto;
	unsigned int nkey;
	__u8 key[IDENT_MAX];
	__u8 pay[32]; /* zeros after a short payload */
	__u32 seq, tcp_bytes; /* TCP: first byte of payload and number of bytes */
	bool tagged; /* the frame has a VLAN tag */
	__u16 tci;
};

/*
 * linear: bytes that may be looked at; frame: bytes that there are. proto: ethertype if it is known
 * from elsewhere (host order), else 0. l3: the packet begins with its network header.
 */
void ident_of(const __u8 *packet, size_t linear, size_t frame, __u16 proto, bool l3,
	      struct ident *id);

#endif
