/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A host on which nothing is wrong, for the tests of the hazards: a tree of /proc, /sys and the
 * like in a temporary directory, where every file that a row looks at is there and says what is
 * good, and a snapshot (host_scene.h) to go with it.
 */
#ifndef PKTLAP_TEST_HAZARD_SCENE_H
#define PKTLAP_TEST_HAZARD_SCENE_H

#include <ftw.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "hazard_bpf.h"
#include "hazards_int.h"
#include "host_scene.h"

struct hazard_scene {
	char root[64];
	struct host *host;
	struct hazard_bpf *bpf; /* loaded programs, links; until hazards have it */
	bool slow;
};

static inline void path_of(const struct hazard_scene *s, const char *path, char full[512])
{
	char *slash;

	snprintf(full, 512, "%s%s", s->root, path);
	for (slash = full + strlen(s->root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = 0;
		mkdir(full, 0700);
	}
}

static inline void bytes_put(const struct hazard_scene *s, const char *path, const void *data, size_t len)
{
	char full[512];
	FILE *f;

	path_of(s, path, full);
	f = fopen(full, "w");
	if (!f || fwrite(data, 1, len, f) != len || fclose(f)) {
		perror(full);
		abort();
	}
}

/* RELEASE in a path is that of the running kernel */
static inline void file_put(const struct hazard_scene *s, const char *path, const char *text)
{
	const char *release = strstr(path, "RELEASE");
	char whole[256];
	struct utsname u;

	if (release) {
		uname(&u);
		snprintf(whole, sizeof(whole), "%.*s%s", (int)(release - path), path, u.release);
		path = whole;
	}
	bytes_put(s, path, text, strlen(text));
}

static inline void link_put(const struct hazard_scene *s, const char *path, const char *to)
{
	char full[512];

	path_of(s, path, full);
	if (symlink(to, full)) {
		perror(full);
		abort();
	}
}

static inline void file_remove(const struct hazard_scene *s, const char *path)
{
	char full[512];

	path_of(s, path, full);
	unlink(full);
}

#define CPU "/sys/devices/system/cpu"
#define NET "/sys/class/net/eth1"

/* What a host has on which nothing is wrong */
static const char *const quiet_files[][2] = {
	/* BPF */
	{ "/proc/sys/net/core/bpf_jit_enable", "1\n" },
	{ "/proc/sys/net/core/bpf_jit_harden", "0\n" },
	{ "/proc/sys/kernel/bpf_stats_enabled", "0\n" },
	/* tracing; what any load of a program that prints leaves behind is no hazard */
	{ "/sys/kernel/tracing/current_tracer", "nop\n" },
	{ "/sys/kernel/tracing/tracing_on", "1\n" },
	{ "/sys/kernel/tracing/set_event", "bpf_trace:bpf_trace_printk\n" },
	{ "/sys/kernel/tracing/enabled_functions", "" },
	{ "/sys/kernel/tracing/kprobe_events", "p:kprobes/off ip_rcv\n" },
	{ "/sys/kernel/tracing/events/kprobes/off/enable", "0\n" },
	{ "/sys/kernel/tracing/instances/mine/current_tracer", "nop\n" },
	{ "/sys/kernel/tracing/instances/mine/tracing_on", "1\n" },
	{ "/sys/kernel/tracing/instances/mine/set_event", "" },
	{ "/sys/kernel/debug/kprobes/list", "ffffffff81000000  k  ip_rcv+0x0    [DISABLED][FTRACE]\n" },
	/* the network: a socket that does not run, one for LLDP, one on a device that is gone */
	{ "/proc/net/packet", "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n"
			      "0000000000000000 3      3    0003   2     0 0      0      41\n"
			      "0000000000000000 3      3    88cc   2     1 0      0      42\n"
			      "0000000000000000 3      3    0003   99    1 0      0      43\n" },
	{ NET "/gro_flush_timeout", "0\n" },
	{ NET "/napi_defer_hard_irqs", "2\n" },
	{ NET "/threaded", "0\n" },
	{ NET "/statistics/rx_dropped", "7\n" },
	{ NET "/statistics/tx_errors", "2\n" },
	{ "/proc/sys/net/core/rps_sock_flow_entries", "0\n" },
	{ "/proc/sys/net/core/busy_poll", "0\n" },
	{ "/proc/sys/net/core/busy_read", "0\n" },
	{ "/proc/sys/net/bridge/bridge-nf-call-iptables", "0\n" },
	{ "/proc/sys/net/bridge/bridge-nf-call-ip6tables", "0\n" },
	{ "/proc/sys/net/bridge/bridge-nf-call-arptables", "0\n" },
	{ "/proc/sys/net/netfilter/nf_conntrack_count", "0\n" },
	{ "/proc/net/softnet_stat", "000000aa 00000004 00000003 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n"
				    "000000bb 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000001\n" },
	/* CPUs: a deep state that is switched off */
	{ CPU "/online", "0-3\n" },
	{ CPU "/isolated", "\n" },
	{ CPU "/smt/active", "0\n" },
	{ CPU "/cpu0/cpuidle/state0/name", "C1\n" },
	{ CPU "/cpu0/cpuidle/state0/latency", "2\n" },
	{ CPU "/cpu0/cpuidle/state0/disable", "0\n" },
	{ CPU "/cpu0/cpuidle/state1/name", "C6\n" },
	{ CPU "/cpu0/cpuidle/state1/latency", "133\n" },
	{ CPU "/cpu0/cpuidle/state1/disable", "1\n" },
	{ CPU "/cpufreq/policy0/scaling_governor", "performance\n" },
	{ CPU "/cpufreq/policy1/scaling_governor", "performance\n" },
	{ CPU "/cpufreq/boost", "0\n" },
	{ "/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n" },
	{ "/boot/config-RELEASE", "# CONFIG_HZ_PERIODIC is not set\nCONFIG_HZ=1000\nCONFIG_PREEMPT=y\n" },
	{ "/proc/cmdline", "root=/dev/sda1 quiet\n" },
	{ "/sys/kernel/debug/sched/preempt", "none voluntary (full)\n" },
	/* tasks: the cgroup of scene_task() */
	{ "/sys/fs/cgroup/vm/cpu.max", "max 100000\n" },
	{ "/sys/fs/cgroup/vm/cpu.stat", "usage_usec 5\nnr_periods 9\nnr_throttled 4\nthrottled_usec 77\n" },
	/* KVM */
	{ "/sys/module/kvm/parameters/halt_poll_ns", "0\n" },
	{ "/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme de pse tsc\n" },
	{ "/sys/kernel/mm/ksm/run", "0\n" },
	/* a process that is no irqbalance and has nothing of ours open */
	{ "/proc/77/comm", "editor\n" },
	{ "/proc/77/fd/.keep", "" },
	{ "/run/irqbalance/.keep", "" },
};

static inline void quiet_host(struct hazard_scene *s)
{
	struct host *h = scene_new();
	struct host_dev *eth1 = scene_find(h, "eth1");
	size_t i;

	for (i = 0; i < h->ndevs; i++)
		h->devs[i]->nprogs = 0;
	eth1->offload = 1U << HOST_RXVLAN | 1U << HOST_SG;
	eth1->coalesce = (struct host_coalesce){ .known = true, .rx_usecs = 3 };
	*host_add(h, eth1->queues, eth1->nqueues) = (struct host_queue){ .cpus = "0" };
	*host_add(h, eth1->queues, eth1->nqueues) = (struct host_queue){ .tx = true, .cpus = "0" };
	/* the workers: tids 310, 510 and 511; vCPUs: 311, 312 and 411 */
	for (i = 0; i < h->ntasks; i++)
		if (!strncmp(h->tasks[i]->comm, "vhost-", 6))
			h->tasks[i]->role = PL_ROLE_VHOST;
	s->host = h;
}

static inline void scene_up(struct hazard_scene *s)
{
	size_t i;

	*s = (struct hazard_scene){ .root = "/tmp/pktlap-hazards-XXXXXX", .slow = true };
	if (!mkdtemp(s->root))
		abort();
	for (i = 0; i < sizeof(quiet_files) / sizeof(*quiet_files); i++)
		file_put(s, quiet_files[i][0], quiet_files[i][1]);
	quiet_host(s);
	s->bpf = calloc(1, sizeof(*s->bpf));
	if (!s->bpf)
		abort();
}

/* A program that somebody has attached by a link */
static inline void tracer_put(const struct hazard_scene *s, __u32 type, const char *name,
			      const struct hazard_link *link)
{
	struct hazard_bpf *b = s->bpf;

	if (!b)
		return; /* loaded after the look */
	b->progs = reallocarray(b->progs, b->nprogs + 1, sizeof(*b->progs));
	b->links = reallocarray(b->links, b->nlinks + 1, sizeof(*b->links));
	if (!b->progs || !b->links)
		abort();
	b->progs[b->nprogs] = (struct hazard_prog){ .id = 61 + b->nprogs, .type = type };
	snprintf(b->progs[b->nprogs].name, sizeof(b->progs->name), "%s", name);
	b->links[b->nlinks] = *link;
	b->links[b->nlinks++].prog = b->progs[b->nprogs++].id;
}

static inline int entry_remove(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	return remove(path);
}

static inline void scene_down(struct hazard_scene *s)
{
	nftw(s->root, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
	host_free(s->host);
	hazard_bpf_free(s->bpf);
}

static inline struct host_dev *dev_of(const struct hazard_scene *s, const char *name)
{
	return scene_find(s->host, name);
}

static inline struct host_task *task_of(const struct hazard_scene *s, __u32 tid)
{
	size_t i;

	for (i = 0; i < s->host->ntasks; i++)
		if (s->host->tasks[i]->tid == tid)
			return s->host->tasks[i];
	abort();
}

#endif
