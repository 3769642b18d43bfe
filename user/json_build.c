// SPDX-License-Identifier: GPL-2.0
#include "json_build.h"

#include <errno.h>
#include <stdint.h>

#include "util.h"

void json_put(struct json_builder *b, json_t *o, const char *key, json_t *value)
{
	if (json_object_set_new(o, key, value))
		b->failed = true;
}

void json_append(struct json_builder *b, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		b->failed = true;
}

void json_put_int(struct json_builder *b, json_t *o, const char *key, __u64 v)
{
	json_put(b, o, key, json_integer(v < INT64_MAX ? v : INT64_MAX));
}

void json_put_bool(struct json_builder *b, json_t *o, const char *key, bool v)
{
	json_put(b, o, key, json_boolean(v));
}

void json_put_str(struct json_builder *b, json_t *o, const char *key, const char *s)
{
	json_put(b, o, key, json_text(s));
}

json_t *json_strings(struct json_builder *b, const char *const *s, size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++)
		json_append(b, a, json_text(s[i]));
	return a;
}

__u64 json_count(const json_t *o, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(o, key));

	return v > 0 ? v : 0;
}

const char *json_str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static int finish(const struct json_builder *b, json_t *o, FILE *f, size_t flags)
{
	if (!b->failed) {
		json_dumpf(o, f, flags);
		putc('\n', f);
	}
	json_decref(o);
	return b->failed ? -ENOMEM : 0;
}

int json_finish(const struct json_builder *b, json_t *o, FILE *f)
{
	return finish(b, o, f, JSON_INDENT(2));
}

int json_finish_line(const struct json_builder *b, json_t *o, FILE *f)
{
	return finish(b, o, f, JSON_COMPACT);
}
