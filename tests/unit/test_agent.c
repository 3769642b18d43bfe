// SPDX-License-Identifier: GPL-2.0
/* What recorder and agent say to each other: in pieces, damaged, forged, too much of it */
#include "trace_files.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "agent_proto.h"
#include "endpoint.h"
#include "guest_stream.h"
#include "poller.h"
#include "sendq.h"
#include "trace_format.h"

#define SEC 1000000000ULL

/* --- first words --------------------------------------------------------------------------------- */

static int hello_is(const struct agent_hello *h, const char *word)
{
	char why[256] = "";
	int ret = agent_hello_check(h, why, sizeof(why));

	if (!strstr(why, word) || strchr(why, '\n'))
		fail_msg("\"%s\" should be one line with \"%s\"", why, word);
	return ret;
}

static void hello_sealed(struct agent_hello *h)
{
	h->crc = trace_crc(h, offsetof(struct agent_hello, crc));
}

static void hello(void **state)
{
	struct agent_hello h;
	size_t i;

	(void)state;
	agent_hello_make(&h, AGENT_FREE, "10.0.0.1 22 10.0.0.2 40000");
	assert_int_equal(hello_is(&h, ""), 0);
	assert_string_equal(h.own, "10.0.0.1 22 10.0.0.2 40000");
	for (i = 0; i < sizeof(h); i++) {
		((unsigned char *)&h)[i] ^= 0x20;
		assert_true(hello_is(&h, "agent") < 0);
		((unsigned char *)&h)[i] ^= 0x20;
	}
	h.proto++;
	hello_sealed(&h);
	assert_int_equal(hello_is(&h, "same version"), -EPROTONOSUPPORT);
	agent_hello_make(&h, AGENT_FREE, NULL);
	h.trace--;
	hello_sealed(&h);
	assert_int_equal(hello_is(&h, "same version"), -EPROTONOSUPPORT);
	strcpy(h.version, "1\n\33[2J");
	hello_sealed(&h);
	assert_int_equal(hello_is(&h, "pktlap 1..[2J (protocol"), -EPROTONOSUPPORT);
	agent_hello_make(&h, AGENT_BUSY, NULL);
	assert_int_equal(hello_is(&h, "another recorder"), -EBUSY);
	/* text without its end, under a right checksum */
	agent_hello_make(&h, AGENT_FREE, NULL);
	memset(h.version, 'x', sizeof(h.version));
	hello_sealed(&h);
	assert_int_equal(hello_is(&h, "damaged"), -EBADMSG);
	memset(&h, 'x', sizeof(h));
	assert_int_equal(hello_is(&h, "no pktlap agent"), -EMEDIUMTYPE);
}

/* Whatever a guest says of its connection, only addresses and ports get into the filter */
static void own_connection(void **state)
{
	static const char *const bad[] = {
		"",
		"10.0.0.1 22 10.0.0.2",
		"10.0.0.1 22 10.0.0.2 70000",
		"10.0.0.1 22 10.0.0.2 4 or tcp",
		"10.0.0.1 22 10.0.0.2) 4",
		"host 22 10.0.0.2 4",
		"10.0.0.1 22 fe80::1 4",
		"10.0.0.1 -1 10.0.0.2 4",
	};
	char expr[512];
	size_t i;

	(void)state;
	assert_int_equal(agent_own_filter("10.0.0.1 22 10.0.0.2 40000", expr, sizeof(expr)), 0);
	assert_string_equal(expr, "not (tcp and ((src host 10.0.0.1 and src port 22 and dst host "
				  "10.0.0.2 and dst port 40000) or (src host 10.0.0.2 and src port "
				  "40000 and dst host 10.0.0.1 and dst port 22)))");
	assert_int_equal(agent_own_filter("fe80::1 22 fe80::2 4", expr, sizeof(expr)), 0);
	assert_int_equal(agent_own_filter("fe80::1 22 fe80::2 4", expr, 40), -EINVAL);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (agent_own_filter(bad[i], expr, sizeof(expr)) != -EINVAL)
			fail_msg("'%s' was taken: %s", bad[i], expr);
}

