// SPDX-License-Identifier: GPL-2.0
/* All structs of vmlinux/, used or not, so that they get into BTF: types.inc has one variable each */
#include "vmlinux.h"
#include "types.inc"

struct pt_regs type_pt_regs;
