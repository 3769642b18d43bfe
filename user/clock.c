// SPDX-License-Identifier: GPL-2.0
#include "clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ptp_clock.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#define TRIES	  5
#define PTP_CLASS "/sys/class/ptp"
#define PTP_KVM	  "KVM virtual PTP" /* drivers/ptp/ptp_kvm_common.c */

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

static bool is_ptp_kvm(const char *name)
{
	char path[300], text[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), PTP_CLASS "/%s/clock_name", name);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(text, sizeof(text), f))
		*text = '\0';
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
	return !strcmp(text, PTP_KVM);
}

int clock_pair_open(void)
{
	DIR *dir = opendir(PTP_CLASS);
	struct dirent *e;
	char path[300];
	int fd = -ENOENT;

	if (!dir)
		return -ENOENT;
	while (fd == -ENOENT && (e = readdir(dir))) {
		if (!is_ptp_kvm(e->d_name))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", e->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
	}
	closedir(dir);
	return fd;
}

static __u64 ptp_ns(const struct ptp_clock_time *t)
{
	return t->sec * 1000000000ULL + t->nsec;
}

static void pair_take(struct clock_pair *p, int fd)
{
	struct ptp_sys_offset_precise o = { 0 };

	if (fd < 0 || ioctl(fd, PTP_SYS_OFFSET_PRECISE, &o))
		return;
	p->on = true;
	p->host_real_ns = ptp_ns(&o.device);
	p->real_ns = ptp_ns(&o.sys_realtime);
}

/* 0 as long as nothing disciplines the clock: then the kernel's figure is of no meaning */
static __u64 real_error(void)
{
	struct timex tx = { 0 };
	int state = adjtimex(&tx);

	if (state < 0 || state == TIME_ERROR || (tx.status & STA_UNSYNC))
		return 0;
	return (__u64)tx.maxerror * 1000;
}

/* The counter that guests share with their host, but for an offset (and, rarely, a scale) */
static __u64 counter(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	__u64 v;

	__asm__ volatile("mrs %0, cntvct_el0"
			 : "=r"(v));
	return v;
#else
	return 0;
#endif
}

static void snapshot_once(struct clock_snapshot *s)
{
	__u64 before = clock_mono_ns(), after;

	s->tsc = counter();
	s->real_ns = clock_ns(CLOCK_REALTIME);
	s->tai_ns = clock_ns(CLOCK_TAI);
	s->boot_ns = clock_ns(CLOCK_BOOTTIME);
	after = clock_mono_ns();
	s->mono_ns = before + (after - before) / 2;
	s->width_ns = after - before;
}

void clock_snapshot_take(struct clock_snapshot *s, int pair_fd)
{
	struct clock_snapshot now;
	int i;

	memset(s, 0, sizeof(*s));
	memset(&now, 0, sizeof(now));
	snapshot_once(s);
	for (i = 1; i < TRIES; i++) {
		snapshot_once(&now);
		if (now.width_ns < s->width_ns)
			*s = now;
	}
	s->real_error_ns = real_error();
	pair_take(&s->pair, pair_fd);
}

json_t *clock_snapshot_doc(const struct clock_snapshot *s)
{
	json_t *doc = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "tsc", (json_int_t)s->tsc, "mono_ns",
				(json_int_t)s->mono_ns, "real_ns", (json_int_t)s->real_ns, "tai_ns",
				(json_int_t)s->tai_ns, "boot_ns", (json_int_t)s->boot_ns, "width_ns",
				(json_int_t)s->width_ns, "real_error_ns",
				(json_int_t)s->real_error_ns);

	if (doc && s->pair.on)
		json_object_set_new(doc, "ptp_kvm",
				    json_pack("{s:I, s:I}", "host_real_ns",
					      (json_int_t)s->pair.host_real_ns, "real_ns",
					      (json_int_t)s->pair.real_ns));
	return doc;
}

json_t *clock_methods_doc(void)
{
	struct clock_snapshot s;
	const char *why = "";
	int fd = clock_pair_open();

	clock_snapshot_take(&s, fd);
	if (fd == -ENOENT)
		why = "no ptp_kvm device: this is no KVM guest, or its kernel lacks the module ptp_kvm";
	else if (fd < 0)
		why = strerror(-fd);
	else if (!s.pair.on)
		why = "the host does not answer (KVM_HC_CLOCK_PAIRING needs its clock source to be the TSC)";
	if (fd >= 0)
		close(fd);
	return json_pack("{s:b, s:s, s:b, s:I}", "ptp_kvm", s.pair.on, "ptp_kvm_why", why, "realtime",
			 s.real_error_ns != 0, "real_error_ns", (json_int_t)s.real_error_ns);
}
