/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The bytes that an agent sends, taken apart. Nothing in them is trusted: memory is bounded by one
 * chunk, and a guest that sends more documents than an agent has is told from one that does not.
 */
#ifndef PKTLAP_GUEST_STREAM_H
#define PKTLAP_GUEST_STREAM_H

#include <linux/types.h>
#include <stddef.h>

#include "trace.h"
#include "trace_format.h"

struct guest_stream {
	unsigned char *buf;
	size_t room; /* of buf: at most a chunk of the largest size */
	size_t pos, have; /* not taken yet: buf[pos] .. buf[have - 1] */
	/* documents */
	__u64 since_ns; /* tokens were counted up to here; 0: not begun */
	unsigned int tokens;
	size_t changes; /* bytes of all TRACE_CHANGES so far */
};

/* Where the next bytes belong, and how many at most: never 0. NULL: no memory */
void *guest_stream_room(struct guest_stream *s, size_t *room);
/* n bytes were put there */
void guest_stream_add(struct guest_stream *s, size_t n);

/*
 * The next whole chunk; its payload is valid until the next call of guest_stream_room(). The
 * header of a trace is passed over when it is one that this pktlap reads. 1; 0: more bytes are
 * needed; -EBADMSG: not what an agent sends, with why in *what.
 */
int guest_stream_next(struct guest_stream *s, struct trace_chunk_header *h, const void **payload,
		      const char **what);

/*
 * May the guest send this one now? 0, or -EBADMSG with why in *what. How many of TRACE_SYNC, the
 * caller knows: as many as it has asked.
 */
int guest_stream_limit(struct guest_stream *s, const struct trace_chunk_header *h, __u64 now_ns,
		       const char **what);

void guest_stream_free(struct guest_stream *s);

#endif
