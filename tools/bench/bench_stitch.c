// SPDX-License-Identifier: GPL-2.0
/*
 * Events a second that the stitcher takes, on one core; the streams are made before. "rx": the
 * way from a NIC to guests, batches of 8, about 20 events a packet. "mixed": the world of the unit
 * tests, everything at once. "waiting": rx with so many packets in the taps' rings meanwhile.
 * "live": rx as record --slower-than takes it, with the sorting and the counting of totals, no
 * packet being slow. "handing": what that leaves to the thread that drains the rings.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "user/keeper.h"
#include "user/live.h"

#include "tests/unit/stitch_world.h"

#define BATCH_RX 8
#define VMS_RX	 3
#define SKBS	 4096

struct stream {
	struct pl_event *ev;
	size_t n, room;
	__u64 ts;
	__u32 cpu, tid;
};

static struct pl_event *add(struct stream *st, enum pl_hop hop)
{
	struct pl_event *e;

	if (st->n == st->room) {
		st->room = st->room ? st->room * 2 : 65536;
		st->ev = realloc(st->ev, st->room * sizeof(*st->ev));
		if (!st->ev)
			abort();
	}
	e = &st->ev[st->n++];
	*e = (struct pl_event){ .ts = st->ts += 50, .cpu = st->cpu, .tid = st->tid, .hook = feed_hook(hop) };
	return e;
}

static void add_pkt(struct stream *st, enum pl_hop hop, __u32 ifindex, __u32 packet)
{
	struct pl_event *e = add(st, hop);

	e->obj = 0xffff888000000000ULL + packet % SKBS * 256ULL;
	e->head = packet % SKBS;
	e->ifindex = ifindex;
	e->netns = ifindex ? NETNS : 0;
	e->key = packet * 0x9e3779b97f4a7c15ULL | 1;
	e->pay = packet;
	e->arg = 77;
	e->flags = PL_F_KEY | PL_F_PAY;
}

static void add_ctx(struct stream *st, enum pl_hop hop, __u64 obj, __u64 key, __u32 arg,
		    __u16 flags)
{
	struct pl_event *e = add(st, hop);

	e->obj = obj;
	e->key = key;
	e->arg = arg;
	e->flags = flags;
}

static void add_nic(struct stream *st, enum pl_hop hop, __u64 obj, __u32 arg)
{
	add_ctx(st, hop, obj, 0, arg, 0);
	st->ev[st->n - 1].ifindex = IF_NIC;
	st->ev[st->n - 1].netns = NETNS;
}

static void rx_nic(struct stream *st, int vm, __u32 packet)
{
	static const enum pl_hop in[] = { PL_HOP_nic_gro, PL_HOP_nic_skb, PL_HOP_br_in };
	static const enum pl_hop out[] = { PL_HOP_br_forward, PL_HOP_br_push, PL_HOP_dev_queue,
					   PL_HOP_dev_xmit };
	size_t i, k;

	st->cpu = 0;
	st->tid = 0;
	add_nic(st, PL_HOP_nic_irq, 0, 24);
	add_ctx(st, PL_HOP_nic_raise, 0, 0, 3, 0);
	add_ctx(st, PL_HOP_nic_softirq, 0, 0, 3, 0);
	add_nic(st, PL_HOP_nic_poll, 0xaa, 0);
	for (k = 0; k < BATCH_RX; k++) {
		for (i = 0; i < 3; i++)
			add_pkt(st, in[i], IF_NIC, packet + k);
		for (i = 0; i < 4; i++)
			add_pkt(st, out[i], IF_TAP(vm), packet + k);
		add_ctx(st, PL_HOP_vhost_wake, 0xde51 + vm, 0, 0xc3, PL_F_RX);
	}
	add_nic(st, PL_HOP_nic_polled, 0xaa, 0);
}

static void rx_guest(struct stream *st, int vm, __u32 packet)
{
	int k;

	st->cpu = 1;
	st->tid = TID_WORKER(vm);
	add_ctx(st, PL_HOP_sched_run, 0, 0, PL_ROLE_VHOST, 0);
	add_ctx(st, PL_HOP_vhost_rx, 0xde51 + vm, 0, 0, PL_F_RX);
	for (k = 0; k < BATCH_RX; k++) {
		add_pkt(st, PL_HOP_skb_copy, 0, packet + k);
		add_pkt(st, PL_HOP_skb_free, 0, packet + k);
	}
	add_ctx(st, PL_HOP_vhost_used, 0x51 + vm, 0xca11 + vm, BATCH_RX, PL_F_RX);
	add_ctx(st, PL_HOP_vhost_signal, 0xca11 + vm, 0, 0, 0);
	add_ctx(st, PL_HOP_kvm_irqfd, 0xca11 + vm, 0, 0, 0);
	add_ctx(st, PL_HOP_kvm_msi, 0, 0xfee0, 0x23, 0);
	add_ctx(st, PL_HOP_kvm_inject, 0, 0, 0x23, 0);
	add_ctx(st, PL_HOP_kvm_kick, 0, 0, 0, 0);
	st->ev[st->n - 1].tid = TID_VCPU(vm);
	st->cpu = 2;
	st->tid = TID_VCPU(vm);
	add_ctx(st, PL_HOP_kvm_inj, 0, 0, 0x23, 0);
	add_ctx(st, PL_HOP_kvm_entry, 0x7c, 0, 0, 0);
}

/* behind: packets that are on their way to the guest at a time */
static struct stream rx_stream(size_t events, __u32 behind)
{
	struct stream st = { .ts = 1000000 };
	__u32 packet;

