// SPDX-License-Identifier: GPL-2.0
/* Stitcher: from the NIC to the guest, by vhost and by backends in user space */
#include "stitch_scene.h"

static void test_rx(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	nic_warm_up(sc);
	nic_rx_begin(sc);
	to_tap(sc, 0, 1, 11);
	to_tap(sc, 0, 2, 12);
	nic_rx_end(sc);
	at(sc, 1, TID_WORKER(0));
	worker_run(sc, 0);
	copy(sc, 1, 11);
	copy(sc, 2, 12);
	used(sc, 0, 2);
	ctx(sc, PL_HOP_vhost_signal, CALL_RX(0), 0, 0, 0);
	inject(sc, CALL_RX(0), 0x23, TID_VCPU(0));
	at(sc, 2, TID_VCPU(0));
	vcpu_takes(sc, 0x23);
#define RX_ALL "nic:irq nic:raise nic:softirq nic:poll " TO_TAP \
	       "vhost:run vhost:rx vhost:copy vhost:copied vhost:used vhost:signal " INJECT TAKES "C\n"
	EXPECT(sc, RX_ALL RX_ALL);
	finish(sc);
	EXPECT(sc, "");
	assert_int_equal(stitch_stats(sc->st)->packets[PACKET_COMPLETE], 2);
}

/* A poll that was not begun by an interrupt starts the packet's way; first packets likewise */
static void test_rx_again(void **state)
{
	struct scene *sc = *state;
	struct pl_event ev;

	at(sc, 0, 0);
	nic_warm_up(sc);
	nic_rx_begin(sc);
	ev = make(sc, PL_HOP_nic_polled);
	ev.ifindex = IF_NIC;
	ev.netns = NETNS;
	ev.obj = 0xaa;
	ev.len = 64;
	feed(sc, &ev);
	/* another queue's interrupt, and again the first NAPI */
	dev_ctx(sc, PL_HOP_nic_irq, 0, 25);
	ctx(sc, PL_HOP_nic_raise, 0, 0, 3, 0);
	ctx(sc, PL_HOP_nic_softirq, 0, 0, 3, 0);
	dev_ctx(sc, PL_HOP_nic_poll, 0xaa, 0);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 1, 11);
	nic_rx_end(sc);
	dev_ctx(sc, PL_HOP_nic_poll, 0xbb, 0);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 2, 12);
	/* outside of any poll */
	dev_ctx(sc, PL_HOP_nic_polled, 0xbb, 0);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 3, 13);
	/* a poll in another task */
	dev_ctx(sc, PL_HOP_nic_poll, 0xbb, 0);
	at(sc, 0, 5);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 4, 14);
	finish(sc);
	EXPECT(sc, "nic:poll nic:gro I\nnic:poll nic:gro I\nnic:gro I\nnic:gro I\n");
}

static void test_rx_suppressed(void **state)
{
	struct scene *sc = *state;
	int i;

	at(sc, 0, 0);
	for (i = 0; i < 3; i++)
		to_tap(sc, 0, 1 + i, 11 + i);
	at(sc, 1, TID_WORKER(0));
	worker_run(sc, 0);
	copy(sc, 1, 11);
	used(sc, 0, 1);
	/* no signal: the guest polls. Then one for two */
	copy(sc, 2, 12);
	EXPECT(sc, TO_TAP "vhost:run vhost:rx vhost:copy vhost:copied vhost:used C\n");
	copy(sc, 3, 13);
	used(sc, 0, 2);
	ctx(sc, PL_HOP_vhost_signal, CALL_RX(0), 0, 0, 0);
	finish(sc);
#define RX_SIGNALLED TO_TAP "vhost:run vhost:rx vhost:copy vhost:copied vhost:used vhost:signal C\n"
	EXPECT(sc, RX_SIGNALLED RX_SIGNALLED);
}

