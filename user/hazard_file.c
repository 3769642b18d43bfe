// SPDX-License-Identifier: GPL-2.0
/* Of the hazards: files of /proc and /sys, sets of CPUs, the devices of the way */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hazards_int.h"
#include "netns.h"

const char *hazard_root(const struct hazards *h)
{
	return h->cfg.root ? h->cfg.root : "";
}

static bool path_make(const struct hazards *h, char *path, const char *fmt, va_list ap)
{
	int n = snprintf(path, HAZARD_PATH_MAX, "%s", hazard_root(h));

	if (n < HAZARD_PATH_MAX)
		n += vsnprintf(path + n, HAZARD_PATH_MAX - n, fmt, ap);
	return n < HAZARD_PATH_MAX;
}

static bool text_read(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, buf, size - 1);
	close(fd);
	while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == ' '))
		n--;
	if (n <= 0)
		return false;
	buf[n] = 0;
	return true;
}

bool hazard_text(const struct hazards *h, char *buf, size_t size, const char *path, ...)
{
	char full[HAZARD_PATH_MAX];
	va_list ap;
	bool ok;

	va_start(ap, path);
	ok = path_make(h, full, path, ap);
	va_end(ap);
	return ok && text_read(full, buf, size);
}

bool hazard_number(const struct hazards *h, long long *out, const char *path, ...)
{
	char full[HAZARD_PATH_MAX], buf[64], *end;
	va_list ap;
	bool ok;

	va_start(ap, path);
	ok = path_make(h, full, path, ap);
	va_end(ap);
	if (!ok || !text_read(full, buf, sizeof(buf)))
		return false;
	*out = strtoll(buf, &end, 10);
	return end != buf;
}

bool hazard_exists(const struct hazards *h, const char *path, ...)
{
	char full[HAZARD_PATH_MAX];
	va_list ap;
	bool ok;

	va_start(ap, path);
	ok = path_make(h, full, path, ap);
	va_end(ap);
	return ok && !access(full, F_OK);
}

void hazard_glob(struct hazards *h, const char *pattern,
		 void (*fn)(struct hazards *h, const char *path, void *ctx), void *ctx)
{
	char full[HAZARD_PATH_MAX];
	size_t root = strlen(hazard_root(h)), i;
	glob_t g;

	snprintf(full, sizeof(full), "%s%s", hazard_root(h), pattern);
	if (glob(full, 0, NULL, &g))
		return;
	for (i = 0; i < g.gl_pathc; i++)
		fn(h, g.gl_pathv[i] + root, ctx);
	globfree(&g);
}

bool hazard_lines(struct hazards *h, bool (*fn)(struct hazards *h, char *line, void *ctx), void *ctx,
		  const char *path, ...)
{
	char full[HAZARD_PATH_MAX], *line = NULL;
	size_t size = 0;
	va_list ap;
	FILE *f;
	bool ok;

	va_start(ap, path);
	ok = path_make(h, full, path, ap);
	va_end(ap);
	f = ok ? fopen(full, "re") : NULL;
	if (!f)
		return false;
	while (getline(&line, &size, f) > 0) {
		line[strcspn(line, "\n")] = 0;
		if (!fn(h, line, ctx))
			break;
	}
	free(line);
	fclose(f);
	return true;
}

void hazard_words_add(struct hazard_words *w, const char *fmt, ...)
{
	va_list ap;

	if (w->n++ >= HAZARD_WORDS_SHOWN || w->len + 2 >= sizeof(w->text))
		return;
	if (w->len)
		w->len += snprintf(w->text + w->len, sizeof(w->text) - w->len, ", ");
	va_start(ap, fmt);
	w->len += vsnprintf(w->text + w->len, sizeof(w->text) - w->len, fmt, ap);
	va_end(ap);
}

const char *hazard_words_text(struct hazard_words *w)
{
	if (w->n > HAZARD_WORDS_SHOWN && w->len < sizeof(w->text))
		snprintf(w->text + w->len, sizeof(w->text) - w->len, " and %zu more",
			 w->n - HAZARD_WORDS_SHOWN);
	return w->text;
}

struct holders {
	const char *target;
	void (*fn)(struct hazards *h, __u32 pid, const char *comm, unsigned int files, void *ctx);
	void *ctx;
};

static unsigned int files_count(const char *dir, const char *target)
{
	unsigned int n = 0;
	char link[256];
	struct dirent *e;
	ssize_t len;
	DIR *d = opendir(dir);

	while (d && (e = readdir(d))) {
		len = readlinkat(dirfd(d), e->d_name, link, sizeof(link) - 1);
		if (len <= 0)
			continue;
		link[len] = 0;
		n += !strcmp(link, target);
	}
	if (d)
		closedir(d);
	return n;
}

