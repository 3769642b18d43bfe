// SPDX-License-Identifier: GPL-2.0
/* Stitcher: skbs that stand for several packets: GRO, GSO, reassembled fragments */
#include "stitch_scene.h"

#define MSS 500

static void merged(struct scene *sc)
{
	ctx(sc, PL_HOP_nic_merged, 0, 0, 0, 0);
}

/* Three segments from seq on arrive, and GRO makes one skb, number 1, of them */
static void gro_three(struct scene *sc, __u32 seq)
{
	tcp(sc, PL_HOP_nic_gro, IF_NIC, 1, seq, MSS);
	tcp(sc, PL_HOP_nic_gro, IF_NIC, 2, seq + MSS, MSS);
	merged(sc);
	/* the skb that was merged is taken again at once */
	tcp(sc, PL_HOP_nic_gro, IF_NIC, 2, seq + 2 * MSS, MSS);
	merged(sc);
}

static void tcp_bridge(struct scene *sc, __u32 to, __u32 skb, __u32 seq, __u32 bytes)
{
	tcp(sc, PL_HOP_nic_skb, IF_NIC, skb, seq, bytes);
	tcp(sc, PL_HOP_br_in, IF_NIC, skb, seq, bytes);
	tcp(sc, PL_HOP_br_forward, to, skb, seq, bytes);
	tcp(sc, PL_HOP_br_push, to, skb, seq, bytes);
	tcp(sc, PL_HOP_dev_queue, to, skb, seq, bytes);
}

#define MERGED "nic:gro nic:merged " BRIDGE
#define GUEST  "vhost:copy vhost:copied vhost:used "

/* Every segment goes all the way to the guest, in the skb of the first */
static void test_gro(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	dev_ctx(sc, PL_HOP_nic_poll, 0xaa, 0);
	gro_three(sc, 1000);
	tcp_bridge(sc, IF_TAP(0), 1, 1000, 3 * MSS);
	tcp(sc, PL_HOP_dev_xmit, IF_TAP(0), 1, 1000, 3 * MSS);
	nic_rx_end(sc);
	at(sc, 1, TID_WORKER(0));
	tcp(sc, PL_HOP_skb_copy, 0, 1, 1000, 3 * MSS);
	tcp(sc, PL_HOP_skb_free, 0, 1, 1000, 3 * MSS);
	used(sc, 0, 1);
	finish(sc);
	EXPECT(sc, "nic:poll " MERGED "tap:xmit " GUEST "C 1500+500\n"
		   "nic:poll " MERGED "tap:xmit " GUEST "C 2000+500\n"
		   "nic:poll nic:gro " BRIDGE "tap:xmit " GUEST "C 1000+500\n");
	assert_int_equal(stitch_stats(sc->st)->ridden, 2);
	assert_int_equal(stitch_stats(sc->st)->packets[PACKET_COMPLETE], 3);
}

/* gro_flush_timeout: what is merged in one poll is given out in a later one */
static void test_gro_held(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	dev_ctx(sc, PL_HOP_nic_poll, 0xaa, 0);
	gro_three(sc, 0xffffffff - MSS);
	nic_rx_end(sc);
	dev_ctx(sc, PL_HOP_nic_poll, 0xaa, 0);
	tcp(sc, PL_HOP_nic_skb, IF_NIC, 1, 0xffffffff - MSS, 3 * MSS);
	tcp(sc, PL_HOP_drop, 0, 1, 0xffffffff - MSS, 3 * MSS);
	nic_rx_end(sc);
	finish(sc);
	/* sequence numbers go round */
	EXPECT(sc, "nic:poll nic:gro nic:merged nic:skb drop D 4294967295+500\n"
		   "nic:poll nic:gro nic:merged nic:skb drop D 499+500\n"
		   "nic:poll nic:gro nic:skb drop D 4294966795+500\n");
}

