// SPDX-License-Identifier: GPL-2.0
/* Hazards: CPUs, timers and the kernel's build */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zlib.h>

#include "hazards_int.h"

#define CPUS	     "/sys/devices/system/cpu"
#define IDLE_EXIT_US 20 /* what the remedy forbids: less is below what a wakeup takes anyway */

/* The kernel's promise about wakeups, us; kept by whoever holds the file open with a number in it */
static long long latency_promised(struct hazards *h)
{
	char path[HAZARD_PATH_MAX];
	__s32 us = -1;
	int fd;

	snprintf(path, sizeof(path), "%s/dev/cpu_dma_latency", hazard_root(h));
	/* to read is to ask; only what is written makes a request */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (read(fd, &us, sizeof(us)) != sizeof(us))
		us = -1;
	close(fd);
	return us;
}

struct idle_look {
	unsigned int cpus;
	long long deepest, promised;
	char name[32];
};

static void idle_state(struct hazards *h, const char *path, void *ctx)
{
	struct idle_look *l = ctx;
	long long latency, disabled = 0;
	unsigned int cpu, state;

	hazard_number(h, &disabled, "%s/disable", path);
	if (disabled || !hazard_number(h, &latency, "%s/latency", path) || latency < IDLE_EXIT_US ||
	    (l->promised >= 0 && latency > l->promised))
		return;
	if (sscanf(path, CPUS "/cpu%u/cpuidle/state%u", &cpu, &state) == 2)
		l->cpus++;
	if (latency > l->deepest) {
		l->deepest = latency;
		if (!hazard_text(h, l->name, sizeof(l->name), "%s/name", path))
			*l->name = 0;
	}
}

void hazard_find_cstates(struct hazards *h)
{
	struct idle_look l = { .promised = latency_promised(h) };

	/* by the states of one CPU, which the others share unless somebody disabled one by one */
	hazard_glob(h, CPUS "/cpu[0-9]*/cpuidle/state*", idle_state, &l);
	if (l.cpus)
		hazard_add(h, "idle states", "take up to %lld us to leave (%s)", l.deepest, l.name);
}

struct governors {
	unsigned int cpus;
	char name[32];
};

static void governor_look(struct hazards *h, const char *path, void *ctx)
{
	struct governors *g = ctx;
	char name[32];

	if (!hazard_text(h, name, sizeof(name), "%s", path) || !strcmp(name, "performance"))
		return;
	if (!g->cpus++)
		memcpy(g->name, name, sizeof(name));
}

void hazard_find_governor(struct hazards *h)
{
	struct governors g = {};

	hazard_glob(h, CPUS "/cpufreq/policy*/scaling_governor", governor_look, &g);
	if (g.cpus)
		hazard_add(h, "cpufreq governor", "is %s (%u polic%s)", g.name, g.cpus,
			   g.cpus == 1 ? "y" : "ies");
}

void hazard_find_boost(struct hazards *h)
{
	long long v;

	if ((hazard_number(h, &v, CPUS "/intel_pstate/no_turbo") && !v) ||
	    (hazard_number(h, &v, CPUS "/cpufreq/boost") && v))
		hazard_add(h, "turbo", "is on");
}

void hazard_find_smt(struct hazards *h)
{
	long long v;

	if (hazard_number(h, &v, CPUS "/smt/active") && v)
		hazard_add(h, "SMT", "is active");
}

/* --- what the kernel was built with --- */

static void config_line(struct hazard_build *c, const char *line)
{
	if (sscanf(line, "CONFIG_HZ=%lld", &c->hz) == 1)
		return;
	c->periodic |= !strcmp(line, "CONFIG_HZ_PERIODIC=y");
	c->preempt_none |= !strcmp(line, "CONFIG_PREEMPT_NONE=y");
	c->preempt_voluntary |= !strcmp(line, "CONFIG_PREEMPT_VOLUNTARY=y");
	c->dynamic |= !strcmp(line, "CONFIG_PREEMPT_DYNAMIC=y");
	c->kasan |= !strcmp(line, "CONFIG_KASAN=y");
	c->lockdep |= !strcmp(line, "CONFIG_PROVE_LOCKING=y");
}

