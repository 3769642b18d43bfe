// SPDX-License-Identifier: GPL-2.0
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/filter.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "agent_proto.h"
#include "clock.h"
#include "endpoint.h"
#include "filter.h"
#include "hop_select.h"
#include "lines.h"
#include "poller.h"
#include "record.h"
#include "sendq.h"
#include "trace_format.h"
#include "util.h"

#define NSEC_PER_MS   1000000
#define START_WAIT_MS 30000
#define FINISH_MS     10000
#define QUEUE_MAX     (1U << 20) /* what waits here before events stay in the rings */
#define ANSWERS_MAX   32 /* that wait; a recorder uses none that is older */
#define SILENT_MS     240000 /* a recorder does not read while its other guests load: up to 180 s */

struct agent {
	const struct agent_config *cfg;
	struct poller *poller; /* record_run()'s, while that runs */
	struct poller_fd in, out, lines; /* lines: what was written to stderr */
	bool out_watched;
	bool hold; /* nothing is sent before it is clear whether there is a recording */
	struct sendq queue;
	const char *end; /* why to end; NULL: go on */
	bool lost; /* there is no recorder any more */
	struct lines said; /* on stderr */
	struct agent_rx rx;
};

/* --- to the recorder ------------------------------------------------------------------------ */

static void channel_lost(struct agent *a)
{
	a->lost = true;
	a->end = a->end ?: "channel";
	sendq_clear(&a->queue);
}

/* Write what goes; be woken for the rest */
static void queue_push(struct agent *a)
{
	bool wait;

	if (!a->lost && !a->hold && sendq_write(&a->queue, a->out.fd))
		channel_lost(a);
	wait = !a->lost && !a->hold && a->queue.bytes;
	if (a->poller && wait != a->out_watched &&
	    !poller_set(a->poller, &a->out, wait ? EPOLLOUT : 0))
		a->out_watched = wait;
}

static int channel_put(void *ctx, struct iovec *iov, int n)
{
	struct agent *a = ctx;
	int err;

	if (a->lost)
		return 0; /* the recording ends at the next turn, in order */
	err = sendq_put(&a->queue, iov, n, false);
	queue_push(a);
	return err;
}

/* A chunk that is no part of the recording: see agent_proto.h. Takes the reference */
static int chunk_send(struct agent *a, enum trace_chunk kind, json_t *doc, bool urgent)
{
	struct trace_chunk_header h = { .kind = kind };
	char *text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
	struct iovec iov[] = { { &h, sizeof(h) }, { text, 0 } };
	int err = -ENOMEM;

	json_decref(doc);
	if (!text)
		return err;
	h.raw = h.stored = iov[1].iov_len = strlen(text);
	trace_chunk_seal(&h, text);
	if (!a->lost)
		err = sendq_put(&a->queue, iov, 2, urgent);
	free(text);
	queue_push(a);
	return err;
}

static void line_send(void *ctx, const char *text)
{
	const size_t own = strlen(program_invocation_name);
	struct agent *a = ctx;

	if (!strncmp(text, program_invocation_name, own) && !strncmp(text + own, ": ", 2))
		text += own + 2;
	if (*text)
		chunk_send(a, TRACE_GUEST, json_pack("{s:o}", "message", json_text(text)), false);
}

static int lines_read(void *ctx, __u32 events)
{
	struct agent *a = ctx;
	char buf[512];
	ssize_t n;

	(void)events;
	while ((n = read(a->lines.fd, buf, sizeof(buf))) > 0)
		lines_add(&a->said, buf, n, line_send, a);
	/* while programs are loaded nobody reads: the pipe takes what it holds, more lines than are shown */
	if (ferror(stderr)) {
		clearerr(stderr);
		lines_end(&a->said, line_send, a);
		line_send(a, "some of what the agent had to say was too much at a time, and is lost");
	}
	return 0;
}

/* --- from the recorder ---------------------------------------------------------------------- */

/* Who asks and does not read gets no more answers; an honest recorder asks again */
static void pong(struct agent *a, const struct agent_ping *ping, __u64 read_ns)
{
	if (a->queue.urgent >= ANSWERS_MAX)
		return;
	chunk_send(a, TRACE_SYNC, json_pack("{s:I, s:I, s:I}", "id", (json_int_t)ping->id, "t2", (json_int_t)read_ns, "t3", (json_int_t)clock_mono_ns()), true);
}

static void messages_handle(struct agent *a, __u64 read_ns)
{
	struct agent_msg m;
	const void *payload;
	int ret;

	while ((ret = agent_rx_next(&a->rx, &m, &payload)) > 0) {
		if (m.kind == AGENT_PING)
			pong(a, payload, read_ns);
		else if (m.kind == AGENT_STOP)
			a->end = a->end ?: "recorder";
		agent_rx_drop(&a->rx, &m);
	}
	if (ret < 0) {
		msg_error("the recorder sent what is no message of this version: ended");
		a->end = a->end ?: "channel";
	}
}