	for (packet = 0; st.n < events; packet += BATCH_RX) {
		rx_nic(&st, packet / BATCH_RX % VMS_RX, packet);
		if (packet >= behind)
			rx_guest(&st, (packet - behind) / BATCH_RX % VMS_RX, packet - behind);
	}
	return st;
}

static double seconds_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int chunk_drop(void *ctx, struct trace_packets *b)
{
	*(__u64 *)ctx += b->n;
	free(b);
	return 0;
}

#define LIVE_ROUND 8192 /* events in a round over the rings */
#define LIVE_SLOW  1000000000 /* ns: none is, as in a recording of hours nearly none is */

/* The stitching thread's part, on its own */
static int measure_keeper(const struct pl_event *ev, size_t n)
{
	__u64 kept = 0;
	struct keeper_config cfg = {
		.cpus = CPUS,
		.slower_than_ns = LIVE_SLOW,
		.packets = chunk_drop,
		.ctx = &kept,
	};
	json_t *devices, *tasks;
	struct keeper *k;
	double begin;
	size_t i;
	int err;

	feed_docs(&devices, &tasks);
	cfg.devices = devices;
	cfg.tasks = tasks;
	err = keeper_new(&cfg, &k);
	begin = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
	for (i = 0; i < n && !err; i++) {
		err = keeper_event(k, &ev[i]);
		if (!err && i % LIVE_ROUND == LIVE_ROUND - 1)
			err = keeper_round(k, ev[i].ts, n);
	}
	if (!err)
		err = keeper_cut(k);
	begin = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - begin;
	if (!err)
		printf("live     %zu events %.3f s: %.2f M events/s, %.0f ns each; kept %llu packets\n",
		       n, begin, n / begin / 1e6, begin * 1e9 / n, (unsigned long long)kept);
	keeper_free(k);
	json_decref(devices);
	json_decref(tasks);
	return err;
}

/* What the thread that drains the rings has to do for it; the other has as much time as it needs */
static int measure_handing(const struct pl_event *ev, size_t n)
{
	static const __u8 hide[16];
	struct live_config cfg = { .cpus = CPUS, .slower_than_ns = LIVE_SLOW, .max_events = ~0UL };
	json_t *devices, *tasks;
	struct live *l = NULL;
	double begin;
	size_t i;
	int err;

	feed_docs(&devices, &tasks);
	cfg.devices = devices;
	cfg.tasks = tasks;
	err = trace_create("/dev/null", hide, &cfg.trace);
	if (!err)
		err = live_new(&cfg, &l);
	begin = seconds_of(CLOCK_THREAD_CPUTIME_ID);
	for (i = 0; i < n && !err; i++) {
		err = live_event(l, ev[i].cpu, &ev[i]);
		if (!err && i % LIVE_ROUND == LIVE_ROUND - 1)
			err = live_round(l, ev[i].ts, n);
	}
	begin = seconds_of(CLOCK_THREAD_CPUTIME_ID) - begin;
	if (!err)
		err = live_finish(l);
	if (!err)
		printf("handing  %zu events %.3f s: %.0f ns each in the draining thread\n", n, begin,
		       begin * 1e9 / n);
	live_free(l);
	trace_finish(cfg.trace);
	json_decref(devices);
	json_decref(tasks);
	return err;
}

static int count(void *ctx, const struct packet *p)
{
	*(__u64 *)ctx += p->n;
	return 0;
}

static int measure(const char *name, const struct pl_event *ev, size_t n)
{
	struct names *names = feed_names();
	__u64 sightings = 0;
	struct stitch_config cfg = { .packet = count, .ctx = &sightings, .names = names };
	const struct stitch_stats *stats;
	struct stitch *st;
	double secs;
	size_t i;

	if (!names || stitch_new(&cfg, &st))
		return 1;
	secs = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
	for (i = 0; i < n; i++)
		if (stitch_event(st, &ev[i]))
			return 1;
	stitch_finish(st);
	secs = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - secs;
	stats = stitch_stats(st);
	printf("%-8s %zu events %.3f s: %.2f M events/s, %.0f ns each; %llu complete, "
	       "%llu sightings, in flight %llu\n",
	       name, n, secs, n / secs / 1e6, secs * 1e9 / n,
	       (unsigned long long)stats->packets[PACKET_COMPLETE],
	       (unsigned long long)sightings, (unsigned long long)stats->in_flight_max);
	stitch_free(st);
	names_free(names);
	return 0;
}

int main(int argc, char **argv)
{
	size_t events = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000000;
	struct stream rx = rx_stream(events, 0), waiting = rx_stream(events, 2048);
	struct world *w = world_run(1, events, false);
	int i, err = 0;

	for (i = 0; i < 3 && !err; i++) {
		err = measure("rx", rx.ev, rx.n);
		err = err ? err : measure("waiting", waiting.ev, waiting.n);
		err = err ? err : measure("mixed", w->ev, w->n);
		err = err ? err : measure_keeper(rx.ev, rx.n);
		err = err ? err : measure_handing(rx.ev, rx.n);
	}
	world_free(w);
	free(rx.ev);
	free(waiting.ev);
	return err;
}