/* What does not follow byte by byte is in some other skb */
static void test_gro_unsure(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	tcp(sc, PL_HOP_nic_gro, IF_NIC, 1, 1000, MSS);
	tcp(sc, PL_HOP_nic_gro, IF_NIC, 2, 7000, MSS);
	merged(sc);
	tcp(sc, PL_HOP_nic_gro, IF_NIC, 3, 1500, MSS);
	merged(sc);
	tcp(sc, PL_HOP_nic_skb, IF_NIC, 1, 1000, 3 * MSS);
	tcp(sc, PL_HOP_skb_free, 0, 1, 1000, 3 * MSS);
	/* one without headers: nothing is known of it */
	tcp(sc, PL_HOP_nic_gro, IF_NIC, 1, 5000, MSS);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 2, 0);
	merged(sc);
	tcp(sc, PL_HOP_nic_skb, IF_NIC, 1, 5000, 2 * MSS + 1);
	tcp(sc, PL_HOP_skb_free, 0, 1, 5000, 2 * MSS + 1);
	/* long ago: given out without being seen */
	sc->ts += 20000000;
	dev_ctx(sc, PL_HOP_nic_poll, 0xaa, 0);
	EXPECT(sc, "nic:gro nic:merged nic:skb skb:free C 1500+500\n"
		   "nic:gro nic:skb skb:free C 1000+500\n"
		   "nic:gro nic:skb skb:free C 5000+500\n"
		   "nic:gro nic:merged M 7000+500\n"
		   "nic:gro nic:merged M\n");
	/* said to be merged, but it comes out: the event was another packet's */
	tcp(sc, PL_HOP_nic_gro, IF_NIC, 4, 1, MSS);
	merged(sc);
	tcp(sc, PL_HOP_nic_skb, IF_NIC, 4, 1, MSS);
	finish(sc);
	EXPECT(sc, "nic:poll nic:gro nic:skb A 1+500\n");
}

/* Headers in a fragment: GRO reads them where nic:gro cannot */
static void test_gro_frag0(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 1, 0);
	tcp(sc, PL_HOP_nic_gromerge, IF_NIC, 1, 1000, MSS);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 2, 0);
	tcp(sc, PL_HOP_nic_gromerge, IF_NIC, 2, 1500, MSS);
	merged(sc);
	tcp(sc, PL_HOP_nic_skb, IF_NIC, 1, 1000, 2 * MSS + 1);
	tcp(sc, PL_HOP_skb_free, 0, 1, 1000, 2 * MSS + 1);
	finish(sc);
	EXPECT(sc, "nic:gro nic:gromerge nic:merged nic:skb skb:free C 1500+500\n"
		   "nic:gro nic:gromerge nic:skb skb:free C 1000+500\n");
}

/* FILTER, and GRO cannot read what it depends on either: no packet until some hop can tell */
static void test_gro_undecided(void **state)
{
	struct scene *sc = *state;
	int sure;

	for (sure = 0; sure < 2; sure++) {
		at(sc, 0, 0);
		sc->next_flags = PL_F_UNSURE;
		pkt(sc, PL_HOP_nic_gro, IF_NIC, 1, 0);
		sc->next_flags = PL_F_UNSURE;
		tcp(sc, PL_HOP_nic_gromerge, IF_NIC, 1, 1000, MSS);
		if (sure)
			tcp(sc, PL_HOP_nic_skb, IF_NIC, 1, 1000, MSS);
		finish(sc);
		EXPECT(sc, sure ? "nic:gro nic:gromerge nic:skb I 1000+500\n" : "");
		assert_int_equal(stitch_stats(sc->st)->undecided, 1);
	}
}

static struct pl_event udp_make(struct scene *sc, enum pl_hop hop, __u32 ifindex, __u32 skb,
				__u64 key, __u32 len)
{
	struct pl_event ev = pkt_make(sc, hop, ifindex, skb, key);

	ev.len = len;
	return ev;
}

static void udp(struct scene *sc, enum pl_hop hop, __u32 ifindex, __u32 skb, __u64 key, __u32 len)
{
	struct pl_event ev = udp_make(sc, hop, ifindex, skb, key, len);

	feed(sc, &ev);
}

static void udp_gso(struct scene *sc, enum pl_hop hop, __u32 ifindex, __u32 skb, __u64 key,
		    __u32 len, __u32 bytes)
{
	struct pl_event ev = udp_make(sc, hop, ifindex, skb, key, len);

	ev.flags = PL_F_KEY | PL_F_GSO | (hop == PL_HOP_dev_queue ? PL_F_ENTRY : 0);
	ev.pay = bytes;
	feed(sc, &ev);
}

