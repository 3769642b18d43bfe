/* SPDX-License-Identifier: GPL-2.0 */
/* Devices and tasks of a recording, by the numbers that events carry */
#ifndef PKTLAP_NAMES_H
#define PKTLAP_NAMES_H

#include <jansson.h>
#include <linux/types.h>

#include "catalogue.h"

struct names;

/* devices, tasks: the documents TRACE_DEVICES and TRACE_TASKS; either may be NULL */
int names_new(const json_t *devices, const json_t *tasks, struct names **out);
void names_free(struct names *n);

/*
 * Small number that stands for a device for the life of n; 0 is "no device" (ifindex 0). A
 * device that the recording does not list is added as "if<N>@<netns>". Constant time: it is
 * called for each event. Negative: -ENOMEM.
 */
int names_dev(struct names *n, __u32 netns, __u32 ifindex);
const char *names_dev_name(const struct names *n, int dev); /* "eth1", "eth0@peer"; "" for 0 */
enum pl_dev_kind names_dev_kind(const struct names *n, int dev);

/* Constant time. comm is NULL, the role PL_ROLE_NONE for a task that the recording does not list */
const char *names_comm(const struct names *n, __u32 tid);
enum pl_role_kind names_role(const struct names *n, __u32 tid);

#endif
