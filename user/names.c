// SPDX-License-Identifier: GPL-2.0
#include "names.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "changes.h"

/* sightings hold the number in 16 bits; the last one stands for all devices beyond */
#define DEVS_MAX       65535

#define SAME_LOOK_BACK 16 /* spans searched for a name that a device had before */

struct dev {
	__u32 netns, ifindex;
	enum pl_dev_kind kind;
	char *name, *master;
};

/* From this time on the device is that */
struct span {
	__u64 from;
	__u16 dev;
};

/* What a (netns, ifindex) was in the course of time; the first span begins at 0 */
struct place {
	__u32 netns, ifindex; /* ifindex 0: free slot */
	__u32 nspans, room;
	struct span *span;
};

struct task {
	__u32 tid; /* 0: free slot (the idle tasks, all of tid 0, are not listed) */
	enum pl_role_kind role;
	char *comm;
};

/* Both tables: open addressing, a power of two slots, at most half of them full */
struct names {
	struct dev *dev; /* by number; dev[0] is "no device" */
	unsigned int ndevs, dev_room;
	struct place *place;
	size_t nplaces, place_slots;
	struct task *task;
	size_t ntasks, task_slots;
	__u32 own; /* network namespace of the recorder */
};

static size_t hash_of(__u64 key, size_t slots)
{
	return ((key ^ key >> 32) * 0x9e3779b97f4a7c15ULL >> 32) & (slots - 1);
}

/* The slot of a device, or the free one where it belongs */
static struct place *place_slot(const struct names *n, __u32 netns, __u32 ifindex)
{
	size_t i = hash_of((__u64)netns << 32 | ifindex, n->place_slots);
	const struct place *p;

	for (;; i = (i + 1) & (n->place_slots - 1)) {
		p = &n->place[i];
		if (!p->ifindex || (p->netns == netns && p->ifindex == ifindex))
			return &n->place[i];
	}
}

static int places_grow(struct names *n)
{
	struct names to = { .place_slots = n->place_slots ? n->place_slots * 2 : 64 };
	size_t i;

	to.place = calloc(to.place_slots, sizeof(*to.place));
	if (!to.place)
		return -ENOMEM;
	for (i = 0; i < n->place_slots; i++)
		if (n->place[i].ifindex)
			*place_slot(&to, n->place[i].netns, n->place[i].ifindex) = n->place[i];
	free(n->place);
	n->place = to.place;
	n->place_slots = to.place_slots;
	return 0;
}

/* NULL: no memory */
static struct place *place_get(struct names *n, __u32 netns, __u32 ifindex)
{
	struct place *p;

	if ((n->nplaces + 1) * 2 > n->place_slots && places_grow(n))
		return NULL;
	p = place_slot(n, netns, ifindex);
	if (!p->ifindex) {
		p->netns = netns;
		p->ifindex = ifindex;
		n->nplaces++;
	}
	return p;
}

static int dev_room_grow(struct names *n)
{
	unsigned int room = n->dev_room ? n->dev_room * 2 : 64;
	struct dev *dev = reallocarray(n->dev, room, sizeof(*dev));

	if (!dev)
		return -ENOMEM;
	n->dev = dev;
	n->dev_room = room;
	return 0;
}

/* Takes the strings over, also when it fails. Returns the number or -ENOMEM */
static int dev_new(struct names *n, const struct dev *d)
{
	if (d->name && d->master && (n->ndevs < n->dev_room || !dev_room_grow(n))) {
		n->dev[n->ndevs] = *d;
		return n->ndevs++;
	}
	free(d->name);
	free(d->master);
	return -ENOMEM;
}

static int span_add(struct place *p, __u64 from, int dev)
{
	__u32 room = p->room ? p->room * 2 : 1;
	struct span *span;

	if (dev < 0 || (p->nspans && p->span[p->nspans - 1].dev == dev))
		return dev < 0 ? dev : 0;
	if (p->nspans == p->room) {
		span = reallocarray(p->span, room, sizeof(*span));
		if (!span)
			return -ENOMEM;
		p->span = span;
		p->room = room;
	}
	p->span[p->nspans++] = (struct span){ .from = from, .dev = dev };
	return 0;
}

