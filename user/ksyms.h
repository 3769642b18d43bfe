/* SPDX-License-Identifier: GPL-2.0 */
/* Symbols of the running kernel and its modules, from /proc/kallsyms */
#ifndef PKTLAP_KSYMS_H
#define PKTLAP_KSYMS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

struct ksyms;

/* Read the table once (about 200 000 symbols). -ENOENT, -EACCES, -ENOMEM */
int ksyms_load(struct ksyms **out);
void ksyms_free(struct ksyms *k);

/* Is there a function or object of this name; *module (may be NULL) points to its module's name,
 * "" for the kernel itself, valid as long as k */
bool ksyms_has(const struct ksyms *k, const char *name, const char **module);

/* Address, 0 when absent or hidden (kptr_restrict) */
__u64 ksyms_addr(const struct ksyms *k, const char *name);

/* The function at an address: name and distance. NULL when none is near (64 KiB) */
const char *ksyms_find(const struct ksyms *k, __u64 addr, __u64 *offset, const char **module);

#endif
