/* SPDX-License-Identifier: GPL-2.0 */
/* pktlap's maps set up for programs that run by test run, and the events that they made */
#ifndef TEST_BPF_OBJECT_H
#define TEST_BPF_OBJECT_H

#include <bpf/libbpf.h>
#include <stdbool.h>

#include "bpf/catalogue.h"
#include "ring.h"

#define EVENTS_MAX 4096
#define SLOTS_MAX  16384

struct made {
	struct bpf_object *obj;
	struct pl_ring *rings; /* used is that of CPU 0, where all runs take place */
	struct pl_event *slots;
	struct pl_count *counts;
	unsigned int ncpus, n;
	struct pl_event ev[EVENTS_MAX];
};

/*
 * Before the open, of what NAME__create_skeleton() made: plain loads of packets, as the recorder puts
 * them in where the kernel has them. true: the programs' cfg_cast is to be set after the open. The
 * image is not freed.
 */
bool object_cast(struct bpf_object_skeleton *s);

/*
 * What libbpf and the verifier say is kept for object_said() from here on, and not printed. Returns who
 * had it before, for libbpf_set_print()
 */
libbpf_print_fn_t object_listen(void);
const char *object_said(void);

/* Before the load: sizes of the maps; no program is loaded unless it is asked for afterwards */
int object_prepare(struct bpf_object *obj);

/* After the load: a ring of so many slots on CPU 0; the caller is bound to that CPU */
int object_start(struct bpf_object *obj, unsigned int slots, struct made *m);
void object_stop(struct made *m);

/* Take what is in the ring; returns how many, the events are in m->ev */
unsigned int object_drain(struct made *m);

struct pl_count object_count(const struct made *m, enum pl_hook hook);
int object_map(const struct made *m, const char *name);

/* Run a raw tracepoint program with these arguments, once. 0 or -errno */
int program_run(const struct bpf_program *prog, const __u64 *args, unsigned int nargs);

#endif