static char *name_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static char *name_print(const char *fmt, ...)
{
	unsigned char *s;
	char *name;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&name, fmt, ap);
	va_end(ap);
	if (len < 0)
		return NULL;
	/* names come from a file and go to a terminal: no control characters (C0, DEL, C1) */
	for (s = (unsigned char *)name; *s; s++) {
		if (*s < ' ' || *s == 0x7f)
			*s = '?';
		else if (*s == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f)
			s[0] = s[1] = '?';
	}
	return name;
}

static const char *text_of(const json_t *row, const char *field)
{
	const char *s = json_string_value(json_object_get(row, field));

	return s ? s : "";
}

/* A number of 32 bits that is not 0 */
static bool number_of(const json_t *row, const char *field, __u32 *out)
{
	json_int_t v = json_integer_value(json_object_get(row, field));

	*out = v;
	return v > 0 && v <= (json_int_t)0xffffffff;
}

/*
 * The recorder's own namespace: it is listed first and its netns_name is "". Other namespaces
 * may have no name either (those that only a process holds).
 */
static __u32 netns_own(const json_t *devices)
{
	const json_t *name;
	__u32 netns;
	json_t *row;
	size_t i;

	json_array_foreach(devices, i, row) {
		name = json_object_get(row, "netns_name");
		if (json_is_string(name) && !*json_string_value(name) &&
		    number_of(row, "netns", &netns))
			return netns;
	}
	return 0;
}

char *names_dev_print(const char *name, bool own_netns, const char *netns_name, __u32 netns)
{
	if (own_netns)
		return name_print("%s", name);
	if (*netns_name)
		return name_print("%s@%s", name, netns_name);
	return name_print("%s@%u", name, netns);
}

/* The last number: all devices beyond it share it */
static int dev_beyond(struct names *n)
{
	struct dev d = { .kind = PL_DEV_OTHER };

	if (n->ndevs > DEVS_MAX)
		return DEVS_MAX;
	d.name = name_print("(other devices)");
	d.master = name_print("%s", "");
	return dev_new(n, &d);
}

/* The number that this device has, or had not long ago, under this very name; -1: none */
static int dev_same(const struct names *n, const struct place *p, const char *name,
		    const char *master, enum pl_dev_kind kind)
{
	const struct dev *d;
	__u32 i, back = p->nspans > SAME_LOOK_BACK ? p->nspans - SAME_LOOK_BACK : 0;

	for (i = p->nspans; p->span && i-- > back;) {
		d = &n->dev[p->span[i].dev];
		if (d->kind == kind && !strcmp(d->name, name) && !strcmp(d->master, master))
			return p->span[i].dev;
	}
	return -1;
}

static int dev_get(struct names *n, const struct place *p, const char *name, const char *master,
		   enum pl_dev_kind kind)
{
	struct dev d = { .netns = p->netns, .ifindex = p->ifindex, .kind = kind };
	int dev;

	d.name = name_print("%s", name);
	d.master = name_print("%s", master);
	dev = d.name && d.master ? dev_same(n, p, d.name, d.master, kind) : -1;
	if (dev < 0 && n->ndevs < DEVS_MAX)
		return dev_new(n, &d);
	free(d.name);
	free(d.master);
	return dev < 0 ? dev_beyond(n) : dev;
}

/* Between the last time at which it had the old name and the first at which it had the new one */
static int dev_doubt(struct names *n, const struct place *p, int was, int is)
{
	const struct dev *a = &n->dev[was], *b = &n->dev[is];
	char *name;
	int dev;

	if (!strcmp(a->name, b->name))
		return dev_get(n, p, a->name, "", a->kind == b->kind ? a->kind : PL_DEV_OTHER);
	name = name_print("%s|%s", a->name, b->name);
	if (!name)
		return -ENOMEM;
	dev = dev_get(n, p, name, "", a->kind == b->kind ? a->kind : PL_DEV_OTHER);
	free(name);
	return dev;
}

