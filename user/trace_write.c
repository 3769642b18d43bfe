// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zstd.h>

#include "trace.h"
#include "trace_format.h"
#include "trace_hide.h"

/* ts is the difference to the event before it already */
struct cpu_block {
	__u64 ts_first, ts_last, ts_min, ts_max;
	unsigned int n;
	struct pl_event ev[TRACE_BLOCK_EVENTS];
};

struct trace_writer {
	int fd; /* -1: to put() */
	trace_put_fn put;
	void *put_ctx;
	int err; /* sticky */
	bool regular; /* can be cut back */
	__u32 seq;
	__u64 bytes; /* of whole chunks */
	__u64 events; /* in the file */
	__u64 pending; /* in blocks */
	struct trace_hide hide;
	ZSTD_CCtx *zstd;
	void *out;
	size_t out_room;
	struct cpu_block **block; /* by CPU; NULL: has had no event */
	unsigned int ncpus;
};

static int wait_writable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

static int write_all(int fd, struct iovec *iov, int n)
{
	ssize_t done;
	int err;

	while (n) {
		done = writev(fd, iov, n);
		if (done < 0 && errno == EAGAIN) {
			err = wait_writable(fd);
			if (err)
				return err;
		}
		if (done < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (!done)
			return -EIO;
		while (done > 0 && n && (size_t)done >= iov->iov_len) {
			done -= iov->iov_len;
			iov++;
			n--;
		}
		if (done > 0 && n) {
			iov->iov_base = (char *)iov->iov_base + done;
			iov->iov_len -= done;
		}
	}
	return 0;
}

/* All or nothing: what a failed write left of a chunk is cut off */
static int append(struct trace_writer *w, struct iovec *iov, int n)
{
	size_t len = 0;
	int i;

	for (i = 0; i < n; i++)
		len += iov[i].iov_len;
	w->err = w->put ? w->put(w->put_ctx, iov, n) : write_all(w->fd, iov, n);
	if (!w->err) {
		w->bytes += len;
		return 0;
	}
	if (w->regular && !ftruncate(w->fd, w->bytes))
		lseek(w->fd, w->bytes, SEEK_SET);
	return w->err;
}

static int chunk_write(struct trace_writer *w, struct trace_chunk_header *h, const void *payload)
{
	struct iovec iov[] = {
		{ h, sizeof(*h) },
		{ (void *)payload, h->stored },
	};

	h->seq = w->seq++;
	trace_chunk_seal(h, payload);
	return append(w, iov, 2);
}

static int block_write(struct trace_writer *w, unsigned int cpu)
{
	struct cpu_block *b = w->block[cpu];
	struct trace_chunk_header h = {
		.kind = TRACE_EVENTS,
		.raw = b->n * sizeof(*b->ev),
		.cpu = cpu,
		.count = b->n,
		.ts_min = b->ts_min,
		.ts_max = b->ts_max,
	};
	size_t len = ZSTD_compressCCtx(w->zstd, w->out, w->out_room, b->ev, h.raw, 1);
	int err;

	if (ZSTD_isError(len))
		return w->err = -ENOMEM; /* the room is enough for whatever there is */
	h.stored = len;
	err = chunk_write(w, &h, w->out);
	if (!err)
		w->events += b->n;
	w->pending -= b->n;
	b->n = 0;
	return err;
}

int trace_write_packed(struct trace_writer *w, enum trace_chunk kind, const void *raw, size_t len,
		       unsigned int count, __u64 ts_min, __u64 ts_max)
{
	struct trace_chunk_header h = {
		.kind = kind,
		.raw = len,
		.count = count,
		.ts_min = ts_min,
		.ts_max = ts_max,
	};
	size_t stored;

	if (w->err)
		return w->err;
	if (len > TRACE_PACKETS_RAW_MAX)
		return -EMSGSIZE;
	stored = ZSTD_compressCCtx(w->zstd, w->out, w->out_room, raw, len, 1);
	if (ZSTD_isError(stored))
		return w->err = -ENOMEM; /* as in block_write() */
	h.stored = stored;
	return chunk_write(w, &h, w->out);
}

static struct cpu_block *block_new(struct trace_writer *w, unsigned int cpu)
{
	struct cpu_block **block;
	unsigned int n;

	if (cpu >= TRACE_CPUS_MAX) {
		w->err = -EINVAL;
		return NULL;
	}
	if (cpu >= w->ncpus) {
		n = cpu + 1 > 2 * w->ncpus ? cpu + 1 : 2 * w->ncpus;
		block = reallocarray(w->block, n, sizeof(*block));
		if (!block)
			goto nomem;
		memset(block + w->ncpus, 0, (n - w->ncpus) * sizeof(*block));
		w->block = block;
		w->ncpus = n;
	}
	w->block[cpu] = malloc(sizeof(**w->block));
	if (!w->block[cpu])
		goto nomem;
	w->block[cpu]->n = 0;
	return w->block[cpu];
nomem:
	w->err = -ENOMEM;
	return NULL;
}

int trace_write_event(struct trace_writer *w, unsigned int cpu, const struct pl_event *ev)
{
	struct cpu_block *b;
	struct pl_event *to;

	if (w->err)
		return w->err;
	b = cpu < w->ncpus ? w->block[cpu] : NULL;
	if (!b)
		b = block_new(w, cpu);
	if (!b)
		return w->err;
	to = &b->ev[b->n];
	*to = *ev;
	pl_event_hide(&w->hide, to);
	if (!b->n) {
		b->ts_first = b->ts_min = b->ts_max = ev->ts;
	} else {
		to->ts -= b->ts_last;
		if (ev->ts < b->ts_min)
			b->ts_min = ev->ts;
		if (ev->ts > b->ts_max)
			b->ts_max = ev->ts;
	}
	b->ts_last = ev->ts;
	w->pending++;
	return ++b->n == TRACE_BLOCK_EVENTS ? block_write(w, cpu) : 0;
}

int trace_flush(struct trace_writer *w, __u64 now_ns, __u64 age_ns)
{
	const struct cpu_block *b;
	unsigned int cpu;

	for (cpu = 0; !w->err && cpu < w->ncpus; cpu++) {
		b = w->block[cpu];
		if (!b || !b->n)
			continue;
		if (!age_ns || (now_ns > b->ts_first && now_ns - b->ts_first >= age_ns))
			block_write(w, cpu);
	}
	return w->err;
}

int trace_write_doc_in(struct trace_writer *w, unsigned int domain, enum trace_chunk kind,
		       const json_t *doc)
{
	struct trace_chunk_header h = { .kind = kind, .domain = domain };
	size_t len;
	char *text;
	int err;

	if (w->err)
		return w->err;
	if (kind <= TRACE_EVENTS || kind >= TRACE_NR_CHUNKS || domain >= TRACE_DOMAINS_MAX || !doc)
		return -EINVAL;
	/* nothing comes after the end, and a file without it did not end */
	if (kind == TRACE_END && !domain && trace_flush(w, 0, 0))
		return w->err;
	text = json_dumps(doc, JSON_COMPACT);
	if (!text)
		return -EINVAL;
	len = strlen(text);
	if (len <= TRACE_DOC_MAX) {
		h.raw = h.stored = len;
		err = chunk_write(w, &h, text);
	} else {
		err = -EMSGSIZE;
	}
	free(text);
	return err;
}

int trace_write_doc(struct trace_writer *w, enum trace_chunk kind, const json_t *doc)
{
	return trace_write_doc_in(w, 0, kind, doc);
}

/* What a recorder writes of its own kernel; the others are about a guest, or of a host's use only */
static bool kind_is_guests(unsigned int kind)
{
	return kind < TRACE_SYNC || kind == TRACE_KVM_TSC;
}

int trace_write_raw(struct trace_writer *w, unsigned int domain, const struct trace_chunk_header *h,
		    const void *payload)
{
	struct trace_chunk_header mine = *h;

	if (w->err)
		return w->err;
	if (!domain || domain >= TRACE_DOMAINS_MAX)
		return -EINVAL;
	if (!trace_chunk_valid(h) || !kind_is_guests(h->kind) ||
	    (h->kind == TRACE_EVENTS && h->stored > h->raw + TRACE_EVENTS_SLACK) ||
	    h->payload_crc != trace_crc(payload, h->stored))
		return -EBADMSG;
	mine.domain = domain;
	return chunk_write(w, &mine, payload);
}

__u64 trace_events_written(const struct trace_writer *w)
{
	return w->events + (w->err ? 0 : w->pending);
}

__u64 trace_bytes_written(const struct trace_writer *w)
{
	return w->bytes;
}

static int header_write(struct trace_writer *w)
{
	struct trace_header h = {
		.endian = TRACE_ENDIAN,
		.version = TRACE_VERSION,
		.event_size = sizeof(struct pl_event),
		.catalogue = trace_catalogue_crc(),
	};
	struct iovec iov = { &h, sizeof(h) };

	memcpy(h.magic, TRACE_MAGIC, sizeof(h.magic));
	h.crc = trace_crc(&h, offsetof(struct trace_header, crc));
	return append(w, &iov, 1);
}

static int catalogue_write(struct trace_writer *w)
{
	json_t *ids = json_array();
	int hook, err;

	for (hook = 0; hook < PL_NR_HOOKS; hook++)
		json_array_append_new(ids, json_string(hook_desc(hook)->id));
	err = json_array_size(ids) == PL_NR_HOOKS ? trace_write_doc(w, TRACE_CATALOGUE, ids) : -ENOMEM;
	json_decref(ids);
	return err;
}

/*
 * Open what to write to. A recording that is there already becomes path.old; what is no regular
 * file (/dev/null, a pipe, a link such as /dev/stdout) is written to as it is. fresh: the file
 * is ours; moved: there was one before.
 */
static int output_open(const char *path, const char *old, bool *fresh, bool *moved)
{
	struct stat st;
	int fd;

	*fresh = *moved = false;
	if (!lstat(path, &st)) {
		if (!S_ISREG(st.st_mode)) {
			fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
			return fd < 0 ? -errno : fd;
		}
		if (rename(path, old))
			return -errno;
		*moved = true;
	} else if (errno != ENOENT) {
		return -errno;
	}
	/* nobody else's file, nor one behind a link that was put here meanwhile */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 && *moved) {
		int err = -errno;

		rename(old, path);
		return err;
	}
	*fresh = fd >= 0;
	return fd < 0 ? -errno : fd;
}

