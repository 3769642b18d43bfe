/* SPDX-License-Identifier: GPL-2.0 */
/* Which hops a user asks for */
#ifndef PKTLAP_HOP_SELECT_H
#define PKTLAP_HOP_SELECT_H

#include <stdbool.h>

#include "catalogue.h"

/*
 * Set want[] (by base hop) for a comma-separated list of hop names or shell patterns ("nic:*"),
 * and asked[] for the hops as named; NULL: all hops, none asked. Returns 0, or -EINVAL with *bad
 * pointing to the item that matches no hop.
 */
int hops_select(const char *list, bool want[PL_NR_HOPS], bool asked[PL_NR_HOPS], char bad[64]);

#endif
