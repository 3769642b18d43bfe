// SPDX-License-Identifier: GPL-2.0
/*
 * bench_bpf [DIR]: ns of an event against the machine's floor, and events/s that one core takes
 * from the rings into a file in DIR. Prints markdown. Root.
 *
 * Programs run by BPF_PROG_TEST_RUN, in turn, so that a change of the machine's speed meets all
 * alike; times are the kernel's run statistics. Medians of ROUNDS rounds.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "packets.h"
#include "ring.h"

#include "bench.skel.h"
#include "pktlap.skel.h"
#include "trace.h"

#define ROUNDS	    15
#define RUNS	    4000 /* of each program in a round; the ring has room for all */
#define RING_BYTES  (4u << 20)
#define RING_SLOTS  (RING_BYTES / sizeof(struct pl_event))
#define DRAIN_FILLS 100

struct subject {
	const char *what;
	int fd;
	__u32 vec; /* argument of the tracepoint */
	double ns[ROUNDS];
};

static int cmp_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v, int n)
{
	qsort(v, n, sizeof(*v), cmp_double);
	return v[n / 2];
}

static void die(const char *what)
{
	fprintf(stderr, "bench_bpf: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void stats_read(int fd, __u64 *runs, __u64 *ns)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		die("program info");
	*runs = info.run_cnt;
	*ns = info.run_time_ns;
}

static double subject_round(const struct subject *s)
{
	__u64 args[1] = { s->vec }, runs0, ns0, runs1, ns1;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args));
	int i;

	stats_read(s->fd, &runs0, &ns0);
	for (i = 0; i < RUNS; i++)
		if (bpf_prog_test_run_opts(s->fd, &opts))
			die("test run");
	stats_read(s->fd, &runs1, &ns1);
	if (runs1 - runs0 < RUNS)
		die("the kernel did not count the runs");
	return (double)(ns1 - ns0) / (runs1 - runs0);
}

static int drop_sample(void *ctx, void *data, size_t size)
{
	(void)ctx;
	(void)data;
	(void)size;
	return 0;
}

static int drop_event(void *ctx, unsigned int cpu, const struct pl_event *ev)
{
	(void)ctx;
	(void)cpu;
	(void)ev;
	return 0;
}

static struct ring_buffer *ring_open(int fd, ring_buffer_sample_fn fn, void *ctx)
{
	struct ring_buffer *rb = ring_buffer__new(fd, fn, ctx, NULL);

	if (!rb)
		die("ring");
	return rb;
}

/* The product's raw tracepoint program for a context hop */
static struct pktlap_bpf *product_load(void)
{
	struct pktlap_bpf *skel = pktlap_bpf__open();
	struct bpf_program *p;

	if (!skel)
		die("open");
	bpf_object__for_each_program(p, skel->obj)
		bpf_program__set_autoload(p, p == skel->progs.pl_softirq_raise_raw);
	bpf_map__set_max_entries(skel->maps.rings, libbpf_num_possible_cpus());
	bpf_map__set_max_entries(skel->maps.slots, RING_SLOTS);
	bpf_map__set_max_entries(skel->maps.counts, libbpf_num_possible_cpus() * PL_COUNTS_ROW);
	if (pktlap_bpf__load(skel))
		die("load");
	return skel;
}

/* A ring on the first CPU, where the measuring is done */
static struct pl_ring *product_ring(const struct pktlap_bpf *skel, struct pl_event **slots)
{
	int rings = bpf_map__fd(skel->maps.rings), fd = bpf_map__fd(skel->maps.slots);
	struct pl_ring *ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE, MAP_SHARED, rings, 0);

	*slots = mmap(NULL, RING_BYTES, PROT_READ, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED || *slots == MAP_FAILED)
		die("map");
	ring->size = RING_SLOTS;
	return ring;
}

