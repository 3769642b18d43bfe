// SPDX-License-Identifier: GPL-2.0
/* Trace file: what was written comes back, addresses do not, files are made the careful way */
#include "trace_files.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <zstd.h>

#include "trace_format.h"
#include "trace_hide.h"

#define NR_CPUS	  5
#define NR_EVENTS 20000

struct stream {
	struct pl_event ev[NR_EVENTS];
	size_t n;
};

static struct stream *streams_new(void)
{
	struct stream *s = calloc(NR_CPUS, sizeof(*s));

	assert_non_null(s);
	return s;
}

/* Write n random events to random CPUs, remember what is to come back */
static void events_write(struct trace_writer *w, struct stream *s, size_t n, __u64 seed)
{
	struct trace_hide h;
	struct pl_event ev;
	__u64 r = seed, ts = 1ULL << 60;
	unsigned int cpu;
	size_t i;

	trace_hide_init(&h, hide_key);
	for (i = 0; i < n; i++) {
		event_random(&ev, &r);
		ts += random_next(&r) % 3000;
		ev.ts = ts - (random_next(&r) % 50 ? 0 : random_next(&r) % 100000);
		cpu = random_next(&r) % NR_CPUS;
		assert_int_equal(trace_write_event(w, cpu, &ev), 0);
		pl_event_hide(&h, &ev);
		s[cpu].ev[s[cpu].n++] = ev;
	}
}

static void events_check(const struct trace *t, const struct stream *s)
{
	struct pl_event ev[TRACE_BLOCK_EVENTS];
	size_t at[NR_CPUS] = { 0 }, i, k;
	__u64 min, max, n = 0;
	unsigned int cpu;

	for (i = 0; i < t->nblocks; i++) {
		cpu = t->blocks[i].cpu;
		assert_true(cpu < NR_CPUS);
		memset(ev, 0xaa, sizeof(ev));
		assert_int_equal(trace_read_block(t, i, ev), t->blocks[i].events);
		min = max = ev[0].ts;
		for (k = 0; k < t->blocks[i].events; k++) {
			assert_memory_equal(&ev[k], &s[cpu].ev[at[cpu]++], sizeof(*ev));
			min = ev[k].ts < min ? ev[k].ts : min;
			max = ev[k].ts > max ? ev[k].ts : max;
		}
		assert_int_equal(t->blocks[i].ts_min, min);
		assert_int_equal(t->blocks[i].ts_max, max);
		n += k;
	}
	for (cpu = 0; cpu < NR_CPUS; cpu++)
		assert_int_equal(at[cpu], s[cpu].n);
	assert_int_equal(n, t->nevents);
}

static struct trace *open_ok(const char *path)
{
	struct trace *t;
	char err[256] = "";
	int ret = trace_open(path, &t, err, sizeof(err));

	if (ret)
		fail_msg("trace_open: %d %s", ret, err);
	return t;
}

static void open_fails(const char *path, int want, const char *word)
{
	struct trace *t;
	char err[256] = "";

	assert_int_equal(trace_open(path, &t, err, sizeof(err)), want);
	if (!strstr(err, word) || strchr(err, '\n'))
		fail_msg("message \"%s\" should be one line with \"%s\"", err, word);
}

static void round_trip(void **state)
{
	struct stream *s = streams_new();
	struct trace_writer *w;
	struct trace *t;
	char path[128];
	json_t *doc;
	size_t i;

	(void)state;
	assert_int_equal(trace_create(file_path(path, "a"), hide_key, &w), 0);
	events_write(w, s, NR_EVENTS, 1);
	assert_int_equal(trace_events_written(w), NR_EVENTS);
	doc = json_pack("{s:i}", "events", NR_EVENTS);
	assert_int_equal(trace_write_doc(w, TRACE_END, doc), 0);
	json_decref(doc);
	assert_int_equal(trace_finish(w), 0);

	t = open_ok(path);
	assert_int_equal(t->nevents, NR_EVENTS);
	assert_true(t->ended);
	assert_false(t->truncated);
	assert_int_equal(t->damaged, 0);
	assert_int_equal(t->good_bytes, t->file_bytes);
	events_check(t, s);
	/* and in any order of blocks */
	for (i = t->nblocks; i--;) {
		struct pl_event ev[TRACE_BLOCK_EVENTS];

		assert_int_equal(trace_read_block(t, i, ev), t->blocks[i].events);
	}
	assert_int_equal(trace_read_block(t, t->nblocks, s->ev), -EINVAL);
	trace_close(t);
	free(s);
}

