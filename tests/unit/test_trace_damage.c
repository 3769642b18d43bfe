// SPDX-License-Identifier: GPL-2.0
/* Trace files that are cut, damaged, hostile, or of another pktlap; disks that are full */
#include "trace_files.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <zstd.h>

#include "trace_format.h"
#include "trace_hide.h"

#define MAX_EVENTS 200
#define MAX_CHUNKS 40

/* A small recording, and where its chunks end */
struct sample {
	struct bytes file;
	struct pl_event ev[MAX_EVENTS]; /* in the order of the file */
	size_t nev;
	struct {
		size_t bytes, nev; /* behind this chunk */
		int kind;
	} end[MAX_CHUNKS];
	size_t nchunks;
	struct pl_event got[MAX_EVENTS + TRACE_BLOCK_EVENTS];
	size_t ngot, bad_blocks;
};

static void chunk_note(struct sample *s, const struct trace_writer *w, int kind)
{
	s->end[s->nchunks].bytes = trace_bytes_written(w);
	s->end[s->nchunks].nev = s->nev;
	s->end[s->nchunks++].kind = kind;
}

static void sample_block(struct sample *s, struct trace_writer *w, unsigned int cpu, size_t n)
{
	__u64 r = 4711 + s->nev;
	struct trace_hide h;
	struct pl_event ev;

	trace_hide_init(&h, hide_key);
	while (n--) {
		event_random(&ev, &r);
		ev.ts = 1000000 + s->nev * 100 - random_next(&r) % 300;
		assert_int_equal(trace_write_event(w, cpu, &ev), 0);
		pl_event_hide(&h, &ev);
		s->ev[s->nev++] = ev;
	}
	assert_int_equal(trace_flush(w, 0, 0), 0);
	chunk_note(s, w, TRACE_EVENTS);
}

static void sample_doc(struct sample *s, struct trace_writer *w, enum trace_chunk kind)
{
	doc_put(w, kind, json_pack("{s:i}", "kind", kind));
	chunk_note(s, w, kind);
}

static struct sample *sample_make(void)
{
	struct sample *s = calloc(1, sizeof(*s));
	struct trace_writer *w;
	char path[128];

	assert_non_null(s);
	assert_int_equal(trace_create(file_path(path, "a"), hide_key, &w), 0);
	chunk_note(s, w, TRACE_CATALOGUE);
	sample_doc(s, w, TRACE_META);
	sample_block(s, w, 0, 1);
	sample_block(s, w, 1, 7);
	sample_block(s, w, 0, 3);
	sample_doc(s, w, TRACE_CLOCK);
	sample_block(s, w, 2, 9);
	sample_block(s, w, 0, 5);
	sample_block(s, w, 1, 4);
	sample_doc(s, w, TRACE_CLOCK);
	sample_doc(s, w, TRACE_END);
	assert_int_equal(trace_finish(w), 0);
	s->file = file_get(path);
	assert_int_equal(s->file.n, s->end[s->nchunks - 1].bytes);
	return s;
}

static void sample_free(struct sample *s)
{
	free(s->file.p);
	free(s);
}

/* All events that can be read, block by block */
static void sample_read(struct sample *s, const struct trace *t)
{
	size_t i;
	int n;

	s->ngot = s->bad_blocks = 0;
	for (i = 0; i < t->nblocks; i++) {
		assert_true(s->ngot <= MAX_EVENTS);
		n = trace_read_block(t, i, &s->got[s->ngot]);
		assert_true(n > 0 || n == -EBADMSG);
		s->bad_blocks += n < 0;
		s->ngot += n > 0 ? n : 0;
	}
}

/* In memory, as it is done for thousands of files */
static int sample_open(const struct bytes *b, struct trace **t)
{
	char path[64], err[256] = "";
	int ret, fd = memfd_create("sample", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, b->p, b->n), b->n);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ret = trace_open(path, t, err, sizeof(err));
	close(fd);
	if (ret && (!*err || strchr(err, '\n')))
		fail_msg("error %d with message \"%s\"", ret, err);
	return ret;
}