static void udp_gro_three(struct scene *sc, __u32 last)
{
	udp(sc, PL_HOP_nic_gro, IF_NIC, 1, 21, 128);
	udp(sc, PL_HOP_nic_gro, IF_NIC, 2, 22, 128);
	merged(sc);
	udp(sc, PL_HOP_nic_gro, IF_NIC, 3, 23, last);
	merged(sc);
}

/* Datagrams: the bytes must come out */
static void test_gro_udp(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	udp_gro_three(sc, 78);
	udp_gso(sc, PL_HOP_nic_skb, IF_NIC, 1, 21, 278, 250);
	udp_gso(sc, PL_HOP_skb_free, 0, 1, 21, 278, 250);
	EXPECT(sc, "nic:gro nic:merged nic:skb skb:free C\nnic:gro nic:merged nic:skb skb:free C\n"
		   "nic:gro nic:skb skb:free C\n");
	udp_gro_three(sc, 79);
	udp_gso(sc, PL_HOP_nic_skb, IF_NIC, 1, 21, 278, 250);
	udp_gso(sc, PL_HOP_skb_free, 0, 1, 21, 278, 250);
	EXPECT(sc, "nic:gro nic:skb skb:free C\n");
	finish(sc);
	EXPECT(sc, "nic:gro nic:merged M\nnic:gro nic:merged M\n");
}

static void segment(struct scene *sc, __u32 skb, __u32 seq, __u32 bytes)
{
	tcp(sc, PL_HOP_dev_xmit, IF_NIC, skb, seq, bytes);
}

/* A guest's large packet, cut up before the NIC: each segment has been all of its way */
static void test_gso(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, TID_WORKER(0));
	tcp(sc, PL_HOP_dev_rx, IF_TAP(0), 1, 5000, 1100);
	tcp(sc, PL_HOP_dev_queue, IF_NIC, 1, 5000, 1100);
	tcp(sc, PL_HOP_qdisc_enq, IF_NIC, 1, 5000, 1100);
	/* another flow's is on its way too */
	tcp(sc, PL_HOP_dev_queue, IF_NIC, 20, 90000, 1100);
	tcp(sc, PL_HOP_qdisc_deq, IF_NIC, 1, 5000, 1100);
	tcp(sc, PL_HOP_skb_free, 0, 1, 5000, 1100);
	segment(sc, 2, 5000, MSS);
	segment(sc, 3, 5500, MSS);
	/* the queue stopped, and went on elsewhere */
	at(sc, 1, 0);
	segment(sc, 4, 6000, 100);
	EXPECT(sc, "tap:skb dev:queue qdisc:enq qdisc:deq S 5000+1100\n");
	tcp(sc, PL_HOP_skb_free, 0, 3, 5500, MSS);
	tcp(sc, PL_HOP_skb_free, 0, 4, 6000, 100);
	finish(sc);
#define QUEUE "tap:skb dev:queue qdisc:enq qdisc:deq nic:xmit "
	EXPECT(sc, QUEUE "nic:txdone C 5500+500\n" QUEUE "nic:txdone C 6000+100\n"
			 "dev:queue I 90000+1100\n" QUEUE "C 5000+500\n");
	assert_int_equal(stitch_stats(sc->st)->segments, 3);
}

/* A segment that is not in it, one whose packet was cut up twice, one that is missing */
static void test_gso_unsure(void **state)
{
	struct scene *sc = *state;
	int i;

	at(sc, 0, TID_WORKER(0));
	tcp(sc, PL_HOP_dev_rx, IF_TAP(0), 1, 5000, 1100);
	tcp(sc, PL_HOP_dev_queue, IF_NIC, 1, 5000, 1100);
	tcp(sc, PL_HOP_skb_free, 0, 1, 5000, 1100);
	segment(sc, 2, 5000, MSS);
	segment(sc, 3, 6000, MSS);
	finish(sc);
	EXPECT(sc, "tap:skb dev:queue S 5000+1100\ntap:skb dev:queue nic:xmit C 5000+500\n"
		   "nic:xmit I 6000+500\n");
	for (i = 0; i < 2; i++) {
		tcp(sc, PL_HOP_dev_rx, IF_TAP(0), 1, 5000, 1100);
		tcp(sc, PL_HOP_dev_queue, IF_NIC, 1, 5000, 1100);
		tcp(sc, PL_HOP_skb_free, 0, 1, 5000, 1100);
	}
	segment(sc, 2, 5000, MSS);
	finish(sc);
	EXPECT(sc, "tap:skb dev:queue I 5000+1100\ntap:skb dev:queue I 5000+1100\n"
		   "nic:xmit A 5000+500\n");
}

