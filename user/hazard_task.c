// SPDX-License-Identifier: GPL-2.0
/* Hazards: threads that packets wait for, their CPUs and cgroups */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hazards_int.h"

static bool is_worker(const struct task_info *w)
{
	return w->role == PL_ROLE_VHOST || w->role == PL_ROLE_VCPU;
}

static const char *worker_text(const struct task_info *w, char buf[64])
{
	snprintf(buf, 64, "%s (tid %u)", w->comm, w->tid);
	return buf;
}

static void workers_each(struct hazards *h,
			 void (*fn)(struct hazards *h, const struct task_info *w,
				    const struct hazard_cpus *cpus, void *ctx),
			 void *ctx)
{
	struct hazard_cpus cpus;
	char list[64];
	size_t i;

	for (i = 0; i < h->cfg.nworkers; i++)
		if (is_worker(&h->cfg.workers[i]) &&
		    hazard_worker_cpus(h, &h->cfg.workers[i], &cpus, list))
			fn(h, &h->cfg.workers[i], &cpus, ctx);
}

static void isolated_look(struct hazards *h, const struct task_info *w,
			  const struct hazard_cpus *cpus, void *ctx)
{
	const struct hazard_cpus *isolated = ctx;
	char text[64];

	/* one that may leave the isolated CPUs is balanced there */
	if (cpus->n > 1 && hazard_cpus_common(cpus, isolated) == cpus->n)
		hazard_add(h, worker_text(w, text), "may run on %u CPUs, all isolated, where nothing balances",
			   cpus->n);
}

void hazard_find_isolated(struct hazards *h)
{
	struct hazard_cpus isolated;
	char list[1024];

	if (!hazard_text(h, list, sizeof(list), "/sys/devices/system/cpu/isolated"))
		return;
	hazard_cpus_parse(&isolated, list);
	if (isolated.n)
		workers_each(h, isolated_look, &isolated);
}

/* The one CPU of a set; -1: it has several */
static int only_cpu(const struct hazard_cpus *cpus)
{
	unsigned int cpu;

	for (cpu = 0; cpus->n == 1 && cpu < HAZARD_CPUS_MAX; cpu++)
		if (hazard_cpus_has(cpus, cpu))
			return cpu;
	return -1;
}

/* Hosts with one CPU have no choice */
static bool single_cpu(struct hazards *h)
{
	struct hazard_cpus online;
	char list[1024];

	if (!hazard_text(h, list, sizeof(list), "/sys/devices/system/cpu/online"))
		return false;
	hazard_cpus_parse(&online, list);
	return online.n == 1;
}

struct vcpu_look {
	const struct task_info *vhost;
	int cpu;
};

static void vcpu_look(struct hazards *h, const struct task_info *w,
		      const struct hazard_cpus *cpus, void *ctx)
{
	const struct vcpu_look *l = ctx;
	char vhost[64], vcpu[64];

	if (w->role == PL_ROLE_VCPU && only_cpu(cpus) == l->cpu)
		hazard_add(h, worker_text(l->vhost, vhost), "may run only on CPU %d, and so may %s", l->cpu,
			   worker_text(w, vcpu));
}

static void vhost_look(struct hazards *h, const struct task_info *w,
		       const struct hazard_cpus *cpus, void *ctx)
{
	struct vcpu_look l = { w, only_cpu(cpus) };

	(void)ctx;
	if (w->role == PL_ROLE_VHOST && l.cpu >= 0)
		workers_each(h, vcpu_look, &l);
}

void hazard_find_shared_cpu(struct hazards *h)
{
	if (!single_cpu(h))
		workers_each(h, vhost_look, NULL);
}

struct irq_look {
	const struct device *dev;
	unsigned int irq;
	int cpu;
};

static void irq_worker(struct hazards *h, const struct task_info *w,
		       const struct hazard_cpus *cpus, void *ctx)
{
	const struct irq_look *l = ctx;
	char text[64];

	if (only_cpu(cpus) == l->cpu)
		hazard_add(h, worker_text(w, text), "may run only on CPU %d, which serves interrupt %u of %s",
			   l->cpu, l->irq, l->dev->name);
}