/* Cut at every byte: exactly what the whole chunks hold is there, and the cut is told */
static void truncation_at_every_byte(void **state)
{
	struct sample *s = sample_make();
	char path[128], err[256];
	size_t len, c = s->nchunks, opened = 0, docs;
	struct trace *t;
	int ret;

	(void)state;
	file_put(file_path(path, "b"), s->file.p, s->file.n);
	for (len = s->file.n;; len--) {
		assert_int_equal(truncate(path, len), 0);
		ret = trace_open(path, &t, err, sizeof(err));
		while (c && s->end[c - 1].bytes > len)
			c--;
		if (!c) {
			assert_int_equal(ret, -ENODATA);
			if (!len)
				break;
			continue;
		}
		assert_int_equal(ret, 0);
		opened++;
		assert_int_equal(t->good_bytes, s->end[c - 1].bytes);
		assert_int_equal(t->truncated, len != s->end[c - 1].bytes);
		assert_int_equal(t->damaged, 0);
		assert_int_equal(t->ended, len == s->file.n);
		assert_int_equal(t->nevents, s->end[c - 1].nev);
		docs = json_array_size(t->docs[TRACE_CLOCK]);
		assert_int_equal(docs, (c > 5) + (c > 9));
		sample_read(s, t);
		assert_int_equal(s->bad_blocks, 0);
		assert_int_equal(s->ngot, s->end[c - 1].nev);
		assert_memory_equal(s->got, s->ev, s->ngot * sizeof(*s->ev));
		trace_close(t);
	}
	assert_int_equal(opened, s->file.n - s->end[0].bytes + 1);
	sample_free(s);
}

/* What was read is what was written, but for events that are missing. Returns how many */
static size_t missing_events(const struct sample *s)
{
	size_t i, at = 0;

	for (i = 0; i < s->ngot; i++) {
		while (at < s->nev && memcmp(&s->got[i], &s->ev[at], sizeof(*s->ev)))
			at++;
		if (at++ == s->nev)
			fail_msg("event %zu was never written", i);
	}
	return s->nev - s->ngot;
}

/* Any changed byte is noticed, and no event is wrong: at most one chunk's are missing */
static void every_byte_changed(void **state)
{
	static const unsigned char flips[] = { 0x01, 0x80, 0xff };
	struct sample *s = sample_make();
	size_t i, f, salvaged = 0;
	struct trace *t;
	int ret;

	(void)state;
	for (i = 0; i < s->file.n; i++)
		for (f = 0; f < sizeof(flips); f++) {
			s->file.p[i] ^= flips[f];
			ret = sample_open(&s->file, &t);
			s->file.p[i] ^= flips[f];
			if (ret) {
				assert_true(i < sizeof(struct trace_header));
				assert_true(ret == -EBADMSG || ret == -EMEDIUMTYPE);
				continue;
			}
			sample_read(s, t);
			if (!t->damaged && !t->truncated && !s->bad_blocks)
				fail_msg("byte %zu changed by %#x, not noticed", i, flips[f]);
			assert_true(missing_events(s) <= 9);
			salvaged += t->damaged || s->bad_blocks;
			trace_close(t);
		}
	assert_true(salvaged > s->file.n);
	sample_free(s);
}

/* Replace bytes [from, to) of the sample by n bytes of fill */
static struct bytes spliced(const struct sample *s, size_t from, size_t to, size_t n, int fill)
{
	struct bytes b = { malloc(s->file.n + n), from + n + s->file.n - to };

	assert_non_null(b.p);
	memcpy(b.p, s->file.p, from);
	memset(b.p + from, fill, n);
	memcpy(b.p + from + n, s->file.p + to, s->file.n - to);
	return b;
}

