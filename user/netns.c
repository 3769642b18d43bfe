// SPDX-License-Identifier: GPL-2.0
#include "netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWN_PATH "/proc/self/ns/net"

/* State of one walk */
struct walk {
	int (*fn)(void *ctx, const struct netns_at *at);
	void *ctx;
	int home;
	__u32 *seen;
	size_t nseen, refused;
};

static int seen_add(struct walk *w, __u32 netns)
{
	__u32 *more = reallocarray(w->seen, w->nseen + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	w->seen = more;
	w->seen[w->nseen++] = netns;
	return 0;
}

/* Backwards: processes that start one after the other share one */
static bool seen_has(const struct walk *w, __u32 netns)
{
	size_t i = w->nseen;

	while (i)
		if (w->seen[--i] == netns)
			return true;
	return false;
}

static int netns_visit(struct walk *w, const char *path, const char *name)
{
	struct netns_at at = { .name = name, .path = path };
	struct stat st;
	int fd, ret;

	if (stat(path, &st))
		return 0; /* gone, or not ours to see */
	if (seen_has(w, st.st_ino))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ret = fstat(fd, &st) || setns(fd, CLONE_NEWNET) ? -errno : 0;
	close(fd);
	/* EINVAL: a file that stayed behind in /run/netns when the mount on it went, as by umount or a crash */
	if (ret == -EINVAL)
		return 0;
	if (ret) {
		w->refused++;
		return seen_add(w, st.st_ino);
	}
	at.netns = st.st_ino;
	ret = seen_add(w, st.st_ino);
	if (!ret)
		ret = w->fn(w->ctx, &at);
	if (setns(w->home, CLONE_NEWNET) && !ret)
		ret = -errno;
	return ret;
}

static int dir_visit(struct walk *w, const char *dir, const char *suffix)
{
	struct dirent *e;
	DIR *d = opendir(dir);
	char path[PATH_MAX];
	int ret = 0;

	if (!d)
		return 0;
	while (!ret && (e = readdir(d))) {
		if (e->d_name[0] == '.' || (*suffix && (*e->d_name < '0' || *e->d_name > '9')))
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", dir, e->d_name, suffix);
		ret = netns_visit(w, path, *suffix ? "" : e->d_name);
	}
	closedir(d);
	return ret;
}

int netns_each(int (*fn)(void *ctx, const struct netns_at *at), void *ctx, size_t *refused)
{
	struct netns_at own = { .own = true, .name = "", .path = OWN_PATH };
	struct walk w = { .fn = fn, .ctx = ctx };
	struct stat st;
	int ret;

	w.home = open(OWN_PATH, O_RDONLY | O_CLOEXEC);
	if (w.home < 0)
		return -errno;
	ret = fstat(w.home, &st) ? -errno : 0;
	own.netns = st.st_ino;
	if (!ret)
		ret = seen_add(&w, own.netns);
	if (!ret)
		ret = fn(ctx, &own);
	/* named ones first, so that they get their names */
	if (!ret)
		ret = dir_visit(&w, "/run/netns", "");
	if (!ret)
		ret = dir_visit(&w, "/proc", "/ns/net");
	if (refused)
		*refused = w.refused;
	free(w.seen);
	close(w.home);
	return ret;
}

int netns_run(const char *path, __u32 netns, int (*fn)(void *ctx), void *ctx)
{
	int home = open(OWN_PATH, O_RDONLY | O_CLOEXEC), fd = -1, ret = 0;
	struct stat st;

	if (home < 0)
		return -errno;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		ret = -errno;
	else if (st.st_ino != netns)
		ret = -ESTALE;
	else if (setns(fd, CLONE_NEWNET))
		ret = -errno;
	if (!ret) {
		ret = fn(ctx);
		if (setns(home, CLONE_NEWNET) && !ret)
			ret = -errno;
	}
	if (fd >= 0)
		close(fd);
	close(home);
	return ret;
}
