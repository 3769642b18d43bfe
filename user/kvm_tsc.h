/* SPDX-License-Identifier: GPL-2.0 */
/* How KVM shows the host's counter to its guests, by debugfs */
#ifndef PKTLAP_KVM_TSC_H
#define PKTLAP_KVM_TSC_H

#include <jansson.h>

/*
 * [{vmm, offset, ratio, ratio_bits}]: for each VM the pid of its VMM and, of its first vCPU,
 * guest counter = host counter * ratio / 2^ratio_bits + offset; ratio 0: not scaled. From
 * debugfs/kvm/PID-FD/vcpu0 (arch/x86/kvm/debugfs.c). root: where the file systems are ("" for /).
 * An empty array where there are none, or debugfs is not there. Caller owns the reference.
 */
json_t *kvm_tsc_doc(const char *root);

#endif
