/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rows of hazards.h: X(row, id, severity, when, what it looks at, remedy). By subject, in the
 * order in which findings of one severity are shown. A new row needs a function
 * hazard_find_<row>() in the file of its subject, a test that provokes it, and its place in the man
 * page (tools/hazards-man).
 */
#ifndef PKTLAP_HAZARD_TABLE_H
#define PKTLAP_HAZARD_TABLE_H

/* clang-format off */
#define HAZARDS(X) \
	HAZARDS_BPF(X) \
	HAZARDS_TRACE(X) \
	HAZARDS_NET(X) \
	HAZARDS_CPU(X) \
	HAZARDS_TASK(X) \
	HAZARDS_KVM(X)

/* hazard_bpf.c, hazard_redirect.c, hazard_bpfsys.c */
#define HAZARDS_BPF(X) \
	X(bpf_print, "bpf-print", HAZARD_FAULT, HAZARD_ONCE, \
	  "instructions of the BPF programs that packets meet (XDP, tc, cgroup, socket), of their subprograms, of programs that they tail-call or that replace a part of them: calls of bpf_trace_printk and bpf_trace_vprintk, which may format text for each packet", \
	  "load a build without bpf_printk: what it formats goes into the trace buffer, whether or not anybody reads trace_pipe (6.1: under one lock for all CPUs)") \
	X(bpf_print_other, "bpf-print-other", HAZARD_DISTORTS, HAZARD_ONCE, \
	  "the same of the BPF programs on functions and tracepoints", \
	  "end the tool that loaded it, or let it write to a ring buffer instead") \
	X(bpf_output, "bpf-output", HAZARD_NOTE, HAZARD_ONCE, \
	  "the same of the programs that packets meet: calls of bpf_perf_event_output and of the ring buffer's bpf_ringbuf_output and bpf_ringbuf_submit, which may hand user space an event for each packet", \
	  "end its reader's tool while you measure, or let it write of few packets only") \
	X(bpf_unreadable, "bpf-unreadable", HAZARD_NOTE, HAZARD_ONCE, \
	  "programs whose instructions the kernel does not give, so that no print could be found in them", \
	  "look as root with kernel.kptr_restrict below 2") \
	X(bpf_redirect_gone, "bpf-redirect-gone", HAZARD_FAULT, HAZARD_ONCE, \
	  "interface numbers that XDP and tc programs pass to bpf_redirect and its kin, as constants or from global variables: no device of the program's network namespace has that number", \
	  "load the program anew with the number of today: numbers change when a device is made again") \
	X(bpf_redirect_other, "bpf-redirect-other", HAZARD_FAULT, HAZARD_ONCE, \
	  "variables and maps named after a device (ifindex_eth1, a devmap tx_eth1 or eth1) whose number is that of another device", \
	  "write the number of the device that was meant into the map, or load the program anew") \
	X(bpf_redirect_dead, "bpf-redirect-dead", HAZARD_FAULT, HAZARD_ONCE, \
	  "devmaps that an XDP program redirects by: without any entry (the kernel takes a device that vanishes out of all maps) where the program names no other action for that, or with a device that is down, or a veth that takes none", \
	  "put the device into the map again, or set it up") \
	X(bpf_jit_off, "bpf-jit-off", HAZARD_DISTORTS, HAZARD_AGAIN, \
	  "net.core.bpf_jit_enable is 0: BPF programs are interpreted", \
	  "sysctl net.core.bpf_jit_enable=1, then load the programs anew") \
	X(bpf_jit_harden, "bpf-jit-harden", HAZARD_DISTORTS, HAZARD_AGAIN, \
	  "net.core.bpf_jit_harden is 2: constants in all programs are blinded, which makes them slower", \
	  "sysctl net.core.bpf_jit_harden=1 blinds only those of unprivileged users") \
	X(bpf_jit_debug, "bpf-jit-debug", HAZARD_NOTE, HAZARD_AGAIN, \
	  "net.core.bpf_jit_enable is 2: every program that is loaded is dumped into the kernel log", \
	  "sysctl net.core.bpf_jit_enable=1") \
	X(bpf_stats, "bpf-stats", HAZARD_DISTORTS, HAZARD_AGAIN, \
	  "kernel.bpf_stats_enabled is 1: two readings of the clock around every run of every program", \
	  "sysctl kernel.bpf_stats_enabled=0") \
	X(bpf_tracers, "bpf-tracers", HAZARD_DISTORTS, HAZARD_ONCE, \
	  "BPF programs of others on functions or tracepoints that packets meet (those of pktlap's own hooks), or around a program that they meet; check also finds those that were attached without a link", \
	  "end the tool that loaded it while you measure") \
	X(bpf_tracers_untold, "bpf-tracers-untold", HAZARD_NOTE, HAZARD_ONCE, \
	  "BPF programs of others on probes or tracepoints that the kernel does not name (those of links, before 6.6): they may be on the packets' way or far from it, in the kernel or in user space; check asks the processes that hold them", \
	  "pktlap check tells more than a recording; bpftool link, and the tools that run")

