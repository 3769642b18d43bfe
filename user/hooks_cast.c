// SPDX-License-Identifier: GPL-2.0
/* Plain loads of kernel memory in the programs, where the kernel permits them (bpf/cast.h) */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <string.h>
#include <unistd.h>

#include "../bpf/cast.h"
#include "hooks_cast.h"

#define INSN(c, d, s, i) \
	((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .imm = (i) })
#define MOV64_IMM(reg, i) INSN(BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, i)
#define CALL_KFUNC(id)	  INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, id)

/* Is a program accepted that reads a word through the function? type: BTF number of a struct */
static bool cast_accepted(int func, int type)
{
	const struct bpf_insn insns[] = {
		MOV64_IMM(BPF_REG_1, 0),
		MOV64_IMM(BPF_REG_2, type),
		CALL_KFUNC(func),
		INSN(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_0, BPF_REG_0, 0),
		MOV64_IMM(BPF_REG_0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0),
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "pl_cast", "GPL", insns,
			       sizeof(insns) / sizeof(*insns), NULL);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

int cast_func(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int func = -1, type = -1;

	if (!btf)
		return 0;
	func = btf__find_by_name_kind(btf, "bpf_rdonly_cast", BTF_KIND_FUNC);
	if (func > 0)
		type = btf__find_by_name_kind(btf, "rtnl_link_stats64", BTF_KIND_STRUCT);
	btf__free(btf);
	return func > 0 && type > 0 && cast_accepted(func, type) ? func : 0;
}

unsigned int cast_splice(int func, void *image, size_t len)
{
	const struct bpf_insn here = MOV64_IMM(BPF_REG_0, CAST_HERE), call = CALL_KFUNC(func);
	unsigned int n = 0;
	size_t at;

	/* sections of instructions begin at a multiple of eight */
	for (at = 0; at + sizeof(here) <= len; at += sizeof(here))
		if (!memcmp((char *)image + at, &here, sizeof(here))) {
			memcpy((char *)image + at, &call, sizeof(call));
			n++;
		}
	return n;
}