static void endpoints(void **state)
{
	static const struct {
		const char *spec;
		int ret, kind;
		unsigned int cid, port;
		const char *host, *service;
	} cases[] = {
		{ "vsock:3", 0, ENDPOINT_VSOCK, 3, AGENT_PORT, "", "" },
		{ "vsock:4294967294:1", 0, ENDPOINT_VSOCK, 4294967294, 1, "", "" },
		{ "vsock:", -EINVAL, 0, 0, 0, "", "" },
		{ "vsock:x", -EINVAL, 0, 0, 0, "", "" },
		{ "vsock:3:", -EINVAL, 0, 0, 0, "", "" },
		{ "vsock:4294967295", -EINVAL, 0, 0, 0, "", "" },
		{ "vsock:3:5000x", -EINVAL, 0, 0, 0, "", "" },
		{ "tcp:vm1", 0, ENDPOINT_TCP, 0, AGENT_PORT, "vm1", "7311" },
		{ "tcp:10.0.0.2:80", 0, ENDPOINT_TCP, 0, AGENT_PORT, "10.0.0.2", "80" },
		{ "tcp:[fe80::1]:80", 0, ENDPOINT_TCP, 0, AGENT_PORT, "fe80::1", "80" },
		{ "tcp:[fe80::1]", 0, ENDPOINT_TCP, 0, AGENT_PORT, "fe80::1", "7311" },
		{ "tcp:[fe80::1", -EINVAL, 0, 0, 0, "", "" },
		{ "tcp:a:0", -EINVAL, 0, 0, 0, "", "" },
		{ "tcp:a:65536", -EINVAL, 0, 0, 0, "", "" },
		{ "tcp:", -EINVAL, 0, 0, 0, "", "" },
		{ "exec:", -EINVAL, 0, 0, 0, "", "" },
		{ "exec:ssh vm pktlap agent --stdio", 0, ENDPOINT_EXEC, 0, AGENT_PORT, "", "" },
		{ "3", -EINVAL, 0, 0, 0, "", "" },
		{ "", -EINVAL, 0, 0, 0, "", "" },
		{ "udp:a:1", -EINVAL, 0, 0, 0, "", "" },
	};
	struct endpoint e;
	char why[512];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		*why = 0;
		if (endpoint_parse(cases[i].spec, &e, why, sizeof(why)) != cases[i].ret)
			fail_msg("%s: %s", cases[i].spec, why);
		if (cases[i].ret)
			continue;
		assert_int_equal(e.kind, cases[i].kind);
		assert_int_equal(e.cid, cases[i].cid);
		assert_int_equal(e.port, cases[i].port);
		assert_string_equal(e.host, cases[i].host);
		assert_string_equal(e.service, cases[i].service);
	}
	assert_int_equal(endpoint_parse("exec:a b", &e, why, sizeof(why)), 0);
	assert_string_equal(e.command, "a b");
}

static int tcp_option(int fd, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);

	getsockopt(fd, IPPROTO_TCP, option, &value, &len);
	return value;
}

/* Both sides' connections are the same; what is no TCP does without */
static void channels(void **state)
{
	int fd[2], tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_true(tcp >= 0);
	assert_int_equal(endpoint_channel(tcp, 77000), 0);
	assert_int_equal(tcp_option(tcp, TCP_NODELAY), 1);
	assert_int_equal(tcp_option(tcp, TCP_USER_TIMEOUT), 77000);
	assert_in_range(tcp_option(tcp, TCP_NOTSENT_LOWAT), 1, 65536);
	assert_true(fcntl(tcp, F_GETFL) & O_NONBLOCK);
	close(tcp);
	assert_int_equal(endpoint_channel(tcp, 1), -EBADF);
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	assert_int_equal(endpoint_channel(fd[1], 1), 0);
	assert_true(fcntl(fd[1], F_GETFL) & O_NONBLOCK);
	close(fd[0]);
	close(fd[1]);
}

