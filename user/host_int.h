/* SPDX-License-Identifier: GPL-2.0 */
/* Inside the snapshot: how its parts (host_*.c) fill it */
#ifndef PKTLAP_HOST_INT_H
#define PKTLAP_HOST_INT_H

#include "host.h"
#include "nl.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

/* State while the devices of one namespace are read; the thread is in it */
struct host_scan {
	struct host *h;
	struct host_netns *ns;
	struct nl nl; /* NETLINK_ROUTE */
	int sysfs; /* directory: its sysfs; -1 */
	int ioctl_sock; /* for ethtool; -1 */
	bool has_bridge, has_clsact;
	__s8 feature[256]; /* bit number of a netdev feature -> enum host_offload, -1; feature_n of them */
	unsigned int feature_n;
	bool feature_read;
};

/*
 * Room for one more at the end of an array of the arena: the array, moved when it was full (n is 0
 * or a power of two), so that n may be counted up. NULL: no memory, n stays.
 */
void *host_grow(struct host *h, const void *array, size_t n, size_t size);
#define host_add(h, array, n) \
	(host_add_to((h), (void **)&(array), &(n), sizeof(*(array))) ? &(array)[(n)-1] : NULL)
bool host_add_to(struct host *h, void **array, size_t *n, size_t size);

void host_remark(struct host *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The parts, in this order for each namespace; 0 or -errno (-ENOMEM is in h->mem.failed too) */
int host_links_read(struct host_scan *s); /* links, XDP, bridge VLANs, addresses */
int host_tc_read(struct host_scan *s); /* qdiscs, filters, tcx */
void host_ethtool_read(struct host_scan *s, struct host_dev *d);
void host_sysfs_open(struct host_scan *s);
void host_sysfs_read(struct host_scan *s, struct host_dev *d);

/* When all devices are known: master, lower, peer and the reverse */
void host_links_join(struct host *h);

/* Text of the parameters of a qdisc (TCA_OPTIONS) */
const char *host_qdisc_params(struct host *h, const char *kind, const struct nlattr *options);

/* A program on d, with its name asked by id; tcx programs of a device of the current namespace */
struct host_prog *host_prog_add(struct host *h, struct host_dev *d, enum host_hook hook, __u32 id);
void host_tcx_read(struct host_scan *s, struct host_dev *d);

/* Processes and tasks, after the devices */
int host_procs_read(struct host *h);
struct host_task *host_task_get(struct host *h, __u32 tgid, __u32 tid);
/* By the kernel's own structures: which tap which vhost worker serves, which thread is a vCPU */
void host_vmm_read(struct host *h);
/* Put a task into a list of a process, once */
void host_proc_task(struct host *h, struct host_task ***list, size_t *n, struct host_task *t);

#endif
