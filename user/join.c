// SPDX-License-Identifier: GPL-2.0
/* Packets of several domains, see join.h */
#include "join.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"

#define HASH_BITS    16
#define HOLD_NS	     32000000000ULL /* more than the stitcher's timeout */
#define WINDOW_NS    5000000000ULL
#define SETTLE_NS    200000000ULL /* until others of the same key have ended, too */
#define HELD_MAX     65536
#define CANDIDATES   8
#define FAR_ENDS     4096 /* direct-mapped: two devices that meet forget each other */
#define FAR_END_SURE 3
#define HOPELESS     64

/* One side of a packet, where it may go on in another domain */
struct side {
	bool on; /* it may */
	bool settled; /* nothing will be joined here any more */
	/* it is not certain with which, so with none; it stays, as long as others may be its */
	bool barred;
	__u16 at; /* the sighting */
	__u64 ts, err; /* on the clock of domain 0 */
	struct held *other;
};

struct held {
	struct held *hash_next;
	struct list age; /* all, oldest first */
	__u64 since;
	bool tried;
	__u8 domain;
	unsigned int group;
	struct side in, out;
	struct packet *p; /* with its own clock's times */
};

/* The domain at the far end of a device, learned where it was certain */
struct far_end {
	__u16 dev;
	__u8 domain;
	bool in; /* of packets that come from there */
	__u8 to, score;
	__u8 misses; /* packets without a join, while there has been none */
};

struct join {
	struct join_config cfg;
	struct join_stats stats;
	struct held **hash;
	struct list age;
	struct list *untried; /* the oldest that was not tried yet; &age: none */
	size_t held;
	__u64 now;
	struct far_end far_end[FAR_ENDS];
	struct packet out;
	int err;
};

static const bool exits[PL_NR_HOPS] = {
	[PL_HOP_dev_xmit] = true,
	[PL_HOP_nic_xmit] = true,
	[PL_HOP_tap_xmit] = true,
	[PL_HOP_skb_copy] = true,
	[PL_HOP_vhost_copy] = true,
	[PL_HOP_tap_read] = true,
	[PL_HOP_vhost_copied] = true,
	[PL_HOP_tap_copied] = true,
};

static const bool entries[PL_NR_HOPS] = {
	[PL_HOP_nic_gro] = true,
	[PL_HOP_nic_grofrags] = true,
	[PL_HOP_nic_gromerge] = true,
	[PL_HOP_dev_rxback] = true,
	[PL_HOP_dev_rx] = true,
	[PL_HOP_tap_send] = true,
	[PL_HOP_tap_skb] = true,
	[PL_HOP_nic_skb] = true,
};

static bool is_context(const struct sighting *s)
{
	return hop_desc(s->hop)->class == PL_CLASS_CTX;
}

/* --- where a packet leaves and enters -------------------------------------------------------- */

/* The last hop that saw it, but for what only released it */
static void exit_find(struct side *side, const struct packet *p)
{
	unsigned int i;

	for (i = p->n; i-- > 0;) {
		if (exits[p->s[i].hop])
			break;
		if (hop_desc(p->s[i].hop)->class == PL_CLASS_PKT)
			return;
	}
	side->on = i < p->n && (p->end == PACKET_COMPLETE || p->end == PACKET_INCOMPLETE);
	side->at = i;
}

static void entry_find(struct side *side, const struct packet *p)
{
	unsigned int i;

	for (i = 0; i < p->n && is_context(&p->s[i]); i++)
		;
	side->on = i < p->n && entries[p->s[i].hop];
	side->at = i;
}

static void side_map(struct join *j, struct side *side, const struct held *h)
{
	if (side->on)
		side->ts = j->cfg.map(j->cfg.ctx, h->domain, h->p->s[side->at].ts, &side->err);
	side->settled = !side->on;
}

/*
 * The guest cannot see what was copied before the used ring says so: vhost:used is at the entry of
 * the function that does (vhost_add_used_and_signal_n).
 */
static __u64 leave_ts(const struct held *h)
{
	unsigned int i = h->out.at;

	while (i + 1 < h->p->n && h->p->s[i].hop != PL_HOP_vhost_used)
		i++;
	return h->p->s[i].hop == PL_HOP_vhost_used ? h->p->s[i].ts : h->p->s[h->out.at].ts;
}

/* --- the far end of a device ----------------------------------------------------------------- */

