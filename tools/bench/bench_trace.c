// SPDX-License-Identifier: GPL-2.0
/*
 * bench_trace [DIR]: events per second of one core writing a recording (hashing of addresses and
 * compression included), reading and decoding it, and merging its streams; and its size.
 *
 * The stream is what a bridge with a tap and a vhost worker makes of small UDP packets: batches,
 * each packet at nine hops, context hops around them, recycled skbs, two CPUs. Best of five runs:
 * what disturbs a run only makes it slower. CPU time of this process, so that a slow disk is not
 * measured instead.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "catalogue.h"
#include "merge.h"
#include "trace.h"

#define NR_EVENTS (2U << 20)
#define NR_RUNS	  5
#define NR_SKBS	  64

struct gen {
	struct pl_event *ev;
	size_t n;
	__u64 ts, random;
	unsigned int skb;
};

static __u64 random_next(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void event_put(struct gen *g, struct pl_event *e)
{
	if (g->n == NR_EVENTS)
		return;
	g->ts += 100 + random_next(&g->random) % 700;
	e->ts = g->ts;
	g->ev[g->n++] = *e;
}

static void context_put(struct gen *g, const __u8 *hooks, size_t n, __u64 obj, __u64 key)
{
	struct pl_event e = { .obj = obj, .key = key, .arg = 1, .tid = 2154 };

	while (n--) {
		e.hook = *hooks++;
		event_put(g, &e);
	}
}

static void packet_begin(struct gen *g, struct pl_event *e)
{
	unsigned int skb = g->skb++ % NR_SKBS;
	__u64 r = random_next(&g->random);

	*e = (struct pl_event){
		.obj = 0xffff888004560000ULL + skb * 256,
		.head = 0x20010000u + skb * 32,
		.key = r * 0x2545f4914f6cdd1dULL,
		.pay = r >> 20,
		.arg = (r >> 52) % 16 * 2654435761u,
		.len = r % 3 ? 124 : 1500,
		.netns = 4026531840u,
		.tid = 17,
		.proto = 17,
		.flags = PL_F_KEY | PL_F_PAY,
	};
}

/* One round of the softirq and of the worker behind it, with up to four packets */
static void batch_put(struct gen *g)
{
	static const __u8 before[] = { PL_HOOK_irq_entry, PL_HOOK_softirq_raise,
				       PL_HOOK_softirq_entry, PL_HOOK_napi_poll_fe };
	static const __u8 way[] = { PL_HOOK_napi_gro, PL_HOOK_receive_skb, PL_HOOK_br_in_fe,
				    PL_HOOK_br_forward_fe, PL_HOOK_br_push_fe,
				    PL_HOOK_dev_queue_tp, PL_HOOK_start_xmit };
	static const __u8 wake[] = { PL_HOOK_vhost_wake_fe, PL_HOOK_sched_switch,
				     PL_HOOK_handle_rx_fe };
	static const __u8 copy[] = { PL_HOOK_skb_copy_tp, PL_HOOK_consume_skb };
	static const __u8 after[] = { PL_HOOK_vhost_used_fe, PL_HOOK_eventfd_signal_fe,
				      PL_HOOK_irqfd_wakeup_fe, PL_HOOK_apic_accept_irq };
	unsigned int packets = 1 + random_next(&g->random) % 4, i, k;
	struct pl_event e[4];

	g->ts += random_next(&g->random) % 20000;
	context_put(g, before, sizeof(before), 0xffff888001230000ULL, 0);
	for (i = 0; i < packets; i++) {
		packet_begin(g, &e[i]);
		for (k = 0; k < sizeof(way); k++) {
			e[i].hook = way[k];
			e[i].ifindex = k < 3 ? 2 : 7;
			event_put(g, &e[i]);
		}
	}
	context_put(g, wake, sizeof(wake), 0xffff888007890000ULL, 0xffff888007a00000ULL);
	for (i = 0; i < packets; i++)
		for (k = 0; k < sizeof(copy); k++) {
			e[i].hook = copy[k];
			e[i].tid = 2154;
			event_put(g, &e[i]);
		}
	context_put(g, after, sizeof(after), 0xffff888007890000ULL, 0xffff888007a00000ULL);
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static void must(int err, const char *what)
{
	if (err >= 0)
		return;
	fprintf(stderr, "bench_trace: %s: %s\n", what, strerror(-err));
	exit(1);
}

static double bench_write(const struct pl_event *ev, const char *path)
{
	static const __u8 key[16] = "bench";
	struct trace_writer *w;
	double begin;
	size_t i;

	must(trace_create(path, key, &w), path);
	begin = cpu_seconds();
	/* two CPUs, as the recorder drains them in turn */
	for (i = 0; i < NR_EVENTS; i++)
		must(trace_write_event(w, i / 4096 % 2, &ev[i]), "write");
	must(trace_flush(w, 0, 0), "write");
	begin = cpu_seconds() - begin;
	must(trace_finish(w), "close");
	return begin;
}

static double bench_open(const char *path, struct trace **t)
{
	double begin = cpu_seconds();
	char err[256];

	must(trace_open(path, t, err, sizeof(err)), path);
	return cpu_seconds() - begin;
}

static double bench_read(const struct trace *t)
{
	static struct pl_event ev[TRACE_BLOCK_EVENTS];
	double begin = cpu_seconds();
	size_t i;

	for (i = 0; i < t->nblocks; i++)
		must(trace_read_block(t, i, ev), "read");
	return cpu_seconds() - begin;
}

static double bench_merge(const struct trace *t)
{
	double begin = cpu_seconds();
	const struct pl_event *ev;
	struct merge *m;
	__u64 n = 0;

	must(merge_open(t, &m), "merge");
	while (merge_next(m, &ev) == 1)
		n++;
	merge_close(m);
	must(n == NR_EVENTS ? 0 : -1, "merge");
	return cpu_seconds() - begin;
}

static double least(double a, double b)
{
	return a < b ? a : b;
}

int main(int argc, char **argv)
{
	struct gen g = { .random = 88172645463325252ULL, .ts = 1000000000000ULL };
	double write = 1e9, open = 1e9, read = 1e9, merge = 1e9;
	struct trace *t;
	char path[4096];
	__u64 bytes = 0;
	int i;

	g.ev = malloc(NR_EVENTS * sizeof(*g.ev));
	must(g.ev ? 0 : -12, "events");
	while (g.n < NR_EVENTS)
		batch_put(&g);
	snprintf(path, sizeof(path), "%s/bench_trace.%d", argc > 1 ? argv[1] : "/tmp", getpid());
	for (i = 0; i < NR_RUNS; i++) {
		write = least(write, bench_write(g.ev, path));
		open = least(open, bench_open(path, &t));
		read = least(read, bench_read(t));
		merge = least(merge, bench_merge(t));
		bytes = t->file_bytes;
		trace_close(t);
		unlink(path);
	}
	free(g.ev);
	printf("write  %10.0f events/s\n", NR_EVENTS / write);
	printf("index  %10.0f events/s\n", NR_EVENTS / open);
	printf("read   %10.0f events/s\n", NR_EVENTS / read);
	printf("merge  %10.0f events/s (reading included)\n", NR_EVENTS / merge);
	if (merge > read)
		printf("merge  %10.0f events/s (alone)\n", NR_EVENTS / (merge - read));
	printf("size   %10.2f bytes/event\n", (double)bytes / NR_EVENTS);
	return 0;
}
