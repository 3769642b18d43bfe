/* SPDX-License-Identifier: GPL-2.0 */
/* Scenes for the stitcher: events are fed as they are made, packets come out as text */
#ifndef PKTLAP_TEST_STITCH_SCENE_H
#define PKTLAP_TEST_STITCH_SCENE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stitch_feed.h"

/* A scene: events are fed as they are made, packets come out as text, one line each */
struct scene {
	struct stitch *st;
	struct names *names;
	__u64 ts, step;
	__u32 cpu, tid;
	__u16 next_flags; /* added to the next event */
	char out[16384];
	unsigned int packets;
	__u64 last_id;
	struct packet last; /* the one that ended last */
};

static const char end_letter[] = { 'C', 'D', 'M', 'S', 'I', 'A' };

static inline int scene_packet(void *ctx, const struct packet *p)
{
	struct scene *sc = ctx;
	size_t at = strlen(sc->out);
	int i;

	sc->packets++;
	sc->last_id = p->id;
	packet_copy_as(&sc->last, p, p->id);
	for (i = 0; i < p->n; i++) {
		assert_true(i == 0 || p->s[i].ts >= p->s[i - 1].ts);
		at += snprintf(sc->out + at, sizeof(sc->out) - at, "%s ",
			       hop_desc(p->s[i].hop)->name);
	}
	at += snprintf(sc->out + at, sizeof(sc->out) - at, "%c%s%s", end_letter[p->end],
		       p->cloned ? " clone" : "", p->nonmono ? " late" : "");
	if (p->bytes)
		at += snprintf(sc->out + at, sizeof(sc->out) - at, " %u+%u", p->seq, p->bytes);
	snprintf(sc->out + at, sizeof(sc->out) - at, "\n");
	return 0;
}

static inline int scene_begin_as(void **state, bool selected)
{
	static struct scene sc;
	struct stitch_config cfg = { .packet = scene_packet, .ctx = &sc, .selected = selected };

	memset(&sc, 0, sizeof(sc));
	sc.names = feed_names();
	cfg.names = sc.names;
	sc.ts = 1000000;
	sc.step = 100;
	assert_non_null(sc.names);
	assert_int_equal(stitch_new(&cfg, &sc.st), 0);
	*state = &sc;
	return 0;
}

static inline int scene_begin(void **state)
{
	return scene_begin_as(state, false);
}

/* Recorded with a filter */
static inline int scene_begin_selected(void **state)
{
	return scene_begin_as(state, true);
}

static inline int scene_end(void **state)
{
	struct scene *sc = *state;

	stitch_free(sc->st);
	names_free(sc->names);
	return 0;
}

static inline struct pl_event make(struct scene *sc, enum pl_hop hop)
{
	struct pl_event ev = {
		.ts = sc->ts += sc->step,
		.hook = feed_hook(hop),
		.cpu = sc->cpu,
		.tid = sc->tid,
		.flags = sc->next_flags,
	};

	sc->next_flags = 0;
	return ev;
}

static inline void feed(struct scene *sc, const struct pl_event *ev)
{
	assert_int_equal(stitch_event(sc->st, ev), 0);
}

/* On this CPU, in this task */
static inline void at(struct scene *sc, __u32 cpu, __u32 tid)
{
	sc->cpu = cpu;
	sc->tid = tid;
}

/* A packet hop: skb number (0: no skb), key (0: none) */
static inline struct pl_event pkt_make(struct scene *sc, enum pl_hop hop, __u32 ifindex, __u32 skb,
				       __u64 key)
{
	struct pl_event ev = make(sc, hop);

	ev.ifindex = ifindex;
	ev.netns = ifindex ? NETNS : 0;
	ev.obj = skb ? 0xffff888000000000ULL + skb * 256 : 0;
	ev.head = skb;
	if (key) {
		ev.key = key;
		ev.pay = key * 3;
		ev.arg = 77;
		ev.proto = 17;
		ev.flags |= PL_F_KEY | PL_F_PAY;
	}
	return ev;
}

static inline void pkt(struct scene *sc, enum pl_hop hop, __u32 ifindex, __u32 skb, __u64 key)
{
	struct pl_event ev = pkt_make(sc, hop, ifindex, skb, key);

	feed(sc, &ev);
}

