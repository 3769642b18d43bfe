// SPDX-License-Identifier: GPL-2.0
/* The report for programs: JSON by its schema, CSV by RFC 4180 */
#include <libgen.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "fixture.h"
#include "schema.h"
#include "view.h"
#include "view_tail.h"

static json_t *schema_load(void)
{
	char path[512], dir[256];
	json_error_t error;
	json_t *schema;

	snprintf(dir, sizeof(dir), "%s", __FILE__);
	snprintf(path, sizeof(path), "%s/../../user/report.schema.json", dirname(dir));
	schema = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (!schema)
		fail_msg("%s:%d: %s", path, error.line, error.text);
	return schema;
}

static char *view_of(const struct report *r, int (*view)(const struct report *r, FILE *f))
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_int_equal(view(r, f), 0);
	assert_int_equal(fclose(f), 0);
	return text;
}

static json_t *json_of(const struct report *r)
{
	char *text = view_of(r, view_json);
	json_t *doc = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(doc);
	free(text);
	return doc;
}

static void check_schema(const json_t *doc)
{
	json_t *schema = schema_load();
	struct schema_check c = { .root = schema };

	if (!schema_check(&c, schema, doc, "report"))
		fail_msg("%s", c.error);
	json_decref(schema);
}

static json_int_t int_at(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	assert_true(json_is_integer(v));
	return json_integer_value(v);
}

static void fixture_full(struct fixture *f)
{
	fixture_open(f);
	fixture_packets(f);
	fixture_finish(f);
}

static void test_json_schema(void **state)
{
	struct fixture f;
	json_t *doc;

	(void)state;
	fixture_full(&f);
	doc = json_of(f.report);
	check_schema(doc);
	json_decref(doc);
	fixture_close(&f);
}

/* A recording that has nothing to say has the same members with the same types */
static void test_json_schema_empty(void **state)
{
	struct fixture f;
	struct packet p;
	json_t *doc;

	(void)state;
	fixture_open(&f);
	for (int i = 0; i < TRACE_NR_CHUNKS; i++) {
		json_decref(f.trace.docs[i]);
		f.trace.docs[i] = NULL;
	}
	packet_begin(&p, 1, PACKET_COMPLETE);
	packet_see(&p, PL_HOP_nic_gro, 0, 1);
	fixture_feed(&f, &p);
	fixture_finish(&f);
	doc = json_of(f.report);
	check_schema(doc);
	json_decref(doc);
	fixture_close(&f);

	fixture_open(&f);
	fixture_finish(&f);
	doc = json_of(f.report);
	check_schema(doc);
	json_decref(doc);
	fixture_close(&f);
}

/* A host on which nothing was found is not one on which nobody looked */
static void test_json_no_hazards(void **state)
{
	for (int looked = 0; looked < 2; looked++) {
		struct fixture f;
		json_t *doc;

		(void)state;
		fixture_open(&f);
		json_decref(f.trace.docs[TRACE_HAZARDS]);
		f.trace.docs[TRACE_HAZARDS] = looked ? json_array() : NULL;
		fixture_finish(&f);
		doc = json_of(f.report);
		assert_int_equal(json_array_size(json_object_get(doc, "hazards")), 0);
		assert_int_equal(json_is_true(json_object_get(doc, "hazards_known")), looked);
		json_decref(doc);
		fixture_close(&f);
	}
}

/* Which stages make the slowest slow: JSON by the schema, its sums, and the words */
static void test_slowest(void **state)
{
	const json_t *tail, *stage;
	json_int_t more = 0;
	struct fixture f;
	json_t *doc;
	size_t i;

	(void)state;
	fixture_open(&f);
	fixture_slowest(&f, "1%");
	doc = json_of(f.report);
	check_schema(doc);
	tail = json_object_get(json_array_get(json_object_get(doc, "paths"), 0), "tail");
	assert_int_equal(int_at(tail, "n"), 10);
	/* a wait of 1234567 in one of ten packets, where others wait some 8000 */
	json_array_foreach(json_object_get(tail, "stages"), i, stage)
		more += int_at(stage, "more");
	assert_in_range(int_at(tail, "more") - more + 10, 0, 20);
	stage = json_array_get(json_object_get(tail, "stages"), int_at(tail, "top_stage_index"));
	assert_in_range(int_at(stage, "more"), 120000, 130000);
	assert_int_equal(int_at(stage, "largest_in"), 10);
	json_decref(doc);
	fixture_close(&f);
}

static int view_slowest(const struct report *r, FILE *f)
{
	const struct text_out out = { .f = f, .utf8 = true, .unit = UNIT_US };

	assert_int_equal(view_tail_text(&r->paths[0], &out, false), 0);
	return view_tail_text(&r->paths[1], &out, false);
}

static void test_slowest_text(void **state)
{
	struct fixture f;
	char *text;

	(void)state;
	fixture_open(&f);
	fixture_slowest(&f, "1%");
	text = view_of(f.report, view_slowest);
	assert_non_null(strstr(text, "  vhost:wake      → vhost:run  10  "));
	assert_non_null(strstr(text, "  the slowest 1 % (n = 10, from "));
	assert_non_null(strstr(text, "% of that in vhost:wake → vhost:run, which is the largest excess in 10 of them\n"));
	assert_non_null(strstr(text, "few packets: another recording may show other stages\n"));
	/* the three packets of the other path take the same times */
	assert_non_null(strstr(text, "(n = 1, from 16.000 µs on) took no longer than those in the middle"));
	free(text);
	fixture_close(&f);
}

