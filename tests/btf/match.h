/* SPDX-License-Identifier: GPL-2.0 */
/* Is what vmlinux/ and the programs say of a type true of a kernel's? By libbpf's rules and then some */
#ifndef TEST_BTF_MATCH_H
#define TEST_BTF_MATCH_H

#include <bpf/btf.h>
#include <stdbool.h>

struct type_ref {
	const struct btf *btf;
	__u32 id;
};

/* What an argument's size may differ in */
enum arg_rule {
	ARG_TRACEPOINT, /* widened to 64 bits by the tracepoint: may be read wider */
	ARG_FUNCTION, /* a register: its upper part is undefined beyond the type */
	ARG_RETURN, /* likewise, and behind the arguments comes what the function returned */
};

/*
 * Each field of the struct local is in target, as something that can be read as what local says.
 * false: why says what is wrong, by field. layout: it must be at the same offset, and may be of
 * another type: for structs that are read without relocation.
 */
bool match_struct(struct type_ref local, struct type_ref target, bool layout, char *why, size_t len);

/* Each argument of the prototype local is in target, which has skip arguments before them */
bool match_args(struct type_ref local, struct type_ref target, unsigned int skip,
		enum arg_rule rule, char *why, size_t len);

/* Name of a type for people: "struct sk_buff **", "unsigned int" */
const char *type_text(struct type_ref t, char *out, size_t len);

/* Modifiers and typedefs off */
struct type_ref type_skip(struct type_ref t);

#endif