/* The worker turns to the transmit queue: its interrupt is not that of the packets received */
static void test_rx_then_tx_signal(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	to_tap(sc, 0, 1, 11);
	at(sc, 1, TID_WORKER(0));
	worker_run(sc, 0);
	copy(sc, 1, 11);
	used(sc, 0, 1);
	ctx(sc, PL_HOP_vhost_used, VQ_TX(0), CALL_TX(0), 1, PL_F_TX);
	ctx(sc, PL_HOP_vhost_signal, CALL_TX(0), 0, 0, 0);
	inject(sc, CALL_TX(0), 0x24, TID_VCPU(0));
	at(sc, 2, TID_VCPU(0));
	vcpu_takes(sc, 0x24);
	finish(sc);
	EXPECT(sc, TO_TAP "vhost:run vhost:rx vhost:copy vhost:copied vhost:used C\n");
}

/* Posted interrupts: signalled, injected, never kicked; the next injection is another queue's */
static void test_rx_no_kick(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	to_tap(sc, 0, 1, 11);
	at(sc, 1, TID_WORKER(0));
	worker_run(sc, 0);
	copy(sc, 1, 11);
	used(sc, 0, 1);
	ctx(sc, PL_HOP_vhost_signal, CALL_RX(0), 0, 0, 0);
	ctx(sc, PL_HOP_kvm_irqfd, CALL_RX(0), 0x6b, 5, 0);
	ctx(sc, PL_HOP_kvm_msi, 0, 0xfee0, 0x23, 0);
	ctx(sc, PL_HOP_kvm_inject, 0, 0, 0x23, 0);
	/* on another CPU, at the same time */
	at(sc, 3, TID_WORKER(1));
	inject(sc, CALL_RX(1), 0x23, TID_VCPU(1));
	at(sc, 1, TID_WORKER(0));
	ctx(sc, PL_HOP_vhost_tx, VDEV(0), 0, 0, PL_F_TX);
	inject(sc, CALL_TX(0), 0x24, TID_VCPU(0));
	at(sc, 2, TID_VCPU(0));
	vcpu_takes(sc, 0x24);
	finish(sc);
	EXPECT(sc, TO_TAP "vhost:run vhost:rx vhost:copy vhost:copied vhost:used vhost:signal "
			  "kvm:irqfd kvm:msi kvm:inject C\n");
}

/* The vCPU had interrupts off: an entry without the vector, and one with a timer's */
static void test_entry_of_vector(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	to_tap(sc, 0, 1, 11);
	at(sc, 1, TID_WORKER(0));
	worker_run(sc, 0);
	copy(sc, 1, 11);
	used(sc, 0, 1);
	ctx(sc, PL_HOP_vhost_signal, CALL_RX(0), 0, 0, 0);
	inject(sc, CALL_RX(0), 0x23, TID_VCPU(0));
	at(sc, 2, TID_VCPU(0));
	ctx(sc, PL_HOP_kvm_entry, 0x7c, 0, 0, 0);
	ctx(sc, PL_HOP_kvm_inj, 0, 0, 0xec, 0);
	ctx(sc, PL_HOP_kvm_entry, 0x7c, 0, 0, 0);
	EXPECT(sc, "");
	ctx(sc, PL_HOP_kvm_inj, 0, 0, 0x23, 0);
	ctx(sc, PL_HOP_kvm_inj, 0, 0, 0x23, 0);
	ctx(sc, PL_HOP_kvm_entry, 0x7c, 0, 0, 0);
	EXPECT(sc, TO_TAP "vhost:run vhost:rx vhost:copy vhost:copied vhost:used vhost:signal " INJECT "kvm:inj kvm:entry C\n");
}

/* A packet that came while the worker was in handle_rx already; one that it was preempted at */
static void test_worker_running(void **state)
{
	struct scene *sc = *state;

	at(sc, 1, TID_WORKER(0));
	worker_run(sc, 0);
	at(sc, 0, 0);
	to_tap(sc, 0, 1, 11);
	to_tap(sc, 0, 2, 12);
	at(sc, 1, TID_WORKER(0));
	copy(sc, 1, 11);
	ctx(sc, PL_HOP_sched_run, 0, 0, PL_ROLE_VHOST, 0);
	copy(sc, 2, 12);
	used(sc, 0, 2);
	finish(sc);
	EXPECT(sc, TO_TAP "vhost:copy vhost:copied vhost:used C\n" TO_TAP "vhost:run vhost:copy vhost:copied vhost:used C\n");
}