static void flush_by_age(void **state)
{
	struct stream *s = streams_new();
	struct pl_event ev = { .hook = 1 };
	struct trace_writer *w;
	struct trace *t;
	char path[128];
	__u64 before;

	(void)state;
	assert_int_equal(trace_create(file_path(path, "a"), hide_key, &w), 0);
	before = trace_bytes_written(w);
	ev.ts = 1000;
	assert_int_equal(trace_write_event(w, 0, &ev), 0);
	s[0].ev[s[0].n++] = ev;
	ev.ts = 5000;
	assert_int_equal(trace_write_event(w, 3, &ev), 0);
	s[3].ev[s[3].n++] = ev;
	assert_int_equal(trace_flush(w, 1500, 1000), 0);
	assert_int_equal(trace_flush(w, 500, 1000), 0); /* event of the future */
	assert_int_equal(trace_bytes_written(w), before);
	assert_int_equal(trace_flush(w, 2000, 1000), 0);
	t = open_ok(path); /* a recording can be read while it is made */
	assert_int_equal(t->nevents, 1);
	assert_false(t->ended);
	trace_close(t);
	assert_int_equal(trace_flush(w, 0, 0), 0);
	t = open_ok(path);
	events_check(t, s);
	assert_int_equal(t->nevents, 2);
	trace_close(t);
	assert_int_equal(trace_finish(w), 0);
	free(s);
}

static bool adds_up(int kind)
{
	return kind == TRACE_CLOCK || kind == TRACE_CHANGES;
}

/* A later document replaces an earlier one, some add up, the rest stays apart */
static void documents(void **state)
{
	struct trace_writer *w;
	struct trace *t;
	char path[128];
	json_t *doc;
	int kind, i;

	(void)state;
	assert_int_equal(trace_create(file_path(path, "a"), hide_key, &w), 0);
	for (i = 0; i < 3; i++)
		for (kind = TRACE_META; kind < TRACE_CATALOGUE; kind++) {
			doc = json_pack("{s:i, s:i, s:s}", "kind", kind, "round", i, "text",
					"\u00fc\n");
			assert_int_equal(trace_write_doc(w, kind, doc), 0);
			assert_int_equal(doc->refcount, 1);
			json_decref(doc);
		}
	doc = json_object();
	assert_int_equal(trace_write_doc(w, TRACE_EVENTS, doc), -EINVAL);
	assert_int_equal(trace_write_doc(w, TRACE_NR_CHUNKS, doc), -EINVAL);
	assert_int_equal(trace_write_doc(w, TRACE_META, NULL), -EINVAL);
	json_decref(doc);
	assert_int_equal(trace_finish(w), 0);

	t = open_ok(path);
	assert_int_equal(t->nblocks, 0);
	for (kind = TRACE_META; kind < TRACE_CATALOGUE; kind++) {
		doc = t->docs[kind];
		if (adds_up(kind)) {
			assert_int_equal(json_array_size(doc), 3);
			for (i = 0; i < 3; i++)
				assert_int_equal(i, json_integer_value(json_object_get(
							    json_array_get(doc, i), "round")));
			continue;
		}
		assert_int_equal(json_integer_value(json_object_get(doc, "kind")), kind);
		assert_int_equal(json_integer_value(json_object_get(doc, "round")), 2);
		assert_string_equal(json_string_value(json_object_get(doc, "text")), "\u00fc\n");
	}
	assert_int_equal(json_array_size(t->docs[TRACE_CATALOGUE]), PL_NR_HOOKS);
	trace_close(t);
}

