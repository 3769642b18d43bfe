// SPDX-License-Identifier: GPL-2.0
/*
 * Each row of the table of hazards on a host where nothing else is wrong: it is found, in these
 * words, and nothing else is; and nothing at all is found when what provokes it is not there.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include <cmocka.h>

#include "hazard_scene.h"

/* What makes a row find something. No want: the condition only looks like that of the row */
struct provoked {
	enum hazard_id id;
	const char *files[4][2]; /* path, content */
	void (*change)(const struct hazard_scene *s);
	const char *want; /* "subject evidence", a line each */
	const char *what; /* of several of one row */
};

/* --- changes that are more than a file --- */

static void socket_open(const struct hazard_scene *s)
{
	file_put(s, "/proc/88/comm", "tcpdump\n");
	link_put(s, "/proc/88/fd/5", "socket:[44]");
}

static void perf_open(const struct hazard_scene *s)
{
	file_put(s, "/proc/88/comm", "perf\n");
	link_put(s, "/proc/88/fd/5", "anon_inode:[perf_event]");
	link_put(s, "/proc/88/fd/6", "anon_inode:[perf_event]");
}

static void config_gz(const struct hazard_scene *s)
{
	static const char text[] = "CONFIG_HZ=250\nCONFIG_PREEMPT=y\n";
	char full[512];
	gzFile f;

	path_of(s, "/proc/config.gz", full);
	f = gzopen(full, "w");
	if (!f || gzputs(f, text) < 0 || gzclose(f) != Z_OK)
		abort();
}

static void latency_put(const struct hazard_scene *s, __s32 us)
{
	bytes_put(s, "/dev/cpu_dma_latency", &us, sizeof(us));
	file_put(s, CPU "/cpu0/cpuidle/state1/disable", "0\n");
}

static void latency_any(const struct hazard_scene *s)
{
	latency_put(s, 2000000000);
}

static void latency_low(const struct hazard_scene *s)
{
	latency_put(s, 20);
}

static void cpus_set(const struct hazard_scene *s, const char *vhost, const char *vcpu)
{
	task_of(s, 310)->affinity = vhost;
	task_of(s, 311)->affinity = vcpu;
}

static void isolated_two(const struct hazard_scene *s)
{
	cpus_set(s, "0-1", "1");
}

static void isolated_and_not(const struct hazard_scene *s)
{
	cpus_set(s, "0-2", "1");
}

static void same_cpu(const struct hazard_scene *s)
{
	cpus_set(s, "1", "1");
}

static void irq_cpu(const struct hazard_scene *s)
{
	task_of(s, 312)->affinity = "2";
}

static void group_of_one(const struct hazard_scene *s)
{
	task_of(s, 411)->cgroup = "/machine/vm2/vcpu0";
}

static void promisc_set(const struct hazard_scene *s)
{
	dev_of(s, "eth3@ct1")->promisc = true;
	/* a port, and below a macvtap */
	dev_of(s, "eth1")->promisc = dev_of(s, "tap0")->promisc = true;
	scene_find(s->host, "eth3")->promisc = true;
}

static void generic_set(const struct hazard_scene *s)
{
	scene_prog(s->host, dev_of(s, "eth1"), HOST_XDP_GENERIC, 41, "fwd");
	scene_prog(s->host, dev_of(s, "only"), HOST_XDP_GENERIC, 42, "other");
}

static void native_set(const struct hazard_scene *s)
{
	scene_prog(s->host, dev_of(s, "eth1"), HOST_XDP_NATIVE, 41, "fwd");
}

static void veth_native_set(const struct hazard_scene *s)
{
	scene_prog(s->host, dev_of(s, "veth0"), HOST_XDP_NATIVE, 43, "in");
}

static void offload_set(const struct hazard_scene *s, const char *dev, enum host_offload offload)
{
	struct host_dev *d = dev_of(s, dev);

	d->offloads_known = true;
	d->offload |= 1U << offload;
}

static void gro_set(const struct hazard_scene *s)
{
	offload_set(s, "eth1", HOST_GRO);
	/* of a tap it says nothing */
	offload_set(s, "tap0", HOST_GRO);
}

