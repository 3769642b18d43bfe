// SPDX-License-Identifier: GPL-2.0
#include "guests.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent_proto.h"
#include "clock.h"
#include "guest_stream.h"
#include "lines.h"
#include "sendq.h"
#include "trace_format.h"
#include "util.h"

#define NSEC_PER_SEC   1000000000ULL
#define NSEC_PER_MS    1000000
#define CONNECT_MS     10000
#define HELLO_WAIT_NS  (10 * NSEC_PER_SEC)
#define START_WAIT_NS  (180 * NSEC_PER_SEC) /* a guest under emulation takes half a minute */
#define SYNC_WAIT_NS   NSEC_PER_SEC /* for the last answers */
#define STOP_WAIT_NS   (30 * NSEC_PER_SEC) /* without a byte */
#define STOP_ALL_NS    (300 * NSEC_PER_SEC) /* rings of 32 MiB, packed, over 1 Mbit/s */
#define EOF_WAIT_NS    (NSEC_PER_SEC / 2) /* for the end of a command whose output ended */
#define SILENT_MS      30000 /* TCP: what was sent must be acknowledged in this time */
#define PINGS_AT_ENDS  20
#define PINGS_PER_SEC  3
#define PINGS_KEPT     32 /* answers that come later than so many questions are not used */
#define PING_PATIENCE  NSEC_PER_SEC /* then the next question does not wait for the answer */
#define LINES_MAX      50 /* of a guest on stderr */
#define LAST_PIECES    128 /* of 512 bytes: as much as a pipe holds */
#define READS_PER_TURN 16 /* so that one guest cannot keep the others waiting */

struct guest {
	struct guests *all;
	const char *spec;
	struct endpoint at;
	unsigned int domain;
	enum guest_state state;
	bool open; /* the descriptors are */
	bool paused; /* it is ready, and there is no file yet */
	pid_t pid; /* of its command; 0: none */
	struct poller_fd in, err;
	int out; /* may be in's */
	struct sendq queue;
	struct guest_stream stream;
	char own[sizeof(((struct agent_hello *)0)->own)];
	struct agent_hello hello;
	size_t hello_have;
	__u64 deadline_ns; /* of the state; 0: none */
	__u64 eof_ns; /* its stream ended, and its command may still say why; 0: no */
	__u64 stop_end_ns; /* GUEST_STOPPING ends here, whatever comes */
	__u64 connected_ns, heard_ns, lost_ns;
	char reason[200];
	struct lines err_lines;
	unsigned int lines;
	/* clocks */
	__u64 ping_id, ping_t1[PINGS_KEPT], ping_next_ns;
	bool ping_open; /* the last one has no answer */
	unsigned int pings_open; /* all that have none */
	unsigned int pings_due;
	json_t *syncs; /* not in the file yet */
	__u64 events, lost_events, unfollowed;
	bool uncovered[PL_NR_HOPS];
};

struct guests {
	struct poller *poller;
	struct trace_writer *trace; /* NULL: not begun */
	int err; /* of the file, sticky; or -ECONNABORTED */
	guest_start_fn start;
	void *start_ctx;
	__u64 second_ns; /* next one */
	size_t n;
	struct guest guest[];
};

/* --- the end of a guest -------------------------------------------------------------------------- */

static void descriptors_close(struct guest *g)
{
	if (!g->open)
		return;
	g->open = false;
	poller_remove(g->all->poller, &g->in);
	if (g->out != g->in.fd)
		close(g->out);
	close(g->in.fd);
	sendq_clear(&g->queue);
	guest_stream_free(&g->stream);
}

static int doc_write(struct guest *g, enum trace_chunk kind, json_t *doc)
{
	struct guests *all = g->all;
	int err = doc ? trace_write_doc_in(all->trace, g->domain, kind, doc) : -ENOMEM;

	json_decref(doc);
	all->err = all->err ?: err;
	return err;
}

static void guest_doc_write(struct guest *g)
{
	const bool lost = g->state == GUEST_LOST;

	doc_write(g, TRACE_GUEST, json_pack("{s:o, s:I, s:o, s:o}", "spec", json_text(g->spec), "connected_ns", (json_int_t)g->connected_ns, "lost_ns", lost ? json_integer(g->lost_ns) : json_null(), "reason", lost ? json_text(g->reason) : json_null()));
}

