/* SPDX-License-Identifier: GPL-2.0 */
/* Hand-made packets for tests of what comes after the stitcher */
#ifndef PKTLAP_TEST_PACKETS_H
#define PKTLAP_TEST_PACKETS_H

#include <string.h>

#include "stitch.h"

static inline void packet_begin(struct packet *p, __u64 id, enum packet_end end)
{
	memset(p, 0, sizeof(*p));
	p->id = id;
	p->key = id * 0x9e3779b97f4a7c15ULL;
	p->proto = 17;
	p->end = end;
}

static inline struct sighting *packet_see(struct packet *p, enum pl_hop hop, __u16 dev, __u64 ts)
{
	struct sighting *s = &p->s[p->n++];

	s->hop = hop;
	s->dev = dev;
	s->ts = ts;
	s->len = 124;
	return s;
}

#endif
