// SPDX-License-Identifier: GPL-2.0
/* Processes that have a tap or vhost-net open, their vCPU threads and vhost workers, by procfs */

#include "host_int.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A vhost worker that is a kernel thread (before 6.4), and whom it works for */
struct kworker {
	__u32 tid, owner;
};

struct proc_scan {
	struct host *h;
	struct kworker *kworkers;
	size_t nkworkers, hidden;
};

static void stat_read(struct host_task *t)
{
	static const char *const policies[] = { "other", "fifo", "rr", "batch", "?", "idle", "deadline" };
	unsigned int policy = 0, n = 3;
	char path[64], line[1024], *at, *field, *save;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/stat", t->tid);
	f = fopen(path, "re");
	if (!f)
		return;
	at = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	fclose(f);
	if (!at)
		return;
	/* proc(5): the state, behind the name, is field 3 */
	for (field = strtok_r(at + 1, " ", &save); field; field = strtok_r(NULL, " ", &save), n++) {
		if (n == 19)
			t->nice = atoi(field);
		else if (n == 39)
			t->cpu = strtoul(field, NULL, 10);
		else if (n == 40)
			t->rt_prio = strtoul(field, NULL, 10);
		else if (n == 41)
			policy = strtoul(field, NULL, 10);
	}
	t->policy = policy < ARRAY_SIZE(policies) ? policies[policy] : "?";
}

static void status_read(struct host *h, struct host_task *t)
{
	char path[64], line[512];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/status", t->tid);
	f = fopen(path, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, "Name:\t", 6))
			snprintf(t->comm, sizeof(t->comm), "%.15s", line + 6);
		else if (!strncmp(line, "Cpus_allowed_list:\t", 19))
			t->affinity = arena_printf(&h->mem, "%s", line + 19);
	}
	fclose(f);
}

/* "0::/user.slice", or with version 1 "4:cpu,cpuacct:/machine" */
static void cgroup_read(struct host *h, struct host_task *t)
{
	char path[64], line[PATH_MAX], *ids, *dir;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/cgroup", t->tid);
	f = fopen(path, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		ids = strchr(line, ':');
		dir = ids ? strchr(ids + 1, ':') : NULL;
		if (!dir)
			continue;
		if (!strncmp(line, "0::", 3) && !*t->cgroup)
			t->cgroup = arena_printf(&h->mem, "%s", dir + 1);
		else if (!strncmp(ids, ":cpu,", 5) || !strncmp(ids, ":cpu:", 5))
			t->cgroup = arena_printf(&h->mem, "%s", dir + 1);
	}
	fclose(f);
}

struct host_task *host_task_get(struct host *h, __u32 tgid, __u32 tid)
{
	struct host_task **slot, *t;
	size_t i;

	for (i = 0; i < h->ntasks; i++)
		if (h->tasks[i]->tid == tid)
			return h->tasks[i];
	t = arena_alloc(&h->mem, 1, sizeof(*t));
	slot = t ? host_add(h, h->tasks, h->ntasks) : NULL;
	if (!slot)
		return NULL;
	*slot = t;
	*t = (struct host_task){ .tid = tid, .tgid = tgid, .affinity = "", .policy = "?", .cgroup = "" };
	stat_read(t);
	status_read(h, t);
	cgroup_read(h, t);
	return t;
}

void host_proc_task(struct host *h, struct host_task ***list, size_t *n, struct host_task *t)
{
	struct host_task **slot;

	for (size_t i = 0; i < *n; i++)
		if ((*list)[i] == t)
			return;
	if (t && host_add_to(h, (void **)list, n, sizeof(**list))) {
		slot = &(*list)[*n - 1];
		*slot = t;
	}
}

/* What the arguments call the guest: QEMU's -name [guest=]NAME[,...], firecracker's --id NAME */
static const char *guest_name(struct host *h, __u32 pid)
{
	char path[64], *line = NULL, last[16] = "";
	const char *name = "";
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/cmdline", pid);
	f = fopen(path, "re");
	if (!f)
		return "";
	while (!*name && getdelim(&line, &size, 0, f) > 0) {
		if (!strcmp(last, "-name") || !strcmp(last, "--name") || !strcmp(last, "--id")) {
			const char *at = strncmp(line, "guest=", 6) ? line : line + 6;

			name = arena_printf(&h->mem, "%.*s", (int)strcspn(at, ","), at);
		}
		snprintf(last, sizeof(last), "%.15s", line);
	}
	free(line);
	fclose(f);
	return name;
}

