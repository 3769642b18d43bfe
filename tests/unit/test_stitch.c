// SPDX-License-Identifier: GPL-2.0
/* Stitcher: chains by skb, clones, GRO, drops, and the limits */
#include "stitch_scene.h"

static void test_drops(void **state)
{
	struct scene *sc = *state;
	struct pl_event ev;

	at(sc, 0, 0);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 1, 11);
	bridge(sc, IF_NIC, IF_TAP(0), 1, 11);
	ev = pkt_make(sc, PL_HOP_drop, 0, 1, 11);
	ev.arg = 80;
	ev.vlan = (__u32)-5;
	feed(sc, &ev);
	EXPECT(sc, "nic:gro " BRIDGE "tap:xmit drop D\n");
	/* before any hop saw it; and something that is no packet */
	pkt(sc, PL_HOP_drop, 0, 2, 12);
	EXPECT(sc, "drop D\n");
	pkt(sc, PL_HOP_drop, 0, 3, 0);
	pkt(sc, PL_HOP_skb_free, 0, 3, 0);
	finish(sc);
	EXPECT(sc, "");
	assert_int_equal(stitch_stats(sc->st)->unused, 2);
}

/* Pointers are taken again within microseconds, also without a trace of the free */
static void test_reuse(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 1, 11);
	pkt(sc, PL_HOP_nic_skb, IF_NIC, 1, 11);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 1, 12); /* birth */
	EXPECT(sc, "nic:gro nic:skb I\n");
	pkt(sc, PL_HOP_nic_skb, IF_NIC, 1, 12);
	pkt(sc, PL_HOP_br_in, IF_NIC, 1, 13); /* another key */
	EXPECT(sc, "nic:gro nic:skb I\n");
	bridge(sc, IF_NIC, IF_NIC, 1, 13);
	pkt(sc, PL_HOP_nic_skb, IF_NIC, 1, 13); /* the NIC had it */
	EXPECT(sc, "br:in " BRIDGE "nic:xmit I\n");
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 2, 0); /* its headers were not to be read */
	pkt(sc, PL_HOP_nic_skb, IF_NIC, 2, 22);
	sc->next_flags = PL_F_LOCAL | PL_F_ENTRY;
	pkt(sc, PL_HOP_dev_queue, IF_NIC, 2, 22); /* never received: not that one */
	EXPECT(sc, "nic:gro nic:skb I\n");
	pkt(sc, PL_HOP_dev_xmit, IF_NIC, 2, 22);
	finish(sc);
	EXPECT(sc, "nic:skb I\ndev:queue nic:xmit C\n");
}

/* Another CPU takes a packet out of a queue without a lock before the one that put it there has told so */
static void test_queued_late(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 7);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 1, 11);
	pkt(sc, PL_HOP_nic_skb, IF_NIC, 1, 11);
	pkt(sc, PL_HOP_dev_queue, IF_NIC, 1, 11);
	at(sc, 1, 8);
	pkt(sc, PL_HOP_qdisc_deq, IF_NIC, 1, 11);
	at(sc, 0, 7);
	pkt(sc, PL_HOP_qdisc_enq, IF_NIC, 1, 11);
	at(sc, 1, 8);
	pkt(sc, PL_HOP_dev_xmit, IF_NIC, 1, 11);
	pkt(sc, PL_HOP_skb_free, 0, 1, 11);
	EXPECT(sc, "nic:gro nic:skb dev:queue qdisc:deq nic:xmit nic:txdone C\n");
	/* sent, freed, and another packet's by then */
	at(sc, 0, 7);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 1, 12);
	pkt(sc, PL_HOP_nic_skb, IF_NIC, 1, 12);
	pkt(sc, PL_HOP_dev_queue, IF_NIC, 1, 12);
	at(sc, 1, 8);
	pkt(sc, PL_HOP_qdisc_deq, IF_NIC, 1, 12);
	pkt(sc, PL_HOP_dev_xmit, IF_NIC, 1, 12);
	pkt(sc, PL_HOP_skb_free, 0, 1, 12);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 1, 13);
	at(sc, 0, 7);
	pkt(sc, PL_HOP_qdisc_enq, IF_NIC, 1, 13);
	EXPECT(sc, "nic:gro nic:skb dev:queue qdisc:deq nic:xmit nic:txdone C\n");
	/* as ever */
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 2, 14);
	pkt(sc, PL_HOP_nic_skb, IF_NIC, 2, 14);
	pkt(sc, PL_HOP_dev_queue, IF_NIC, 2, 14);
	pkt(sc, PL_HOP_qdisc_enq, IF_NIC, 2, 14);
	at(sc, 1, 8);
	pkt(sc, PL_HOP_qdisc_deq, IF_NIC, 2, 14);
	pkt(sc, PL_HOP_dev_xmit, IF_NIC, 2, 14);
	pkt(sc, PL_HOP_skb_free, 0, 2, 14);
	finish(sc);
	EXPECT(sc, "nic:gro nic:skb dev:queue qdisc:enq qdisc:deq nic:xmit nic:txdone C\nnic:gro I\n");
}