static void check_splice(struct sample *s, size_t from, size_t to, size_t n, int fill,
			 size_t missing, size_t damaged, size_t bad_blocks)
{
	struct bytes b = spliced(s, from, to, n, fill);
	struct trace *t;

	assert_int_equal(sample_open(&b, &t), 0);
	sample_read(s, t);
	assert_int_equal(missing_events(s), missing);
	assert_int_equal(t->damaged, damaged);
	assert_int_equal(s->bad_blocks, bad_blocks);
	assert_false(t->truncated);
	assert_true(t->ended);
	trace_close(t);
	free(b.p);
}

static void chunks_missing_in_the_middle(void **state)
{
	struct sample *s = sample_make();
	/* chunks 2, 3, 4 are blocks of 1, 7 and 3 events, 5 is a document */
	size_t from = s->end[1].bytes, to = s->end[4].bytes;

	(void)state;
	check_splice(s, 0, 0, 0, 0, 0, 0, 0);
	check_splice(s, from, to, 0, 0, 11, 3, 0); /* cut out without a trace */
	check_splice(s, from, to, to - from, 0, 11, 3, 0); /* zeros */
	check_splice(s, from, to, 5, 0xf5, 11, 3, 0); /* shorter, begins like a magic */
	check_splice(s, from, to, 200000, 'x', 11, 3, 0); /* longer */
	check_splice(s, from, from, 70000, 0xf5, 0, 1, 0); /* put in between */
	check_splice(s, from + 5, from + 6, 0, 0, 1, 1, 0); /* a byte lost in a header */
	/* ... in a payload: the next header is not where it should be, its chunk is lost too */
	check_splice(s, from + 60, from + 61, 0, 0, 8, 1, 1);
	sample_free(s);
}

static void chunk_twice(void **state)
{
	struct sample *s = sample_make();
	size_t from = s->end[2].bytes, to = s->end[3].bytes, len = to - from;
	struct bytes b = spliced(s, to, to, len, 0);
	struct trace *t;

	(void)state;
	memcpy(b.p + to, b.p + from, len);
	assert_int_equal(sample_open(&b, &t), 0);
	assert_true(t->damaged > 0);
	trace_close(t);
	free(b.p);
	sample_free(s);
}

/* After a crash the file's size may be there, its last data not */
static void tail_of_zeros(void **state)
{
	struct sample *s = sample_make();
	struct bytes b = spliced(s, s->end[6].bytes, s->file.n, 300000, 0);
	struct trace *t;

	(void)state;
	assert_int_equal(sample_open(&b, &t), 0);
	sample_read(s, t);
	assert_true(t->truncated);
	assert_false(t->ended);
	assert_int_equal(t->good_bytes, s->end[6].bytes);
	assert_int_equal(s->ngot, s->end[6].nev);
	assert_int_equal(missing_events(s), s->nev - s->ngot);
	trace_close(t);
	free(b.p);
	sample_free(s);
}

/* --- files that someone made with right checksums -------------------------------------------- */

struct forged {
	struct trace_chunk_header h;
	unsigned char payload[TRACE_EVENTS_STORED_MAX + 4096];
};

/* The sample's first two chunks, then one chunk as given */
static int forged_open(const struct sample *s, struct forged *f, size_t payload, struct trace **t)
{
	size_t len = sizeof(f->h) + payload;
	struct bytes b = spliced(s, s->end[1].bytes, s->file.n, len, 0);
	int ret;

	memcpy(f->h.magic, TRACE_CHUNK_MAGIC, 4);
	f->h.seq = 2;
	f->h.payload_crc = trace_crc(f->payload, payload);
	f->h.crc = trace_crc(&f->h, offsetof(struct trace_chunk_header, crc));
	memcpy(b.p + s->end[1].bytes, f, len);
	ret = sample_open(&b, t);
	free(b.p);
	return ret;
}