/* Read what is there. 0, or -errno: the recorder is gone */
static int input_read(struct agent *a, __u64 *read_ns)
{
	size_t room;
	void *to = agent_rx_room(&a->rx, &room);
	ssize_t n = read(a->in.fd, to, room);

	*read_ns = clock_mono_ns();
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	a->rx.have += n;
	return n ? 0 : -EPIPE;
}

static int input_ready(void *ctx, __u32 events)
{
	struct agent *a = ctx;
	__u64 read_ns;

	(void)events;
	if (a->lost)
		return 0;
	if (input_read(a, &read_ns))
		channel_lost(a);
	else
		messages_handle(a, read_ns);
	if (a->end) /* nothing more to read; an end of file would be ready for ever */
		poller_remove(a->poller, &a->in);
	return 0;
}

static int output_ready(void *ctx, __u32 events)
{
	struct agent *a = ctx;

	if (events & (EPOLLERR | EPOLLHUP))
		channel_lost(a);
	if (a->lost)
		poller_remove(a->poller, &a->out);
	else
		queue_push(a);
	return 0;
}

/* --- what record_run() asks -------------------------------------------------------------------- */

static int channel_open(void *ctx, struct poller *p)
{
	struct agent *a = ctx;
	int err;

	a->poller = p;
	a->in.ready = input_ready;
	a->out.ready = output_ready;
	a->lines.ready = lines_read;
	a->in.ctx = a->out.ctx = a->lines.ctx = a;
	err = poller_add(p, &a->in, EPOLLIN);
	if (!err)
		err = poller_add(p, &a->out, 0);
	return err ? err : poller_add(p, &a->lines, EPOLLIN);
}

static int channel_attached(void *ctx)
{
	struct agent *a = ctx;

	a->hold = false;
	return chunk_send(a, TRACE_GUEST, json_pack("{s:b}", "ready", 1), true);
}

static bool channel_room(void *ctx)
{
	const struct agent *a = ctx;

	return a->queue.bytes < QUEUE_MAX;
}

static const char *channel_ended(void *ctx)
{
	const struct agent *a = ctx;

	return a->end;
}

/* --- the connection ---------------------------------------------------------------------------- */

/* Both directions, once each in the poller also where they are one socket */
static int agent_open(struct agent *a, int in, int out)
{
	int err;

	a->in.fd = in;
	a->out.fd = fcntl(out, F_DUPFD_CLOEXEC, 3);
	a->lines.fd = -1;
	if (a->out.fd < 0)
		return -errno;
	err = endpoint_channel(in, SILENT_MS);
	return err ? err : endpoint_channel(a->out.fd, SILENT_MS);
}

static int hello_send(struct agent *a, const char *own)
{
	struct agent_hello h;
	struct iovec iov = { &h, sizeof(h) };
	int err;

	agent_hello_make(&h, AGENT_FREE, own);
	err = sendq_put(&a->queue, &iov, 1, false);
	return err ? err : sendq_finish(&a->queue, a->out.fd, FINISH_MS);
}

/* The recorder's first message, as JSON; NULL: there is none, said on stderr */
static json_t *start_wait(struct agent *a)
{
	__u64 now = clock_mono_ns(), end = now + (__u64)START_WAIT_MS * NSEC_PER_MS;
	struct pollfd p = { .fd = a->in.fd, .events = POLLIN };
	const void *payload;
	struct agent_msg m;
	json_t *doc = NULL;
	int ret = 0;

	while (!ret && now < end) {
		poll(&p, 1, (end - now) / NSEC_PER_MS + 1);
		if (input_read(a, &now)) {
			msg_error("the recorder left before it said what to record");
			return NULL;
		}
		ret = agent_rx_next(&a->rx, &m, &payload);
	}
	if (ret == 1 && m.kind == AGENT_START) {
		doc = json_loadb(payload, m.len, 0, NULL);
		agent_rx_drop(&a->rx, &m);
	}
	if (ret == -EPROTONOSUPPORT)
		msg_error("the recorder is of another pktlap: use the same version on both sides");
	else if (!ret)
		msg_error("the recorder did not say what to record within %u s", START_WAIT_MS / 1000);
	else if (!doc)
		msg_error("what connected is no pktlap recorder");
	return doc;
}

/* What is written to stderr goes to the recorder from now on */
static int lines_open(struct agent *a)
{
	int fd[2];

	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	fflush(stderr);
	a->lines.fd = fd[0];
	if (dup2(fd[1], STDERR_FILENO) < 0)
		return -errno;
	clearerr(stderr); /* it is another one */
	close(fd[1]);
	return 0;
}

struct wish {
	struct record_config cfg;
	struct filter *filter;
};

