// SPDX-License-Identifier: GPL-2.0
/* Ways over a built snapshot, and their views */
#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host_scene.h"
#include "path.h"
#include "schema.h"
#include "view_path.h"

struct world {
	struct host *h;
	struct path *p;
};

static void world_open(struct world *w, const struct path_query *q)
{
	char err[256] = "";

	w->h = scene_new();
	w->p = NULL;
	if (path_new(w->h, q, &w->p, err, sizeof(err)))
		fail_msg("%s", err);
}

static void world_close(struct world *w)
{
	path_free(w->p);
	host_free(w->h);
}

static size_t way_text(const struct path_elem *e, char *buf, size_t size)
{
	size_t n = e->parent ? way_text(e->parent, buf, size) : 0;

	return n + snprintf(buf + n, size - n, "%s%s", n ? " " : "", e->name);
}

/* All ways, a line each, in the order of the trees */
static void assert_ways(const struct path *p, const char *want)
{
	char got[4096] = "";
	size_t n = 0;

	for (size_t i = 0; i < p->nelems; i++) {
		if (p->elems[i]->nnext)
			continue;
		n += way_text(p->elems[i], got + n, sizeof(got) - n);
		n += snprintf(got + n, sizeof(got) - n, "%s\n", p->elems[i]->again ? " (again)" : "");
	}
	assert_string_equal(got, want);
}

static const struct path_elem *elem(const struct path *p, const char *name)
{
	for (size_t i = 0; i < p->nelems; i++)
		if (!strcmp(p->elems[i]->name, name) && !p->elems[i]->again)
			return p->elems[i];
	fail_msg("no element %s", name);
	return NULL;
}

/* "nic:irq> dev:queue<": names with the directions in which the hop is met */
static void assert_hops(const struct path_elem *e, const char *want)
{
	char got[512] = "";
	size_t n = 0;

	for (size_t i = 0; i < e->nhops; i++)
		n += snprintf(got + n, sizeof(got) - n, "%s%s%s%s", n ? " " : "", hop_desc(e->hops[i].hop)->name,
			      e->hops[i].forward ? ">" : "", e->hops[i].back ? "<" : "");
	assert_string_equal(got, want);
}

static void test_joined(void **state)
{
	struct host *h = scene_new();
	struct host_dev *br0 = scene_find(h, "br0");

	(void)state;
	assert_int_equal(br0->nports, 4);
	assert_int_equal(br0->nuppers, 1);
	assert_ptr_equal(br0->uppers[0], scene_find(h, "br0.10"));
	assert_ptr_equal(scene_find(h, "bond0")->active, scene_find(h, "eth1"));
	assert_ptr_equal(scene_find(h, "macvtap0")->lower, scene_find(h, "eth3"));
	host_free(h);
}

static void test_names(void **state)
{
	struct host *h = scene_new();
	bool several;

	(void)state;
	assert_true(host_find(h, "eth3", &several)->ns->own);
	assert_false(host_find(h, "eth3@ct1", &several)->ns->own);
	assert_string_equal(host_find(h, "only", &several)->label, "only@ct1");
	assert_null(host_find(h, "eth", &several));
	assert_false(several);
	assert_null(host_find(h, "eth1@ct1", &several));
	/* in two other namespaces, and not in the own one */
	scene_netns(h, 201, "ct2");
	scene_dev(h, 2, "only", HOST_OTHER, "dummy");
	assert_null(host_find(h, "only", &several));
	assert_true(several);
	assert_string_equal(host_find(h, "only@ct2", &several)->label, "only@ct2");
	host_free(h);
}