static struct far_end *far_end_of(struct join *j, const struct held *h, bool in)
{
	__u16 dev = h->p->s[in ? h->in.at : h->out.at].dev;
	struct far_end *e = &j->far_end[(dev * 62u + h->domain * 2u + in) % FAR_ENDS];

	if (e->dev != dev || e->domain != h->domain || e->in != in)
		*e = (struct far_end){ .dev = dev, .domain = h->domain, .in = in };
	return e;
}

static void far_end_learn(struct join *j, const struct held *h, bool in, unsigned int to)
{
	struct far_end *e = far_end_of(j, h, in);

	e->misses = 0;
	if (!e->score)
		e->to = to;
	if (e->to == to)
		e->score += e->score < UINT8_MAX;
	else
		e->score--;
}

/* Nothing that came or went there was ever seen in another domain */
static bool far_end_hopeless(struct join *j, const struct held *h, bool in)
{
	struct far_end *e = far_end_of(j, h, in);

	return !e->score && (e->misses == HOPELESS || ++e->misses == HOPELESS);
}

static bool far_end_excludes(struct join *j, const struct held *from, const struct held *to)
{
	const struct far_end *e = far_end_of(j, from, false);

	return e->score >= FAR_END_SURE && e->to != to->domain;
}

/* --- candidates ------------------------------------------------------------------------------ */

static unsigned int hash_of(const struct packet *p)
{
	return (p->key * 0x9e3779b97f4a7c15ULL + p->proto) >> (64 - HASH_BITS);
}

static bool may_follow(struct join *j, const struct held *from, const struct held *to)
{
	__u64 slack = j->cfg.crossing ? j->cfg.window_ns : from->out.err + to->in.err;

	return from->domain != to->domain && from->group == to->group && from->out.on && to->in.on && !from->out.other &&
	       !to->in.other && from->p->key == to->p->key && from->p->proto == to->p->proto &&
	       from->out.ts <= to->in.ts + slack &&
	       to->in.ts <= from->out.ts + j->cfg.window_ns && !far_end_excludes(j, from, to);
}

/*
 * All that h may follow (in), or that may follow it, but for those that another one lies between:
 * on the way from one guest to another the host's part is the next. Returns how many there are,
 * up to CANDIDATES.
 */
static unsigned int candidates(struct join *j, struct held *h, bool in,
			       struct held *out[CANDIDATES])
{
	struct held *o, *all[CANDIDATES];
	unsigned int n = 0, i, k, kept = 0;

	for (o = j->hash[hash_of(h->p)]; o && n < CANDIDATES; o = o->hash_next)
		if (in ? may_follow(j, o, h) : may_follow(j, h, o))
			all[n++] = o;
	for (i = 0; i < n; i++) {
		for (k = 0; k < n; k++)
			if (k != i && (in ? may_follow(j, all[i], all[k]) : may_follow(j, all[k], all[i])))
				break;
		if (k == n)
			out[kept++] = all[i];
	}
	/* too many to be told apart, or each lies between others: not certain in any case */
	return n == CANDIDATES || (n && !kept) ? CANDIDATES : kept;
}

static struct held *chain_first(struct held *h)
{
	while (h->in.other)
		h = h->in.other;
	return h;
}

static unsigned int chain_length(const struct held *first)
{
	unsigned int n = 0;

	for (; first; first = first->out.other)
		n++;
	return n;
}

static void couple(struct join *j, struct held *from, struct held *to)
{
	if (chain_length(chain_first(from)) + chain_length(to) > PACKET_MAX_PARTS) {
		from->out.settled = to->in.settled = true;
		j->stats.too_long++;
		return;
	}
	from->out.other = to;
	to->in.other = from;
	from->out.settled = to->in.settled = true;
	j->stats.joined++;
	far_end_learn(j, from, false, to->domain);
	far_end_learn(j, to, true, from->domain);
	if (j->cfg.crossing)
		j->cfg.crossing(j->cfg.ctx, from->domain, leave_ts(from), to->domain,
				to->p->s[to->in.at].ts);
}

static void side_try(struct join *j, struct held *h, bool in)
{
	struct side *side = in ? &h->in : &h->out;
	struct held *there[CANDIDATES], *back[CANDIDATES], *o;
	unsigned int n;

	if (side->settled || side->barred)
		return;
	n = candidates(j, h, in, there);
	o = n == 1 ? there[0] : NULL;
	if (o && candidates(j, o, !in, back) == 1 && back[0] == h) {
		/* others of this key may still come */
		if (o->tried)
			couple(j, in ? o : h, in ? h : o);
	} else if (n) {
		side->barred = true;
		j->stats.ambiguous++;
	} else if (far_end_hopeless(j, h, in)) {
		side->settled = true;
	}
}

