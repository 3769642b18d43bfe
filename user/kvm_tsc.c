// SPDX-License-Identifier: GPL-2.0
#include "kvm_tsc.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define KVM_DEBUGFS "/sys/kernel/debug/kvm"

/* The files hold one decimal number; the offset is signed */
static bool number_read(const char *dir, const char *name, long long *out)
{
	char path[512];
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), "%s/vcpu0/%s", dir, name);
	f = fopen(path, "re");
	if (!f)
		return false;
	ok = fscanf(f, "%lld", out) == 1;
	fclose(f);
	return ok;
}

static void vm_add(json_t *all, const char *dir, long vmm)
{
	long long offset, ratio = 0, bits = 0;

	if (!number_read(dir, "tsc-offset", &offset))
		return;
	/* there only where the CPU can scale */
	if (!number_read(dir, "tsc-scaling-ratio", &ratio) ||
	    !number_read(dir, "tsc-scaling-ratio-frac-bits", &bits))
		ratio = bits = 0;
	json_array_append_new(all, json_pack("{s:I, s:I, s:I, s:I}", "vmm", (json_int_t)vmm, "offset",
					     (json_int_t)offset, "ratio", (json_int_t)ratio,
					     "ratio_bits", (json_int_t)bits));
}

json_t *kvm_tsc_doc(const char *root)
{
	char base[256], path[512], *end;
	json_t *all = json_array();
	struct dirent *e;
	long vmm;
	DIR *d;

	snprintf(base, sizeof(base), "%s" KVM_DEBUGFS, root);
	d = opendir(base);
	while (all && d && (e = readdir(d))) {
		vmm = strtol(e->d_name, &end, 10);
		if (end == e->d_name || *end != '-')
			continue;
		snprintf(path, sizeof(path), "%s/%s", base, e->d_name);
		vm_add(all, path, vmm);
	}
	if (d)
		closedir(d);
	return all;
}
