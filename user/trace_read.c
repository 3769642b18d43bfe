// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "json_build.h"
#include "trace.h"
#include "trace_format.h"

#define SCAN_STEP_MIN 1024 /* the next chunk may be near; many gaps must not cost much */
#define SCAN_STEP_MAX 65536

struct trace_scratch {
	ZSTD_DCtx *zstd;
	size_t blocks_room, packets_room; /* of trace.blocks, trace.packets */
	unsigned char stored[TRACE_EVENTS_STORED_MAX];
};

/* State of the walk over the chunks */
struct walk {
	struct trace *t; /* the host's */
	__u64 pos;
	__u32 seq; /* of the next chunk, if none is missing */
	__u32 catalogue; /* from the file's header */
	__u16 version;
};

static int fail(char *err, size_t errlen, int ret, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int fail(char *err, size_t errlen, int ret, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, errlen, fmt, ap);
	va_end(ap);
	return ret;
}

/* 0, -EIO and the like; -EBADMSG: the file is shorter than that (now) */
static int read_at(int fd, void *buf, size_t len, __u64 pos)
{
	ssize_t n;

	while (len) {
		n = pread(fd, buf, len, pos);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (!n)
			return -EBADMSG;
		if (n > 0) {
			buf = (char *)buf + n;
			len -= n;
			pos += n;
		}
	}
	return 0;
}

/*
 * Find the next chunk header at or after pos. A chunk whose header is damaged is no longer than
 * the largest document, so the next one begins within that. 1 and *pos: found; 0: none.
 */
static int chunk_scan(const struct trace *t, __u64 *pos)
{
	const size_t hlen = sizeof(struct trace_chunk_header);
	__u64 from = *pos, end = from + hlen + TRACE_DOC_MAX + hlen;
	struct trace_chunk_header h;
	unsigned char buf[SCAN_STEP_MAX], *at;
	size_t len, rest, step = SCAN_STEP_MIN;
	int err;

	if (end > t->file_bytes)
		end = t->file_bytes;
	for (; from + hlen <= end; from += len - hlen + 1) {
		len = end - from < step ? end - from : step;
		step = SCAN_STEP_MAX;
		err = read_at(t->fd, buf, len, from);
		if (err)
			return err;
		for (at = buf; (rest = buf + len - at) >= hlen; at++) {
			at = memchr(at, (unsigned char)TRACE_CHUNK_MAGIC[0], rest - hlen + 1);
			if (!at)
				break;
			memcpy(&h, at, hlen);
			if (trace_chunk_valid(&h)) {
				*pos = from + (at - buf);
				return 1;
			}
		}
	}
	return 0;
}

/* A domain's part of the recording, so far empty */
static struct trace *domain_new(const char *path)
{
	struct trace *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->fd = -1;
	t->path = strdup(path);
	t->scratch = calloc(1, sizeof(*t->scratch));
	if (t->scratch)
		t->scratch->zstd = ZSTD_createDCtx();
	if (t->path && t->scratch && t->scratch->zstd)
		return t;
	trace_close(t);
	return NULL;
}

/* The domain that a chunk belongs to, and all before it; NULL: no memory */
static struct trace *domain_get(struct walk *w, const struct trace_chunk_header *h)
{
	struct trace *t = w->t, *guest;

	/* the field meant nothing yet */
	if (w->version < 3 || !h->domain)
		return t;
	if (!t->guest)
		t->guest = calloc(TRACE_DOMAINS_MAX, sizeof(*t->guest));
	while (t->guest && t->nguests < h->domain) {
		guest = domain_new(t->path);
		if (!guest)
			return NULL;
		guest->fd = t->fd;
		t->guest[t->nguests++] = guest;
	}
	return t->guest ? t->guest[h->domain - 1] : NULL;
}

static int block_add(const struct trace_chunk_header *h, __u64 pos, struct trace_block **blocks,
		     size_t *n, size_t *room)
{
	struct trace_block *b;

	if (*n == *room) {
		*room = *room ? 2 * *room : 256;
		b = reallocarray(*blocks, *room, sizeof(*b));
		if (!b)
			return -ENOMEM;
		*blocks = b;
	}
	(*blocks)[(*n)++] = (struct trace_block){
		.offset = pos,
		.ts_min = h->ts_min,
		.ts_max = h->ts_max,
		.cpu = h->cpu,
		.events = h->count,
		.stored = h->stored,
		.raw = h->raw,
		.crc = h->payload_crc,
	};
	return 0;
}

