// SPDX-License-Identifier: GPL-2.0
/*
 * sockread HOW PROTO PORT COUNT [DELAY_MS]: receive COUNT messages (datagrams; TCP: reads of one
 * connection), waiting for each in the way HOW: recv, poll, select, epoll, recvmmsg, uring,
 * uring-multi (multishot). PROTO: udp, tcp, packet (a packet socket bound to no device; PORT is then
 * of no matter). After each message it is busy elsewhere for DELAY_MS: it sleeps, and not for the
 * socket. "ready" on stdout when it listens, "read N" at the end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MANY   8 /* messages of one recvmmsg(), buffers of multishot */
#define GROUP  7 /* of these buffers */
#define SILENT 120000 /* ms without a message, after which it gives up */

static char bufs[MANY][65536];

struct ring {
	int fd;
	unsigned int *sq_tail, *sq_mask, *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	bool armed;
};

struct reader {
	int fd, epoll;
	struct ring ring;
};

/* Each takes what has come, at least one message. Number of messages, or -1 */
typedef int (*take_fn)(struct reader *r);

static int take_recv(struct reader *r)
{
	return recv(r->fd, bufs[0], sizeof(bufs[0]), 0) < 0 ? -1 : 1;
}

static int take_now(struct reader *r)
{
	return recv(r->fd, bufs[0], sizeof(bufs[0]), MSG_DONTWAIT) < 0 ? -1 : 1;
}

static int take_poll(struct reader *r)
{
	struct pollfd p = { .fd = r->fd, .events = POLLIN };

	return poll(&p, 1, SILENT) == 1 ? take_now(r) : -1;
}

static int take_select(struct reader *r)
{
	struct timeval t = { .tv_sec = SILENT / 1000 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(r->fd, &set);
	return select(r->fd + 1, &set, NULL, NULL, &t) == 1 ? take_now(r) : -1;
}

static int take_epoll(struct reader *r)
{
	struct epoll_event ev;

	return epoll_wait(r->epoll, &ev, 1, SILENT) == 1 ? take_now(r) : -1;
}

static int take_mmsg(struct reader *r)
{
	struct mmsghdr m[MANY] = {};
	struct iovec v[MANY];
	int i;

	for (i = 0; i < MANY; i++) {
		v[i] = (struct iovec){ bufs[i], sizeof(bufs[i]) };
		m[i].msg_hdr.msg_iov = &v[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	return recvmmsg(r->fd, m, MANY, MSG_WAITFORONE, NULL);
}

/* --- io_uring, by its system calls --- */

static int ring_new(struct ring *g)
{
	struct io_uring_params p = {};
	char *sq, *cq;

	g->fd = syscall(SYS_io_uring_setup, MANY, &p);
	if (g->fd < 0)
		return -1;
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(int), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_POPULATE, g->fd, IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(*g->cqes), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_POPULATE, g->fd, IORING_OFF_CQ_RING);
	g->sqes = mmap(NULL, p.sq_entries * sizeof(*g->sqes), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, g->fd, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || g->sqes == MAP_FAILED)
		return -1;
	g->sq_tail = (unsigned int *)(sq + p.sq_off.tail);
	g->sq_mask = (unsigned int *)(sq + p.sq_off.ring_mask);
	g->cq_head = (unsigned int *)(cq + p.cq_off.head);
	g->cq_tail = (unsigned int *)(cq + p.cq_off.tail);
	g->cq_mask = (unsigned int *)(cq + p.cq_off.ring_mask);
	g->cqes = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
	for (unsigned int i = 0; i < p.sq_entries; i++)
		((unsigned int *)(sq + p.sq_off.array))[i] = i;
	return 0;
}

static void ring_put(struct ring *g, struct io_uring_sqe sqe)
{
	unsigned int tail = *g->sq_tail;

	g->sqes[tail & *g->sq_mask] = sqe;
	__atomic_store_n(g->sq_tail, tail + 1, __ATOMIC_RELEASE);
}

/* Hand over so many, wait for an answer */
static int ring_answer(struct ring *g, unsigned int n, struct io_uring_cqe *out)
{
	unsigned int head = *g->cq_head;

	if (n || head == __atomic_load_n(g->cq_tail, __ATOMIC_ACQUIRE))
		if (syscall(SYS_io_uring_enter, g->fd, n, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
			return -1;
	*out = g->cqes[head & *g->cq_mask];
	__atomic_store_n(g->cq_head, head + 1, __ATOMIC_RELEASE);
	return out->res < 0 ? -1 : 0;
}

static int take_uring(struct reader *r)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_RECV,
		.fd = r->fd,
		.addr = (unsigned long)bufs[0],
		.len = sizeof(bufs[0]),
	};
	struct io_uring_cqe cqe;

	ring_put(&r->ring, sqe);
	return ring_answer(&r->ring, 1, &cqe) ? -1 : 1;
}

static int buffers_give(struct ring *g, unsigned int first, int n)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_PROVIDE_BUFFERS,
		.fd = n,
		.addr = (unsigned long)bufs[first],
		.len = sizeof(bufs[0]),
		.off = first,
		.buf_group = GROUP,
		.flags = IOSQE_CQE_SKIP_SUCCESS,
	};

	ring_put(g, sqe);
	return syscall(SYS_io_uring_enter, g->fd, 1, 0, 0, NULL, 0) == 1 ? 0 : -1;
}

