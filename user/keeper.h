/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From events to the packets that are kept, while they are recorded: puts events in order, stitches
 * them, counts every packet and packs the slow ones for the file. Not by itself in a thread; one
 * thread at a time (live.h has one for it).
 */
#ifndef PKTLAP_KEEPER_H
#define PKTLAP_KEEPER_H

#include <jansson.h>

#include "catalogue.h"
#include "trace_packets.h"

struct keeper;

struct keeper_config {
	const json_t *devices, *tasks; /* documents TRACE_DEVICES and TRACE_TASKS as they are now */
	unsigned int cpus; /* numbers are below that */
	__u64 slower_than_ns; /* keep packets that took longer */
	__u64 slack_ns; /* of reorder.h */
	bool selected; /* of stitch.h */
	/* takes a chunk of packets over; a return other than 0 stops the keeper, and is passed on */
	int (*packets)(void *ctx, struct trace_packets *b);
	void *ctx;
};

int keeper_new(const struct keeper_config *cfg, struct keeper **out);
void keeper_free(struct keeper *k);

/* All of these: 0, -ENOMEM, or what packets() returned */
int keeper_event(struct keeper *k, const struct pl_event *ev);
/* After a round over the rings, as reorder_round(); packets that are a second old are given out */
int keeper_round(struct keeper *k, __u64 begin_ns, unsigned int budget);
/* The stream ends, or is interrupted: ends every packet. Another may begin with the next event */
int keeper_cut(struct keeper *k);
/* What changed: rows of TRACE_CHANGES, the role of a task */
int keeper_changes(struct keeper *k, const json_t *changes);
int keeper_role(struct keeper *k, __u32 tid, enum pl_role_kind role);

/* Events stitched so far */
__u64 keeper_stitched(const struct keeper *k);

/* The document TRACE_KEPT as of now, without "unstitched". NULL: no memory */
json_t *keeper_doc(const struct keeper *k);

#endif
