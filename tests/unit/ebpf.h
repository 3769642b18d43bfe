/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An interpreter for the part of eBPF that the filter's translator emits. Every access is checked:
 * to the frame's window, to the stack, and by the helper to the bytes of the packet that may be
 * read. libpcap's header and linux/bpf.h cannot be had together: what libpcap's does not name is
 * named here (values of include/uapi/linux/bpf.h).
 */
#ifndef TEST_EBPF_H
#define TEST_EBPF_H

#include <endian.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "bpf/filter_abi.h"

#define E_JMP32 0x06
#define E_ALU64 0x07
#define E_DW	0x18
#define E_MOV	0xb0
#define E_END	0xd8 /* to big endian */
#define E_JNE	0x50
#define E_JLT	0xa0
#define E_JLE	0xb0
#define E_CALL	0x85
#define E_STACK 512

enum { E_OK,
       E_BAD_CODE,
       E_BAD_ACCESS };

struct ebpf_insn {
	__u8 code;
	__u8 dst : 4, src : 4;
	__s16 off;
	__s32 imm;
};

struct ebpf {
	__u64 r[11];
	_Alignas(8) __u8 stack[E_STACK];
	const struct filter_frame *frame;
	const __u8 *rest; /* packet's bytes: byte v of the frame is rest[v] */
	unsigned int error, steps;
};

static inline void *ebpf_memory(struct ebpf *m, __u64 at, size_t n, bool write)
{
	__u8 *p = (__u8 *)(unsigned long)at;
	const __u8 *frame = (const __u8 *)m->frame;

	if (p >= m->stack && p + n <= m->stack + E_STACK)
		return p;
	if (!write && p >= frame && p + n <= frame + sizeof(*m->frame))
		return p;
	m->error = E_BAD_ACCESS;
	return NULL;
}

static inline size_t ebpf_size(__u8 code)
{
	switch (code & 0x18) {
	case BPF_B: return 1;
	case BPF_H: return 2;
	case BPF_W: return 4;
	default: return 8;
	}
}

static inline void ebpf_load(struct ebpf *m, const struct ebpf_insn *i)
{
	size_t n = ebpf_size(i->code);
	const void *p = ebpf_memory(m, m->r[i->src] + i->off, n, false);
	__u64 v = 0;

	if (p)
		memcpy(&v, p, n); /* little endian */
	m->r[i->dst] = v;
}

static inline void ebpf_store(struct ebpf *m, const struct ebpf_insn *i, __u64 v)
{
	size_t n = ebpf_size(i->code);
	void *p = ebpf_memory(m, m->r[i->dst] + i->off, n, true);

	if (p)
		memcpy(p, &v, n);
}

/* bpf_probe_read_kernel() */
static inline void ebpf_probe_read(struct ebpf *m)
{
	void *to = ebpf_memory(m, m->r[1], m->r[2], true);
	__u64 from = m->r[3] - m->frame->rest;

	if (!to || from < 18 || from + m->r[2] > m->frame->have) {
		m->error = E_BAD_ACCESS;
		return;
	}
	memcpy(to, m->rest + from, m->r[2]);
	m->r[0] = 0;
	for (int i = 1; i <= 5; i++)
		m->r[i] = 0xdeadbeefdeadbeefULL;
}

static inline __u64 ebpf_alu(struct ebpf *m, __u8 op, __u64 a, __u64 b, bool wide)
{
	switch (op) {
	case BPF_ADD: return a + b;
	case BPF_SUB: return a - b;
	case BPF_MUL: return a * b;
	case BPF_DIV: return b ? a / b : 0;
	case BPF_MOD: return b ? a % b : a;
	case BPF_OR: return a | b;
	case BPF_AND: return a & b;
	case BPF_XOR: return a ^ b;
	case BPF_LSH: return a << (b & (wide ? 63 : 31));
	case BPF_RSH: return a >> (b & (wide ? 63 : 31));
	case BPF_NEG: return -a;
	case E_MOV: return b;
	default: m->error = E_BAD_CODE; return 0;
	}
}

static inline void ebpf_alu_step(struct ebpf *m, const struct ebpf_insn *i)
{
	bool wide = (i->code & 7) == E_ALU64;
	__u64 a = m->r[i->dst], b = i->code & BPF_X ? m->r[i->src] : (__u64)(__s64)i->imm;

	if ((i->code & 0xf8) == E_END && !wide) {
		m->r[i->dst] = i->imm == 16 ? be16toh((__u16)a) : be32toh((__u32)a);
		return;
	}
	if (!wide) {
		a = (__u32)a;
		b = (__u32)b;
	}
	a = ebpf_alu(m, i->code & 0xf0, a, b, wide);
	m->r[i->dst] = wide ? a : (__u32)a;
}

static inline bool ebpf_jumps(struct ebpf *m, const struct ebpf_insn *i)
{
	__u64 a = m->r[i->dst], b = i->code & BPF_X ? m->r[i->src] : (__u64)(__s64)i->imm;

	if ((i->code & 7) == E_JMP32) {
		a = (__u32)a;
		b = (__u32)b;
	}
	switch (i->code & 0xf0) {
	case BPF_JA: return true;
	case BPF_JEQ: return a == b;
	case E_JNE: return a != b;
	case BPF_JGT: return a > b;
	case BPF_JGE: return a >= b;
	case E_JLT: return a < b;
	case E_JLE: return a <= b;
	case BPF_JSET: return a & b;
	default: m->error = E_BAD_CODE; return false;
	}
}

/* From the first instruction to the one behind the last; r0. *error: E_OK or what went wrong */
static inline __u64 ebpf_run(struct ebpf *m, const struct ebpf_insn *insn, size_t n)
{
	size_t at = 0;

	m->error = E_OK;
	m->steps = 0;
	m->r[1] = (unsigned long)m->frame;
	m->r[10] = (unsigned long)(m->stack + E_STACK);
	/* a filter has no loop: no instruction runs twice */
	while (at < n && !m->error && m->steps++ < n) {
		const struct ebpf_insn *i = &insn[at++];

		switch (i->code & 7) {
		case E_ALU64:
		case BPF_ALU: ebpf_alu_step(m, i); break;
		case BPF_LDX: ebpf_load(m, i); break;
		case BPF_STX: ebpf_store(m, i, m->r[i->src]); break;
		case BPF_ST: ebpf_store(m, i, i->imm); break;
		case BPF_JMP:
		case E_JMP32:
			if (i->code == E_CALL)
				ebpf_probe_read(m);
			else if (ebpf_jumps(m, i))
				at += i->off;
			break;
		default: m->error = E_BAD_CODE;
		}
	}
	if (at != n && !m->error)
		m->error = E_BAD_CODE;
	return m->r[0];
}

#endif
