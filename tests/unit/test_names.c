// SPDX-License-Identifier: GPL-2.0
/* Names: devices and tasks by the numbers that events carry */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "names.h"

#define OWN  4026531840u
#define PEER 4026532201u
#define ANON 4026532305u

static json_t *devices_make(void)
{
	json_error_t err;
	json_t *doc = json_pack_ex(&err, 0,
				   "[{s:I, s:s, s:i, s:s, s:s}, {s:I, s:s, s:i, s:s, s:s}, {s:I, s:s, s:i, s:s, s:s},"
				   " {s:I, s:s, s:i, s:s, s:s}, {s:I, s:i, s:s, s:s}]",
				   "netns", (json_int_t)OWN, "netns_name", "", "ifindex", 2, "name", "eth1", "kind",
				   "nic",
				   "netns", (json_int_t)OWN, "netns_name", "", "ifindex", 7, "name", "tap0", "kind",
				   "tap",
				   "netns", (json_int_t)PEER, "netns_name", "peer", "ifindex", 2, "name", "eth0",
				   "kind", "veth",
				   "netns", (json_int_t)ANON, "netns_name", "", "ifindex", 2, "name", "eth0", "kind",
				   "veth",
				   "netns", (json_int_t)(ANON + 1), "ifindex", 3, "name", "br9", "kind", "bridge");

	assert_non_null(doc);
	return doc;
}

static json_t *tasks_make(void)
{
	json_t *doc = json_pack("[{s:i, s:s, s:s}, {s:i, s:s, s:s}, {s:I, s:s, s:s}]",
				"tid", 2154, "comm", "vhost-2149", "role", "vhost",
				"tid", 2160, "comm", "CPU 0/KVM", "role", "vcpu",
				"tid", (json_int_t)4194303, "comm", "server", "role", "none");

	assert_non_null(doc);
	return doc;
}

static struct names *names_make(void)
{
	json_t *devices = devices_make(), *tasks = tasks_make();
	struct names *n;

	assert_int_equal(names_new(devices, tasks, NULL, &n), 0);
	/* nothing of the documents is borrowed */
	json_decref(devices);
	json_decref(tasks);
	return n;
}

static void check_dev(struct names *n, __u32 netns, __u32 ifindex, const char *name,
		      enum pl_dev_kind kind)
{
	int dev = names_dev(n, netns, ifindex, 0, NULL);

	assert_true(dev > 0);
	assert_int_equal(names_dev(n, netns, ifindex, 0, NULL), dev);
	assert_string_equal(names_dev_name(n, dev), name);
	assert_int_equal(names_dev_kind(n, dev), kind);
}

static void devices_have_their_names(void **state)
{
	struct names *n = names_make();

	(void)state;
	check_dev(n, OWN, 2, "eth1", PL_DEV_NIC);
	check_dev(n, OWN, 7, "tap0", PL_DEV_TAP);
	check_dev(n, PEER, 2, "eth0@peer", PL_DEV_VETH);
	check_dev(n, ANON, 2, "eth0@4026532305", PL_DEV_VETH);
	check_dev(n, ANON + 1, 3, "br9@4026532306", PL_DEV_BRIDGE);
	assert_int_equal(names_dev(n, OWN, 0, 0, NULL), 0);
	assert_string_equal(names_dev_name(n, 0), "");
	assert_int_equal(names_dev_kind(n, 0), PL_DEV_OTHER);
	names_free(n);
}

static void unlisted_devices_are_added(void **state)
{
	struct names *n = names_make();
	int first[500];
	char name[64];
	int i, j;

	(void)state;
	for (i = 0; i < 500; i++) {
		first[i] = names_dev(n, PEER + i % 3, 100 + i, 0, NULL);
		assert_true(first[i] > 0);
		for (j = 0; j < i; j++)
			assert_int_not_equal(first[i], first[j]);
	}
	for (i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "if%d@%u", 100 + i, PEER + i % 3);
		assert_int_equal(names_dev(n, PEER + i % 3, 100 + i, 0, NULL), first[i]);
		assert_string_equal(names_dev_name(n, first[i]), name);
		assert_int_equal(names_dev_kind(n, first[i]), PL_DEV_OTHER);
	}
	check_dev(n, OWN, 2, "eth1", PL_DEV_NIC);
	names_free(n);
}

/* Numbers fit the 16 bits of a sighting, whatever the stream says */
static void devices_without_end(void **state)
{
	struct names *n = names_make();
	int dev = 0, i;

	(void)state;
	for (i = 1; i < 70000; i++) {
		dev = names_dev(n, 1, i, 0, NULL);
		assert_in_range(dev, 1, 65535);
	}
	assert_int_equal(dev, 65535);
	assert_string_equal(names_dev_name(n, dev), "(other devices)");
	check_dev(n, 1, 60000, "if60000@1", PL_DEV_OTHER);
	check_dev(n, OWN, 7, "tap0", PL_DEV_TAP);
	names_free(n);
}

