// SPDX-License-Identifier: GPL-2.0
/*
 * Breakdown: grouping packets by path. Called for each packet of a recording, so finding the path
 * (hash of its shape), a node and a stage (one small hash table in each path) take constant time.
 */
#include "breakdown.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "breakdown_order.h"
#include "util.h"

#define NODES_MAX 65535 /* stage.from and .to are 16 bits */

/* Open addressing, capacity a power of two; key 0 is a free slot */
struct map {
	struct map_slot {
		__u64 key;
		__u32 value;
	} * slots;
	size_t cap, used;
};

struct path {
	__u64 hash; /* of the shape */
	__u32 *shape; /* packet hops in order, shape_hop(); the first nodes are of them */
	size_t nshape;
	struct path_stat stat;
	size_t nodes_cap, stages_cap;
	__u32 slowest_stage; /* index into stat.stages */
	struct map map; /* optional nodes by hop, device and count; stages by from and to */
	/* By node: where packets went last time from here; nearly always right */
	struct path_next {
		__u32 to, stage;
	} * next;
	struct drop_stat *drops; /* of packets whose way so far is this shape */
	size_t ndrops;
};

struct breakdown_builder {
	struct path **paths;
	size_t npaths;
	struct map by_hash; /* of paths; shapes with the same hash are next to each other */
	bool fixed[PL_NR_HOPS]; /* hop shapes the path */
	struct breakdown result;
};

/* What is followed through one packet */
struct walk {
	struct path *path;
	size_t shape_at; /* packet hops met so far */
	__u8 met[PL_NR_HOPS]; /* sightings of this hop so far, on any device */
};

