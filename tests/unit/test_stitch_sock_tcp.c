// SPDX-License-Identifier: GPL-2.0
/* Stitcher: TCP of the host's own sockets, from the application that sends to the one that receives */
#include "stitch_sockscene.h"

#define NETNS2	 4026532000u
#define TCP_FLOW 99 /* of tcp_make() */

static void tcp_up(struct scene *sc, __u32 skb, __u32 seq, __u32 bytes)
{
	walk_up(sc, segment(skb, seq, bytes));
}

static void tcp_queue(struct scene *sc, __u32 sk, __u32 skb, __u32 seq, __u32 bytes)
{
	struct pl_event ev = tcp_make(sc, PL_HOP_sock_queue, 0, skb, seq, bytes);

	of_sock(&ev, sk);
	feed(sc, &ev);
}

static void tcp_comes(struct scene *sc, __u32 skb, __u32 seq, __u32 bytes)
{
	tcp_up(sc, skb, seq, bytes);
	tcp_queue(sc, SK, skb, seq, bytes);
}

/* The reader copies a range of the connection in a namespace */
static void tcp_copy_in(struct scene *sc, __u32 netns, __u32 sk, __u32 seq, __u32 bytes)
{
	struct pl_event ev = sk_make(sc, PL_HOP_skb_copy, sk);

	ev.netns = netns;
	ev.obj = 0xffff888012340000ULL;
	ev.proto = 6;
	ev.arg = TCP_FLOW;
	ev.key = seq;
	ev.pay = ev.len = bytes;
	ev.flags |= PL_F_KEY;
	feed(sc, &ev);
}

static void tcp_copy(struct scene *sc, __u32 sk, __u32 seq, __u32 bytes)
{
	tcp_copy_in(sc, NETNS, sk, seq, bytes);
}

static void tcp_got(struct scene *sc, __u32 seq, __u32 bytes)
{
	tcp_copy(sc, SK, seq, bytes);
	returns(sc, SK, bytes);
}

/* The second segment's bytes went into the skb of the first, and its skb is another packet's soon */
static void test_tcp_coalesced(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	tcp_comes(sc, 1, 1000, 100);
	wake(sc, SK, READER, PL_WAIT_POLL);
	tcp_comes(sc, 2, 1100, 50);
	up(sc, 2, 11);
	at(sc, 1, READER);
	reader_runs(sc);
	tcp_got(sc, 1000, 150);
	EXPECT(sc, UP WAKE "app:run sock:copy app:recv C 1000+100\n" UP "sock:queue app:run sock:copy app:recv C 1100+50\n");
	finish(sc);
	EXPECT(sc, UP "I\n");
}

/* A segment has been read when its last byte has; reads that end in the middle */
static void test_tcp_part(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	tcp_comes(sc, 1, 0xffffffc0, 100);
	at(sc, 1, READER);
	tcp_got(sc, 0xffffffc0, 60);
	EXPECT(sc, "");
	tcp_got(sc, 0xffffffc0 + 60, 40);
	finish(sc);
	EXPECT(sc, UP "sock:queue sock:copy app:recv C 4294967232+100\n");
}

/* Came too early: TCP moves it to the queue by itself, when the one before has come */
static void test_tcp_out_of_order(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	tcp_up(sc, 1, 1100, 100);
	tcp_up(sc, 2, 1000, 100);
	at(sc, 1, READER);
	/* for another socket, say: not what the early one waits for */
	reader_runs(sc);
	at(sc, 0, 0);
	tcp_queue(sc, SK, 2, 1000, 100);
	at(sc, 1, READER);
	tcp_got(sc, 1000, 200);
	finish(sc);
	EXPECT(sc, UP "sock:copy app:recv C 1100+100\n" UP "sock:queue sock:copy app:recv C 1000+100\n");
}

/* Sent again though it had come: dropped as old, and not what the reader got */
static void test_tcp_again(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	tcp_comes(sc, 1, 1000, 100);
	tcp_up(sc, 2, 1000, 100);
	tcp(sc, PL_HOP_drop, 0, 2, 1000, 100);
	EXPECT(sc, UP "drop D 1000+100\n");
	at(sc, 1, READER);
	tcp_got(sc, 1000, 100);
	EXPECT(sc, UP "sock:queue sock:copy app:recv C 1000+100\n");
	/* and again, after it was read, its drop unseen */
	at(sc, 0, 0);
	tcp_up(sc, 3, 1000, 100);
	tcp_comes(sc, 4, 1100, 100);
	at(sc, 1, READER);
	tcp_got(sc, 1100, 100);
	finish(sc);
	EXPECT(sc, UP "sock:queue sock:copy app:recv C 1100+100\n" UP "I 1000+100\n");
}