static void tasks_have_comm_and_role(void **state)
{
	struct names *n = names_make();

	(void)state;
	assert_string_equal(names_comm(n, 2154), "vhost-2149");
	assert_int_equal(names_role(n, 2154), PL_ROLE_VHOST);
	assert_string_equal(names_comm(n, 2160), "CPU 0/KVM");
	assert_int_equal(names_role(n, 2160), PL_ROLE_VCPU);
	assert_string_equal(names_comm(n, 4194303), "server");
	assert_int_equal(names_role(n, 4194303), PL_ROLE_NONE);
	assert_null(names_comm(n, 1));
	assert_int_equal(names_role(n, 1), PL_ROLE_NONE);
	assert_null(names_comm(n, 0));
	assert_int_equal(names_role(n, 0), PL_ROLE_NONE);
	names_free(n);
}

static void many_tasks(void **state)
{
	json_t *tasks = json_array();
	struct names *n;
	char comm[16];
	int i;

	(void)state;
	for (i = 1; i <= 5000; i++) {
		snprintf(comm, sizeof(comm), "task%d", i);
		json_array_append_new(tasks, json_pack("{s:i, s:s, s:s}", "tid", i * 64, "comm",
						       comm, "role", i % 2 ? "vhost" : "none"));
	}
	assert_int_equal(names_new(NULL, tasks, NULL, &n), 0);
	json_decref(tasks);
	for (i = 1; i <= 5000; i++) {
		snprintf(comm, sizeof(comm), "task%d", i);
		assert_string_equal(names_comm(n, i * 64), comm);
		assert_int_equal(names_role(n, i * 64), i % 2 ? PL_ROLE_VHOST : PL_ROLE_NONE);
		assert_null(names_comm(n, i * 64 + 1));
	}
	names_free(n);
}

static void no_documents(void **state)
{
	struct names *n;

	(void)state;
	assert_int_equal(names_new(NULL, NULL, NULL, &n), 0);
	assert_null(names_comm(n, 2154));
	check_dev(n, OWN, 2, "if2@4026531840", PL_DEV_OTHER);
	names_free(n);
	names_free(NULL);
}

/* Documents come from files: wrong types, missing fields, control characters, repeats */
static void hostile_documents(void **state)
{
	static const char dev_text[] =
		"[1, null, {}, {\"netns\": \"x\", \"ifindex\": 1},"
		" {\"netns\": -5, \"ifindex\": 1, \"name\": \"n\"},"
		" {\"netns\": 1, \"ifindex\": 99999999999, \"name\": \"n\"},"
		" {\"netns\": 1, \"ifindex\": 1, \"netns_name\": [], \"name\": {}, \"kind\": 3},"
		" {\"netns\": 2, \"ifindex\": 2, \"netns_name\": \"\","
		"  \"name\": \"e\\u001b[2Jx\\u0085\\u00e9\"},"
		" {\"netns\": 2, \"ifindex\": 2, \"netns_name\": \"\", \"name\": \"again\"}]";
	static const char task_text[] =
		"[7, {\"tid\": 0, \"comm\": \"idle\"}, {\"tid\": 5}, {\"tid\": 1.5},"
		" {\"tid\": 6, \"comm\": \"first\"}, {\"tid\": 6, \"comm\": \"a\\nb\","
		"  \"role\": \"vmm\"}]";
	json_t *devices = json_loads(dev_text, 0, NULL), *tasks = json_loads(task_text, 0, NULL);
	struct names *n;

	(void)state;
	assert_non_null(devices);
	assert_non_null(tasks);
	assert_int_equal(names_new(devices, tasks, NULL, &n), 0);
	check_dev(n, 1, 1, "@1", PL_DEV_OTHER);
	check_dev(n, 2, 2, "e?[2Jx??\u00e9", PL_DEV_OTHER);
	assert_string_equal(names_comm(n, 5), "");
	assert_string_equal(names_comm(n, 6), "a?b");
	assert_int_equal(names_role(n, 6), PL_ROLE_VMM);
	assert_null(names_comm(n, 0));
	names_free(n);
	/* not even arrays */
	assert_int_equal(names_new(json_array_get(devices, 2), json_array_get(tasks, 0), tasks, &n), 0);
	assert_null(names_comm(n, 6));
	names_free(n);
	json_decref(devices);
	json_decref(tasks);
}

static void change_add(json_t *changes, const char *what, __u64 after, __u64 at, int ifindex,
		       const char *name, const char *master)
{
	json_array_append_new(changes,
			      json_pack("{s:s, s:I, s:I, s:I, s:s, s:i, s:s, s:s, s:s}", "what",
					what, "after_ns", (json_int_t)after, "time_ns",
					(json_int_t)at, "netns", (json_int_t)OWN, "netns_name", "",
					"ifindex", ifindex, "name", name, "kind",
					ifindex == 7 ? "tap" : "nic", "master", master));
}

