/* SPDX-License-Identifier: GPL-2.0 */
/*
 * JSON objects of a contract: every member is always there. A member that could not be made would
 * break it, so the builder remembers, and there is no output at all.
 */
#ifndef PKTLAP_JSON_BUILD_H
#define PKTLAP_JSON_BUILD_H

#include <jansson.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct json_builder {
	bool failed;
};

/* Set a member of o, or add to an array; value: the reference is taken, NULL is a failure */
void json_put(struct json_builder *b, json_t *o, const char *key, json_t *value);
void json_append(struct json_builder *b, json_t *array, json_t *value);

/* The largest integer of JSON where v is larger: nothing that was measured comes near */
void json_put_int(struct json_builder *b, json_t *o, const char *key, __u64 v);
void json_put_bool(struct json_builder *b, json_t *o, const char *key, bool v);
/* s need not be UTF-8: see json_text() */
void json_put_str(struct json_builder *b, json_t *o, const char *key, const char *s);

/* A new array of strings */
json_t *json_strings(struct json_builder *b, const char *const *s, size_t n);

/*
 * Members of a document from a file. What is measured is never negative: a number that is, and one
 * that is none, is 0; a string that is not there is "".
 */
__u64 json_count(const json_t *o, const char *key);
const char *json_str(const json_t *o, const char *key);

/* Print o and a newline, unless something failed; releases o. 0 or -ENOMEM */
int json_finish(const struct json_builder *b, json_t *o, FILE *f);
/* The same in one line */
int json_finish_line(const struct json_builder *b, json_t *o, FILE *f);

#endif
