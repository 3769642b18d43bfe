/* SPDX-License-Identifier: GPL-2.0 */
/* Inside of the breakdown: the order of a path's nodes */
#ifndef PKTLAP_BREAKDOWN_ORDER_H
#define PKTLAP_BREAKDOWN_ORDER_H

#include "breakdown.h"

/*
 * Bring the nodes of a path into the order of the way and its stages into the order of the
 * nodes. On entry the first nfixed nodes are the packet hops in their order (the same for all
 * packets of the path), the others the optional ones in any order. slowest_stage, which must be
 * set when there are stages, goes with its stage. 0 or -ENOMEM
 */
int path_order(struct path_stat *path, size_t nfixed);

#endif
