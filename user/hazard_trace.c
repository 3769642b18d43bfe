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
 * A mount of tracefs that is attached nowhere: seen by nobody, gone with its fd. Tracing can be
 * on in a mount that only another mount namespace sees.
 */
static int tracefs_mount(void)
{
	int fs = fsopen("tracefs", FSOPEN_CLOEXEC), fd = -1;

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
		h->tracefs_fd = tracefs_mount();
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

static bool function_line(struct hazards *h, char *line, void *ctx)
{
	struct hazard_words *words = ctx;

	(void)h;
	hazard_words_add(words, "%.*s", (int)strcspn(line, " \t"), line);
	return words->n < FUNCTIONS_MAX;
}

void hazard_find_ftrace_filter(struct hazards *h)
{
	struct hazard_words words = {};
	char buf[64];
	const char *dir = tracefs(h, buf);

	if (*dir)
		hazard_lines(h, function_line, &words, "%s/enabled_functions", dir);
	if (words.n)
		hazard_add(h, "functions", "have tracers attached: %s%s", hazard_words_text(&words),
			   words.n == FUNCTIONS_MAX ? " at least" : "");
}

/* "ffffffff81234560  k  ip_rcv+0x0    [DISABLED][FTRACE]" */
static bool kprobe_line(struct hazards *h, char *line, void *ctx)
{
	char place[128];

	(void)h;
	if (sscanf(line, "%*s %*s %127s", place) == 1 && !strstr(line, "[DISABLED]"))
		hazard_words_add(ctx, "%s", place);
	return true;
}

void hazard_find_kprobes(struct hazards *h)
{
	struct hazard_words words = {};

	hazard_lines(h, kprobe_line, &words, "/sys/kernel/debug/kprobes/list");
	if (words.n)
		hazard_add(h, "kprobes", "are armed: %s", hazard_words_text(&words));
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
