/* SPDX-License-Identifier: GPL-2.0 */
/* Lines of the kernel's source, where its debug info is installed */
#ifndef PKTLAP_DROP_SOURCE_H
#define PKTLAP_DROP_SOURCE_H

#include <linux/types.h>
#include <stddef.h>

struct drop_source;

/* NULL: not to be had, which the other two take */
struct drop_source *drop_source_open(void);
void drop_source_close(struct drop_source *s);

/* "net/ipv4/ip_input.c:123" of an address in the kernel into to, or "" */
void drop_source_find(struct drop_source *s, __u64 addr, char *to, size_t len);

#endif
