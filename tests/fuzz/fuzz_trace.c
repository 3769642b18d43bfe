// SPDX-License-Identifier: GPL-2.0
/* libFuzzer: any file is opened, or refused with one line, and each of its blocks read */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void domain_read(const struct trace *t)
{
	static struct pl_event ev[TRACE_BLOCK_EVENTS];
	size_t i;
	int n, k;

	for (i = 0; i < t->nblocks; i++) {
		n = trace_read_block(t, i, ev);
		if (n > TRACE_BLOCK_EVENTS || (n >= 0 && (__u32)n != t->blocks[i].events))
			abort();
		for (k = 0; k < n; k++)
			if (ev[k].ts < t->blocks[i].ts_min || ev[k].ts > t->blocks[i].ts_max ||
			    ev[k].hook >= PL_NR_HOOKS)
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	uint8_t *p = fuzz_repair(data, &size);
	struct trace *t;
	char path[64], err[256] = "";
	size_t i;

	if (fd < 0 || write(fd, p, size) != (ssize_t)size)
		abort();
	free(p);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (trace_open(path, &t, err, sizeof(err))) {
		if (!*err || strchr(err, '\n'))
			abort();
	} else {
		domain_read(t);
		if (t->nguests >= TRACE_DOMAINS_MAX)
			abort();
		for (i = 0; i < t->nguests; i++)
			domain_read(t->guest[i]);
		trace_close(t);
	}
	close(fd);
	return 0;
}