static void test_all(void **state)
{
	const struct path_query q = {};
	struct world w;

	(void)state;
	world_open(&w, &q);
	assert_true(w.p->brief);
	assert_ways(w.p, "eth1 bond0 br0 br0.10 stack\n"
			 "eth1 bond0 br0 tap0 vhost-300 vm1 2 vCPUs\n"
			 "eth1 bond0 br0 tap1 vm2 vCPU 0\n"
			 "eth1 bond0 br0 veth0 eth0@ct1 stack@ct1\n"
			 "eth2 bond0 (again)\n"
			 "eth3 macvtap0 2 vhost workers vm3\n");
	assert_int_equal(w.p->nalone, 3);
	assert_string_equal(w.p->alone[0]->label, "dummy0");
	world_close(&w);
}

static void test_tap(void **state)
{
	const struct path_query q = { .dev = "tap0" };
	struct world w;

	(void)state;
	world_open(&w, &q);
	assert_ways(w.p, "eth1 bond0 br0 tap0 vhost-300 vm1 2 vCPUs\n"
			 "eth2 bond0 (again)\n");
	assert_hops(elem(w.p, "eth1"),
		    "nic:irq> nic:raise> nic:softirq> nic:poll> nic:gro> nic:grofrags> nic:gromerge> nic:merged> nic:skb> "
		    "dev:queue< qdisc:enq< qdisc:deq< nic:xmit< nic:txdone<");
	assert_hops(elem(w.p, "br0"), "br:in>< br:forward>< br:push><");
	assert_hops(elem(w.p, "tap0"),
		    "dev:queue> qdisc:enq> qdisc:deq> tap:xmit> tap:get< tap:skb< nic:skb<");
	assert_hops(elem(w.p, "vhost-300"),
		    "vhost:wake>< vhost:run>< vhost:rx> vhost:copy> vhost:copied> vhost:used> "
		    "vhost:signal> vhost:tx< vhost:fetch< tap:send<");
	assert_hops(elem(w.p, "vm1"), "");
	assert_hops(elem(w.p, "2 vCPUs"),
		    "kvm:irqfd> kvm:msi> kvm:inject> kvm:kick> kvm:run> kvm:inj> kvm:entry> "
		    "kvm:exit< kvm:ioeventfd<");
	assert_int_equal(elem(w.p, "vhost-300")->tasks[0]->tid, 310);
	world_close(&w);
}

/* No vhost: the VMM reads the tap itself. No queue: no hops of one */
static void test_tap_without_vhost(void **state)
{
	const struct path_query q = { .dev = "tap1" };
	struct world w;

	(void)state;
	world_open(&w, &q);
	assert_hops(elem(w.p, "tap1"), "dev:queue> tap:xmit> tap:get< tap:skb< nic:skb<");
	assert_hops(elem(w.p, "vm2"), "tap:read> tap:copied> vmm:signal>");
	world_close(&w);
}

/* What cannot be told is shown as not told: all workers of which it may be one */
static void test_unsure(void **state)
{
	const struct path_query q = { .pid = 0, .dev = "macvtap0" };
	struct world w;

	(void)state;
	world_open(&w, &q);
	assert_ways(w.p, "eth3 macvtap0 2 vhost workers vm3\n");
	assert_true(elem(w.p, "2 vhost workers")->unsure);
	assert_int_equal(elem(w.p, "2 vhost workers")->ntasks, 2);
	world_close(&w);
}