static void syncs_write(struct guest *g)
{
	json_t *syncs = g->syncs;

	g->syncs = NULL;
	if (syncs)
		doc_write(g, TRACE_SYNC, syncs);
}

static void guest_lost(struct guest *g, __u64 at_ns, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* at_ns: since when it is missing */
static void guest_lost(struct guest *g, __u64 at_ns, const char *fmt, ...)
{
	const bool began = g->state >= GUEST_READY && g->all->trace;
	va_list ap;

	if (g->state >= GUEST_DONE)
		return;
	va_start(ap, fmt);
	vsnprintf(g->reason, sizeof(g->reason), fmt, ap);
	va_end(ap);
	g->state = GUEST_LOST;
	g->lost_ns = at_ns;
	descriptors_close(g);
	if (!began) {
		msg_error("guest %s: %s", g->spec, g->reason);
		g->all->err = g->all->err ?: -ECONNABORTED;
		return;
	}
	msg_error("guest %s is missing from here on: %s", g->spec, g->reason);
	syncs_write(g);
	guest_doc_write(g);
}

/*
 * The stream ended where it should not. A command's status says more, and may come a little later:
 * the guest is lost then
 */
static void guest_eof(struct guest *g)
{
	g->eof_ns = clock_mono_ns();
	g->deadline_ns = g->eof_ns + EOF_WAIT_NS;
	descriptors_close(g);
	if (!g->pid)
		guest_lost(g, g->eof_ns, "the connection ended");
}

static void eof_work(struct guest *g, __u64 now)
{
	int status;

	if (waitpid(g->pid, &status, WNOHANG) != g->pid) {
		if (now >= g->deadline_ns)
			guest_lost(g, g->eof_ns, "the connection ended");
		return;
	}
	g->pid = 0;
	if (WIFSIGNALED(status))
		guest_lost(g, g->eof_ns, "its command was killed by signal %d", WTERMSIG(status));
	else
		guest_lost(g, g->eof_ns, "its command ended with status %d", WEXITSTATUS(status));
}

/* --- to the agent -------------------------------------------------------------------------------- */

static void queue_push(struct guest *g)
{
	int err = sendq_write(&g->queue, g->out);

	/* its end is found by reading, with what it had to say before */
	if (err && err != -EPIPE && err != -ECONNRESET)
		guest_lost(g, clock_mono_ns(), "cannot send to it: %s", strerror(-err));
}

static void msg_send(struct guest *g, enum agent_msg_kind kind, const void *payload, __u32 len)
{
	struct agent_msg m;
	struct iovec iov[] = { { &m, sizeof(m) }, { (void *)payload, len } };

	agent_msg_make(&m, kind, payload, len);
	if (sendq_put(&g->queue, iov, 2, false))
		guest_lost(g, clock_mono_ns(), "no memory");
	else
		queue_push(g);
}

static void ping_send(struct guest *g)
{
	struct agent_ping ping = { .id = ++g->ping_id };

	g->pings_due--;
	g->pings_open++;
	g->ping_open = true;
	g->ping_t1[ping.id % PINGS_KEPT] = clock_mono_ns();
	msg_send(g, AGENT_PING, &ping, sizeof(ping));
}

static void pings_work(struct guest *g, __u64 now)
{
	__u64 last = g->ping_t1[g->ping_id % PINGS_KEPT];

	if (!g->pings_due || g->queue.bytes || !g->all->trace)
		return;
	if (!g->ping_open || now - last > PING_PATIENCE)
		ping_send(g);
}

/* --- from the agent ------------------------------------------------------------------------------ */

static void line_show(void *ctx, const char *text)
{
	struct guest *g = ctx;

	if (g->lines++ < LINES_MAX)
		msg_error("guest %s: %s", g->spec, text);
	else if (g->lines == LINES_MAX + 1)
		msg_error("guest %s: more lines follow, which are not shown", g->spec);
}

/* t1 .. t4 of one exchange, in the order in which they happened, t2 and t3 by the guest's clock */
static void pong_take(struct guest *g, const json_t *doc, __u64 t4)
{
	__u64 id = json_integer_value(json_object_get(doc, "id"));
	__s64 t2 = json_integer_value(json_object_get(doc, "t2"));
	__s64 t3 = json_integer_value(json_object_get(doc, "t3"));
	__s64 t1, trip;

	if (!id || id > g->ping_id || g->ping_id - id >= PINGS_KEPT)
		return;
	t1 = g->ping_t1[id % PINGS_KEPT];
	trip = t4 - t1;
	g->ping_t1[id % PINGS_KEPT] = 0;
	if (id == g->ping_id)
		g->ping_open = false;
	if (!t1 || t2 < 0 || t3 < t2 || t3 - t2 > trip)
		return;
	if (!g->syncs)
		g->syncs = json_array();
	json_array_append_new(g->syncs, json_pack("{s:s, s:I, s:I, s:I}", "method", "exchange", "guest_ns", (json_int_t)(t2 + (t3 - t2) / 2), "host_ns", (json_int_t)(t1 + trip / 2), "width_ns", (json_int_t)(trip - (t3 - t2))));
	pings_work(g, t4);
}

static void ready_take(struct guest *g, __u64 now)
{
	if (g->state != GUEST_STARTING)
		return;
	g->state = GUEST_READY;
	g->deadline_ns = 0;
	g->connected_ns = now;
	g->pings_due = PINGS_AT_ENDS;
	g->paused = true;
	poller_set(g->all->poller, &g->in, 0);
}

static void own_doc_take(struct guest *g, const json_t *doc, __u64 now)
{
	const char *message = json_string_value(json_object_get(doc, "message"));

	if (message)
		line_show(g, message);
	if (json_is_true(json_object_get(doc, "ready")))
		ready_take(g, now);
	if (json_is_true(json_object_get(doc, "failed")))
		guest_lost(g, now, "its agent cannot record");
}

static void counts_take(struct guest *g, const json_t *doc)
{
	json_t *hooks = json_object_get(doc, "hooks"), *hook;
	const char *id;

	g->lost_events = 0;
	json_object_foreach(hooks, id, hook)
		g->lost_events += json_integer_value(json_object_get(hook, "lost"));
	g->unfollowed = json_integer_value(json_object_get(doc, "unfollowed"));
}

static void hops_take(struct guest *g, const json_t *doc)
{
	const char *name, *state;
	json_t *row;
	size_t i;

	memset(g->uncovered, 0, sizeof(g->uncovered));
	json_array_foreach(doc, i, row) {
		name = json_string_value(json_object_get(row, "hop"));
		state = json_string_value(json_object_get(row, "state"));
		if (name && state && !strcmp(state, "uncovered"))
			g->uncovered[hop_by_name(name)] = true;
	}
}

static void done_take(struct guest *g)
{
	if (g->state == GUEST_STOPPING) {
		syncs_write(g);
		g->state = GUEST_DONE;
		descriptors_close(g);
	} else {
		guest_lost(g, clock_mono_ns(), "its agent was ended");
	}
}

/* What is for the recorder itself, or of interest to it */
static void doc_look(struct guest *g, const struct trace_chunk_header *h, const void *payload,
		     __u64 now)
{
	json_t *doc = json_loadb(payload, h->stored, 0, NULL);

	if (h->kind == TRACE_SYNC)
		pong_take(g, doc, now);
	else if (h->kind == TRACE_GUEST)
		own_doc_take(g, doc, now);
	else if (h->kind == TRACE_HOPS)
		hops_take(g, doc);
	else
		counts_take(g, doc);
	json_decref(doc);
}

static void chunk_take(struct guest *g, const struct trace_chunk_header *h, const void *payload,
		       __u64 now)
{
	const char *what;
	int err;

	if (guest_stream_limit(&g->stream, h, now, &what)) {
		guest_lost(g, now, "%s", what);
		return;
	}
	if (h->kind == TRACE_SYNC && !g->pings_open--) {
		guest_lost(g, now, "it answers what it was not asked");
		return;
	}
	if (h->kind == TRACE_SYNC || h->kind == TRACE_GUEST) {
		doc_look(g, h, payload, now);
		return;
	}
	if (!g->all->trace)
		return; /* of a recording that failed before it began */
	err = trace_write_raw(g->all->trace, g->domain, h, payload);
	if (err == -EBADMSG) {
		guest_lost(g, now, "it sent what no agent sends");
		return;
	}
	if (err) {
		g->all->err = err;
		return;
	}
	if (h->kind == TRACE_EVENTS)
		g->events += h->count;
	else if (h->kind == TRACE_COUNTS || h->kind == TRACE_HOPS)
		doc_look(g, h, payload, now);
	else if (h->kind == TRACE_END)
		done_take(g);
}

static void chunks_take(struct guest *g, __u64 now)
{
	struct trace_chunk_header h;
	const void *payload;
	const char *what;
	int ret = 0;

	while (g->open && !g->paused && !g->all->err &&
	       (ret = guest_stream_next(&g->stream, &h, &payload, &what)) > 0)
		chunk_take(g, &h, payload, now);
	if (ret < 0)
		guest_lost(g, now, "%s", what);
}

/* The end is waited for as long as something comes, but not for ever */
static void stop_wait(struct guest *g, __u64 now)
{
	g->deadline_ns = now + STOP_WAIT_NS < g->stop_end_ns ? now + STOP_WAIT_NS : g->stop_end_ns;
}

static void stream_read(struct guest *g)
{
	size_t room;
	void *to;
	ssize_t n;
	__u64 now;
	int i;

	for (i = 0; i < READS_PER_TURN && g->open && !g->paused; i++) {
		to = guest_stream_room(&g->stream, &room);
		if (!to) {
			guest_lost(g, clock_mono_ns(), "no memory");
			return;
		}
		n = read(g->in.fd, to, room);
		now = clock_mono_ns();
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			if (n < 0 && errno != ECONNRESET && errno != EIO)
				guest_lost(g, now, "the connection broke: %s", strerror(errno));
			else
				guest_eof(g);
			return;
		}
		g->heard_ns = now;
		if (g->state == GUEST_STOPPING) /* a slow channel still brings what waited for it */
			stop_wait(g, now);
		guest_stream_add(&g->stream, n);
		chunks_take(g, now);
	}
}

