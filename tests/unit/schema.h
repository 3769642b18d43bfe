/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A validator for the part of JSON Schema that pktlap's schemas use: type, const, enum, minimum,
 * maximum, properties, required, additionalProperties, items, $ref to #/$defs, and comments.
 * Stricter than the standard on purpose: members that the schema does not know are errors, and so
 * are keywords that this file does not know.
 */
#ifndef PKTLAP_TEST_SCHEMA_H
#define PKTLAP_TEST_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct schema_check {
	const json_t *root;
	char error[512]; /* of the first failure: where and what */
};

static inline bool schema_check(struct schema_check *c, const json_t *schema, const json_t *value,
				const char *where);

static inline bool schema_fail(struct schema_check *c, const char *where, const char *what)
{
	if (!*c->error)
		snprintf(c->error, sizeof(c->error), "%s: %s", where, what);
	return false;
}

static inline bool schema_type(const char *type, const json_t *v)
{
	return (!strcmp(type, "object") && json_is_object(v)) ||
	       (!strcmp(type, "array") && json_is_array(v)) ||
	       (!strcmp(type, "string") && json_is_string(v)) ||
	       (!strcmp(type, "integer") && json_is_integer(v)) ||
	       (!strcmp(type, "boolean") && json_is_boolean(v));
}

static inline bool schema_keywords(struct schema_check *c, const json_t *schema, const char *where)
{
	static const char *const known[] = {
		"$schema",
		"$id",
		"$defs",
		"$ref",
		"title",
		"description",
		"type",
		"const",
		"enum",
		"minimum",
		"maximum",
		"properties",
		"required",
		"additionalProperties",
		"items",
	};
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)schema, key, value) {
		bool found = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			found |= !strcmp(known[i], key);
		if (!found)
			return schema_fail(c, where, key);
	}
	return true;
}

static inline bool schema_members(struct schema_check *c, const json_t *schema,
				  const json_t *object, const char *where)
{
	const json_t *properties = json_object_get(schema, "properties"), *name;
	const json_t *others = json_object_get(schema, "additionalProperties");
	const char *key;
	char path[256];
	json_t *value;
	size_t i;

	json_array_foreach(json_object_get(schema, "required"), i, name)
		if (!json_object_get(object, json_string_value(name)))
			return schema_fail(c, where, json_string_value(name));

	json_object_foreach((json_t *)object, key, value) {
		const json_t *of = json_object_get(properties, key);

		snprintf(path, sizeof(path), "%.200s.%s", where, key);
		if (!of)
			of = others;
		if (!of)
			return schema_fail(c, path, "not in the schema");
		if (!schema_check(c, of, value, path))
			return false;
	}
	return true;
}

static inline bool schema_limits(struct schema_check *c, const json_t *schema, const json_t *value,
				 const char *where)
{
	const json_t *choices = json_object_get(schema, "enum"), *one = NULL;
	const json_t *min = json_object_get(schema, "minimum");
	const json_t *max = json_object_get(schema, "maximum");
	const json_t *same = json_object_get(schema, "const");
	bool found = !choices;
	size_t i;

	json_array_foreach(choices, i, one)
		found |= json_equal(one, value);
	if (!found || (same && !json_equal(same, value)))
		return schema_fail(c, where, "not one of the values allowed");
	if ((min && json_integer_value(value) < json_integer_value(min)) ||
	    (max && json_integer_value(value) > json_integer_value(max)))
		return schema_fail(c, where, "out of range");
	return true;
}

static inline bool schema_check(struct schema_check *c, const json_t *schema, const json_t *value,
				const char *where)
{
	const char *ref = json_string_value(json_object_get(schema, "$ref"));
	const char *type = json_string_value(json_object_get(schema, "type"));
	const json_t *items = json_object_get(schema, "items"), *item;
	char path[256];
	size_t i;

	if (!schema || !schema_keywords(c, schema, where))
		return schema_fail(c, where, "no schema");
	if (ref)
		return schema_check(c, json_object_get(json_object_get(c->root, "$defs"), ref + strlen("#/$defs/")), value, where);
	if (type && !schema_type(type, value))
		return schema_fail(c, where, type);
	if (!schema_limits(c, schema, value, where))
		return false;
	if (json_is_object(value) && !schema_members(c, schema, value, where))
		return false;
	json_array_foreach(items ? value : NULL, i, item) {
		snprintf(path, sizeof(path), "%.200s[%zu]", where, i);
		if (!schema_check(c, items, item, path))
			return false;
	}
	return true;
}

#endif
