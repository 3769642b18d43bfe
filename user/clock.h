/* SPDX-License-Identifier: GPL-2.0 */
/* Snapshots of a domain's clocks, so that times can be mapped between them later */
#ifndef PKTLAP_CLOCK_H
#define PKTLAP_CLOCK_H

#include <jansson.h>
#include <linux/types.h>
#include <stdbool.h>

/*
 * A guest's clock read together with its host's: PTP_SYS_OFFSET_PRECISE on ptp_kvm
 * (Documentation/virt/kvm/x86/hypercalls.rst, KVM_HC_CLOCK_PAIRING).
 */
struct clock_pair {
	bool on;
	__u64 host_real_ns; /* the host's CLOCK_REALTIME */
	__u64 real_ns; /* this kernel's, at the same time */
};

struct clock_snapshot {
	__u64 mono_ns; /* middle of the reading */
	__u64 real_ns, tai_ns, boot_ns;
	__u64 width_ns; /* time that the reading took: the others are off by at most half */
	__u64 tsc; /* the CPU's counter (x86: TSC, arm64: CNTVCT), at mono_ns as are the others; 0: none */
	/* the kernel's own bound of real_ns against true time (adjtimex); 0: not synchronised */
	__u64 real_error_ns;
	struct clock_pair pair;
};

/* CLOCK_MONOTONIC, ns */
__u64 clock_mono_ns(void);

/* The device of ptp_kvm, to be closed by the caller; -ENOENT: this is no such guest; -errno */
int clock_pair_open(void);

/*
 * Read all clocks between two readings of CLOCK_MONOTONIC, best (narrowest) of a few tries.
 * pair_fd: of clock_pair_open(), or negative.
 */
void clock_snapshot_take(struct clock_snapshot *s, int pair_fd);

/*
 * By what this kernel's clock can be related to another's: {ptp_kvm: bool, ptp_kvm_why: "",
 * realtime: bool, real_error_ns}. Caller owns the reference; NULL: no memory.
 */
json_t *clock_methods_doc(void);

/* The document TRACE_CLOCK (trace.h); caller owns the reference */
json_t *clock_snapshot_doc(const struct clock_snapshot *s);

#endif
