// SPDX-License-Identifier: GPL-2.0
/* Hazards: threads that packets wait for, their CPUs and cgroups */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hazards_int.h"

static const char *worker_text(const struct host_task *t, char buf[64])
{
	snprintf(buf, 64, "%s (tid %u)", t->comm, t->tid);
	return buf;
}

static void isolated_look(struct hazards *h, const struct host_task *t, void *ctx)
{
	const struct hazard_cpus *isolated = ctx;
	struct hazard_cpus cpus;
	char text[64];

	hazard_cpus_parse(&cpus, t->affinity);
	/* one that may leave the isolated CPUs is balanced there */
	if (cpus.n > 1 && hazard_cpus_common(&cpus, isolated) == cpus.n)
		hazard_add(h, worker_text(t, text), "may run on %u CPUs, all isolated, where nothing balances",
			   cpus.n);
}

void hazard_find_isolated(struct hazards *h)
{
	struct hazard_cpus isolated;
	char list[1024];

	if (!hazard_text(h, list, sizeof(list), "/sys/devices/system/cpu/isolated"))
		return;
	hazard_cpus_parse(&isolated, list);
	if (isolated.n)
		hazard_workers(h, isolated_look, &isolated);
}

/* The one CPU of a list; -1: it has several, or none is known */
static int only_cpu(const char *list)
{
	unsigned int cpu;
	int end = 0;

	return sscanf(list, "%u%n", &cpu, &end) == 1 && !list[end] ? (int)cpu : -1;
}

/* Hosts with one CPU have no choice */
static bool single_cpu(struct hazards *h)
{
	char list[1024];

	return hazard_text(h, list, sizeof(list), "/sys/devices/system/cpu/online") && only_cpu(list) >= 0;
}

static void vcpu_look(struct hazards *h, const struct host_task *t, void *ctx)
{
	const struct host_task *vhost = ctx;
	char a[64], b[64];

	if (t->role == PL_ROLE_VCPU && only_cpu(t->affinity) == only_cpu(vhost->affinity))
		hazard_add(h, worker_text(vhost, a), "may run only on CPU %s, and so may %s", t->affinity,
			   worker_text(t, b));
}

static void vhost_look(struct hazards *h, const struct host_task *t, void *ctx)
{
	(void)ctx;
	if (t->role == PL_ROLE_VHOST && only_cpu(t->affinity) >= 0)
		hazard_workers(h, vcpu_look, (void *)t);
}

void hazard_find_shared_cpu(struct hazards *h)
{
	if (!single_cpu(h))
		hazard_workers(h, vhost_look, NULL);
}

struct irq_look {
	const struct host_dev *dev;
	const struct host_irq *irq;
	int cpu;
};

static void irq_worker(struct hazards *h, const struct host_task *t, void *ctx)
{
	const struct irq_look *l = ctx;
	char text[64];

	if (only_cpu(t->affinity) == l->cpu)
		hazard_add(h, worker_text(t, text), "may run only on CPU %d, which serves interrupt %u of %s",
			   l->cpu, l->irq->irq, l->dev->label);
}

static void irqs_look(struct hazards *h, const struct host_dev *dev)
{
	size_t i;

	for (i = 0; i < dev->nirqs; i++) {
		struct irq_look l = { dev, &dev->irqs[i], only_cpu(dev->irqs[i].effective) };

		if (l.cpu < 0)
			l.cpu = only_cpu(dev->irqs[i].affinity);
		if (l.cpu >= 0)
			hazard_workers(h, irq_worker, &l);
	}
}

void hazard_find_irq_on_worker(struct hazards *h)
{
	if (!single_cpu(h))
		hazard_devices(h, irqs_look);
}

/* --- cgroups --- */

typedef void (*group_fn)(struct hazards *h, const char *dir, const char *path);

/* Call fn for the cgroup of a thread and all above it, the root left out */
static void group_look(struct hazards *h, const struct host_task *t, void *ctx)
{
	static const char *const mounts[] = {
		"/sys/fs/cgroup",
		"/sys/fs/cgroup/unified",
		"/sys/fs/cgroup/cpu,cpuacct",
		"/sys/fs/cgroup/cpu",
	};
	char dir[HAZARD_PATH_MAX], path[256], *slash;
	group_fn *fn = ctx;
	size_t i;

	snprintf(path, sizeof(path), "%s", t->cgroup);
	for (; (slash = strrchr(path, '/')) && path[1]; *slash = 0)
		for (i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
			snprintf(dir, sizeof(dir), "%s%s", mounts[i], path);
			if (hazard_exists(h, "%s/cpu.stat", dir))
				(*fn)(h, dir, path);
		}
}

static void quota_look(struct hazards *h, const char *dir, const char *path)
{
	long long quota, period;
	char subject[300], text[64];

	if (hazard_text(h, text, sizeof(text), "%s/cpu.max", dir)) {
		if (sscanf(text, "%lld %lld", &quota, &period) != 2)
			return; /* max */
	} else if (!hazard_number(h, &quota, "%s/cpu.cfs_quota_us", dir) || quota < 0 ||
		   !hazard_number(h, &period, "%s/cpu.cfs_period_us", dir)) {
		return;
	}
	snprintf(subject, sizeof(subject), "cgroup %s", path);
	hazard_add(h, subject, "may run %lld of each %lld us, then waits", quota, period);
}

void hazard_find_cpu_quota(struct hazards *h)
{
	group_fn fn = quota_look;

	hazard_workers(h, group_look, &fn);
}

static bool stat_line(struct hazards *h, char *line, void *ctx)
{
	unsigned long long n;

	if (sscanf(line, "nr_throttled %llu", &n) == 1)
		hazard_count(h, ctx, "throttled:", n);
	return true;
}

static void throttled_look(struct hazards *h, const char *dir, const char *path)
{
	char subject[300];

	snprintf(subject, sizeof(subject), "cgroup %s", path);
	hazard_lines(h, stat_line, subject, "%s/cpu.stat", dir);
}

void hazard_find_throttled(struct hazards *h)
{
	group_fn fn = throttled_look;

	hazard_workers(h, group_look, &fn);
}