static void test_middle(void **state)
{
	static const struct {
		const char *dev, *ways;
	} cases[] = {
		{ "veth0", "eth1 bond0 br0 veth0 eth0@ct1 stack@ct1\neth2 bond0 (again)\n" },
		{ "eth0@ct1", "eth1 bond0 br0 veth0 eth0@ct1 stack@ct1\neth2 bond0 (again)\n" },
		{ "br0.10", "eth1 bond0 br0 br0.10 stack\neth2 bond0 (again)\n" },
		{ "eth3", "eth3 macvtap0 2 vhost workers vm3\n" },
		{ "eth2", "eth2 bond0 br0 br0.10 stack\neth2 bond0 br0 tap0 vhost-300 vm1 2 vCPUs\n"
			  "eth2 bond0 br0 tap1 vm2 vCPU 0\neth2 bond0 br0 veth0 eth0@ct1 stack@ct1\n" },
		{ "dummy0", "dummy0\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct path_query q = { .dev = cases[i].dev };
		struct world w;

		world_open(&w, &q);
		assert_ways(w.p, cases[i].ways);
		world_close(&w);
	}
}

static void test_not_there(void **state)
{
	const struct path_query q = { .dev = "nosuch" }, mac = { .mac = "52:54:00:12:34" };
	struct host *h = scene_new();
	struct path *p = NULL;
	char err[256];

	(void)state;
	assert_int_equal(path_new(h, &q, &p, err, sizeof(err)), -ENODEV);
	assert_non_null(strstr(err, "no such device: nosuch"));
	assert_int_equal(path_new(h, &mac, &p, err, sizeof(err)), -EINVAL);
	assert_null(p);
	host_free(h);
}

/* The elements on the way of a device: what the hazards look at */
static void test_way(void **state)
{
	struct host *h = scene_new();
	struct host_way way;
	char got[256] = "";
	size_t n = 0;

	(void)state;
	assert_int_equal(host_way(h, scene_find(h, "tap0"), &way), 0);
	for (size_t i = 0; i < way.ndevs; i++)
		n += snprintf(got + n, sizeof(got) - n, " %s", way.devs[i]->label);
	assert_string_equal(got, " tap0 br0 bond0 eth1 eth2 br0.10");
	assert_int_equal(way.nprocs, 1);
	assert_string_equal(way.procs[0]->guest, "vm1");
	host_way_free(&way);
	assert_int_equal(host_way(h, NULL, &way), 0);
	assert_int_equal(way.ndevs, h->ndevs);
	assert_int_equal(way.nprocs, 3);
	host_way_free(&way);
	host_free(h);
}

/* --- views ------------------------------------------------------------------------------------- */

static void cover(struct path *p)
{
	json_t *hops = json_array();

	for (int hop = 1; hop < PL_NR_HOPS; hop++) {
		bool bridge = !strncmp(hop_desc(hop)->name, "br:", 3);

		json_array_append_new(hops, bridge ? json_pack("{s:s, s:s, s:s, s:s, s:s, s:[{s:s}]}", "hop", hop_desc(hop)->name, "state", "uncovered", "hook", "", "kind", "", "target", "", "tried", "error", "module bridge has no BTF") : json_pack("{s:s, s:s, s:s, s:s, s:s, s:[]}", "hop", hop_desc(hop)->name, "state", "attached", "hook", "h", "kind", "tp_btf", "target", "some_function", "tried"));
	}
	path_cover_set(p, hops);
	json_decref(hops);
}

static char *view(struct path *p, int (*fn)(struct path *p, FILE *f))
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_int_equal(fn(p, f), 0);
	assert_int_equal(fclose(f), 0);
	return text;
}

static int text_ascii(struct path *p, FILE *f)
{
	const struct text_out o = { .f = f };

	return view_path_text(p, &o, false);
}

static int text_utf8(struct path *p, FILE *f)
{
	const struct text_out o = { .f = f, .utf8 = true };

	return view_path_text(p, &o, false);
}

static char *file_read(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	assert_true(getdelim(&text, &size, 0, f) > 0);
	fclose(f);
	return text;
}

/* PKTLAP_GOLDEN=write makes the files anew; look at the difference before it is committed */
static void assert_golden(const char *name, const char *got)
{
	char dir[256], path[512];
	char *want;
	FILE *f;

	snprintf(dir, sizeof(dir), "%s", __FILE__);
	snprintf(path, sizeof(path), "%s/%s", dirname(dir), name);
	if (getenv("PKTLAP_GOLDEN")) {
		f = fopen(path, "we");
		assert_non_null(f);
		fputs(got, f);
		fclose(f);
	}
	want = file_read(path);
	assert_string_equal(got, want);
	free(want);
}

