// SPDX-License-Identifier: GPL-2.0
/* Hazards: how this kernel runs BPF programs */
#include "hazards_int.h"

#define CORE "/proc/sys/net/core/"

/* The value of a sysctl; -1: not there */
static long long sysctl_value(struct hazards *h, const char *path)
{
	long long v;

	return hazard_number(h, &v, "%s", path) ? v : -1;
}

void hazard_find_bpf_jit_off(struct hazards *h)
{
	if (sysctl_value(h, CORE "bpf_jit_enable") == 0)
		hazard_add(h, "net.core.bpf_jit_enable", "is 0: BPF programs are interpreted");
}

void hazard_find_bpf_jit_harden(struct hazards *h)
{
	if (sysctl_value(h, CORE "bpf_jit_harden") == 2)
		hazard_add(h, "net.core.bpf_jit_harden", "is 2: constants of all programs are blinded");
}

void hazard_find_bpf_jit_debug(struct hazards *h)
{
	if (sysctl_value(h, CORE "bpf_jit_enable") == 2)
		hazard_add(h, "net.core.bpf_jit_enable", "is 2: programs are dumped into the kernel log");
}

void hazard_find_bpf_stats(struct hazards *h)
{
	/* a recorder's own BPF_ENABLE_STATS does not show here */
	if (sysctl_value(h, "/proc/sys/kernel/bpf_stats_enabled") > 0)
		hazard_add(h, "kernel.bpf_stats_enabled", "is 1: the clock is read twice for each run of a program");
}
