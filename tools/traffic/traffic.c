// SPDX-License-Identifier: GPL-2.0
/*
 * traffic: small sender and receiver whose counts are exact
 *
 * Tests hold pktlap's packet counts against these, so every number printed is of packets that
 * the kernel took or gave, told apart by sequence number, never an estimate. See usage().
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAGIC	0x706b746cu
#define MAX_UDP 65507
#define MAX_MSG (1 << 20)

enum { EXIT_FAIL = 1,
       EXIT_USAGE = 2,
       EXIT_LOSS = 3 };

/* at the start of every UDP payload; the echo returns it */
struct header {
	uint32_t magic;
	uint32_t run; /* tells this sender from an earlier one on the same port */
	uint64_t seq;
};

struct options {
	int family;
	const char *host;
	const char *port;
	const char *bind_host;
	const char *src_port;
	uint64_t count;
	uint64_t interval_ns;
	uint64_t size;
	uint64_t rate;
	uint64_t bytes;
	uint64_t wait_ns;
	uint64_t idle_ns;
};

struct rtt {
	uint64_t n, sum, min, max;
	uint64_t *each; /* room for as many as are asked for */
};

static volatile sig_atomic_t stopped;
static unsigned char buf[MAX_MSG];

static void usage(FILE *f)
{
	fputs("usage: traffic MODE [OPTION]... [HOST] PORT\n"
	      "\n"
	      "  udp-echo PORT        send every datagram back\n"
	      "  udp-send HOST PORT   requests, counts the answers   (-n -i -s -w)\n"
	      "  udp-flood HOST PORT  datagrams one way              (-n -r -s)\n"
	      "  udp-sink PORT        counts what udp-flood sends    (-n -t)\n"
	      "  tcp-echo PORT        sends back what comes\n"
	      "  tcp-ping HOST PORT   requests over one connection   (-n -i -s -w)\n"
	      "  tcp-send HOST PORT   bulk                           (-b -s)\n"
	      "  tcp-sink PORT        counts what tcp-send sends     (-n connections)\n"
	      "\n"
	      "  -4, -6       address family (servers: both by default)\n"
	      "  -B ADDR      local address        -p PORT   local port of a client\n"
	      "  -n COUNT     packets; a sink ends after as many distinct ones (default 100; sinks: no end)\n"
	      "  -i TIME      a request every TIME, late answers or not (default: after each answer)\n"
	      "  -s BYTES     payload (default 64, UDP at least 16)\n"
	      "  -w TIME      wait as long for an answer (default 1s)\n"
	      "  -r RATE      datagrams a second (default: as fast as the socket takes them)\n"
	      "  -t TIME      a sink ends after so long without a packet (default: on a signal)\n"
	      "  -b BYTES     bulk volume (default 1m; suffixes k, m, g)\n"
	      "TIME: number with us, ms or s (plain: ms). Results are one line of key=value on stdout.\n"
	      "Exit status: 0 all arrived, 1 failure, 2 usage, 3 something was lost.\n",
	      f);
}