static void start_send(struct guest *g)
{
	struct guests *all = g->all;
	json_t *doc = all->start(all->start_ctx, g->domain - 1, g->hello.own);
	char *text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;

	json_decref(doc);
	if (!doc)
		all->err = all->err ?: -ECONNABORTED;
	else if (!text || len > AGENT_MSG_MAX)
		guest_lost(g, clock_mono_ns(), "the filter is too large for its agent");
	else
		msg_send(g, AGENT_START, text, len);
	free(text);
}

static void hello_read(struct guest *g)
{
	char why[256];
	ssize_t n = read(g->in.fd, (char *)&g->hello + g->hello_have,
			 sizeof(g->hello) - g->hello_have);
	int err;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		guest_eof(g);
		return;
	}
	g->hello_have += n;
	if (g->hello_have < sizeof(g->hello) &&
	    (g->hello_have < sizeof(g->hello.magic) ||
	     !memcmp(g->hello.magic, AGENT_HELLO_MAGIC, sizeof(g->hello.magic))))
		return;
	err = agent_hello_check(&g->hello, why, sizeof(why));
	if (err) {
		guest_lost(g, clock_mono_ns(), "%s", why);
		return;
	}
	g->state = GUEST_STARTING;
	g->deadline_ns = clock_mono_ns() + START_WAIT_NS;
	if (g->at.kind == ENDPOINT_EXEC) /* else the host knows better: there may be NAT on the way */
		memcpy(g->own, g->hello.own, sizeof(g->own));
	start_send(g);
}

