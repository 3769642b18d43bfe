// SPDX-License-Identifier: GPL-2.0
#include "totals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "breakdown.h"
#include "json_build.h"
#include "util.h"

#define SLOTS	 (4 * TOTALS_PATHS_MAX)
/* A document has so many rows of histograms, of 16 bytes or so: what is rare goes into "other" */
#define ROWS_MAX 200000

int totals_new(struct totals **out)
{
	struct totals *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->slot = calloc(SLOTS, sizeof(*t->slot));
	t->paths = calloc(TOTALS_PATHS_MAX, sizeof(*t->paths));
	if (!t->slot || !t->paths) {
		totals_free(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

void totals_free(struct totals *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->npaths; i++) {
		free(t->paths[i].hops);
		hist_free(&t->paths[i].total);
	}
	hist_free(&t->other);
	hist_free(&t->all);
	free(t->paths);
	free(t->slot);
	free(t);
}

bool totals_keeps(const struct packet *p, __u64 ns)
{
	return p->end == PACKET_DROPPED || packet_total(p) > ns;
}

static __u64 hops_hash(const struct totals_hop *hops, size_t n)
{
	__u64 h = 1;

	for (size_t i = 0; i < n; i++) {
		h = hash_mix(h, (__u64)hops[i].dev << 8 | hops[i].hop);
	}
	return h;
}

static bool hops_same(const struct totals_path *path, const struct totals_hop *hops, size_t n)
{
	if (path->nhops != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (path->hops[i].hop != hops[i].hop || path->hops[i].dev != hops[i].dev)
			return false;
	return true;
}

/* The slot of a path, or the free one where it belongs */
static __u16 *path_slot(const struct totals *t, __u64 hash, const struct totals_hop *hops, size_t n)
{
	size_t i = hash & (SLOTS - 1);

	for (; t->slot[i]; i = (i + 1) & (SLOTS - 1)) {
		const struct totals_path *path = &t->paths[t->slot[i] - 1];

		if (path->hash == hash && hops_same(path, hops, n))
			break;
	}
	return &t->slot[i];
}

const struct totals_path *totals_find(const struct totals *t, const struct totals_hop *hops,
				      size_t n)
{
	__u16 at = *path_slot(t, hops_hash(hops, n), hops, n);

	return at ? &t->paths[at - 1] : NULL;
}

/* Where the totals of packets of this path go */
static int path_get(struct totals *t, const struct totals_hop *hops, size_t n, struct hist **out)
{
	__u64 hash = hops_hash(hops, n);
	__u16 *slot = path_slot(t, hash, hops, n);
	struct totals_path *path;

	*out = *slot ? &t->paths[*slot - 1].total : &t->other;
	if (*slot || t->npaths == TOTALS_PATHS_MAX)
		return 0;
	path = &t->paths[t->npaths];
	path->hops = malloc((n + 1) * sizeof(*hops));
	if (!path->hops)
		return -ENOMEM;
	memcpy(path->hops, hops, n * sizeof(*hops));
	path->nhops = n;
	path->hash = hash;
	hist_init(&path->total);
	*slot = ++t->npaths;
	*out = &path->total;
	return 0;
}

int totals_add(struct totals *t, const struct packet *p, bool kept)
{
	struct totals_hop hops[DOMAIN_MAX_SIGHTINGS];
	struct hist *h;
	size_t n = 0;
	int err;

	t->seen++;
	t->kept += kept;
	t->packets[p->end]++;
	t->cloned += !!p->cloned;
	if (p->id > t->last_id)
		t->last_id = p->id;
	if (p->end != PACKET_COMPLETE)
		return 0;
	if (p->nonmono || !p->n) {
		t->nonmono++;
		return 0;
	}
	for (size_t i = 0; i < p->n && n < DOMAIN_MAX_SIGHTINGS; i++)
		if (hop_shapes_path(p->s[i].hop))
			hops[n++] = (struct totals_hop){ p->s[i].hop, p->s[i].dev, p->s[i].ts };
	err = path_get(t, hops, n, &h);
	if (!err)
		err = hist_add(h, packet_total(p));
	return err ? err : hist_add(&t->all, packet_total(p));
}

/* --- the document --------------------------------------------------------------------------- */

static json_t *hops_doc(struct json_builder *b, const struct totals_path *path,
			const struct names *names)
{
	json_t *hops = json_array();
	__u32 netns, ifindex;

	for (size_t i = 0; i < path->nhops; i++) {
		const struct totals_hop *h = &path->hops[i];

		names_dev_id(names, h->dev, &netns, &ifindex);
		json_append(b, hops, json_pack("[s, I, I, I]", hop_desc(h->hop)->name, (json_int_t)netns, (json_int_t)ifindex, (json_int_t)h->ts));
	}
	return hops;
}

static int path_cmp(const void *a, const void *b)
{
	const struct totals_path *x = *(struct totals_path *const *)a;
	const struct totals_path *y = *(struct totals_path *const *)b;

	return (x->total.n < y->total.n) - (x->total.n > y->total.n);
}

/* Paths of most packets first; those for which there is no room are added to other */
static json_t *paths_doc(struct json_builder *b, const struct totals *t, const struct names *names,
			 struct hist *other)
{
	const struct totals_path **order = calloc(t->npaths + 1, sizeof(struct totals_path *));
	json_t *doc = json_array(), *total;
	size_t rows = 0;
	int err = 0;

	for (size_t i = 0; order && i < t->npaths; i++)
		order[i] = &t->paths[i];
	if (order)
		qsort(order, t->npaths, sizeof(*order), path_cmp);
	for (size_t i = 0; order && !err && i < t->npaths; i++) {
		const struct totals_path *path = order[i];

		if (rows >= ROWS_MAX) {
			err = hist_merge(other, &path->total);
			continue;
		}
		total = hist_doc(&path->total, &rows);
		json_append(b, doc, json_pack("{s:o, s:o}", "hops", hops_doc(b, path, names), "total", total));
	}
	if (!order || err) {
		json_decref(doc);
		doc = NULL;
	}
	free(order);
	return doc;
}

static json_t *packets_doc(struct json_builder *b, const struct totals *t)
{
	json_t *doc = json_pack("{s:I, s:I, s:I, s:I, s:I}", "seen", (json_int_t)t->seen, "kept",
				(json_int_t)t->kept, "cloned", (json_int_t)t->cloned, "out_of_order",
				(json_int_t)t->nonmono, "last_id", (json_int_t)t->last_id);

	for (int end = 0; doc && end < PACKET_NR_ENDS; end++)
		json_put_int(b, doc, packet_end_name(end), t->packets[end]);
	return doc;
}

static json_t *events_doc(const struct totals *t)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "read", (json_int_t)t->stitch.events, "unused",
			 (json_int_t)t->stitch.unused, "evicted", (json_int_t)t->stitch.evicted,
			 "unsure_fetches", (json_int_t)t->stitch.unsure_fetches, "late",
			 (json_int_t)t->late, "undecided", (json_int_t)t->stitch.undecided);
}

static json_t *last_hop_doc(struct json_builder *b, const struct totals *t)
{
	json_t *doc = json_object();

	for (int hop = 1; hop < PL_NR_HOPS; hop++)
		if (t->stitch.last_hop[hop])
			json_put_int(b, doc, hop_desc(hop)->name, t->stitch.last_hop[hop]);
	return doc;
}

json_t *totals_doc(const struct totals *t, const struct names *names)
{
	struct json_builder b = { .failed = false };
	struct hist other = { 0 };
	json_t *paths = NULL, *doc = NULL;
	size_t rows = 0;

	if (!hist_merge(&other, &t->other))
		paths = paths_doc(&b, t, names, &other);
	if (paths)
		doc = json_pack("{s:o, s:o, s:o, s:o, s:o}", "packets", packets_doc(&b, t), "events",
				events_doc(t), "incomplete_last_hop", last_hop_doc(&b, t), "paths",
				paths, "other", hist_doc(&other, &rows));
	hist_free(&other);
	if (b.failed) {
		json_decref(doc);
		return NULL;
	}
	return doc;
}

/* --- and back ------------------------------------------------------------------------------- */

static void counts_load(struct totals *t, const json_t *doc)
{
	const json_t *packets = json_object_get(doc, "packets");
	const json_t *events = json_object_get(doc, "events");
	const json_t *last = json_object_get(doc, "incomplete_last_hop");

	t->kept = json_count(packets, "kept");
	t->cloned = json_count(packets, "cloned");
	t->nonmono = json_count(packets, "out_of_order");
	t->last_id = json_count(packets, "last_id");
	for (int end = 0; end < PACKET_NR_ENDS; end++) {
		t->packets[end] = json_count(packets, packet_end_name(end));
		t->seen += t->packets[end];
	}
	t->stitch.events = json_count(events, "read");
	t->stitch.unused = json_count(events, "unused");
	t->stitch.evicted = json_count(events, "evicted");
	t->stitch.unsure_fetches = json_count(events, "unsure_fetches");
	t->stitch.undecided = json_count(events, "undecided");
	t->late = json_count(events, "late");
	for (int hop = 1; hop < PL_NR_HOPS; hop++)
		t->stitch.last_hop[hop] = json_count(last, hop_desc(hop)->name);
}

/* Number of hops, or -ENOMEM; hops that are not known here are left out */
static int hops_load(const json_t *doc, struct names *names,
		     struct totals_hop hops[DOMAIN_MAX_SIGHTINGS])
{
	const json_t *row;
	size_t i;
	int n = 0;

	json_array_foreach(doc, i, row) {
		const char *name = json_string_value(json_array_get(row, 0));
		__u64 ts = json_integer_value(json_array_get(row, 3));
		enum pl_hop hop = name ? hop_by_name(name) : PL_HOP_none;
		int dev;

		if (hop == PL_HOP_none || !hop_shapes_path(hop) || n == DOMAIN_MAX_SIGHTINGS)
			continue;
		dev = names_dev(names, json_integer_value(json_array_get(row, 1)),
				json_integer_value(json_array_get(row, 2)), ts, NULL);
		if (dev < 0)
			return dev;
		hops[n++] = (struct totals_hop){ hop, dev, ts };
	}
	return n;
}

static int hist_add_doc(struct totals *t, struct hist *to, const json_t *doc)
{
	struct hist h = { 0 };
	int err = hist_load(&h, doc);

	if (!err)
		err = hist_merge(to, &h);
	if (!err)
		err = hist_merge(&t->all, &h);
	hist_free(&h);
	return err;
}

static int path_load(struct totals *t, const json_t *doc, struct names *names)
{
	struct totals_hop hops[DOMAIN_MAX_SIGHTINGS];
	int n = hops_load(json_object_get(doc, "hops"), names, hops);
	struct hist *h;
	int err;

	if (n < 0)
		return n;
	err = path_get(t, hops, n, &h);
	return err ? err : hist_add_doc(t, h, json_object_get(doc, "total"));
}

int totals_load(const json_t *doc, struct names *names, struct totals **out)
{
	const json_t *row;
	struct totals *t;
	size_t i;
	int err = totals_new(&t);

	if (err)
		return err;
	counts_load(t, doc);
	json_array_foreach(json_object_get(doc, "paths"), i, row) {
		err = path_load(t, row, names);
		if (err)
			goto fail;
	}
	err = hist_add_doc(t, &t->other, json_object_get(doc, "other"));
	if (err)
		goto fail;
	*out = t;
	return 0;
fail:
	totals_free(t);
	return err;
}