static struct host_dev *tap_by_name(struct host *h, __u32 netns, const char *name)
{
	struct host_dev *found = NULL, *d;
	size_t i, n = 0;

	for (i = 0; i < h->ndevs; i++) {
		d = h->devs[i];
		if ((d->kind != HOST_TAP && d->kind != HOST_TUN) || strcmp(d->name, name))
			continue;
		if (d->ns->netns == netns)
			return d;
		found = d;
		n++;
	}
	/* opened elsewhere and handed over: certain only when the name is the only one */
	return n == 1 ? found : NULL;
}

/* The interface that a /dev/net/tun fd is attached to */
static struct host_dev *tap_of_fd(struct host *h, const struct host_proc *p, int fd)
{
	char path[64], line[128], name[IF_NAMESIZE] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/fdinfo/%d", p->task->tid, fd);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "iff: %15s", name) == 1)
			break;
	fclose(f);
	return *name ? tap_by_name(h, p->netns, name) : NULL;
}

/* macvtap: the character device is named by the interface's index */
static struct host_dev *macvtap_of_index(struct host *h, const struct host_proc *p, __u32 ifindex)
{
	size_t i;

	for (i = 0; i < h->nnetns; i++)
		if (h->netns[i]->netns == p->netns) {
			struct host_dev *d = host_find_index(h, h->netns[i], ifindex);

			return d && d->kind == HOST_MACVTAP ? d : NULL;
		}
	return NULL;
}

static void tapq_add(struct host *h, struct host_proc *p, struct host_dev *d, int fd)
{
	struct host_tapq *q = d ? arena_alloc(&h->mem, 1, sizeof(*q)) : NULL, **slot;

	if (!q)
		return;
	*q = (struct host_tapq){ .dev = d, .proc = p, .fd = fd };
	slot = host_add(h, p->tapqs, p->ntapqs);
	if (slot)
		*slot = q;
	slot = host_add(h, d->tapqs, d->ntapqs);
	if (slot)
		*slot = q;
}

static struct host_proc *proc_new(struct host *h, __u32 pid)
{
	struct host_proc *p = arena_alloc(&h->mem, 1, sizeof(*p)), **slot;
	char path[64];
	struct stat st;

	slot = p ? host_add(h, h->procs, h->nprocs) : NULL;
	if (!slot)
		return NULL;
	*slot = p;
	p->guest = "";
	p->task = host_task_get(h, pid, pid);
	snprintf(path, sizeof(path), "/proc/%u/ns/net", pid);
	if (!stat(path, &st))
		p->netns = st.st_ino;
	return p->task ? p : NULL;
}

/* One fd that may say that this is a process of ours; *p is made at the first */
static void fd_look(struct proc_scan *s, struct host_proc **p, __u32 pid, int fd, const char *target)
{
	bool tun = !strcmp(target, "/dev/net/tun"), vhost = !strcmp(target, "/dev/vhost-net");
	bool vm = !strcmp(target, "anon_inode:kvm-vm");
	unsigned int index;
	int end = 0;
	bool macvtap = sscanf(target, "/dev/tap%u%n", &index, &end) == 1 && !target[end];

	if (!tun && !vhost && !vm && !macvtap)
		return;
	if (!*p)
		*p = proc_new(s->h, pid);
	if (!*p)
		return;
	(*p)->vmm |= vm;
	(*p)->nvhost += vhost;
	if (tun)
		tapq_add(s->h, *p, tap_of_fd(s->h, *p, fd), fd);
	if (macvtap)
		tapq_add(s->h, *p, macvtap_of_index(s->h, *p, index), fd);
}

static void kworker_look(struct proc_scan *s, __u32 pid)
{
	char path[64], comm[32] = "";
	struct kworker *w;
	__u32 owner;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fgets(comm, sizeof(comm), f) && sscanf(comm, "vhost-%u", &owner) == 1) {
		w = host_add(s->h, s->kworkers, s->nkworkers);
		if (w)
			*w = (struct kworker){ pid, owner };
	}
	fclose(f);
}

