/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the recorder replaces in the programs by a call of bpf_rdonly_cast() where the kernel has it
 * (6.2, commit a35b9af4ec2c): r0 = CAST_HERE. A weak symbol in its place would keep the programs
 * from being loaded before 5.16, which refuses calls of function 0 even in code that never runs.
 */
#ifndef PKTLAP_CAST_H
#define PKTLAP_CAST_H

#define CAST_HERE 0x74736163

#endif
