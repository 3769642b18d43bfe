/* SPDX-License-Identifier: GPL-2.0 */
/* Registers at a kprobe, as bpf_tracing.h's PT_REGS_PARM macros want them */
#ifndef VMLINUX_REGS_H
#define VMLINUX_REGS_H

#if defined(__TARGET_ARCH_x86)

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip,
		cs, flags, sp, ss;
};

#elif defined(__TARGET_ARCH_arm64)

struct user_pt_regs {
	__u64 regs[31];
	__u64 sp;
	__u64 pc;
	__u64 pstate;
};

struct pt_regs {
	struct user_pt_regs user_regs;
};

#else
#error "vmlinux/regs.h: no register layout for this architecture"
#endif

#endif