static void lro_set(const struct hazard_scene *s)
{
	offload_set(s, "eth1", HOST_LRO);
	offload_set(s, "eth2", HOST_GRO_HW);
}

static void virtio_set(const struct hazard_scene *s)
{
	dev_of(s, "eth1")->driver = "virtio_net";
	offload_set(s, "eth1", HOST_GRO_HW);
}

static void usecs_set(const struct hazard_scene *s)
{
	dev_of(s, "eth1")->coalesce.rx_usecs = 50;
}

static void adaptive_set(const struct hazard_scene *s)
{
	dev_of(s, "eth1")->coalesce.adaptive_rx = true;
}

static void rps_set(const struct hazard_scene *s)
{
	dev_of(s, "eth1")->queues[0].on = true;
}

static void xps_set(const struct hazard_scene *s)
{
	dev_of(s, "eth1")->queues[1].on = true;
}

static void qdisc_drop(const struct hazard_scene *s)
{
	dev_of(s, "eth1")->qdiscs[2].drops += 12;
	dev_of(s, "eth1")->qdiscs[2].requeues += 1;
	dev_of(s, "tap0")->qdiscs[0].overlimits += 5;
}

static void qdisc_wait(const struct hazard_scene *s)
{
	dev_of(s, "eth1")->qdiscs[0].qlen = dev_of(s, "eth1")->qdiscs[1].qlen = 9;
}

static void no_vcpus(const struct hazard_scene *s)
{
	task_of(s, 311)->role = task_of(s, 312)->role = task_of(s, 411)->role = PL_ROLE_NONE;
}

static void link_untold(const struct hazard_scene *s)
{
	static const struct hazard_link link = { .type = BPF_LINK_TYPE_PERF_EVENT };

	tracer_put(s, BPF_PROG_TYPE_KPROBE, "probe", &link);
	tracer_put(s, BPF_PROG_TYPE_TRACEPOINT, "point", &link);
	/* runs when a counter has counted enough, which is no place */
	tracer_put(s, BPF_PROG_TYPE_PERF_EVENT, "profile", &link);
}

static void link_elsewhere(const struct hazard_scene *s)
{
	static const struct hazard_link told = { .type = BPF_LINK_TYPE_PERF_EVENT, .target = "vfs_read" };
	static const struct hazard_link user = { .type = BPF_LINK_TYPE_PERF_EVENT, .user = true };

	tracer_put(s, BPF_PROG_TYPE_KPROBE, "probe", &told);
	tracer_put(s, BPF_PROG_TYPE_KPROBE, "uprobe", &user);
}

#define TRACING "/sys/kernel/tracing"
#define MINE	TRACING "/instances/mine"
#define PACKETS "/proc/net/packet"
#define HEAD	"sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n"
#define CONFIG	"/boot/config-RELEASE"
#define SOFTNET "/proc/net/softnet_stat"

/* --- the rows --- */

