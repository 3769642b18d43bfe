// SPDX-License-Identifier: GPL-2.0
/* Taps, vhost workers and vCPUs of a VMM by the kernel's own structures (bpf/vmm) */
#include "host_int.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../bpf/vmm/vmm.h"
#include "vmm.skel.h"

static struct host_tapq *tapq_find(const struct host_proc *p, const struct pl_vmm_file *f, bool by_fd)
{
	for (size_t i = 0; i < p->ntapqs; i++)
		if (by_fd ? p->tapqs[i]->fd == (int)f->fd : p->tapqs[i]->file == f->file)
			return p->tapqs[i];
	return NULL;
}

static void vhost_told(struct host *h, struct host_proc *p, const struct pl_vmm_file *f)
{
	struct host_tapq *q = f->file ? tapq_find(p, f, false) : NULL;

	if (!q)
		return;
	q->vhost = true;
	if (!f->tid)
		return;
	q->worker = host_task_get(h, f->tid, f->tid);
	if (!q->worker)
		return;
	q->worker->role = PL_ROLE_VHOST;
	host_proc_task(h, &p->workers, &p->nworkers, q->worker);
}

static void vcpu_told(struct host *h, struct host_proc *p, const struct pl_vmm_file *f)
{
	struct host_task *t = f->tid ? host_task_get(h, p->task->tid, f->tid) : NULL;

	if (!t)
		return;
	t->role = PL_ROLE_VCPU;
	t->vcpu = f->number;
	host_proc_task(h, &p->vcpus, &p->nvcpus, t);
}

/* Taps first: the others point to them */
static void files_told(struct host *h, const struct pl_vmm_file *files, size_t n)
{
	struct host_proc *p = NULL;
	struct host_tapq *q;
	size_t i;

	for (i = 0; i < n; i++) {
		if (files[i].kind != PL_VMM_TAP)
			continue;
		p = p && p->task->tid == files[i].pid ? p : host_find_proc(h, files[i].pid);
		q = p ? tapq_find(p, &files[i], true) : NULL;
		if (!q)
			continue;
		q->vhost_known = true;
		q->vhost = false;
		q->worker = NULL;
		q->file = files[i].file;
	}
	for (i = 0; i < n; i++) {
		p = p && p->task->tid == files[i].pid ? p : host_find_proc(h, files[i].pid);
		if (p && files[i].kind == PL_VMM_VHOST)
			vhost_told(h, p, &files[i]);
		else if (p && files[i].kind == PL_VMM_VCPU)
			vcpu_told(h, p, &files[i]);
	}
}

/* Read an iterator to its end; the number of files, or -errno */
static ssize_t iter_read(int fd, struct pl_vmm_file **files)
{
	size_t size = 0, used = 0;
	char *buf = NULL, *more;
	ssize_t n;

	for (;;) {
		if (size - used < 4096) {
			size = size ? 2 * size : 65536;
			more = realloc(buf, size);
			if (!more) {
				free(buf);
				return -ENOMEM;
			}
			buf = more;
		}
		n = read(fd, buf + used, size - used);
		if (n < 0 && errno == EAGAIN)
			continue; /* many tasks without a file of ours */
		if (n <= 0)
			break;
		used += n;
	}
	if (n < 0) {
		free(buf);
		return -errno;
	}
	*files = (void *)buf;
	return used / sizeof(**files);
}

/* pid 0: all processes, for kernels whose iterator cannot be told one (before 6.1) */
static int files_ask(struct host *h, const struct vmm_bpf *skel, __u32 pid)
{
	union bpf_iter_link_info which = { .task.pid = pid };
	DECLARE_LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = pid ? &which : NULL,
			    .link_info_len = pid ? sizeof(which) : 0);
	struct bpf_link *link = bpf_program__attach_iter(skel->progs.pl_vmm_files, &opts);
	struct pl_vmm_file *files = NULL;
	ssize_t n;
	int fd;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	n = fd < 0 ? -errno : iter_read(fd, &files);
	if (n > 0)
		files_told(h, files, n);
	free(files);
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return n < 0 ? n : 0;
}

static int print_nothing(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

void host_vmm_read(struct host *h)
{
	libbpf_print_fn_t before = libbpf_set_print(print_nothing);
	struct vmm_bpf *skel = vmm_bpf__open_and_load();
	int err = skel ? 0 : -errno;
	size_t i;

	for (i = 0; !err && i < h->nprocs; i++)
		err = files_ask(h, skel, h->procs[i]->task->tid);
	/* one that has ended meanwhile is no reason; one that cannot be told is */
	if (skel && err && err != -ESRCH)
		err = files_ask(h, skel, 0);
	vmm_bpf__destroy(skel);
	libbpf_set_print(before);
	for (i = 0; err && i < h->nprocs; i++)
		if (h->procs[i]->vmm)
			host_remark(h, "which vhost worker serves which tap is told by names only: no BPF iterator (%s)",
				    strerror(-err));
}