/* --- messages to the agent ----------------------------------------------------------------------- */

static size_t message_put(unsigned char *to, enum agent_msg_kind kind, const void *payload, __u32 len)
{
	struct agent_msg m;

	agent_msg_make(&m, kind, payload, len);
	memcpy(to, &m, sizeof(m));
	memcpy(to + sizeof(m), payload, len);
	return sizeof(m) + len;
}

static void rx_feed(struct agent_rx *rx, const void *p, size_t n)
{
	size_t room;
	void *to = agent_rx_room(rx, &room);

	assert_true(room >= n);
	memcpy(to, p, n);
	rx->have += n;
}

/* Three messages in pieces of every size */
static void messages_in_pieces(void **state)
{
	static const char start[] = "{\"hops\":\"nic:*\"}";
	const struct agent_ping ping = { .id = 77 };
	struct agent_rx *rx = calloc(1, sizeof(*rx));
	unsigned char all[256];
	const void *payload;
	struct agent_msg m;
	size_t n = 0, piece, at, got, len;

	(void)state;
	assert_non_null(rx);
	n += message_put(all + n, AGENT_START, start, sizeof(start) - 1);
	n += message_put(all + n, AGENT_PING, &ping, sizeof(ping));
	n += message_put(all + n, AGENT_STOP, "", 0);
	for (piece = 1; piece <= n; piece++) {
		rx->have = got = 0;
		for (at = 0; at < n; at += len) {
			len = n - at < piece ? n - at : piece;
			rx_feed(rx, all + at, len);
			while (agent_rx_next(rx, &m, &payload) == 1) {
				assert_int_equal(m.kind, AGENT_START + got);
				if (m.kind == AGENT_START)
					assert_memory_equal(payload, start, sizeof(start) - 1);
				if (m.kind == AGENT_PING)
					assert_memory_equal(payload, &ping, sizeof(ping));
				agent_rx_drop(rx, &m);
				got++;
			}
		}
		assert_int_equal(got, 3);
		assert_int_equal(rx->have, 0);
	}
	free(rx);
}

/* A changed byte never makes a message that was not sent */
static void messages_damaged(void **state)
{
	struct agent_rx *rx = calloc(1, sizeof(*rx));
	const struct agent_ping ping = { .id = 1 };
	unsigned char all[64];
	size_t n = message_put(all, AGENT_PING, &ping, sizeof(ping)), i, bit;
	const void *payload;
	struct agent_msg m;

	(void)state;
	assert_non_null(rx);
	for (i = 0; i < n; i++)
		for (bit = 0; bit < 8; bit++) {
			rx->have = 0;
			all[i] ^= 1 << bit;
			rx_feed(rx, all, n);
			all[i] ^= 1 << bit;
			assert_true(agent_rx_next(rx, &m, &payload) <= 0);
		}
	/* sizes and kinds that cannot be, under right checksums; the buffer is never full for nothing */
	memset(&m, 0, sizeof(m));
	agent_msg_make(&m, AGENT_STOP, "", 0);
	m.len = AGENT_MSG_MAX + 1;
	rx->have = 0;
	rx_feed(rx, &m, sizeof(m));
	assert_int_equal(agent_rx_next(rx, &m, &payload), -EBADMSG);
	agent_msg_make(&m, AGENT_NR_MSGS, "", 0);
	rx->have = 0;
	rx_feed(rx, &m, sizeof(m));
	assert_int_equal(agent_rx_next(rx, &m, &payload), -EBADMSG);
	agent_msg_make(&m, AGENT_PING, "", 0);
	rx->have = 0;
	rx_feed(rx, &m, sizeof(m));
	assert_int_equal(agent_rx_next(rx, &m, &payload), -EBADMSG);
	agent_msg_make(&m, AGENT_STOP, "", 0);
	m.proto++;
	rx->have = 0;
	rx_feed(rx, &m, sizeof(m));
	assert_int_equal(agent_rx_next(rx, &m, &payload), -EPROTONOSUPPORT);
	free(rx);
}