/* hazard_trace.c */
#define HAZARDS_TRACE(X) \
	X(ftrace_tracer, "ftrace-tracer", HAZARD_DISTORTS, HAZARD_AGAIN, \
	  "tracefs: current_tracer other than nop, in the top or another instance", \
	  "echo nop into the instance's current_tracer") \
	X(ftrace_events, "ftrace-events", HAZARD_DISTORTS, HAZARD_AGAIN, \
	  "tracefs: trace events that are enabled, in the top or another instance, while tracing_on is 1", \
	  "echo 0 into the instance's events/enable, or end the tool that traces") \
	X(ftrace_filter, "ftrace-filter", HAZARD_NOTE, HAZARD_AGAIN, \
	  "tracefs: functions in enabled_functions: something (live patching, a tracer, fentry) runs when they are called; those that packets meet are named first", \
	  "enabled_functions tells what is attached to each") \
	X(kprobes, "kprobes", HAZARD_DISTORTS, HAZARD_AGAIN, \
	  "kprobes that are armed (debugfs kprobes/list, else tracefs kprobe_events), of any tool; those on functions that packets meet are named first", \
	  "perf probe --del, or end the tool that set them") \
	X(perf_sessions, "perf-sessions", HAZARD_NOTE, HAZARD_SLOW, \
	  "processes that hold perf events open", \
	  "end them while you measure: sampling interrupts what it samples")

