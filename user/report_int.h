/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside of the report: report_doc.c takes from the file's documents, report_path.c makes paths
 * and drops of the breakdown, report_chain.c finds what a path is called.
 */
#ifndef PKTLAP_REPORT_INT_H
#define PKTLAP_REPORT_INT_H

#include "json_build.h"
#include "report.h"

/* Copies of strings in the report's memory, cleaned of control characters; takes NULL */
const char *report_str(struct report *r, const char *s);

/* Kernel's run statistics of a hook; runs is 0 when unknown */
struct hook_cost {
	__u64 runs, ns;
};

/* Recording, loss, coverage, cost by hook: from the documents */
void report_docs(struct report *r, const struct report_input *in);

/* What happened to devices */
void report_changes(struct report *r, const struct report_input *in);

/* Run statistics by enum pl_hook */
void report_hook_costs(const struct trace *t, struct hook_cost cost[PL_NR_HOOKS]);

/* Paths and drops */
void report_paths(struct report *r, const struct report_input *in);

/* What makes the slowest packets of the path slow; p has its stages */
void report_tail(struct report *r, const struct report_input *in, struct report_path *p,
		 const struct tail_path *tail);
/* What is known of packets that are not kept. After the paths */
void report_kept(struct report *r, const struct report_input *in);

struct report_dist report_dist(const struct hist *h);

/* Name of the node's task where it is part of the way, else "" */
const char *report_task(struct report *r, struct names *names, const struct path_node *node);

/* Devices and tasks on the way along nodes */
const char **report_chain(struct report *r, const struct report_input *in,
			  const struct path_node *nodes, size_t nnodes, size_t *n);

/* --- report_domain.c --- */

void report_domains(struct report *r, const struct report_input *in);
/* Its name; what a row of the report says of where it is from */
const char *report_domain_name(struct report *r, const struct report_input *in, unsigned int domain);
/* "vm1/eth0": what is not of the first domain says where it is; "" stays "" */
const char *report_in_domain(struct report *r, const struct report_input *in, unsigned int domain,
			     const char *name);

#endif