/* --- the guest's stream ---------------------------------------------------------------------------- */

static int bytes_put(void *ctx, struct iovec *iov, int n)
{
	struct bytes *b = ctx;
	int i;

	for (i = 0; i < n; i++) {
		b->p = realloc(b->p, b->n + iov[i].iov_len);
		assert_non_null(b->p);
		memcpy(b->p + b->n, iov[i].iov_base, iov[i].iov_len);
		b->n += iov[i].iov_len;
	}
	return 0;
}

/* What an agent sends, with a document larger than a block of events */
static struct bytes stream_make(void)
{
	struct bytes b = { NULL, 0 };
	struct trace_writer *w;
	struct pl_event ev;
	char *large = malloc(300001);
	__u64 r = 3;
	json_t *doc;
	int i;

	assert_non_null(large);
	memset(large, 'y', 300000);
	large[300000] = 0;
	assert_int_equal(trace_create_stream(bytes_put, &b, hide_key, &w), 0);
	for (i = 0; i < 300; i++) {
		event_random(&ev, &r);
		ev.ts = i;
		assert_int_equal(trace_write_event(w, i % 2, &ev), 0);
	}
	doc = json_pack("[s]", large);
	assert_int_equal(trace_write_doc(w, TRACE_DEVICES, doc), 0);
	json_decref(doc);
	doc = json_object();
	assert_int_equal(trace_write_doc(w, TRACE_END, doc), 0);
	json_decref(doc);
	assert_int_equal(trace_finish(w), 0);
	free(large);
	return b;
}

/* Feed b in pieces. Chunks seen, or -EBADMSG. events: how many in them */
static int stream_run(const struct bytes *b, size_t piece, size_t *events)
{
	struct guest_stream s = { 0 };
	struct trace_chunk_header h;
	const void *payload;
	const char *what = NULL;
	size_t at = 0, room, n;
	int ret = 0, chunks = 0;
	void *to;

	*events = 0;
	while (at < b->n && ret >= 0) {
		to = guest_stream_room(&s, &room);
		assert_non_null(to);
		assert_true(room > 0);
		assert_true(s.room <= sizeof(h) + TRACE_DOC_MAX);
		n = b->n - at < piece ? b->n - at : piece;
		n = n < room ? n : room;
		memcpy(to, b->p + at, n);
		at += n;
		guest_stream_add(&s, n);
		while ((ret = guest_stream_next(&s, &h, &payload, &what)) == 1) {
			assert_int_equal(trace_crc(payload, h.stored), h.payload_crc);
			*events += h.kind == TRACE_EVENTS ? h.count : 0;
			chunks++;
		}
	}
	if (ret < 0)
		assert_non_null(what);
	guest_stream_free(&s);
	return ret < 0 ? ret : chunks;
}

static void stream_in_pieces(void **state)
{
	static const size_t pieces[] = { 1, 3, 47, 48, 49, 1000, 65536, 131072, 1 << 20 };
	struct bytes b = stream_make();
	size_t i, events;

	(void)state;
	for (i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		assert_int_equal(stream_run(&b, pieces[i], &events), 5);
		assert_int_equal(events, 300);
	}
	free(b.p);
}

/* Each byte changed: an error, or fewer chunks (the rest is waited for), never another one */
static void stream_damaged(void **state)
{
	struct bytes b = stream_make();
	size_t i, events, refused = 0;
	int ret;

	(void)state;
	for (i = 0; i < b.n; i += i < 30000 ? 1 : 997) {
		b.p[i] ^= 0x41;
		ret = stream_run(&b, 1 << 20, &events);
		b.p[i] ^= 0x41;
		assert_int_equal(ret, -EBADMSG);
		assert_true(events <= 300);
		refused++;
	}
	assert_true(refused > 1000);
	free(b.p);
}