/* clang-format off */
static const struct provoked provoked[] = {
	{ HAZARD_bpf_jit_off, { { "/proc/sys/net/core/bpf_jit_enable", "0\n" } },
	  .want = "net.core.bpf_jit_enable is 0: BPF programs are interpreted" },
	{ HAZARD_bpf_jit_harden, { { "/proc/sys/net/core/bpf_jit_harden", "2\n" } },
	  .want = "net.core.bpf_jit_harden is 2: constants of all programs are blinded" },
	{ HAZARD_bpf_jit_harden, { { "/proc/sys/net/core/bpf_jit_harden", "1\n" } },
	  .what = "only those of the unprivileged" },
	{ HAZARD_bpf_jit_debug, { { "/proc/sys/net/core/bpf_jit_enable", "2\n" } },
	  .want = "net.core.bpf_jit_enable is 2: programs are dumped into the kernel log" },
	{ HAZARD_bpf_stats, { { "/proc/sys/kernel/bpf_stats_enabled", "1\n" } },
	  .want = "kernel.bpf_stats_enabled is 1: the clock is read twice for each run of a program" },

	{ HAZARD_bpf_tracers_untold, .change = link_untold,
	  .want = "BPF programs of others run at places that the kernel does not tell: \"probe\" (id 61), \"point\" (id 62)" },
	{ HAZARD_bpf_tracers_untold, .change = link_elsewhere, .what = "told, and not on the way" },

	{ HAZARD_ftrace_tracer, { { TRACING "/current_tracer", "function\n" } },
	  .want = "tracefs has the tracer function on" },
	{ HAZARD_ftrace_tracer, { { MINE "/current_tracer", "function_graph\n" } },
	  .want = "tracefs instance mine has the tracer function_graph on", .what = "in an instance" },
	{ HAZARD_ftrace_tracer, { { TRACING "/current_tracer", "function\n" }, { TRACING "/tracing_on", "0\n" } },
	  .what = "tracing is off" },
	{ HAZARD_ftrace_events, { { TRACING "/set_event", "net:net_dev_queue\nnet:net_dev_xmit\nskb:kfree_skb\nskb:consume_skb\nirq:irq_handler_entry\n" } },
	  .want = "tracefs has events on: net:net_dev_queue, net:net_dev_xmit, skb:kfree_skb and 2 more" },
	{ HAZARD_ftrace_events, { { MINE "/set_event", "sched:sched_switch\n" } },
	  .want = "tracefs instance mine has events on: sched:sched_switch", .what = "in an instance" },
	{ HAZARD_ftrace_events, { { MINE "/set_event", "sched:sched_switch\n" }, { MINE "/tracing_on", "0\n" } },
	  .what = "tracing is off" },
	{ HAZARD_ftrace_filter, { { TRACING "/enabled_functions", "vfs_read (1) R I     \tM \ttramp: 0xffffffffc0\nvfs_open (1)\n" } },
	  .want = "functions have tracers attached: vfs_read, vfs_open" },
	{ HAZARD_ftrace_filter, { { TRACING "/enabled_functions", "vfs_read (1)\nbr_handle_frame (2) R I\n" } },
	  .want = "functions have tracers attached: 2, on the packets' way: br_handle_frame", .what = "on the way" },
	{ HAZARD_kprobes, { { "/sys/kernel/debug/kprobes/list", "ffffffff81000000  k  vfs_read+0x10    [FTRACE]\n" } },
	  .want = "kprobes are armed: vfs_read+0x10" },
	{ HAZARD_kprobes, { { "/sys/kernel/debug/kprobes/list", "ffffffff81000000  k  vfs_read+0x0    [FTRACE]\nffffffff81000000  r  br_handle_frame+0x4  bridge  [FTRACE]\n" } },
	  .want = "kprobes are armed: 2, on the packets' way: br_handle_frame+0x4", .what = "on the way" },
	{ HAZARD_perf_sessions, .change = perf_open, .want = "perf (pid 88) holds 2 perf events open" },

	{ HAZARD_packet_sockets, { { PACKETS, HEAD "0000000000000000 3      3    0003   2     1 0      0      44\n" } },
	  .change = socket_open, .want = "packet socket of tcpdump (pid 88) is handed every packet at eth1" },
	{ HAZARD_packet_sockets, { { PACKETS, HEAD "0000000000000000 3      3    0800   0     1 0      0      44\n" } },
	  .want = "socket:[44] is a packet socket: it is handed every IP packet that comes in at all devices",
	  .what = "of nobody, for IP, on all devices" },
	{ HAZARD_promiscuous, .change = promisc_set, .want = "eth3@ct1 is promiscuous" },
	{ HAZARD_gro_flush, { { NET "/gro_flush_timeout", "20000\n" } },
	  .want = "eth1 holds packets back for up to 20000 ns (gro_flush_timeout; napi_defer_hard_irqs 2)" },
	{ HAZARD_napi_threaded, { { NET "/threaded", "1\n" } }, .want = "eth1 polls in threads" },
	{ HAZARD_xdp_generic, .change = generic_set,
	  .want = "xdp program \"fwd\" (id 41) on eth1 runs in generic mode though the driver can do native\n"
		  "xdp program \"other\" (id 42) on only@ct1 runs in generic mode" },
	{ HAZARD_xdp_generic, .change = native_set, .what = "native is not generic" },
	{ HAZARD_xdp_copy, .change = veth_native_set,
	  .want = "xdp program \"in\" (id 43) on veth0 gets a copy of each packet that its peer sends as an skb" },
	{ HAZARD_gro, .change = gro_set, .want = "GRO merges packets of a flow that come in one poll: eth1" },
	{ HAZARD_lro, .change = lro_set,
	  .want = "LRO or hardware GRO holds packets back in the NIC to merge them: eth1, eth2" },
	{ HAZARD_lro, .change = virtio_set, .what = "virtio_net's is another thing" },
	{ HAZARD_coalescing, .change = usecs_set, .want = "eth1 holds interrupts back for 50 us (rx-usecs)" },
	{ HAZARD_coalescing, .change = adaptive_set,
	  .want = "eth1 holds interrupts back for as long as it finds fit (adaptive-rx, now 3 us)", .what = "adaptive" },
	{ HAZARD_rps, .change = rps_set, .want = "RPS hands received packets to other CPUs: eth1" },
	{ HAZARD_xps, .change = xps_set, .want = "XPS chooses the transmit queue by the sender's CPU: eth1" },
	{ HAZARD_rfs, { { "/proc/sys/net/core/rps_sock_flow_entries", "32768\n" } },
	  .want = "net.core.rps_sock_flow_entries is 32768: packets are steered to the CPU of their reader" },
	{ HAZARD_busy_poll, { { "/proc/sys/net/core/busy_poll", "50\n" }, { "/proc/sys/net/core/busy_read", "60\n" } },
	  .want = "net.core.busy_poll is 50: poll() and select() spin up to so many us for packets\n"
		  "net.core.busy_read is 60: reads of sockets spin up to so many us for packets" },
	{ HAZARD_br_netfilter, { { "/proc/sys/net/bridge/bridge-nf-call-ip6tables", "1\n" } },
	  .want = "br_netfilter takes bridged packets through the IP hooks: bridge-nf-call-ip6tables" },
	{ HAZARD_conntrack, { { "/proc/sys/net/netfilter/nf_conntrack_count", "3\n" } },
	  .want = "connection tracking is on, with 3 connections" },
	{ HAZARD_softnet, { { SOFTNET, "000000aa 00000006 00000003 0 0 0 0 0 0 0 0 0 00000000\n"
			      "000000bb 00000000 00000010 0 0 0 0 0 0 0 0 0 00000001\n" } },
	  .want = "CPU 0 packets dropped at a full backlog: 2 while pktlap looked\n"
		  "CPU 1 polls cut short (time_squeeze): 16 while pktlap looked" },
	{ HAZARD_qdisc_drops, .change = qdisc_drop,
	  .want = "qdisc fq_codel at 8001:2 of eth1 dropped: 12, requeued: 1 while pktlap looked\n"
		  "qdisc fq_codel 0: of tap0 overlimits: 5 while pktlap looked" },
	{ HAZARD_qdisc_backlog, .change = qdisc_wait, .want = "qdisc mq 8001: of eth1 has 9 packets waiting" },
	{ HAZARD_dev_errors, { { NET "/statistics/rx_dropped", "9\n" }, { NET "/statistics/tx_errors", "3\n" } },
	  .want = "eth1 rx_dropped 2, tx_errors 1 while pktlap looked" },
	{ HAZARD_irqbalance, { { "/proc/99/comm", "irqbalance\n" } }, .want = "irqbalance runs" },

	{ HAZARD_cstates, .change = latency_any, .want = "idle states take up to 133 us to leave (C6)" },
	{ HAZARD_cstates, .change = latency_low, .what = "forbidden by a latency request" },
	{ HAZARD_governor, { { CPU "/cpufreq/policy1/scaling_governor", "powersave\n" } },
	  .want = "cpufreq governor is powersave (1 policy)" },
	{ HAZARD_boost, { { CPU "/cpufreq/boost", "1\n" } }, .want = "turbo is on" },
	{ HAZARD_boost, { { CPU "/intel_pstate/no_turbo", "0\n" } }, .want = "turbo is on", .what = "of intel_pstate" },
	{ HAZARD_smt, { { CPU "/smt/active", "1\n" } }, .want = "SMT is active" },
	{ HAZARD_timer_hz, { { CONFIG, "CONFIG_HZ=100\nCONFIG_PREEMPT=y\n" } },
	  .want = "the kernel ticks at 100 Hz: a wait for a tick is up to 10000 us" },
	{ HAZARD_timer_hz, .change = config_gz,
	  .want = "the kernel ticks at 250 Hz: a wait for a tick is up to 4000 us", .what = "by the kernel's own copy" },
	{ HAZARD_timer_periodic, { { CONFIG, "CONFIG_HZ_PERIODIC=y\nCONFIG_HZ=1000\n" } },
	  .want = "the kernel ticks on idle CPUs too (CONFIG_HZ_PERIODIC)" },
	{ HAZARD_timer_periodic, { { "/proc/cmdline", "quiet nohz=off root=/dev/sda1\n" } },
	  .want = "the kernel ticks on idle CPUs too (nohz=off)", .what = "by the command line" },
	{ HAZARD_timer_periodic, { { "/proc/cmdline", "quiet xnohz=offs\n" } }, .what = "a word that is like it" },
	{ HAZARD_clocksource, { { "/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n" } },
	  .want = "clocksource is hpet: a device, not the CPU's counter" },
	{ HAZARD_preempt, { { "/sys/kernel/debug/sched/preempt", "none (voluntary) full\n" } },
	  .want = "preemption is voluntary" },
	{ HAZARD_preempt, { { "/sys/kernel/debug/sched/preempt", "\n" }, { CONFIG, "CONFIG_PREEMPT_NONE=y\n" } },
	  .want = "preemption is none", .what = "by the kernel's build" },
	{ HAZARD_preempt, { { "/sys/kernel/debug/sched/preempt", "\n" },
			    { CONFIG, "CONFIG_PREEMPT_VOLUNTARY=y\nCONFIG_PREEMPT_DYNAMIC=y\n" } },
	  .what = "it can be another than it was built with" },
	{ HAZARD_debug_kernel, { { "/proc/lockdep", "" } }, .want = "the kernel checks every lock (lockdep)" },
	{ HAZARD_debug_kernel, { { CONFIG, "CONFIG_KASAN=y\n" } },
	  .want = "the kernel checks every memory access (KASAN)", .what = "KASAN" },

	{ HAZARD_isolated, { { CPU "/isolated", "0-1\n" } }, .change = isolated_two,
	  .want = "vhost-300 (tid 310) may run on 2 CPUs, all isolated, where nothing balances" },
	{ HAZARD_isolated, { { CPU "/isolated", "0-1\n" } }, .change = isolated_and_not, .what = "it may leave them" },
	{ HAZARD_shared_cpu, .change = same_cpu,
	  .want = "vhost-300 (tid 310) may run only on CPU 1, and so may CPU (tid 311)" },
	{ HAZARD_shared_cpu, { { CPU "/online", "1\n" } }, .change = same_cpu, .what = "there is only one" },
	{ HAZARD_irq_on_worker, .change = irq_cpu,
	  .want = "CPU (tid 312) may run only on CPU 2, which serves interrupt 33 of eth1" },
	{ HAZARD_cpu_quota, { { "/sys/fs/cgroup/vm/cpu.max", "20000 100000\n" } },
	  .want = "cgroup /vm may run 20000 of each 100000 us, then waits" },
	{ HAZARD_cpu_quota, { { "/sys/fs/cgroup/cpu,cpuacct/machine/vm2/cpu.stat", "nr_throttled 0\n" },
			      { "/sys/fs/cgroup/cpu,cpuacct/machine/vm2/cpu.cfs_quota_us", "50000\n" },
			      { "/sys/fs/cgroup/cpu,cpuacct/machine/vm2/cpu.cfs_period_us", "100000\n" } }, .change = group_of_one,
	  .want = "cgroup /machine/vm2 may run 50000 of each 100000 us, then waits", .what = "version 1, of a group above" },
	{ HAZARD_throttled, { { "/sys/fs/cgroup/vm/cpu.stat", "usage_usec 5\nnr_periods 9\nnr_throttled 10\n" } },
	  .want = "cgroup /vm throttled: 6 while pktlap looked" },

	{ HAZARD_halt_poll, { { "/sys/module/kvm/parameters/halt_poll_ns", "200000\n" } },
	  .want = "kvm.halt_poll_ns is 200000: idle vCPUs spin before they sleep" },
	{ HAZARD_halt_poll, { { "/sys/module/kvm/parameters/halt_poll_ns", "200000\n" } }, .change = no_vcpus, .what = "no guest runs" },
	{ HAZARD_nested, { { "/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme hypervisor pse\n" } },
	  .want = "this host is a virtual machine itself and runs vCPUs" },
	{ HAZARD_nested, { { "/proc/cpuinfo", "flags\t\t: fpu hypervisor pse\n" } }, .change = no_vcpus, .what = "no guest runs" },
	{ HAZARD_ksm, { { "/sys/kernel/mm/ksm/run", "1\n" } }, .want = "kernel samepage merging runs" },
};
/* clang-format on */