static void __attribute__((noreturn, format(printf, 2, 3))) fail(int status, const char *fmt, ...)
{
	va_list ap;

	fputs("traffic: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(status);
}

static void on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void sleep_until(uint64_t ns)
{
	struct timespec t = {
		.tv_sec = (time_t)(ns / 1000000000u),
		.tv_nsec = (long)(ns % 1000000000u),
	};

	while (!stopped && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

/* number with a unit of UNITS (name, factor), DEFAULT when there is none */
static uint64_t parse(char opt, const char *s, const char *const units[], const uint64_t factors[],
		      uint64_t def)
{
	char *end;
	uint64_t v, f = 0;

	errno = 0;
	v = strtoull(s, &end, 10);
	if (end == s || *s == '-' || errno)
		fail(EXIT_USAGE, "-%c: not a number: %s", opt, s);
	if (!*end)
		f = def;
	for (int i = 0; !f && units[i]; i++)
		if (!strcasecmp(end, units[i]))
			f = factors[i];
	if (!f || __builtin_mul_overflow(v, f, &v))
		fail(EXIT_USAGE, "-%c: what is %s?", opt, s);
	return v;
}

static uint64_t parse_time(char opt, const char *s)
{
	static const char *const units[] = { "us", "ms", "s", NULL };
	static const uint64_t factors[] = { 1000, 1000000, 1000000000 };

	return parse(opt, s, units, factors, 1000000);
}

static uint64_t parse_count(char opt, const char *s, uint64_t min, uint64_t max)
{
	static const char *const units[] = { "k", "m", "g", NULL };
	static const uint64_t factors[] = { 1 << 10, 1 << 20, 1 << 30 };
	uint64_t v = parse(opt, s, units, factors, 1);

	if (v < min || v > max)
		fail(EXIT_USAGE, "-%c: %s is not in %llu..%llu", opt, s, (unsigned long long)min,
		     (unsigned long long)max);
	return v;
}

/* socket address of FAMILY or, if that is 0, of the family that HOST is written in */
struct address {
	socklen_t len;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
};

/* Numeric only: getaddrinfo() would need shared libraries that a static program lacks. */
static struct address resolve(const char *host, const char *port, int family)
{
	struct address a = { 0 };
	char name[INET6_ADDRSTRLEN], *end;
	unsigned long p = strtoul(port, &end, 10);
	const char *scope = host ? strchr(host, '%') : NULL;

	if (*end || end == port || p > 65535)
		fail(EXIT_USAGE, "no port: %s", port);
	snprintf(name, sizeof(name), "%.*s", scope ? (int)(scope - host) : INET6_ADDRSTRLEN,
		 host ? host : "");
	if (family != AF_INET6 && (!host || inet_pton(AF_INET, name, &a.in.sin_addr) == 1)) {
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons((uint16_t)p);
		a.len = sizeof(a.in);
	} else if (family != AF_INET && (!host || inet_pton(AF_INET6, name, &a.in6.sin6_addr) == 1)) {
		a.in6.sin6_family = AF_INET6;
		a.in6.sin6_port = htons((uint16_t)p);
		a.in6.sin6_scope_id = scope ? if_nametoindex(scope + 1) : 0;
		a.len = sizeof(a.in6);
	} else {
		fail(EXIT_USAGE, "no %saddress: %s", family == AF_INET6 ? "IPv6 " : family == AF_INET ? "IPv4 "
												      : "",
		     host);
	}
	return a;
}

static int try_bind(const struct options *o, int family, int type)
{
	struct address a = resolve(o->bind_host, o->port, family);
	int s = socket(a.sa.sa_family, type | SOCK_CLOEXEC, 0), one = 1, zero = 0;

	if (s >= 0) {
		/* on UDP it would let a second server take the first one's packets */
		if (type == SOCK_STREAM)
			setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (a.sa.sa_family == AF_INET6 && o->family == AF_UNSPEC)
			setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
		if (bind(s, &a.sa, a.len) || (type == SOCK_STREAM && listen(s, 16))) {
			int e = errno;

			close(s);
			errno = e;
			s = -1;
		}
	}
	return s;
}

/* A socket for both families where the kernel has IPv6. */
static int server_socket(const struct options *o, int type)
{
	int s = -1;

	if (o->family == AF_UNSPEC && !o->bind_host)
		s = try_bind(o, AF_INET6, type);
	if (s < 0)
		s = try_bind(o, o->family, type);
	if (s < 0)
		fail(EXIT_FAIL, "port %s: %s", o->port, strerror(errno));
	fprintf(stderr, "traffic: ready on port %s\n", o->port);
	return s;
}

static int client_socket(const struct options *o, int type)
{
	struct address a = resolve(o->host, o->port, o->family);
	int s = socket(a.sa.sa_family, type | SOCK_CLOEXEC, 0), one = 1;

	if (s < 0)
		fail(EXIT_FAIL, "socket: %s", strerror(errno));
	if (o->bind_host || o->src_port) {
		struct address me = resolve(o->bind_host, o->src_port ? o->src_port : "0",
					    a.sa.sa_family);

		setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (bind(s, &me.sa, me.len))
			fail(EXIT_FAIL, "local address: %s", strerror(errno));
	}
	if (connect(s, &a.sa, a.len))
		fail(EXIT_FAIL, "%s port %s: %s", o->host, o->port, strerror(errno));
	if (type == SOCK_STREAM)
		setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return s;
}

static struct rtt rtt_new(uint64_t count)
{
	struct rtt r = { .each = calloc(count, sizeof(uint64_t)) };

	if (!r.each)
		fail(EXIT_FAIL, "no memory for %llu requests", (unsigned long long)count);
	return r;
}

static void rtt_add(struct rtt *r, uint64_t ns)
{
	r->each[r->n] = ns;
	if (!r->n || ns < r->min)
		r->min = ns;
	if (ns > r->max)
		r->max = ns;
	r->sum += ns;
	r->n++;
}

static int compare_ns(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The time that PERCENT of the answers took at most; r->each is sorted. */
static double percentile_us(const struct rtt *r, unsigned int percent)
{
	size_t rank = (r->n * percent + 99) / 100;

	return rank ? (double)r->each[rank - 1] / 1e3 : 0.0;
}

static void print_rtt(const char *mode, uint64_t sent, uint64_t dup, struct rtt *r)
{
	qsort(r->each, r->n, sizeof(*r->each), compare_ns);
	printf("%s: sent=%llu received=%llu lost=%llu duplicates=%llu "
	       "min_us=%.1f avg_us=%.1f max_us=%.1f p50_us=%.3f p99_us=%.3f\n",
	       mode, (unsigned long long)sent, (unsigned long long)r->n,
	       (unsigned long long)(sent - r->n), (unsigned long long)dup, (double)r->min / 1e3,
	       r->n ? (double)r->sum / 1e3 / (double)r->n : 0.0, (double)r->max / 1e3,
	       percentile_us(r, 50), percentile_us(r, 99));
	free(r->each);
}

/* CPU time of this process; most of a flood's is the path that its packets take */
static double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* The whole datagram or nothing: waits where the queue is full, skips errors of earlier ones. */
static bool send_datagram(int s, size_t size)
{
	for (;;) {
		if (send(s, buf, size, 0) == (ssize_t)size)
			return true;
		if (stopped)
			return false;
		if (errno == ENOBUFS || errno == EAGAIN)
			sleep_until(now_ns() + 100000);
		else if (errno != EINTR && errno != ECONNREFUSED)
			fail(EXIT_FAIL, "send: %s", strerror(errno));
	}
}

static uint32_t new_run(void)
{
	return (uint32_t)now_ns() ^ (uint32_t)getpid() << 16;
}

/* The default queue holds some hundred packets: a stalled guest would lose what comes then. */
static void roomy_queue(int s)
{
	int big = 16 << 20;

	if (setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big)))
		setsockopt(s, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
}

static int udp_echo(const struct options *o)
{
	struct sockaddr_storage from;
	int s = server_socket(o, SOCK_DGRAM);
	uint64_t n = 0;

	roomy_queue(s);
	while (!stopped) {
		socklen_t len = sizeof(from);
		ssize_t got = recvfrom(s, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);

		if (got < 0)
			continue;
		n++;
		while (sendto(s, buf, (size_t)got, 0, (struct sockaddr *)&from, len) < 0 &&
		       (errno == ENOBUFS || errno == EINTR) && !stopped)
			sleep_until(now_ns() + 100000);
	}
	printf("udp-echo: received=%llu\n", (unsigned long long)n);
	return 0;
}

struct requests {
	uint32_t run;
	uint64_t sent, duplicates;
	uint64_t *sent_at; /* of each sequence number; 0: answered */
	struct rtt rtt;
};

/* Take the answers that come until DEADLINE; with STOP_AT, only until all are there. */
static void take_answers(int s, struct requests *q, uint64_t deadline, bool stop_at_last)
{
	struct header h;

	while (!stopped && !(stop_at_last && q->rtt.n == q->sent)) {
		struct pollfd p = { .fd = s, .events = POLLIN };
		uint64_t t = now_ns();
		struct timespec left = { 0 };

		if (t < deadline) {
			left.tv_sec = (time_t)((deadline - t) / 1000000000u);
			left.tv_nsec = (long)((deadline - t) % 1000000000u);
		}
		if (ppoll(&p, 1, &left, NULL) <= 0) {
			if (now_ns() >= deadline)
				return;
			continue;
		}
		ssize_t n = recv(s, buf, sizeof(buf), MSG_DONTWAIT);

		t = now_ns();
		if (n < (ssize_t)sizeof(h))
			continue;
		memcpy(&h, buf, sizeof(h));
		if (h.magic != MAGIC || h.run != q->run || h.seq >= q->sent)
			continue;
		if (!q->sent_at[h.seq]) {
			q->duplicates++;
			continue;
		}
		rtt_add(&q->rtt, t - q->sent_at[h.seq]);
		q->sent_at[h.seq] = 0;
	}
}

static int udp_send(const struct options *o)
{
	int s = client_socket(o, SOCK_DGRAM);
	struct requests q = {
		.run = new_run(),
		.sent_at = calloc(o->count, sizeof(uint64_t)),
		.rtt = rtt_new(o->count),
	};
	uint64_t next;

	if (!q.sent_at)
		fail(EXIT_FAIL, "no memory for %llu requests", (unsigned long long)o->count);
	roomy_queue(s);
	next = now_ns();
	while (q.sent < o->count && !stopped) {
		struct header h = { MAGIC, q.run, q.sent };

		memset(buf, 0, o->size);
		memcpy(buf, &h, sizeof(h));
		q.sent_at[q.sent] = now_ns();
		if (!send_datagram(s, o->size))
			break;
		q.sent++;
		next += o->interval_ns;
		if (o->interval_ns)
			take_answers(s, &q, next, false);
		else
			take_answers(s, &q, now_ns() + o->wait_ns, true);
	}
	take_answers(s, &q, now_ns() + o->wait_ns, true);
	print_rtt("udp-send", q.sent, q.duplicates, &q.rtt);
	free(q.sent_at);
	return q.rtt.n == q.sent ? 0 : EXIT_LOSS;
}

static int udp_flood(const struct options *o)
{
	int s = client_socket(o, SOCK_DGRAM);
	uint32_t run = new_run();
	uint64_t sent, start = now_ns(), t;
	double cpu = cpu_seconds();

	memset(buf, 0, o->size);
	for (sent = 0; sent < o->count && !stopped; sent++) {
		struct header h = { MAGIC, run, sent };

		memcpy(buf, &h, sizeof(h));
		if (o->rate)
			sleep_until(start + sent * 1000000000u / o->rate);
		if (!send_datagram(s, o->size))
			break;
	}
	t = now_ns() - start;
	printf("udp-flood: sent=%llu bytes=%llu seconds=%.6f cpu_seconds=%.6f\n",
	       (unsigned long long)sent, (unsigned long long)sent * o->size, (double)t / 1e9,
	       cpu_seconds() - cpu);
	return 0;
}

/* the sequence numbers seen of one sender */
struct seen {
	struct seen *next;
	uint32_t run;
	uint64_t size; /* in bits */
	uint8_t *bits;
};

/* true when SEQ of RUN is new */
static bool mark_seen(struct seen **list, uint32_t run, uint64_t seq)
{
	struct seen *x = *list;

	while (x && x->run != run)
		x = x->next;
	if (!x) {
		x = calloc(1, sizeof(*x));
		if (!x)
			fail(EXIT_FAIL, "no memory");
		x->run = run;
		x->next = *list;
		*list = x;
	}
	if (seq >= x->size) {
		uint64_t size = (seq + 1) * 2 < 65536 ? 65536 : (seq + 1) * 2;
		uint8_t *bits = realloc(x->bits, size / 8 + 1);

		if (!bits)
			fail(EXIT_FAIL, "no memory for sequence %llu", (unsigned long long)seq);
		memset(bits + x->size / 8, 0, size / 8 + 1 - x->size / 8);
		x->bits = bits;
		x->size = size;
	}
	if (x->bits[seq / 8] & 1 << seq % 8)
		return false;
	x->bits[seq / 8] |= (uint8_t)(1 << seq % 8);
	return true;
}

/* Datagrams that the socket's queue had no room for: SO_RXQ_OVFL's running total. */
static uint32_t queue_drops(struct msghdr *m, uint32_t old)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL)
			memcpy(&old, CMSG_DATA(c), sizeof(old));
	return old;
}

static int udp_sink(const struct options *o)
{
	int s = server_socket(o, SOCK_DGRAM), one = 1;
	uint64_t received = 0, distinct = 0, bytes = 0, foreign = 0;
	struct seen *seen = NULL;
	uint32_t drops = 0;

	setsockopt(s, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof(one));
	roomy_queue(s);
	while (!stopped && !(o->count && distinct >= o->count)) {
		struct pollfd p = { .fd = s, .events = POLLIN };
		/* the clock of -t starts with the first packet */
		bool limited = o->idle_ns && received;
		int r = poll(&p, 1, limited ? (int)(o->idle_ns / 1000000) : -1);

		if (!r)
			break;
		if (r < 0)
			continue;
		char control[CMSG_SPACE(sizeof(uint32_t))];
		struct iovec iov = { buf, sizeof(buf) };
		struct msghdr m = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		ssize_t n = recvmsg(s, &m, MSG_DONTWAIT);
		struct header h;

		if (n < 0)
			continue;
		drops = queue_drops(&m, drops);
		memcpy(&h, buf, sizeof(h));
		if (n < (ssize_t)sizeof(h) || h.magic != MAGIC || h.seq >= UINT64_C(1) << 33) {
			foreign++;
			continue;
		}
		received++;
		bytes += (uint64_t)n;
		distinct += mark_seen(&seen, h.run, h.seq);
	}
	printf("udp-sink: received=%llu distinct=%llu duplicates=%llu bytes=%llu "
	       "socket_drops=%u foreign=%llu\n",
	       (unsigned long long)received, (unsigned long long)distinct,
	       (unsigned long long)(received - distinct), (unsigned long long)bytes, drops,
	       (unsigned long long)foreign);
	while (seen) {
		struct seen *x = seen;

		seen = x->next;
		free(x->bits);
		free(x);
	}
	return o->count && distinct < o->count ? EXIT_LOSS : 0;
}

/* LEN bytes through send or recv; fewer when the connection ended or a signal came */
static size_t stream_all(int s, void *data, size_t len, bool out)
{
	size_t done = 0;

	while (done < len && !stopped) {
		char *p = (char *)data + done;
		ssize_t n = out ? send(s, p, len - done, MSG_NOSIGNAL) : recv(s, p, len - done, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

static int tcp_echo(const struct options *o)
{
	int s = server_socket(o, SOCK_STREAM), one = 1;

	/* a process each: a slow client stops nobody else */
	signal(SIGCHLD, SIG_IGN);
	while (!stopped) {
		int c = accept(s, NULL, NULL);
		ssize_t n;

		if (c < 0)
			continue;
		if (fork()) {
			close(c);
			continue;
		}
		close(s);
		setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		while ((n = recv(c, buf, sizeof(buf), 0)) > 0)
			if (stream_all(c, buf, (size_t)n, true) != (size_t)n)
				break;
		_exit(0);
	}
	return 0;
}

static int tcp_ping(const struct options *o)
{
	int s = client_socket(o, SOCK_STREAM);
	struct timeval tv = {
		.tv_sec = (time_t)(o->wait_ns / 1000000000u),
		.tv_usec = (suseconds_t)(o->wait_ns % 1000000000u / 1000),
	};
	struct rtt rtt = rtt_new(o->count);
	uint64_t sent = 0, next = now_ns();

	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	memset(buf, 0, o->size);
	while (sent < o->count && !stopped) {
		uint64_t seq = sent, t = now_ns();

		memcpy(buf, &seq, o->size < sizeof(seq) ? o->size : sizeof(seq));
		if (stream_all(s, buf, o->size, true) != o->size)
			break;
		sent++;
		/* TCP loses nothing: no answer in time means a dead connection */
		if (stream_all(s, buf, o->size, false) != o->size)
			break;
		rtt_add(&rtt, now_ns() - t);
		next += o->interval_ns;
		if (o->interval_ns)
			sleep_until(next);
	}
	print_rtt("tcp-ping", sent, 0, &rtt);
	return rtt.n == o->count ? 0 : EXIT_LOSS;
}

static int tcp_send(const struct options *o)
{
	int s = client_socket(o, SOCK_STREAM);
	uint64_t sent = 0, acked = 0, start = now_ns();

	memset(buf, 0, o->size);
	while (sent < o->bytes && !stopped) {
		size_t n = o->bytes - sent < o->size ? (size_t)(o->bytes - sent) : o->size;
		size_t done = stream_all(s, buf, n, true);

		sent += done;
		if (done < n)
			break;
	}
	shutdown(s, SHUT_WR);
	/* the sink tells how much it read */
	if (stream_all(s, &acked, sizeof(acked), false) != sizeof(acked))
		acked = 0;
	printf("tcp-send: sent=%llu received=%llu seconds=%.6f\n", (unsigned long long)sent,
	       (unsigned long long)acked, (double)(now_ns() - start) / 1e9);
	return acked == o->bytes ? 0 : EXIT_LOSS;
}

static int tcp_sink(const struct options *o)
{
	int s = server_socket(o, SOCK_STREAM);
	uint64_t connections = 0, total = 0;

	while (!stopped && !(o->count && connections >= o->count)) {
		int c = accept(s, NULL, NULL);
		uint64_t got = 0;

		if (c < 0)
			continue;
		while (!stopped) {
			ssize_t n = recv(c, buf, sizeof(buf), 0);

			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0)
				break;
			got += (uint64_t)n;
		}
		stream_all(c, &got, sizeof(got), true);
		close(c);
		connections++;
		total += got;
	}
	printf("tcp-sink: connections=%llu bytes=%llu\n", (unsigned long long)connections,
	       (unsigned long long)total);
	return o->count && connections < o->count ? EXIT_LOSS : 0;
}

static const struct mode {
	const char *name;
	int (*run)(const struct options *o);
	bool client, udp;
	uint64_t count; /* default of -n */
	uint64_t size; /* default of -s */
} modes[] = {
	{ "udp-echo", udp_echo, false, true, 0, 64 },
	{ "udp-send", udp_send, true, true, 100, 64 },
	{ "udp-flood", udp_flood, true, true, 100, 64 },
	{ "udp-sink", udp_sink, false, true, 0, 64 },
	{ "tcp-echo", tcp_echo, false, false, 0, 64 },
	{ "tcp-ping", tcp_ping, true, false, 100, 64 },
	{ "tcp-send", tcp_send, true, false, 0, 65536 },
	{ "tcp-sink", tcp_sink, false, false, 0, 64 },
};

static const struct mode *find_mode(const char *name)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(modes[i].name, name))
			return &modes[i];
	return NULL;
}

static void parse_options(int argc, char **argv, const struct mode *m, struct options *o)
{
	int c;

	while ((c = getopt(argc, argv, "46B:p:n:i:s:w:r:t:b:h")) != -1) {
		switch (c) {
		case '4': o->family = AF_INET; break;
		case '6': o->family = AF_INET6; break;
		case 'B': o->bind_host = optarg; break;
		case 'p': o->src_port = optarg; break;
		case 'n': o->count = parse_count('n', optarg, 1, UINT64_C(1) << 32); break;
		case 'i': o->interval_ns = parse_time('i', optarg); break;
		case 's':
			o->size = parse_count('s', optarg, m->udp ? sizeof(struct header) : 1,
					      m->udp ? MAX_UDP : MAX_MSG);
			break;
		case 'w': o->wait_ns = parse_time('w', optarg); break;
		case 'r': o->rate = parse_count('r', optarg, 1, 1000000000); break;
		case 't': o->idle_ns = parse_time('t', optarg); break;
		case 'b': o->bytes = parse_count('b', optarg, 1, UINT64_C(1) << 50); break;
		case 'h': usage(stdout); exit(0);
		default: exit(EXIT_USAGE);
		}
	}
	if (argc - optind != (m->client ? 2 : 1))
		fail(EXIT_USAGE, "%s needs %s (traffic --help)", m->name,
		     m->client ? "HOST and PORT" : "PORT");
	if (m->client)
		o->host = argv[optind++];
	o->port = argv[optind];
}

int main(int argc, char **argv)
{
	/* no SA_RESTART: a signal ends a waiting call, and the counts are printed */
	struct sigaction sa = { .sa_handler = on_signal };
	struct options o = { .family = AF_UNSPEC, .wait_ns = 1000000000, .bytes = 1 << 20 };
	const struct mode *m;

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		usage(stdout);
		return 0;
	}
	m = argc > 1 ? find_mode(argv[1]) : NULL;
	if (!m) {
		if (argc > 1)
			fprintf(stderr, "traffic: no mode %s\n", argv[1]);
		usage(stderr);
		return EXIT_USAGE;
	}
	o.count = m->count;
	o.size = m->size;
	parse_options(argc - 1, argv + 1, m, &o);
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	return m->run(&o);
}