static void events_forge(struct forged *f, size_t n, const struct pl_event *ev)
{
	memset(f, 0, sizeof(*f));
	f->h.kind = TRACE_EVENTS;
	f->h.count = n;
	f->h.raw = n * sizeof(*ev);
	f->h.stored = ZSTD_compress(f->payload, sizeof(f->payload), ev, n * sizeof(*ev), 1);
	f->h.ts_max = 1000;
	assert_false(ZSTD_isError(f->h.stored));
}

/* Headers that promise what cannot be: the chunk is not taken, nothing is allocated for it */
static void forged_headers(void **state)
{
	static const struct {
		__u32 raw, stored;
		__u16 kind, count, cpu;
		__u64 ts_min;
	} cases[] = {
		{ 64, 0xffffffff, TRACE_EVENTS, 1, 0, 0 },
		{ 64, 0, TRACE_EVENTS, 1, 0, 0 },
		{ 0xffffffc0, 60, TRACE_EVENTS, 0xffff, 0, 0 },
		{ 64 * (TRACE_BLOCK_EVENTS + 1), 60, TRACE_EVENTS, TRACE_BLOCK_EVENTS + 1, 0, 0 },
		{ 0, 60, TRACE_EVENTS, 0, 0, 0 },
		{ 128, 60, TRACE_EVENTS, 1, 0, 0 },
		{ 64, 60, TRACE_EVENTS, 1, TRACE_CPUS_MAX, 0 },
		{ 64, 60, TRACE_EVENTS, 1, 0, 1001 },
		{ 0xffffffff, 0xffffffff, TRACE_TASKS, 0, 0, 0 },
		{ TRACE_DOC_MAX + 1, TRACE_DOC_MAX + 1, TRACE_TASKS, 0, 0, 0 },
		{ 60, 60, 0, 0, 0, 0 },
	};
	struct sample *s = sample_make();
	struct pl_event ev = { .ts = 5 };
	struct forged *f = malloc(sizeof(*f));
	struct trace *t;
	size_t i;

	(void)state;
	assert_non_null(f);
	events_forge(f, 1, &ev);
	assert_int_equal(forged_open(s, f, f->h.stored, &t), 0);
	assert_int_equal(t->nevents, 1); /* what follows fails for the change alone */
	assert_false(t->truncated);
	trace_close(t);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		events_forge(f, 1, &ev);
		f->h.raw = cases[i].raw;
		f->h.stored = cases[i].stored;
		f->h.kind = cases[i].kind;
		f->h.count = cases[i].count;
		f->h.cpu = cases[i].cpu;
		f->h.ts_min = cases[i].ts_min;
		assert_int_equal(forged_open(s, f, 60, &t), 0);
		assert_int_equal(t->nblocks, 0);
		assert_true(t->truncated);
		assert_null(t->docs[TRACE_TASKS]);
		trace_close(t);
	}
	free(f);
	sample_free(s);
}

static void check_forged_block(const struct sample *s, struct forged *f, int want)
{
	struct pl_event ev[TRACE_BLOCK_EVENTS];
	struct trace *t;

	assert_int_equal(forged_open(s, f, f->h.stored, &t), 0);
	assert_int_equal(t->nblocks, 1);
	assert_int_equal(trace_read_block(t, 0, ev), want);
	trace_close(t);
}

