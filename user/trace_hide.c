// SPDX-License-Identifier: GPL-2.0
#include "trace_hide.h"

#include <string.h>

#include "catalogue.h"

void trace_hide_init(struct trace_hide *h, const __u8 key[16])
{
	int hook;

	memcpy(&h->k0, key, 8);
	memcpy(&h->k1, key + 8, 8);
	for (hook = 0; hook < 256; hook++) {
		enum pl_hop hop = hook_desc(hook)->hop;

		/* what is not known to be harmless is hidden */
		h->key[hook] = hop == PL_HOP_none || hop_desc(hop)->class == PL_CLASS_CTX;
	}
}

static inline __u64 rol(__u64 x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void sip_round(__u64 v[4])
{
	v[0] += v[1];
	v[1] = rol(v[1], 13) ^ v[0];
	v[0] = rol(v[0], 32);
	v[2] += v[3];
	v[3] = rol(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rol(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rol(v[1], 17) ^ v[2];
	v[2] = rol(v[2], 32);
}

static inline void sip_word(__u64 v[4], __u64 word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

static inline __u64 sip_end(__u64 v[4])
{
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#define SIP_START(h) \
	{ \
		(h)->k0 ^ 0x736f6d6570736575ULL, (h)->k1 ^ 0x646f72616e646f6dULL, \
			(h)->k0 ^ 0x6c7967656e657261ULL, (h)->k1 ^ 0x7465646279746573ULL \
	}

__u64 trace_hide_u64(const struct trace_hide *h, __u64 address)
{
	__u64 v[4] = SIP_START(h), hash;

	if (!address)
		return 0;
	sip_word(v, address);
	sip_word(v, 8ULL << 56);
	hash = sip_end(v);
	return hash ? hash : 1;
}

__u32 trace_hide_u32(const struct trace_hide *h, __u32 address)
{
	__u64 v[4] = SIP_START(h);
	__u32 hash;

	if (!address)
		return 0;
	sip_word(v, 4ULL << 56 | address);
	hash = sip_end(v);
	return hash ? hash : 1;
}

void pl_event_hide(const struct trace_hide *h, struct pl_event *ev)
{
	ev->obj = trace_hide_u64(h, ev->obj);
	ev->head = trace_hide_u32(h, ev->head);
	if (ev->flags & PL_F_SOCK)
		ev->vlan = trace_hide_u32(h, ev->vlan);
	if (h->key[ev->hook])
		ev->key = trace_hide_u64(h, ev->key);
}