/* Sent again, and waiting for the reader that holds the socket: dropped when that has read on */
static void test_tcp_again_waits(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	tcp_comes(sc, 1, 1000, 100);
	tcp_up(sc, 2, 1000, 100);
	at(sc, 1, READER);
	tcp_copy(sc, SK, 1000, 100);
	tcp(sc, PL_HOP_drop, 0, 2, 1000, 100);
	EXPECT(sc, UP "drop D 1000+100\n");
	returns(sc, SK, 100);
	finish(sc);
	EXPECT(sc, UP "sock:queue sock:copy app:recv C 1000+100\n");
}

static void test_tcp_loss(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	tcp_comes(sc, 1, 1000, 100);
	sc->next_flags = PL_F_GAP;
	tcp_comes(sc, 2, 1100, 100);
	at(sc, 1, READER);
	tcp_got(sc, 1000, 200);
	finish(sc);
	EXPECT(sc, UP "sock:queue I 1000+100\n" UP "sock:queue sock:copy app:recv C 1100+100\n");
}

/* The same addresses and ports in two namespaces (containers): two connections */
static void test_tcp_two_netns(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	tcp_comes(sc, 1, 1000, 100);
	at(sc, 2, READER2);
	tcp_copy_in(sc, NETNS2, SK2, 1000, 100);
	returns(sc, SK2, 100);
	EXPECT(sc, "");
	at(sc, 1, READER);
	tcp_got(sc, 1000, 100);
	finish(sc);
	EXPECT(sc, UP "sock:queue sock:copy app:recv C 1000+100\n");
}

/* An acknowledgement, or a FIN, is read by nobody, and whole without that */
static void test_tcp_no_data(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	tcp_up(sc, 1, 1000, 0);
	tcp_comes(sc, 2, 1000, 0);
	finish(sc);
	EXPECT(sc, UP "C\n" UP "sock:queue C\n");
}

/* --- sender and receiver on one machine --- */

static void tcp_send(struct scene *sc, __u32 netns, __u32 seq, __u32 bytes)
{
	struct pl_event ev = sk_make(sc, PL_HOP_app_send, SK2);

	ev.netns = netns;
	ev.proto = 6;
	ev.arg = TCP_FLOW;
	ev.pay = seq;
	ev.len = bytes;
	feed(sc, &ev);
}

/* Two writes go out as one segment and a half; what is sent again comes from no write */
static void test_whole_tcp(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, WRITER);
	tcp_send(sc, NETNS, 1000, 100);
	ip_out(sc, SK2, segment(1, 1000, 100));
	over_veth(sc, segment(1, 1000, 100));
	tcp_queue(sc, SK, 1, 1000, 100);
	tcp_send(sc, NETNS, 1100, 200);
	/* an ACK opens the window: sent by a softirq, in any task */
	at(sc, 2, 0);
	ip_out(sc, SK2, segment(2, 1100, 200));
	over_veth(sc, segment(2, 1100, 200));
	tcp_queue(sc, SK, 2, 1100, 200);
	at(sc, 1, READER);
	tcp_got(sc, 1000, 300);
#define TCP_ALL "app:send ip:out " VETH "sock:queue sock:copy app:recv C "
	EXPECT(sc, TCP_ALL "1000+100\n" TCP_ALL "1100+200\n");
	at(sc, 2, 0);
	ip_out(sc, SK2, segment(3, 1100, 200));
	over_veth(sc, segment(3, 1100, 200));
	tcp(sc, PL_HOP_drop, 0, 3, 1100, 200);
	EXPECT(sc, "ip:out " VETH "drop D 1100+200\n");
	finish(sc);
}

/* A write in another namespace, of a connection with the same addresses and ports */
static void test_whole_tcp_netns(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, WRITER);
	tcp_send(sc, NETNS2, 1000, 100);
	ip_out(sc, SK2, segment(1, 1000, 100));
	tcp(sc, PL_HOP_drop, 0, 1, 1000, 100);
	finish(sc);
	EXPECT(sc, "ip:out drop D 1000+100\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_tcp_coalesced),
		SCENE(test_tcp_part),
		SCENE(test_tcp_out_of_order),
		SCENE(test_tcp_again),
		SCENE(test_tcp_again_waits),
		SCENE(test_tcp_loss),
		SCENE(test_tcp_two_netns),
		SCENE(test_tcp_no_data),
		SCENE(test_whole_tcp),
		SCENE(test_whole_tcp_netns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
