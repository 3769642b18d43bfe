// SPDX-License-Identifier: GPL-2.0
/* Stitcher: datagrams of the host's own sockets, from the application that sends to the one that receives */
#include "stitch_sockscene.h"

/* By a hook that is handed the skb, or (tail) by the tracepoint of the callback, which is not */
static void queue_by(struct scene *sc, enum pl_hook hook, __u32 sk, __u32 skb, __u64 key)
{
	struct pl_event ev = pkt_make(sc, PL_HOP_sock_queue, 0, skb, key);

	of_sock(&ev, sk);
	if (hook)
		ev.hook = hook;
	ev.len = skb ? 100 : 0;
	feed(sc, &ev);
}

static void queue(struct scene *sc, __u32 sk, __u32 skb, __u64 key)
{
	queue_by(sc, 0, sk, skb, key);
}

/* skb 0: the reader was faster */
static void queue_tail(struct scene *sc, __u32 sk, __u32 skb, __u64 key)
{
	queue_by(sc, PL_HOOK_tail_queue, sk, skb, key);
}

static void comes(struct scene *sc, __u32 skb, __u64 key)
{
	up(sc, skb, key);
	queue(sc, SK, skb, key);
}

static void comes_tail(struct scene *sc, __u32 skb, __u64 key)
{
	up(sc, skb, key);
	queue_tail(sc, SK, skb, key);
}

static void take(struct scene *sc, __u32 sk, __u32 skb, __u64 key)
{
	struct pl_event ev = pkt_make(sc, PL_HOP_sock_recv, 0, skb, key);

	of_sock(&ev, sk);
	feed(sc, &ev);
	pkt(sc, PL_HOP_skb_free, 0, skb, key);
}

static void got(struct scene *sc, __u32 skb, __u64 key)
{
	take(sc, SK, skb, key);
	returns(sc, SK, 100);
}

/* --- kernels with function hooks --- */

static void test_udp_sleeping(void **state)
{
	static const enum pl_wait how[] = { PL_WAIT_RECV, PL_WAIT_POLL, PL_WAIT_EPOLL };
	struct scene *sc = *state;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		at(sc, 0, 0);
		comes(sc, 1 + i, 11 + i);
		wake(sc, SK, READER, how[i]);
		at(sc, 1, READER);
		reader_runs(sc);
		got(sc, 1 + i, 11 + i);
		EXPECT(sc, UP WAKE "app:run sock:recv app:recv C\n");
	}
	finish(sc);
	EXPECT(sc, "");
	assert_int_equal(stitch_stats(sc->st)->packets[PACKET_COMPLETE], 3);
}

/* Nobody slept: the reader was busy, and its times on a CPU before are of no matter */
static void test_udp_busy(void **state)
{
	struct scene *sc = *state;

	at(sc, 1, READER);
	reader_runs(sc);
	at(sc, 0, 0);
	comes(sc, 1, 11);
	at(sc, 1, READER);
	got(sc, 1, 11);
	finish(sc);
	EXPECT(sc, UP "sock:queue sock:recv app:recv C\n");
}

/*
 * Three for one wake-up: only the first woke; the second was there when the reader ran, the third
 * came later. One read each (recvmmsg() is that, too), of which each returns.
 */
static void test_udp_several(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	comes(sc, 1, 11);
	wake(sc, SK, READER, PL_WAIT_EPOLL);
	comes(sc, 2, 12);
	at(sc, 1, READER);
	reader_runs(sc);
	at(sc, 0, 0);
	comes(sc, 3, 13);
	at(sc, 1, READER);
	got(sc, 1, 11);
	EXPECT(sc, UP WAKE "app:run sock:recv app:recv C\n");
	got(sc, 2, 12);
	EXPECT(sc, UP "sock:queue app:run sock:recv app:recv C\n");
	got(sc, 3, 13);
	EXPECT(sc, UP "sock:queue sock:recv app:recv C\n");
	/* a return that comes with no datagram, of a read that failed after all */
	returns(sc, SK, 0);
	finish(sc);
	EXPECT(sc, "");
}

