// SPDX-License-Identifier: GPL-2.0
/*
 * skbs that stand for several packets: merged by GRO, cut into segments by GSO, put together from
 * IP fragments. The kernel says of none of these which packets went into which: TCP is joined by
 * ranges of sequence numbers, all else by the number of bytes, which must come out exactly.
 */
#include <netinet/in.h>

#include "stitch_int.h"

#define GRO_HOLD_NS   10000000 /* longer than any gro_flush_timeout that makes sense */
#define IP4_HLEN_MIN  20
#define IP_HLEN_MAX   60
#define IP6_HLEN      40
#define IP6_FRAG_HLEN 48 /* with its fragment header */

/* --- the table by flow --- */

static void flow_hash(struct stitch *s, struct flight *f, enum flow_kind kind)
{
	struct flight **b = &s->by_flow[slot_of(f->flow, FLOW_BUCKETS)];

	flow_unhash(s, f);
	f->in_flow = kind;
	f->flow_next = *b;
	*b = f;
}

void flow_unhash(struct stitch *s, struct flight *f)
{
	struct flight **b = &s->by_flow[slot_of(f->flow, FLOW_BUCKETS)];

	if (f->in_flow == FLOW_NOT)
		return;
	while (*b != f)
		b = &(*b)->flow_next;
	*b = f->flow_next;
	f->in_flow = FLOW_NOT;
}

static void rider_add(struct flight *carrier, struct flight *f)
{
	list_del(&f->wait);
	f->carrier = carrier;
	list_add_tail(&f->wait, &carrier->riders);
}

/* --- GRO --- */

/* Could it have been merged into f: after f was given to GRO, on this CPU, of f's flow? */
static bool may_ride(const struct flight *r, const struct flight *f)
{
	__u64 ts = r->held_kind == HELD_MERGED ? r->held.ts : r->s[r->n - 1].ts;

	return r != f && r->has_key && r->flow == f->flow && r->proto == f->proto &&
	       r->last_dev == f->last_dev && flight_in_gro(r) && ts >= f->s[f->n - 1].ts;
}

/*
 * The packet that GRO has in hand: merged into one that has to go out at once (it is full, or this
 * was the last segment of a burst), it is given out in there before nic:merged says so.
 */
static struct flight *gro_in_hand(struct stitch *s, const struct flight *f)
{
	struct flight *r = flight_deref(s->c->last_gro);

	return r && !r->carrier && r->held_kind == HELD_NONE && may_ride(r, f) ? r : NULL;
}

static void ride_merged(struct stitch *s, struct flight *f, struct flight *r)
{
	rider_add(f, r);
	flight_unhash(s, r);
	if (r->held_kind == HELD_MERGED)
		flight_add(s, r, &r->held);
	r->held_kind = HELD_NONE;
}

static void datagram_ride(struct stitch *s, struct flight *f, struct flight *r, __u32 hlen)
{
	r->bytes = r->len - hlen;
	r->has_bytes = true;
	ride_merged(s, f, r);
}

/* tcp_gro_receive() merges only what follows on byte by byte (net/ipv4/tcp_offload.c) */
static bool ride_tcp(struct stitch *s, struct flight *f, struct flight *r, __u32 next, __u32 end)
{
	if (!may_ride(r, f) || !r->has_bytes || flight_seq(r) != next || r->bytes > end - next)
		return false;
	ride_merged(s, f, r);
	return true;
}

static void adopt_tcp(struct stitch *s, struct flight *f, __u32 bytes)
{
	__u32 next = flight_seq(f) + f->bytes, end = flight_seq(f) + bytes;
	struct list *l, *after;
	struct flight *r;

	for (l = s->c->merged.next; l != &s->c->merged; l = after) {
		after = l->next;
		r = flight_of(l);
		if (ride_tcp(s, f, r, next, end))
			next += r->bytes;
	}
	r = gro_in_hand(s, f);
	if (r)
		ride_tcp(s, f, r, next, end);
}

/*
 * Datagrams have no place in a stream: the first ones of the flow that were merged since f came
 * must make up what f's skb has now, one header and all payloads. f is at its network header, now
 * and when it came.
 */
static void adopt_datagrams(struct stitch *s, struct flight *f, const struct pl_event *ev)
{
	__u32 hlen = ev->len - ev->pay, sum = f->len - hlen;
	struct list *l, *after, *end = NULL;
	struct flight *hand = NULL;

	if (ev->len <= ev->pay || f->len <= hlen)
		return;
	for (l = s->c->merged.next; l != &s->c->merged && sum < ev->pay; l = l->next) {
		if (!may_ride(flight_of(l), f))
			continue;
		sum += flight_of(l)->len - hlen;
		end = l->next;
	}
	if (sum < ev->pay)
		hand = gro_in_hand(s, f);
	if (hand)
		sum += hand->len - hlen;
	if (sum != ev->pay || (!end && !hand))
		return;
	f->bytes = f->len - hlen;
	f->has_bytes = true;
	for (l = s->c->merged.next; end && l != end; l = after) {
		after = l->next;
		if (may_ride(flight_of(l), f))
			datagram_ride(s, f, flight_of(l), hlen);
	}
	if (hand)
		datagram_ride(s, f, hand, hlen);
}