static void test_golden(void **state)
{
	static const struct {
		const char *file;
		struct path_query q;
		int (*fn)(struct path *p, FILE *f);
	} cases[] = {
		{ "path_brief.golden", {}, text_utf8 },
		{ "path_tree.golden", { .dev = "eth1" }, text_utf8 },
		{ "path_ascii.golden", { .dev = "tap0" }, text_ascii },
		{ "path_dot.golden", { .dev = "tap0" }, view_path_dot },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct world w;
		char *text;

		world_open(&w, &cases[i].q);
		cover(w.p);
		text = view(w.p, cases[i].fn);
		assert_golden(cases[i].file, text);
		free(text);
		world_close(&w);
	}
}

static void check_schema(const json_t *doc)
{
	char dir[256], path[512];
	json_t *schema;
	struct schema_check c = {};

	snprintf(dir, sizeof(dir), "%s", __FILE__);
	snprintf(path, sizeof(path), "%s/../../user/path.schema.json", dirname(dir));
	c.root = schema = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(schema);
	if (!schema_check(&c, schema, doc, "path"))
		fail_msg("%s", c.error);
	json_decref(schema);
}

static void test_json(void **state)
{
	static const struct path_query queries[] = { {}, { .dev = "tap0" }, { .dev = "dummy0" } };

	(void)state;
	for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
		struct world w;
		json_t *doc;
		char *text;

		world_open(&w, &queries[i]);
		if (i)
			cover(w.p);
		text = view(w.p, view_path_json);
		doc = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(doc);
		check_schema(doc);
		json_decref(doc);
		free(text);
		world_close(&w);
	}
}

/* A reader of the DOT language, as far as the view uses it: strict, so that graphviz takes it */
static const char *dot_blank(const char *s)
{
	return s + strspn(s, " \t\n");
}

static const char *dot_expect(const char *s, const char *token)
{
	s = dot_blank(s);
	if (strncmp(s, token, strlen(token)))
		fail_msg("dot: wanted %s at: %.40s", token, s);
	return s + strlen(token);
}

static const char *dot_id(const char *s)
{
	s = dot_blank(s);
	if (*s == '"') {
		for (s++; *s && *s != '"'; s++)
			s += *s == '\\' && s[1];
		return dot_expect(s, "\"");
	}
	assert_true(isalnum((unsigned char)*s) || *s == '_');
	while (isalnum((unsigned char)*s) || *s == '_')
		s++;
	return s;
}

static const char *dot_attrs(const char *s)
{
	s = dot_expect(s, "[");
	for (;;) {
		s = dot_id(dot_expect(dot_id(s), "="));
		s = dot_blank(s);
		if (*s == ']')
			return s + 1;
		s = dot_expect(s, ",");
	}
}

static void dot_check(const char *s)
{
	s = dot_expect(dot_id(dot_expect(s, "digraph")), "{");
	for (s = dot_blank(s); *s != '}'; s = dot_blank(s)) {
		s = dot_blank(dot_id(s));
		if (*s == '=')
			s = dot_id(s + 1);
		else if (*s == '[')
			s = dot_attrs(s);
		else
			s = dot_id(dot_expect(s, "->"));
		s = dot_expect(s, ";");
	}
	assert_string_equal(dot_blank(s + 1), "");
}

static void test_dot(void **state)
{
	const struct path_query q = { .dev = "eth1" };
	struct world w;
	char *text;

	(void)state;
	world_open(&w, &q);
	/* a guest may call itself anything */
	w.h->procs[0]->guest = "a\"]; b -> \\c\x1b[2J";
	path_free(w.p);
	w.p = NULL;
	assert_int_equal(path_new(w.h, &q, &w.p, (char[64]){ 0 }, 64), 0);
	text = view(w.p, view_path_dot);
	dot_check(text);
	assert_null(strchr(text, 0x1b));
	free(text);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_joined),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_tap),
		cmocka_unit_test(test_tap_without_vhost),
		cmocka_unit_test(test_unsure),
		cmocka_unit_test(test_middle),
		cmocka_unit_test(test_not_there),
		cmocka_unit_test(test_way),
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_dot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