/* hazard_net.c, hazard_dev.c */
#define HAZARDS_NET(X) \
	X(packet_sockets, "packet-sockets", HAZARD_DISTORTS, HAZARD_AGAIN, \
	  "packet sockets (tcpdump, dhclient) on a device of the way or on all devices: each sees every packet; what goes out is cloned for it, of what comes in what its filter takes", \
	  "end the process, or give it a filter (which spares the clones of what comes in); `ss -0 -p` names it") \
	X(promiscuous, "promiscuous", HAZARD_NOTE, HAZARD_AGAIN, \
	  "devices that are promiscuous though no bridge needs it", \
	  "ip link set DEV promisc off, or end the capture") \
	X(gro_flush, "gro-flush", HAZARD_DISTORTS, HAZARD_AGAIN, \
	  "gro_flush_timeout of a device is not 0: packets wait for a timer", \
	  "echo 0 into gro_flush_timeout and napi_defer_hard_irqs of /sys/class/net/DEV, or poll busily as they are meant for") \
	X(napi_threaded, "napi-threaded", HAZARD_NOTE, HAZARD_AGAIN, \
	  "devices whose NAPI runs in threads: polling waits for the scheduler", \
	  "give the napi/DEV threads a CPU or real-time priority, or echo 0 into /sys/class/net/DEV/threaded") \
	X(xdp_generic, "xdp-generic", HAZARD_DISTORTS, HAZARD_AGAIN, \
	  "XDP programs in generic mode: they run after the driver has made an skb, linearise it and switch GRO off", \
	  "attach it in native mode (xdpdrv) where the driver can") \
	X(xdp_copy, "xdp-copy", HAZARD_NOTE, HAZARD_AGAIN, \
	  "XDP programs on a veth: what its peer sends as an skb is copied into a page first", \
	  "a tc program costs less there") \
	X(gro, "gro", HAZARD_NOTE, HAZARD_AGAIN, \
	  "NICs of the way with GRO", \
	  "ethtool -K DEV gro off, where single packets are to be timed") \
	X(lro, "lro", HAZARD_DISTORTS, HAZARD_AGAIN, \
	  "devices with LRO or GRO in hardware", \
	  "ethtool -K DEV lro off rx-gro-hw off") \
	X(coalescing, "coalescing", HAZARD_DISTORTS, HAZARD_AGAIN, \
	  "interrupt coalescing of 20 us or more (rx-usecs), or adaptive", \
	  "ethtool -C DEV adaptive-rx off rx-usecs 0") \
	X(rps, "rps", HAZARD_DISTORTS, HAZARD_AGAIN, \
	  "rps_cpus of a receive queue is set: packets go to another CPU by an inter-processor interrupt", \
	  "echo 0 into the queue's rps_cpus where one CPU is enough") \
	X(xps, "xps", HAZARD_NOTE, HAZARD_AGAIN, \
	  "xps_cpus of a transmit queue is set: which queue a packet takes depends on the CPU of its sender", \
	  "pin the vhost worker, or echo 0 into the queue's xps_cpus") \
	X(rfs, "rfs", HAZARD_NOTE, HAZARD_AGAIN, \
	  "net.core.rps_sock_flow_entries is not 0: receive flow steering follows the reader's CPU", \
	  "sysctl net.core.rps_sock_flow_entries=0") \
	X(busy_poll, "busy-poll", HAZARD_NOTE, HAZARD_AGAIN, \
	  "net.core.busy_poll or busy_read is not 0: sockets spin for packets, and burn the CPU that others want", \
	  "sysctl net.core.busy_poll=0 net.core.busy_read=0, or leave it if it was meant") \
	X(br_netfilter, "br-netfilter", HAZARD_DISTORTS, HAZARD_AGAIN, \
	  "bridge-nf-call-iptables, -ip6tables or -arptables is 1 and there is a bridge: every bridged packet goes through the IP hooks", \
	  "sysctl net.bridge.bridge-nf-call-iptables=0 (and its kin), or unload br_netfilter") \
	X(conntrack, "conntrack", HAZARD_NOTE, HAZARD_AGAIN, \
	  "connections are tracked in this network namespace: a lookup for every packet that passes the IP hooks", \
	  "nft: notrack in the raw table for the flows that need no state") \
	X(softnet, "softnet", HAZARD_DISTORTS, HAZARD_GROWS, \
	  "softnet_stat: packets dropped at a full backlog, and polls that ran out of budget or time, while pktlap looked", \
	  "raise net.core.netdev_max_backlog, net.core.netdev_budget_usecs; spread the interrupts") \
	X(qdisc_drops, "qdisc-drops", HAZARD_DISTORTS, HAZARD_GROWS, \
	  "drops, requeues and overlimits of the way's qdiscs that grew while pktlap looked", \
	  "tc -s qdisc show dev DEV; a larger limit or rate, or less load") \
	X(qdisc_backlog, "qdisc-backlog", HAZARD_NOTE, HAZARD_AGAIN, \
	  "packets that wait in a qdisc of the way at this moment", \
	  "tc -s qdisc show dev DEV: what holds them (shaping, netem, a stopped queue)") \
	X(dev_errors, "dev-errors", HAZARD_DISTORTS, HAZARD_GROWS, \
	  "error, drop and missed counters of the way's devices that grew while pktlap looked", \
	  "ethtool -S DEV tells which; ring sizes: ethtool -g DEV") \
	X(irqbalance, "irqbalance", HAZARD_NOTE, HAZARD_AGAIN, \
	  "an irqbalance daemon runs: interrupts move between CPUs", \
	  "systemctl stop irqbalance and set the affinities by hand, or ban the CPUs of the workers")

