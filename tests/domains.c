// SPDX-License-Identifier: GPL-2.0
/*
 * domains FILE		what each domain of a recording holds, as a JSON array
 * domains --hello N	an agent of protocol version N, as far as its first words
 * domains --flood COMMAND
 *			a recorder that asks COMMAND's agent for the time, very often, before it reads
 *			anything: prints how many answers came, and whether the recording's end did
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent_proto.h"
#include "catalogue.h"
#include "endpoint.h"
#include "guest_stream.h"
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

static int msg_write(int fd, enum agent_msg_kind kind, const void *payload, __u32 len)
{
	char all[64];
	struct agent_msg m;

	agent_msg_make(&m, kind, payload, len);
	memcpy(all, &m, sizeof(m));
	memcpy(all + sizeof(m), payload, len);
	return write(fd, all, sizeof(m) + len) == (ssize_t)(sizeof(m) + len) ? 0 : -1;
}

static int flood(const char *command)
{
	struct guest_stream s = { 0 };
	struct trace_chunk_header h;
	struct agent_hello hello_of;
	struct agent_ping ping = { 0 };
	const void *payload;
	const char *what;
	int fd[3], n, answers = 0, ended = 0;
	size_t room;
	pid_t pid;
	void *to;

	if (endpoint_exec(command, &pid, fd))
		return 1;
	fcntl(fd[0], F_SETFL, 0);
	fcntl(fd[1], F_SETFL, 0);
	if (read(fd[1], &hello_of, sizeof(hello_of)) != sizeof(hello_of) ||
	    msg_write(fd[0], AGENT_START, "{}", 2))
		return 1;
	while (ping.id++ < 100000)
		if (msg_write(fd[0], AGENT_PING, &ping, sizeof(ping)))
			return 1;
	if (msg_write(fd[0], AGENT_STOP, "", 0))
		return 1;
	while ((to = guest_stream_room(&s, &room)) && (n = read(fd[1], to, room)) > 0) {
		guest_stream_add(&s, n);
		while (guest_stream_next(&s, &h, &payload, &what) > 0) {
			answers += h.kind == TRACE_SYNC;
			ended += h.kind == TRACE_END;
		}
	}
	printf("%d %d\n", answers, ended);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--hello"))
		return hello(strtoul(argv[2], NULL, 10));
	if (argc == 3 && !strcmp(argv[1], "--flood"))
		return flood(argv[2]);
	if (argc == 2)
		return show(argv[1]);
	fprintf(stderr, "usage: domains FILE | domains --hello N | domains --flood COMMAND\n");
	return 2;
}