/* The validator finds what it is there for */
static void test_schema_refuses(void **state)
{
	static const struct {
		const char *key;
		const char *value;
	} bad[] = {
		{ "schema", "2" },
		{ "schema", "\"1\"" },
		{ "paths", "{}" },
		{ "clock", "[{}]" },
		{ "hops", "[{}]" },
		{ "more", "1" },
		{ "clock", "[{\"domain\": \"host\", \"error_ns\": 1.5}]" },
		{ "clock", "[{\"domain\": \"host\", \"error_ns\": -1}]" },
		{ "clock", "[{\"domain\": null, \"error_ns\": 1}]" },
	};
	json_t *schema = schema_load();
	struct fixture f;

	(void)state;
	fixture_full(&f);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct schema_check c = { .root = schema };
		json_t *doc = json_of(f.report);

		json_object_set_new(doc, bad[i].key,
				    json_loads(bad[i].value, JSON_DECODE_ANY, NULL));
		assert_false(schema_check(&c, schema, doc, "report"));
		json_decref(doc);
	}
	json_decref(schema);
	fixture_close(&f);
}

static void test_json_content(void **state)
{
	const json_t *paths, *path, *stage, *hops, *packets;
	json_int_t share = 0;
	struct fixture f;
	json_t *doc;
	size_t i;

	(void)state;
	fixture_full(&f);
	doc = json_of(f.report);
	paths = json_object_get(doc, "paths");
	path = json_array_get(paths, 0);
	hops = json_object_get(path, "hops");
	assert_int_equal(json_array_size(paths), 2);
	assert_int_equal(int_at(path, "packets"), 1000);
	json_array_foreach(json_object_get(path, "stages"), i, stage) {
		const json_t *from = json_array_get(hops, int_at(stage, "from_index"));

		assert_true(json_equal(json_object_get(from, "hop"),
				       json_object_get(stage, "from")));
		assert_true(json_equal(json_object_get(from, "dev"),
				       json_object_get(stage, "from_dev")));
		share += int_at(stage, "share_ppm");
	}
	assert_int_equal(share, 1000000);

	stage = json_array_get(json_object_get(path, "stages"),
			       int_at(json_object_get(path, "slowest"), "stage_index"));
	assert_string_equal(json_string_value(json_object_get(stage, "to")), "vhost:run");
	assert_int_equal(int_at(stage, "max"), 1234567);
	assert_int_equal(int_at(json_object_get(doc, "lost"), "events"), 7);

	packets = json_object_get(doc, "packets");
	assert_int_equal(int_at(packets, "seen"),
			 int_at(packets, "complete") + int_at(packets, "dropped") +
				 int_at(packets, "merged") + int_at(packets, "split") +
				 int_at(packets, "incomplete") + int_at(packets, "ambiguous"));
	json_decref(doc);
	fixture_close(&f);
}

/* Fields of one CSV record, quotes resolved; moves *at to the next record */
static size_t csv_record(char **at, char *fields[32])
{
	char *in = *at, *out = *at;
	bool quoted = false;
	size_t n = 0;

	fields[n++] = out;
	for (; *in; in++) {
		if (*in == '"' && quoted && in[1] == '"') {
			*out++ = *++in;
		} else if (*in == '"') {
			quoted = !quoted;
		} else if (*in == ',' && !quoted) {
			*out++ = 0;
			assert_true(n < 32);
			fields[n++] = out;
		} else if (*in == '\n' && !quoted) {
			break;
		} else {
			*out++ = *in;
		}
	}
	assert_int_equal(*in, '\n');
	*out = 0;
	*at = in + 1;
	return n;
}

static void test_csv(void **state)
{
	char *text, *at, *fields[32];
	size_t rows = 0, columns;
	struct fixture f;

	(void)state;
	fixture_full(&f);
	text = view_of(f.report, view_csv);
	assert_non_null(strstr(text, ",\"tap,1\",\"dev:queue@tap,1\","));
	at = text;
	columns = csv_record(&at, fields);
	assert_int_equal(columns, 18);
	assert_string_equal(fields[0], "path");
	assert_string_equal(fields[17], "share_ppm");
	for (; *at; rows++) {
		assert_int_equal(csv_record(&at, fields), columns);
		if (!strcmp(fields[4], "vhost:wake") && !strcmp(fields[5], "vhost:run"))
			assert_string_equal(fields[15], "1234567");
	}
	/* stages and totals of two paths */
	assert_int_equal(rows, 14 + 1 + 5 + 1);
	assert_string_equal(fields[1], "total");
	assert_string_equal(fields[9], "16000");
	free(text);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_schema),
		cmocka_unit_test(test_json_schema_empty),
		cmocka_unit_test(test_json_no_hazards),
		cmocka_unit_test(test_slowest),
		cmocka_unit_test(test_slowest_text),
		cmocka_unit_test(test_schema_refuses),
		cmocka_unit_test(test_json_content),
		cmocka_unit_test(test_csv),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
