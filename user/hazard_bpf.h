/* SPDX-License-Identifier: GPL-2.0 */
/* Loaded BPF programs and links as the hazards see them: hazard_prog.c reads, others judge */
#ifndef PKTLAP_HAZARD_BPF_H
#define PKTLAP_HAZARD_BPF_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

struct host_dev;
struct hazards;

struct hazard_prog {
	__u32 id, type; /* enum bpf_prog_type */
	__u32 attach_btf_obj, attach_btf_id; /* of tracing programs; 0 before 5.17 */
	char name[BPF_OBJ_NAME_LEN];
	struct bpf_insn *insn; /* all subprograms too */
	size_t ninsn;
	__u32 *maps; /* ids */
	size_t nmaps;
	bool hidden; /* instructions, or the targets of calls in them, were not given */
};

struct hazard_link {
	__u32 type; /* enum bpf_link_type */
	__u32 prog;
	__u32 target_prog; /* fentry, fexit, freplace on another program; 0: none */
	char target[64]; /* function or tracepoint; "": not told */
	bool user; /* on a function of user space */
};

/* A program on a device */
struct hazard_attach {
	__u32 prog;
	bool native; /* XDP in the driver */
	const struct host_dev *dev;
};

/* A program in a map, which the programs that have the map can call */
struct hazard_entry {
	__u32 map, prog;
};

struct hazard_map {
	__u32 id, type; /* enum bpf_map_type */
	__u32 key_size, value_size;
	__u32 btf_id, btf_value_type_id;
	char name[BPF_OBJ_NAME_LEN];
	int fd;
};

struct hazard_bpf {
	struct hazard_prog *progs;
	size_t nprogs;
	struct hazard_link *links;
	size_t nlinks;
	struct hazard_attach *attached;
	size_t nattached;
	struct hazard_entry *entries;
	size_t nentries;
	bool holders_read;
};

/* Read once; NULL: no memory, or tests that want no bpf(). What is not ours to see is left out */
struct hazard_bpf *hazard_bpf(struct hazards *h);
void hazard_bpf_free(struct hazard_bpf *b);

const struct hazard_prog *hazard_prog_by_id(const struct hazard_bpf *b, __u32 id);

/* Fill in, of links and programs, what only their holders' files tell: looks at every process, once */
void hazard_bpf_holders(struct hazards *h);

/* "kprobe", "xdp", ... */
const char *hazard_prog_type(const struct hazard_prog *p);

/* Packets meet it themselves (XDP, tc, cgroup, socket): 1; it is on functions or tracepoints: 2; else 0 */
enum hazard_prog_class { HAZARD_PROG_OTHER,
			 HAZARD_PROG_PACKET,
			 HAZARD_PROG_TRACING };
enum hazard_prog_class hazard_prog_class(const struct hazard_prog *p);

/* Offset that calls of a helper have in xlated instructions; false: symbols are hidden */
bool hazard_helper(struct hazards *h, const char *symbol, __s32 *imm);

/* Is insn a call of a helper (not of a subprogram or kfunc) */
bool hazard_is_call(const struct bpf_insn *insn);

/* Open a map; the caller closes fd. False: not there, or not ours to see */
bool hazard_map_open(__u32 id, struct hazard_map *map);

/*
 * Call fn for each device on which packets come to this program: attached there itself, or
 * called by one that is (tail call, freplace, program of a devmap or cpumap entry); via is the
 * attached one. Returns how many there were.
 */
size_t hazard_prog_places(struct hazards *h, __u32 prog,
			  void (*fn)(struct hazards *h, __u32 prog, const struct hazard_attach *via, void *ctx),
			  void *ctx);

/* What hazard_insn.c says an argument of a call can be */
struct hazard_value {
	__u32 map; /* 0: the constant itself, else the map in which it lies */
	__u32 offset; /* in the map's value */
	__u32 size; /* bytes */
	__s64 constant;
};

/*
 * Constants and global variables that register reg can hold at instruction at, found by going
 * backwards over all ways that lead there. What is computed otherwise is left out. Up to max.
 */
size_t hazard_insn_values(const struct hazard_prog *p, size_t at, unsigned int reg,
			  struct hazard_value *out, size_t max);

#endif
