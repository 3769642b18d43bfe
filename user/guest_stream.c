// SPDX-License-Identifier: GPL-2.0
#include "guest_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NSEC_PER_SEC   1000000000ULL
#define ROOM_MIN       (128U << 10)
#define TOKENS_MAX     4096 /* documents in a row: half an hour's that a slow host or channel held up */
#define TOKENS_PER_SEC 8 /* it sends two a second, and lines for the user */
#define CLOCK_MAX      4096 /* bytes: these add up in the file's reader */
#define ANSWER_MAX     128 /* bytes: three numbers of 20 digits and their names */
#define OWN_MAX	       4096 /* bytes: a line of 511, each as \u0000 at worst */
#define HOPS_MAX       (1U << 20) /* bytes: some 200 hooks, each with why it was refused */
#define CHANGES_MAX    (16U << 20) /* bytes in all: more than an agent's bound on their number */

/* Room for the whole of what stands at pos */
static int room_make(struct guest_stream *s, size_t want)
{
	unsigned char *buf;

	if (s->buf && s->pos) {
		s->have -= s->pos;
		memmove(s->buf, s->buf + s->pos, s->have);
		s->pos = 0;
	}
	if (want <= s->room)
		return 0;
	buf = realloc(s->buf, want);
	if (!buf)
		return -ENOMEM;
	s->buf = buf;
	s->room = want;
	return 0;
}

/* Bytes of the chunk at pos as far as its header is there and can be believed */
static size_t chunk_len(const struct guest_stream *s)
{
	struct trace_chunk_header h;

	if (s->have - s->pos < sizeof(h))
		return 0;
	memcpy(&h, s->buf + s->pos, sizeof(h));
	return trace_chunk_valid(&h) ? sizeof(h) + h.stored : 0;
}

void *guest_stream_room(struct guest_stream *s, size_t *room)
{
	size_t want = s->buf ? chunk_len(s) : 0;

	if (room_make(s, want > ROOM_MIN ? want : ROOM_MIN))
		return NULL;
	*room = s->room - s->have;
	return s->buf + s->have;
}

void guest_stream_add(struct guest_stream *s, size_t n)
{
	s->have += n;
}

static int header_pass(struct guest_stream *s, const char **what)
{
	struct trace_header h;

	if (s->have - s->pos < sizeof(h))
		return 0;
	memcpy(&h, s->buf + s->pos, sizeof(h));
	if (memcmp(h.magic, TRACE_MAGIC, sizeof(h.magic)) ||
	    h.crc != trace_crc(&h, offsetof(struct trace_header, crc)) ||
	    h.endian != TRACE_ENDIAN || h.version != TRACE_VERSION ||
	    h.event_size != sizeof(struct pl_event)) {
		*what = "it sent a recording of another format";
		return -EBADMSG;
	}
	s->pos += sizeof(h);
	return 1;
}

int guest_stream_next(struct guest_stream *s, struct trace_chunk_header *h, const void **payload,
		      const char **what)
{
	size_t len;
	int ret;

	if (s->have > s->pos && s->buf[s->pos] == TRACE_MAGIC[0]) {
		ret = header_pass(s, what);
		if (ret <= 0)
			return ret;
	}
	if (s->have - s->pos < sizeof(*h))
		return 0;
	len = chunk_len(s);
	if (!len) {
		*what = "it sent what no agent sends";
		return -EBADMSG;
	}
	if (s->have - s->pos < len)
		return 0;
	memcpy(h, s->buf + s->pos, sizeof(*h));
	*payload = s->buf + s->pos + sizeof(*h);
	s->pos += len;
	if (h->payload_crc == trace_crc(*payload, h->stored))
		return 1;
	*what = "what it sent came damaged";
	return -EBADMSG;
}

/* One document more: so many at once, so many a second */
static bool token_take(struct guest_stream *s, __u64 now_ns)
{
	__u64 add;

	if (!s->since_ns) {
		s->since_ns = now_ns;
		s->tokens = TOKENS_MAX;
	}
	add = (now_ns - s->since_ns) * TOKENS_PER_SEC / NSEC_PER_SEC;
	if (add) {
		s->since_ns = now_ns;
		s->tokens = s->tokens + add > TOKENS_MAX ? TOKENS_MAX : s->tokens + add;
	}
	if (!s->tokens)
		return false;
	s->tokens--;
	return true;
}

static size_t doc_max(unsigned int kind)
{
	switch (kind) {
	case TRACE_CLOCK: return CLOCK_MAX;
	case TRACE_SYNC: return ANSWER_MAX;
	case TRACE_HOPS: return HOPS_MAX;
	case TRACE_GUEST: return OWN_MAX;
	default: return TRACE_DOC_MAX;
	}
}

int guest_stream_limit(struct guest_stream *s, const struct trace_chunk_header *h, __u64 now_ns,
		       const char **what)
{
	if (h->kind == TRACE_EVENTS)
		return 0;
	if (h->kind == TRACE_CHANGES)
		s->changes += h->stored;
	if (h->stored <= doc_max(h->kind) && s->changes <= CHANGES_MAX &&
	    (h->kind == TRACE_SYNC || token_take(s, now_ns)))
		return 0;
	*what = "it sent more, or larger, documents than an agent has";
	return -EBADMSG;
}

void guest_stream_free(struct guest_stream *s)
{
	free(s->buf);
	memset(s, 0, sizeof(*s));
}