/* --- what is asserted of each --- */

static void provoke(const struct hazard_scene *s, const struct provoked *p)
{
	size_t i;

	for (i = 0; i < sizeof(p->files) / sizeof(*p->files) && p->files[i][0]; i++)
		file_put(s, p->files[i][0], p->files[i][1]);
	if (p->change)
		p->change(s);
}

static struct hazards *first_look(struct hazard_scene *s)
{
	const struct hazard_config cfg = {
		.root = s->root, .host = s->host, .files_only = true, .slow = s->slow
	};
	struct hazards *h;

	assert_int_equal(hazards_new(&h), 0);
	h->bpf = s->bpf;
	s->bpf = NULL;
	assert_int_equal(hazards_look(h, &cfg, NULL), 0);
	return h;
}

/* Everything that was found: "id when: subject evidence", a line each */
static void found_text(const struct hazards *h, char *buf, size_t size)
{
	json_t *doc = hazards_doc(h), *one;
	size_t i, n = 0;

	*buf = 0;
	json_array_foreach(doc, i, one) {
		assert_true(*json_string_value(json_object_get(one, "remedy")));
		n += snprintf(buf + n, size - n, "%s %s: %s %s\n", json_string_value(json_object_get(one, "id")),
			      json_string_value(json_object_get(one, "when")),
			      json_string_value(json_object_get(one, "subject")),
			      json_string_value(json_object_get(one, "evidence")));
	}
	json_decref(doc);
}