static inline struct map_slot *map_slot(const struct map *m, __u64 key)
{
	size_t i = hash_mix(0, key) & (m->cap - 1);

	while (m->slots[i].key && m->slots[i].key != key)
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

static int map_grow(struct map *m)
{
	struct map to = { .cap = m->cap ? m->cap * 2 : 64, .used = m->used };

	to.slots = calloc(to.cap, sizeof(*to.slots));
	if (!to.slots)
		return -ENOMEM;
	for (size_t i = 0; i < m->cap; i++)
		if (m->slots[i].key)
			*map_slot(&to, m->slots[i].key) = m->slots[i];
	free(m->slots);
	*m = to;
	return 0;
}

static int map_add(struct map *m, __u64 key, __u32 value)
{
	struct map_slot *slot;

	if (2 * (m->used + 1) > m->cap) {
		int err = map_grow(m);

		if (err)
			return err;
	}
	slot = map_slot(m, key);
	slot->key = key;
	slot->value = value;
	m->used++;
	return 0;
}

/* Room for one more element of size; the array may move */
static int array_grow(void **array, size_t n, size_t *cap, size_t size)
{
	size_t to = *cap ? *cap * 2 : 16;
	void *p;

	if (n < *cap)
		return 0;
	p = realloc(*array, to * size);
	if (!p)
		return -ENOMEM;
	*array = p;
	*cap = to;
	return 0;
}

/* --- nodes and stages of a path ------------------------------------------------------------- */

static int node_add(struct path *path, const struct packet *p, size_t at, __u8 nth)
{
	const struct sighting *s = &p->s[at];
	size_t n = path->stat.nnodes, cap = path->nodes_cap;
	int err;

	if (n >= NODES_MAX)
		return -E2BIG;
	err = array_grow((void **)&path->next, n, &cap, sizeof(*path->next));
	if (!err)
		err = array_grow((void **)&path->stat.nodes, n, &path->nodes_cap,
				 sizeof(*path->stat.nodes));
	if (err)
		return err;

	path->stat.nodes[n] = (struct path_node){
		.domain = packet_domain(p, at),
		.hop = s->hop,
		.hook = s->hook,
		.dev = s->dev,
		.nth = nth,
		.tid = s->tid,
		.port = s->flags & PL_F_SOCK ? s->vlan : 0,
	};
	path->next[n] = (struct path_next){ .to = NODES_MAX };
	path->stat.nnodes++;
	return n;
}

static __u8 sighting_nth(const struct packet *p, size_t at)
{
	__u8 nth = 0;

	for (size_t i = 0; i < at; i++)
		if (p->s[i].hop == p->s[at].hop && p->s[i].dev == p->s[at].dev &&
		    packet_domain(p, i) == packet_domain(p, at))
			nth++;
	return nth;
}

static int node_optional(struct path *path, const struct packet *p, size_t at, __u8 nth)
{
	const struct sighting *s = &p->s[at];
	__u64 key = 1ULL << 62 | (__u64)packet_domain(p, at) << 32 | (__u64)s->dev << 16 |
		    nth << 8 | s->hop;
	struct map_slot *slot = map_slot(&path->map, key);
	int node, err;

	if (slot->key)
		return slot->value;
	node = node_add(path, p, at, nth);
	if (node < 0)
		return node;
	err = map_add(&path->map, key, node);
	return err ? err : node;
}

/* Index of the node that sighting at is of */
static int walk_node(const struct breakdown_builder *b, struct walk *w, const struct packet *p,
		     size_t at)
{
	const struct sighting *s = &p->s[at];
	struct path_node *n;
	int node;

	if (b->fixed[s->hop]) {
		node = w->shape_at++;
	} else {
		__u8 nth = w->met[s->hop]++ ? sighting_nth(p, at) : 0;

		node = node_optional(w->path, p, at, nth);
		if (node < 0)
			return node;
	}
	n = &w->path->stat.nodes[node];
	n->n++;
	n->hook = s->hook;
	if (n->tid != s->tid)
		n->many_tids = true;
	if ((s->flags & PL_F_SOCK) && n->port != s->vlan)
		n->many_ports = true;
	return node;
}

static int stage_find(struct path *path, __u32 from, __u32 to)
{
	__u64 key = 1ULL << 63 | (__u64)from << 32 | to;
	struct path_next *next = &path->next[from];
	struct map_slot *slot;
	int err;

	if (next->to == to)
		return next->stage;
	slot = map_slot(&path->map, key);
	next->to = to;
	if (slot->key)
		return next->stage = slot->value;

	err = array_grow((void **)&path->stat.stages, path->stat.nstages, &path->stages_cap,
			 sizeof(*path->stat.stages));
	if (!err)
		err = map_add(&path->map, key, path->stat.nstages);
	if (err)
		return err;
	next->stage = path->stat.nstages++;
	path->stat.stages[next->stage] = (struct stage){ .from = from, .to = to };
	return next->stage;
}

/* The step to sighting at took ns */
static int stage_add(struct stage *s, __u64 ns, const struct packet *p, size_t at)
{
	const struct packet_part *part = packet_crossing(p, at);

	if (!s->ns.n || ns > s->ns.max)
		s->max_packet = p->id;
	if (!s->ns.n || ns < s->ns.min)
		s->min_packet = p->id;
	if (part) {
		s->below += ns < part->error_ns;
		if (part->error_ns > s->error_ns)
			s->error_ns = part->error_ns;
	}
	return hist_add(&s->ns, ns);
}

/* --- shapes --------------------------------------------------------------------------------- */

static inline __u32 shape_hop(const struct packet *p, size_t at)
{
	return packet_domain(p, at) << 24 | (__u32)p->s[at].dev << 8 | p->s[at].hop;
}

/* n: the packet's sightings that count; a drop is not part of the way */
static __u64 shape_hash(const struct breakdown_builder *b, const struct packet *p, size_t n)
{
	__u64 h = 1;

	for (size_t i = 0; i < n; i++)
		if (b->fixed[p->s[i].hop])
			h = hash_mix(h, shape_hop(p, i));
	return h ? h : 1;
}

static bool shape_is(const struct breakdown_builder *b, const struct path *path,
		     const struct packet *p, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (!b->fixed[p->s[i].hop])
			continue;
		if (at == path->nshape || path->shape[at] != shape_hop(p, i))
			return false;
		at++;
	}
	return at == path->nshape;
}