/* Merged at the one NIC, apart again at the other: each is itself from end to end */
static void test_gro_gso(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	gro_three(sc, 1000);
	tcp_bridge(sc, IF_TAP(1), 1, 1000, 3 * MSS);
	tcp(sc, PL_HOP_skb_free, 0, 1, 1000, 3 * MSS);
	tcp(sc, PL_HOP_dev_xmit, IF_TAP(1), 5, 1000, MSS);
	tcp(sc, PL_HOP_dev_xmit, IF_TAP(1), 6, 1500, MSS);
	tcp(sc, PL_HOP_dev_xmit, IF_TAP(1), 7, 2000, MSS);
	at(sc, 1, TID_WORKER(1));
	tcp(sc, PL_HOP_skb_copy, 0, 5, 1000, MSS);
	tcp(sc, PL_HOP_skb_free, 0, 5, 1000, MSS);
	used(sc, 1, 1);
	tcp(sc, PL_HOP_drop, 0, 6, 1500, MSS);
	finish(sc);
	EXPECT(sc, MERGED "tap:xmit drop D 1500+500\n" MERGED "tap:xmit I 2000+500\n"
			  "nic:gro " BRIDGE "tap:xmit " GUEST "C 1000+500\n");
	assert_int_equal(stitch_stats(sc->st)->segments, 0);
}

/* A clone of a merged skb is a clone of all that is in it */
static void test_gro_flood(void **state)
{
	struct scene *sc = *state;
	struct pl_event ev;

	at(sc, 0, 0);
	gro_three(sc, 1000);
	tcp(sc, PL_HOP_nic_skb, IF_NIC, 1, 1000, 3 * MSS);
	ev = tcp_make(sc, PL_HOP_br_forward, IF_TAP(0), 9, 1000, 3 * MSS);
	ev.head = 1;
	feed(sc, &ev);
	tcp(sc, PL_HOP_br_forward, IF_TAP(1), 1, 1000, 3 * MSS);
	ev = tcp_make(sc, PL_HOP_drop, 0, 9, 1000, 3 * MSS);
	ev.head = 1;
	feed(sc, &ev);
	tcp(sc, PL_HOP_drop, 0, 1, 1000, 3 * MSS);
#define WAY "nic:skb br:forward drop D"
	EXPECT(sc, "nic:gro nic:merged " WAY " clone 1500+500\n"
		   "nic:gro nic:merged " WAY " clone 2000+500\n"
		   "nic:gro " WAY " clone 1000+500\n"
		   "nic:gro nic:merged " WAY " 1500+500\n"
		   "nic:gro nic:merged " WAY " 2000+500\n"
		   "nic:gro " WAY " 1000+500\n");
	finish(sc);
}

/* UDP_SEGMENT: segments are known by who sends them next, and by the bytes that are left */
static void test_gso_udp(void **state)
{
	struct scene *sc = *state;
	int i;

	at(sc, 0, 4711);
	for (i = 0; i < 2; i++) {
		udp_gso(sc, PL_HOP_dev_queue, IF_NIC, 1, 31, 42 + 250, 250);
		udp_gso(sc, PL_HOP_skb_free, 0, 1, 31, 42 + 250, 250);
		udp(sc, PL_HOP_dev_xmit, IF_NIC, 2, 31, 142);
		udp(sc, PL_HOP_dev_xmit, IF_NIC, 3, 32, 142);
		/* another task's with the same addresses and ports: cannot be, so what is? */
		at(sc, 0, i ? 4712 : 4711);
		udp(sc, PL_HOP_dev_xmit, IF_NIC, 4, 33, 92);
		EXPECT(sc, "dev:queue S\n");
		at(sc, 0, 4711);
		/* all are there, or are not known: this is a packet of its own */
		udp(sc, PL_HOP_dev_xmit, IF_NIC, 5, 35, 92);
		finish(sc);
#define UDP_SEGMENT "dev:queue nic:xmit C\n"
		EXPECT(sc, i ? UDP_SEGMENT UDP_SEGMENT "nic:xmit I\nnic:xmit I\n"
			     : UDP_SEGMENT UDP_SEGMENT UDP_SEGMENT "nic:xmit I\n");
	}
}

