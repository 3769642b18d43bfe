// SPDX-License-Identifier: GPL-2.0
#include "changes.h"

#include <string.h>

#include "util.h"

static const char *const event_names[DEVICE_NR_EVENTS] = {
	[DEVICE_APPEARED] = "appeared",
	[DEVICE_GONE] = "gone",
	[DEVICE_MOVED] = "moved",
	[DEVICE_RENAMED] = "renamed",
	[DEVICE_JOINED] = "joined",
	[DEVICE_LEFT] = "left",
	[DEVICE_MASTER] = "master",
	[DEVICES_MISSED] = "missed",
};

const char *device_event_name(enum device_event what)
{
	return what < DEVICE_NR_EVENTS ? event_names[what] : "?";
}

enum device_event device_event_by_name(const char *name)
{
	int what;

	for (what = 0; what < DEVICE_NR_EVENTS; what++)
		if (!strcmp(event_names[what], name))
			break;
	return what;
}

json_t *device_change_doc(const struct device_change *c)
{
	json_t *row = device_doc(&c->dev);

	if (!row)
		return NULL;
	json_object_set_new(row, "what", json_string(device_event_name(c->what)));
	json_object_set_new(row, "time_ns", json_integer(c->time_ns));
	json_object_set_new(row, "after_ns", json_integer(c->after_ns));
	json_object_set_new(row, "was", json_text(c->was));
	json_object_set_new(row, "to", json_text(c->to));
	return row;
}
