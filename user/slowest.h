/* SPDX-License-Identifier: GPL-2.0 */
/* The N packets of the longest total time, out of any number */
#ifndef PKTLAP_SLOWEST_H
#define PKTLAP_SLOWEST_H

#include "stitch.h"

struct slowest;

/* Memory is for at most max packets, and only as many sightings as they have */
int slowest_new(size_t max, struct slowest **out);
void slowest_free(struct slowest *s);

int slowest_add(struct slowest *s, const struct packet *p); /* 0 or -ENOMEM; copies p */

/* Call fn for each, the slowest first; of equal ones the earlier first. Passes on a return
 * other than 0. Empties s */
int slowest_each(struct slowest *s, int (*fn)(void *ctx, const struct packet *p), void *ctx);

#endif