/* Payloads that are not what their header says */
static void forged_payloads(void **state)
{
	struct sample *s = sample_make();
	struct pl_event *ev = calloc(TRACE_BLOCK_EVENTS, sizeof(*ev));
	struct forged *f = malloc(sizeof(*f));
	__u32 stored;

	(void)state;
	assert_true(ev && f);
	ev[0].ts = 900;
	events_forge(f, 5, ev);
	check_forged_block(s, f, 5);
	f->h.count = 4; /* more comes out than there is room for */
	f->h.raw = 4 * sizeof(*ev);
	check_forged_block(s, f, -EBADMSG);
	f->h.count = TRACE_BLOCK_EVENTS; /* less than promised */
	f->h.raw = TRACE_BLOCK_EVENTS * sizeof(*ev);
	check_forged_block(s, f, -EBADMSG);
	events_forge(f, 5, ev);
	f->h.stored -= 1;
	check_forged_block(s, f, -EBADMSG);
	events_forge(f, 5, ev);
	memset(f->payload, 'x', f->h.stored);
	check_forged_block(s, f, -EBADMSG);
	/* times outside what the index promises would break the merge */
	ev[3].ts = 101;
	events_forge(f, 5, ev);
	check_forged_block(s, f, -EBADMSG);
	ev[3].ts = -901ULL;
	events_forge(f, 5, ev);
	check_forged_block(s, f, -EBADMSG);
	/* a bomb: 16 MiB of zeros */
	free(ev);
	ev = calloc(1, 16 << 20);
	events_forge(f, 1, ev);
	stored = ZSTD_compress(f->payload, sizeof(f->payload), ev, 16 << 20, 1);
	assert_false(ZSTD_isError(stored));
	f->h.stored = stored;
	check_forged_block(s, f, -EBADMSG);
	free(ev);
	free(f);
	sample_free(s);
}

static void forged_document(const struct sample *s, struct forged *f, const char *text, bool good)
{
	struct trace *t;

	memset(f, 0, sizeof(*f));
	f->h.kind = TRACE_META;
	f->h.raw = f->h.stored = strlen(text);
	memcpy(f->payload, text, f->h.stored);
	assert_int_equal(forged_open(s, f, f->h.stored, &t), 0);
	assert_int_equal(t->damaged, !good);
	assert_non_null(t->docs[TRACE_META]);
	trace_close(t);
}

static void forged_documents(void **state)
{
	static char deep[60000];
	struct sample *s = sample_make();
	struct forged *f = malloc(sizeof(*f));

	(void)state;
	assert_non_null(f);
	forged_document(s, f, "{\"a\": 1}", true);
	forged_document(s, f, "[]", true);
	forged_document(s, f, "", false);
	forged_document(s, f, "{\"a\": 1", false);
	forged_document(s, f, "{} {}", false);
	forged_document(s, f, "\"text\"", false);
	forged_document(s, f, "[\"\xff\xfe\"]", false);
	memset(deep, '[', sizeof(deep) - 1);
	forged_document(s, f, deep, false);
	free(f);
	sample_free(s);
}

/* Numbers of domains that are too high, have gaps, or are of a version that had none */
static void forged_domains(void **state)
{
	struct sample *s = sample_make();
	struct forged *f = malloc(sizeof(*f));
	struct pl_event ev[TRACE_BLOCK_EVENTS] = { { .hook = 1, .ts = 5 } };
	struct trace_header *h = (struct trace_header *)s->file.p;
	struct trace *t;

	(void)state;
	assert_non_null(f);
	/* one more than there may be: no chunk, and no memory for it */
	events_forge(f, 1, ev);
	f->h.domain = TRACE_DOMAINS_MAX;
	assert_int_equal(forged_open(s, f, f->h.stored, &t), 0);
	assert_int_equal(t->nguests, 0);
	assert_true(t->truncated);
	trace_close(t);
	/* the last one without the others, and without a list of its hooks */
	f->h.domain = TRACE_DOMAINS_MAX - 1;
	assert_int_equal(forged_open(s, f, f->h.stored, &t), 0);
	assert_int_equal(t->nguests, TRACE_DOMAINS_MAX - 1);
	assert_int_equal(t->nblocks, 0);
	assert_int_equal(t->damaged, 0);
	assert_int_equal(t->guest[0]->damaged, 0);
	assert_int_equal(t->guest[TRACE_DOMAINS_MAX - 2]->damaged, 1);
	assert_int_equal(trace_read_block(t->guest[TRACE_DOMAINS_MAX - 2], 0, ev), 1);
	assert_int_equal(ev[0].hook, PL_HOOK_none);
	trace_close(t);
	/* version 2 had no domains, whatever stood there */
	h->version = 2;
	h->crc = trace_crc(h, offsetof(struct trace_header, crc));
	assert_int_equal(forged_open(s, f, f->h.stored, &t), 0);
	assert_int_equal(t->nguests, 0);
	assert_int_equal(t->nblocks, 1);
	trace_close(t);
	h->version = 1;
	h->crc = trace_crc(h, offsetof(struct trace_header, crc));
	assert_int_equal(forged_open(s, f, f->h.stored, &t), -EPROTONOSUPPORT);
	free(f);
	sample_free(s);
}