/* gzopen() reads a file that is not compressed as it is */
static void config_read(struct hazards *h)
{
	char path[HAZARD_PATH_MAX], line[256];
	struct utsname u;
	gzFile f;

	snprintf(path, sizeof(path), "%s/proc/config.gz", hazard_root(h));
	f = gzopen(path, "re");
	if (!f && !uname(&u)) {
		snprintf(path, sizeof(path), "%s/boot/config-%s", hazard_root(h), u.release);
		f = gzopen(path, "re");
	}
	if (!f)
		return;
	while (gzgets(f, line, sizeof(line))) {
		line[strcspn(line, "\n")] = 0;
		config_line(&h->build, line);
	}
	gzclose(f);
}

/* Read when first asked for: several rows do; all is 0 where it is not known */
static const struct hazard_build *build_of(struct hazards *h)
{
	if (!h->build.read)
		config_read(h);
	h->build.read = true;
	return &h->build;
}

void hazard_find_timer_hz(struct hazards *h)
{
	long long hz = build_of(h)->hz;

	if (hz && hz < 1000)
		hazard_add(h, "the kernel", "ticks at %lld Hz: a wait for a tick is up to %lld us", hz,
			   1000000 / hz);
}

/* A word of the kernel's command line, "nohz=off" */
static bool cmdline_has(struct hazards *h, const char *word)
{
	char line[4096], *save, *w;

	if (!hazard_text(h, line, sizeof(line), "/proc/cmdline"))
		return false;
	for (w = strtok_r(line, " ", &save); w; w = strtok_r(NULL, " ", &save))
		if (!strcmp(w, word))
			return true;
	return false;
}

void hazard_find_timer_periodic(struct hazards *h)
{
	if (build_of(h)->periodic)
		hazard_add(h, "the kernel", "ticks on idle CPUs too (CONFIG_HZ_PERIODIC)");
	else if (cmdline_has(h, "nohz=off"))
		hazard_add(h, "the kernel", "ticks on idle CPUs too (nohz=off)");
}

void hazard_find_clocksource(struct hazards *h)
{
	static const char *const slow[] = { "hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit" };
	char name[32];
	size_t i;

	if (!hazard_text(h, name, sizeof(name), "/sys/devices/system/clocksource/clocksource0/current_clocksource"))
		return;
	for (i = 0; i < sizeof(slow) / sizeof(*slow); i++)
		if (!strcmp(name, slow[i]))
			hazard_add(h, "clocksource", "is %s: a device, not the CPU's counter", name);
}

/* debugfs: "none (voluntary) full lazy"; the one in brackets is in force */
static bool preempt_dynamic(struct hazards *h, char model[32])
{
	char text[64], *open;

	if (!hazard_text(h, text, sizeof(text), "/sys/kernel/debug/sched/preempt"))
		return false;
	open = strchr(text, '(');
	return open && sscanf(open + 1, "%31[^)]", model) == 1;
}

void hazard_find_preempt(struct hazards *h)
{
	char model[32] = "";
	const struct hazard_build *c;

	if (!preempt_dynamic(h, model)) {
		c = build_of(h);
		if (!c->dynamic && (c->preempt_none || c->preempt_voluntary))
			snprintf(model, sizeof(model), "%s", c->preempt_none ? "none" : "voluntary");
	}
	if (!strcmp(model, "none") || !strcmp(model, "voluntary"))
		hazard_add(h, "preemption", "is %s", model);
}

void hazard_find_debug_kernel(struct hazards *h)
{
	if (hazard_exists(h, "/proc/lockdep"))
		hazard_add(h, "the kernel", "checks every lock (lockdep)");
	else if (build_of(h)->kasan || build_of(h)->lockdep)
		hazard_add(h, "the kernel", "checks every %s",
			   build_of(h)->kasan ? "memory access (KASAN)" : "lock (lockdep)");
}