static void assert_found(const struct hazards *h, const struct provoked *p, const char *when)
{
	char got[2048], want[2048] = "";
	const char *line = p->want;
	size_t n = 0;

	for (; line && *line; line += strcspn(line, "\n"), line += *line == '\n')
		n += snprintf(want + n, sizeof(want) - n, "%s %s: %.*s\n", hazard_row(p->id)->id, when,
			      (int)strcspn(line, "\n"), line);
	found_text(h, got, sizeof(got));
	assert_string_equal(got, want);
}

static const struct provoked nothing;

/* It is there when the first look is taken, and is no news at the second */
static void start_case(const struct provoked *p, bool grows)
{
	struct hazard_scene s;
	struct hazards *h;

	scene_up(&s);
	provoke(&s, p);
	h = first_look(&s);
	/* a counter that stands where it stood says nothing */
	assert_found(h, grows ? &nothing : p, "start");
	assert_int_equal(hazards_look_again(h), 0);
	assert_found(h, grows ? &nothing : p, "start");
	hazards_free(h);
	scene_down(&s);
}

/* It comes up between the looks */
static void during_case(const struct provoked *p, bool looked_at)
{
	struct hazard_scene s;
	struct hazards *h;

	scene_up(&s);
	h = first_look(&s);
	assert_found(h, &nothing, "");
	provoke(&s, p);
	assert_int_equal(hazards_look_again(h), 0);
	assert_found(h, looked_at ? p : &nothing, "during");
	hazards_free(h);
	scene_down(&s);
}

