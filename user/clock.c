// SPDX-License-Identifier: GPL-2.0
#include "clock.h"

#include <time.h>

#define TRIES 5

static __u64 clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

__u64 clock_mono_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static void snapshot_once(struct clock_snapshot *s)
{
	__u64 before = clock_mono_ns(), after;

	s->real_ns = clock_ns(CLOCK_REALTIME);
	s->tai_ns = clock_ns(CLOCK_TAI);
	s->boot_ns = clock_ns(CLOCK_BOOTTIME);
	after = clock_mono_ns();
	s->mono_ns = before + (after - before) / 2;
	s->width_ns = after - before;
}

void clock_snapshot_take(struct clock_snapshot *s)
{
	struct clock_snapshot now;
	int i;

	snapshot_once(s);
	for (i = 1; i < TRIES; i++) {
		snapshot_once(&now);
		if (now.width_ns < s->width_ns)
			*s = now;
	}
}

json_t *clock_snapshot_doc(const struct clock_snapshot *s)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "mono_ns", (json_int_t)s->mono_ns,
			 "real_ns", (json_int_t)s->real_ns, "tai_ns", (json_int_t)s->tai_ns,
			 "boot_ns", (json_int_t)s->boot_ns, "width_ns", (json_int_t)s->width_ns);
}