int names_dev_add(struct names *n, const struct names_dev *d)
{
	struct place *p;
	struct span *last;
	int dev, err = 0;

	if (!d->ifindex)
		return 0;
	p = place_get(n, d->netns, d->ifindex);
	if (!p)
		return -ENOMEM;
	last = p->nspans ? &p->span[p->nspans - 1] : NULL;
	if (last && d->from_ns <= last->from)
		return 0;
	dev = dev_get(n, p, d->name, d->master, d->kind);
	if (dev < 0 || (last && last->dev == dev))
		return dev < 0 ? dev : 0;
	if (last && d->after_ns > last->from && d->after_ns < d->from_ns)
		err = span_add(p, d->after_ns, dev_doubt(n, p, last->dev, dev));
	return err ? err : span_add(p, last ? d->from_ns : 0, dev);
}

static __u64 time_of(const json_t *row, const char *field)
{
	json_int_t v = json_integer_value(json_object_get(row, field));

	return v > 0 ? v : 0;
}

/* A row of TRACE_DEVICES or TRACE_CHANGES */
static int device_load(struct names *n, const json_t *row)
{
	struct names_dev d = {
		.kind = dev_kind_by_name(text_of(row, "kind")),
		.master = text_of(row, "master"),
		.after_ns = time_of(row, "after_ns"),
		.from_ns = time_of(row, "time_ns"),
	};
	char *name;
	int err;

	if (!number_of(row, "netns", &d.netns) || !number_of(row, "ifindex", &d.ifindex))
		return 0;
	name = names_dev_print(text_of(row, "name"), d.netns == n->own, text_of(row, "netns_name"),
			       d.netns);
	if (!name)
		return -ENOMEM;
	d.name = name;
	err = names_dev_add(n, &d);
	free(name);
	return err;
}

int names_changes_add(struct names *n, const json_t *changes)
{
	json_t *row;
	size_t i;
	int err;

	json_array_foreach(changes, i, row) {
		/* what is gone keeps its name for what is still on its way */
		if (!device_event_names(device_event_by_name(text_of(row, "what"))))
			continue;
		err = device_load(n, row);
		if (err)
			return err;
	}
	return 0;
}

static int devices_load(struct names *n, const json_t *devices, const json_t *changes)
{
	json_t *row;
	size_t i;
	int err;

	n->own = netns_own(devices);
	json_array_foreach(devices, i, row) {
		err = device_load(n, row);
		if (err)
			return err;
	}
	return names_changes_add(n, changes);
}

static struct task *task_slot(const struct names *n, __u32 tid)
{
	size_t i = hash_of(tid, n->task_slots);

	while (n->task[i].tid && n->task[i].tid != tid)
		i = (i + 1) & (n->task_slots - 1);
	return &n->task[i];
}

static int task_slots_grow(struct names *n)
{
	struct names to = { .task_slots = n->task_slots ? n->task_slots * 2 : 64 };
	size_t i;

	to.task = calloc(to.task_slots, sizeof(*to.task));
	if (!to.task)
		return -ENOMEM;
	for (i = 0; i < n->task_slots; i++)
		if (n->task[i].tid)
			*task_slot(&to, n->task[i].tid) = n->task[i];
	free(n->task);
	n->task = to.task;
	n->task_slots = to.task_slots;
	return 0;
}

int names_task_set(struct names *n, __u32 tid, const char *comm, enum pl_role_kind role)
{
	char *name = name_print("%s", comm);
	struct task *task;

	if (!name)
		return -ENOMEM;
	if (!tid || ((n->ntasks + 1) * 2 > n->task_slots && task_slots_grow(n))) {
		free(name);
		return tid ? -ENOMEM : 0;
	}
	task = task_slot(n, tid);
	n->ntasks += !task->tid;
	free(task->comm);
	*task = (struct task){ .tid = tid, .role = role, .comm = name };
	return 0;
}

