/* SPDX-License-Identifier: GPL-2.0 */
/* Inside of hazards: what the functions of the rows work with. hazards.c runs them */
#ifndef PKTLAP_HAZARDS_INT_H
#define PKTLAP_HAZARDS_INT_H

#include <linux/types.h>
#include <stdarg.h>

#include "hazards.h"
#include "host.h"
#include "ksyms.h"

#define HAZARD_PATH_MAX 512
#define HAZARD_CPUS_MAX 8192 /* what the kernel can be built for */

struct hazard_bpf;

struct hazard {
	enum hazard_id id;
	bool during; /* came up after the first look */
	char *subject, *evidence;
};

/* A counter of a row with HAZARD_GROWS */
struct hazard_counter {
	enum hazard_id id;
	__u32 hash; /* of subject and what */
	char *subject;
	const char *what; /* a literal */
	__u64 first, last;
};

/* What the kernel was built with, as far as rows ask */
struct hazard_build {
	bool read; /* was looked for; all else is 0 where it is not known */
	long long hz; /* 0: not said */
	bool periodic, preempt_none, preempt_voluntary, dynamic, kasan, lockdep;
};

struct hazards {
	struct hazard_config cfg;
	struct hazard_build build;
	struct host *host; /* at the first look, with its tasks */
	struct host *now; /* at the look that runs: devices */
	struct host_dev **way; /* of now: the way; unused when no device was named */
	size_t nway;
	struct hazard *list;
	size_t n;
	struct hazard_counter *counters;
	size_t ncounters;
	const struct ksyms *ksyms;
	struct ksyms *own_ksyms;
	struct hazard_bpf *bpf; /* programs and links, read when first asked for */
	__u32 *prog_ids; /* loaded before pktlap's own */
	size_t nprog_ids;
	int tracefs_fd, debugfs_fd; /* mounts of our own that are nowhere to be seen; -1: none */
	/* of the row that runs */
	enum hazard_id row;
	bool again;
	int err;
};

#define HAZARD_FIND(row, ...) void hazard_find_##row(struct hazards *h);
HAZARDS(HAZARD_FIND)
#undef HAZARD_FIND

/*
 * The running row has found something. subject: what it is about; evidence: a clause that goes on
 * with it ("is 0: BPF programs are interpreted"). The same finding twice is one.
 */
void hazard_add(struct hazards *h, const char *subject, const char *evidence, ...)
	__attribute__((format(printf, 3, 4)));

/* The running row counts: the growth until the second look makes the finding */
void hazard_count(struct hazards *h, const char *subject, const char *what, __u64 value);

/* Items of a finding in one line: the first few, and how many more */
#define HAZARD_WORDS_SHOWN 3

struct hazard_words {
	size_t n, len;
	char text[480];
};

void hazard_words_add(struct hazard_words *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* "a, b, c and 4 more" */
const char *hazard_words_text(struct hazard_words *w);

/* --- files, all below the configured root; absence is no error --- */

/* What stands before every path */
const char *hazard_root(const struct hazards *h);

/* First bytes of a file, trailing newline cut off. False: not there, or empty */
bool hazard_text(const struct hazards *h, char *buf, size_t size, const char *path, ...)
	__attribute__((format(printf, 4, 5)));

/* First number in a file. False: none */
bool hazard_number(const struct hazards *h, long long *out, const char *path, ...)
	__attribute__((format(printf, 3, 4)));

bool hazard_exists(const struct hazards *h, const char *path, ...)
	__attribute__((format(printf, 2, 3)));

/* Call fn for each path that matches the pattern of glob(7), without the root */
void hazard_glob(struct hazards *h, const char *pattern,
		 void (*fn)(struct hazards *h, const char *path, void *ctx), void *ctx);

/* Call fn for each line of a file; fn returns false to stop. False: no such file */
bool hazard_lines(struct hazards *h, bool (*fn)(struct hazards *h, char *line, void *ctx), void *ctx,
		  const char *path, ...) __attribute__((format(printf, 4, 5)));

/*
 * Call fn for each process that holds a file whose /proc/PID/fd link is target; own process left
 * out. Slow: every file of every process.
 */
void hazard_holders(struct hazards *h, const char *target,
		    void (*fn)(struct hazards *h, __u32 pid, const char *comm, unsigned int files, void *ctx),
		    void *ctx);

/*
 * Call fn in each network namespace that the way touches, as far as privileges go; suffix is "" or
 * "@NAME"
 */
void hazard_each_netns(struct hazards *h,
		       void (*fn)(struct hazards *h, const struct host_netns *ns, const char *suffix));

/* Is it a function or tracepoint ("net:net_dev_queue" too) that a hook of the catalogue stands on */
bool hazard_on_way(const char *target);

/* --- sets of CPUs as sysfs and procfs write them --- */

struct hazard_cpus {
	__u64 bits[HAZARD_CPUS_MAX / 64];
	unsigned int n;
};

/* "0-3,8" */
void hazard_cpus_parse(struct hazard_cpus *set, const char *list);
bool hazard_cpus_has(const struct hazard_cpus *set, unsigned int cpu);
/* CPUs in both */
unsigned int hazard_cpus_common(const struct hazard_cpus *a, const struct hazard_cpus *b);

/* --- the way --- */

/* Does the packets' way go over this device; loopback is on nobody's */
bool hazard_device_in(const struct hazards *h, const struct host_dev *dev);

/* Call fn for each device of the way */
void hazard_devices(struct hazards *h, void (*fn)(struct hazards *h, const struct host_dev *dev));

/* The same for those whose files are in this sysfs: of the own namespace */
void hazard_sysfs_devices(struct hazards *h, void (*fn)(struct hazards *h, const struct host_dev *dev));

/* Call fn for each thread that packets wait for: vhost workers and vCPUs */
void hazard_workers(struct hazards *h, void (*fn)(struct hazards *h, const struct host_task *t, void *ctx),
		    void *ctx);

#endif
