// SPDX-License-Identifier: GPL-2.0
#include "names.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"

/* sightings hold the number in 16 bits; the last one stands for all devices beyond */
#define DEVS_MAX 65535

struct dev {
	__u32 netns, ifindex;
	enum pl_dev_kind kind;
	char *name;
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
	__u16 *dev_slot; /* numbers; 0: free */
	size_t dev_slots;
	struct task *task;
	size_t task_slots;
};

static size_t hash_of(__u64 key, size_t slots)
{
	return ((key ^ key >> 32) * 0x9e3779b97f4a7c15ULL >> 32) & (slots - 1);
}

/* The slot of a device, or the free one where it belongs */
static __u16 *dev_slot(const struct names *n, __u32 netns, __u32 ifindex)
{
	size_t i = hash_of((__u64)netns << 32 | ifindex, n->dev_slots);
	const struct dev *d;

	while (n->dev_slot[i]) {
		d = &n->dev[n->dev_slot[i]];
		if (d->netns == netns && d->ifindex == ifindex)
			break;
		i = (i + 1) & (n->dev_slots - 1);
	}
	return &n->dev_slot[i];
}

static int dev_slots_grow(struct names *n)
{
	size_t slots = n->dev_slots ? n->dev_slots * 2 : 64;
	__u16 *slot = calloc(slots, sizeof(*slot));
	unsigned int i;

	if (!slot)
		return -ENOMEM;
	free(n->dev_slot);
	n->dev_slot = slot;
	n->dev_slots = slots;
	for (i = 1; i < n->ndevs; i++)
		*dev_slot(n, n->dev[i].netns, n->dev[i].ifindex) = i;
	return 0;
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

/* Takes the name over, also when it fails. Returns the number or -ENOMEM */
static int dev_add(struct names *n, __u32 netns, __u32 ifindex, char *name, enum pl_dev_kind kind)
{
	int err = name ? 0 : -ENOMEM;

	if (!err && n->ndevs == n->dev_room)
		err = dev_room_grow(n);
	if (!err && n->ndevs * 2 >= n->dev_slots)
		err = dev_slots_grow(n);
	if (err) {
		free(name);
		return err;
	}
	n->dev[n->ndevs] = (struct dev){ netns, ifindex, kind, name };
	*dev_slot(n, netns, ifindex) = n->ndevs;
	return n->ndevs++;
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

static int devices_load(struct names *n, const json_t *devices)
{
	__u32 netns, ifindex, own = netns_own(devices);
	const char *base, *ns;
	json_t *row;
	char *name;
	size_t i;
	int ret;

	json_array_foreach(devices, i, row) {
		if (!number_of(row, "netns", &netns) || !number_of(row, "ifindex", &ifindex))
			continue;
		if (*dev_slot(n, netns, ifindex) || n->ndevs >= DEVS_MAX)
			continue;
		base = text_of(row, "name");
		ns = text_of(row, "netns_name");
		if (netns == own)
			name = name_print("%s", base);
		else if (*ns)
			name = name_print("%s@%s", base, ns);
		else
			name = name_print("%s@%u", base, netns);
		ret = dev_add(n, netns, ifindex, name, dev_kind_by_name(text_of(row, "kind")));
		if (ret < 0)
			return ret;
	}
	return 0;
}

static struct task *task_slot(const struct names *n, __u32 tid)
{
	size_t i = hash_of(tid, n->task_slots);

	while (n->task[i].tid && n->task[i].tid != tid)
		i = (i + 1) & (n->task_slots - 1);
	return &n->task[i];
}

static int tasks_load(struct names *n, const json_t *tasks)
{
	struct task *task;
	json_t *row;
	__u32 tid;
	size_t i;

	n->task_slots = 2;
	while (n->task_slots < 2 * json_array_size(tasks))
		n->task_slots *= 2;
	n->task = calloc(n->task_slots, sizeof(*n->task));
	if (!n->task)
		return -ENOMEM;
	json_array_foreach(tasks, i, row) {
		if (!number_of(row, "tid", &tid))
			continue;
		task = task_slot(n, tid);
		free(task->comm);
		task->tid = tid;
		task->role = role_by_name(text_of(row, "role"));
		task->comm = name_print("%s", text_of(row, "comm"));
		if (!task->comm)
			return -ENOMEM;
	}
	return 0;
}

int names_new(const json_t *devices, const json_t *tasks, struct names **out)
{
	struct names *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return -ENOMEM;
	err = dev_room_grow(n);
	if (err)
		goto fail;
	n->dev[n->ndevs++] = (struct dev){ .kind = PL_DEV_OTHER };
	err = dev_slots_grow(n);
	if (!err)
		err = devices_load(n, devices);
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
	for (i = 0; i < n->ndevs; i++)
		free(n->dev[i].name);
	for (i = 0; n->task && i < n->task_slots; i++)
		free(n->task[i].comm);
	free(n->dev);
	free(n->dev_slot);
	free(n->task);
	free(n);
}

int names_dev(struct names *n, __u32 netns, __u32 ifindex)
{
	__u16 dev;

	if (!ifindex)
		return 0;
	dev = *dev_slot(n, netns, ifindex);
	if (dev)
		return dev;
	if (n->ndevs > DEVS_MAX)
		return DEVS_MAX;
	if (n->ndevs == DEVS_MAX) /* the last number */
		return dev_add(n, 0, 0, name_print("(other devices)"), PL_DEV_OTHER);
	return dev_add(n, netns, ifindex, name_print("if%u@%u", ifindex, netns), PL_DEV_OTHER);
}

const char *names_dev_name(const struct names *n, int dev)
{
	return dev > 0 && (unsigned int)dev < n->ndevs ? n->dev[dev].name : "";
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