static int tasks_load(struct names *n, const json_t *tasks)
{
	json_t *row;
	__u32 tid;
	size_t i;
	int err;

	json_array_foreach(tasks, i, row) {
		if (!number_of(row, "tid", &tid))
			continue;
		err = names_task_set(n, tid, text_of(row, "comm"),
				     role_by_name(text_of(row, "role")));
		if (err)
			return err;
	}
	return 0;
}

int names_new(const json_t *devices, const json_t *tasks, const json_t *changes,
	      struct names **out)
{
	struct names *n = calloc(1, sizeof(*n));
	struct dev none = { .kind = PL_DEV_OTHER };
	int err;

	if (!n)
		return -ENOMEM;
	none.name = name_print("%s", "");
	none.master = name_print("%s", "");
	err = dev_new(n, &none);
	if (!err)
		err = places_grow(n) ?: task_slots_grow(n);
	if (!err)
		err = devices_load(n, devices, changes);
	if (!err)
		err = tasks_load(n, tasks);
	if (err)
		goto fail;
	*out = n;
	return 0;
fail:
	names_free(n);
	return err;
}

void names_free(struct names *n)
{
	size_t i;

	if (!n)
		return;
	for (i = 0; i < n->ndevs; i++) {
		free(n->dev[i].name);
		free(n->dev[i].master);
	}
	for (i = 0; i < n->place_slots; i++)
		free(n->place[i].span);
	for (i = 0; i < n->task_slots; i++)
		free(n->task[i].comm);
	free(n->dev);
	free(n->place);
	free(n->task);
	free(n);
}

/* Index of the span that ts is in */
static __u32 span_at(const struct place *p, __u64 ts)
{
	__u32 lo = 0, hi = p->nspans, mid;

	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (p->span[mid].from <= ts)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static int dev_unlisted(struct names *n, __u32 netns, __u32 ifindex)
{
	struct names_dev d = { .netns = netns, .ifindex = ifindex, .master = "" };
	char name[32];
	int err;

	if (n->ndevs >= DEVS_MAX)
		return dev_beyond(n);
	snprintf(name, sizeof(name), "if%u@%u", ifindex, netns);
	d.name = name;
	d.kind = PL_DEV_OTHER;
	err = names_dev_add(n, &d);
	return err ? err : place_slot(n, netns, ifindex)->span[0].dev;
}

int names_dev(struct names *n, __u32 netns, __u32 ifindex, __u64 ts, struct names_span *span)
{
	const struct place *p;
	__u32 i;

	if (span)
		*span = (struct names_span){ .to = ~0ULL };
	if (!ifindex)
		return 0;
	p = place_slot(n, netns, ifindex);
	if (!p->nspans)
		return dev_unlisted(n, netns, ifindex);
	i = span_at(p, ts);
	if (span) {
		span->from = p->span[i].from;
		span->to = i + 1 < p->nspans ? p->span[i + 1].from : ~0ULL;
	}
	return p->span[i].dev;
}

const char *names_dev_name(const struct names *n, int dev)
{
	return dev > 0 && (unsigned int)dev < n->ndevs ? n->dev[dev].name : "";
}

__u32 names_own_netns(const struct names *n)
{
	return n->own;
}

const char *names_dev_master(const struct names *n, int dev)
{
	return dev > 0 && (unsigned int)dev < n->ndevs ? n->dev[dev].master : "";
}

void names_dev_id(const struct names *n, int dev, __u32 *netns, __u32 *ifindex)
{
	bool known = dev > 0 && (unsigned int)dev < n->ndevs;

	*netns = known ? n->dev[dev].netns : 0;
	*ifindex = known ? n->dev[dev].ifindex : 0;
}

enum pl_dev_kind names_dev_kind(const struct names *n, int dev)
{
	return dev > 0 && (unsigned int)dev < n->ndevs ? n->dev[dev].kind : PL_DEV_OTHER;
}

const char *names_comm(const struct names *n, __u32 tid)
{
	return tid ? task_slot(n, tid)->comm : NULL;
}

enum pl_role_kind names_role(const struct names *n, __u32 tid)
{
	return tid ? task_slot(n, tid)->role : PL_ROLE_NONE;
}
