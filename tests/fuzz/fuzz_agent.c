// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer: what an agent may send to a recorder (into a file that is then read), and what a
 * recorder may send to an agent. Memory stays within one chunk.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "agent_proto.h"
#include "fuzz.h"
#include "guest_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct file {
	uint8_t *p;
	size_t n;
};

static int file_put(void *ctx, struct iovec *iov, int n)
{
	struct file *f = ctx;
	int i;

	for (i = 0; i < n; i++) {
		f->p = realloc(f->p, f->n + iov[i].iov_len);
		if (!f->p)
			abort();
		memcpy(f->p + f->n, iov[i].iov_base, iov[i].iov_len);
		f->n += iov[i].iov_len;
	}
	return 0;
}

/* A file in which a guest has written is whole */
static void file_check(const struct file *f, size_t taken)
{
	char path[64], err[256];
	struct trace *t;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, f->p, f->n) != (ssize_t)f->n)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (trace_open(path, &t, err, sizeof(err)) || t->truncated || t->damaged ||
	    t->nguests != (taken ? 1 : 0) || t->nblocks || t->docs[TRACE_END])
		abort();
	trace_close(t);
	close(fd);
}

static void chunks_forward(struct guest_stream *s, struct trace_writer *w, size_t *taken, int *ret)
{
	struct trace_chunk_header h;
	const void *payload;
	const char *what = NULL;
	int err;

	while ((*ret = guest_stream_next(s, &h, &payload, &what)) == 1) {
		if (guest_stream_limit(s, &h, 1, &what)) {
			*ret = -EBADMSG;
			return;
		}
		err = trace_write_raw(w, 1, &h, payload);
		if (err && err != -EBADMSG)
			abort();
		*taken += !err;
	}
	if (*ret < 0 && !what)
		abort();
}

static void guest_run(const uint8_t *p, size_t size)
{
	static const __u8 key[16];
	struct guest_stream s = { 0 };
	struct file f = { NULL, 0 };
	struct trace_writer *w;
	size_t at = 0, n, room, piece = size ? 1 + p[size - 1] * 37 : 1, taken = 0;
	int ret = 0;
	void *to;

	if (trace_create_stream(file_put, &f, key, &w))
		abort();
	while (at < size && ret >= 0) {
		to = guest_stream_room(&s, &room);
		if (!to || !room || s.room > sizeof(struct trace_chunk_header) + TRACE_DOC_MAX)
			abort();
		n = size - at < piece ? size - at : piece;
		n = n < room ? n : room;
		memcpy(to, p + at, n);
		guest_stream_add(&s, n);
		at += n;
		chunks_forward(&s, w, &taken, &ret);
	}
	guest_stream_free(&s);
	if (trace_finish(w))
		abort();
	file_check(&f, taken);
	free(f.p);
}

static void messages_run(const uint8_t *p, size_t size)
{
	static struct agent_rx rx;
	struct agent_hello h;
	struct agent_msg m;
	const void *payload;
	char why[256], expr[512];
	size_t room, n;
	int ret = 0;
	void *to;

	rx.have = 0;
	while (size && ret >= 0) {
		to = agent_rx_room(&rx, &room);
		if (!room)
			abort();
		n = size < room ? size : room;
		memcpy(to, p, n);
		rx.have += n;
		p += n;
		size -= n;
		while ((ret = agent_rx_next(&rx, &m, &payload)) == 1)
			agent_rx_drop(&rx, &m);
	}
	if (rx.have < sizeof(h))
		return;
	memcpy(&h, rx.buf, sizeof(h));
	if (agent_hello_check(&h, why, sizeof(why)) && strchr(why, '\n'))
		abort();
	h.own[sizeof(h.own) - 1] = 0;
	agent_own_filter(h.own, expr, sizeof(expr));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *p = fuzz_repair(data, &size);

	guest_run(p, size);
	messages_run(p, size);
	free(p);
	return 0;
}
