// SPDX-License-Identifier: GPL-2.0
/*
 * bench_report PKTLAP DIR EVENTS...: events/s and peak memory of `pktlap report` over recordings of
 * that many events, made here: packets of 12 hops towards a guest, 8 in flight, on two CPUs, with
 * the same batch hops as live ones. Prints markdown.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "packets.h"
#include "trace.h"

#define GAP_NS	 700 /* between two events of a CPU */
#define LONG_RUN 50000000 /* events */

static void die(const char *what, int err)
{
	fprintf(stderr, "bench_report: %s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(1);
}

static void doc_put(struct trace_writer *w, enum trace_chunk kind, json_t *doc)
{
	int err = doc ? trace_write_doc(w, kind, doc) : -ENOMEM;

	if (err)
		die("document", err);
	json_decref(doc);
}

static void docs_write(struct trace_writer *w)
{
	doc_put(w, TRACE_META, json_pack("{s:s, s:s, s:s, s:s, s:i, s:[], s:I, s:I, s:{}}", "version", PKTLAP_VERSION, "host", "bench", "release", "0", "machine", "x86_64", "cpus", 2, "command", "start_real_ns", (json_int_t)1, "start_mono_ns", (json_int_t)1, "options"));
	doc_put(w, TRACE_DEVICES, json_pack("[{s:I, s:s, s:i, s:s, s:s}, {s:I, s:s, s:i, s:s, s:s}]", "netns", (json_int_t)NETNS, "netns_name", "", "ifindex", NIC, "name", "eth1", "kind", "nic", "netns", (json_int_t)NETNS, "netns_name", "", "ifindex", TAP, "name", "tap0", "kind", "tap"));
	doc_put(w, TRACE_TASKS, json_pack("[{s:i, s:s, s:s}, {s:i, s:s, s:s}]", "tid", WORKER, "comm", "vhost-900", "role", "vhost", "tid", WORKER + 1, "comm", "vhost-900", "role", "vhost"));
}

static void recording_make(const char *path, __u64 events)
{
	const __u8 hide[16] = { 7 };
	struct trace_writer *w;
	struct pl_event e;
	__u64 packet, ts = 1000000000, n = 0;
	unsigned int hop, cpu;
	int err;

	err = trace_create(path, hide, &w);
	if (err)
		die(path, err);
	docs_write(w);
	for (packet = 0; n < events; packet++) {
		cpu = packet & 1;
		for (hop = 0; hop < HOPS && n < events; hop++, n++) {
			ts += GAP_NS;
			event_fill(&e, packet, hop, ts, cpu);
			err = trace_write_event(w, cpu, &e);
			if (err)
				die(path, err);
		}
	}
	doc_put(w, TRACE_END, json_pack("{s:s, s:I, s:I}", "reason", "bench", "end_mono_ns", (json_int_t)ts, "events", (json_int_t)n));
	err = trace_finish(w);
	if (err)
		die(path, err);
}

static void report_run(const char *pktlap, const char *path, struct rusage *u)
{
	pid_t pid = fork();
	int status, fd;

	if (!pid) {
		fd = open("/dev/null", O_WRONLY);
		dup2(fd, STDOUT_FILENO);
		execl(pktlap, pktlap, "report", path, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, u) != pid)
		die("report", errno);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		die("report failed", EINVAL);
}

int main(int argc, char **argv)
{
	struct rusage u;
	char path[512];
	int i, round;

	if (argc < 4)
		return 2;
	printf("| events | M events/s of CPU time (best of 3, of 1 for the longest) | peak memory, MiB |\n| ---: | ---: | ---: |\n");
	snprintf(path, sizeof(path), "%s/bench-report.data", argv[2]);
	for (i = 3; i < argc; i++) {
		__u64 n = strtoull(argv[i], NULL, 10);
		double best = 1e9, s;

		recording_make(path, n);
		/* a long run has its disturbances evened out */
		for (round = 0; round < (n > LONG_RUN ? 1 : 3); round++) {
			report_run(argv[1], path, &u);
			s = u.ru_utime.tv_sec + u.ru_stime.tv_sec +
			    (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
			best = s < best ? s : best;
		}
		printf("| %llu | %.2f | %.1f |\n", n, n / best / 1e6, u.ru_maxrss / 1024.0);
		fflush(stdout);
		unlink(path);
	}
	return 0;
}