void gro_adopt(struct stitch *s, struct flight *f, const struct pl_event *ev)
{
	if (!(ev->flags & PL_F_KEY) || gap_since(s, f->last_cpu, f->last_ts))
		return;
	if (ev->proto == IPPROTO_TCP) {
		if (f->has_bytes)
			adopt_tcp(s, f, ev->pay);
	} else {
		adopt_datagrams(s, f, ev);
	}
}

/* What GRO merged and has not been given out for so long was joined to nothing that was seen */
void gro_give_up(struct stitch *s)
{
	struct list *merged = &s->c->merged;

	while (!s->err && !list_empty(merged) &&
	       flight_of(merged->next)->held.ts + GRO_HOLD_NS < s->now)
		flight_end_here(s, flight_of(merged->next), false);
}

/* The headers of a packet that nic:gro could not read */
void on_nic_gromerge(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct flight *f = flight_deref(s->c->last_gro);
	struct sighting sight;

	if (!f || !f->has_skb || f->skb != ev->obj || f->last_tid != ev->tid) {
		unused(s);
		return;
	}
	sight = sighting_of(s, ev, hop);
	flight_identify(f, ev);
	flight_add(s, f, &sight);
}

/* --- GSO --- */

/* Segments are made of an skb that a queue has, never of one that a driver has */
static bool may_split(const struct flight *f)
{
	switch (f->last_pkt) {
	case PL_HOP_dev_queue:
	case PL_HOP_qdisc_enq:
	case PL_HOP_qdisc_deq:
		return f->gso && f->has_bytes;
	default:
		return false;
	}
}

static void split_wait(struct stitch *s, struct flight *f, __u32 hlen)
{
	f->hlen = hlen;
	f->left = f->bytes;
	f->gso = false;
	flow_hash(s, f, FLOW_SPLIT);
	if (f->proto != IPPROTO_TCP)
		list_add_tail(&f->wait, &s->c->splits);
}

bool split_begin(struct stitch *s, struct flight *f)
{
	__u32 hlen, bytes = f->bytes;
	struct list *l, *riders = &f->riders;

	if (!may_split(f))
		return false;
	split_close(s);
	s->c->split_ts = s->now;
	for (l = riders->next; l != riders; l = l->next)
		bytes += flight_of(l)->bytes;
	hlen = f->s[f->n - 1].len - bytes;
	flight_unhash(s, f);
	split_wait(s, f, hlen);
	/* what GRO had put together comes apart again: each packet for itself */
	while (!list_empty(riders)) {
		struct flight *r = flight_of(riders->next);

		list_del(&r->wait);
		r->carrier = NULL;
		split_wait(s, r, hlen);
	}
	return true;
}

void split_close(struct stitch *s)
{
	list_end(s, &s->c->splits);
}

/* Payload bytes of this skb, if it is a segment of p: all but the headers, which are p's */
static __u32 segment_bytes(const struct flight *p, const struct pl_event *ev)
{
	if (ev->proto == IPPROTO_TCP || (ev->flags & PL_F_GSO))
		return ev->pay;
	return ev->len > p->hlen ? ev->len - p->hlen : 0;
}

static bool may_be_segment(const struct stitch *s, const struct flight *p,
			   const struct pl_event *ev)
{
	__u32 bytes = segment_bytes(p, ev);

	return p->in_flow == FLOW_SPLIT && p->flow == ev->arg && p->proto == ev->proto && bytes &&
	       bytes <= p->left && !gap_since(s, p->last_cpu, p->last_ts);
}

/* Next in turn? With softirqs off, the skb is freed and its segments are sent one after the other */
static bool in_turn(const struct stitch *s, const struct pl_event *ev)
{
	const struct list *splits = &s->c->splits;
	const struct flight *p = flight_of(splits->next);

	return !list_empty(splits) && may_be_segment(s, p, ev) && p->last_tid == ev->tid;
}

bool split_expects(const struct stitch *s, const struct flight *f, const struct pl_event *ev,
		   enum pl_hop hop)
{
	return hop == PL_HOP_dev_xmit && f->last_ts < s->c->split_ts && in_turn(s, ev);
}

/* By its bytes of the stream: a queue that stops keeps segments for later, on any CPU */
static struct flight *parent_tcp(struct stitch *s, const struct pl_event *ev, bool *several)
{
	struct flight *p, *found = NULL;