static void check_at(struct names *n, int ifindex, __u64 ts, const char *name, const char *master)
{
	struct names_span span;
	int dev = names_dev(n, OWN, ifindex, ts, &span);

	assert_true(dev > 0);
	assert_string_equal(names_dev_name(n, dev), name);
	assert_string_equal(names_dev_master(n, dev), master);
	assert_true(span.from <= ts && ts < span.to);
	/* the span is as wide as the answer is right, and no wider */
	assert_int_equal(names_dev(n, OWN, ifindex, span.from, NULL), dev);
	assert_int_equal(names_dev(n, OWN, ifindex, span.to - 1, NULL), dev);
	if (span.from)
		assert_int_not_equal(names_dev(n, OWN, ifindex, span.from - 1, NULL), dev);
}

/* A device is called what it was called at the time of the event */
static void names_by_time(void **state)
{
	json_t *devices = devices_make(), *changes = json_array();
	struct names *n;
	int first;

	(void)state;
	change_add(changes, "renamed", 1000, 1010, 2, "wan0", "");
	change_add(changes, "joined", 2000, 2010, 2, "wan0", "br0");
	change_add(changes, "gone", 3000, 3010, 2, "wan0", "br0");
	/* its number is given to another device, then to one of the first name */
	change_add(changes, "appeared", 4000, 4010, 2, "dummy0", "");
	change_add(changes, "gone", 5000, 5010, 2, "dummy0", "");
	change_add(changes, "appeared", 6000, 6010, 2, "eth1", "");
	/* not listed at the start: its only name holds for all times */
	change_add(changes, "appeared", 4000, 4010, 9, "eth9", "");
	/* gone and back under the same name and number: no doubt, no other device */
	change_add(changes, "gone", 1000, 1010, 7, "tap0", "");
	change_add(changes, "appeared", 9000, 9010, 7, "tap0", "");
	/* out of order: left out */
	change_add(changes, "renamed", 100, 110, 2, "never", "");
	assert_int_equal(names_new(devices, NULL, changes, &n), 0);
	json_decref(devices);
	json_decref(changes);

	check_at(n, 2, 0, "eth1", "");
	check_at(n, 2, 999, "eth1", "");
	check_at(n, 2, 1000, "eth1|wan0", "");
	check_at(n, 2, 1009, "eth1|wan0", "");
	check_at(n, 2, 1010, "wan0", "");
	/* of the same name, but of which bridge is not known */
	check_at(n, 2, 2005, "wan0", "");
	check_at(n, 2, 2010, "wan0", "br0");
	/* what is on its way yet when the device has gone is the device's */
	check_at(n, 2, 3999, "wan0", "br0");
	check_at(n, 2, 4005, "wan0|dummy0", "");
	check_at(n, 2, 4010, "dummy0", "");
	check_at(n, 2, 1ULL << 62, "eth1", "");
	first = names_dev(n, OWN, 2, 0, NULL);
	assert_int_equal(names_dev(n, OWN, 2, 6010, NULL), first);
	check_at(n, 9, 1, "eth9", "");
	check_at(n, 7, 5000, "tap0", "");
	assert_int_equal(names_dev(n, OWN, 7, 0, NULL), names_dev(n, OWN, 7, 1ULL << 62, NULL));
	names_free(n);
}

/* Added while events come in, as the recorder does: against a list of what was said */
static void names_added_by_and_by(void **state)
{
	struct names_dev d = { .netns = OWN, .ifindex = 5, .master = "", .kind = PL_DEV_VETH };
	char name[3000][16];
	struct names *n;
	__u32 netns, ifindex;
	int i, dev;

	(void)state;
	assert_int_equal(names_new(NULL, NULL, NULL, &n), 0);
	for (i = 0; i < 3000; i++) {
		snprintf(name[i], sizeof(name[i]), "veth%d", i);
		d.name = name[i];
		d.after_ns = i * 100;
		d.from_ns = i * 100 + 50;
		assert_int_equal(names_dev_add(n, &d), 0);
		dev = names_dev(n, OWN, 5, d.from_ns + 49, NULL);
		assert_string_equal(names_dev_name(n, dev), name[i]);
		names_dev_id(n, dev, &netns, &ifindex);
		assert_true(netns == OWN && ifindex == 5);
	}
	for (i = 0; i < 3000; i++) {
		dev = names_dev(n, OWN, 5, i * 100 + 75, NULL);
		assert_string_equal(names_dev_name(n, dev), name[i]);
		dev = names_dev(n, OWN, 5, i * 100 + 25, NULL);
		assert_int_equal(strchr(names_dev_name(n, dev), '|') != NULL, i > 0);
	}
	names_dev_id(n, 0, &netns, &ifindex);
	assert_true(!netns && !ifindex);
	names_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_have_their_names),
		cmocka_unit_test(unlisted_devices_are_added),
		cmocka_unit_test(devices_without_end),
		cmocka_unit_test(tasks_have_comm_and_role),
		cmocka_unit_test(many_tasks),
		cmocka_unit_test(no_documents),
		cmocka_unit_test(hostile_documents),
		cmocka_unit_test(names_by_time),
		cmocka_unit_test(names_added_by_and_by),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