/* --- the packet of all parts ----------------------------------------------------------------- */

/* Sightings of h that caused nothing after its exit: the receiver had the packet at ts already */
static void cut_tail(struct packet *out, unsigned int exit, __u64 ts, __u64 err)
{
	while (out->n > exit + 1 && (out->s[out->n - 1].ts > ts + err ||
				     hop_desc(out->s[out->n - 1].hop)->class == PL_CLASS_END))
		out->n--;
}

/* Likewise before its entry: sent at ts only */
static unsigned int cut_head(const struct held *h, const struct sighting *s, __u64 ts, __u64 err)
{
	unsigned int i = 0;

	while (i < h->in.at && s[i].ts + err < ts)
		i++;
	return i;
}

static void part_map(struct join *j, const struct held *h, struct sighting *s)
{
	unsigned int i;

	for (i = 0; i < h->p->n; i++) {
		s[i] = h->p->s[i];
		s[i].ts = j->cfg.map(j->cfg.ctx, h->domain, s[i].ts, NULL);
		/* a clock's steps are smaller than what its mapping is rounded to */
		if (i && s[i].ts < s[i - 1].ts)
			s[i].ts = s[i - 1].ts;
	}
}

/* Put the part behind what there is; exit: the last part's exit in out */
static void part_add(struct join *j, struct packet *out, const struct held *h, unsigned int exit)
{
	struct sighting s[DOMAIN_MAX_SIGHTINGS];
	struct packet_part *part = &out->part[out->nparts];
	__u64 err = h->in.err + h->in.other->out.err, moved = 0;
	unsigned int from, i;

	if (h->in.at >= h->p->n) /* never: it was found there */
		return;
	part_map(j, h, s);
	from = cut_head(h, s, out->s[exit].ts, err);
	cut_tail(out, exit, s[from].ts, err);
	if (s[from].ts < out->s[out->n - 1].ts)
		moved = out->s[out->n - 1].ts - s[from].ts;
	if (moved > err) {
		j->stats.contradictions++;
		out->nonmono = true;
	} else if (moved) {
		j->stats.moved++;
	}
	*part = (struct packet_part){ err, moved, out->n, h->domain };
	out->nparts++;
	for (i = from; i < h->p->n; i++) {
		out->s[out->n] = s[i];
		out->s[out->n++].ts += moved;
	}
	/* what is unsure of a part is so of the whole */
	out->nonmono |= h->p->nonmono;
	out->cloned |= h->p->cloned;
	if (out->end == PACKET_COMPLETE)
		out->end = h->p->end;
	out->drop_reason = h->p->drop_reason;
	out->drop_place = h->p->drop_place;
}

static void packet_build(struct join *j, const struct held *first)
{
	const struct held *h = first;
	struct packet *out = &j->out;
	unsigned int exit, base;

	memcpy(out, h->p, offsetof(struct packet, s));
	part_map(j, h, out->s);
	out->nparts = 1;
	out->part[0] = (struct packet_part){ .domain = h->domain };
	exit = h->out.at;
	while ((h = h->out.other)) {
		part_add(j, out, h, exit);
		base = out->n - h->p->n;
		exit = base + h->out.at;
	}
}

/* --- holding --------------------------------------------------------------------------------- */

static void held_free(struct join *j, struct held *h)
{
	struct held **at = &j->hash[hash_of(h->p)];

	while (*at != h)
		at = &(*at)->hash_next;
	*at = h->hash_next;
	if (j->untried == &h->age)
		j->untried = h->age.next;
	list_del(&h->age);
	j->held--;
	free(h->p);
	free(h);
}

static bool chain_settled(const struct held *first)
{
	const struct held *h;

	for (h = first; h; h = h->out.other)
		if (!h->in.settled || !h->out.settled)
			return false;
	return true;
}

static void chain_out(struct join *j, struct held *first)
{
	struct held *h, *next;

	packet_build(j, first);
	for (h = first; h; h = next) {
		next = h->out.other;
		if (h->out.on && !next)
			j->stats.left[h->domain]++;
		held_free(j, h);
	}
	if (!j->err)
		j->err = j->cfg.packet(j->cfg.ctx, &j->out);
}