static void writer_free(struct trace_writer *w)
{
	unsigned int cpu;

	for (cpu = 0; cpu < w->ncpus; cpu++)
		free(w->block[cpu]);
	free(w->block);
	free(w->out);
	ZSTD_freeCCtx(w->zstd);
	explicit_bzero(&w->hide, sizeof(w->hide));
	free(w);
}

/* A writer without its output */
static int writer_new(const __u8 hide[16], struct trace_writer **out)
{
	struct trace_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->fd = -1;
	w->zstd = ZSTD_createCCtx();
	w->out_room = ZSTD_compressBound(TRACE_BLOCK_EVENTS * sizeof(struct pl_event));
	w->out = malloc(w->out_room);
	if (!w->zstd || !w->out) {
		writer_free(w);
		return -ENOMEM;
	}
	trace_hide_init(&w->hide, hide);
	*out = w;
	return 0;
}

static int writer_begin(struct trace_writer *w)
{
	return header_write(w) ?: catalogue_write(w);
}

int trace_create(const char *path, const __u8 hide[16], struct trace_writer **out)
{
	bool fresh = false, moved = false;
	struct trace_writer *w;
	char *old = NULL;
	struct stat st;
	int err = writer_new(hide, &w);

	if (err)
		return err;
	err = -ENOMEM;
	if (asprintf(&old, "%s.old", path) < 0) {
		old = NULL;
		goto fail;
	}
	w->fd = output_open(path, old, &fresh, &moved);
	err = w->fd < 0 ? w->fd : 0;
	if (err)
		goto fail;
	w->regular = !fstat(w->fd, &st) && S_ISREG(st.st_mode);
	err = writer_begin(w);
	if (err)
		goto fail_close;
	free(old);
	*out = w;
	return 0;
fail_close:
	close(w->fd);
	if (fresh)
		unlink(path);
	if (moved)
		rename(old, path);
fail:
	free(old);
	writer_free(w);
	return err;
}

int trace_create_stream(trace_put_fn put, void *ctx, const __u8 hide[16], struct trace_writer **out)
{
	struct trace_writer *w;
	int err = writer_new(hide, &w);

	if (err)
		return err;
	w->put = put;
	w->put_ctx = ctx;
	err = writer_begin(w);
	if (err)
		writer_free(w);
	else
		*out = w;
	return err;
}

int trace_finish(struct trace_writer *w)
{
	int err;

	if (!w)
		return 0;
	err = trace_flush(w, 0, 0);
	if (w->fd >= 0 && close(w->fd) && !err && errno != EINTR)
		err = -errno;
	writer_free(w);
	return err;
}