/* TCP, of one flow: payload from seq on; bytes, and by their number gso. len: 54 bytes of headers */
static inline struct pl_event tcp_make(struct scene *sc, enum pl_hop hop, __u32 ifindex, __u32 skb,
				       __u32 seq, __u32 bytes)
{
	struct pl_event ev = pkt_make(sc, hop, ifindex, skb, 0);

	ev.key = 0xabcdULL << 32 | seq;
	ev.pay = bytes;
	ev.len = 54 + bytes;
	ev.arg = 99;
	ev.proto = 6;
	ev.flags |= PL_F_KEY | (bytes > 1000 ? PL_F_GSO : 0);
	return ev;
}

static inline void tcp(struct scene *sc, enum pl_hop hop, __u32 ifindex, __u32 skb, __u32 seq,
		       __u32 bytes)
{
	struct pl_event ev = tcp_make(sc, hop, ifindex, skb, seq, bytes);

	feed(sc, &ev);
}

static inline void ctx(struct scene *sc, enum pl_hop hop, __u64 obj, __u64 key, __u32 arg, __u16 flags)
{
	struct pl_event ev = make(sc, hop);

	ev.obj = obj;
	ev.key = key;
	ev.arg = arg;
	ev.flags |= flags;
	feed(sc, &ev);
}

/* Context of a device: interrupt (arg) or NAPI (obj) */
static inline void dev_ctx(struct scene *sc, enum pl_hop hop, __u64 obj, __u32 arg)
{
	struct pl_event ev = make(sc, hop);

	ev.ifindex = IF_NIC;
	ev.netns = NETNS;
	ev.obj = obj;
	ev.arg = arg;
	feed(sc, &ev);
}

static inline void finish(struct scene *sc)
{
	assert_int_equal(stitch_finish(sc->st), 0);
}

#define EXPECT(sc, text) \
	do { \
		assert_string_equal((sc)->out, text); \
		(sc)->out[0] = 0; \
	} while (0)

#define CALL_RX(vm) (0xca110000 + (vm))
#define CALL_TX(vm) (0xca110100 + (vm))
#define VDEV(vm)    (0xde510000 + (vm))
#define VQ_RX(vm)   (0x51000000 + (vm))
#define VQ_TX(vm)   (0x51000100 + (vm))

static inline void nic_rx_begin(struct scene *sc)
{
	dev_ctx(sc, PL_HOP_nic_irq, 0, 24);
	ctx(sc, PL_HOP_nic_raise, 0, 0, 3, 0);
	ctx(sc, PL_HOP_nic_softirq, 0, 0, 3, 0);
	dev_ctx(sc, PL_HOP_nic_poll, 0xaa, 0);
}

static inline void nic_rx_end(struct scene *sc)
{
	dev_ctx(sc, PL_HOP_nic_polled, 0xaa, 0);
}

/* Interrupts and NAPIs are believed to belong together after they were seen so a few times */
static inline void nic_warm_up(struct scene *sc)
{
	int i;

	for (i = 0; i < 4; i++) {
		nic_rx_begin(sc);
		nic_rx_end(sc);
	}
}

static inline void bridge(struct scene *sc, __u32 from, __u32 to, __u32 skb, __u64 key)
{
	pkt(sc, PL_HOP_nic_skb, from, skb, key);
	pkt(sc, PL_HOP_br_in, from, skb, key);
	pkt(sc, PL_HOP_br_forward, to, skb, key);
	pkt(sc, PL_HOP_br_push, to, skb, key);
	pkt(sc, PL_HOP_dev_queue, to, skb, key);
	pkt(sc, PL_HOP_dev_xmit, to, skb, key);
}

#define BRIDGE "nic:skb br:in br:forward br:push dev:queue "

static inline void to_tap(struct scene *sc, int vm, __u32 skb, __u64 key)
{
	pkt(sc, PL_HOP_nic_gro, IF_NIC, skb, key);
	bridge(sc, IF_NIC, IF_TAP(vm), skb, key);
	ctx(sc, PL_HOP_vhost_wake, VDEV(vm), 0, 0xc3, PL_F_RX);
}

