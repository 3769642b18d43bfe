// SPDX-License-Identifier: GPL-2.0
/*
 * Classic BPF to eBPF. Each classic instruction becomes a few of eBPF, jumps go forward only. The
 * state of the classic machine:
 *
 *	r6 the frame's first byte in the window, r7 A, r8 X, r9 how many bytes can be read
 *	fp-8 the struct filter_frame, fp-16 what was read beyond the window, below: M[]
 *
 * A and X are 32 bits wide: the upper halves are 0 always. No 64-bit constants, so that an
 * instruction stays an instruction and the debug information stays true.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"

#define FRAME_FP		 -8
#define BYTES_FP		 -16
#define M_FP(i)			 (BYTES_FP - 4 * ((int)(i) + 1))

#define ADDRESSES		 12 /* bytes of a frame that are addresses of the link */

#define HELPER_PROBE_READ_KERNEL 113 /* include/uapi/linux/bpf.h */

/* Where a jump goes whose place is not known yet: kept in insn.imm's place by patches */
enum { TO_REJECT = -1,
       TO_UNSURE = -2,
       TO_BEYOND = -3,
       TO_END = -4 };

struct patch {
	size_t at; /* the jump */
	int to; /* classic instruction, or one of the above */
};

struct translation {
	struct filter *out;
	struct bpf_insn *insn; /* those of out */
	struct patch *patch;
	size_t npatch, *start; /* of each classic instruction */
	bool full;
};

static void emit(struct translation *t, __u8 code, __u8 dst, __u8 src, __s16 off, __s32 imm)
{
	if (t->out->n == FILTER_ROOM) {
		t->full = true;
		return;
	}
	t->insn[t->out->n++] = (struct bpf_insn){
		.code = code,
		.dst_reg = dst,
		.src_reg = src,
		.off = off,
		.imm = imm,
	};
}

static void emit_jump(struct translation *t, __u8 code, __u8 dst, __u8 src, __s32 imm, int to)
{
	if (!t->full)
		t->patch[t->npatch++] = (struct patch){ t->out->n, to };
	emit(t, code, dst, src, 0, imm);
}

static void mov_imm(struct translation *t, __u8 reg, __u32 imm)
{
	emit(t, BPF_ALU | BPF_MOV | BPF_K, reg, 0, 0, (__s32)imm);
}

static void mov_reg(struct translation *t, __u8 reg, __u8 from)
{
	emit(t, BPF_ALU64 | BPF_MOV | BPF_X, reg, from, 0, 0);
}

static void add_imm(struct translation *t, __u8 reg, __s32 imm)
{
	/* two of the names are of 0; NOLINTNEXTLINE(misc-redundant-expression) */
	emit(t, BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, 0, imm);
}

static int size_of(__u16 code)
{
	switch (BPF_SIZE(code)) {
	case BPF_B: return 1;
	case BPF_H: return 2;
	default: return 4;
	}
}

/* A number of the packet is in network order, in both machines' memory */
static void to_host(struct translation *t, __u8 reg, int size)
{
	if (size > 1)
		emit(t, BPF_ALU | BPF_END | BPF_TO_BE, reg, 0, 0, size * 8);
}

/* r2 = end of what is read, and it can be read: now by the helper */
static void load_rest(struct translation *t, __u8 reg, __u16 code)
{
	int size = size_of(code);

	emit(t, BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_1, BPF_REG_10, FRAME_FP, 0);
	emit(t, BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_3, BPF_REG_1,
	     offsetof(struct filter_frame, rest), 0);
	emit(t, BPF_ALU64 | BPF_ADD | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0);
	add_imm(t, BPF_REG_3, -size);
	mov_reg(t, BPF_REG_1, BPF_REG_10);
	add_imm(t, BPF_REG_1, BYTES_FP);
	mov_imm(t, BPF_REG_2, size);
	emit(t, BPF_JMP | BPF_CALL, 0, 0, 0, HELPER_PROBE_READ_KERNEL);
	emit_jump(t, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_0, 0, 0, TO_UNSURE);
	emit(t, BPF_LDX | BPF_MEM | BPF_SIZE(code), reg, BPF_REG_10, BYTES_FP, 0);
	to_host(t, reg, size);
}

