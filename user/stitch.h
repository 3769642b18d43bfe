/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stitcher: joins the events of one kernel, in order of time, into packets. One pass; memory
 * is bound by the packets in flight (and by max_in_flight), never by the length of the stream.
 */
#ifndef PKTLAP_STITCH_H
#define PKTLAP_STITCH_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "catalogue.h"
#include "names.h"

/* One event of a packet, as the views see it */
struct sighting {
	__u64 ts; /* ns, CLOCK_MONOTONIC of the domain */
	__u32 tid;
	__u32 len; /* bytes (batch hops: count) */
	__u32 arg; /* context hops: irq, vector, ... */
	__u32 vlan; /* tags; with PL_F_SOCK: the socket's port */
	__u16 dev; /* names_dev() */
	__u16 cpu;
	__u8 hop; /* enum pl_hop, aliases resolved */
	__u8 hook; /* enum pl_hook */
	__u16 flags; /* PL_F_* */
	__u16 queue; /* queue_mapping, virtqueue; port at a socket */
};

/* How a packet's sequence of events ended */
enum packet_end {
	PACKET_COMPLETE, /* reached an end of its way that pktlap knows */
	PACKET_DROPPED, /* kfree_skb with a reason */
	PACKET_MERGED, /* GRO took it into another skb, which one is not certain */
	PACKET_SPLIT, /* GSO cut it up: its segments are packets of their own */
	PACKET_INCOMPLETE, /* begin or end not seen: recording limits, loss, uncovered hops */
	PACKET_AMBIGUOUS, /* could belong to more than one chain: not guessed */
	PACKET_NR_ENDS
};

#define DOMAIN_MAX_SIGHTINGS 64 /* in one domain: more than that ends the packet as incomplete */
#define PACKET_MAX_PARTS     5
#define PACKET_MAX_SIGHTINGS (PACKET_MAX_PARTS * DOMAIN_MAX_SIGHTINGS)

/*
 * The sightings of a packet in one domain, in a row. The stitcher makes packets of one part; join.h
 * puts those of several domains together, on the clock of domain 0.
 */
struct packet_part {
	__u64 error_ns; /* of the time between the part before and this one; 0: one clock */
	__u64 moved_ns; /* this part was seen so much before the one before: within the error */
	__u16 first; /* its first sighting */
	__u8 domain;
};

struct packet {
	__u64 id; /* number in the recording: order of first sighting, from 1 */
	__u64 key; /* 0: no event of it had its headers */
	__u32 flow; /* hash of addresses, protocol, ports; 0: unknown */
	__u32 seq; /* TCP: sequence number of the first byte of bytes */
	__u32 bytes; /* TCP: payload; 0: none, or not known */
	__u32 drop_reason; /* PACKET_DROPPED: kernel's number */
	__s32 drop_place; /* PACKET_DROPPED: distance from _stext */
	__u8 end; /* enum packet_end */
	__u8 proto; /* PL_PROTO_* or IP protocol */
	__u8 cloned; /* forked from another packet: shares its first sightings */
	__u8 nonmono; /* merge delivered a sighting late: not used for statistics */
	__u8 nparts;
	__u16 n;
	struct packet_part part[PACKET_MAX_PARTS];
	struct sighting s[PACKET_MAX_SIGHTINGS]; /* ts never decreases */
};

/* Which part sighting at belongs to */
static inline const struct packet_part *packet_part(const struct packet *p, unsigned int at)
{
	unsigned int i = p->nparts;

	while (i > 1 && p->part[i - 1].first > at)
		i--;
	return &p->part[i ? i - 1 : 0];
}

static inline unsigned int packet_domain(const struct packet *p, unsigned int at)
{
	return packet_part(p, at)->domain;
}

/* The part that begins with this sighting and is not the first: the step to it crosses domains */
static inline const struct packet_part *packet_crossing(const struct packet *p, unsigned int at)
{
	const struct packet_part *part = packet_part(p, at);

	return at && part->first == at ? part : NULL;
}

/* From the first sighting to the last, ns */
static inline __u64 packet_total(const struct packet *p)
{
	return p->n ? p->s[p->n - 1].ts - p->s[0].ts : 0;
}

/* Bytes of a packet without the room that it does not need: most are far shorter than the longest */
static inline size_t packet_size(const struct packet *p)
{
	return offsetof(struct packet, s) + p->n * sizeof(p->s[0]);
}

/* A copy of that size, under another number */
static inline void packet_copy_as(struct packet *to, const struct packet *p, __u64 id)
{
	memcpy(to, p, packet_size(p));
	to->id = id;
}

/* "complete", "dropped", ... */
const char *packet_end_name(enum packet_end end);

struct stitch;

struct stitch_config {
	__u64 timeout_ns; /* a packet without a sighting for so long has ended; 0: 30 s */
	size_t max_in_flight; /* 0: 262144; the oldest is given up as incomplete beyond that */
	struct names *names; /* borrowed, not NULL */
	bool selected; /* recorded with a filter or a sample: packets are missing, context hops not */
	/* called once for each packet as it ends; p is valid during the call. A return other than
	 * 0 stops the stitcher, stitch_event() passes it on. */
	int (*packet)(void *ctx, const struct packet *p);
	void *ctx;
};

int stitch_new(const struct stitch_config *cfg, struct stitch **out);
void stitch_free(struct stitch *s);

/* Feed the next event in order of time. 0, or what the packet callback returned, or -ENOMEM */
int stitch_event(struct stitch *s, const struct pl_event *ev);

/* Devices or tasks were added to its names: what it remembers of them is looked up again */
void stitch_names_changed(struct stitch *s);

/* End of the stream: ends every packet in flight (those that had reached an end: complete) */
int stitch_finish(struct stitch *s);

struct stitch_stats {
	__u64 events;
	__u64 unused; /* belonged to no packet: context without a packet, unknown skb freed */
	__u64 packets[PACKET_NR_ENDS];
	__u64 cloned; /* of these: forked */
	__u64 ridden; /* of these: went on in another one's skb (GRO, reassembly) */
	__u64 segments; /* of these: cut from another one */
	__u64 undecided; /* not counted as packets: no hop could tell whether they match the filter */
	__u64 evicted; /* given up because of max_in_flight */
	__u64 unsure_fetches; /* packets whose vhost:fetch was left out: not certain which it was */
	__u64 in_flight_max;
	__u64 by_hop[PL_NR_HOPS]; /* sightings by hop, aliases resolved */
	__u64 last_hop[PL_NR_HOPS]; /* incomplete packets by the hop where they were last seen */
};
const struct stitch_stats *stitch_stats(const struct stitch *s);

/* Those of another stitcher on top; in_flight_max: of both, as if they had been at the same time */
void stitch_stats_add(struct stitch_stats *to, const struct stitch_stats *s);

#endif
