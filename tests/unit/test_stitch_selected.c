// SPDX-License-Identifier: GPL-2.0
/* Stitcher: recorded with a filter or a sample, so that packets are missing and context is not */
#include "stitch_scene.h"

/* When the packet was at this hop, ns; 0: never */
static __u64 seen_at(const struct packet *p, enum pl_hop hop)
{
	unsigned int i;

	for (i = 0; i < p->n; i++)
		if (p->s[i].hop == hop)
			return p->s[i].ts;
	return 0;
}

/* Of three the first and the last are selected: each has its own descriptor's fetch */
static void test_holes(void **state)
{
	struct scene *sc = *state;
	__u64 third;

	tx_begin(sc);
	fetch(sc, 3);
	third = sc->ts;
	fetch(sc, 1);
	send_of(sc, 0, 3, 11, false);
	send_of(sc, 2, 3, 13, false);
	from_tap(sc, 1, 11);
	from_tap(sc, 2, 13);
	finish(sc);
	EXPECT(sc, KICK "vhost:fetch tap:send " FROM_TAP "C\n" KICK "vhost:fetch tap:send " FROM_TAP "C\n");
	assert_int_equal(seen_at(&sc->last, PL_HOP_vhost_fetch), third);
	assert_int_equal(stitch_stats(sc->st)->unsure_fetches, 0);
}

/* The first ones are not selected: no part of the batch was missed for that */
static void test_hole_at_begin(void **state)
{
	struct scene *sc = *state;

	tx_begin(sc);
	fetch(sc, 3);
	send_of(sc, 1, 2, 12, false);
	from_tap(sc, 1, 12);
	finish(sc);
	EXPECT(sc, KICK "vhost:fetch tap:send " FROM_TAP "C\n");
	assert_int_equal(seen_at(&sc->last, PL_HOP_vhost_fetch) + sc->step,
			 seen_at(&sc->last, PL_HOP_tap_send) - sc->step);
}

/* A lower index, or another number of them, is another batch: not sent because of the same kick */
static void test_next_batch(void **state)
{
	struct scene *sc = *state;

	tx_begin(sc);
	send_of(sc, 1, 3, 11, false);
	from_tap(sc, 1, 11);
	send_of(sc, 0, 3, 12, false);
	from_tap(sc, 2, 12);
	finish(sc);
	EXPECT(sc, KICK "tap:send " FROM_TAP "C\ntap:send " FROM_TAP "C\n");
}

static void test_other_size(void **state)
{
	struct scene *sc = *state;

	tx_begin(sc);
	send_of(sc, 1, 3, 11, false);
	send_of(sc, 2, 4, 12, false);
	from_tap(sc, 1, 12);
	finish(sc);
	EXPECT(sc, KICK "tap:send I\ntap:send " FROM_TAP "C\n");
}

/* A batch without any selected one was the kick's; its fetches are not the next one's */
static void test_none(void **state)
{
	struct scene *sc = *state;

	tx_begin(sc);
	fetch(sc, 3);
	send_of(sc, PL_BATCH_NONE, 2, 0, false);
	fetch(sc, 2);
	send_of(sc, 0, 1, 11, false);
	from_tap(sc, 1, 11);
	finish(sc);
	EXPECT(sc, "tap:send " FROM_TAP "C\n");
	/* its own, or the empty try that ended the batch before */
	assert_int_equal(stitch_stats(sc->st)->unsure_fetches, 1);
}

/* What was fetched last is the large packet that comes after such a batch */
static void test_none_then_large(void **state)
{
	struct scene *sc = *state;
	__u64 last;

	tx_begin(sc);
	fetch(sc, 3);
	last = sc->ts;
	send_of(sc, PL_BATCH_NONE, 2, 0, false);
	sc->next_flags = PL_F_UNSURE;
	send_of(sc, 0, 1, 0, true);
	from_tap(sc, 1, 11);
	finish(sc);
	EXPECT(sc, "vhost:fetch tap:send " FROM_TAP "C\n");
	assert_int_equal(seen_at(&sc->last, PL_HOP_vhost_fetch), last);
}

