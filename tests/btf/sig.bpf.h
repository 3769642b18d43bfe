/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Compiled in front of each file of bpf/ for the BTF test only: a program's arguments, as its
 * author wrote them, become the type of a variable sig_<program>. The real macros leave no trace
 * of them in BTF, since the function that has them is always inlined.
 */
#include "pktlap.bpf.h"

#undef BPF_PROG
#undef BPF_KPROBE

#define BPF_PROG(name, args...) \
	name(unsigned long long *ctx); \
	int (*sig_##name)(args); \
	int name(unsigned long long *ctx) \
	{ \
		return 0; \
	} \
	static inline int body_##name(unsigned long long *ctx, ##args)

#define BPF_KPROBE(name, args...) \
	name(struct pt_regs *ctx); \
	int (*sig_##name)(args); \
	int name(struct pt_regs *ctx) \
	{ \
		return 0; \
	} \
	static inline int body_##name(struct pt_regs *ctx, ##args)