static void path_free(struct path *path)
{
	for (size_t i = 0; i < path->stat.nstages; i++)
		hist_free(&path->stat.stages[i].ns);
	hist_free(&path->stat.total);
	free(path->stat.nodes);
	free(path->stat.stages);
	free(path->shape);
	free(path->map.slots);
	free(path->next);
	free(path->drops);
	free(path);
}

static int path_new(struct breakdown_builder *b, __u64 hash, const struct packet *p, size_t n,
		    struct path **out)
{
	struct path *path = calloc(1, sizeof(*path));
	struct path **paths;
	int err = -ENOMEM;

	if (!path || map_grow(&path->map))
		goto err;
	path->shape = calloc(n + 1, sizeof(*path->shape));
	if (!path->shape)
		goto err;
	path->hash = hash;
	hist_init(&path->stat.total);
	for (size_t i = 0; i < n; i++) {
		if (!b->fixed[p->s[i].hop])
			continue;
		err = node_add(path, p, i, sighting_nth(p, i));
		if (err < 0)
			goto err;
		path->shape[path->nshape++] = shape_hop(p, i);
	}

	err = -ENOMEM;
	paths = realloc(b->paths, (b->npaths + 1) * sizeof(*paths));
	if (!paths)
		goto err;
	b->paths = paths;
	err = map_add(&b->by_hash, hash, b->npaths);
	if (err)
		goto err;
	b->paths[b->npaths++] = path;
	*out = path;
	return 0;
err:
	if (path)
		path_free(path);
	return err;
}

/* The path of the packet's first n sightings; NULL, and *hash for a new one, without */
static struct path *path_find(const struct breakdown_builder *b, const struct packet *p, size_t n,
			      __u64 *hash)
{
	*hash = shape_hash(b, p, n);
	/* two shapes of one hash: the second is found under the next number */
	for (;; *hash = *hash + 1 ? *hash + 1 : 1) {
		struct map_slot *slot = map_slot(&b->by_hash, *hash);

		if (!slot->key)
			return NULL;
		if (shape_is(b, b->paths[slot->value], p, n))
			return b->paths[slot->value];
	}
}

static int path_get(struct breakdown_builder *b, const struct packet *p, size_t n,
		    struct path **out)
{
	__u64 hash;

	*out = path_find(b, p, n, &hash);
	return *out ? 0 : path_new(b, hash, p, n, out);
}

/* --- packets -------------------------------------------------------------------------------- */

static int path_add(struct breakdown_builder *b, struct path *path, const struct packet *p)
{
	struct walk w = { .path = path };
	__u64 total = p->s[p->n - 1].ts - p->s[0].ts;
	__u64 largest = 0;
	int from = -1, largest_stage = 0;

	for (size_t i = 0; i < p->n; i++) {
		int to = walk_node(b, &w, p, i);

		if (to < 0)
			return to;
		if (from >= 0) {
			__u64 ns = p->s[i].ts - p->s[i - 1].ts;
			int stage = stage_find(path, from, to);
			int err = stage < 0 ? stage : stage_add(&path->stat.stages[stage], ns, p, i);

			if (err)
				return err;
			if (ns >= largest) {
				largest = ns;
				largest_stage = stage;
			}
		}
		from = to;
	}

	if (!path->stat.packets++ || total > path->stat.slowest_ns) {
		path->stat.slowest = p->id;
		path->stat.slowest_ts = p->s[0].ts;
		path->stat.slowest_ns = total;
		path->stat.slowest_stage_ns = largest;
		path->slowest_stage = largest_stage;
	}
	return hist_add(&path->stat.total, total);
}