static void test_vlan_copies_twice(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	to_tap(sc, 0, 1, 11);
	at(sc, 1, TID_WORKER(0));
	worker_run(sc, 0);
	pkt(sc, PL_HOP_skb_copy, 0, 1, 11);
	copy(sc, 1, 11);
	used(sc, 0, 1);
	finish(sc);
	EXPECT(sc, TO_TAP "vhost:run vhost:rx vhost:copy vhost:copied vhost:used C\n");
	assert_int_equal(stitch_stats(sc->st)->by_hop[PL_HOP_vhost_copy], 1);
}

/* More packets than used buffers: a used call was missed */
static void test_batch_in_doubt(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	to_tap(sc, 0, 1, 11);
	to_tap(sc, 0, 2, 12);
	at(sc, 1, TID_WORKER(0));
	copy(sc, 1, 11);
	copy(sc, 2, 12);
	used(sc, 0, 1);
	finish(sc);
	EXPECT(sc, TO_TAP "vhost:copy vhost:copied A\n" TO_TAP "vhost:copy vhost:copied vhost:used C\n");
}

/* Kernels where a hop cannot be hooked */
static void test_rx_few_hooks(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	to_tap(sc, 0, 1, 11);
	at(sc, 1, TID_WORKER(0));
	copy(sc, 1, 11);
	/* neither used nor irqfd: signal, then the MSI */
	ctx(sc, PL_HOP_vhost_signal, CALL_RX(0), 0, 0, 0);
	ctx(sc, PL_HOP_kvm_msi, 0, 0xfee0, 0x23, 0);
	/* nothing at all after the copy, not even the free */
	at(sc, 0, 0);
	to_tap(sc, 0, 2, 12);
	at(sc, 1, TID_WORKER(0));
	pkt(sc, PL_HOP_skb_copy, 0, 2, 12);
	EXPECT(sc, TO_TAP "vhost:copy vhost:copied vhost:signal kvm:msi C\n");
	sc->ts += 31000000000ULL;
	at(sc, 3, 0);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 9, 19);
	EXPECT(sc, TO_TAP "vhost:copy I\n");
	finish(sc);
	EXPECT(sc, "nic:gro I\n");
}

/* No kvm_inj_virq: the first entry after the kick is held to be it, when that is sure */
static void test_entry_without_inj(void **state)
{
	struct scene *sc = *state;
	int i;

	for (i = 0; i < 70; i++) {
		at(sc, 0, 0);
		to_tap(sc, 0, 1, 11);
		at(sc, 1, TID_WORKER(0));
		copy(sc, 1, 11);
		used(sc, 0, 1);
		ctx(sc, PL_HOP_vhost_signal, CALL_RX(0), 0, 0, 0);
		inject(sc, CALL_RX(0), 0x23, TID_VCPU(0));
		at(sc, 2, TID_VCPU(0));
		ctx(sc, PL_HOP_kvm_entry, 0x7c, 0, 0, 0);
		if (i < 60)
			EXPECT(sc, "");
	}
	finish(sc);
	assert_int_equal(sc->packets, 70);
	assert_int_equal(stitch_stats(sc->st)->by_hop[PL_HOP_kvm_entry], 70);
	assert_int_equal(stitch_stats(sc->st)->packets[PACKET_COMPLETE], 70);
}

static void user_packet(struct scene *sc, __u32 skb)
{
	at(sc, 0, 0);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, skb, 10 + skb);
	bridge(sc, IF_NIC, IF_TAP(VM_USER), skb, 10 + skb);
	at(sc, 1, TID_VMM(VM_USER));
	copy(sc, skb, 10 + skb);
}

