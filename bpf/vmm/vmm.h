/* SPDX-License-Identifier: GPL-2.0 */
/* What the iterator over a VMM's files tells of each; read by user/host_vmm.c */
#ifndef PKTLAP_VMM_H
#define PKTLAP_VMM_H

enum pl_vmm_kind {
	PL_VMM_TAP, /* queue of a tap or macvtap */
	PL_VMM_VHOST, /* a virtqueue of vhost-net */
	PL_VMM_VCPU,
};

struct pl_vmm_file {
	__u64 file; /* address: of the open file; VHOST: of the tap's that the queue serves, 0: none */
	__u32 pid; /* process */
	__u32 fd;
	__u32 kind; /* enum pl_vmm_kind */
	__u32 number; /* VHOST: of the virtqueue; VCPU: of the vCPU */
	__u32 tid; /* VHOST: the worker; VCPU: the thread that ran it last; 0: none yet */
	__u32 unused;
};

#endif