static int drop_add(struct path *path, const struct packet *p, size_t n)
{
	__u8 hop = n ? p->s[n - 1].hop : PL_HOP_none;
	__u8 domain = n ? packet_domain(p, n - 1) : 0;
	__u16 dev = n ? p->s[n - 1].dev : 0;
	struct drop_stat *d;

	/* few: a place in the kernel drops for few reasons */
	for (size_t i = 0; i < path->ndrops; i++) {
		d = &path->drops[i];
		if (d->hop == hop && d->dev == dev && d->domain == domain && d->reason == p->drop_reason &&
		    d->place == p->drop_place) {
			d->packets++;
			return 0;
		}
	}
	d = realloc(path->drops, (path->ndrops + 1) * sizeof(*d));
	if (!d)
		return -ENOMEM;
	path->drops = d;
	d[path->ndrops++] = (struct drop_stat){
		.hop = hop,
		.domain = domain,
		.dev = dev,
		.reason = p->drop_reason,
		.place = p->drop_place,
		.packets = 1,
	};
	return 0;
}

int breakdown_packet(void *ctx, const struct packet *p)
{
	struct breakdown_builder *b = ctx;
	struct path *path;
	size_t n = p->n;
	int err;

	b->result.seen++;
	b->result.packets[p->end]++;
	b->result.cloned += !!p->cloned;

	switch (p->end) {
	case PACKET_COMPLETE:
		if (p->nonmono || !n) {
			b->result.nonmono++;
			return 0;
		}
		err = path_get(b, p, n, &path);
		return err ? err : path_add(b, path, p);
	case PACKET_DROPPED:
		if (n && p->s[n - 1].hop == PL_HOP_drop)
			n--;
		err = path_get(b, p, n, &path);
		return err ? err : drop_add(path, p, n);
	default:
		return 0;
	}
}

int breakdown_new(struct breakdown_builder **out)
{
	struct breakdown_builder *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	if (map_grow(&b->by_hash)) {
		free(b);
		return -ENOMEM;
	}
	for (int i = 0; i < PL_NR_HOPS; i++)
		b->fixed[i] = hop_shapes_path(i);
	*out = b;
	return 0;
}

/* --- the end -------------------------------------------------------------------------------- */

static int path_cmp(const void *a, const void *b)
{
	const struct path *x = *(struct path *const *)a, *y = *(struct path *const *)b;

	if (x->stat.packets != y->stat.packets)
		return x->stat.packets < y->stat.packets ? 1 : -1;
	/* any order will do that does not depend on the sort */
	return (x->hash > y->hash) - (x->hash < y->hash);
}

static bool shape_begins(const struct path *path, const struct path *begin)
{
	if (begin->nshape > path->nshape)
		return false;
	for (size_t i = 0; i < begin->nshape; i++)
		if (path->shape[i] != begin->shape[i])
			return false;
	return true;
}

/* The path of most packets that begins like from; 0 without one, or when nothing is known */
static struct path *path_of_drop(struct breakdown_builder *b, const struct path *from)
{
	for (size_t i = 0; from->nshape && i < b->npaths && b->paths[i]->stat.packets; i++)
		if (shape_begins(b->paths[i], from))
			return b->paths[i];
	return NULL;
}

static int drop_cmp(const void *a, const void *b)
{
	const struct drop_stat *x = a, *y = b;

	if (x->path != y->path)
		return x->path - 1 < y->path - 1 ? -1 : 1; /* 0 comes last */
	if (x->packets != y->packets)
		return x->packets < y->packets ? 1 : -1;
	if (x->reason != y->reason)
		return x->reason < y->reason ? -1 : 1;
	return (x->place > y->place) - (x->place < y->place);
}

