// SPDX-License-Identifier: GPL-2.0
/*
 * The recorder's side against agents that are hostile, slow or gone: an agent is played over TCP or by
 * a command, and time passes as fast as a test wants.
 */
#include "trace_files.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "agent_proto.h"
#include "guests.h"
#include "trace_format.h"

#define SEC 1000000000ULL

static __u64 skew_ns, connect_ns; /* the clock is ahead by; what a connect takes */

static __u64 real_ns(void)
{
	struct timespec t;

	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
	return t.tv_sec * SEC + t.tv_nsec;
}

/* In place of libc's */
int clock_gettime(clockid_t id, struct timespec *t)
{
	__u64 ns;

	if (syscall(SYS_clock_gettime, id, t))
		return -1;
	if (id == CLOCK_MONOTONIC) {
		ns = t->tv_sec * SEC + t->tv_nsec + skew_ns;
		t->tv_sec = ns / SEC;
		t->tv_nsec = ns % SEC;
	}
	return 0;
}

int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	skew_ns += connect_ns;
	return syscall(SYS_connect, fd, addr, len);
}

struct scene {
	struct poller poller;
	struct guests *guests;
	struct trace_writer *trace;
	struct bytes out; /* the file */
	int listener, fd; /* the agent's */
	int starts; /* told to start */
};

static json_t *start_count(void *ctx, size_t i, const char *own)
{
	struct scene *s = ctx;

	(void)i;
	(void)own;
	s->starts++;
	return json_object();
}

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

/* What the recorder does as time passes */
static int turns(struct scene *s, int ms)
{
	__u64 end = real_ns() + ms * 1000000ULL;
	int err = 0;

	while (!err && real_ns() < end) {
		assert_int_equal(poller_wait(&s->poller, 5), 0);
		err = guests_work(s->guests);
	}
	return err;
}

static void until(struct scene *s, enum guest_state past)
{
	int i;

	for (i = 0; i < 400 && guests_in(s->guests, past); i++)
		assert_int_equal(turns(s, 5), 0);
	assert_false(guests_in(s->guests, past));
}

static void scene_open(struct scene *s, const char *const *specs, size_t n)
{
	memset(s, 0, sizeof(*s));
	s->fd = s->listener = -1;
	assert_int_equal(poller_open(&s->poller), 0);
	assert_int_equal(guests_open(specs, n, start_count, s, &s->poller, &s->guests), 0);
}

static void scene_close(struct scene *s)
{
	guests_close(s->guests);
	trace_finish(s->trace);
	poller_close(&s->poller);
	free(s->out.p);
	close(s->listener);
	close(s->fd);
	skew_ns = 0;
}

static void recording_begin(struct scene *s)
{
	assert_int_equal(trace_create_stream(bytes_put, &s->out, hide_key, &s->trace), 0);
	guests_begin(s->guests, s->trace);
}

/* Has the file this text in it? Documents are not compressed */
static bool written(const struct scene *s, const char *text)
{
	return memmem(s->out.p, s->out.n, text, strlen(text));
}

static int listener_open(char spec[64])
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	snprintf(spec, 64, "tcp:127.0.0.1:%u", ntohs(a.sin_port));
	return fd;
}

static void all_write(int fd, const void *p, size_t n)
{
	assert_int_equal(write(fd, p, n), n);
}

static void hello_write(int fd)
{
	struct agent_hello h;

	agent_hello_make(&h, AGENT_FREE, NULL);
	all_write(fd, &h, sizeof(h));
}

static void chunk_write(int fd, enum trace_chunk kind, const char *text)
{
	struct trace_chunk_header h = { .kind = kind, .raw = strlen(text), .stored = strlen(text) };

	if (kind == TRACE_EVENTS) {
		h.count = 1;
		h.raw = sizeof(struct pl_event);
	}
	trace_chunk_seal(&h, text);
	all_write(fd, &h, sizeof(h));
	all_write(fd, text, h.stored);
}

/* A guest over TCP that records */
static void recording(struct scene *s)
{
	static char spec[64];
	const char *specs[] = { spec };
	int listener = listener_open(spec);

	scene_open(s, specs, 1);
	s->listener = listener;
	s->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	assert_true(s->fd >= 0);
	hello_write(s->fd);
	until(s, GUEST_HELLO);
	assert_int_equal(s->starts, 1);
	chunk_write(s->fd, TRACE_GUEST, "{\"ready\":true}");
	until(s, GUEST_STARTING);
	recording_begin(s);
}