/* Part of a document that adds up: one element, or an array of them */
static int doc_append(struct trace *t, enum trace_chunk kind, json_t *doc)
{
	json_t *all = t->docs[kind] ?: json_array();
	int err;

	t->docs[kind] = all;
	if (json_array_size(all) > TRACE_ADDED_MAX) {
		t->damaged++;
		json_decref(doc);
		return 0;
	}
	if (!json_is_array(doc))
		return json_array_append_new(all, doc) ? -ENOMEM : 0;
	err = json_array_extend(all, doc) ? -ENOMEM : 0;
	json_decref(doc);
	return err;
}

static int doc_keep(struct trace *t, enum trace_chunk kind, json_t *doc)
{
	switch (kind) {
	case TRACE_CLOCK:
	case TRACE_SYNC:
	case TRACE_CHANGES:
		return doc_append(t, kind, doc);
	default:
		json_decref(t->docs[kind]);
		t->docs[kind] = doc;
		return 0;
	}
}

static int doc_add(struct trace *t, const struct trace_chunk_header *h, __u64 pos)
{
	json_t *doc = NULL;
	char *text;
	int err;

	if (h->kind >= TRACE_NR_CHUNKS)
		return 0;
	text = malloc(h->stored + 1);
	if (!text)
		return -ENOMEM;
	err = read_at(t->fd, text, h->stored, pos);
	if (!err && trace_crc(text, h->stored) == h->payload_crc)
		doc = json_loadb(text, h->stored, 0, NULL);
	free(text);
	if (err)
		return err;
	if (!doc) {
		t->damaged++;
		return 0;
	}
	return doc_keep(t, h->kind, doc);
}

static int chunk_add(struct trace *t, const struct trace_chunk_header *h, __u64 pos)
{
	struct trace_scratch *s = t->scratch;

	switch (h->kind) {
	case TRACE_EVENTS:
		t->nevents += h->count;
		return block_add(h, pos, &t->blocks, &t->nblocks, &s->blocks_room);
	case TRACE_PACKETS:
		return block_add(h, pos, &t->packets, &t->npackets, &s->packets_room);
	default:
		return doc_add(t, h, pos);
	}
}

/* Chunks are numbered, so that it shows when one is missing, or in a wrong place */
static void seq_check(struct walk *w, __u32 seq, bool gap)
{
	if (seq > w->seq)
		w->t->damaged += seq - w->seq;
	else if (seq < w->seq || gap)
		w->t->damaged++;
	w->seq = seq + 1;
}

/*
 * One chunk. 1: more may follow; 0: what follows is no whole chunk. Where no further chunk can
 * be found behind a damaged header, the file counts as truncated there: a crash can leave a tail
 * of zeros.
 */
static int walk_chunk(struct walk *w)
{
	struct trace *t = w->t, *domain;
	struct trace_chunk_header h;
	bool gap = false;
	int err;

	if (t->file_bytes - w->pos < sizeof(h))
		return 0;
	err = read_at(t->fd, &h, sizeof(h), w->pos);
	if (err)
		return err;
	if (!trace_chunk_valid(&h)) {
		gap = true;
		w->pos++;
		err = chunk_scan(t, &w->pos);
		if (err <= 0)
			return err;
		err = read_at(t->fd, &h, sizeof(h), w->pos);
		if (err)
			return err;
	}
	if (t->file_bytes - w->pos - sizeof(h) < h.stored)
		return 0;
	seq_check(w, h.seq, gap);
	domain = domain_get(w, &h);
	if (!domain)
		return -ENOMEM;
	w->pos += sizeof(h);
	err = chunk_add(domain, &h, w->pos);
	if (err)
		return err;
	w->pos += h.stored;
	t->good_bytes = w->pos;
	return 1;
}