/* A damaged file: there is no such place in a batch */
static void test_beyond_batch(void **state)
{
	struct scene *sc = *state;

	tx_begin(sc);
	fetch(sc, 64);
	send_of(sc, 0xfe, 64, 12, false);
	from_tap(sc, 1, 12);
	finish(sc);
	EXPECT(sc, KICK "tap:send I\n" FROM_TAP "I\n");
}

/* No hop could tell whether it matches: counted, and no packet */
static void test_undecided(void **state)
{
	struct scene *sc = *state;

	sc->next_flags = PL_F_UNSURE;
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 1, 11);
	sc->next_flags = PL_F_UNSURE;
	pkt(sc, PL_HOP_nic_skb, IF_NIC, 1, 11);
	finish(sc);
	EXPECT(sc, "");
	assert_int_equal(stitch_stats(sc->st)->undecided, 1);
	assert_int_equal(stitch_stats(sc->st)->packets[PACKET_INCOMPLETE], 0);
}

/* A later hop could: it is one from its beginning */
static void test_decided_later(void **state)
{
	struct scene *sc = *state;

	sc->next_flags = PL_F_UNSURE;
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 1, 11);
	bridge(sc, IF_NIC, IF_TAP(0), 1, 11);
	at(sc, 1, TID_WORKER(0));
	copy(sc, 1, 11);
	used(sc, 0, 1);
	finish(sc);
	EXPECT(sc, "nic:gro " BRIDGE "tap:xmit vhost:copy vhost:copied vhost:used C\n");
	assert_int_equal(stitch_stats(sc->st)->undecided, 0);
}

/* A large one that the tap refused: its bytes were the guest's, so nobody could tell */
static void test_undecided_send(void **state)
{
	struct scene *sc = *state;

	tx_begin(sc);
	fetch(sc, 1);
	sc->next_flags = PL_F_UNSURE;
	send_of(sc, 0, 1, 0, true);
	finish(sc);
	EXPECT(sc, "");
	assert_int_equal(stitch_stats(sc->st)->undecided, 1);
}

/* Its clone is the same packet, also where the clone's own hops cannot tell */
static void test_clone_of_decided(void **state)
{
	struct scene *sc = *state;
	struct pl_event ev;

	pkt(sc, PL_HOP_nic_gro, IF_NIC, 1, 11);
	pkt(sc, PL_HOP_nic_skb, IF_NIC, 1, 11);
	pkt(sc, PL_HOP_br_in, IF_NIC, 1, 11);
	sc->next_flags = PL_F_UNSURE;
	ev = pkt_make(sc, PL_HOP_br_forward, IF_TAP(1), 2, 11);
	ev.head = 1;
	feed(sc, &ev);
	sc->next_flags = PL_F_UNSURE;
	ev = pkt_make(sc, PL_HOP_dev_xmit, IF_TAP(1), 2, 11);
	ev.head = 1;
	feed(sc, &ev);
	pkt(sc, PL_HOP_br_forward, IF_TAP(0), 1, 11);
	at(sc, 1, TID_WORKER(0));
	sc->next_flags = PL_F_UNSURE;
	pkt(sc, PL_HOP_skb_free, 0, 2, 11);
	EXPECT(sc, "nic:gro nic:skb br:in br:forward tap:xmit skb:free I clone\n");
	assert_int_equal(stitch_stats(sc->st)->undecided, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_SELECTED(test_holes),
		SCENE_SELECTED(test_hole_at_begin),
		SCENE_SELECTED(test_next_batch),
		SCENE_SELECTED(test_other_size),
		SCENE_SELECTED(test_none),
		SCENE_SELECTED(test_none_then_large),
		SCENE_SELECTED(test_beyond_batch),
		SCENE_SELECTED(test_undecided),
		SCENE_SELECTED(test_decided_later),
		SCENE_SELECTED(test_undecided_send),
		SCENE_SELECTED(test_clone_of_decided),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
