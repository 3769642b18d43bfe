/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel types for CO-RE: only the structs and fields that the BPF programs use, in no
 * particular order and without the rest. clang records each access by name, libbpf looks up the
 * real offset in the running kernel's (or module's) BTF.
 *
 * A struct with a suffix after three underscores is the shape of some kernels only; the suffix
 * says which, and every use is guarded by bpf_core_field_exists(). tests/btf checks all others
 * against the BTF of every kernel of the lab.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#include "base.h"
#include "regs.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

#include "sched.h"
#include "net.h"
#include "virt.h"

#pragma clang attribute pop

#endif