static void floor_measure(struct bench_bpf *bench)
{
	int i, r, stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	struct pktlap_bpf *skel = product_load();
	struct pl_event *slots;
	struct pl_ring *mine = product_ring(skel, &slots);
	struct ring_buffer *floor = ring_open(bpf_map__fd(bench->maps.ring), drop_sample, NULL);
	struct subject s[] = {
		{ .what = "empty program", .fd = bpf_program__fd(bench->progs.b_empty) },
		{ .what = "+ bpf_ktime_get_ns", .fd = bpf_program__fd(bench->progs.b_ktime) },
		{ .what = "+ reserve and submit of 64 bytes: the floor",
		  .fd = bpf_program__fd(bench->progs.b_reserve) },
		{ .what = "pktlap's context event, if it went through bpf_ringbuf",
		  .fd = bpf_program__fd(bench->progs.b_ringbuf) },
		{ .what = "pktlap, softirq of another vector (no event)", .vec = 1, .fd = bpf_program__fd(skel->progs.pl_softirq_raise_raw) },
		{ .what = "pktlap, context event (nic:raise)", .vec = 3, .fd = bpf_program__fd(skel->progs.pl_softirq_raise_raw) },
	};
	const int n = sizeof(s) / sizeof(*s);
	double floor_ns, base, ns;

	if (stats < 0)
		die("run statistics");
	for (r = 0; r < ROUNDS; r++)
		for (i = 0; i < n; i++) {
			s[i].ns[r] = subject_round(&s[i]);
			ring_take(mine, slots, 0, RING_SLOTS, drop_event, NULL);
			ring_buffer__consume(floor);
		}
	floor_ns = median(s[2].ns, ROUNDS);
	base = median(s[0].ns, ROUNDS);
	printf("| program (raw_tp, BPF_PROG_TEST_RUN) | ns a run | x floor |\n| --- | ---: | ---: |\n");
	for (i = 0; i < n; i++) {
		ns = median(s[i].ns, ROUNDS);
		printf("| %s | %.1f | %.2f |\n", s[i].what, ns, ns / floor_ns);
	}
	printf("\nThe run statistics' own clock readings are in all of them (empty: %.1f ns).\n\n", base);
	ring_buffer__free(floor);
	munmap(slots, RING_BYTES);
	munmap(mine, sizeof(*mine));
	close(stats);
	pktlap_bpf__destroy(skel);
}

static int store(void *ctx, unsigned int cpu, const struct pl_event *ev)
{
	return trace_write_event(ctx, cpu, ev);
}

static double cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_THREAD, &u);
	return u.ru_utime.tv_sec + u.ru_stime.tv_sec +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* As full as the programs make a ring; *n: events so far */
static void ring_fill(struct pl_ring *ring, struct pl_event *slots, __u64 *n)
{
	struct timespec now;
	struct pl_event *e;

	for (; ring->head - ring->tail < ring->size; ring->head++, ++*n) {
		e = &slots[ring->head & (ring->size - 1)];
		clock_gettime(CLOCK_MONOTONIC, &now);
		event_fill(e, *n / HOPS, *n % HOPS, now.tv_sec * 1000000000ULL + now.tv_nsec, 0);
		e->cpu = pl_ring_ready(ring, ring->head);
	}
}

/* The drain alone: fill the ring, then take the time of emptying it into the file, and again */
static void drain_measure(const char *dir)
{
	static struct pl_ring ring = { .size = RING_SLOTS };
	const __u8 hide[16] = { 1, 2, 3 };
	struct pl_event *slots = calloc(RING_SLOTS, sizeof(*slots));
	struct trace_writer *w;
	double spent = 0, start;
	char path[512];
	__u64 events = 0, bytes;
	struct stat st;
	int i;

	snprintf(path, sizeof(path), "%s/bench.data", dir);
	if (!slots || trace_create(path, hide, &w))
		die(path);
	for (i = 0; i < DRAIN_FILLS; i++) {
		ring_fill(&ring, slots, &events);
		start = cpu_s();
		if (ring_take(&ring, slots, 0, RING_SLOTS, store, w) != RING_SLOTS)
			die("drain");
		spent += cpu_s() - start;
	}
	start = cpu_s();
	trace_flush(w, 0, 0);
	spent += cpu_s() - start;
	if (trace_events_written(w) != events)
		die("events of the file");
	trace_finish(w);
	bytes = stat(path, &st) ? 0 : st.st_size;
	unlink(path);
	printf("| drained into the file by one core | |\n| --- | ---: |\n");
	printf("| events | %llu |\n| events/s of CPU time | %.2f M |\n| bytes of file an event | %.1f |\n\n",
	       events, events / spent / 1e6, (double)bytes / events);
	free(slots);
}

int main(int argc, char **argv)
{
	struct bench_bpf *bench;
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	if (sched_setaffinity(0, sizeof(first), &first))
		die("CPU 0");
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	bench = bench_bpf__open();
	if (!bench)
		die("open");
	bpf_map__set_max_entries(bench->maps.ring, RING_BYTES);
	if (bench_bpf__load(bench))
		die("load (root?)");
	floor_measure(bench);
	drain_measure(argc > 1 ? argv[1] : ".");
	bench_bpf__destroy(bench);
	return 0;
}
