/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hops and the hooks that serve them on this kernel: load, attach, verify, fall back.
 *
 * For each hop the alternatives of the catalogue are tried in order with the real program. A
 * kernel that refuses one costs coverage, never the run; why it refused is kept.
 */
#ifndef PKTLAP_HOOKS_H
#define PKTLAP_HOOKS_H

#include <jansson.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "catalogue.h"

struct filter;
struct hooks;

struct hooks_config {
	size_t ring_bytes; /* for each CPU that is online; a power of two, at least a page */
	bool scoped; /* only devices put in with hooks_scope_add() */
	bool want[PL_NR_HOPS]; /* hops with hooks of their own (not aliases) to be covered */
	unsigned int nscope; /* devices that there is room for */
	unsigned int nirqs; /* interrupt numbers go from 0 to nirqs - 1 */
	const struct filter *filter; /* NULL: every packet */
	__u32 sample; /* one packet in so many, by its key; 0: every one */
	bool follow_nat; /* a packet that was selected is, as long as its skb lives */
	bool verbose; /* libbpf's messages and verifier logs to stderr */
};

/*
 * Load the programs. Nothing runs before hooks_attach(). err gets one line that says what is
 * wrong and what to do. -EPERM: privileges; -ENOENT: the kernel has no BTF; -ENOMEM, ...
 */
int hooks_load(const struct hooks_config *cfg, struct hooks **out, char *err, size_t errlen);

/* After load, also while attached: what the programs select by. 0 or -errno */
int hooks_scope_add(struct hooks *h, __u32 netns, __u32 ifindex);
/* Not selected itself, but what came in at one that is goes up over it: a port's bridge */
int hooks_scope_up(struct hooks *h, __u32 netns, __u32 ifindex);
/* netns 0: the device where it is seen without its namespace */
int hooks_scope_remove(struct hooks *h, __u32 netns, __u32 ifindex);
int hooks_irq_add(struct hooks *h, unsigned int irq, __u32 netns, __u32 ifindex);
int hooks_role_add(struct hooks *h, __u32 tid, enum pl_role_kind kind);

/*
 * Attach what was loaded, check that each is really in place, load and attach the alternatives
 * of those that are not. 0 when at least one hop is covered; -ENOENT: none is.
 */
int hooks_attach(struct hooks *h, char *err, size_t errlen);

/*
 * Detach all programs; rings stay readable, counters stay what they were at the call. Returns when no
 * program runs any more: that takes seconds where the kernel detaches function hooks one by one. A second
 * call does nothing.
 */
void hooks_detach(struct hooks *h);

/* Detach and free; takes NULL */
void hooks_free(struct hooks *h);

unsigned int hooks_ncpus(const struct hooks *h); /* possible CPUs */

/* The ring of a CPU and all rings' slots, in memory shared with the programs (bpf/ring.h) */
struct pl_ring;
struct pl_event;
struct pl_ring *hooks_ring(const struct hooks *h, unsigned int cpu, const struct pl_event **slots);

/* After hooks_detach(): this event was read from a ring, but came too late to be recorded */
void hooks_uncount(struct hooks *h, unsigned int cpu, enum pl_hook hook);

/*
 * Counters of one hook on one CPU, read from shared memory at the time of the call; after
 * hooks_detach() those of when it began, so that made = stored + lost.
 */
struct pl_count hooks_count(const struct hooks *h, unsigned int cpu, enum pl_hook hook);
struct pl_count hooks_count_all(const struct hooks *h, enum pl_hook hook);

/*
 * What found no room in the programs' maps: selected packets that will not be known again after their
 * headers change; times that a task was not noted, so that its part of the way is not seen.
 */
void hooks_unfollowed(const struct hooks *h, __u64 *packets, __u64 *tasks);

/* The hook that serves a hop, PL_HOOK_none when it is uncovered or was not wanted */
enum pl_hook hooks_serving(const struct hooks *h, enum pl_hop hop);

/* fd of the attached program of a hook, for BPF_OBJ_GET_INFO_BY_FD; -1 */
int hooks_prog_fd(const struct hooks *h, enum pl_hook hook);

/* Symbols of the kernel, as they were at load */
struct ksyms;
const struct ksyms *hooks_ksyms(const struct hooks *h);

/* Call fn for each task that the recorder or the programs know; a return other than 0 stops */
int hooks_each_role(const struct hooks *h, int (*fn)(void *ctx, __u32 tid, enum pl_role_kind kind),
		    void *ctx);

/*
 * The document TRACE_HOPS (trace.h): state of every hop: "attached"; "silent" when it made no
 * event though its witness did; "uncovered" with the reason of each alternative; "unwanted".
 * Caller owns the reference; NULL: no memory.
 */
json_t *hooks_doc(const struct hooks *h);

#endif