/* --- several domains in one file -------------------------------------------------------------- */

/* What an agent sends, in memory */
struct sent {
	struct bytes b;
	size_t chunks;
	int fail_after; /* chunks; 0: never */
};

static int sent_put(void *ctx, struct iovec *iov, int n)
{
	struct sent *s = ctx;
	int i;

	if (s->fail_after && s->chunks >= (size_t)s->fail_after)
		return -EPIPE;
	s->chunks++;
	for (i = 0; i < n; i++) {
		s->b.p = realloc(s->b.p, s->b.n + iov[i].iov_len);
		assert_non_null(s->b.p);
		memcpy(s->b.p + s->b.n, iov[i].iov_base, iov[i].iov_len);
		s->b.n += iov[i].iov_len;
	}
	return 0;
}

static void doc_write(struct trace_writer *w, enum trace_chunk kind, int value)
{
	doc_put(w, kind, json_pack("{s:i}", "value", value));
}

static int doc_value(const json_t *doc)
{
	return json_integer_value(json_object_get(doc, "value"));
}

/* A whole recording of a guest, and its events as they are to come back */
static struct sent *guest_make(struct stream *s, size_t n, int value)
{
	struct sent *sent = calloc(1, sizeof(*sent));
	struct trace_writer *w;

	assert_non_null(sent);
	assert_int_equal(trace_create_stream(sent_put, sent, hide_key, &w), 0);
	doc_write(w, TRACE_META, value);
	doc_write(w, TRACE_CLOCK, value);
	events_write(w, s, n, value);
	doc_write(w, TRACE_CLOCK, value + 1);
	doc_write(w, TRACE_END, value);
	assert_int_equal(trace_finish(w), 0);
	return sent;
}

/* The next chunk of what was sent goes into the file. false: no more */
static bool chunk_forward(struct sent *from, size_t *pos, struct trace_writer *to,
			  unsigned int domain)
{
	struct trace_chunk_header h;

	if (!*pos)
		*pos = sizeof(struct trace_header);
	if (*pos == from->b.n)
		return false;
	assert_true(*pos + sizeof(h) < from->b.n);
	memcpy(&h, from->b.p + *pos, sizeof(h));
	*pos += sizeof(h);
	assert_int_equal(trace_write_raw(to, domain, &h, from->b.p + *pos), 0);
	*pos += h.stored;
	return true;
}

static void sent_free(struct sent *s)
{
	free(s->b.p);
	free(s);
}

static void sync_write(struct trace_writer *w, unsigned int domain, int value)
{
	json_t *doc = json_pack("[{s:i}, {s:i}]", "value", value, "value", value + 1);

	assert_int_equal(trace_write_doc_in(w, domain, TRACE_SYNC, doc), 0);
	json_decref(doc);
}

static void domain_check(const struct trace *t, const struct stream *s, int value, size_t syncs)
{
	assert_true(t->ended);
	assert_false(t->truncated);
	assert_int_equal(t->damaged, 0);
	assert_int_equal(doc_value(t->docs[TRACE_META]), value);
	assert_int_equal(json_array_size(t->docs[TRACE_CLOCK]), 2);
	assert_int_equal(doc_value(json_array_get(t->docs[TRACE_CLOCK], 1)), value + 1);
	assert_int_equal(json_array_size(t->docs[TRACE_SYNC]), syncs);
	events_check(t, s);
}

