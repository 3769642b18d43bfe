/* SPDX-License-Identifier: GPL-2.0 */
/* What happened to a network device during a recording */
#ifndef PKTLAP_CHANGES_H
#define PKTLAP_CHANGES_H

#include <jansson.h>
#include <linux/types.h>
#include <stdbool.h>

#include "devices.h"

enum device_event {
	DEVICE_APPEARED,
	DEVICE_GONE,
	DEVICE_MOVED, /* to another network namespace: gone from the one that it was in */
	DEVICE_RENAMED,
	DEVICE_JOINED, /* a bridge, bond, ... */
	DEVICE_LEFT, /* it */
	DEVICE_MASTER, /* what it belongs to was renamed */
	DEVICES_MISSED, /* changes came faster than they could be read: some may be missing */
	DEVICE_NR_EVENTS
};

struct device_change {
	enum device_event what;
	__u64 after_ns, time_ns; /* happened between; CLOCK_MONOTONIC */
	struct device dev; /* as it is now; of one that is gone: as it was */
	char was[IF_NAMESIZE]; /* its name (RENAMED) or its master (JOINED, LEFT, MASTER) before */
	char to[64]; /* MOVED: name of the namespace, "" when not known */
};

/* A row of the document TRACE_CHANGES (trace.h); caller owns the reference, NULL: no memory */
json_t *device_change_doc(const struct device_change *c);

/* "appeared", "gone", ... and back; DEVICE_NR_EVENTS: none of them */
const char *device_event_name(enum device_event what);
enum device_event device_event_by_name(const char *name);

/* Does the row say what a device is called from then on? */
static inline bool device_event_names(enum device_event what)
{
	return what == DEVICE_APPEARED || (what >= DEVICE_RENAMED && what <= DEVICE_MASTER);
}

#endif