static void irq_look(struct hazards *h, const struct device *dev, unsigned int irq)
{
	struct irq_look l = { dev, irq, -1 };
	struct hazard_cpus cpus;
	char list[1024];

	if (!hazard_text(h, list, sizeof(list), "/proc/irq/%u/effective_affinity_list", irq) &&
	    !hazard_text(h, list, sizeof(list), "/proc/irq/%u/smp_affinity_list", irq))
		return;
	hazard_cpus_parse(&cpus, list);
	l.cpu = only_cpu(&cpus);
	if (l.cpu >= 0)
		workers_each(h, irq_worker, &l);
}

static void irq_file(struct hazards *h, const char *path, void *ctx)
{
	irq_look(h, ctx, strtoul(strrchr(path, '/') + 1, NULL, 10));
}

/* MSI vectors are listed in the PCI device's directory, of which virtio's is a child */
static void irqs_look(struct hazards *h, const struct device *dev)
{
	static const char *const dirs[] = { "device/msi_irqs", "device/../msi_irqs" };
	char pattern[128];
	long long irq;
	size_t i;

	for (i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		snprintf(pattern, sizeof(pattern), "/sys/class/net/%s/%s/[0-9]*", dev->name, dirs[i]);
		hazard_glob(h, pattern, irq_file, (void *)dev);
	}
	if (hazard_number(h, &irq, "/sys/class/net/%s/device/irq", dev->name) && irq)
		irq_look(h, dev, irq);
}

void hazard_find_irq_on_worker(struct hazards *h)
{
	const struct devices *all = h->cfg.devices;
	size_t i;

	for (i = 0; i < all->n && !single_cpu(h); i++)
		if (all->dev[i].own && hazard_device_in(h, &all->dev[i]))
			irqs_look(h, &all->dev[i]);
}

/* --- cgroups --- */

struct group {
	const char *controller; /* NULL: v2 */
	char path[256];
};

/* "0::/machine.slice/..." (v2), "3:cpu,cpuacct:/..." (v1) */
static bool group_line(struct hazards *h, char *line, void *ctx)
{
	struct group *g = ctx;
	char *save, *list, *one, *path;

	(void)h;
	list = strchr(line, ':');
	path = list ? strchr(list + 1, ':') : NULL;
	if (!path)
		return true;
	*path++ = 0;
	if (!g->controller && !strncmp(line, "0:", 2)) {
		snprintf(g->path, sizeof(g->path), "%s", path);
		return false;
	}
	for (one = strtok_r(list + 1, ",", &save); g->controller && one; one = strtok_r(NULL, ",", &save))
		if (!strcmp(one, g->controller)) {
			snprintf(g->path, sizeof(g->path), "%s", path);
			return false;
		}
	return true;
}

/* Call fn for the cgroup of each thread and all above it, the root left out */
static void groups_each(struct hazards *h, void (*fn)(struct hazards *h, const char *dir, const char *path))
{
	static const struct {
		const char *mount, *controller;
	} kinds[] = {
		{ "/sys/fs/cgroup", NULL },
		{ "/sys/fs/cgroup/unified", NULL },
		{ "/sys/fs/cgroup/cpu,cpuacct", "cpu" },
		{ "/sys/fs/cgroup/cpu", "cpu" },
	};
	char dir[HAZARD_PATH_MAX];
	size_t i, k;

	for (i = 0; i < h->cfg.nworkers; i++)
		for (k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
			struct group g = { .controller = kinds[k].controller };
			char *slash;

			hazard_lines(h, group_line, &g, "/proc/%u/task/%u/cgroup", h->cfg.workers[i].tgid,
				     h->cfg.workers[i].tid);
			for (; (slash = strrchr(g.path, '/')) && slash[1]; *slash = 0) {
				snprintf(dir, sizeof(dir), "%s%s", kinds[k].mount, g.path);
				fn(h, dir, g.path);
			}
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
	groups_each(h, quota_look);
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
	groups_each(h, throttled_look);
}