/* Host and two guests chunk by chunk; each comes back as if it had been recorded alone */
static void several_domains(void **state)
{
	struct stream *s[3] = { streams_new(), streams_new(), streams_new() };
	struct sent *guest[2] = { guest_make(s[1], 9000, 20), guest_make(s[2], 5000, 30) };
	size_t pos[2] = { 0, 0 };
	struct trace_writer *w;
	struct trace *t;
	char path[128];
	bool more;

	(void)state;
	assert_int_equal(trace_create(file_path(path, "a"), hide_key, &w), 0);
	doc_write(w, TRACE_META, 10);
	doc_write(w, TRACE_CLOCK, 10);
	do {
		events_write(w, s[0], 700, pos[0] + 1);
		more = chunk_forward(guest[1], &pos[1], w, 2);
		more |= chunk_forward(guest[0], &pos[0], w, 1);
	} while (more);
	sync_write(w, 2, 7);
	doc_write(w, TRACE_CLOCK, 11);
	sync_write(w, 2, 9);
	doc_write(w, TRACE_END, 10);
	assert_int_equal(trace_events_written(w), s[0][0].n + s[0][1].n + s[0][2].n + s[0][3].n +
							  s[0][4].n);
	assert_int_equal(trace_finish(w), 0);

	t = open_ok(path);
	assert_int_equal(t->nguests, 2);
	domain_check(t, s[0], 10, 0);
	domain_check(t->guest[0], s[1], 20, 0);
	domain_check(t->guest[1], s[2], 30, 4);
	assert_int_equal(doc_value(json_array_get(t->guest[1]->docs[TRACE_SYNC], 2)), 9);
	assert_int_equal(t->guest[1]->nguests, 0);
	trace_close(t);
	for (size_t i = 0; i < 3; i++)
		free(s[i]);
	sent_free(guest[0]);
	sent_free(guest[1]);
}

/* A stream has the bytes that a file has; where it ends early, the writer says so */
static void stream_is_the_file(void **state)
{
	struct stream *s[2] = { streams_new(), streams_new() };
	struct sent *sent = guest_make(s[0], 3000, 5), cut = { .fail_after = 2 };
	struct trace_writer *w;
	char path[128];
	struct bytes b;

	(void)state;
	assert_int_equal(trace_create(file_path(path, "a"), hide_key, &w), 0);
	doc_write(w, TRACE_META, 5);
	doc_write(w, TRACE_CLOCK, 5);
	events_write(w, s[1], 3000, 5);
	doc_write(w, TRACE_CLOCK, 6);
	doc_write(w, TRACE_END, 5);
	assert_int_equal(trace_finish(w), 0);
	b = file_get(path);
	assert_int_equal(b.n, sent->b.n);
	assert_memory_equal(b.p, sent->b.p, b.n);

	assert_int_equal(trace_create_stream(sent_put, &cut, hide_key, &w), 0);
	assert_int_equal(trace_write_doc(w, TRACE_META, json_object_get(NULL, "")), -EINVAL);
	assert_int_equal(trace_flush(w, 0, 0), 0);
	events_write(w, s[1], 1, 5);
	assert_int_equal(trace_flush(w, 0, 0), -EPIPE);
	assert_int_equal(trace_finish(w), -EPIPE);
	cut.chunks = 0;
	cut.fail_after = 1;
	assert_int_equal(trace_create_stream(sent_put, &cut, hide_key, &w), -EPIPE);
	free(cut.b.p);
	free(b.p);
	sent_free(sent);
	free(s[0]);
	free(s[1]);
}

static void too_large_document(void **state)
{
	struct trace_writer *w;
	char path[128], *text = malloc(TRACE_DOC_MAX + 1);
	json_t *doc;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', TRACE_DOC_MAX);
	text[TRACE_DOC_MAX] = 0;
	doc = json_pack("[s]", text);
	free(text);
	assert_int_equal(trace_create(file_path(path, "a"), hide_key, &w), 0);
	assert_int_equal(trace_write_doc(w, TRACE_TASKS, doc), -EMSGSIZE);
	json_decref(doc);
	doc = json_object(); /* no harm done */
	assert_int_equal(trace_write_doc(w, TRACE_TASKS, doc), 0);
	json_decref(doc);
	assert_int_equal(trace_finish(w), 0);
}