static int guest_readable(void *ctx, __u32 events)
{
	struct guest *g = ctx;

	if (!g->open)
		return 0;
	if (g->state == GUEST_HELLO)
		hello_read(g);
	else if (!g->paused)
		stream_read(g);
	else if (events & (EPOLLHUP | EPOLLERR))
		guest_eof(g);
	return 0;
}

/* One piece of its command's stderr, line by line; false: there is none now */
static bool err_piece(struct guest *g)
{
	char buf[512];
	ssize_t n = read(g->err.fd, buf, sizeof(buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		poller_remove(g->all->poller, &g->err);
		return false;
	}
	lines_add(&g->err_lines, buf, n, line_show, g);
	return true;
}

static int guest_err_read(void *ctx, __u32 events)
{
	(void)events;
	err_piece(ctx);
	return 0;
}

/* What is there now and no more: who else holds the pipe may go on for ever */
static void last_words(struct guest *g)
{
	int i;

	for (i = 0; i < LAST_PIECES && err_piece(g); i++)
		;
	lines_end(&g->err_lines, line_show, g);
}

/* --- connections --------------------------------------------------------------------------------- */

static int command_start(struct guest *g)
{
	int fd[3], err = endpoint_exec(g->at.command, &g->pid, fd);

	if (err) {
		msg_error("guest %s: cannot start the command: %s", g->spec, strerror(-err));
		return err;
	}
	g->out = fd[0];
	g->in.fd = fd[1];
	g->err = (struct poller_fd){ fd[2], guest_err_read, g };
	return poller_add(g->all->poller, &g->err, EPOLLIN);
}

static int socket_open(struct guest *g)
{
	char why[256];

	g->in.fd = g->out = endpoint_connect(&g->at, CONNECT_MS, why, sizeof(why));
	if (g->in.fd < 0) {
		msg_error("guest %s: %s", g->spec, why);
		return -ECONNABORTED;
	}
	endpoint_own(g->in.fd, g->own, sizeof(g->own));
	return endpoint_channel(g->in.fd, SILENT_MS);
}

static int guest_connect(struct guest *g)
{
	char why[512];
	int err = endpoint_parse(g->spec, &g->at, why, sizeof(why));

	if (err) {
		msg_error("--guest: %s", why);
		return err;
	}
	err = g->at.kind == ENDPOINT_EXEC ? command_start(g) : socket_open(g);
	g->open = g->in.fd >= 0;
	if (err)
		return err;
	g->in.ready = guest_readable;
	g->in.ctx = g;
	return poller_add(g->all->poller, &g->in, EPOLLIN);
}

int guests_open(const char *const *specs, size_t n, guest_start_fn start, void *ctx,
		struct poller *p, struct guests **out)
{
	struct guests *all = calloc(1, sizeof(*all) + n * sizeof(struct guest));
	size_t i;
	__u64 now;
	int err = 0;

	if (!all)
		return -ENOMEM;
	all->poller = p;
	all->n = n;
	all->start = start;
	all->start_ctx = ctx;
	for (i = 0; i < n; i++) {
		all->guest[i].all = all;
		all->guest[i].spec = specs[i];
		all->guest[i].domain = i + 1;
		all->guest[i].in.fd = all->guest[i].err.fd = all->guest[i].out = -1;
	}
	for (i = 0; !err && i < n; i++)
		err = guest_connect(&all->guest[i]);
	if (err) {
		guests_close(all);
		return err;
	}
	now = clock_mono_ns(); /* a connect takes its time: until here none was listened to */
	for (i = 0; i < n; i++)
		all->guest[i].deadline_ns = now + HELLO_WAIT_NS;
	*out = all;
	return 0;
}

/* --- phases ---------------------------------------------------------------------------------------- */

static void patience_check(struct guest *g, __u64 now)
{
	if (!g->deadline_ns || now < g->deadline_ns)
		return;
	switch (g->state) {
	case GUEST_HELLO:
		guest_lost(g, now, "no agent has answered within %llu s", HELLO_WAIT_NS / NSEC_PER_SEC);
		break;
	case GUEST_STARTING:
		guest_lost(g, now, "its agent has not attached within %llu s",
			   START_WAIT_NS / NSEC_PER_SEC);
		break;
	case GUEST_READY: /* the last answers did not come: never mind */
		g->pings_due = 0;
		g->ping_open = false;
		break;
	case GUEST_STOPPING:
		if (now >= g->stop_end_ns)
			guest_lost(g, g->heard_ns, "it has not come to its end within %llu s",
				   STOP_ALL_NS / NSEC_PER_SEC);
		else
			guest_lost(g, g->heard_ns, "nothing came from its agent for %llu s",
				   STOP_WAIT_NS / NSEC_PER_SEC);
		break;
	default:
		break;
	}
}

/* guests_stop() was called, and the clocks are compared */
static void stop_send(struct guest *g, __u64 now)
{
	if (g->state != GUEST_READY || !g->deadline_ns || g->pings_due || g->ping_open)
		return;
	g->state = GUEST_STOPPING;
	g->stop_end_ns = now + STOP_ALL_NS;
	stop_wait(g, now);
	msg_send(g, AGENT_STOP, "", 0);
}

static void guest_work(struct guest *g, __u64 now, bool second)
{
	if (g->state >= GUEST_DONE)
		return;
	if (g->eof_ns) {
		eof_work(g, now);
		return;
	}
	patience_check(g, now);
	if (g->open && g->queue.bytes)
		queue_push(g);
	if (g->state == GUEST_READY && g->all->trace) {
		if (second && !g->pings_due && !g->deadline_ns)
			g->pings_due = PINGS_PER_SEC;
		pings_work(g, now);
		stop_send(g, now);
	}
	if (second && g->all->trace && g->state < GUEST_DONE)
		syncs_write(g);
}

int guests_work(struct guests *all)
{
	__u64 now = clock_mono_ns();
	bool second;
	size_t i;

	if (!all)
		return 0;
	second = now >= all->second_ns;
	if (second)
		all->second_ns = now + NSEC_PER_SEC;
	for (i = 0; i < all->n; i++)
		guest_work(&all->guest[i], now, second);
	return all->err;
}

bool guests_in(const struct guests *all, enum guest_state state)
{
	size_t i;

	for (i = 0; all && i < all->n; i++)
		if (all->guest[i].state <= state)
			return true;
	return false;
}

void guests_begin(struct guests *all, struct trace_writer *w)
{
	__u64 now = clock_mono_ns();
	struct guest *g;
	size_t i;

	all->trace = w;
	all->second_ns = now + NSEC_PER_SEC;
	for (i = 0; i < all->n; i++) {
		g = &all->guest[i];
		guest_doc_write(g);
		g->paused = false;
		if (g->open)
			poller_set(all->poller, &g->in, EPOLLIN);
		chunks_take(g, now);
	}
}

void guests_stop(struct guests *all)
{
	__u64 now = clock_mono_ns();
	struct guest *g;
	size_t i;

	for (i = 0; i < all->n; i++) {
		g = &all->guest[i];
		if (g->state != GUEST_READY || g->eof_ns)
			continue;
		g->pings_due = PINGS_AT_ENDS;
		g->deadline_ns = now + SYNC_WAIT_NS;
	}
}

int guests_give_up(struct guests *all)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		guest_lost(&all->guest[i], all->guest[i].heard_ns, "not waited for");
	return all->err;
}