/* The return of a read is of its own socket, and of its own task */
static void test_udp_two_readers(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	comes(sc, 1, 11);
	up(sc, 2, 12);
	queue(sc, SK2, 2, 12);
	at(sc, 1, READER);
	take(sc, SK, 1, 11);
	at(sc, 2, READER2);
	take(sc, SK2, 2, 12);
	returns(sc, SK2, 100);
	EXPECT(sc, UP "sock:queue sock:recv app:recv C\n");
	/* another socket's return: that of the datagram was not seen */
	at(sc, 1, READER);
	returns(sc, SK2, 100);
	EXPECT(sc, UP "sock:queue sock:recv C\n");
	finish(sc);
	EXPECT(sc, "");
}

/* A wake-up that does not follow its callback at once, or is another socket's, is not joined */
static void test_wake_not_ours(void **state)
{
	struct scene *sc = *state;
	struct pl_event ev;

	at(sc, 0, 0);
	comes(sc, 1, 11);
	ready(sc, SK, PL_WAIT_RECV);
	up(sc, 2, 12);
	ev = sk_make(sc, PL_HOP_app_wake, SK);
	ev.tid = READER;
	feed(sc, &ev);
	queue(sc, SK, 2, 12);
	/* the callback of another socket */
	wake(sc, SK2, READER2, PL_WAIT_RECV);
	finish(sc);
	EXPECT(sc, UP "sock:queue sock:ready I\n" UP "sock:queue I\n");
}

/* Events between the queue and the read were lost on the CPU that queued */
static void test_udp_loss(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	comes(sc, 1, 11);
	sc->next_flags = PL_F_GAP;
	comes(sc, 2, 12);
	at(sc, 1, READER);
	got(sc, 1, 11);
	got(sc, 2, 12);
	finish(sc);
	/* what took the first skb's place is not known */
	assert_null(strstr(sc->out, UP "sock:queue sock:recv app:recv C\n" UP));
	assert_non_null(strstr(sc->out, UP "sock:queue I\n"));
	assert_non_null(strstr(sc->out, UP "sock:queue sock:recv app:recv C\n"));
}

/* Closed with a datagram in its queue; the next socket has its address, the next datagram its skb */
static void test_sock_reused(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	comes(sc, 1, 11);
	at(sc, 1, READER);
	pkt(sc, PL_HOP_drop, 0, 1, 11);
	EXPECT(sc, UP "sock:queue drop D\n");
	/* a read that is seen: datagrams are known by their skb */
	at(sc, 0, 0);
	comes(sc, 9, 19);
	take(sc, SK, 9, 19);
	finish(sc);
	sc->out[0] = 0;
	comes(sc, 1, 12);
	/* freed unseen this time */
	up(sc, 1, 13);
	EXPECT(sc, UP "sock:queue I\n");
	queue(sc, SK, 1, 13);
	at(sc, 1, READER2);
	got(sc, 1, 13);
	finish(sc);
	EXPECT(sc, UP "sock:queue sock:recv app:recv C\n");
}

/* --- kernels without: the callback only, and the return of the read --- */

static void test_tail(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	comes_tail(sc, 1, 11);
	wake(sc, SK, READER, PL_WAIT_RECV);
	comes_tail(sc, 2, 12);
	at(sc, 1, READER);
	reader_runs(sc);
	returns(sc, SK, 100);
	EXPECT(sc, UP WAKE "app:run app:recv C\n");
	returns(sc, SK, 100);
	EXPECT(sc, UP "sock:queue app:run app:recv C\n");
	finish(sc);
	EXPECT(sc, "");
}