/* Vectors made with another implementation: Python 3.11's hash() of bytes, PYTHONHASHSEED=0 */
static void hash_is_siphash(void **state)
{
	static const __u8 zero[16];
	struct trace_hide h, other;

	(void)state;
	trace_hide_init(&h, zero);
	trace_hide_init(&other, hide_key);
	assert_true(trace_hide_u64(&h, 0x0807060504030201ULL) == 0x884ccc87cb0e5fb0ULL);
	assert_true(trace_hide_u64(&h, 0xffff123456789abcULL) == 0xf73b021f31939c1bULL);
	assert_true(trace_hide_u32(&h, 0x04030201) == 0x360ba9d4);
	assert_true(trace_hide_u64(&h, 0) == 0);
	assert_true(trace_hide_u32(&h, 0) == 0);
	assert_true(trace_hide_u64(&other, 0x0807060504030201ULL) != 0x884ccc87cb0e5fb0ULL);
}

static void same_address_same_hash(void **state)
{
	struct pl_event ev = { .hook = PL_HOOK_receive_skb }, got[TRACE_BLOCK_EVENTS];
	const __u64 a = 0xffff888012345600ULL, b = 0xffff888012345700ULL;
	const __u64 obj[] = { a, b, 0, a, b }, key[] = { b, a, b, 0, b };
	struct trace_writer *w;
	struct trace *t;
	char path[128];
	int i;

	(void)state;
	assert_int_equal(trace_create(file_path(path, "a"), hide_key, &w), 0);
	for (i = 0; i < 10; i++) {
		ev.ts = i;
		ev.obj = obj[i % 5];
		ev.key = key[i % 5];
		ev.head = ev.obj;
		/* the second half: a context hop, whose key is an address */
		ev.hook = i < 5 ? PL_HOOK_receive_skb : PL_HOOK_eventfd_signal_fe;
		assert_int_equal(trace_write_event(w, i % 2 * 7, &ev), 0);
	}
	assert_int_equal(trace_finish(w), 0);
	t = open_ok(path);
	assert_int_equal(t->nblocks, 2);
	assert_int_equal(trace_read_block(t, 0, got), 5);
	assert_int_equal(trace_read_block(t, 1, got + 5), 5);
	trace_close(t);
	/* events 0 2 4 6 8, then 1 3 5 7 9: obj a 0 b b a, then b a a 0 b */
	assert_true(got[0].obj && got[2].obj && got[0].obj != got[2].obj);
	assert_true(got[0].obj != a && got[2].obj != b);
	assert_true(got[1].obj == 0 && got[8].obj == 0);
	assert_true(got[3].obj == got[2].obj && got[5].obj == got[2].obj &&
		    got[9].obj == got[2].obj);
	assert_true(got[4].obj == got[0].obj && got[6].obj == got[0].obj &&
		    got[7].obj == got[0].obj);
	assert_true(got[0].head && got[0].head != (__u32)a && got[0].head == got[4].head);
	assert_true(got[1].head == 0);
	/* key: kept in packet hops (0 2 4 | 1 3), hashed like obj in context hops (6 8 | 5 7 9) */
	assert_true(got[0].key == b && got[1].key == b && got[2].key == b);
	assert_true(got[5].key == a && got[6].key == 0);
	assert_true(got[3].key == got[0].obj && got[4].key == 0);
	assert_true(got[7].key == got[2].obj && got[8].key == got[2].obj &&
		    got[9].key == got[2].obj);
}

/* Decompress all chunks of a file one behind the other */
static struct bytes content_get(const char *path)
{
	struct bytes file = file_get(path), all = { NULL, 0 };
	size_t pos = sizeof(struct trace_header), room = file.n * 20 + (1 << 20), n;
	struct trace_chunk_header h;

	all.p = malloc(room);
	assert_non_null(all.p);
	memcpy(all.p, file.p, pos);
	all.n = pos;
	for (; pos < file.n; pos += h.stored) {
		memcpy(&h, file.p + pos, sizeof(h));
		memcpy(all.p + all.n, file.p + pos, sizeof(h));
		all.n += sizeof(h);
		pos += sizeof(h);
		assert_true(all.n + h.raw <= room);
		if (h.kind == TRACE_EVENTS) {
			n = ZSTD_decompress(all.p + all.n, h.raw, file.p + pos, h.stored);
			assert_int_equal(n, h.raw);
		} else {
			memcpy(all.p + all.n, file.p + pos, h.raw);
		}
		all.n += h.raw;
	}
	free(file.p);
	return all;
}

