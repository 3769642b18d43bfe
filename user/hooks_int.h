/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside of hooks: hooks.c loads and attaches, hooks_choose.c decides what is tried and keeps the
 * reasons, hooks_query.c answers.
 *
 * Work goes in rounds. A round takes, for each hop that is not served yet, its next alternative
 * that has not been refused, and loads them all from one object. When the kernel refuses one
 * program the load is repeated without it; when attaching or verifying one fails, the next round
 * loads the alternatives. Usually there is one round.
 */
#ifndef PKTLAP_HOOKS_INT_H
#define PKTLAP_HOOKS_INT_H

#include "hooks.h"
#include "ksyms.h"

#define HOOKS_SKELS_MAX 16

enum { MAP_RINGS,
       MAP_SLOTS,
       MAP_COUNTS,
       MAP_ROLES,
       MAP_SCOPE,
       MAP_IRQS,
       MAP_CPUS,
       MAP_FOLLOWED,
       MAP_SELECTED,
       MAP_SOCKS,
       MAP_SENDS,
       MAP_NR };

struct pktlap_bpf;
struct bpf_link;

struct load_log {
	char prog[64]; /* the program that a message of libbpf named first */
	bool verbose;
};

struct refusal {
	int err; /* 0: was not refused */
	char why[120];
};

/* a map in memory shared with the programs */
struct shared {
	void *at; /* NULL: not mapped */
	size_t len;
};

struct hooks {
	struct hooks_config cfg;
	struct ksyms *ksyms;
	struct hooks_btf *btf;
	unsigned int ncpus, rounds, nskels;
	int cast_func; /* see hooks_cast.h */
	struct pktlap_bpf *skels[HOOKS_SKELS_MAX];
	int map_fd[MAP_NR];
	__u32 nslots; /* of all rings */
	struct shared rings, slots, counts;
	/* since hooks_detach() began: lost up to then, made: uncounted; NULL: the counters run */
	struct pl_count *ended;
	bool in_round[PL_NR_HOOKS];
	bool kind_refused[PL_NR_KINDS];
	struct refusal refused[PL_NR_HOOKS];
	struct bpf_link *links[PL_NR_HOOKS];
	int prog_fd[PL_NR_HOOKS];
	__u8 serving[PL_NR_HOPS]; /* enum pl_hook */
};

struct hooks *hooks_alloc(const struct hooks_config *cfg);
void hooks_dealloc(struct hooks *h);

/*
 * Open the object, with what this kernel offers (func: cast_func()) and the configuration's filter,
 * sample and follow_nat in it. 0 or -errno; the caller destroys *out.
 */
struct pktlap_bpf;
int hooks_open(const struct hooks_config *cfg, int func, struct pktlap_bpf **out);

/* Put the next alternatives into in_round; returns how many */
int round_choose(struct hooks *h);

/* Choose and load until a load succeeds or nothing is left. 0 or -errno */
int hooks_round(struct hooks *h);

/* Note that a hook does not work here; what: the step that failed */
void hook_refuse(struct hooks *h, enum pl_hook hook, int err, const char *what);

/* Undo the attaching of a hook */
void hook_unlink(struct hooks *h, enum pl_hook hook);

/*
 * Unlink the fentry hooks that attached to nothing. Kernels with IBT (6.2 and newer on x86) can
 * take the ftrace record of a dead weak function for the one of the function after it: the link
 * is made, nothing is patched. The function is then missing in tracefs' enabled_functions.
 */
void hooks_verify(struct hooks *h);

#endif