/* What adds up does so to a bound */
static void endless_syncs(void **state)
{
	static const char part[] = "true,";
	const size_t n = TRACE_DOC_MAX / (sizeof(part) - 1) - 1, len = n * (sizeof(part) - 1) + 6;
	struct sample *s = sample_make();
	struct trace_chunk_header h = { .kind = TRACE_SYNC, .domain = 1, .raw = len, .stored = len };
	size_t i, at, rounds = TRACE_ADDED_MAX / n + 3;
	struct bytes b = spliced(s, s->end[1].bytes, s->file.n, rounds * (sizeof(h) + len), 0);
	struct trace *t;
	char *text = malloc(len + 1);

	(void)state;
	assert_non_null(text);
	text[0] = '[';
	for (i = 0; i < n; i++)
		memcpy(text + 1 + i * (sizeof(part) - 1), part, sizeof(part) - 1);
	memcpy(text + len - 5, "true]", 5);
	memcpy(h.magic, TRACE_CHUNK_MAGIC, 4);
	h.payload_crc = trace_crc(text, len);
	for (i = 0; i < rounds; i++) {
		h.seq = 2 + i;
		h.crc = trace_crc(&h, offsetof(struct trace_chunk_header, crc));
		at = s->end[1].bytes + i * (sizeof(h) + len);
		memcpy(b.p + at, &h, sizeof(h));
		memcpy(b.p + at + sizeof(h), text, len);
	}
	assert_int_equal(sample_open(&b, &t), 0);
	assert_int_equal(t->nguests, 1);
	assert_int_equal(t->guest[0]->damaged, 2);
	assert_true(json_array_size(t->guest[0]->docs[TRACE_SYNC]) <= TRACE_ADDED_MAX + n + 1);
	trace_close(t);
	free(text);
	free(b.p);
	sample_free(s);
}

/* Whatever byte of another writer's chunk is changed: it is not taken, and nothing is written */
static void raw_chunk_damaged(void **state)
{
	struct sample *s = sample_make();
	unsigned char *chunk = s->file.p + s->end[5].bytes; /* a block of 9 events */
	struct trace_chunk_header h;
	size_t i, len = s->end[6].bytes - s->end[5].bytes;
	struct trace_writer *w;
	char path[128];
	__u64 before;

	(void)state;
	assert_int_equal(trace_create(file_path(path, "b"), hide_key, &w), 0);
	before = trace_bytes_written(w);
	for (i = 0; i < len; i++) {
		chunk[i] ^= 0x10;
		memcpy(&h, chunk, sizeof(h));
		assert_int_equal(trace_write_raw(w, 1, &h, chunk + sizeof(h)), -EBADMSG);
		chunk[i] ^= 0x10;
	}
	memcpy(&h, chunk, sizeof(h));
	assert_int_equal(trace_write_raw(w, 0, &h, chunk + sizeof(h)), -EINVAL);
	assert_int_equal(trace_write_raw(w, TRACE_DOMAINS_MAX, &h, chunk + sizeof(h)), -EINVAL);
	assert_int_equal(trace_bytes_written(w), before);
	assert_int_equal(trace_write_raw(w, 1, &h, chunk + sizeof(h)), 0);
	assert_int_equal(trace_bytes_written(w), before + len);
	assert_int_equal(trace_finish(w), 0);
	sample_free(s);
}