/* Programs at one tracepoint run in any order: the wait began with the first of them */
static void test_tail_after_ready(void **state)
{
	struct scene *sc = *state;
	struct pl_event ev;

	at(sc, 0, 0);
	up(sc, 1, 11);
	ready(sc, SK, PL_WAIT_RECV);
	queue_tail(sc, SK, 1, 11);
	ev = sk_make(sc, PL_HOP_app_wake, SK);
	ev.tid = READER;
	feed(sc, &ev);
	at(sc, 1, READER);
	reader_runs(sc);
	returns(sc, SK, 100);
	finish(sc);
	EXPECT(sc, UP WAKE "app:run app:recv C\n");
}

/* One that the reader took before the callback looked: from here on the oldest is not known */
static void test_tail_missing(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	up(sc, 1, 11);
	queue_tail(sc, SK, 0, 0);
	comes_tail(sc, 2, 12);
	at(sc, 1, READER);
	returns(sc, SK, 100);
	EXPECT(sc, UP "sock:queue app:recv A\n");
	returns(sc, SK, 100);
	/* nothing left: what comes now is known again */
	at(sc, 0, 0);
	comes_tail(sc, 3, 13);
	at(sc, 1, READER);
	returns(sc, SK, 100);
	EXPECT(sc, UP "sock:queue app:recv C\n");
	finish(sc);
}

/* Unread when the recording began: read first, so that what seems the oldest is not, until all are */
static void test_tail_unread_before(void **state)
{
	struct scene *sc = *state;
	struct pl_event ev;

	at(sc, 0, 0);
	up(sc, 1, 11);
	queue_tail(sc, SK, 1, 11);
	ev = sk_make(sc, PL_HOP_sock_queue, SK);
	ev.hook = PL_HOOK_tail_queue;
	ev.obj = 0;
	ev.len = 2;
	feed(sc, &ev);
	at(sc, 1, READER);
	returns(sc, SK, 100);
	EXPECT(sc, UP "sock:queue app:recv A\n");
	returns(sc, SK, 100);
	/* comes while one of them is left */
	at(sc, 0, 0);
	up(sc, 2, 12);
	queue_tail(sc, SK, 2, 12);
	at(sc, 1, READER);
	returns(sc, SK, 100);
	EXPECT(sc, UP "sock:queue app:recv A\n");
	returns(sc, SK, 100);
	at(sc, 0, 0);
	up(sc, 3, 13);
	queue_tail(sc, SK, 3, 13);
	at(sc, 1, READER);
	returns(sc, SK, 100);
	EXPECT(sc, UP "sock:queue app:recv C\n");
	finish(sc);
}

/* Datagrams that are not looked at are read in between, and counted: over a bridge, or told of only */
static void test_tail_others(void **state)
{
	struct scene *sc = *state;
	struct pl_event other;

	at(sc, 0, 0);
	sc->next_flags = PL_F_KNOWN;
	queue_tail(sc, SK, 8, 18);
	comes_tail(sc, 1, 11);
	other = sk_make(sc, PL_HOP_sock_queue, SK);
	other.obj = 0;
	other.hook = PL_HOOK_tail_queue;
	other.arg = 1;
	feed(sc, &other);
	comes_tail(sc, 2, 12);
	at(sc, 1, READER);
	returns(sc, SK, 100);
	EXPECT(sc, "");
	returns(sc, SK, 100);
	EXPECT(sc, UP "sock:queue app:recv C\n");
	returns(sc, SK, 100);
	EXPECT(sc, "");
	returns(sc, SK, 100);
	EXPECT(sc, UP "sock:queue app:recv C\n");
	finish(sc);
	EXPECT(sc, "");
}

/* A reader is woken by the first datagram that waits: nothing that came before it is still unread */
static void wakes_alone(struct scene *sc, __u32 reader)
{
	struct pl_event ev = sk_make(sc, PL_HOP_sock_ready, SK);

	ev.arg = PL_WAIT_RECV;
	ev.len = 1;
	feed(sc, &ev);
	ev = sk_make(sc, PL_HOP_app_wake, SK);
	ev.tid = reader;
	ev.arg = PL_WAIT_RECV;
	feed(sc, &ev);
}

