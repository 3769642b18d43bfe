/* SPDX-License-Identifier: GPL-2.0 */
/* Plain loads of kernel memory in the programs, where the kernel permits them (bpf/cast.h) */
#ifndef PKTLAP_HOOKS_CAST_H
#define PKTLAP_HOOKS_CAST_H

#include <stdbool.h>
#include <stddef.h>

/* BTF number of bpf_rdonly_cast() in the running kernel; 0: has none, or refuses it */
int cast_func(void);

/* Put the call of it into the image of an object that was not opened yet; returns how often */
unsigned int cast_splice(int func, void *image, size_t len);

#endif
