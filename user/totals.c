// SPDX-License-Identifier: GPL-2.0
#include "totals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS (4 * TOTALS_PATHS_MAX)

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
	size_t i;

	if (!t)
		return;
	for (i = 0; i < t->npaths; i++) {
		free(t->paths[i].hops);
		hist_free(&t->paths[i].total);
	}
	free(t->paths);
	free(t->slot);
	free(t);
}

static __u64 hops_hash(const struct totals_hop *hops, size_t n)
{
	__u64 h = 1;

	for (size_t i = 0; i < n; i++) {
		h = (h ^ (hops[i].dev << 8 | hops[i].hop)) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 32;
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

/* *out NULL: there are too many paths */
static int path_get(struct totals *t, const struct totals_hop *hops, size_t n,
		    struct totals_path **out)
{
	__u64 hash = hops_hash(hops, n);
	__u16 *slot = path_slot(t, hash, hops, n);
	struct totals_path *path;

	*out = *slot ? &t->paths[*slot - 1] : NULL;
	if (*out || t->npaths == TOTALS_PATHS_MAX)
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
	*out = path;
	return 0;
}

int totals_add(struct totals *t, const struct packet *p)
{
	struct totals_hop hops[PACKET_MAX_SIGHTINGS];
	struct totals_path *path;
	size_t n = 0;
	int err;

	for (size_t i = 0; i < p->n; i++)
		if (totals_hop_counts(p->s[i].hop))
			hops[n++] = (struct totals_hop){ p->s[i].hop, p->s[i].dev, p->s[i].ts };
	err = path_get(t, hops, n, &path);
	if (err)
		return err;
	if (path)
		return hist_add(&path->total, p->s[p->n - 1].ts - p->s[0].ts);
	t->others++;
	return 0;
}

/* --- the document --------------------------------------------------------------------------- */

static json_t *path_doc(const struct totals_path *path, const struct names *names)
{
	json_t *hops = json_array();
	__u32 netns, ifindex;

	for (size_t i = 0; i < path->nhops; i++) {
		const struct totals_hop *h = &path->hops[i];

		names_dev_id(names, h->dev, &netns, &ifindex);
		json_array_append_new(hops, json_pack("[s, I, I, I]", hop_desc(h->hop)->name,
						      (json_int_t)netns, (json_int_t)ifindex,
						      (json_int_t)h->ts));
	}
	return json_pack("{s:o, s:o}", "hops", hops, "total", hist_doc(&path->total));
}

json_t *totals_doc(const struct totals *t, const struct names *names)
{
	json_t *doc = json_array();

	for (size_t i = 0; doc && i < t->npaths; i++)
		json_array_append_new(doc, path_doc(&t->paths[i], names));
	return doc;
}

/* Number of hops, or -ENOMEM; hops that are not known here are left out */
static int hops_load(const json_t *doc, struct names *names,
		     struct totals_hop hops[PACKET_MAX_SIGHTINGS])
{
	const json_t *row;
	size_t i;
	int n = 0;

	json_array_foreach(doc, i, row) {
		const char *name = json_string_value(json_array_get(row, 0));
		__u64 ts = json_integer_value(json_array_get(row, 3));
		enum pl_hop hop = name ? hop_by_name(name) : PL_HOP_none;
		int dev;

		if (hop == PL_HOP_none || !totals_hop_counts(hop) || n == PACKET_MAX_SIGHTINGS)
			continue;
		dev = names_dev(names, json_integer_value(json_array_get(row, 1)),
				json_integer_value(json_array_get(row, 2)), ts, NULL);
		if (dev < 0)
			return dev;
		hops[n++] = (struct totals_hop){ hop, dev, ts };
	}
	return n;
}

static int path_load(struct totals *t, const json_t *doc, struct names *names)
{
	struct totals_hop hops[PACKET_MAX_SIGHTINGS];
	int n = hops_load(json_object_get(doc, "hops"), names, hops);
	struct totals_path *path;
	struct hist h;
	int err;

	if (n < 0)
		return n;
	err = hist_load(&h, json_object_get(doc, "total"));
	if (!err)
		err = path_get(t, hops, n, &path);
	if (!err && path)
		err = hist_merge(&path->total, &h);
	else if (!err)
		t->others += h.n;
	hist_free(&h);
	return err;
}

int totals_load(const json_t *doc, struct names *names, struct totals **out)
{
	struct totals *t;
	const json_t *row;
	size_t i;
	int err = totals_new(&t);

	if (err)
		return err;
	json_array_foreach(doc, i, row) {
		err = path_load(t, row, names);
		if (err) {
			totals_free(t);
			return err;
		}
	}
	*out = t;
	return 0;
}
