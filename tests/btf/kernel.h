/* SPDX-License-Identifier: GPL-2.0 */
/* A kernel to check against: BTF of vmlinux and of modules, and the names of its symbols */
#ifndef TEST_BTF_KERNEL_H
#define TEST_BTF_KERNEL_H

#include <bpf/btf.h>
#include <stdbool.h>
#include <stddef.h>

#define MODULES_MAX 256

struct module {
	char name[64]; /* "vmlinux" for the first */
	struct btf *btf;
	__u32 first; /* first type of its own */
};

struct names {
	char **v;
	size_t n, room;
};

struct kernel {
	char version[64];
	unsigned int major, minor;
	bool live; /* the running one: what is not loaded is not missing */
	struct module mod[MODULES_MAX];
	unsigned int nmod;
	struct names symbols; /* sorted */
};

/* A type of the target, with the BTF that its id belongs to */
struct place {
	const struct module *mod;
	__u32 id;
};

/*
 * dir: vmlinux and *.ko, unpacked, in a directory that is named after the version; NULL: the
 * running kernel. 0, or -1 after a message.
 */
int kernel_open(struct kernel *k, const char *dir);
void kernel_close(struct kernel *k);

/*
 * Types of this kind whose name is this up to a flavour suffix, as libbpf looks for them: those of
 * vmlinux, or if it has none, those of all modules. Returns their number, at most max.
 */
unsigned int kernel_find(const struct kernel *k, const char *name, unsigned int kind,
			 struct place *out, unsigned int max);

/* How many symbols have this name, in the kernel and its modules */
unsigned int kernel_symbols(const struct kernel *k, const char *name);

int names_add(struct names *s, const char *name, size_t len);

/* Symbols of an uncompressed kernel image (a stripped one has no others). 0 or -1 */
int kallsyms_decode(const unsigned char *image, size_t size, struct names *out);

#endif