static void test_row(void **state)
{
	const struct provoked *p = *state;
	unsigned int when = hazard_row(p->id)->when;

	start_case(p, when & HAZARD_GROWS);
	during_case(p, when & (HAZARD_AGAIN | HAZARD_GROWS));
}

/* Kernels without debugfs: the probes of tracefs, as far as they are on */
static void test_kprobe_events(void **state)
{
	const struct provoked want = { HAZARD_kprobes, .want = "kprobes are armed: 1, on the packets' way: br_handle_frame" };
	struct hazard_scene s;
	struct hazards *h;

	(void)state;
	scene_up(&s);
	file_remove(&s, "/sys/kernel/debug/kprobes/list");
	file_put(&s, TRACING "/kprobe_events", "p:kprobes/off vfs_read\nr64:my/on br_handle_frame ret=%ax\n");
	file_put(&s, TRACING "/events/my/on/enable", "1\n");
	h = first_look(&s);
	assert_found(h, &want, "start");
	hazards_free(h);
	scene_down(&s);
}

/* Rows that look at every process are for check, not for the start of a recording */
static void test_slow(void **state)
{
	struct hazard_scene s;
	struct hazards *h;

	(void)state;
	scene_up(&s);
	perf_open(&s);
	s.slow = false;
	h = first_look(&s);
	assert_found(h, &nothing, "");
	hazards_free(h);
	scene_down(&s);
}