/* What looks like a chunk and promises too much takes no memory */
static void stream_promises(void **state)
{
	struct guest_stream s = { 0 };
	struct trace_chunk_header h = { .kind = TRACE_TASKS, .stored = TRACE_DOC_MAX + 1 };
	struct trace_header th = { .endian = TRACE_ENDIAN, .version = TRACE_VERSION + 1 };
	const void *payload;
	const char *what;
	size_t room;

	(void)state;
	memcpy(h.magic, TRACE_CHUNK_MAGIC, 4);
	h.crc = trace_crc(&h, offsetof(struct trace_chunk_header, crc));
	memcpy(guest_stream_room(&s, &room), &h, sizeof(h));
	guest_stream_add(&s, sizeof(h));
	assert_int_equal(guest_stream_next(&s, &h, &payload, &what), -EBADMSG);
	guest_stream_free(&s);
	memcpy(th.magic, TRACE_MAGIC, 8);
	th.event_size = sizeof(struct pl_event);
	th.crc = trace_crc(&th, offsetof(struct trace_header, crc));
	memcpy(guest_stream_room(&s, &room), &th, sizeof(th));
	guest_stream_add(&s, sizeof(th));
	assert_int_equal(guest_stream_next(&s, &h, &payload, &what), -EBADMSG);
	assert_non_null(strstr(what, "format"));
	guest_stream_free(&s);
}

/* Two documents a second for a day are an agent's, or held up for half an hour; more are not */
static void stream_limits(void **state)
{
	struct guest_stream s = { 0 };
	struct trace_chunk_header doc = { .kind = TRACE_CLOCK, .stored = 150 };
	struct trace_chunk_header changes = { .kind = TRACE_CHANGES, .stored = 1 << 20 };
	struct trace_chunk_header events = { .kind = TRACE_EVENTS, .stored = 60000 };
	const char *what = NULL;
	__u64 now = 5 * SEC;
	unsigned int i;

	(void)state;
	for (i = 0; i < 86400; i++, now += SEC) {
		assert_int_equal(guest_stream_limit(&s, &doc, now, &what), 0);
		assert_int_equal(guest_stream_limit(&s, &doc, now, &what), 0);
	}
	for (i = 0; i < 100000; i++)
		assert_int_equal(guest_stream_limit(&s, &events, now, &what), 0);
	for (i = 0; i < 10000 && !guest_stream_limit(&s, &doc, now, &what); i++)
		;
	assert_true(i >= 3600 && i < 5000);
	assert_non_null(what);
	now += 10 * SEC;
	assert_int_equal(guest_stream_limit(&s, &doc, now, &what), 0);
	doc.stored = 5000; /* these add up in the reader */
	assert_int_equal(guest_stream_limit(&s, &doc, now, &what), -EBADMSG);
	for (i = 0; i < 100; i++, now += SEC)
		if (guest_stream_limit(&s, &changes, now, &what))
			break;
	assert_true(i >= 8 && i < 32);
	guest_stream_free(&s);
}

/* --- what waits to be sent ------------------------------------------------------------------------ */