	/* a clone of one of these ranges is no segment of it */
	if (flight_by_head(s, ev, several) || *several)
		return NULL;
	for (p = s->by_flow[slot_of(ev->arg, FLOW_BUCKETS)]; p; p = p->flow_next) {
		if (!may_be_segment(s, p, ev) ||
		    PL_TCP_SEQ(ev) - flight_seq(p) > p->bytes - ev->pay)
			continue;
		*several = found != NULL;
		if (*several)
			return NULL;
		found = p;
	}
	return found;
}

/* By order. What GRO had merged must come apart as it went in */
static struct flight *parent_datagram(struct stitch *s, const struct pl_event *ev)
{
	struct flight *p = flight_of(s->c->splits.next);

	if (in_turn(s, ev) && (segment_bytes(p, ev) != p->bytes || !identity_differs(p, ev)))
		return p;
	split_close(s);
	return NULL;
}

/* One of several segments: begins as what p was when it was cut up */
static struct flight *segment_new(struct stitch *s, struct flight *p, const struct pl_event *ev)
{
	__u32 bytes = segment_bytes(p, ev);
	struct flight_ref parent = flight_ref(p);
	struct flight *f = flight_branch(s, p, ev);

	if (!f)
		return NULL;
	s->stats.segments++;
	f->bytes = bytes;
	f->has_bytes = true;
	f->gso = false;
	p = flight_deref(parent);
	if (p) {
		p->left -= bytes;
		if (!p->left)
			flight_end(s, p, PACKET_SPLIT);
	}
	return f;
}

struct flight *segment_find(struct stitch *s, const struct pl_event *ev, bool *several)
{
	struct flight *p;

	*several = false;
	if (!(ev->flags & PL_F_KEY))
		return NULL;
	p = ev->proto == IPPROTO_TCP ? parent_tcp(s, ev, several) : parent_datagram(s, ev);
	if (!p)
		return NULL;
	/* all of it: a packet that GRO had merged, on its own again */
	if (p->left == p->bytes && segment_bytes(p, ev) == p->bytes) {
		flow_unhash(s, p);
		list_del(&p->wait);
		return p;
	}
	return segment_new(s, p, ev);
}

/* --- IP fragments --- */

void fragment_seen(struct stitch *s, struct flight *f)
{
	if (f->frag && f->has_key && f->in_flow == FLOW_NOT)
		flow_hash(s, f, FLOW_FRAGMENT);
}

bool fragment_hold(struct stitch *s, struct flight *f)
{
	if (f->in_flow != FLOW_FRAGMENT || !flight_in_stack(f))
		return false;
	flight_unhash(s, f);
	return true;
}

static bool same_datagram(const struct flight *a, const struct flight *b)
{
	return a->in_flow == FLOW_FRAGMENT && a->flow == b->flow && a->proto == b->proto &&
	       flight_in_stack(a);
}

/* Do n IP headers (or all but one) make up this difference? IPv6 leaves its fragment header too */
static bool headers_fit(__u32 n, __u32 diff)
{
	__u32 each;

	if (!n)
		return false;
	each = diff / n;
	if (diff % n == 0 && each >= IP4_HLEN_MIN && each <= IP_HLEN_MAX)
		return true;
	if (diff == n * IP6_FRAG_HLEN - IP6_HLEN)
		return true;
	each = n > 1 ? diff / (n - 1) : 0;
	return n > 1 && diff % (n - 1) == 0 && each >= IP4_HLEN_MIN && each <= IP_HLEN_MAX;
}

bool fragments_joined(struct stitch *s, struct flight *f, const struct pl_event *ev)
{
	struct flight *r, *next;
	__u32 n = 0, sum = 0;

	if (!f->frag || (ev->flags & PL_F_FRAG) || !(ev->flags & PL_F_KEY) ||
	    f->proto != ev->proto || !flight_in_stack(f))
		return false;
	for (r = s->by_flow[slot_of(f->flow, FLOW_BUCKETS)]; r; r = r->flow_next) {
		if (!same_datagram(r, f))
			continue;
		n++;
		sum += r->len;
	}
	/* a number that comes again soon, or one that was not seen: not certain what went in */
	if (sum < ev->len || !headers_fit(n, sum - ev->len))
		return false;
	for (r = s->by_flow[slot_of(f->flow, FLOW_BUCKETS)]; r; r = next) {
		next = r->flow_next;
		if (r == f || !same_datagram(r, f))
			continue;
		flow_unhash(s, r);
		flight_unhash(s, r);
		rider_add(f, r);
	}
	flow_unhash(s, f);
	f->frag = f->has_key = f->has_pay = false;
	return true;
}
