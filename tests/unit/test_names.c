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

	assert_int_equal(names_new(devices, tasks, &n), 0);
	/* nothing of the documents is borrowed */
	json_decref(devices);
	json_decref(tasks);
	return n;
}

static void check_dev(struct names *n, __u32 netns, __u32 ifindex, const char *name,
		      enum pl_dev_kind kind)
{
	int dev = names_dev(n, netns, ifindex);

	assert_true(dev > 0);
	assert_int_equal(names_dev(n, netns, ifindex), dev);
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
	assert_int_equal(names_dev(n, OWN, 0), 0);
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
		first[i] = names_dev(n, PEER + i % 3, 100 + i);
		assert_true(first[i] > 0);
		for (j = 0; j < i; j++)
			assert_int_not_equal(first[i], first[j]);
	}
	for (i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "if%d@%u", 100 + i, PEER + i % 3);
		assert_int_equal(names_dev(n, PEER + i % 3, 100 + i), first[i]);
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
		dev = names_dev(n, 1, i);
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
	assert_int_equal(names_new(NULL, tasks, &n), 0);
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
	assert_int_equal(names_new(NULL, NULL, &n), 0);
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
	assert_int_equal(names_new(devices, tasks, &n), 0);
	check_dev(n, 1, 1, "@1", PL_DEV_OTHER);
	check_dev(n, 2, 2, "e?[2Jx??\u00e9", PL_DEV_OTHER);
	assert_string_equal(names_comm(n, 5), "");
	assert_string_equal(names_comm(n, 6), "a?b");
	assert_int_equal(names_role(n, 6), PL_ROLE_VMM);
	assert_null(names_comm(n, 0));
	names_free(n);
	/* not even arrays */
	assert_int_equal(names_new(json_array_get(devices, 2), json_array_get(tasks, 0), &n), 0);
	assert_null(names_comm(n, 6));
	names_free(n);
	json_decref(devices);
	json_decref(tasks);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