static void fragment(struct scene *sc, enum pl_hop hop, __u32 skb, __u64 key, __u32 len)
{
	struct pl_event ev = udp_make(sc, hop, hop == PL_HOP_skb_free ? 0 : IF_NIC, skb, key, len);

	ev.flags |= PL_F_FRAG | PL_F_ENTRY;
	ev.arg = 4242;
	feed(sc, &ev);
}

/* The last fragment's skb is the datagram's; the others are freed, seen or not */
static void test_fragments(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	fragment(sc, PL_HOP_nic_skb, 1, 41, 20 + 200);
	fragment(sc, PL_HOP_nic_skb, 2, 42, 20 + 200);
	fragment(sc, PL_HOP_nic_skb, 3, 43, 20 + 50);
	fragment(sc, PL_HOP_skb_free, 1, 41, 20 + 200);
	udp(sc, PL_HOP_br_in, IF_NIC, 3, 44, 450);
	udp(sc, PL_HOP_drop, 0, 3, 44, 450);
	EXPECT(sc, "nic:skb br:in drop D\nnic:skb br:in drop D\nnic:skb br:in drop D\n");
	assert_int_equal(stitch_stats(sc->st)->ridden, 2);
	/* one was not seen: which went in is not certain */
	fragment(sc, PL_HOP_nic_skb, 1, 41, 20 + 200);
	fragment(sc, PL_HOP_nic_skb, 3, 43, 20 + 50);
	fragment(sc, PL_HOP_skb_free, 1, 41, 20 + 200);
	udp(sc, PL_HOP_br_in, IF_NIC, 3, 44, 450);
	finish(sc);
	EXPECT(sc, "nic:skb I\nnic:skb C\nbr:in I\n");
}

/* Where the IP layer's hops are covered: put together between ip:rcv and ip:deliver */
static void test_fragments_ip(void **state)
{
	struct scene *sc = *state;
	__u32 i;

	at(sc, 0, 0);
	for (i = 1; i <= 3; i++) {
		fragment(sc, PL_HOP_nic_skb, i, 40 + i, i < 3 ? 220 : 70);
		fragment(sc, PL_HOP_ip_rcv, i, 40 + i, i < 3 ? 220 : 70);
	}
	fragment(sc, PL_HOP_skb_free, 1, 41, 220);
	udp(sc, PL_HOP_ip_deliver, IF_NIC, 3, 44, 450);
	udp(sc, PL_HOP_drop, 0, 3, 44, 450);
#define UP "nic:skb ip:rcv ip:deliver drop D\n"
	EXPECT(sc, UP UP UP);
	assert_int_equal(stitch_stats(sc->st)->ridden, 2);
	finish(sc);
	EXPECT(sc, "");
}

/* A packet that is lost in between: nothing is joined across the gap */
static void test_gap(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	gro_three(sc, 1000);
	sc->next_flags = PL_F_GAP;
	tcp(sc, PL_HOP_nic_skb, IF_NIC, 1, 1000, 3 * MSS);
	finish(sc);
	EXPECT(sc, "nic:gro nic:merged M 1500+500\nnic:gro nic:merged M 2000+500\n"
		   "nic:gro I 1000+500\nnic:skb I 1000+1500\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_gro),
		SCENE(test_gro_held),
		SCENE(test_gro_unsure),
		SCENE(test_gro_frag0),
		SCENE(test_gro_undecided),
		SCENE(test_gro_udp),
		SCENE(test_gso),
		SCENE(test_gso_unsure),
		SCENE(test_gro_gso),
		SCENE(test_gro_flood),
		SCENE(test_gso_udp),
		SCENE(test_fragments),
		SCENE(test_fragments_ip),
		SCENE(test_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