static void threads_look(struct host *h, struct host_proc *p)
{
	static const char *const vcpus[] = { "CPU %u/KVM%n", "vcpu%u%n", "fc_vcpu %u%n" };
	char path[64];
	struct dirent *e;
	unsigned int nr;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%u/task", p->task->tid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		struct host_task *t;
		int end = 0;

		if (!isdigit((unsigned char)*e->d_name))
			continue;
		t = host_task_get(h, p->task->tid, strtoul(e->d_name, NULL, 10));
		if (!t)
			continue;
		/* a thread of the VMM from 6.4 on (commit 6e890c5d5021) */
		if (sscanf(t->comm, "vhost-%u%n", &nr, &end) == 1 && !t->comm[end]) {
			t->role = PL_ROLE_VHOST;
			host_proc_task(h, &p->workers, &p->nworkers, t);
		}
		for (size_t i = 0; i < ARRAY_SIZE(vcpus); i++) {
			end = 0;
			if (sscanf(t->comm, vcpus[i], &nr, &end) != 1 || !end || t->comm[end])
				continue;
			t->role = PL_ROLE_VCPU;
			t->vcpu = nr;
			host_proc_task(h, &p->vcpus, &p->nvcpus, t);
		}
	}
	if (dir)
		closedir(dir);
}

static void process_look(struct proc_scan *s, __u32 pid)
{
	struct host_proc *p = NULL;
	char path[64], name[64], target[64];
	struct dirent *e;
	bool any = false;
	ssize_t n;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	dir = opendir(path);
	if (!dir) {
		s->hidden += errno == EACCES;
		return;
	}
	while ((e = readdir(dir))) {
		if (*e->d_name == '.')
			continue;
		any = true;
		snprintf(name, sizeof(name), "/proc/%u/fd/%.16s", pid, e->d_name);
		n = readlink(name, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = 0;
		fd_look(s, &p, pid, atoi(e->d_name), target);
	}
	closedir(dir);
	if (!any)
		kworker_look(s, pid); /* kernel threads have no files */
	if (!p)
		return;
	p->task->role = PL_ROLE_VMM;
	p->guest = guest_name(s->h, pid);
	threads_look(s->h, p);
}

static void kworkers_join(struct proc_scan *s)
{
	for (size_t i = 0; i < s->nkworkers; i++) {
		struct host_proc *p = host_find_proc(s->h, s->kworkers[i].owner);
		struct host_task *t;

		if (!p)
			continue;
		t = host_task_get(s->h, s->kworkers[i].tid, s->kworkers[i].tid);
		if (!t)
			continue;
		t->role = PL_ROLE_VHOST;
		host_proc_task(s->h, &p->workers, &p->nworkers, t);
	}
}

/* Without the kernel's help: certain only where there is nothing to choose */
static void vhost_by_exclusion(struct host_proc *p)
{
	for (size_t i = 0; i < p->ntapqs; i++) {
		struct host_tapq *q = p->tapqs[i];

		q->vhost_known = !p->nvhost || (p->ntapqs == 1 && p->nvhost == 1);
		q->vhost = q->vhost_known && p->nvhost;
		if (q->vhost && p->nworkers == 1)
			q->worker = p->workers[0];
	}
}

static int by_vcpu(const void *a, const void *b)
{
	const struct host_task *const *x = a, *const *y = b;

	return (*x)->vcpu < (*y)->vcpu ? -1 : (*x)->vcpu > (*y)->vcpu;
}

int host_procs_read(struct host *h)
{
	struct proc_scan s = { .h = h };
	DIR *dir = opendir("/proc");
	struct dirent *e;

	if (!dir) {
		host_remark(h, "processes are not shown: no /proc");
		return 0;
	}
	while ((e = readdir(dir)))
		if (isdigit((unsigned char)*e->d_name))
			process_look(&s, strtoul(e->d_name, NULL, 10));
	closedir(dir);
	kworkers_join(&s);
	if (s.hidden)
		host_remark(h, "what %zu processes of other users have open is not seen: not root", s.hidden);
	for (size_t i = 0; i < h->nprocs; i++)
		vhost_by_exclusion(h->procs[i]);
	if (h->nprocs)
		host_vmm_read(h);
	for (size_t i = 0; i < h->nprocs; i++)
		if (h->procs[i]->nvcpus)
			qsort(h->procs[i]->vcpus, h->procs[i]->nvcpus, sizeof(*h->procs[i]->vcpus), by_vcpu);
	return 0;
}

static __u32 tgid_of(__u32 tid)
{
	char path[64], line[128];
	__u32 tgid = tid;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/status", tid);
	f = fopen(path, "re");
	if (!f)
		return tid;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Tgid: %u", &tgid) == 1)
			break;
	fclose(f);
	return tgid;
}

struct host_proc *host_find_proc(const struct host *h, __u32 pid)
{
	__u32 tgid = tgid_of(pid);

	for (size_t i = 0; i < h->nprocs; i++)
		if (h->procs[i]->task->tid == tgid)
			return h->procs[i];
	return NULL;
}
