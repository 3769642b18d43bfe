// SPDX-License-Identifier: GPL-2.0
/* Stitcher: from the guest */
#include "stitch_scene.h"

static void test_tx(void **state)
{
	struct scene *sc = *state;

	tx_begin(sc);
	fetch(sc, 3);
	send(sc, 0, 11, false);
	send(sc, 1, 12, false);
	from_tap(sc, 1, 11);
	from_tap(sc, 2, 12);
	/* a later batch: queued while the first was sent, so not by that kick */
	fetch(sc, 2);
	send(sc, 0, 13, false);
	from_tap(sc, 3, 13);
	at(sc, 0, 0);
	pkt(sc, PL_HOP_skb_free, 0, 1, 11);
	pkt(sc, PL_HOP_skb_free, 0, 2, 12);
	pkt(sc, PL_HOP_skb_free, 0, 3, 13);
	EXPECT(sc, KICK "vhost:fetch tap:send " FROM_TAP "nic:txdone C\n" KICK "vhost:fetch tap:send " FROM_TAP "nic:txdone C\n"
			"tap:send " FROM_TAP "nic:txdone C\n");
	/* the empty try of the first batch was still open: which fetch was whose is not sure */
	assert_int_equal(stitch_stats(sc->st)->unsure_fetches, 1);
}

/* Its place in the batch is not a queue of the device */
static void test_tx_queue(void **state)
{
	struct scene *sc = *state;
	unsigned int i, sends = 0;

	tx_begin(sc);
	fetch(sc, 3);
	send(sc, 0, 11, false);
	send(sc, 1, 12, false);
	from_tap(sc, 1, 11);
	from_tap(sc, 2, 12);
	finish(sc);
	assert_int_equal(sc->packets, 2);
	for (i = 0; i < sc->last.n; i++) {
		assert_int_equal(sc->last.s[i].queue, 0);
		sends += sc->last.s[i].hop == PL_HOP_tap_send;
	}
	assert_int_equal(sends, 1);
}

/* The kick that comes first is the one; a later one of the same wait is not */
static void test_tx_first_kick(void **state)
{
	struct scene *sc = *state;

	at(sc, 3, TID_VCPU(0));
	kick(sc, 0);
	tx_begin(sc);
	fetch(sc, 2);
	send(sc, 0, 11, false);
	from_tap(sc, 1, 11);
	at(sc, 1, TID_WORKER(0));
	ctx(sc, PL_HOP_vhost_tx, VDEV(0), 0, 0, PL_F_TX);
	fetch(sc, 2);
	send(sc, 0, 12, false);
	from_tap(sc, 2, 12);
	finish(sc);
	EXPECT(sc, KICK "vhost:fetch tap:send " FROM_TAP "C\n"
			"vhost:fetch tap:send " FROM_TAP "C\n");
}

/* A packet too large for the batch goes alone, after the batch */
static void test_tx_large(void **state)
{
	struct scene *sc = *state;

	tx_begin(sc);
	fetch(sc, 2);
	send(sc, 0, 11, false);
	from_tap(sc, 1, 11);
	send(sc, 0, 12, true);
	ctx(sc, PL_HOP_tap_get, 0, 0, 0, 0);
	from_tap(sc, 2, 12);
	finish(sc);
	EXPECT(sc, KICK "vhost:fetch tap:send " FROM_TAP "C\n"
			"vhost:fetch tap:send tap:get " FROM_TAP "C\n");
}

static void test_tx_unsure_fetch(void **state)
{
	struct scene *sc = *state;

	tx_begin(sc);
	fetch(sc, 4);
	send(sc, 0, 11, false);
	send(sc, 1, 12, false);
	from_tap(sc, 1, 11);
	from_tap(sc, 2, 12);
	finish(sc);
	EXPECT(sc, KICK "tap:send " FROM_TAP "C\n" KICK "tap:send " FROM_TAP "C\n");
	assert_int_equal(stitch_stats(sc->st)->unsure_fetches, 2);
}

/* The tap refused the first of the batch; then one that was never handed to it */
static void test_tx_refused(void **state)
{
	struct scene *sc = *state;

	tx_begin(sc);
	fetch(sc, 3);
	send(sc, 0, 11, false);
	send(sc, 1, 12, false);
	from_tap(sc, 1, 12);
	EXPECT(sc, KICK "vhost:fetch tap:send I\n");
	from_tap(sc, 2, 99);
	finish(sc);
	EXPECT(sc, KICK "vhost:fetch tap:send " FROM_TAP "C\n" FROM_TAP "I\n");
}

/* Disk kicks of the same vCPU, and a kick whose own exit was not seen */
static void test_tx_other_kicks(void **state)
{
	struct scene *sc = *state;

	at(sc, 2, TID_VCPU(0));
	ctx(sc, PL_HOP_kvm_exit, 0, 0, 0x400, PL_F_SAVED);
	ctx(sc, PL_HOP_kvm_ioeventfd, 0xd15c, 0, 0, 0);
	ctx(sc, PL_HOP_kvm_ioeventfd, 0x10e, 0, 0, 0);
	ctx(sc, PL_HOP_vhost_wake, VDEV(0), 0, 1, PL_F_TX);
	at(sc, 1, TID_WORKER(0));
	ctx(sc, PL_HOP_vhost_tx, VDEV(0), 0, 0, PL_F_TX);
	fetch(sc, 2);
	send(sc, 0, 11, false);
	from_tap(sc, 1, 11);
	finish(sc);
	EXPECT(sc, "kvm:ioeventfd vhost:wake vhost:tx vhost:fetch tap:send " FROM_TAP "C\n");
}

static void test_tx_user(void **state)
{
	struct scene *sc = *state;

	at(sc, 1, TID_VMM(VM_USER));
	ctx(sc, PL_HOP_tap_get, 0, 0, 0, 0);
	from_tap(sc, 1, 11);
	finish(sc);
	EXPECT(sc, "tap:get " FROM_TAP "C\n");
}

/* From one guest to another, in the sender's worker */
static void test_vm_to_vm(void **state)
{
	struct scene *sc = *state;

	tx_begin(sc);
	fetch(sc, 2);
	send(sc, 0, 11, false);
	pkt(sc, PL_HOP_dev_rx, IF_TAP(0), 1, 11);
	bridge(sc, IF_TAP(0), IF_TAP(1), 1, 11);
	ctx(sc, PL_HOP_vhost_wake, VDEV(1), 0, 0xc3, PL_F_RX);
	at(sc, 3, TID_WORKER(1));
	worker_run(sc, 1);
	copy(sc, 1, 11);
	used(sc, 1, 1);
	finish(sc);
	EXPECT(sc, KICK "vhost:fetch tap:send tap:skb " BRIDGE "tap:xmit vhost:wake vhost:run "
			"vhost:rx vhost:copy vhost:copied vhost:used C\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_tx),
		SCENE(test_tx_queue),
		SCENE(test_tx_first_kick),
		SCENE(test_tx_large),
		SCENE(test_tx_unsure_fetch),
		SCENE(test_tx_refused),
		SCENE(test_tx_other_kicks),
		SCENE(test_tx_user),
		SCENE(test_vm_to_vm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