static int walk_all(struct walk *w)
{
	struct trace *t = w->t, *g;
	size_t i;
	int ret;

	do {
		ret = w->pos < t->file_bytes ? walk_chunk(w) : 0;
	} while (ret > 0);
	t->truncated = t->good_bytes < t->file_bytes;
	t->ended = t->docs[TRACE_END];
	for (i = 0; i < t->nguests; i++) {
		g = t->guest[i];
		g->truncated = t->truncated;
		g->ended = g->docs[TRACE_END];
		g->good_bytes = t->good_bytes;
		g->file_bytes = t->file_bytes;
	}
	return ret;
}

/* A domain's numbers of hooks are those of the pktlap that recorded it */
static int hooks_map(struct trace *t)
{
	const json_t *ids = t->docs[TRACE_CATALOGUE];
	const char *id;
	size_t i;

	if (!json_is_array(ids))
		return -EBADMSG;
	for (i = 0; i < 256; i++) {
		id = json_string_value(json_array_get(ids, i));
		t->hooks[i] = id ? hook_by_id(id) : PL_HOOK_none;
	}
	return 0;
}

/* Likewise of hops, in packets that a recorder has stitched */
static void kept_hops_map(struct trace *t)
{
	const json_t *names = json_object_get(t->docs[TRACE_KEPT], "hops");

	for (size_t i = 0; i < 256 && i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));

		t->kept_hops[i] = name ? hop_by_name(name) : PL_HOP_none;
	}
}

/* A guest whose list is lost has events that mean nothing; that must not cost the others */
static int hooks_map_all(struct walk *w)
{
	struct trace *t = w->t, *g;
	size_t i;

	kept_hops_map(t);
	for (i = 0; i < t->nguests; i++) {
		g = t->guest[i];
		if (hooks_map(g) && g->nblocks)
			g->damaged++;
	}
	if (w->catalogue != trace_catalogue_crc())
		return hooks_map(t);
	for (i = 0; i < PL_NR_HOOKS; i++)
		t->hooks[i] = i;
	return 0;
}