/* r1 = the first byte that there is */
static void load_first(struct translation *t)
{
	emit(t, BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_1, BPF_REG_10, FRAME_FP, 0);
	emit(t, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_1, BPF_REG_1,
	     offsetof(struct filter_frame, first), 0);
}

static void load_fixed(struct translation *t, __u8 reg, __u16 code, __u32 k)
{
	__u64 end = (__u64)k + size_of(code);

	/* no packet is so long */
	if (end > INT32_MAX) {
		emit_jump(t, BPF_JMP | BPF_JA, 0, 0, 0, TO_REJECT);
		return;
	}
	mov_imm(t, BPF_REG_2, end);
	emit_jump(t, BPF_JMP | BPF_JGT | BPF_X, BPF_REG_2, BPF_REG_9, 0, TO_BEYOND);
	if (k < ADDRESSES) {
		load_first(t);
		emit_jump(t, BPF_JMP | BPF_JGT | BPF_K, BPF_REG_1, 0, k, TO_UNSURE);
	}
	if (end > FILTER_WINDOW) {
		load_rest(t, reg, code);
		return;
	}
	emit(t, BPF_LDX | BPF_MEM | BPF_SIZE(code), reg, BPF_REG_6, k, 0);
	to_host(t, reg, size_of(code));
}

