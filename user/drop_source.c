// SPDX-License-Identifier: GPL-2.0
/* drop_source.h by libdwfl */
#include "drop_source.h"

#include <elfutils/libdwfl.h>
#include <stdio.h>
#include <stdlib.h>

/* A Dwfl under our own name */
struct drop_source;

struct drop_source *drop_source_open(void)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_linux_kernel_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_linux_kernel_module_section_address,
	};
	Dwfl *dwfl;

	/* debug info that is installed, not one to be fetched from somewhere by a live host */
	unsetenv("DEBUGINFOD_URLS");
	dwfl = dwfl_begin(&callbacks);
	if (!dwfl)
		return NULL;
	/* a kernel image may not be installed (containers, own kernels): symbols still come from
	 * kallsyms */
	dwfl_linux_kernel_report_kernel(dwfl);
	dwfl_linux_kernel_report_modules(dwfl);
	dwfl_report_end(dwfl, NULL, NULL);
	return (struct drop_source *)dwfl;
}

void drop_source_close(struct drop_source *s)
{
	if (s)
		dwfl_end((Dwfl *)s);
}

void drop_source_find(struct drop_source *s, __u64 addr, char *to, size_t len)
{
	Dwfl_Line *line = s ? dwfl_getsrc((Dwfl *)s, addr) : NULL;
	const char *file;
	int nr = 0;

	*to = 0;
	file = line ? dwfl_lineinfo(line, NULL, &nr, NULL, NULL, NULL) : NULL;
	if (file)
		snprintf(to, len, "%s:%d", file, nr);
}