static int take_multi(struct reader *r)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_RECV,
		.fd = r->fd,
		.ioprio = IORING_RECV_MULTISHOT,
		.flags = IOSQE_BUFFER_SELECT,
		.buf_group = GROUP,
	};
	struct io_uring_cqe cqe;
	bool first = !r->ring.armed;

	if (first && buffers_give(&r->ring, 0, MANY))
		return -1;
	if (first)
		ring_put(&r->ring, sqe);
	if (ring_answer(&r->ring, first, &cqe))
		return -1;
	r->ring.armed = cqe.flags & IORING_CQE_F_MORE;
	return buffers_give(&r->ring, cqe.flags >> IORING_CQE_BUFFER_SHIFT, 1) ? -1 : 1;
}

static const struct {
	const char *name;
	take_fn take;
} hows[] = {
	{ "recv", take_recv },
	{ "poll", take_poll },
	{ "select", take_select },
	{ "epoll", take_epoll },
	{ "recvmmsg", take_mmsg },
	{ "uring", take_uring },
	{ "uring-multi", take_multi },
};

static take_fn take_of(const char *name)
{
	for (size_t i = 0; i < sizeof(hows) / sizeof(*hows); i++)
		if (!strcmp(hows[i].name, name))
			return hows[i].take;
	return NULL;
}

static int sock_open(const char *proto, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	bool tcp = !strcmp(proto, "tcp");
	int one = 1, fd;

	if (!strcmp(proto, "packet")) {
		fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
		/* the least that there is: full soon */
		return fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &one, sizeof(one)) ? -1 : fd;
	}
	fd = socket(AF_INET, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)) || (tcp && listen(fd, 1)))
		return -1;
	return fd;
}

static int reader_open(struct reader *r, const char *proto, int port)
{
	struct epoll_event ev = { .events = EPOLLIN };

	r->fd = sock_open(proto, port);
	if (r->fd < 0)
		return -1;
	puts("ready");
	fflush(stdout);
	if (!strcmp(proto, "tcp"))
		r->fd = accept(r->fd, NULL, NULL);
	/* watched by it in every mode: a reader that waits otherwise is not the first in the queue */
	r->epoll = epoll_create1(0);
	return r->fd < 0 || epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->fd, &ev) ? -1 : 0;
}

int main(int argc, char **argv)
{
	take_fn take = argc > 4 ? take_of(argv[1]) : NULL;
	unsigned long want = argc > 4 ? strtoul(argv[4], NULL, 10) : 0, n = 0;
	long delay = argc > 5 ? atol(argv[5]) : 0;
	struct timespec pause = { .tv_sec = delay / 1000, .tv_nsec = delay % 1000 * 1000000 };
	struct reader r = {};
	int got;

	if (!take) {
		fputs("usage: sockread HOW udp|tcp|packet PORT COUNT [DELAY_MS]\n", stderr);
		return 2;
	}
	if (reader_open(&r, argv[2], atoi(argv[3])) || (strstr(argv[1], "uring") && ring_new(&r.ring))) {
		perror(argv[1]);
		return 1;
	}
	while (n < want) {
		got = take(&r);
		if (got < 0) {
			perror(argv[1]);
			return 1;
		}
		n += got;
		if (delay)
			nanosleep(&pause, NULL);
	}
	printf("read %lu\n", n);
	return 0;
}
