// SPDX-License-Identifier: GPL-2.0
/* The maps and the configuration, once for all layers; the others have them as extern */
#define PL_DEFINE_MAPS
#include "pktlap.bpf.h"

char LICENSE[] SEC("license") = "GPL";
