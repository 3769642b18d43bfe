/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the catalogue's tracepoints and functions are in the kernel's BTF, found in one pass over
 * it. libbpf 1.1 looks through all of it once for each program: a third of the time to load ours.
 */
#ifndef PKTLAP_HOOKS_BTF_H
#define PKTLAP_HOOKS_BTF_H

struct hooks_btf;
struct ksyms;

/*
 * Read the BTF of the kernel and of the modules that hooks are in (by k), and have libbpf load
 * programs of tp_btf, fentry and fexit by it, in all objects opened from now on until
 * hooks_btf_free(). 0 or -errno
 */
int hooks_btf_new(const struct ksyms *k, struct hooks_btf **out);
void hooks_btf_free(struct hooks_btf *b); /* takes NULL; programs that are loaded stay */

#endif