/* What an agent sends before it records, in a file; then the command goes on as told */
static void command_open(struct scene *s, const char *then)
{
	static char spec[512];
	const char *specs[] = { spec };
	char path[128];
	int fd = open(file_path(path, "a"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	hello_write(fd);
	chunk_write(fd, TRACE_GUEST, "{\"ready\":true}");
	close(fd);
	snprintf(spec, sizeof(spec), "exec:cat %s; %s", path, then);
	scene_open(s, specs, 1);
	until(s, GUEST_STARTING);
	recording_begin(s);
}

static struct guest_result result(const struct scene *s)
{
	struct guest_result res;

	guest_result_get(s->guests, 0, &res);
	return res;
}

/* --- hostile ------------------------------------------------------------------------------------ */

/* It goes on for ever: each block wins it time, but not without end */
static void stop_has_an_end(void **state)
{
	struct scene s;
	int i, k;

	(void)state;
	recording(&s);
	turns(&s, 20);
	guests_stop(s.guests);
	skew_ns += 2 * SEC; /* the last questions are not answered */
	until(&s, GUEST_READY);
	for (i = 0; i < 50 && guests_in(s.guests, GUEST_STOPPING); i++) {
		skew_ns += 20 * SEC;
		chunk_write(s.fd, TRACE_EVENTS, "x");
		for (k = 0; k < 200 && result(&s).events == (__u64)i &&
			    guests_in(s.guests, GUEST_STOPPING);
		     k++)
			turns(&s, 5);
	}
	assert_in_range(i, 14, 16);
	assert_true(result(&s).missing);
	assert_in_range(result(&s).events, 13, 15);
	assert_true(written(&s, "within 300 s"));
	scene_close(&s);
}

/* A slow one has all that time, and a silent one a tenth of it */
static void stop_of_a_silent_guest(void **state)
{
	struct scene s;

	(void)state;
	recording(&s);
	guests_stop(s.guests);
	skew_ns += 2 * SEC;
	until(&s, GUEST_READY);
	skew_ns += 29 * SEC;
	turns(&s, 20);
	assert_true(guests_in(s.guests, GUEST_STOPPING));
	skew_ns += 2 * SEC;
	turns(&s, 20);
	assert_false(guests_in(s.guests, GUEST_STOPPING));
	assert_true(written(&s, "nothing came"));
	scene_close(&s);
}

/* The id of the last question that has come */
static __u64 ping_read(struct scene *s)
{
	struct agent_ping ping = { 0 };
	char payload[256];
	struct agent_msg m;
	int i;

	for (i = 0; i < 200 && !ping.id; i++) {
		turns(s, 5);
		while (read(s->fd, &m, sizeof(m)) == sizeof(m)) {
			assert_true(m.len <= sizeof(payload));
			assert_int_equal(read(s->fd, payload, m.len), m.len);
			if (m.kind == AGENT_PING)
				memcpy(&ping, payload, sizeof(ping));
		}
	}
	assert_true(ping.id > 0);
	return ping.id;
}

static void pong_write(struct scene *s, __u64 id, int blanks)
{
	char text[8192];
	__u64 now = real_ns();

	snprintf(text, sizeof(text), "{\"id\":%llu,\"t2\":%llu,\"t3\":%llu%*s}", id, now, now, blanks, "");
	chunk_write(s->fd, TRACE_SYNC, text);
}

/* Each question has one answer, at any time, of the size that an answer has */
static void answers(void **state)
{
	struct scene s;
	__u64 id;
	int i;

	(void)state;
	recording(&s);
	id = ping_read(&s);
	skew_ns += 2 * SEC; /* the next one does not wait for the answer */
	assert_int_equal(ping_read(&s), id + 1);
	pong_write(&s, id + 1, 0); /* urgent ones go out the last one first */
	pong_write(&s, id, 0);
	assert_true(ping_read(&s) > id + 1);
	assert_true(guests_in(s.guests, GUEST_READY));
	for (i = 0; i < 40; i++) /* more than are asked for at a time */
		pong_write(&s, id, 0);
	turns(&s, 50);
	assert_false(guests_in(s.guests, GUEST_READY));
	assert_true(written(&s, "not asked"));
	scene_close(&s);

	recording(&s);
	pong_write(&s, ping_read(&s), 100);
	turns(&s, 50);
	assert_false(guests_in(s.guests, GUEST_READY));
	assert_true(written(&s, "larger"));
	scene_close(&s);
}

/* A line for the user is a line */
static void lines(void **state)
{
	char text[5000];
	struct scene s;

	(void)state;
	recording(&s);
	snprintf(text, sizeof(text), "{\"message\":\"%3000d\"}", 1);
	chunk_write(s.fd, TRACE_GUEST, text);
	turns(&s, 50);
	assert_true(guests_in(s.guests, GUEST_READY));
	snprintf(text, sizeof(text), "{\"message\":\"%4500d\"}", 1);
	chunk_write(s.fd, TRACE_GUEST, text);
	turns(&s, 50);
	assert_false(guests_in(s.guests, GUEST_READY));
	assert_true(written(&s, "larger"));
	scene_close(&s);
}

/* --- its end ------------------------------------------------------------------------------------- */

/* What a guest says that its half lacks is told; the last word counts */
static void last_words(void **state)
{
	struct guest_result res;
	struct scene s;

	(void)state;
	recording(&s);
	chunk_write(s.fd, TRACE_HOPS, "[{\"hop\":\"nic:gro\",\"state\":\"uncovered\"}]");
	turns(&s, 20);
	res = result(&s);
	assert_true(res.uncovered[PL_HOP_nic_gro]);
	guests_stop(s.guests);
	skew_ns += 2 * SEC;
	until(&s, GUEST_READY);
	chunk_write(s.fd, TRACE_HOPS, "[{\"hop\":\"nic:gro\",\"state\":\"attached\"},7,{\"hop\":\"no\"},"
				      "{\"hop\":\"tap:xmit\",\"state\":\"uncovered\"},"
				      "{\"hop\":\"tap:read\",\"state\":\"unwanted\"}]");
	chunk_write(s.fd, TRACE_COUNTS, "{\"hooks\":{\"a\":{\"made\":9,\"lost\":2},"
					"\"b\":{\"made\":9,\"lost\":3}},\"unfollowed\":4}");
	chunk_write(s.fd, TRACE_END, "{}");
	until(&s, GUEST_STOPPING);
	res = result(&s);
	assert_false(res.missing);
	assert_int_equal(res.lost, 5);
	assert_int_equal(res.unfollowed, 4);
	assert_false(res.uncovered[PL_HOP_nic_gro]);
	assert_true(res.uncovered[PL_HOP_tap_xmit]);
	assert_false(res.uncovered[PL_HOP_tap_read]);
	scene_close(&s);
}

/* More than one read of what its command has to say at its end, the last line without a line's end */
static void command_words(void **state)
{
	static const char then[] = "head -c 18 >/dev/null; sleep 0.3; exec >&-; "
				   "for i in $(seq 20); do printf 'line %60s\\n' $i; done >&2; "
				   "printf 'last of all' >&2";
	char path[128], text[8192] = "", seen[32];
	int saved = dup(STDERR_FILENO), fd, i;
	struct scene s;

	(void)state;
	command_open(&s, then);
	fd = open(file_path(path, "b"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	fflush(stderr);
	dup2(fd, STDERR_FILENO);
	usleep(600000); /* nobody has looked yet */
	scene_close(&s);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	close(fd);
	close(saved);
	for (i = 1; i <= 20; i++) {
		snprintf(seen, sizeof(seen), " %d\n", i);
		assert_non_null(strstr(text, seen));
	}
	assert_non_null(strstr(text, ": last of all\n"));
}

/* --- many ---------------------------------------------------------------------------------------- */

/* To connect to the later ones takes its time, which the first one is not charged with */
static void slow_connects(void **state)
{
	static char spec[3][64];
	const char *specs[] = { spec[0], spec[1], spec[2] };
	int listener[3], fd[3], i;
	struct scene s;

	(void)state;
	for (i = 0; i < 3; i++)
		listener[i] = listener_open(spec[i]);
	connect_ns = 8 * SEC;
	scene_open(&s, specs, 3);
	connect_ns = 0;
	assert_int_equal(turns(&s, 20), 0);
	for (i = 0; i < 3; i++) {
		fd[i] = accept4(listener[i], NULL, NULL, SOCK_CLOEXEC);
		hello_write(fd[i]);
	}
	until(&s, GUEST_HELLO);
	assert_int_equal(s.starts, 3);
	scene_close(&s);
	/* and one that does not answer is still given up */
	scene_open(&s, specs, 1);
	skew_ns += 11 * SEC;
	assert_int_equal(turns(&s, 20), -ECONNABORTED);
	scene_close(&s);
	for (i = 0; i < 3; i++) {
		close(listener[i]);
		close(fd[i]);
	}
}

/* --- gone --------------------------------------------------------------------------------------- */

/* Why a command's stream ended is told when the command has; nobody stands still for it */
static void command_ends(void **state)
{
	static const struct {
		const char *then, *why;
	} cases[] = {
		{ "head -c 18 >/dev/null; sleep 0.3; exec >&-; sleep 0.2; exit 7", "status 7" },
		{ "head -c 18 >/dev/null; sleep 0.3; exec >&-; sleep 0.2; kill -KILL $$", "signal 9" },
		{ "head -c 18 >/dev/null; sleep 0.3; exec >&-; sleep 1", "the connection ended" },
	};
	__u64 before, longest;
	struct scene s;
	size_t i;
	int k;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		command_open(&s, cases[i].then);
		longest = 0;
		for (k = 0; k < 400 && guests_in(s.guests, GUEST_READY); k++) {
			before = real_ns();
			turns(&s, 1);
			longest = real_ns() - before > longest ? real_ns() - before : longest;
		}
		assert_true(result(&s).missing);
		if (!written(&s, cases[i].why))
			fail_msg("not written: %s", cases[i].why);
		assert_true(longest < SEC / 8);
		scene_close(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stop_has_an_end),
		cmocka_unit_test(stop_of_a_silent_guest),
		cmocka_unit_test(answers),
		cmocka_unit_test(lines),
		cmocka_unit_test(last_words),
		cmocka_unit_test(command_words),
		cmocka_unit_test(slow_connects),
		cmocka_unit_test(command_ends),
	};

	return cmocka_run_group_tests(tests, dir_make, dir_remove);
}