static bool has(struct bytes b, const void *needle, size_t len)
{
	return memmem(b.p, b.n, needle, len);
}

static void no_address_in_the_file(void **state)
{
	__u64 r = 77, obj, key;
	struct trace_writer *w;
	struct pl_event ev;
	struct bytes all;
	char path[128];
	__u32 head;
	int i;

	(void)state;
	assert_int_equal(trace_create(file_path(path, "a"), hide_key, &w), 0);
	for (i = 0; i < 3000; i++) {
		event_random(&ev, &r);
		ev.ts = 1000 * i;
		ev.obj = 0xffff888000000000ULL + i * 256;
		ev.head = 0xc3a5f100u + i * 8;
		ev.key = 0xffffa00000000000ULL + i * 64;
		ev.hook = i % 2 ? PL_HOOK_eventfd_signal_fe : PL_HOOK_receive_skb;
		assert_int_equal(trace_write_event(w, 0, &ev), 0);
	}
	assert_int_equal(trace_finish(w), 0);
	all = content_get(path);
	assert_true(all.n > 3000 * sizeof(ev));
	for (i = 0; i < 3000; i++) {
		obj = 0xffff888000000000ULL + i * 256;
		head = 0xc3a5f100u + i * 8;
		key = 0xffffa00000000000ULL + i * 64;
		/* bytes 1..6: whatever a delta or a tag could have done to the ends */
		assert_false(has(all, (char *)&obj + 1, 7));
		if (i < 100) /* few, as 4 bytes are found by chance, too */
			assert_false(has(all, &head, sizeof(head)));
		/* identity of packets is kept: the search does find what is there */
		assert_int_equal(has(all, &key, sizeof(key)), i % 2 == 0);
	}
	assert_false(has(all, hide_key, sizeof(hide_key)));
	free(all.p);
}