/* Two came at once, on two CPUs, and the callbacks saw the same one: known again from the next sleep on */
static void test_tail_healed(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	comes_tail(sc, 1, 11);
	queue_tail(sc, SK, 1, 11);
	at(sc, 1, READER);
	returns(sc, SK, 100);
	EXPECT(sc, UP "sock:queue app:recv A\n");
	/* two that are nobody's are told of, one is read: what is left of the count is wrong */
	sc->next_flags = PL_F_KNOWN;
	queue_tail(sc, SK, 8, 18);
	sc->next_flags = PL_F_KNOWN;
	queue_tail(sc, SK, 8, 18);
	returns(sc, SK, 100);
	/* a datagram whose read was not seen: not taken for the one that is read next */
	at(sc, 0, 0);
	comes_tail(sc, 2, 12);
	comes_tail(sc, 3, 13);
	wakes_alone(sc, READER);
	EXPECT(sc, UP "sock:queue I\n");
	at(sc, 1, READER);
	returns(sc, SK, 100);
	EXPECT(sc, UP WAKE "app:recv C\n");
	finish(sc);
	EXPECT(sc, "");
}

/* A read that gives more than the datagram had was of another one */
static void test_tail_length(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	comes_tail(sc, 1, 11);
	at(sc, 1, READER);
	returns(sc, SK, 101);
	finish(sc);
	EXPECT(sc, UP "sock:queue I\n");
}

/*
 * Two tasks read one socket. While there is one datagram it is known who got it; of two, the one
 * that came first may be the other task's.
 */
static void test_tail_two_readers(void **state)
{
	struct scene *sc = *state;
	__u32 i;

	for (i = 0; i < 4; i++) {
		at(sc, 0, 0);
		comes_tail(sc, 1, 11 + i);
		at(sc, 1, i % 2 ? READER : READER2);
		returns(sc, SK, 100);
		EXPECT(sc, UP "sock:queue app:recv C\n");
	}
	at(sc, 0, 0);
	comes_tail(sc, 1, 21);
	comes_tail(sc, 2, 22);
	/* the same that read last: READER2 may have the first in its hands */
	at(sc, 1, READER);
	returns(sc, SK, 100);
	at(sc, 2, READER2);
	returns(sc, SK, 100);
	EXPECT(sc, UP "sock:queue app:recv A\n" UP "sock:queue app:recv A\n");
	at(sc, 0, 0);
	comes_tail(sc, 1, 31);
	at(sc, 1, READER);
	returns(sc, SK, 100);
	EXPECT(sc, UP "sock:queue app:recv C\n");
	finish(sc);
}

/* Two were woken: that there are two readers is known before the first read returns */
static void test_tail_two_woken(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	comes_tail(sc, 1, 11);
	wake(sc, SK, READER, PL_WAIT_RECV);
	comes_tail(sc, 2, 12);
	wake(sc, SK, READER2, PL_WAIT_RECV);
	at(sc, 2, READER2);
	returns(sc, SK, 100);
	at(sc, 1, READER);
	returns(sc, SK, 100);
	finish(sc);
	EXPECT(sc, UP WAKE "app:recv A\n" UP WAKE "app:recv A\n");
}

/* --- sender and receiver on one machine --- */

static void udp_send(struct scene *sc, __u32 sk)
{
	struct pl_event ev = sk_make(sc, PL_HOP_app_send, sk);

	ev.proto = 17;
	ev.arg = 77;
	ev.len = 100;
	feed(sc, &ev);
}