/* A file that is not there, or not to be read, is no hazard; nor is a host without devices */
static void test_empty(void **state)
{
	struct hazard_scene s;
	struct hazards *h;

	(void)state;
	scene_up(&s);
	nftw(s.root, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
	host_free(s.host);
	s.host = calloc(1, sizeof(*s.host));
	h = first_look(&s);
	assert_int_equal(hazards_look_again(h), 0);
	assert_found(h, &nothing, "");
	hazards_free(h);
	scene_down(&s);
}

/* Devices that are not on the way of the named ones do not count */
static void test_way(void **state)
{
	static const char *const names[] = { "tap0" };
	const struct provoked want = { HAZARD_coalescing, .want = "eth1 holds interrupts back for 50 us (rx-usecs)" };
	struct hazard_config cfg = { .names = names, .nnames = 1, .files_only = true };
	struct hazard_scene s;
	struct hazards *h;

	(void)state;
	scene_up(&s);
	cfg.root = s.root;
	cfg.host = s.host;
	usecs_set(&s);
	dev_of(&s, "eth3")->coalesce = (struct host_coalesce){ .known = true, .rx_usecs = 90 };
	assert_int_equal(hazards_new(&h), 0);
	assert_int_equal(hazards_look(h, &cfg, NULL), 0);
	assert_found(h, &want, "start");
	hazards_free(h);
	scene_down(&s);
}

static bool provokes(enum hazard_id id)
{
	size_t i;

	for (i = 0; i < sizeof(provoked) / sizeof(*provoked); i++)
		if (provoked[i].id == id && provoked[i].want)
			return true;
	return false;
}

/* Those that tests/netns/hazards.sh provokes; it fails when it does not */
static bool is_live(const char *id)
{
	char line[128];
	bool found = false;
	FILE *f = fopen("tests/hazards.live", "re");

	assert_non_null(f);
	while (!found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		found = !strcmp(line, id);
	}
	fclose(f);
	return found;
}

static void test_every_row(void **state)
{
	json_t *table = hazards_table_doc(), *row;
	size_t i;

	(void)state;
	assert_int_equal(json_array_size(table), HAZARD_NR);
	json_array_foreach(table, i, row) {
		const char *id = json_string_value(json_object_get(row, "id"));

		if (provokes(i) == is_live(id))
			fail_msg("%s: provoked %s", id, provokes(i) ? "twice over: take it out of tests/hazards.live" : "by no test");
	}
	json_decref(table);
}

#define NR_PROVOKED (sizeof(provoked) / sizeof(*provoked))

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(test_every_row),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_way),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_kprobe_events),
	};
	struct CMUnitTest tests[NR_PROVOKED];
	char names[NR_PROVOKED][96];
	size_t i;
	int failed;

	for (i = 0; i < NR_PROVOKED; i++) {
		const struct provoked *p = &provoked[i];

		snprintf(names[i], sizeof(names[i]), "%s%s%s", hazard_row(p->id)->id, p->what ? ": " : "",
			 p->what ? p->what : "");
		tests[i] = (struct CMUnitTest){ names[i], test_row, NULL, NULL, (void *)p };
	}
	failed = _cmocka_run_group_tests("others", others, sizeof(others) / sizeof(*others), NULL, NULL);
	return failed + _cmocka_run_group_tests("rows", tests, NR_PROVOKED, NULL, NULL);
}