static void existing_file_is_kept(void **state)
{
	struct trace_writer *w;
	char path[128], old[128];
	struct bytes b;
	struct stat st;

	(void)state;
	file_put(file_path(path, "a"), "mine", 4);
	assert_int_equal(chmod(path, 0644), 0);
	umask(0);
	assert_int_equal(trace_create(path, hide_key, &w), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(trace_finish(w), 0);
	b = file_get(file_path(old, "a.old"));
	assert_int_equal(b.n, 4);
	assert_memory_equal(b.p, "mine", 4);
	free(b.p);
	/* the next one replaces it */
	assert_int_equal(trace_create(path, hide_key, &w), 0);
	assert_int_equal(trace_finish(w), 0);
	trace_close(open_ok(old));
	trace_close(open_ok(path));
}

static void outputs_that_are_no_files(void **state)
{
	struct pl_event ev = { .hook = 1, .ts = 1 };
	char path[128], target[128];
	struct trace_writer *w;
	struct stat st;
	int i;

	(void)state;
	assert_int_equal(trace_create("/dev/null", hide_key, &w), 0);
	for (i = 0; i < 5000; i++)
		assert_int_equal(trace_write_event(w, 0, &ev), 0);
	assert_int_equal(trace_finish(w), 0);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	/* a link is followed, never moved */
	file_put(file_path(target, "b"), "old content, longer than nothing", 32);
	assert_int_equal(symlink(target, file_path(path, "link")), 0);
	assert_int_equal(trace_create(path, hide_key, &w), 0);
	assert_int_equal(trace_write_event(w, 0, &ev), 0);
	assert_int_equal(trace_finish(w), 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	trace_close(open_ok(target));
	assert_int_equal(trace_create(test_dir, hide_key, &w), -EISDIR);
	assert_int_equal(trace_create("/nonexistent/dir/a", hide_key, &w), -ENOENT);
}

static void tick(int sig)
{
	(void)sig;
}

/* A pipe takes less than a chunk at a time, and signals interrupt the write */
static void through_a_pipe(void **state)
{
	struct stream *s = streams_new();
	struct sigaction sa = { .sa_handler = tick }, was;
	struct itimerval every = { { 0, 500 }, { 0, 500 } }, off = { { 0, 0 }, { 0, 0 } };
	struct trace_writer *w;
	struct trace *t;
	char path[128], dev[32], buf[700];
	int fd[2], out, status;
	ssize_t n;
	pid_t pid;

	(void)state;
	file_path(path, "a");
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	assert_true(fcntl(fd[1], F_SETPIPE_SZ, 4096) >= 4096);
	pid = fork();
	if (!pid) {
		close(fd[1]);
		unlink(path);
		out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		while ((n = read(fd[0], buf, sizeof(buf))) > 0)
			if (write(out, buf, n) != n)
				_exit(1);
		_exit(n ? 1 : 0);
	}
	close(fd[0]);
	snprintf(dev, sizeof(dev), "/dev/fd/%d", fd[1]);
	assert_int_equal(trace_create(dev, hide_key, &w), 0);
	close(fd[1]);
	sigaction(SIGALRM, &sa, &was);
	setitimer(ITIMER_REAL, &every, NULL);
	events_write(w, s, NR_EVENTS, 5);
	assert_int_equal(trace_finish(w), 0);
	setitimer(ITIMER_REAL, &off, NULL);
	sigaction(SIGALRM, &was, NULL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	t = open_ok(path);
	assert_int_equal(t->nevents, NR_EVENTS);
	events_check(t, s);
	trace_close(t);
	free(s);
}

static void foreign_files(void **state)
{
	char path[128];
	struct bytes b;
	struct trace_writer *w;
	struct trace_header *h;

	(void)state;
	open_fails(file_path(path, "none"), -ENOENT, "none: No such file");
	open_fails(test_dir, -EISDIR, "directory");
	open_fails("/dev/null", -EMEDIUMTYPE, "regular");
	file_put(file_path(path, "b"), "", 0);
	open_fails(path, -ENODATA, "empty");
	file_put(path, "#!/bin/sh\necho this is a script and longer than the header is\n", 62);
	open_fails(path, -EMEDIUMTYPE, "not a pktlap recording");
	file_put(path, "x", 1);
	open_fails(path, -EMEDIUMTYPE, "not a pktlap recording");
	file_put(path, "PERFILE2hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh", 40);
	open_fails(path, -EMEDIUMTYPE, "not a pktlap recording");

	assert_int_equal(trace_create(file_path(path, "a"), hide_key, &w), 0);
	assert_int_equal(trace_finish(w), 0);
	b = file_get(path);
	h = (struct trace_header *)b.p;
	h->version = TRACE_VERSION + 1;
	h->crc = trace_crc(h, offsetof(struct trace_header, crc));
	file_put(path, b.p, b.n);
	open_fails(path, -EPROTONOSUPPORT, "newer");
	h->version = TRACE_VERSION;
	h->endian = __builtin_bswap32(h->endian);
	h->crc = trace_crc(h, offsetof(struct trace_header, crc));
	file_put(path, b.p, b.n);
	open_fails(path, -EPROTONOSUPPORT, "layout");
	free(b.p);
}

static void unreadable_file(void **state)
{
	char path[128];

	(void)state;
	if (!geteuid()) {
		print_message("root may read every file\n");
		skip();
	}
	file_put(file_path(path, "b"), "x", 1);
	assert_int_equal(chmod(path, 0), 0);
	open_fails(path, -EACCES, "sudo");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(round_trip, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(flush_by_age, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(documents, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(several_domains, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(stream_is_the_file, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(too_large_document, dir_make, dir_remove),
		cmocka_unit_test(hash_is_siphash),
		cmocka_unit_test_setup_teardown(same_address_same_hash, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(no_address_in_the_file, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(existing_file_is_kept, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(outputs_that_are_no_files, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(through_a_pipe, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(foreign_files, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(unreadable_file, dir_make, dir_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