static void test_whole_udp(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, WRITER);
	udp_send(sc, SK2);
	ip_out(sc, SK2, datagram(1, 11));
	over_veth(sc, datagram(1, 11));
	queue(sc, SK, 1, 11);
	wake(sc, SK, READER, PL_WAIT_RECV);
	at(sc, 1, READER);
	reader_runs(sc);
	got(sc, 1, 11);
	EXPECT(sc, "app:send ip:out " VETH WAKE "app:run sock:recv app:recv C\n");
	/* the write was used up: a packet that the kernel sends by itself is none of it */
	at(sc, 0, WRITER);
	ip_out(sc, SK2, datagram(2, 12));
	over_veth(sc, datagram(2, 12));
	pkt(sc, PL_HOP_drop, 0, 2, 12);
	EXPECT(sc, "ip:out " VETH "drop D\n");
	/* another socket's write, in the same task */
	udp_send(sc, SK);
	ip_out(sc, SK2, datagram(3, 13));
	pkt(sc, PL_HOP_drop, 0, 3, 13);
	EXPECT(sc, "ip:out drop D\n");
	finish(sc);
}

/* Without ip:out the write is told by the flow of a connected socket; else not at all */
static void test_whole_udp_few_hooks(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, WRITER);
	udp_send(sc, SK2);
	over_veth(sc, datagram(1, 11));
	pkt(sc, PL_HOP_drop, 0, 1, 11);
	EXPECT(sc, "app:send " VETH "drop D\n");
	finish(sc);
}

/*
 * A device that leads up from one that is looked at: of what came in there only. Others pass it, too,
 * with an skb that is not known.
 */
static void test_known_only(void **state)
{
	static const enum pl_hop hops[] = { PL_HOP_dev_rx, PL_HOP_nic_skb, PL_HOP_ip_rcv, PL_HOP_ip_deliver,
					    PL_HOP_drop };
	struct scene *sc = *state;
	size_t i, k;

	at(sc, 0, 0);
	for (k = 1; k <= 2; k++) {
		if (k == 1)
			pkt(sc, PL_HOP_nic_gro, IF_NIC, 1, 11);
		for (i = 0; i < 5; i++) {
			sc->next_flags = PL_F_KNOWN;
			pkt(sc, hops[i], hops[i] == PL_HOP_drop ? 0 : IF_BR, k, 10 + k);
		}
	}
	finish(sc);
	EXPECT(sc, "nic:gro dev:rx nic:skb ip:rcv ip:deliver drop D\n");
}

/* A packet socket has no room: its clone is dropped, the packet itself goes on */
static void test_packet_socket_full(void **state)
{
	struct scene *sc = *state;
	struct pl_event ev;

	at(sc, 0, 0);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 1, 11);
	pkt(sc, PL_HOP_nic_skb, IF_NIC, 1, 11);
	ev = pkt_make(sc, PL_HOP_drop, 0, 2, 11);
	ev.head = 1;
	feed(sc, &ev);
	EXPECT(sc, "nic:gro nic:skb drop D clone\n");
	pkt(sc, PL_HOP_ip_rcv, IF_NIC, 1, 11);
	pkt(sc, PL_HOP_ip_deliver, IF_NIC, 1, 11);
	queue(sc, SK, 1, 11);
	at(sc, 1, READER);
	/* what else a packet socket does with clones is no packet's */
	pkt(sc, PL_HOP_skb_copy, 0, 3, 11);
	pkt(sc, PL_HOP_skb_free, 0, 3, 11);
	got(sc, 1, 11);
	finish(sc);
	EXPECT(sc, UP "sock:queue sock:recv app:recv C\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_udp_sleeping),
		SCENE(test_udp_busy),
		SCENE(test_udp_several),
		SCENE(test_udp_two_readers),
		SCENE(test_wake_not_ours),
		SCENE(test_udp_loss),
		SCENE(test_sock_reused),
		SCENE(test_tail),
		SCENE(test_tail_after_ready),
		SCENE(test_tail_missing),
		SCENE(test_tail_unread_before),
		SCENE(test_tail_others),
		SCENE(test_tail_healed),
		SCENE(test_tail_length),
		SCENE(test_tail_two_readers),
		SCENE(test_tail_two_woken),
		SCENE(test_known_only),
		SCENE(test_packet_socket_full),
		SCENE(test_whole_udp),
		SCENE(test_whole_udp_few_hooks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
