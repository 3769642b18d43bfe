// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts, queue masks. /sys shows the devices of the namespace in which it was mounted; for
 * each namespace an instance of its own is made that is mounted nowhere and ends with its fd.
 */
#include "host_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

void host_sysfs_open(struct host_scan *s)
{
	int fs = fsopen("sysfs", FSOPEN_CLOEXEC);

	s->sysfs = -1;
	if (fs >= 0 && !fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		s->sysfs = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (fs >= 0)
		close(fs);
	if (s->sysfs < 0 && s->ns->own)
		s->sysfs = open("/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* First line of a file below dir; false: not there, not readable */
static bool __attribute__((format(printf, 4, 5)))
line_read(int dir, char *buf, size_t size, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list ap;
	ssize_t n;
	int fd;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	*buf = 0;
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n < 0)
		return false;
	buf[n] = 0;
	buf[strcspn(buf, "\n")] = 0;
	return true;
}

static DIR *dir_open(int dir, const char *path)
{
	int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !d)
		close(fd);
	return d;
}

static void irq_add(struct host *h, struct host_dev *d, unsigned int nr)
{
	struct host_irq *irq = host_add(h, d->irqs, d->nirqs);
	char buf[256];

	if (!irq)
		return;
	irq->irq = nr;
	line_read(AT_FDCWD, buf, sizeof(buf), "/sys/kernel/irq/%u/actions", nr);
	irq->name = arena_printf(&h->mem, "%s", buf);
	line_read(AT_FDCWD, buf, sizeof(buf), "/proc/irq/%u/smp_affinity_list", nr);
	irq->affinity = arena_printf(&h->mem, "%s", buf);
	line_read(AT_FDCWD, buf, sizeof(buf), "/proc/irq/%u/effective_affinity_list", nr);
	irq->effective = arena_printf(&h->mem, "%s", buf);
}

static int by_irq(const void *a, const void *b)
{
	const struct host_irq *x = a, *y = b;

	return x->irq < y->irq ? -1 : x->irq > y->irq;
}

/* MSI vectors are listed in the PCI device's directory, of which virtio's is a child */
static void irqs_read(struct host_scan *s, struct host_dev *d)
{
	char path[PATH_MAX], line[32], bus[64];
	const char *name = strchr(d->bus, '/');
	struct dirent *e;
	unsigned int nr;
	DIR *dir;

	if (!name)
		return;
	snprintf(bus, sizeof(bus), "%.*s/devices%.40s", (int)(name - d->bus), d->bus, name);
	snprintf(path, sizeof(path), "bus/%s/msi_irqs", bus);
	dir = dir_open(s->sysfs, path);
	if (!dir) {
		snprintf(path, sizeof(path), "bus/%s/../msi_irqs", bus);
		dir = dir_open(s->sysfs, path);
	}
	while (dir && (e = readdir(dir)))
		if (sscanf(e->d_name, "%u", &nr) == 1)
			irq_add(s->h, d, nr);
	if (dir)
		closedir(dir);
	else if (line_read(s->sysfs, line, sizeof(line), "bus/%s/irq", bus) &&
		 sscanf(line, "%u", &nr) == 1 && nr)
		irq_add(s->h, d, nr);
	if (d->nirqs)
		qsort(d->irqs, d->nirqs, sizeof(*d->irqs), by_irq);
}

static void queue_add(struct host_scan *s, struct host_dev *d, bool tx, unsigned int nr)
{
	struct host_queue *q;
	char mask[512];

	/* the transmit mask of a device with one queue cannot be read: ENOENT */
	if (!line_read(s->sysfs, mask, sizeof(mask), "class/net/%s/queues/%cx-%u/%s", d->name, tx ? 't' : 'r',
		       nr, tx ? "xps_cpus" : "rps_cpus"))
		return;
	q = host_add(s->h, d->queues, d->nqueues);
	if (!q)
		return;
	q->tx = tx;
	q->nr = nr;
	q->cpus = arena_printf(&s->h->mem, "%s", mask);
	q->on = strspn(mask, "0,") != strlen(mask);
}

static void queues_read(struct host_scan *s, struct host_dev *d)
{
	unsigned int nr, rx = 0, tx = 0;
	char path[64], kind;
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "class/net/%s/queues", d->name);
	dir = dir_open(s->sysfs, path);
	if (!dir)
		return;
	while ((e = readdir(dir))) {
		if (sscanf(e->d_name, "%cx-%u", &kind, &nr) != 2)
			continue;
		queue_add(s, d, kind == 't', nr);
		*(kind == 't' ? &tx : &rx) += 1;
	}
	closedir(dir);
	/* what is registered here is what is in use; netlink tells what was allocated */
	d->nrx = rx;
	d->ntx = tx;
}

void host_sysfs_read(struct host_scan *s, struct host_dev *d)
{
	if (s->sysfs < 0)
		return;
	if (d->kind == HOST_NIC)
		irqs_read(s, d);
	if (d->kind != HOST_LOOPBACK && d->kind != HOST_OVS)
		queues_read(s, d);
}
