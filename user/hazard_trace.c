// SPDX-License-Identifier: GPL-2.0
/* Hazards: tracing of others, by tracefs and perf */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "hazards_int.h"

#define FUNCTIONS_MAX 1000 /* function tracing of everything has tens of thousands */

/*
 * A mount that is attached nowhere: seen by nobody, gone with its fd. Tracing can be on in a mount
 * that only another mount namespace sees, or that was taken away again.
 */
static int private_mount(const char *type)
{
	int fs = fsopen(type, FSOPEN_CLOEXEC), fd = -1;

	if (fs >= 0 && !fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
	if (fs >= 0)
		close(fs);
	return fd;
}

/* Directory of tracefs; "" when there is none */
static const char *tracefs(struct hazards *h, char buf[64])
{
	static const char *const dirs[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	size_t i;

	for (i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (hazard_exists(h, "%s/current_tracer", dirs[i])) {
			snprintf(buf, 64, "%s", dirs[i]);
			return buf;
		}
	if (h->tracefs_fd < 0 && !h->again && !h->cfg.files_only)
		h->tracefs_fd = private_mount("tracefs");
	if (h->tracefs_fd < 0)
		return "";
	snprintf(buf, 64, "/proc/self/fd/%d", h->tracefs_fd);
	return buf;
}

/* Call fn for the top instance and the others, with a trailing part of its name for people */
static void instances_each(struct hazards *h, void (*fn)(struct hazards *h, const char *dir, void *ctx))
{
	char buf[64], pattern[96];
	const char *dir = tracefs(h, buf);

	if (!*dir)
		return;
	fn(h, dir, NULL);
	snprintf(pattern, sizeof(pattern), "%s/instances/*", dir);
	hazard_glob(h, pattern, fn, NULL);
}

static const char *instance_text(const char *dir, char buf[128])
{
	const char *in = strstr(dir, "/instances/");

	if (in)
		snprintf(buf, 128, "tracefs instance %s", in + strlen("/instances/"));
	else
		snprintf(buf, 128, "tracefs");
	return buf;
}

static bool instance_on(struct hazards *h, const char *dir)
{
	long long on;

	return hazard_number(h, &on, "%s/tracing_on", dir) && on;
}

static void tracer_look(struct hazards *h, const char *dir, void *ctx)
{
	char tracer[64], text[128];

	(void)ctx;
	if (hazard_text(h, tracer, sizeof(tracer), "%s/current_tracer", dir) &&
	    strcmp(tracer, "nop") && instance_on(h, dir))
		hazard_add(h, instance_text(dir, text), "has the tracer %s on", tracer);
}

void hazard_find_ftrace_tracer(struct hazards *h)
{
	instances_each(h, tracer_look);
}

static bool event_line(struct hazards *h, char *line, void *ctx)
{
	(void)h;
	/* the load of any program that prints switches this one on, and it stays so */
	if (strcmp(line, "bpf_trace:bpf_trace_printk"))
		hazard_words_add(ctx, "%s", line);
	return true;
}

static void events_look(struct hazards *h, const char *dir, void *ctx)
{
	struct hazard_words words = {};
	char text[128];

	(void)ctx;
	hazard_lines(h, event_line, &words, "%s/set_event", dir);
	if (words.n && instance_on(h, dir))
		hazard_add(h, instance_text(dir, text), "has events on: %s", hazard_words_text(&words));
}

void hazard_find_ftrace_events(struct hazards *h)
{
	instances_each(h, events_look);
}

bool hazard_on_way(const char *target)
{
	const char *colon = strchr(target, ':');
	int hook;

	/* a tracepoint of a perf event has its group: "net:net_dev_queue" */
	if (colon)
		target = colon + 1;
	for (hook = 1; hook < PL_NR_HOOKS; hook++)
		if (!strcmp(hook_desc(hook)->target, target))
			return true;
	return false;
}

/* Functions that something is attached to; those that packets meet are told apart */
struct functions {
	struct hazard_words all, way;
};

/* place: a function, or a place in it ("ip_rcv+0x4": behind its endbr) */
static void function_add(struct functions *f, const char *place)
{
	char name[128];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(place, "+"), place);
	hazard_words_add(&f->all, "%s", place);
	if (hazard_on_way(name))
		hazard_words_add(&f->way, "%s", place);
}

static void functions_say(struct hazards *h, struct functions *f, const char *subject, const char *what)
{
	const char *least = f->all.n == FUNCTIONS_MAX ? " at least" : "";

	if (f->way.n)
		hazard_add(h, subject, "%s: %zu%s, on the packets' way: %s", what, f->all.n, least,
			   hazard_words_text(&f->way));
	else if (f->all.n)
		hazard_add(h, subject, "%s: %s%s", what, hazard_words_text(&f->all), least);
}

/* "br_forward (1) R I ..." */
static bool function_line(struct hazards *h, char *line, void *ctx)
{
	struct functions *f = ctx;

	(void)h;
	line[strcspn(line, " \t")] = 0;
	/* what belongs to the line above begins with a tab */
	if (*line)
		function_add(f, line);
	return f->all.n < FUNCTIONS_MAX;
}

void hazard_find_ftrace_filter(struct hazards *h)
{
	struct functions f = {};
	char buf[64];
	const char *dir = tracefs(h, buf);

	if (*dir)
		hazard_lines(h, function_line, &f, "%s/enabled_functions", dir);
	functions_say(h, &f, "functions", "have tracers attached");
}

/* "ffffffff81234560  k  ip_rcv+0x0    [DISABLED][FTRACE]" */
static bool kprobe_line(struct hazards *h, char *line, void *ctx)
{
	struct functions *f = ctx;
	char place[128], *plus;

	(void)h;
	if (sscanf(line, "%*s %*s %127s", place) != 1 || strstr(line, "[DISABLED]"))
		return true;
	plus = strstr(place, "+0x0");
	if (plus && !plus[4])
		*plus = 0;
	function_add(f, place);
	return f->all.n < FUNCTIONS_MAX;
}

struct probe_events {
	struct functions *f;
	const char *dir;
};

/* "p:kprobes/p_ip_rcv_0 ip_rcv arg=%di", "r64:..." */
static bool probe_event_line(struct hazards *h, char *line, void *ctx)
{
	const struct probe_events *e = ctx;
	char event[128], place[128];
	long long on;

	if (sscanf(line, "%*[^:]:%127s %127s", event, place) == 2 &&
	    hazard_number(h, &on, "%s/events/%s/enable", e->dir, event) && on)
		function_add(e->f, place);
	return true;
}

/* Directory of debugfs that has the list of kprobes; "" when there is none */
static const char *kprobes_dir(struct hazards *h, char buf[64])
{
	snprintf(buf, 64, "/sys/kernel/debug");
	if (hazard_exists(h, "%s/kprobes/list", buf))
		return buf;
	if (h->debugfs_fd < 0 && !h->again && !h->cfg.files_only)
		h->debugfs_fd = private_mount("debugfs");
	snprintf(buf, 64, "/proc/self/fd/%d", h->debugfs_fd);
	return h->debugfs_fd >= 0 && hazard_exists(h, "%s/kprobes/list", buf) ? buf : "";
}

void hazard_find_kprobes(struct hazards *h)
{
	struct functions f = {};
	struct probe_events e = { .f = &f };
	char buf[64], buf2[64];
	const char *dir = kprobes_dir(h, buf);

	/* the list has those of BPF programs too; a kernel without debugfs tells of tracefs's only */
	if (*dir) {
		hazard_lines(h, kprobe_line, &f, "%s/kprobes/list", dir);
	} else {
		e.dir = tracefs(h, buf2);
		if (*e.dir)
			hazard_lines(h, probe_event_line, &e, "%s/kprobe_events", e.dir);
	}
	functions_say(h, &f, "kprobes", "are armed");
}

static void perf_holder(struct hazards *h, __u32 pid, const char *comm, unsigned int files, void *ctx)
{
	char subject[96];

	(void)ctx;
	snprintf(subject, sizeof(subject), "%.63s (pid %u)", comm, pid);
	hazard_add(h, subject, "holds %u perf event%s open", files, files == 1 ? "" : "s");
}

void hazard_find_perf_sessions(struct hazards *h)
{
	hazard_holders(h, "anon_inode:[perf_event]", perf_holder, NULL);
}