#define TO_TAP "nic:gro " BRIDGE "tap:xmit vhost:wake "

static inline void worker_run(struct scene *sc, int vm)
{
	ctx(sc, PL_HOP_sched_run, 0, 0, PL_ROLE_VHOST, 0);
	ctx(sc, PL_HOP_vhost_rx, VDEV(vm), 0, 0, PL_F_RX);
}

static inline void copy(struct scene *sc, __u32 skb, __u64 key)
{
	pkt(sc, PL_HOP_skb_copy, 0, skb, key);
	pkt(sc, PL_HOP_skb_free, 0, skb, key);
}

static inline void used(struct scene *sc, int vm, __u32 count)
{
	ctx(sc, PL_HOP_vhost_used, VQ_RX(vm), CALL_RX(vm), count, PL_F_RX);
}

static inline void inject(struct scene *sc, __u64 call, __u32 vector, __u32 vcpu)
{
	struct pl_event ev;

	ctx(sc, PL_HOP_kvm_irqfd, call, 0x6b, 5, 0);
	ctx(sc, PL_HOP_kvm_msi, 0, 0xfee0, vector, 0);
	ctx(sc, PL_HOP_kvm_inject, 0, 0, vector, 0);
	ev = make(sc, PL_HOP_kvm_kick);
	ev.tid = vcpu;
	feed(sc, &ev);
}

static inline void vcpu_takes(struct scene *sc, __u32 vector)
{
	ctx(sc, PL_HOP_sched_run, 0, 0, PL_ROLE_VCPU, 0);
	ctx(sc, PL_HOP_kvm_inj, 0, 0, vector, 0);
	ctx(sc, PL_HOP_kvm_entry, 0x7c, 0, 0, 0);
}

#define INJECT "kvm:irqfd kvm:msi kvm:inject kvm:kick "
#define TAKES  "kvm:run kvm:inj kvm:entry "

static inline void kick(struct scene *sc, int vm)
{
	ctx(sc, PL_HOP_kvm_exit, 0, 0, 0x400, PL_F_SAVED);
	ctx(sc, PL_HOP_kvm_ioeventfd, 0x10e, 0, 0, 0);
	ctx(sc, PL_HOP_vhost_wake, VDEV(vm), 0, 1, PL_F_TX);
}

static inline void fetch(struct scene *sc, int n)
{
	while (n--)
		ctx(sc, PL_HOP_vhost_fetch, VQ_TX(0), 0, 0, PL_F_TX);
}

/* One of n in a batch; key 0: none of them is selected */
static inline void send_of(struct scene *sc, unsigned int index, unsigned int n, __u64 key, bool large)
{
	struct pl_event ev = pkt_make(sc, PL_HOP_tap_send, IF_TAP(0), 0, large ? 0 : key);

	ev.obj = large || !key ? 0 : 0xdada00 + index;
	ev.queue = PL_BATCH(index, n);
	feed(sc, &ev);
}

static inline void send(struct scene *sc, int index, __u64 key, bool large)
{
	send_of(sc, index, 0, key, large);
}

static inline void from_tap(struct scene *sc, __u32 skb, __u64 key)
{
	pkt(sc, PL_HOP_dev_rx, IF_TAP(0), skb, key);
	bridge(sc, IF_TAP(0), IF_NIC, skb, key);
}

#define KICK	 "kvm:exit kvm:ioeventfd vhost:wake vhost:run vhost:tx "
#define FROM_TAP "tap:skb " BRIDGE "nic:xmit "

static inline void tx_begin(struct scene *sc)
{
	at(sc, 2, TID_VCPU(0));
	kick(sc, 0);
	at(sc, 1, TID_WORKER(0));
	ctx(sc, PL_HOP_sched_run, 0, 0, PL_ROLE_VHOST, 0);
	ctx(sc, PL_HOP_vhost_tx, VDEV(0), 0, 0, PL_F_TX);
}

#define SCENE(name)	     cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)
#define SCENE_SELECTED(name) cmocka_unit_test_setup_teardown(name, scene_begin_selected, scene_end)

#endif
