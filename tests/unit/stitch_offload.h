/* SPDX-License-Identifier: GPL-2.0 */
/* GRO and GSO of stitch_world.h, which includes this: skbs that stand for several packets */
#ifndef PKTLAP_TEST_STITCH_OFFLOAD_H
#define PKTLAP_TEST_STITCH_OFFLOAD_H

/* --- GRO --- */

/* The skb of this poll that GRO would merge p into; it holds one for each flow, the last that came */
static inline struct pkt *gro_holder(struct pkt *held, unsigned int n, const struct pkt *p)
{
	while (n--) {
		struct pkt *h = &held[n];

		if (h->flow != p->flow || h->tcp != p->tcp || h->out)
			continue;
		if (h->nriders > RIDERS_MAX || (p->tcp && p->seq != h->seq + h->bytes) ||
		    (p->tcp && h->key != p->key))
			return NULL;
		return h;
	}
	return NULL;
}

static inline void rider_put(struct pkt *h, const struct pkt *p)
{
	h->rider[h->nriders++] = (struct rider){ p->truth, p->seq, p->bytes, p->pay, p->key };
}

static inline void gro_merge(struct world *w, int cpu, __u32 tid, struct pkt *h, struct pkt *p)
{
	int i;

	if (!h->nriders)
		rider_put(h, h);
	rider_put(h, p);
	h->bytes += p->bytes;
	h->gso = true;
	h->keyless |= p->keyless;
	/* a burst's last one: given out before GRO returns */
	h->out = chance(w, 20);
	if (h->out)
		emit_pkt(w, cpu, PL_HOP_nic_skb, tid, h, IF_NIC);
	emit_ctx(w, cpu, PL_HOP_nic_merged, tid, 0, 0, 0, 0);
	w->owner[w->n - 1] = p->truth + 1;
	allow(w, p->truth, w->n, !h->out);
	for (i = 0; (h->keyless || w->same_keys) && i < h->nriders; i++)
		w->truth[h->rider[i].truth].unsure = true;
	skb_put(w, p);
}

/* --- GSO --- */

static inline bool segment_due(struct world *w, struct pkt *p, __u32 ifindex)
{
	(void)ifindex;
	return p->gso && (p->nriders > 1 || p->bytes > 2) && chance(w, 60);
}

/* A segment that is cut from p for the first time: a packet of its own, with p's past */
static inline void segment_new(struct world *w, const struct pkt *p, struct pkt *to, __u32 at,
			       __u32 bytes)
{
	*to = *p;
	to->truth = truth_new(w);
	w->truth[to->truth] = w->truth[p->truth];
	w->truth[p->truth].unsure |= w->same_keys;
	w->truth[to->truth].unsure |= w->same_keys;
	to->nriders = 0;
	to->gso = false;
	to->seq += at;
	to->bytes = bytes;
	if (!p->tcp && at)
		to->key = ++w->made * 0x9e3779b97f4a7c15ULL;
}

/* One that GRO had merged: it is itself again */
static inline void segment_old(const struct pkt *p, struct pkt *to, int i)
{
	*to = *p;
	to->truth = p->rider[i].truth;
	to->seq = p->rider[i].seq;
	to->bytes = p->rider[i].bytes;
	to->key = p->rider[i].key;
	to->pay = p->rider[i].pay;
	to->nriders = 0;
	to->gso = false;
}

static inline void segments_cut(struct world *w, struct walk *k)
{
	struct pkt *p = &k->p;
	__u32 at = 0, each = p->bytes / (2 + rnd(w, RIDERS_MAX - 1)) + 1;

	k->nparts = k->part_at = 0;
	if (p->nriders > 1) {
		while (k->nparts < p->nriders) {
			segment_old(p, &k->part[k->nparts], k->nparts);
			k->nparts++;
		}
		return;
	}
	for (; at < p->bytes; at += each)
		segment_new(w, p, &k->part[k->nparts++], at,
			    p->bytes - at < each ? p->bytes - at : each);
	w->truth[p->truth].end = PACKET_SPLIT;
}

/* The skb is freed, then its segments are sent, a step for each */
static inline void segment_step(struct world *w, int cpu, __u32 tid, struct walk *k,
				const struct step *s)
{
	struct pl_event *e = emit(w, cpu, PL_HOP_skb_free, tid);
	struct walk one = {};

	e->obj = 0xffff888000000000ULL + k->p.skb * 256ULL;
	e->head = k->p.head;
	identify(w, e, &k->p, true);
	w->owner[w->n - 1] = OWNER_MANY;
	allow_pkt(w, &k->p, w->n, false);
	segments_cut(w, k);
	skb_put(w, &k->p);
	for (; k->part_at < k->nparts; k->part_at++) {
		one.p = k->part[k->part_at];
		skb_take(w, &one.p);
		emit_pkt(w, cpu, s->hop, tid, &one.p, s->ifindex);
		if (s->kind == STEP_TAP)
			to_guest(w, cpu, tid, &one, s->vm);
		else
			to_wire(w, cpu, tid, &one.p);
	}
}

#endif