/* With right checksums: kinds that are not a guest's to write, payloads larger than events are */
static void raw_chunk_forged(void **state)
{
	static const __u16 kinds[] = { 0, TRACE_SYNC, TRACE_GUEST, TRACE_PACKETS, TRACE_KEPT, TRACE_NR_CHUNKS, 999 };
	struct forged *f = malloc(sizeof(*f));
	struct pl_event ev = { .ts = 5 };
	struct trace_writer *w;
	char path[128];
	__u64 before;
	size_t i;

	(void)state;
	assert_non_null(f);
	assert_int_equal(trace_create(file_path(path, "b"), hide_key, &w), 0);
	before = trace_bytes_written(w);
	for (i = 0; i <= sizeof(kinds) / sizeof(*kinds); i++) {
		events_forge(f, 1, &ev);
		if (i < sizeof(kinds) / sizeof(*kinds))
			f->h.kind = kinds[i];
		else
			f->h.stored = f->h.raw + TRACE_EVENTS_SLACK + 1;
		memcpy(f->h.magic, TRACE_CHUNK_MAGIC, 4);
		f->h.payload_crc = trace_crc(f->payload, f->h.stored);
		f->h.crc = trace_crc(&f->h, offsetof(struct trace_chunk_header, crc));
		assert_int_equal(trace_write_raw(w, 1, &f->h, f->payload), -EBADMSG);
	}
	assert_int_equal(trace_bytes_written(w), before);
	assert_int_equal(trace_finish(w), 0);
	free(f);
}

/* A kind of chunk that a later pktlap invents is passed over */
static void unknown_kind(void **state)
{
	struct sample *s = sample_make();
	struct forged *f = calloc(1, sizeof(*f));
	struct trace *t;

	(void)state;
	assert_non_null(f);
	f->h.kind = 999;
	f->h.raw = 12345678;
	f->h.stored = 100;
	assert_int_equal(forged_open(s, f, 100, &t), 0);
	assert_false(t->truncated);
	assert_int_equal(t->damaged, 0);
	trace_close(t);
	free(f);
	sample_free(s);
}

/* --- recordings of a pktlap with other hooks ------------------------------------------------- */

/* The sample as if the recorder had numbered its hooks in the way of ids; NULL: no list */
static int renumbered_open(const struct sample *s, const json_t *ids, struct trace **t)
{
	struct trace_header *h = (struct trace_header *)s->file.p;
	char *text = ids ? json_dumps(ids, JSON_COMPACT) : strdup("null");
	size_t len = strlen(text);
	struct trace_chunk_header c = { .kind = TRACE_CATALOGUE, .raw = len, .stored = len };
	struct bytes b = spliced(s, sizeof(*h), s->end[0].bytes, sizeof(c) + len, 0);
	int ret;

	memcpy(c.magic, TRACE_CHUNK_MAGIC, 4);
	c.payload_crc = trace_crc(text, len);
	c.crc = trace_crc(&c, offsetof(struct trace_chunk_header, crc));
	memcpy(b.p + sizeof(*h), &c, sizeof(c));
	memcpy(b.p + sizeof(*h) + sizeof(c), text, len);
	free(text);
	h = (struct trace_header *)b.p;
	h->catalogue ^= 1;
	h->crc = trace_crc(h, offsetof(struct trace_header, crc));
	ret = sample_open(&b, t);
	free(b.p);
	return ret;
}

