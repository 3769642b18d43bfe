/* SPDX-License-Identifier: GPL-2.0 */
/* For the fuzzers: checksums made right, else none of their inputs would get past them */
#ifndef PKTLAP_TEST_FUZZ_H
#define PKTLAP_TEST_FUZZ_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "trace_format.h"

/*
 * The first byte says what is repaired: bit 0 the file's header, bit 1 the chunks' magic and
 * checksums, bit 2 their numbers. Returns the copy, n becomes its length.
 */
static inline uint8_t *fuzz_repair(const uint8_t *data, size_t *n)
{
	const uint8_t mode = *n ? data[0] : 0;
	size_t pos = sizeof(struct trace_header), len = *n ? *n - 1 : 0;
	uint8_t *p = malloc(len + 1);
	struct trace_header *th = (struct trace_header *)p;
	struct trace_chunk_header h;
	__u32 seq = 0;

	if (!p)
		abort();
	if (len)
		memcpy(p, data + 1, len);
	*n = len;
	if ((mode & 1) && len >= sizeof(*th)) {
		memcpy(th->magic, TRACE_MAGIC, sizeof(th->magic));
		th->endian = TRACE_ENDIAN;
		th->version = 2 + th->version % 3;
		th->event_size = sizeof(struct pl_event);
		th->crc = trace_crc(th, offsetof(struct trace_header, crc));
	}
	while ((mode & 2) && len - pos >= sizeof(h) && pos < len) {
		memcpy(&h, p + pos, sizeof(h));
		memcpy(h.magic, TRACE_CHUNK_MAGIC, sizeof(h.magic));
		if (h.stored > len - pos - sizeof(h))
			h.stored = len - pos - sizeof(h);
		if (mode & 4)
			h.seq = seq++;
		h.payload_crc = trace_crc(p + pos + sizeof(h), h.stored);
		h.crc = trace_crc(&h, offsetof(struct trace_chunk_header, crc));
		memcpy(p + pos, &h, sizeof(h));
		pos += sizeof(h) + h.stored;
	}
	return p;
}

#endif
