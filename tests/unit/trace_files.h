/* SPDX-License-Identifier: GPL-2.0 */
/* Recordings made for tests: a directory for them, random events, whole files in memory */
#ifndef PKTLAP_TEST_TRACE_FILES_H
#define PKTLAP_TEST_TRACE_FILES_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "catalogue.h"
#include "trace.h"

static const __u8 hide_key[16] = "0123456789abcdef";

static inline __u64 random_next(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* All fields random but ts (the caller's) and hook (one that exists) */
static inline void event_random(struct pl_event *ev, __u64 *r)
{
	__u64 w[8];
	size_t i;

	for (i = 0; i < 8; i++)
		w[i] = random_next(r);
	memcpy(ev, w, sizeof(*ev));
	ev->hook = 1 + random_next(r) % (PL_NR_HOOKS - 1);
	if (random_next(r) % 8 == 0)
		ev->obj = 0;
	if (random_next(r) % 8 == 0)
		ev->key = 0;
	if (random_next(r) % 8 == 0)
		ev->head = 0;
}

/* doc is taken over */
static inline void doc_put(struct trace_writer *w, enum trace_chunk kind, json_t *doc)
{
	assert_non_null(doc);
	assert_int_equal(trace_write_doc(w, kind, doc), 0);
	json_decref(doc);
}

static char test_dir[64];

static inline int dir_make(void **state)
{
	(void)state;
	snprintf(test_dir, sizeof(test_dir), "/tmp/pktlap-test-XXXXXX");
	return mkdtemp(test_dir) ? 0 : -1;
}

static inline const char *file_path(char buf[128], const char *name)
{
	snprintf(buf, 128, "%s/%s", test_dir, name);
	return buf;
}

/* Removes what the tests are known to leave; fails when there is more */
static inline int dir_remove(void **state)
{
	static const char *const names[] = { "a", "a.old", "b", "link", "sub/a", "sub/a.old",
					     "sub" };
	char path[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		remove(file_path(path, names[i]));
	return rmdir(test_dir);
}

struct bytes {
	unsigned char *p;
	size_t n;
};

static inline struct bytes file_get(const char *path)
{
	struct bytes b;
	struct stat st;
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	b.n = st.st_size;
	b.p = malloc(b.n + 1);
	assert_non_null(b.p);
	assert_int_equal(fread(b.p, 1, b.n, f), b.n);
	fclose(f);
	return b;
}

static inline void file_put(const char *path, const void *p, size_t n)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

#endif
