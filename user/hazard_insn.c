// SPDX-License-Identifier: GPL-2.0
/* Of the hazards: where the argument of a call in a loaded program comes from */
#include <stdlib.h>
#include <string.h>

#include "hazard_bpf.h"

#define STEPS_MAX 4096 /* of one search, over all ways */

/* A backward search: what register reg holds, or (deref) what lies where it points */
struct search {
	const struct hazard_prog *p;
	struct hazard_value *out;
	size_t n, max, steps;
	__u16 *seen; /* by instruction: registers that were asked for there */
	bool *target; /* by instruction: some jump leads there */
};

struct want {
	unsigned int reg;
	bool deref;
	__s32 off; /* added to the pointer */
	__u32 size; /* that is read there */
};

static void value_add(struct search *s, struct hazard_value v)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->out[i].map == v.map && s->out[i].offset == v.offset &&
		    s->out[i].constant == v.constant)
			return;
	if (s->n < s->max)
		s->out[s->n++] = v;
}

static bool is_jump(const struct bpf_insn *in)
{
	unsigned int class = BPF_CLASS(in->code), op = BPF_OP(in->code);

	return (class == BPF_JMP || class == BPF_JMP32) && op != BPF_CALL && op != BPF_EXIT;
}

static size_t jump_target(const struct bpf_insn *in, size_t at)
{
	/* gotol (6.6, cpu v4): 32 bit offset */
	if (in->code == (BPF_JMP32 | BPF_JA))
		return at + 1 + in->imm;
	return at + 1 + in->off;
}

static bool falls_through(const struct bpf_insn *in)
{
	return !(BPF_CLASS(in->code) == BPF_JMP && BPF_OP(in->code) == BPF_EXIT) &&
	       !(is_jump(in) && BPF_OP(in->code) == BPF_JA);
}

/* Second half of a 16 byte instruction: looks like one with code 0 */
static bool is_half(const struct bpf_insn *in)
{
	return in->code == 0;
}

static __u32 load_size(const struct bpf_insn *in)
{
	switch (BPF_SIZE(in->code)) {
	case BPF_B: return 1;
	case BPF_H: return 2;
	case BPF_W: return 4;
	default: return 8;
	}
}

/* Does the instruction write the register; calls clobber r0 to r5 */
static bool writes(const struct bpf_insn *in, unsigned int reg)
{
	switch (BPF_CLASS(in->code)) {
	case BPF_ALU:
	case BPF_ALU64:
	case BPF_LDX:
	case BPF_LD:
		return in->dst_reg == reg;
	case BPF_JMP:
		return BPF_OP(in->code) == BPF_CALL && reg <= BPF_REG_5;
	case BPF_STX:
		/* fetching atomics write their source register, cmpxchg r0 */
		return BPF_MODE(in->code) == BPF_ATOMIC && (in->src_reg == reg || reg == BPF_REG_0);
	default:
		return false;
	}
}

static void search_before(struct search *s, size_t at, struct want w);

/* The instruction at writes the register: what into it */
static void search_write(struct search *s, size_t at, struct want w)
{
	const struct bpf_insn *in = &s->p->insn[at];
	unsigned int class = BPF_CLASS(in->code);
	bool alu = class == BPF_ALU || class == BPF_ALU64;

	if (alu && BPF_OP(in->code) == BPF_MOV && BPF_SRC(in->code) == BPF_X && !in->off) {
		w.reg = in->src_reg;
		search_before(s, at, w);
	} else if (alu && BPF_OP(in->code) == BPF_MOV && BPF_SRC(in->code) == BPF_K && !w.deref) {
		value_add(s, (struct hazard_value){ .constant = in->imm });
	} else if (alu && BPF_OP(in->code) == BPF_ADD && BPF_SRC(in->code) == BPF_K && w.deref) {
		w.off += in->imm;
		search_before(s, at, w);
	} else if (class == BPF_LDX && BPF_MODE(in->code) == BPF_MEM && !w.deref) {
		search_before(s, at, (struct want){ in->src_reg, true, in->off, load_size(in) });
	} else if (in->code == (BPF_LD | BPF_IMM | BPF_DW) && w.deref &&
		   in->src_reg == BPF_PSEUDO_MAP_VALUE) {
		value_add(s, (struct hazard_value){ .map = in->imm, .offset = in[1].imm + w.off, .size = w.size });
	}
}

/* What the register holds when instruction at begins: ask all that come before it */
static void search_before(struct search *s, size_t at, struct want w)
{
	const struct bpf_insn *insn = s->p->insn;
	size_t i, from;

	if (s->seen[at] & 1U << w.reg || s->steps++ > STEPS_MAX)
		return;
	s->seen[at] |= 1U << w.reg;
	from = at && is_half(&insn[at - 1]) ? at - 2 : at - 1;
	if (at && falls_through(&insn[from])) {
		if (writes(&insn[from], w.reg))
			search_write(s, from, w);
		else
			search_before(s, from, w);
	}
	for (i = 0; s->target[at] && i < s->p->ninsn; i++)
		if (is_jump(&insn[i]) && jump_target(&insn[i], i) == at)
			search_before(s, i, w);
}

static void targets_mark(struct search *s)
{
	size_t i;

	for (i = 0; i < s->p->ninsn; i++)
		if (is_jump(&s->p->insn[i]) && jump_target(&s->p->insn[i], i) < s->p->ninsn)
			s->target[jump_target(&s->p->insn[i], i)] = true;
}

size_t hazard_insn_values(const struct hazard_prog *p, size_t at, unsigned int reg,
			  struct hazard_value *out, size_t max)
{
	struct search s = { .p = p, .out = out, .max = max };

	s.seen = calloc(p->ninsn, sizeof(*s.seen));
	s.target = calloc(p->ninsn, sizeof(*s.target));
	if (s.seen && s.target) {
		targets_mark(&s);
		search_before(&s, at, (struct want){ .reg = reg });
	}
	free(s.seen);
	free(s.target);
	return s.n;
}