static void test_flood(void **state)
{
	struct scene *sc = *state;
	struct pl_event ev;
	int vm;

	at(sc, 0, 0);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 1, 11);
	pkt(sc, PL_HOP_nic_skb, IF_NIC, 1, 11);
	pkt(sc, PL_HOP_br_in, IF_NIC, 1, 11);
	for (vm = 0; vm < 3; vm++) {
		ev = pkt_make(sc, PL_HOP_br_forward, IF_TAP(vm), vm == 2 ? 1 : 5 + vm, 11);
		ev.head = 1;
		feed(sc, &ev);
		ev = pkt_make(sc, PL_HOP_dev_xmit, IF_TAP(vm), vm == 2 ? 1 : 5 + vm, 11);
		ev.head = 1;
		feed(sc, &ev);
	}
	for (vm = 0; vm < 3; vm++) {
		at(sc, 1, TID_WORKER(vm));
		ev = pkt_make(sc, PL_HOP_skb_copy, 0, vm == 2 ? 1 : 5 + vm, 11);
		ev.head = 1;
		feed(sc, &ev);
		used(sc, vm, 1);
	}
	/* the buffer again, much later, and elsewhere: no clone of these */
	at(sc, 3, 0);
	ev = pkt_make(sc, PL_HOP_br_forward, IF_TAP(0), 9, 11);
	ev.head = 1;
	feed(sc, &ev);
	finish(sc);
#define FLOOD "nic:gro nic:skb br:in br:forward tap:xmit vhost:copy vhost:used C"
	EXPECT(sc, FLOOD " clone\n" FLOOD " clone\n" FLOOD "\nbr:forward I\n");
	assert_int_equal(stitch_stats(sc->st)->cloned, 2);
}

/*
 * A bridge's device that is not looked at: what goes up there ends at the bridge. Not when it was
 * there a moment ago: it may be forwarded yet.
 */
static void test_bridge_up(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 1, 11);
	pkt(sc, PL_HOP_nic_skb, IF_NIC, 1, 11);
	pkt(sc, PL_HOP_br_in, IF_NIC, 1, 11);
	/* its skb again */
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 1, 12);
	pkt(sc, PL_HOP_nic_skb, IF_NIC, 1, 12);
	pkt(sc, PL_HOP_br_in, IF_NIC, 1, 12);
	/* the stack is done with it, and that is seen */
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 3, 14);
	pkt(sc, PL_HOP_nic_skb, IF_NIC, 3, 14);
	pkt(sc, PL_HOP_br_in, IF_NIC, 3, 14);
	pkt(sc, PL_HOP_skb_free, 0, 3, 14);
	EXPECT(sc, "nic:gro nic:skb br:in C\nnic:gro nic:skb br:in C\n");
	sc->ts += 2000000000;
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 2, 13);
	pkt(sc, PL_HOP_nic_skb, IF_NIC, 2, 13);
	pkt(sc, PL_HOP_br_in, IF_NIC, 2, 13);
	finish(sc);
	EXPECT(sc, "nic:gro nic:skb br:in C\nnic:gro nic:skb br:in I\n");
}

static void test_veth(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 1, 11);
	bridge(sc, IF_NIC, IF_VETH, 1, 11);
	pkt(sc, PL_HOP_dev_rxback, IF_PEER, 1, 11);
	bridge(sc, IF_PEER, IF_TAP(0), 1, 11);
	at(sc, 1, TID_WORKER(0));
	copy(sc, 1, 11);
	used(sc, 0, 1);
	finish(sc);
	EXPECT(sc, "nic:gro " BRIDGE "dev:xmit dev:rxback " BRIDGE
		   "tap:xmit vhost:copy vhost:copied vhost:used C\n");
	/* with NAPI on the peer, its GRO */
	at(sc, 0, 0);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 2, 12);
	bridge(sc, IF_NIC, IF_VETH, 2, 12);
	pkt(sc, PL_HOP_nic_gro, IF_PEER, 2, 12);
	bridge(sc, IF_PEER, IF_NIC, 2, 12);
	/* after what was seen, one that stops at the veth is not complete */
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 3, 13);
	bridge(sc, IF_NIC, IF_VETH, 3, 13);
	finish(sc);
	EXPECT(sc, "nic:gro " BRIDGE "dev:xmit nic:gro " BRIDGE "nic:xmit C\n"
		   "nic:gro " BRIDGE "dev:xmit I\n");
}

