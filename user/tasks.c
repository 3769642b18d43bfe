// SPDX-License-Identifier: GPL-2.0
#include "tasks.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

#define TASKS_MAX 65536 /* a fork bomb must not grow the recorder */

struct task {
	__u32 tid; /* 0: free; the idle tasks, all of tid 0, have a place of their own */
	__u32 tgid;
	enum pl_role_kind role;
	char comm[16];
};

/* Open addressing, a power of two, at most half full */
struct tasks {
	struct task *slot;
	size_t size, n;
};

int tasks_new(struct tasks **out)
{
	struct tasks *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->size = 1024;
	t->slot = calloc(t->size, sizeof(*t->slot));
	if (!t->slot) {
		free(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

void tasks_free(struct tasks *t)
{
	if (!t)
		return;
	free(t->slot);
	free(t);
}

static struct task *slot_of(const struct tasks *t, __u32 tid)
{
	size_t i = (tid * 2654435761u) & (t->size - 1);

	while (t->slot[i].tid && t->slot[i].tid != tid)
		i = (i + 1) & (t->size - 1);
	return &t->slot[i];
}

static int tasks_grow(struct tasks *t)
{
	struct tasks bigger = { .size = t->size * 2, .n = t->n };
	size_t i;

	bigger.slot = calloc(bigger.size, sizeof(*bigger.slot));
	if (!bigger.slot)
		return -ENOMEM;
	for (i = 0; i < t->size; i++)
		if (t->slot[i].tid)
			*slot_of(&bigger, t->slot[i].tid) = t->slot[i];
	free(t->slot);
	*t = bigger;
	return 0;
}

static void comm_read(struct task *task)
{
	char path[64], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/status", task->tid);
	f = fopen(path, "re");
	if (!f)
		return; /* has ended already: it stays a number */
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "Name:\t", 6)) {
			line[strcspn(line, "\n")] = 0;
			snprintf(task->comm, sizeof(task->comm), "%.15s", line + 6);
		} else if (sscanf(line, "Tgid: %u", &task->tgid) == 1) {
			break;
		}
	}
	fclose(f);
}

static struct task *task_get(struct tasks *t, __u32 tid, int *err)
{
	struct task *task = slot_of(t, tid);

	*err = 0;
	if (task->tid || !tid)
		return tid ? task : NULL;
	if (t->n >= TASKS_MAX)
		return NULL;
	if (t->n * 2 >= t->size) {
		*err = tasks_grow(t);
		if (*err)
			return NULL;
		task = slot_of(t, tid);
	}
	task->tid = tid;
	comm_read(task);
	t->n++;
	return task;
}

int tasks_seen(struct tasks *t, __u32 tid)
{
	int err;

	task_get(t, tid, &err);
	return err;
}

int tasks_role(void *ctx, __u32 tid, enum pl_role_kind kind)
{
	struct task *task;
	int err;

	task = task_get(ctx, tid, &err);
	if (task)
		task->role = kind;
	return err;
}

static enum pl_role_kind role_by_comm(const char *comm)
{
	unsigned int n;
	int end = 0;

	/* kernel thread or, from 6.4 on, thread of the VMM (commit 6e890c5d5021) */
	if (sscanf(comm, "vhost-%u%n", &n, &end) == 1 && !comm[end])
		return PL_ROLE_VHOST;
	/* QEMU with -name debug-threads=on, libvirt's default */
	if (sscanf(comm, "CPU %u/KVM%n", &n, &end) == 1 && end && !comm[end])
		return PL_ROLE_VCPU;
	return PL_ROLE_NONE;
}

/* Does the process hold a tap and a KVM VM? Then its other threads may serve the tap */
static bool is_vmm(const char *pid)
{
	char path[PATH_MAX], target[64];
	bool tap = false, vm = false;
	struct dirent *e;
	ssize_t n;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	d = opendir(path);
	if (!d)
		return false;
	while (!(tap && vm) && (e = readdir(d))) {
		snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid, e->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = 0;
		tap |= !strcmp(target, "/dev/net/tun");
		vm |= !strcmp(target, "anon_inode:kvm-vm");
	}
	closedir(d);
	return tap && vm;
}

struct task_scan {
	struct tasks *t;
	int (*fn)(void *ctx, __u32 tid, enum pl_role_kind kind);
	void *ctx;
};

static int thread_scan(const struct task_scan *s, const char *tid, bool vmm)
{
	enum pl_role_kind kind;
	struct task *task;
	int err;

	task = task_get(s->t, strtoul(tid, NULL, 10), &err);
	if (!task)
		return err;
	kind = role_by_comm(task->comm);
	if (kind == PL_ROLE_NONE && vmm)
		kind = PL_ROLE_VMM;
	task->role = kind;
	return kind == PL_ROLE_NONE ? 0 : s->fn(s->ctx, task->tid, kind);
}

/* Threads of a VMM; of other processes only the main one can be a worker (a kernel thread) */
static int process_scan(const struct task_scan *s, const char *pid)
{
	char path[PATH_MAX];
	struct dirent *e;
	int ret = 0;
	DIR *d;

	if (!is_vmm(pid)) {
		struct task probe = { .tid = strtoul(pid, NULL, 10) };

		comm_read(&probe);
		return role_by_comm(probe.comm) == PL_ROLE_VHOST ? thread_scan(s, pid, false) : 0;
	}
	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	d = opendir(path);
	if (!d)
		return 0;
	while (!ret && (e = readdir(d)))
		if (isdigit((unsigned char)*e->d_name))
			ret = thread_scan(s, e->d_name, true);
	closedir(d);
	return ret;
}

int tasks_scan(struct tasks *t, int (*fn)(void *ctx, __u32 tid, enum pl_role_kind kind), void *ctx)
{
	struct task_scan s = { .t = t, .fn = fn, .ctx = ctx };
	struct dirent *e;
	DIR *d = opendir("/proc");
	int ret = 0;

	if (!d)
		return -errno;
	while (!ret && (e = readdir(d)))
		if (isdigit((unsigned char)*e->d_name))
			ret = process_scan(&s, e->d_name);
	closedir(d);
	return ret;
}

json_t *tasks_doc(const struct tasks *t)
{
	json_t *doc = json_array();
	size_t i;

	for (i = 0; doc && i < t->size; i++) {
		const struct task *k = &t->slot[i];

		if (k->tid)
			json_array_append_new(doc, json_pack("{s:I, s:o, s:s, s:I}", "tid",
							     (json_int_t)k->tid, "comm", json_text(k->comm), "role", role_name(k->role),
							     "vmm", (json_int_t)k->tgid));
	}
	return doc;
}