static int file_open(struct trace *t, char *err, size_t errlen)
{
	const char *hint = "";
	struct stat st;
	int e;

	/* O_NONBLOCK: a FIFO without a writer must not stop us */
	t->fd = open(t->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (t->fd < 0 || fstat(t->fd, &st)) {
		e = errno;
		if (e == ENOENT)
			hint = "; `pktlap record` makes a recording";
		else if (e == EACCES)
			hint = "; recordings are for their owner only: use sudo, or chown it";
		return fail(err, errlen, -e, "cannot open %s: %s%s", t->path, strerror(e), hint);
	}
	if (S_ISDIR(st.st_mode))
		return fail(err, errlen, -EISDIR, "%s is a directory, not a pktlap recording",
			    t->path);
	if (!S_ISREG(st.st_mode))
		return fail(err, errlen, -EMEDIUMTYPE,
			    "%s is no regular file: save the recording in one first", t->path);
	t->file_bytes = st.st_size;
	return 0;
}

static int header_check(struct walk *w, char *err, size_t errlen)
{
	struct trace *t = w->t;
	struct trace_header h = { 0 };
	size_t have = t->file_bytes < sizeof(h) ? t->file_bytes : sizeof(h);
	int ret = read_at(t->fd, &h, have, 0);

	if (ret)
		return fail(err, errlen, ret, "cannot read %s: %s", t->path, strerror(-ret));
	if (!have)
		return fail(err, errlen, -ENODATA, "%s is empty: record again", t->path);
	if (memcmp(h.magic, TRACE_MAGIC, have < sizeof(h.magic) ? have : sizeof(h.magic)))
		return fail(err, errlen, -EMEDIUMTYPE, "%s is not a pktlap recording", t->path);
	if (have < sizeof(h))
		return fail(err, errlen, -ENODATA,
			    "%s was cut off in its header: nothing to read, record again", t->path);
	if (h.crc != trace_crc(&h, offsetof(struct trace_header, crc)))
		return fail(err, errlen, -EBADMSG, "%s: header is damaged: record again", t->path);
	if (h.version > TRACE_VERSION)
		return fail(err, errlen, -EPROTONOSUPPORT,
			    "%s is of format %u, this pktlap reads up to %u: use a newer pktlap",
			    t->path, h.version, TRACE_VERSION);
	if (h.endian != TRACE_ENDIAN || h.event_size != sizeof(struct pl_event) ||
	    h.version < TRACE_VERSION_OLDEST)
		return fail(err, errlen, -EPROTONOSUPPORT,
			    "%s has a layout that this pktlap does not know", t->path);
	w->catalogue = h.catalogue;
	w->version = h.version;
	w->pos = t->good_bytes = sizeof(h);
	return 0;
}

static int trace_load(struct trace *t, char *err, size_t errlen)
{
	struct walk w = { .t = t };
	int ret = file_open(t, err, errlen);

	if (!ret)
		ret = header_check(&w, err, errlen);
	if (ret)
		return ret;
	ret = walk_all(&w);
	if (ret)
		return fail(err, errlen, ret, "cannot read %s: %s", t->path,
			    ret == -EBADMSG ? "it became shorter" : strerror(-ret));
	if (t->good_bytes == sizeof(struct trace_header))
		return fail(err, errlen, -ENODATA,
			    "%s was cut off before its first whole chunk: record again",
			    t->path);
	if (hooks_map_all(&w))
		return fail(err, errlen, -EBADMSG,
			    "%s: list of hooks is damaged: use the pktlap that recorded it",
			    t->path);
	return 0;
}

int trace_open(const char *path, struct trace **out, char *err, size_t errlen)
{
	struct trace *t = domain_new(path);
	int ret;

	if (!t)
		return fail(err, errlen, -ENOMEM, "cannot open %s: %s", path, strerror(ENOMEM));
	ret = trace_load(t, err, errlen);
	if (ret) {
		trace_close(t);
		return ret;
	}
	*out = t;
	return 0;
}

__u64 trace_lost(const struct trace *t)
{
	json_t *hooks = json_object_get(t->docs[TRACE_COUNTS], "hooks"), *hook;
	__u64 lost = 0;
	const char *id;

	json_object_foreach(hooks, id, hook)
		lost += json_count(hook, "lost");
	return lost;
}

void trace_close(struct trace *t)
{
	size_t i;

	if (!t)
		return;
	for (i = 0; i < t->nguests; i++) {
		t->guest[i]->fd = -1; /* the host's */
		trace_close(t->guest[i]);
	}
	free(t->guest);
	for (i = 0; i < TRACE_NR_CHUNKS; i++)
		json_decref(t->docs[i]);
	if (t->scratch)
		ZSTD_freeDCtx(t->scratch->zstd);
	if (t->fd >= 0)
		close(t->fd);
	free(t->scratch);
	free(t->blocks);
	free(t->packets);
	free(t->path);
	free(t);
}

/* Undo what the writer did to ts, give hooks our numbers. ts must be what the index promised */
static int events_restore(const struct trace *t, const struct trace_block *b, struct pl_event *ev)
{
	__u64 ts = 0;
	__u32 i;

	for (i = 0; i < b->events; i++) {
		ts += ev[i].ts;
		if (ts < b->ts_min || ts > b->ts_max)
			return -EBADMSG;
		ev[i].ts = ts;
		ev[i].hook = t->hooks[ev[i].hook];
	}
	return b->events;
}

__u64 trace_slower_than(const struct trace *t)
{
	json_int_t ns = json_integer_value(json_object_get(t->docs[TRACE_KEPT], "slower_than_ns"));

	return ns > 0 ? ns : 0;
}

int trace_read_packed(const struct trace *t, const struct trace_block *b, void *raw, size_t room)
{
	struct trace_scratch *s = t->scratch;
	int err;

	if (b->raw > room)
		return -EBADMSG;
	err = read_at(t->fd, s->stored, b->stored, b->offset);
	if (err)
		return err;
	if (trace_crc(s->stored, b->stored) != b->crc)
		return -EBADMSG;
	if (ZSTD_decompressDCtx(s->zstd, raw, b->raw, s->stored, b->stored) != b->raw)
		return -EBADMSG;
	return b->raw;
}

int trace_read_block(const struct trace *t, size_t i, struct pl_event *ev)
{
	int len;

	if (i >= t->nblocks)
		return -EINVAL;
	len = trace_read_packed(t, &t->blocks[i], ev, TRACE_BLOCK_EVENTS * sizeof(*ev));
	return len < 0 ? len : events_restore(t, &t->blocks[i], ev);
}
