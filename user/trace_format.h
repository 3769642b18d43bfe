/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The trace file on disk. All numbers are little-endian.
 *
 *	file   = header chunk*
 *	chunk  = chunk_header payload
 *
 * A file holds the recordings of one or more domains (kernels), chunk by chunk: domain 0 is the
 * recorder's own, the others are guests in the order in which they were named. Every domain has
 * its own documents and its own clock; TRACE_SYNC says how a guest's clock goes to domain 0's.
 *
 * header (32 bytes): the same in every version of the format, so that every pktlap can tell a
 * newer recording from a damaged one.
 *
 * chunk_header (48 bytes) has a checksum of its own, so that an index is made without reading a
 * payload, and so that the next whole chunk can be found behind damaged bytes: the magic's first
 * and last byte are in no UTF-8 text. seq counts the chunks of a file from 0: a gap in it is a
 * lost chunk. Kinds that a reader does not know are skipped.
 *
 * Payload of TRACE_EVENTS: one zstd frame. Decompressed: count events of one CPU (struct
 * pl_event, bpf/event.h) in the order of that CPU's ring; ts of each but the first is the
 * difference to ts of the event before it, modulo 2^64. Rows are not transposed: neighbours are
 * sightings of the same packet, so zstd finds most of a row in an earlier row; columns came out
 * larger and slower. obj, head and, in context hops, key are keyed hashes (trace_hide.h). The
 * hook's number is an index into the document TRACE_CATALOGUE of the same domain, the ids of all
 * hooks that its recorder knew; where header.catalogue equals the reader's own sum, the numbers of
 * domain 0 are the same.
 *
 * Payload of TRACE_PACKETS: one zstd frame. Decompressed: count packets, each a struct trace_packet
 * and its n sightings, struct trace_sighting. Numbers of hops are indices into "hops" of the
 * document TRACE_KEPT, numbers of hooks as above. cpu is 0, ts_min and ts_max are the times of first
 * sightings.
 *
 * Payload of every other kind: one JSON document, UTF-8, not compressed, without a final NUL.
 * trace.h says what is in it.
 *
 * Version 2: the key of TCP packets has the sequence number in it, pay their number of bytes.
 * Version 3: domains. Before it, the chunk's field for them was 0.
 *
 * A recorder that is killed, or whose disk is full, leaves a file that ends in part of a chunk,
 * or without TRACE_END.
 */
#ifndef PKTLAP_TRACE_FORMAT_H
#define PKTLAP_TRACE_FORMAT_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <zlib.h>

#include "catalogue.h"
#include "trace.h"

#define TRACE_MAGIC		"pktlap\x1a\n"
#define TRACE_VERSION		3
#define TRACE_VERSION_OLDEST	2 /* that is still read */
#define TRACE_ENDIAN		0x01020304
#define TRACE_CHUNK_MAGIC	"\xf5PL\xfa"

/* Bounds: a reader refuses what is larger, before it allocates */
#define TRACE_CPUS_MAX		8192 /* what the kernel can be built for */
#define TRACE_EVENTS_SLACK	1024 /* what zstd may add to what it cannot compress */
#define TRACE_EVENTS_STORED_MAX (TRACE_BLOCK_EVENTS * sizeof(struct pl_event) + TRACE_EVENTS_SLACK)
#define TRACE_DOC_MAX		(8U << 20)
#define TRACE_DOMAINS_MAX	64
#define TRACE_ADDED_MAX		(1U << 22) /* parts of a document that adds up: a second each, 48 days */

struct trace_header {
	char magic[8]; /* TRACE_MAGIC */
	__u32 endian; /* TRACE_ENDIAN */
	__u16 version; /* TRACE_VERSION */
	__u16 event_size; /* sizeof(struct pl_event) */
	__u32 catalogue; /* crc32 over the ids of all hooks in order, each with its NUL */
	__u32 reserved[2]; /* 0 */
	__u32 crc; /* crc32 over all before */
} __attribute__((packed));

struct trace_chunk_header {
	char magic[4]; /* TRACE_CHUNK_MAGIC */
	__u16 kind; /* enum trace_chunk */
	__u16 domain; /* 0: the recorder's own kernel; 1 .. : guests */
	__u32 seq;
	__u32 raw; /* bytes of the payload, decompressed */
	__u32 stored; /* bytes of the payload in the file */
	__u16 cpu; /* TRACE_EVENTS, else 0: whose ring the events were in */
	__u16 count; /* TRACE_EVENTS, TRACE_PACKETS, else 0: 1 .. TRACE_BLOCK_EVENTS */
	__u64 ts_min, ts_max; /* TRACE_EVENTS, TRACE_PACKETS, else 0: ns */
	__u32 payload_crc; /* crc32 over the payload as stored */
	__u32 crc; /* crc32 over all before */
} __attribute__((packed));

