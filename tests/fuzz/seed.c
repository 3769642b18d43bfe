// SPDX-License-Identifier: GPL-2.0
/* seed DIR: a few small recordings and messages for the fuzzers to begin with */
#include <stdio.h>
#include <sys/uio.h>

#include "agent_proto.h"
#include "fuzz.h"
#include "guest_stream.h"

static FILE *seed_open(const char *dir, const char *name, int mode)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	if (!f) {
		perror(path);
		exit(1);
	}
	fputc(mode, f);
	return f;
}

static int seed_put(void *ctx, struct iovec *iov, int n)
{
	int i;

	for (i = 0; i < n; i++)
		fwrite(iov[i].iov_base, 1, iov[i].iov_len, ctx);
	return 0;
}

static void doc_put(struct trace_writer *w, unsigned int domain, enum trace_chunk kind,
		    const char *text)
{
	json_t *doc = json_loads(text, 0, NULL);

	trace_write_doc_in(w, domain, kind, doc);
	json_decref(doc);
}

static void trace_seed(FILE *f, unsigned int domains)
{
	static const __u8 key[16];
	struct pl_event ev = { .hook = 1, .obj = 77, .key = 5 };
	struct trace_writer *w;
	unsigned int d, i;

	if (trace_create_stream(seed_put, f, key, &w))
		exit(1);
	for (d = 0; d < domains; d++) {
		doc_put(w, d, TRACE_META, "{\"host\":\"a\"}");
		doc_put(w, d, TRACE_CATALOGUE, "[\"x\",\"irq_entry\",\"napi_gro\"]");
		doc_put(w, d, TRACE_CLOCK, "{\"mono_ns\":1}");
		doc_put(w, d, TRACE_SYNC, "[{\"guest_ns\":1,\"host_ns\":2}]");
		doc_put(w, d, TRACE_CHANGES, "[{}]");
	}
	for (i = 0; i < 20; i++) {
		ev.ts = 100 * i;
		trace_write_event(w, i % 2, &ev);
	}
	doc_put(w, 0, TRACE_END, "{\"reason\":\"x\"}");
	trace_finish(w);
	fclose(f);
}

int main(int argc, char **argv)
{
	const int trace = FUZZ_HEADER | FUZZ_CHUNKS | FUZZ_NUMBERS;
	struct agent_ping ping = { .id = 1 };
	struct agent_hello h;
	struct agent_msg m;
	FILE *f;

	if (argc != 2)
		return 2;
	trace_seed(seed_open(argv[1], "one", trace), 1);
	trace_seed(seed_open(argv[1], "three", trace), 3);
	f = seed_open(argv[1], "hello", FUZZ_WORDS);
	agent_hello_make(&h, AGENT_FREE, "10.0.0.1 1 10.0.0.2 2");
	fwrite(&h, 1, sizeof(h), f);
	fclose(f);
	f = seed_open(argv[1], "messages", FUZZ_WORDS);
	agent_msg_make(&m, AGENT_START, "{}", 2);
	fwrite(&m, 1, sizeof(m), f);
	fwrite("{}", 1, 2, f);
	agent_msg_make(&m, AGENT_PING, &ping, sizeof(ping));
	fwrite(&m, 1, sizeof(m), f);
	fwrite(&ping, 1, sizeof(ping), f);
	fclose(f);
	return 0;
}