/* The recorder sends the filter as libpcap has compiled it: the agent does without libpcap */
static int wish_filter(struct wish *w, const json_t *code)
{
	size_t i, n = json_array_size(code);
	struct sock_filter *insn;
	struct filter_error why;
	int err = -ENOMEM;

	insn = calloc(n, sizeof(*insn));
	w->filter = calloc(1, sizeof(*w->filter));
	if (insn && w->filter) {
		for (i = 0; i < n; i++) {
			__u64 v = json_integer_value(json_array_get(code, i));

			memcpy(&insn[i], &v, sizeof(v));
		}
		err = filter_translate(insn, n, w->filter, &why);
		if (err == -EINVAL || err == -E2BIG)
			msg_error("the recorder's filter: %s", why.why);
	}
	free(insn);
	w->cfg.filter = w->filter;
	return err;
}

/* Which packets */
static int wish_select(struct wish *w, const json_t *doc)
{
	__u64 sample = json_integer_value(json_object_get(doc, "sample"));
	const json_t *code = json_object_get(doc, "filter_code");

	w->cfg.filter_text = json_string_value(json_object_get(doc, "filter")) ?: "";
	w->cfg.sample = sample;
	w->cfg.follow_nat = json_is_true(json_object_get(doc, "follow_nat"));
	if (w->cfg.sample != sample)
		return -EINVAL;
	return json_array_size(code) ? wish_filter(w, code) : 0;
}

/* Without KVM here there is no interrupt of a guest to follow, and its hooks only cost */
static void hops_unwant(bool *want)
{
	if (!access("/sys/module/kvm", F_OK))
		return;
	want[PL_HOP_vhost_signal] = false;
	want[PL_HOP_vmm_signal] = false;
}

/* What the recorder wants; strings stay doc's */
static int wish_parse(struct wish *w, const struct agent *a, const json_t *doc)
{
	const char *hops = json_string_value(json_object_get(doc, "hops"));
	__u64 ring = json_integer_value(json_object_get(doc, "buffer"));
	char bad[64];

	memset(w, 0, sizeof(*w));
	w->cfg.devices = a->cfg->devices;
	w->cfg.ndevices = a->cfg->ndevices;
	if (ring && !record_ring_valid(ring)) {
		msg_error("the recorder asks for what cannot be");
		return -EINVAL;
	}
	w->cfg.ring_bytes = ring;
	if (hops_select(hops, w->cfg.want, w->cfg.asked, bad)) {
		msg_error("no hop is named or matches '%s'", bad);
		return -EINVAL;
	}
	if (!hops)
		hops_unwant(w->cfg.want);
	if (wish_select(w, doc))
		return -EINVAL;
	w->cfg.file = "the recorder";
	w->cfg.quiet = true;
	w->cfg.verbose = a->cfg->verbose;
	w->cfg.argc = a->cfg->argc;
	w->cfg.argv = a->cfg->argv;
	return 0;
}

static int agent_record(struct agent *a, const json_t *start)
{
	const struct record_channel channel = {
		.put = channel_put,
		.open = channel_open,
		.attached = channel_attached,
		.room = channel_room,
		.ended = channel_ended,
		.ctx = a,
	};
	struct record_result res;
	struct wish wish;
	int err = wish_parse(&wish, a, start);

	wish.cfg.channel = &channel;
	a->hold = true;
	if (!err)
		err = record_run(&wish.cfg, &res);
	free(wish.filter);
	a->poller = NULL; /* it is closed */
	a->out_watched = a->hold = false;
	lines_read(a, 0);
	lines_end(&a->said, line_send, a);
	if (err)
		chunk_send(a, TRACE_GUEST, json_pack("{s:b}", "failed", 1), false);
	if (!a->lost && sendq_finish(&a->queue, a->out.fd, FINISH_MS))
		channel_lost(a);
	return err ? err : a->lost ? -EPIPE
				   : 0;
}

int agent_serve(const struct agent_config *cfg, int in, int out, const char *own)
{
	struct agent *a = calloc(1, sizeof(*a));
	json_t *start = NULL;
	int err = -ENOMEM;

	if (!a)
		return err;
	signal(SIGPIPE, SIG_IGN);
	a->cfg = cfg;
	err = agent_open(a, in, out);
	if (!err)
		err = hello_send(a, own);
	if (err) {
		msg_error("cannot greet the recorder: %s", strerror(-err));
		goto out;
	}
	start = start_wait(a);
	err = start ? lines_open(a) : -EPROTO;
	if (!err)
		err = agent_record(a, start);
out:
	json_decref(start);
	sendq_clear(&a->queue);
	if (a->lines.fd > 0)
		close(a->lines.fd);
	if (a->out.fd >= 0)
		close(a->out.fd);
	free(a);
	return err;
}

void agent_refuse(int fd)
{
	struct agent_hello h;

	agent_hello_make(&h, AGENT_BUSY, NULL);
	/* it fits into the empty buffer of a new connection; if not, the recorder sees its end */
	if (send(fd, &h, sizeof(h), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		msg_error("cannot tell a second recorder that the first one is served: %s",
			  strerror(errno));
	close(fd);
}
