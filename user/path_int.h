/* SPDX-License-Identifier: GPL-2.0 */
/* Inside the building of ways */
#ifndef PKTLAP_PATH_INT_H
#define PKTLAP_PATH_INT_H

#include "host_int.h"
#include "path.h"

/* One more at the end of an array of the path's arena, as host_add() */
#define path_add(p, array, n) \
	(path_add_to((p), (void **)&(array), &(n), sizeof(*(array))) ? &(array)[(n)-1] : NULL)
bool path_add_to(struct path *p, void **array, size_t *n, size_t size);

void path_note(struct path *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Set of devices that the ways must pass; proc: and this process at their ends, or NULL */
struct path_targets {
	struct host_dev **devs;
	size_t n;
	struct host_proc *proc;
};

/*
 * Grow a tree at a device (up: packets come in by it; else they go out by it) below parent (NULL:
 * a root). A device that has been drawn is not followed again. no_nic: do not turn to hardware.
 */
struct path_elem *path_grow(struct path *p, struct path_elem *parent, struct host_dev *d, bool up,
			    bool no_nic);
/* A root whose packets come from a tap's guest or a namespace's stack begins with these */
struct path_elem *path_grow_root(struct path *p, struct host_dev *d, bool up, bool no_nic);
struct path_elem *path_stack_add(struct path *p, struct path_elem *parent, struct host_dev *d);
/* A device and nothing behind it */
struct path_elem *path_elem_add(struct path *p, struct path_elem *parent, struct host_dev *d, bool up);

/* Keep only what lies on the way to or from a target */
void path_prune(struct path *p, const struct path_targets *t);

/* All ways; those of some devices */
void path_all(struct path *p, struct host *h);
void path_of_targets(struct path *p, struct host *h, const struct path_targets *t);

/* Ways of a flow (path_flow.c) */
int path_flow(struct path *p, struct host *h, const char *src, const char *dst, char *err, size_t errlen);

/* Does it end there, as far as devices go: no master, nothing on top */
bool path_is_end(const struct host_dev *d);

#endif