/* hazard_cpu.c */
#define HAZARDS_CPU(X) \
	X(cstates, "c-states", HAZARD_DISTORTS, HAZARD_ONCE, \
	  "idle states that take 20 us or longer to leave, enabled, and not forbidden by /dev/cpu_dma_latency", \
	  "cpupower idle-set -D 20, or a process that holds /dev/cpu_dma_latency at 20") \
	X(governor, "governor", HAZARD_DISTORTS, HAZARD_AGAIN, \
	  "cpufreq governor of a CPU is not performance: the first packets after a pause run at low frequency", \
	  "cpupower frequency-set -g performance") \
	X(boost, "boost", HAZARD_NOTE, HAZARD_ONCE, \
	  "turbo or boost is on: the clock depends on what the other cores do", \
	  "for comparisons: echo 1 into intel_pstate/no_turbo or 0 into cpufreq/boost") \
	X(smt, "smt", HAZARD_NOTE, HAZARD_ONCE, \
	  "simultaneous multithreading is active: the sibling's load changes the speed of a CPU", \
	  "for comparisons: echo off into /sys/devices/system/cpu/smt/control") \
	X(timer_hz, "timer-hz", HAZARD_NOTE, HAZARD_ONCE, \
	  "CONFIG_HZ of the kernel (/proc/config.gz, /boot/config-RELEASE) is below 1000: what waits for a tick waits up to 4 or 10 ms", \
	  "a kernel with CONFIG_HZ=1000") \
	X(timer_periodic, "timer-periodic", HAZARD_NOTE, HAZARD_ONCE, \
	  "the kernel ticks on idle CPUs too (CONFIG_HZ_PERIODIC, or nohz=off on the command line)", \
	  "a kernel with CONFIG_NO_HZ_IDLE, without nohz=off") \
	X(clocksource, "clocksource", HAZARD_DISTORTS, HAZARD_AGAIN, \
	  "the clock is read from a device (hpet, acpi_pm, jiffies), not from the CPU: microseconds for each time stamp", \
	  "find out why the TSC was refused (dmesg: clocksource), then boot with tsc=reliable if it may be trusted") \
	X(preempt, "preempt", HAZARD_NOTE, HAZARD_ONCE, \
	  "the kernel's preemption model is none or voluntary: a wakeup may wait for a system call to end", \
	  "boot with preempt=full (PREEMPT_DYNAMIC)") \
	X(debug_kernel, "debug-kernel", HAZARD_DISTORTS, HAZARD_ONCE, \
	  "a kernel with lockdep or KASAN: every lock or memory access is checked", \
	  "measure on a kernel without debug options")

/* hazard_task.c */
#define HAZARDS_TASK(X) \
	X(isolated, "isolated-stack", HAZARD_DISTORTS, HAZARD_AGAIN, \
	  "vhost workers and vCPUs that may run on several isolated CPUs: the scheduler does not balance there, so they can pile up on one", \
	  "pin each to one CPU of its own") \
	X(shared_cpu, "shared-cpu", HAZARD_DISTORTS, HAZARD_AGAIN, \
	  "a vhost worker and a vCPU that may run only on one CPU, and on the same", \
	  "pin them to different CPUs") \
	X(irq_on_worker, "irq-on-worker", HAZARD_DISTORTS, HAZARD_AGAIN, \
	  "an interrupt of a NIC of the way is served by the only CPU that a vhost worker or vCPU may run on", \
	  "move one of them: /proc/irq/N/smp_affinity_list, taskset, <vcpupin>, <emulatorpin>") \
	X(cpu_quota, "cpu-quota", HAZARD_NOTE, HAZARD_ONCE, \
	  "cgroups of vhost workers and VMMs with a CPU quota (cpu.max, cpu.cfs_quota_us)", \
	  "no quota for the VMM's cgroup (libvirt: <cputune> vcpu_quota, emulator_quota)") \
	X(throttled, "throttled", HAZARD_DISTORTS, HAZARD_GROWS, \
	  "cgroups of vhost workers and VMMs that were throttled while pktlap looked (cpu.stat, nr_throttled)", \
	  "raise or remove the quota")

/* hazard_kvm.c */
#define HAZARDS_KVM(X) \
	X(halt_poll, "halt-poll", HAZARD_NOTE, HAZARD_AGAIN, \
	  "kvm.halt_poll_ns is not 0: an idle vCPU spins that long before it sleeps, quick to wake and in the way of others", \
	  "echo 0 into /sys/module/kvm/parameters/halt_poll_ns where vCPUs share CPUs with workers") \
	X(nested, "nested", HAZARD_DISTORTS, HAZARD_ONCE, \
	  "vCPUs run here though this host is a virtual machine itself: every exit goes through the hypervisor below", \
	  "measure on hardware") \
	X(ksm, "ksm", HAZARD_DISTORTS, HAZARD_AGAIN, \
	  "kernel samepage merging runs: ksmd takes CPU time, and a guest's write to a merged page faults", \
	  "echo 2 into /sys/kernel/mm/ksm/run")
/* clang-format on */

#endif