static void queue_order(void **state)
{
	struct sendq q = { 0 };
	struct iovec iov[] = { { (void *)"aa", 2 }, { (void *)"bb", 2 } };
	char filler[70000], got[70100], *text;
	struct iovec fill = { filler, sizeof(filler) };
	size_t have = 0;
	ssize_t n;
	int fd[2];

	(void)state;
	memset(filler, 'f', sizeof(filler));
	assert_int_equal(pipe2(fd, O_NONBLOCK | O_CLOEXEC), 0);
	/* nothing is out: urgent goes first */
	assert_int_equal(sendq_put(&q, iov, 2, false), 0);
	iov[0].iov_base = (void *)"uu";
	assert_int_equal(sendq_put(&q, iov, 1, true), 0);
	assert_int_equal(q.bytes, 6);
	assert_int_equal(q.urgent, 1);
	assert_int_equal(sendq_finish(&q, fd[1], 1000), 0);
	assert_int_equal(read(fd[0], got, sizeof(got)), 6);
	assert_memory_equal(got, "uuaabb", 6);
	assert_int_equal(q.urgent, 0);
	/* a piece that is half out is not torn apart; the pipe is full, that is no error */
	assert_int_equal(sendq_put(&q, &fill, 1, false), 0);
	assert_int_equal(sendq_write(&q, fd[1]), 0);
	assert_true(q.bytes > 0 && q.bytes < sizeof(filler));
	iov[0].iov_base = (void *)"zz";
	assert_int_equal(sendq_put(&q, iov, 1, false), 0);
	iov[0].iov_base = (void *)"uu";
	assert_int_equal(sendq_put(&q, iov, 1, true), 0);
	assert_int_equal(sendq_finish(&q, fd[1], 20), -ETIMEDOUT);
	while (have < sizeof(filler) + 4) {
		n = read(fd[0], got + have, sizeof(got) - have);
		have += n > 0 ? n : 0;
		assert_int_equal(sendq_write(&q, fd[1]), 0);
	}
	text = got + sizeof(filler);
	assert_memory_equal(text, "uuzz", 4);
	assert_int_equal(q.bytes, 0);
	assert_null(q.head);
	assert_null(q.last);
	/* nobody reads any more */
	signal(SIGPIPE, SIG_IGN);
	close(fd[0]);
	assert_int_equal(sendq_put(&q, iov, 1, false), 0);
	assert_int_equal(sendq_write(&q, fd[1]), -EPIPE);
	assert_int_equal(sendq_put(&q, iov, 1, true), 0);
	assert_int_equal(q.urgent, 1);
	sendq_clear(&q);
	assert_int_equal(q.bytes, 0);
	assert_int_equal(q.urgent, 0);
	close(fd[1]);
}

static int ready_count(void *ctx, __u32 events)
{
	int *n = ctx;

	assert_true(events & EPOLLIN);
	return ++*n == 2 ? -ECANCELED : 0;
}

static void poller_calls(void **state)
{
	struct poller p;
	struct poller_fd f = { .ready = ready_count };
	int fd[2], n = 0;

	(void)state;
	f.ctx = &n;
	assert_int_equal(pipe2(fd, O_NONBLOCK | O_CLOEXEC), 0);
	assert_int_equal(poller_open(&p), 0);
	f.fd = fd[0];
	assert_int_equal(poller_add(&p, &f, EPOLLIN), 0);
	assert_int_equal(poller_wait(&p, 0), 0);
	assert_int_equal(n, 0);
	assert_int_equal(write(fd[1], "x", 1), 1);
	assert_int_equal(poller_wait(&p, 1000), 0);
	assert_int_equal(poller_wait(&p, 1000), -ECANCELED);
	assert_int_equal(poller_set(&p, &f, 0), 0);
	assert_int_equal(poller_wait(&p, 0), 0);
	assert_int_equal(n, 2);
	poller_remove(&p, &f);
	poller_close(&p);
	poller_close(&p);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hello),
		cmocka_unit_test(own_connection),
		cmocka_unit_test(endpoints),
		cmocka_unit_test(channels),
		cmocka_unit_test(messages_in_pieces),
		cmocka_unit_test(messages_damaged),
		cmocka_unit_test(stream_in_pieces),
		cmocka_unit_test(stream_damaged),
		cmocka_unit_test(stream_promises),
		cmocka_unit_test(stream_limits),
		cmocka_unit_test(queue_order),
		cmocka_unit_test(poller_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
