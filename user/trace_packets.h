/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packets in the trace file (TRACE_PACKETS): what a recorder that stitches while it records keeps
 * of them. They are what the stitcher made, so that every reader takes them as its own.
 */
#ifndef PKTLAP_TRACE_PACKETS_H
#define PKTLAP_TRACE_PACKETS_H

#include "names.h"
#include "stitch.h"
#include "trace.h"

#define TRACE_PACKETS_BYTES 65536

/* A chunk in the making */
struct trace_packets {
	size_t used;
	unsigned int n;
	__u64 ts_min, ts_max; /* of first sightings */
	unsigned char raw[TRACE_PACKETS_BYTES] __attribute__((aligned(8)));
};

/* Append p, whose devices are names' numbers. false: no room, the chunk is to be written first */
bool trace_packets_add(struct trace_packets *b, const struct packet *p, const struct names *names);

/* Append the chunk to the file and empty it; nothing for an empty one. As trace_write_doc() */
int trace_packets_write(struct trace_writer *w, struct trace_packets *b);

/* What the numbers of hops in packets mean: "hops" of TRACE_KEPT. NULL: no memory */
json_t *trace_packets_hops(void);

/*
 * Read block i of t->packets and call fn for each packet; devices are numbers of names then, which
 * may grow. Hops that this pktlap does not know are left out. A return of fn other than 0 ends it
 * and is passed on; 0; -EBADMSG: the block is damaged, fn was called for none; -ENOMEM.
 */
int trace_packets_read(const struct trace *t, size_t i, struct names *names,
		       int (*fn)(void *ctx, const struct packet *p), void *ctx);

#endif