static void test_local(void **state)
{
	struct scene *sc = *state;

	/* to the host's own stack; from it, through the bridge's device */
	at(sc, 0, 0);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 1, 11);
	pkt(sc, PL_HOP_nic_skb, IF_NIC, 1, 11);
	pkt(sc, PL_HOP_skb_free, 0, 1, 11);
	EXPECT(sc, "nic:gro nic:skb skb:free C\n");
	sc->next_flags = PL_F_LOCAL | PL_F_ENTRY;
	pkt(sc, PL_HOP_dev_queue, IF_BR, 2, 12);
	pkt(sc, PL_HOP_dev_xmit, IF_BR, 2, 12);
	pkt(sc, PL_HOP_br_forward, IF_NIC, 2, 12);
	sc->next_flags = PL_F_LOCAL | PL_F_ENTRY;
	pkt(sc, PL_HOP_dev_queue, IF_NIC, 2, 12);
	pkt(sc, PL_HOP_dev_xmit, IF_NIC, 2, 12);
	pkt(sc, PL_HOP_skb_free, 0, 2, 12);
	EXPECT(sc, "dev:queue dev:xmit br:forward dev:queue nic:xmit nic:txdone C\n");
}

/* Lost events: what was under way on that CPU, or in tasks there, is incomplete */
static void test_gap(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	to_tap(sc, 0, 1, 11);
	to_tap(sc, 0, 2, 12);
	at(sc, 1, TID_WORKER(0));
	worker_run(sc, 0);
	copy(sc, 1, 11);
	/* used of the first was lost */
	sc->next_flags = PL_F_GAP;
	copy(sc, 2, 12);
	used(sc, 0, 1);
	finish(sc);
	EXPECT(sc, TO_TAP "I\n" TO_TAP "vhost:run vhost:rx vhost:copy vhost:copied I\n");
}

static void test_timeout_and_room(void **state)
{
	struct scene *sc = *state;
	struct stitch_config cfg = {
		.names = sc->names,
		.packet = scene_packet,
		.ctx = sc,
		.max_in_flight = 64,
		.timeout_ns = 1000000,
	};
	int i;

	stitch_free(sc->st);
	assert_int_equal(stitch_new(&cfg, &sc->st), 0);
	at(sc, 0, 0);
	for (i = 0; i < 100; i++)
		pkt(sc, PL_HOP_nic_gro, IF_NIC, 1 + i, 11 + i);
	assert_int_equal(sc->packets, 36);
	assert_int_equal(stitch_stats(sc->st)->evicted, 36);
	assert_int_equal(stitch_stats(sc->st)->in_flight_max, 64);
	sc->ts += 2000000;
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 200, 211);
	assert_int_equal(sc->packets, 100);
	finish(sc);
	assert_int_equal(sc->packets, 101);
}

static void test_too_long(void **state)
{
	struct scene *sc = *state;
	int i;

	at(sc, 0, 0);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 1, 11);
	for (i = 0; i < 40; i++) {
		pkt(sc, PL_HOP_br_in, IF_NIC, 1, 11);
		pkt(sc, PL_HOP_br_forward, IF_NIC, 1, 11);
	}
	pkt(sc, PL_HOP_dev_xmit, IF_NIC, 1, 11);
	pkt(sc, PL_HOP_skb_free, IF_NIC, 1, 11);
	finish(sc);
	assert_int_equal(sc->packets, 1);
	assert_int_equal(stitch_stats(sc->st)->packets[PACKET_INCOMPLETE], 1);
}

static int refuse(void *c, const struct packet *p)
{
	(void)c;
	(void)p;
	return -EINTR;
}

static void test_callback_stops(void **state)
{
	struct scene *sc = *state;
	struct stitch_config cfg = { .names = sc->names, .packet = refuse };
	struct pl_event ev;

	stitch_free(sc->st);
	assert_int_equal(stitch_new(&cfg, &sc->st), 0);
	ev = pkt_make(sc, PL_HOP_drop, 0, 1, 11);
	assert_int_equal(stitch_event(sc->st, &ev), -EINTR);
	assert_int_equal(stitch_event(sc->st, &ev), -EINTR);
	assert_int_equal(stitch_finish(sc->st), -EINTR);
}

static void test_duplicates_and_late(void **state)
{
	struct scene *sc = *state;
	struct pl_event ev;

	at(sc, 0, 0);
	ev = pkt_make(sc, PL_HOP_nic_gro, IF_NIC, 1, 11);
	feed(sc, &ev);
	feed(sc, &ev);
	pkt(sc, PL_HOP_br_in, IF_NIC, 1, 11);
	ev = pkt_make(sc, PL_HOP_nic_skb, IF_NIC, 1, 11);
	ev.ts -= 150;
	feed(sc, &ev);
	finish(sc);
	EXPECT(sc, "nic:gro nic:skb br:in I late\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_drops),
		SCENE(test_reuse),
		SCENE(test_queued_late),
		SCENE(test_flood),
		SCENE(test_bridge_up),
		SCENE(test_veth),
		SCENE(test_local),
		SCENE(test_gap),
		SCENE(test_timeout_and_room),
		SCENE(test_too_long),
		SCENE(test_callback_stops),
		SCENE(test_duplicates_and_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