static void holder_look(struct hazards *h, const char *path, void *ctx)
{
	const struct holders *s = ctx;
	char full[HAZARD_PATH_MAX], comm[64];
	unsigned int pid, files;

	if (sscanf(path, "/proc/%u/", &pid) != 1 || (!h->cfg.root && pid == (unsigned int)getpid()))
		return;
	snprintf(full, sizeof(full), "%s%s", hazard_root(h), path);
	files = files_count(full, s->target);
	if (files)
		s->fn(h, pid, hazard_text(h, comm, sizeof(comm), "/proc/%u/comm", pid) ? comm : "?",
		      files, s->ctx);
}

void hazard_holders(struct hazards *h, const char *target,
		    void (*fn)(struct hazards *h, __u32 pid, const char *comm, unsigned int files, void *ctx),
		    void *ctx)
{
	struct holders s = { target, fn, ctx };

	hazard_glob(h, "/proc/[0-9]*/fd", holder_look, &s);
}

struct netns_look {
	struct hazards *h;
	void (*fn)(struct hazards *h, const struct host_netns *ns, const char *suffix);
	const struct host_netns *ns;
	char suffix[72];
};

static int netns_look(void *ctx)
{
	const struct netns_look *l = ctx;

	l->fn(l->h, l->ns, l->suffix);
	return 0;
}

static bool netns_in(const struct hazards *h, const struct host_netns *ns)
{
	size_t i;

	for (i = 0; i < ns->ndevs; i++)
		if (hazard_device_in(h, h->now->devs[ns->first + i]))
			return true;
	return false;
}

void hazard_each_netns(struct hazards *h,
		       void (*fn)(struct hazards *h, const struct host_netns *ns, const char *suffix))
{
	struct netns_look l = { .h = h, .fn = fn };
	size_t i;

	for (i = 0; i < h->now->nnetns; i++) {
		l.ns = h->now->netns[i];
		if (!netns_in(h, l.ns))
			continue;
		if (l.ns->own) {
			fn(h, l.ns, "");
		} else if (!h->cfg.files_only) {
			snprintf(l.suffix, sizeof(l.suffix), "@%s", l.ns->name);
			/* without the privilege (end of a recording) it is not looked into */
			netns_run(l.ns->path, l.ns->netns, netns_look, &l);
		}
	}
}

bool hazard_device_in(const struct hazards *h, const struct host_dev *dev)
{
	size_t i;

	if (!h->cfg.nnames)
		return dev->kind != HOST_LOOPBACK;
	for (i = 0; i < h->nway; i++)
		if (h->way[i] == dev)
			return true;
	return false;
}

void hazard_devices(struct hazards *h, void (*fn)(struct hazards *h, const struct host_dev *dev))
{
	size_t i;

	for (i = 0; i < h->now->ndevs; i++)
		if (hazard_device_in(h, h->now->devs[i]))
			fn(h, h->now->devs[i]);
}

void hazard_sysfs_devices(struct hazards *h, void (*fn)(struct hazards *h, const struct host_dev *dev))
{
	size_t i;

	for (i = 0; i < h->now->ndevs; i++)
		if (h->now->devs[i]->ns->own && hazard_device_in(h, h->now->devs[i]))
			fn(h, h->now->devs[i]);
}

void hazard_workers(struct hazards *h, void (*fn)(struct hazards *h, const struct host_task *t, void *ctx),
		    void *ctx)
{
	size_t i;

	for (i = 0; i < h->host->ntasks; i++)
		if (h->host->tasks[i]->role == PL_ROLE_VHOST || h->host->tasks[i]->role == PL_ROLE_VCPU)
			fn(h, h->host->tasks[i], ctx);
}

void hazard_cpus_parse(struct hazard_cpus *set, const char *list)
{
	unsigned int from, to;
	char *end;

	memset(set, 0, sizeof(*set));
	while (isdigit((unsigned char)*list)) {
		from = to = strtoul(list, &end, 10);
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		for (; from <= to && from < HAZARD_CPUS_MAX; from++) {
			set->n += !hazard_cpus_has(set, from);
			set->bits[from / 64] |= 1ULL << from % 64;
		}
		list = end + (*end == ',');
	}
}

bool hazard_cpus_has(const struct hazard_cpus *set, unsigned int cpu)
{
	return cpu < HAZARD_CPUS_MAX && set->bits[cpu / 64] >> cpu % 64 & 1;
}

unsigned int hazard_cpus_common(const struct hazard_cpus *a, const struct hazard_cpus *b)
{
	unsigned int i, n = 0;

	for (i = 0; i < HAZARD_CPUS_MAX / 64; i++)
		n += __builtin_popcountll(a->bits[i] & b->bits[i]);
	return n;
}