static void user_signal(struct scene *sc, __u64 call)
{
	ctx(sc, PL_HOP_vmm_signal, call, 0, 0, 0);
	inject(sc, call, 0x30, TID_VCPU(VM_USER));
	at(sc, 2, TID_VCPU(VM_USER));
	vcpu_takes(sc, 0x30);
	at(sc, 1, TID_VMM(VM_USER));
}

/* which interrupt is the receive queue's is believed after so many */
#define USER_LEARNS 7

#define TO_USER	    "nic:gro " BRIDGE "tap:xmit tap:read tap:copied "

static void test_user_backend(void **state)
{
	struct scene *sc = *state;
	int i;

	for (i = 0; i < USER_LEARNS; i++) {
		user_packet(sc, 1 + i);
		user_signal(sc, 0xeee1);
		EXPECT(sc, TO_USER "C\n");
	}
	user_packet(sc, 1);
	user_signal(sc, 0xeee1);
	EXPECT(sc, TO_USER "vmm:signal " INJECT TAKES "C\n");
	/* a disk's interrupt with a packet unsignalled; then what was sent is complete */
	user_packet(sc, 6);
	user_signal(sc, 0xd15c);
	EXPECT(sc, TO_USER "C\n");
	/* the guest polls: no interrupt before the backend turns to sending */
	user_packet(sc, 7);
	ctx(sc, PL_HOP_tap_get, 0, 0, 0, 0);
	EXPECT(sc, TO_USER "C\n");
	user_signal(sc, 0xeee2);
	finish(sc);
	EXPECT(sc, "");
}

/* KVM_SIGNAL_MSI: no eventfd at all (QEMU with vhost=off) */
static void test_user_backend_msi(void **state)
{
	struct scene *sc = *state;
	struct pl_event ev;
	int i;

	for (i = 0; i < USER_LEARNS + 2; i++) {
		if (i == USER_LEARNS) {
			assert_int_equal(stitch_stats(sc->st)->by_hop[PL_HOP_kvm_msi], 0);
			sc->out[0] = 0;
		}
		user_packet(sc, 1 + i);
		ctx(sc, PL_HOP_kvm_msi, 0, 0xfee0, 0x31, 0);
		ctx(sc, PL_HOP_kvm_inject, 0, 0, 0x31, 0);
		ev = make(sc, PL_HOP_kvm_kick);
		ev.tid = TID_VCPU(VM_USER);
		feed(sc, &ev);
		/* the transmit queue's */
		ctx(sc, PL_HOP_kvm_msi, 0, 0xfee0, 0x32, 0);
		ctx(sc, PL_HOP_kvm_inject, 0, 0, 0x32, 0);
		ev = make(sc, PL_HOP_kvm_kick);
		ev.tid = TID_VCPU(VM_USER);
		feed(sc, &ev);
		at(sc, 2, TID_VCPU(VM_USER));
		vcpu_takes(sc, 0x31);
	}
	finish(sc);
#define USER_MSI TO_USER "kvm:msi kvm:inject kvm:kick " TAKES "C\n"
	EXPECT(sc, USER_MSI USER_MSI);
}

/* Some program reads the tap */
static void test_reader(void **state)
{
	struct scene *sc = *state;

	at(sc, 0, 0);
	pkt(sc, PL_HOP_nic_gro, IF_NIC, 1, 11);
	bridge(sc, IF_NIC, IF_TAP(0), 1, 11);
	at(sc, 1, 4711);
	copy(sc, 1, 11);
	EXPECT(sc, "nic:gro " BRIDGE "tap:xmit tap:read tap:copied C\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_rx),
		SCENE(test_rx_again),
		SCENE(test_rx_suppressed),
		SCENE(test_rx_then_tx_signal),
		SCENE(test_rx_no_kick),
		SCENE(test_entry_of_vector),
		SCENE(test_worker_running),
		SCENE(test_vlan_copies_twice),
		SCENE(test_batch_in_doubt),
		SCENE(test_rx_few_hooks),
		SCENE(test_entry_without_inj),
		SCENE(test_user_backend),
		SCENE(test_user_backend_msi),
		SCENE(test_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