static void other_catalogue(void **state)
{
	struct sample *s = sample_make();
	json_t *ids = json_array();
	unsigned int want, known = 0;
	struct trace *t;
	size_t i;

	(void)state;
	/* the other way round, and every third hook is not known here */
	for (i = 0; i < PL_NR_HOOKS; i++)
		json_array_append_new(ids, i % 3 ? json_string(hook_desc(PL_NR_HOOKS - i)->id) : json_string("of_another_time"));
	assert_int_equal(renumbered_open(s, ids, &t), 0);
	sample_read(s, t);
	assert_int_equal(s->ngot, s->nev);
	for (i = 0; i < s->nev; i++) {
		want = s->ev[i].hook % 3 ? PL_NR_HOOKS - s->ev[i].hook : PL_HOOK_none;
		assert_int_equal(s->got[i].hook, want);
		known += want != PL_HOOK_none;
	}
	assert_true(known > 5 && known < s->nev);
	trace_close(t);
	/* without the list the numbers mean nothing */
	assert_int_equal(renumbered_open(s, NULL, &t), -EBADMSG);
	json_decref(ids);
	ids = json_pack("{}");
	assert_int_equal(renumbered_open(s, ids, &t), -EBADMSG);
	json_decref(ids);
	sample_free(s);
}

/* --- no room ---------------------------------------------------------------------------------- */

/*
 * Write until it fails; the file then ends on a whole chunk, everything before can be read, and
 * the error stays.
 */
static void write_until(const char *path, int want)
{
	__u64 r = 99, written, i;
	struct trace_writer *w;
	struct pl_event ev;
	struct trace *t;
	char err[256];
	struct stat st;
	json_t *doc = json_object();
	int ret = 0;

	assert_int_equal(trace_create(path, hide_key, &w), 0);
	for (i = 0; !ret && i < 200000; i++) {
		event_random(&ev, &r);
		ev.ts = i * 100;
		ret = trace_write_event(w, i % 3, &ev);
	}
	assert_int_equal(ret, want);
	assert_int_equal(trace_write_event(w, 0, &ev), want);
	assert_int_equal(trace_write_doc(w, TRACE_END, doc), want);
	assert_int_equal(trace_flush(w, 0, 0), want);
	written = trace_events_written(w);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, trace_bytes_written(w));
	assert_int_equal(trace_finish(w), want);
	json_decref(doc);
	assert_true(written >= TRACE_BLOCK_EVENTS);
	assert_int_equal(trace_open(path, &t, err, sizeof(err)), 0);
	assert_false(t->truncated);
	assert_false(t->ended);
	assert_int_equal(t->damaged, 0);
	assert_int_equal(t->nevents, written);
	trace_close(t);
}

static void file_size_limit(void **state)
{
	struct rlimit was, small;
	char path[128];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = was;
	small.rlim_cur = 300001;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	write_until(file_path(path, "a"), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
}

static void full_disk(void **state)
{
	char dir[128], path[128];
	struct trace_writer *w;
	struct bytes b;
	int fd;

	(void)state;
	assert_int_equal(mkdir(file_path(dir, "sub"), 0700), 0);
	if (mount("tmpfs", dir, "tmpfs", 0, "size=512k")) {
		print_message("no file system to fill: mount: %s\n", strerror(errno));
		skip();
	}
	write_until(file_path(path, "sub/a"), -ENOSPC);
	/* not even the header fits: what was there before is left as it was */
	assert_int_equal(unlink(path), 0);
	file_put(path, "mine", 4);
	fd = open(file_path(dir, "sub/fill"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (write(fd, &fd, 1) == 1)
		;
	close(fd);
	assert_int_equal(trace_create(path, hide_key, &w), -ENOSPC);
	b = file_get(path);
	assert_int_equal(b.n, 4);
	free(b.p);
	assert_int_equal(umount(file_path(dir, "sub")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(truncation_at_every_byte, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(every_byte_changed, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(chunks_missing_in_the_middle, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(chunk_twice, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(tail_of_zeros, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(forged_headers, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(forged_payloads, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(forged_documents, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(unknown_kind, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(forged_domains, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(endless_syncs, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(raw_chunk_damaged, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(raw_chunk_forged, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(other_catalogue, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(file_size_limit, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(full_disk, dir_make, dir_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