static int drops_finish(struct breakdown_builder *b)
{
	struct breakdown *r = &b->result;
	size_t n = 0;

	for (size_t i = 0; i < b->npaths; i++)
		n += b->paths[i]->ndrops;
	if (!n)
		return 0;
	r->drops = calloc(n, sizeof(*r->drops));
	if (!r->drops)
		return -ENOMEM;

	for (size_t i = 0; i < b->npaths; i++) {
		struct path *from = b->paths[i];
		struct path *path = from->ndrops ? path_of_drop(b, from) : NULL;

		for (size_t j = 0; j < from->ndrops; j++) {
			struct drop_stat *d = &r->drops[r->ndrops++];
			size_t size = from->nshape * sizeof(*d->nodes);

			*d = from->drops[j];
			d->path = path ? path->stat.id : 0;
			if (path)
				path->stat.dropped += d->packets;
			if (!size)
				continue;
			d->nodes = malloc(size);
			if (!d->nodes)
				return -ENOMEM;
			memcpy(d->nodes, from->stat.nodes, size);
			d->nnodes = from->nshape;
		}
	}
	qsort(r->drops, r->ndrops, sizeof(*r->drops), drop_cmp);
	return 0;
}

int breakdown_finish(struct breakdown_builder *b, const struct breakdown **out)
{
	struct breakdown *r = &b->result;
	int err;

	if (b->npaths)
		qsort(b->paths, b->npaths, sizeof(*b->paths), path_cmp);
	r->paths = calloc(b->npaths + 1, sizeof(*r->paths));
	if (!r->paths)
		return -ENOMEM;
	while (r->npaths < b->npaths && b->paths[r->npaths]->stat.packets) {
		b->paths[r->npaths]->stat.id = r->npaths + 1;
		r->npaths++;
	}
	for (size_t i = 0; i < b->npaths; i++)
		map_slot(&b->by_hash, b->paths[i]->hash)->value = i;
	/* before the nodes are moved: a drop's are the first ones */
	err = drops_finish(b);

	for (size_t i = 0; !err && i < r->npaths; i++) {
		struct path *path = b->paths[i];

		if (path->stat.nstages)
			path->stat.slowest_stage = &path->stat.stages[path->slowest_stage];
		err = path_order(&path->stat, path->nshape);
		r->paths[i] = path->stat; /* memory stays the path's */
	}
	*out = r;
	return err;
}

__u32 breakdown_path_id(const struct breakdown_builder *b, const struct packet *p)
{
	const struct path *path;
	__u64 hash;

	if (p->end != PACKET_COMPLETE || p->nonmono || !p->n)
		return 0;
	path = path_find(b, p, p->n, &hash);
	return path ? path->stat.id : 0;
}

static __u32 node_of(const struct path_stat *path, const struct packet *p, size_t at)
{
	__u8 nth = sighting_nth(p, at);
	size_t i = 0;

	while (i + 1 < path->nnodes &&
	       (path->nodes[i].hop != p->s[at].hop || path->nodes[i].dev != p->s[at].dev ||
		path->nodes[i].domain != packet_domain(p, at) || path->nodes[i].nth != nth))
		i++;
	return i;
}

/* Stages are in the order of their nodes */
static __u32 stage_of(const struct path_stat *path, __u32 from, __u32 to)
{
	size_t low = 0, high = path->nstages;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		const struct stage *s = &path->stages[middle];

		if (s->from < from || (s->from == from && s->to <= to))
			low = middle;
		else
			high = middle;
	}
	return low;
}

void breakdown_stages(const struct path_stat *path, const struct packet *p,
		      __u32 stage[PACKET_MAX_SIGHTINGS])
{
	__u32 from = 0;

	for (size_t i = 0; i < p->n; i++) {
		__u32 to = node_of(path, p, i);

		if (i)
			stage[i - 1] = stage_of(path, from, to);
		from = to;
	}
}

void breakdown_free(struct breakdown_builder *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->result.ndrops; i++)
		free(b->result.drops[i].nodes);
	free(b->result.drops);
	free(b->result.paths);
	for (size_t i = 0; i < b->npaths; i++)
		path_free(b->paths[i]);
	free(b->paths);
	free(b->by_hash.slots);
	free(b);
}