const char *guest_own(const struct guests *all, size_t i)
{
	return all->guest[i].own;
}

size_t guests_count(const struct guests *all)
{
	return all ? all->n : 0;
}

void guest_result_get(const struct guests *all, size_t i, struct guest_result *res)
{
	const struct guest *g = &all->guest[i];

	res->spec = g->spec;
	res->events = g->events;
	res->lost = g->lost_events;
	res->unfollowed = g->unfollowed;
	memcpy(res->uncovered, g->uncovered, sizeof(res->uncovered));
	res->missing = g->state != GUEST_DONE;
}

/* Its command ends when its input does; if not, it and what it started is told to */
static void command_end(struct guest *g)
{
	static const int signals[] = { 0, SIGTERM, SIGKILL };
	const struct timespec pause = { .tv_nsec = 10 * NSEC_PER_MS };
	size_t s;
	int i;

	for (s = 0; g->pid > 0 && s < sizeof(signals) / sizeof(*signals); s++) {
		if (signals[s])
			kill(-g->pid, signals[s]);
		for (i = 0; i < 100 && g->pid; i++) {
			if (waitpid(g->pid, NULL, WNOHANG) == g->pid)
				g->pid = 0;
			else
				nanosleep(&pause, NULL);
		}
	}
}

void guests_close(struct guests *all)
{
	struct guest *g;
	size_t i;

	if (!all)
		return;
	for (i = 0; i < all->n; i++)
		descriptors_close(&all->guest[i]);
	for (i = 0; i < all->n; i++) {
		g = &all->guest[i];
		command_end(g);
		if (g->err.fd >= 0) {
			last_words(g);
			poller_remove(all->poller, &g->err);
			close(g->err.fd);
		}
		json_decref(g->syncs);
	}
	free(all);
}
