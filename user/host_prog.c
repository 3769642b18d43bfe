// SPDX-License-Identifier: GPL-2.0
/* BPF programs by bpf(): their names, and those that sit on tcx, which rtnetlink does not tell */
#include "host_int.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* enum bpf_attach_type of 6.6 (commit e420bed02507); not in older headers */
#define TCX_INGRESS 46
#define TCX_EGRESS  47

static void prog_ask(struct host *h, struct host_prog *p)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(p->id);

	if (fd < 0) {
		if (errno == EPERM)
			host_remark(h, "names of BPF programs are not shown: no CAP_SYS_ADMIN");
		return;
	}
	if (!bpf_obj_get_info_by_fd(fd, &info, &len)) {
		info.name[sizeof(info.name) - 1] = 0;
		p->name = arena_printf(&h->mem, "%s", info.name);
		p->known = true;
		p->jited = info.jited_prog_len;
	}
	close(fd);
}

struct host_prog *host_prog_add(struct host *h, struct host_dev *d, enum host_hook hook, __u32 id)
{
	struct host_prog *p = host_add(h, d->progs, d->nprogs);

	if (!p)
		return NULL;
	*p = (struct host_prog){ .hook = hook, .id = id, .name = "", .filter = "" };
	if (id)
		prog_ask(h, p);
	return p;
}

/* Without libbpf: 1.1 does not take an ifindex here. Runs on the current namespace's device */
static void tcx_query(struct host_scan *s, struct host_dev *d, enum host_hook hook, __u32 type)
{
	union bpf_attr attr;
	__u32 ids[64];

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = d->ifindex;
	attr.query.attach_type = type;
	attr.query.prog_ids = (__u64)(unsigned long)ids;
	attr.query.prog_cnt = ARRAY_SIZE(ids);
	if (syscall(__NR_bpf, BPF_PROG_QUERY, &attr, sizeof(attr)))
		return; /* none there, no tcx in this kernel, not allowed */
	for (__u32 i = 0; i < attr.query.prog_cnt && i < ARRAY_SIZE(ids); i++)
		host_prog_add(s->h, d, hook, ids[i]);
}

void host_tcx_read(struct host_scan *s, struct host_dev *d)
{
	tcx_query(s, d, HOST_TCX_INGRESS, TCX_INGRESS);
	tcx_query(s, d, HOST_TCX_EGRESS, TCX_EGRESS);
}