#define TRACE_PACKETS_RAW_MAX (TRACE_BLOCK_EVENTS * sizeof(struct pl_event)) /* as of events */

struct trace_packet {
	__u64 id; /* order of first sighting in the recording, from 1 */
	__u64 ts; /* of the first sighting, ns */
	__u64 key;
	__u32 flow;
	__u32 seq, bytes; /* TCP */
	__u32 drop_reason;
	__s32 drop_place;
	__u8 end; /* 0 complete, 1 dropped, 2 merged, 3 split, 4 incomplete, 5 ambiguous */
	__u8 proto;
	__u16 n; /* sightings */
	__u32 flags; /* TRACE_PACKET_* */
	__u32 reserved; /* 0 */
};

#define TRACE_PACKET_CLONED  1
#define TRACE_PACKET_NONMONO 2 /* sighted out of order: not used for statistics */

struct trace_sighting {
	__u64 after; /* ns since the sighting before it; of the first: 0 */
	__u32 tid;
	__u32 len;
	__u32 arg;
	__u32 vlan;
	__u32 netns, ifindex; /* device; 0: none */
	__u16 cpu;
	__u16 flags; /* PL_F_* */
	__u8 hop, hook;
	__u16 queue;
};

_Static_assert(sizeof(struct trace_header) == 32, "on-disk layout");
_Static_assert(offsetof(struct trace_header, version) == 12, "on-disk layout");
_Static_assert(offsetof(struct trace_header, crc) == 28, "on-disk layout");
_Static_assert(sizeof(struct trace_packet) == 56, "on-disk layout");
_Static_assert(sizeof(struct trace_sighting) == 40, "on-disk layout");
_Static_assert(sizeof(struct trace_chunk_header) == 48, "on-disk layout");
_Static_assert(offsetof(struct trace_chunk_header, ts_min) == 24, "on-disk layout");
_Static_assert(offsetof(struct trace_chunk_header, crc) == 44, "on-disk layout");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "structs are written as they are");

static inline __u32 trace_crc(const void *data, size_t len)
{
	return crc32(0, data, len);
}

/* Magic and checksums of a chunk whose other fields are set; payload: h->stored bytes */
static inline void trace_chunk_seal(struct trace_chunk_header *h, const void *payload)
{
	memcpy(h->magic, TRACE_CHUNK_MAGIC, sizeof(h->magic));
	h->payload_crc = trace_crc(payload, h->stored);
	h->crc = trace_crc(h, offsetof(struct trace_chunk_header, crc));
}

/* Checksum first, then what a hostile file could have given a right one */
static inline bool trace_chunk_valid(const struct trace_chunk_header *h)
{
	if (memcmp(h->magic, TRACE_CHUNK_MAGIC, sizeof(h->magic)) ||
	    h->crc != trace_crc(h, offsetof(struct trace_chunk_header, crc)) ||
	    h->domain >= TRACE_DOMAINS_MAX)
		return false;
	if (h->kind == TRACE_PACKETS)
		return h->count && h->count <= TRACE_BLOCK_EVENTS &&
		       h->raw <= TRACE_PACKETS_RAW_MAX && h->stored &&
		       h->stored <= TRACE_EVENTS_STORED_MAX && h->ts_min <= h->ts_max;
	if (h->kind != TRACE_EVENTS)
		return h->kind && h->stored <= TRACE_DOC_MAX;
	return h->count && h->count <= TRACE_BLOCK_EVENTS &&
	       h->raw == h->count * sizeof(struct pl_event) && h->stored &&
	       h->stored <= TRACE_EVENTS_STORED_MAX && h->cpu < TRACE_CPUS_MAX &&
	       h->ts_min <= h->ts_max;
}

/* What tells one numbering of hooks from another */
static inline __u32 trace_catalogue_crc(void)
{
	uLong crc = 0;
	int hook;

	for (hook = 0; hook < PL_NR_HOOKS; hook++) {
		const char *id = hook_desc(hook)->id;
		const char *end = id;

		while (*end++)
			;
		crc = crc32(crc, (const Bytef *)id, end - id);
	}
	return crc;
}

#endif
