// SPDX-License-Identifier: GPL-2.0
/*
 * domains FILE		what each domain of a recording holds, as a JSON array
 * domains --hello N	an agent of protocol version N, as far as its first words
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent_proto.h"
#include "catalogue.h"
#include "trace.h"
#include "trace_format.h"

/* Ids of the hooks of all events: {id: number} */
static json_t *hooks_count(const struct trace *t)
{
	unsigned long n[PL_NR_HOOKS] = { 0 };
	struct pl_event ev[TRACE_BLOCK_EVENTS];
	json_t *all = json_object();
	size_t i;
	int k, got;

	for (i = 0; i < t->nblocks; i++) {
		got = trace_read_block(t, i, ev);
		for (k = 0; k < got; k++)
			n[ev[k].hook]++;
	}
	for (i = 0; i < PL_NR_HOOKS; i++)
		if (n[i])
			json_object_set_new(all, hook_desc(i)->id, json_integer(n[i]));
	return all;
}

/* Of all hooks: "made" or "lost" */
static json_int_t count_all(const struct trace *t, const char *what)
{
	json_t *hooks = json_object_get(t->docs[TRACE_COUNTS], "hooks"), *hook;
	json_int_t n = 0;
	const char *id;

	json_object_foreach(hooks, id, hook)
		n += json_integer_value(json_object_get(hook, what));
	return n;
}

static json_t *domain_doc(const struct trace *t)
{
	return json_pack("{s:I, s:I, s:I, s:b, s:b, s:I, s:O?, s:O?, s:O?, s:O?, s:o}", "events",
			 (json_int_t)t->nevents, "made", count_all(t, "made"), "lost",
			 count_all(t, "lost"), "ended", t->ended, "truncated", t->truncated, "damaged",
			 (json_int_t)t->damaged, "meta", t->docs[TRACE_META], "guest",
			 t->docs[TRACE_GUEST], "sync", t->docs[TRACE_SYNC], "packets",
			 json_object_get(t->docs[TRACE_END], "packets"), "hooks", hooks_count(t));
}

static int show(const char *path)
{
	struct trace *t;
	char why[256];
	json_t *all = json_array();
	size_t i;

	if (trace_open(path, &t, why, sizeof(why))) {
		fprintf(stderr, "domains: %s\n", why);
		return 1;
	}
	json_array_append_new(all, domain_doc(t));
	for (i = 0; i < t->nguests; i++)
		json_array_append_new(all, domain_doc(t->guest[i]));
	json_dumpf(all, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(all);
	trace_close(t);
	return 0;
}

static int hello(unsigned int proto)
{
	struct agent_hello h;

	agent_hello_make(&h, AGENT_FREE, NULL);
	h.proto = proto;
	h.crc = trace_crc(&h, offsetof(struct agent_hello, crc));
	if (write(STDOUT_FILENO, &h, sizeof(h)) != sizeof(h))
		return 1;
	sleep(10);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--hello"))
		return hello(strtoul(argv[2], NULL, 10));
	if (argc == 2)
		return show(argv[1]);
	fprintf(stderr, "usage: domains FILE | domains --hello N\n");
	return 2;
}
