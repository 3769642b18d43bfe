/* SPDX-License-Identifier: GPL-2.0 */
/* For the fuzzers: checksums made right, else none of their inputs would get past them */
#ifndef PKTLAP_TEST_FUZZ_H
#define PKTLAP_TEST_FUZZ_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent_proto.h"
#include "trace_format.h"

/* What the first byte of an input asks for */
enum fuzz_mode {
	FUZZ_HEADER = 1, /* the file's header */
	FUZZ_CHUNKS = 2, /* the chunks' magic and checksums */
	FUZZ_NUMBERS = 4, /* their numbers */
	FUZZ_WORDS = 8, /* what else agents and recorders say: fuzz_words_repair() */
};

/* Checksums of a hello where it begins as one, else magic and checksums of messages */
static inline void fuzz_words_repair(uint8_t *p, size_t len)
{
	struct agent_hello hello;
	struct agent_msg m;
	size_t pos = 0;

	if (len >= sizeof(hello) && p[0] == AGENT_HELLO_MAGIC[0]) {
		memcpy(&hello, p, sizeof(hello));
		hello.crc = trace_crc(&hello, offsetof(struct agent_hello, crc));
		memcpy(p, &hello, sizeof(hello));
		return;
	}
	for (; len - pos >= sizeof(m); pos += sizeof(m) + m.len) {
		memcpy(&m, p + pos, sizeof(m));
		memcpy(m.magic, AGENT_MSG_MAGIC, sizeof(m.magic));
		if (m.len > len - pos - sizeof(m))
			m.len = len - pos - sizeof(m);
		m.crc = crc32(trace_crc(&m, offsetof(struct agent_msg, crc)), p + pos + sizeof(m), m.len);
		memcpy(p + pos, &m, sizeof(m));
	}
}

/* Returns a copy that is repaired as its first byte (enum fuzz_mode) says, n becomes its length */
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
	if ((mode & FUZZ_HEADER) && len >= sizeof(*th)) {
		memcpy(th->magic, TRACE_MAGIC, sizeof(th->magic));
		th->endian = TRACE_ENDIAN;
		th->version = 2 + th->version % 3;
		th->event_size = sizeof(struct pl_event);
		th->crc = trace_crc(th, offsetof(struct trace_header, crc));
	}
	while ((mode & FUZZ_CHUNKS) && len - pos >= sizeof(h) && pos < len) {
		memcpy(&h, p + pos, sizeof(h));
		if (h.stored > len - pos - sizeof(h))
			h.stored = len - pos - sizeof(h);
		if (mode & FUZZ_NUMBERS)
			h.seq = seq++;
		trace_chunk_seal(&h, p + pos + sizeof(h));
		memcpy(p + pos, &h, sizeof(h));
		pos += sizeof(h) + h.stored;
	}
	if (mode & FUZZ_WORDS)
		fuzz_words_repair(p, len);
	return p;
}

#endif
