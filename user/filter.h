/* SPDX-License-Identifier: GPL-2.0 */
/*
 * FILTER: an expression of pcap-filter(7) becomes classic BPF by libpcap (filter_compile.c), that
 * becomes eBPF (filter_ebpf.c), and that is put into the object of the programs in place of the
 * filler instructions of filter_run() (bpf/filter.bpf.h), before libbpf gets to see it.
 */
#ifndef PKTLAP_FILTER_H
#define PKTLAP_FILTER_H

#include <linux/types.h>
#include <stddef.h>

#include "bpf/filter_abi.h"

struct sock_filter; /* an instruction of classic BPF, linux/filter.h */

struct filter {
	__u64 insn[FILTER_ROOM]; /* struct bpf_insn; all of them, also where the filter is shorter */
	size_t n; /* used by the expression */
	__u64 classic[FILTER_ROOM]; /* struct sock_filter: what it was translated from */
	size_t nclassic;
};

struct filter_error {
	char why[256];
	int at; /* byte of the expression where it goes wrong; -1: not known */
};

/*
 * Compile an expression for Ethernet frames. *code is to be freed by the caller. 0, -EINVAL (the
 * expression is wrong, or asks for what only a live capture has: err is filled in) or -ENOMEM.
 */
int filter_compile(const char *text, struct sock_filter **code, size_t *n, struct filter_error *err);

/* Translate. 0; -EINVAL, -E2BIG with err filled in: what the code needs cannot be had */
int filter_translate(const struct sock_filter *code, size_t n, struct filter *out,
		     struct filter_error *err);

/* Both. The caller frees *out */
int filter_new(const char *text, struct filter **out, struct filter_error *err);

/* Why, the expression, and a caret under the place where it is known: lines on stderr */
void filter_error_show(const char *text, const struct filter_error *err);

/*
 * Put the filter into the image of a BPF object file. Returns how many functions were filled in:
 * 1 in pktlap's own; 0: the image has no room for a filter.
 */
unsigned int filter_splice(const struct filter *f, void *elf, size_t size);

#endif