/* At X + k */
static void load_indexed(struct translation *t, __u16 code, __u32 k)
{
	__u64 add = (__u64)k + size_of(code);
	size_t far, done;

	if (add > INT32_MAX) {
		emit_jump(t, BPF_JMP | BPF_JA, 0, 0, 0, TO_REJECT);
		return;
	}
	mov_reg(t, BPF_REG_2, BPF_REG_8);
	add_imm(t, BPF_REG_2, add);
	emit_jump(t, BPF_JMP | BPF_JGT | BPF_X, BPF_REG_2, BPF_REG_9, 0, TO_BEYOND);
	if (k < ADDRESSES) {
		load_first(t);
		add_imm(t, BPF_REG_1, size_of(code));
		emit_jump(t, BPF_JMP | BPF_JGT | BPF_X, BPF_REG_1, BPF_REG_2, 0, TO_UNSURE);
	}
	far = t->out->n;
	emit(t, BPF_JMP | BPF_JGT | BPF_K, BPF_REG_2, 0, 0, FILTER_WINDOW);
	mov_reg(t, BPF_REG_3, BPF_REG_6);
	emit(t, BPF_ALU64 | BPF_ADD | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0);
	emit(t, BPF_LDX | BPF_MEM | BPF_SIZE(code), BPF_REG_7, BPF_REG_3, -size_of(code), 0);
	to_host(t, BPF_REG_7, size_of(code));
	done = t->out->n;
	emit(t, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	if (t->full)
		return;
	t->insn[far].off = t->out->n - far - 1;
	load_rest(t, BPF_REG_7, code);
	t->insn[done].off = t->out->n - done - 1;
}

static void load_len(struct translation *t, __u8 reg)
{
	emit(t, BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_1, BPF_REG_10, FRAME_FP, 0);
	emit(t, BPF_LDX | BPF_MEM | BPF_W, reg, BPF_REG_1, offsetof(struct filter_frame, len), 0);
}

/* LD and LDX. -EINVAL: a mode that there is not; -ENOTSUP: not of the packet */
static int load(struct translation *t, const struct sock_filter *c)
{
	__u8 reg = BPF_CLASS(c->code) == BPF_LD ? BPF_REG_7 : BPF_REG_8;

	switch (BPF_MODE(c->code)) {
	case BPF_IMM:
		mov_imm(t, reg, c->k);
		return 0;
	case BPF_ABS:
		if (c->k >= (__u32)SKF_LL_OFF)
			return -ENOTSUP;
		load_fixed(t, reg, c->code, c->k);
		return 0;
	case BPF_IND:
		load_indexed(t, c->code, c->k);
		return 0;
	case BPF_MEM:
		if (c->k >= BPF_MEMWORDS)
			return -EINVAL;
		emit(t, BPF_LDX | BPF_MEM | BPF_W, reg, BPF_REG_10, M_FP(c->k), 0);
		return 0;
	case BPF_LEN:
		load_len(t, reg);
		return 0;
	case BPF_MSH: /* length of an IPv4 header */
		load_fixed(t, reg, BPF_B, c->k);
		emit(t, BPF_ALU | BPF_AND | BPF_K, reg, 0, 0, 0xf);
		emit(t, BPF_ALU | BPF_LSH | BPF_K, reg, 0, 0, 2);
		return 0;
	default:
		return -EINVAL;
	}
}

static int store(struct translation *t, const struct sock_filter *c)
{
	__u8 reg = BPF_CLASS(c->code) == BPF_ST ? BPF_REG_7 : BPF_REG_8;

	if (c->k >= BPF_MEMWORDS)
		return -EINVAL;
	emit(t, BPF_STX | BPF_MEM | BPF_W, BPF_REG_10, reg, M_FP(c->k), 0);
	return 0;
}

/* Shifting out all bits leaves 0 in the classic machine; in eBPF the number wraps at 32 */
static void shift(struct translation *t, const struct sock_filter *c)
{
	if (BPF_SRC(c->code) == BPF_X) {
		emit(t, BPF_JMP | BPF_JLE | BPF_K, BPF_REG_8, 0, 1, 31);
		mov_imm(t, BPF_REG_7, 0);
		emit(t, c->code, BPF_REG_7, BPF_REG_8, 0, 0);
	} else if (c->k > 31) {
		mov_imm(t, BPF_REG_7, 0);
	} else {
		emit(t, c->code, BPF_REG_7, 0, 0, (__s32)c->k);
	}
}

static int alu(struct translation *t, const struct sock_filter *c)
{
	bool by_x = BPF_SRC(c->code) == BPF_X;

	switch (BPF_OP(c->code)) {
	case BPF_LSH:
	case BPF_RSH:
		shift(t, c);
		return 0;
	case BPF_DIV:
	case BPF_MOD:
		if (!by_x && !c->k)
			return -EINVAL;
		if (by_x)
			emit_jump(t, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_8, 0, 0, TO_REJECT);
		break;
	case BPF_ADD:
	case BPF_SUB:
	case BPF_MUL:
	case BPF_OR:
	case BPF_AND:
	case BPF_XOR:
		break;
	case BPF_NEG:
		emit(t, BPF_ALU | BPF_NEG, BPF_REG_7, 0, 0, 0);
		return 0;
	default:
		return -EINVAL;
	}
	/* operations and sources have the same numbers in both machines */
	emit(t, c->code, BPF_REG_7, by_x ? BPF_REG_8 : 0, 0, by_x ? 0 : (__s32)c->k);
	return 0;
}

static int jump(struct translation *t, const struct sock_filter *c, size_t i)
{
	static const __u8 inverse[] = {
		[BPF_JEQ >> 4] = BPF_JNE,
		[BPF_JGT >> 4] = BPF_JLE,
		[BPF_JGE >> 4] = BPF_JLT,
		[BPF_JSET >> 4] = 0,
	};
	int yes = i + 1 + c->jt, no = i + 1 + c->jf;
	__u8 op;
	bool by_x = BPF_SRC(c->code) == BPF_X;

	if (BPF_OP(c->code) == BPF_JA) {
		if (c->k > INT16_MAX)
			return -EINVAL;
		emit_jump(t, BPF_JMP | BPF_JA, 0, 0, 0, i + 1 + c->k);
		return 0;
	}
	/* conditions, too, have the same numbers; the comparison is one of 32 bits */
	if (BPF_OP(c->code) > BPF_JSET)
		return -EINVAL;
	op = BPF_OP(c->code);
	if (!c->jt && inverse[op >> 4]) {
		op = inverse[op >> 4];
		yes = no;
		no = i + 1;
	}
	if (c->jt || c->jf)
		emit_jump(t, BPF_JMP32 | op | BPF_SRC(c->code), BPF_REG_7, by_x ? BPF_REG_8 : 0,
			  by_x ? 0 : (__s32)c->k, yes);
	if (no != (int)i + 1)
		emit_jump(t, BPF_JMP | BPF_JA, 0, 0, 0, no);
	return 0;
}

static int ret(struct translation *t, const struct sock_filter *c)
{
	switch (BPF_RVAL(c->code)) {
	case BPF_K:
		mov_imm(t, BPF_REG_0, c->k ? FILTER_PASS : FILTER_REJECT);
		emit_jump(t, BPF_JMP | BPF_JA, 0, 0, 0, TO_END);
		return 0;
	case BPF_A:
		emit_jump(t, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_7, 0, 0, TO_REJECT);
		mov_imm(t, BPF_REG_0, FILTER_PASS);
		emit_jump(t, BPF_JMP | BPF_JA, 0, 0, 0, TO_END);
		return 0;
	default:
		return -EINVAL;
	}
}

static int translate_one(struct translation *t, const struct sock_filter *c, size_t i)
{
	switch (BPF_CLASS(c->code)) {
	case BPF_LD:
	case BPF_LDX:
		return load(t, c);
	case BPF_ST:
	case BPF_STX:
		return store(t, c);
	case BPF_ALU:
		return alu(t, c);
	case BPF_JMP:
		return jump(t, c, i);
	case BPF_RET:
		return ret(t, c);
	default: /* BPF_MISC */
		if (BPF_MISCOP(c->code) == BPF_TAX)
			mov_reg(t, BPF_REG_8, BPF_REG_7);
		else
			mov_reg(t, BPF_REG_7, BPF_REG_8);
		return 0;
	}
}

/* Cells of M[] that are read start as 0: the verifier must see it */
static void prologue(struct translation *t, const struct sock_filter *code, size_t n)
{
	unsigned int used = 0, cell;
	size_t i;

	for (i = 0; i < n; i++)
		if ((BPF_CLASS(code[i].code) == BPF_LD || BPF_CLASS(code[i].code) == BPF_LDX) &&
		    BPF_MODE(code[i].code) == BPF_MEM && code[i].k < BPF_MEMWORDS)
			used |= 1u << code[i].k;
	/* what is left of the room is never run. The verifier may know so, but must not find that
	 * no instruction leads there: a jump that is never taken does */
	mov_imm(t, BPF_REG_0, 0);
	emit_jump(t, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_0, 0, 0, n);
	emit(t, BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, BPF_REG_1, FRAME_FP, 0);
	mov_reg(t, BPF_REG_6, BPF_REG_1);
	emit(t, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1,
	     offsetof(struct filter_frame, start), 0);
	emit(t, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, 0, 0, FILTER_SHIFT);
	emit(t, BPF_ALU64 | BPF_ADD | BPF_X, BPF_REG_6, BPF_REG_2, 0, 0);
	emit(t, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_9, BPF_REG_1, offsetof(struct filter_frame, have), 0);
	mov_imm(t, BPF_REG_7, 0);
	mov_imm(t, BPF_REG_8, 0);
	for (cell = 0; cell < BPF_MEMWORDS; cell++)
		if (used & 1u << cell)
			emit(t, BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, M_FP(cell), 0);
}

/* The ends that all share. Returns through places[-to]: where each begins */
static void epilogue(struct translation *t, size_t places[5])
{
	places[-TO_BEYOND] = t->out->n;
	load_len(t, BPF_REG_1);
	/* beyond the packet: as libpcap has it, no match. Else in a fragment */
	emit_jump(t, BPF_JMP | BPF_JGT | BPF_X, BPF_REG_2, BPF_REG_1, 0, TO_REJECT);
	places[-TO_UNSURE] = t->out->n;
	mov_imm(t, BPF_REG_0, FILTER_UNSURE);
	emit_jump(t, BPF_JMP | BPF_JA, 0, 0, 0, TO_END);
	places[-TO_REJECT] = t->out->n;
	mov_imm(t, BPF_REG_0, FILTER_REJECT);
	emit_jump(t, BPF_JMP | BPF_JA, 0, 0, 0, TO_END);
	places[-TO_END] = FILTER_ROOM;
}

static void fill(struct translation *t)
{
	size_t i;

	for (i = t->out->n; i < FILTER_ROOM; i++)
		t->insn[i] = (struct bpf_insn){
			.code = BPF_ALU64 | BPF_MOV | BPF_K,
			.imm = FILTER_FILLER,
		};
}

static int too_long(struct filter_error *err)
{
	snprintf(err->why, sizeof(err->why),
		 "too long: it needs more than %d instructions (divide it, or use net instead of many "
		 "hosts)",
		 FILTER_ROOM);
	return -E2BIG;
}

static int translate(struct translation *t, const struct sock_filter *code, size_t n,
		     struct filter_error *err)
{
	size_t places[5], i, to;
	int ret;

	prologue(t, code, n);
	for (i = 0; i < n; i++) {
		t->start[i] = t->out->n;
		ret = translate_one(t, &code[i], i);
		if (ret) {
			snprintf(err->why, sizeof(err->why),
				 ret == -ENOTSUP ? "it asks for what only a live capture knows, not the "
						   "packet (inbound, outbound, ...)"
						 : "libpcap compiled it to what is not known here");
			return -EINVAL;
		}
	}
	epilogue(t, places);
	/* the never taken jump to what is left */
	t->start[n] = t->out->n;
	if (t->full || t->out->n >= FILTER_ROOM)
		return too_long(err);
	for (i = 0; i < t->npatch; i++) {
		const struct patch *p = &t->patch[i];

		to = p->to < 0 ? places[-p->to] : t->start[p->to];
		t->insn[p->at].off = to - p->at - 1;
	}
	fill(t);
	return 0;
}

/* The farthest that an instruction jumps; backward jumps come out as very far ones */
static __u64 jump_end(const struct sock_filter *c, size_t i)
{
	if (BPF_CLASS(c->code) != BPF_JMP)
		return 0;
	if (BPF_OP(c->code) == BPF_JA)
		return (__u64)i + 1 + c->k;
	return i + 1 + (c->jt > c->jf ? c->jt : c->jf);
}

int filter_translate(const struct sock_filter *code, size_t n, struct filter *out,
		     struct filter_error *err)
{
	struct translation t = { .out = out, .insn = (struct bpf_insn *)out->insn };
	size_t i;
	int ret = -ENOMEM;

	err->at = -1;
	out->n = 0;
	if (n > FILTER_ROOM)
		return too_long(err);
	memcpy(out->classic, code, n * sizeof(*code));
	out->nclassic = n;
	for (i = 0; i < n; i++)
		if (jump_end(&code[i], i) >= n) {
			snprintf(err->why, sizeof(err->why),
				 "it needs a loop, which cannot be had here (protochain)");
			return -EINVAL;
		}
	t.patch = calloc(FILTER_ROOM, sizeof(*t.patch));
	t.start = calloc(n + 1, sizeof(*t.start));
	if (t.patch && t.start)
		ret = translate(&t, code, n, err);
	free(t.patch);
	free(t.start);
	return ret;
}

unsigned int filter_splice(const struct filter *f, void *elf, size_t size)
{
	const struct bpf_insn filler = {
		.code = BPF_ALU64 | BPF_MOV | BPF_K,
		.imm = FILTER_FILLER,
	};
	struct bpf_insn *at = elf, *end = at + size / sizeof(*at), *first;
	unsigned int found = 0;

	/* sections of code are aligned to 8 bytes in the file */
	for (; at < end; at++) {
		if (memcmp(at, &filler, sizeof(filler)))
			continue;
		for (first = at; at < end && !memcmp(at, &filler, sizeof(filler)); at++)
			;
		if (at - first != FILTER_ROOM)
			continue;
		memcpy(first, f->insn, sizeof(f->insn));
		found++;
	}
	return found;
}