static void held_close(struct join *j, struct held *h)
{
	h = chain_first(h);
	if (chain_settled(h))
		chain_out(j, h);
}

static void held_try(struct join *j, struct held *h)
{
	h->tried = true;
	side_try(j, h, true);
	side_try(j, h, false);
}

/* The oldest waits no longer: it goes on as it is, with what has been joined to it */
static void oldest_expire(struct join *j)
{
	struct held *first, *h = list_entry(j->age.next, struct held, age);

	held_try(j, h);
	first = h = chain_first(h);
	do
		h->in.settled = h->out.settled = true;
	while ((h = h->out.other));
	chain_out(j, first);
}

int join_time(struct join *j, __u64 now)
{
	struct held *h;

	if (now > j->now)
		j->now = now;
	while (!j->err && j->untried != &j->age) {
		h = list_entry(j->untried, struct held, age);
		if (h->since + SETTLE_NS > j->now)
			break;
		j->untried = j->untried->next;
		held_try(j, h);
		held_close(j, h);
	}
	while (!j->err && !list_empty(&j->age)) {
		h = list_entry(j->age.next, struct held, age);
		if (h->since + j->cfg.hold_ns > j->now)
			break;
		oldest_expire(j);
	}
	return j->err;
}

static struct held *held_new(struct join *j, unsigned int domain, const struct packet *p)
{
	struct held *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->p = malloc(packet_size(p));
	if (!h->p) {
		free(h);
		return NULL;
	}
	/* numbers of different domains do not meet, each domain's stay in order */
	packet_copy_as(h->p, p, (p->id - 1) * j->cfg.domains + domain + 1);
	h->domain = domain;
	h->group = j->cfg.group(j->cfg.ctx, domain);
	h->since = j->now;
	if (p->key) {
		entry_find(&h->in, h->p);
		exit_find(&h->out, h->p);
	}
	side_map(j, &h->in, h);
	side_map(j, &h->out, h);
	return h;
}

int join_packet(struct join *j, unsigned int domain, const struct packet *p)
{
	struct held *h, **bucket;

	if (j->err)
		return j->err;
	j->stats.parts++;
	h = held_new(j, domain, p);
	if (!h)
		return j->err = -ENOMEM;
	bucket = &j->hash[hash_of(h->p)];
	h->hash_next = *bucket;
	*bucket = h;
	list_add_tail(&h->age, &j->age);
	if (j->untried == &j->age)
		j->untried = &h->age;
	j->held++;
	if (!h->in.on && !h->out.on)
		chain_out(j, h);
	while (!j->err && j->held > j->cfg.max_held) {
		j->stats.evicted++;
		oldest_expire(j);
	}
	return j->err;
}

int join_finish(struct join *j)
{
	struct list *l;

	/* nothing more comes: each may be joined to any other */
	for (l = j->age.next; l != &j->age; l = l->next)
		list_entry(l, struct held, age)->tried = true;
	for (l = j->age.next; !j->err && l != &j->age; l = l->next)
		held_try(j, list_entry(l, struct held, age));
	j->untried = &j->age;
	while (!j->err && !list_empty(&j->age))
		oldest_expire(j);
	return j->err;
}

int join_new(const struct join_config *cfg, struct join **out)
{
	struct join *j = calloc(1, sizeof(*j));

	if (!j)
		return -ENOMEM;
	j->cfg = *cfg;
	if (!j->cfg.hold_ns)
		j->cfg.hold_ns = HOLD_NS;
	if (!j->cfg.window_ns)
		j->cfg.window_ns = WINDOW_NS;
	if (!j->cfg.max_held)
		j->cfg.max_held = HELD_MAX;
	list_init(&j->age);
	j->untried = &j->age;
	j->hash = calloc(1u << HASH_BITS, sizeof(*j->hash));
	if (!j->hash) {
		free(j);
		return -ENOMEM;
	}
	*out = j;
	return 0;
}

void join_free(struct join *j)
{
	struct list *l, *next;

	if (!j)
		return;
	for (l = j->age.next; l != &j->age; l = next) {
		struct held *h = list_entry(l, struct held, age);

		next = l->next;
		free(h->p);
		free(h);
	}
	free(j->hash);
	free(j);
}

const struct join_stats *join_stats(const struct join *j)
{
	return &j->stats;
}
