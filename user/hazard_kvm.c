// SPDX-License-Identifier: GPL-2.0
/* Hazards: KVM and the memory of guests */
#include <stdio.h>
#include <string.h>

#include "hazards_int.h"

static bool has_vcpus(const struct hazards *h)
{
	size_t i;

	for (i = 0; i < h->host->ntasks; i++)
		if (h->host->tasks[i]->role == PL_ROLE_VCPU)
			return true;
	return false;
}

void hazard_find_halt_poll(struct hazards *h)
{
	long long ns;

	if (has_vcpus(h) && hazard_number(h, &ns, "/sys/module/kvm/parameters/halt_poll_ns") && ns)
		hazard_add(h, "kvm.halt_poll_ns", "is %lld: idle vCPUs spin before they sleep", ns);
}

static bool flags_line(struct hazards *h, char *line, void *ctx)
{
	bool *guest = ctx;

	(void)h;
	if (strncmp(line, "flags", 5))
		return true;
	*guest = strstr(line, " hypervisor");
	return false;
}

void hazard_find_nested(struct hazards *h)
{
	bool guest = false;

	if (!has_vcpus(h))
		return;
	hazard_lines(h, flags_line, &guest, "/proc/cpuinfo");
	if (guest)
		hazard_add(h, "this host", "is a virtual machine itself and runs vCPUs");
}

void hazard_find_ksm(struct hazards *h)
{
	long long run;

	if (hazard_number(h, &run, "/sys/kernel/mm/ksm/run") && run == 1)
		hazard_add(h, "kernel samepage merging", "runs");
}
