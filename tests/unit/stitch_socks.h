/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's own sockets of stitch_world.h, which includes this: datagrams and TCP connections from
 * the wire, each with a reader that sleeps, is woken, or is busy elsewhere. Their events have the
 * event's number in the field len: vlan says which socket.
 */
#ifndef PKTLAP_TEST_STITCH_SOCKS_H
#define PKTLAP_TEST_STITCH_SOCKS_H

static inline void sock_event(struct pl_event *e, int nr)
{
	e->len = e->vlan;
	e->vlan = 0x7000 + nr;
	e->netns = NETNS;
	e->queue = 9000 + nr;
	e->flags |= PL_F_SOCK;
}

static inline __u32 emit_sock(struct world *w, int cpu, enum pl_hop hop, __u32 tid, int nr)
{
	struct pl_event *e = emit(w, cpu, hop, tid);

	e->obj = 0xffff888100000000ULL + nr * 64;
	sock_event(e, nr);
	return w->n;
}

static inline void emit_queued(struct world *w, int cpu, enum pl_hop hop, __u32 tid, struct pkt *p,
			       int nr)
{
	emit_pkt(w, cpu, hop, tid, p, 0);
	sock_event(&w->ev[w->n - 1], nr);
}

/* A packet from the wire is one of these sockets' */
static inline void sock_pkt(struct world *w, struct pkt *p)
{
	int nr = rnd(w, WSOCKS);
	struct wsock *s = &w->sock[nr];

	p->sock = nr + 1;
	p->tcp = s->tcp;
	p->flow = 200 + nr;
	if (!p->tcp)
		return;
	p->key = (w->made / 64 + p->flow) * 0x9e3779b9ULL & 0xffffffff;
	p->seq = s->sent;
	p->again = chance(w, 4);
	if (p->again)
		p->seq -= rnd(w, 4000);
	else
		s->sent += p->bytes;
}

static inline bool before(__u32 a, __u32 b)
{
	return (__s32)(a - b) < 0;
}

/* The callback: wakes the reader if it sleeps */
static inline void sock_ready(struct world *w, int cpu, __u32 tid, struct pkt *p, int nr)
{
	struct wsock *s = &w->sock[nr];

	if (!s->asleep)
		return;
	s->asleep = false;
	s->woken = true;
	allow_pkt(w, p, emit_sock(w, cpu, PL_HOP_sock_ready, tid, nr), false);
	allow_pkt(w, p, emit_sock(w, cpu, PL_HOP_app_wake, TID_READER(nr), nr), false);
}

static inline void sock_keep(struct wsock *s, const struct pkt *p)
{
	s->q[s->n++] = *p;
}

/* The next one that came too early and is due now; false: none */
static inline bool sock_early_next(struct wsock *s, struct pkt *p)
{
	unsigned int i;

	for (i = 0; i < s->nearly; i++) {
		if (before(s->next, s->early[i].seq))
			continue;
		*p = s->early[i];
		s->early[i] = s->early[--s->nearly];
		return true;
	}
	return false;
}

static inline bool sock_has_early(const struct wsock *s, const struct pkt *p)
{
	unsigned int i;

	for (i = 0; i < s->nearly; i++)
		if (before(p->seq, s->early[i].seq + s->early[i].bytes) &&
		    before(s->early[i].seq, p->seq + p->bytes))
			return true;
	return s->nearly == WSOCK_MAX;
}

static inline void doubt_pkt(struct world *w, const struct pkt *p)
{
	int i;

	w->truth[p->truth].unsure = true;
	for (i = 1; i < p->nriders; i++)
		w->truth[p->rider[i].truth].unsure = true;
}

/* Something sent again, and what came too early: which of them has a byte that both have? */
static inline void sock_doubts(struct world *w, const struct wsock *s, const struct pkt *p)
{
	unsigned int i;

	if (!p->again)
		return;
	doubt_pkt(w, p);
	for (i = 0; i < s->nearly; i++)
		doubt_pkt(w, &s->early[i]);
	for (i = 0; i < s->n; i++)
		doubt_pkt(w, &s->q[i]);
}

/* Its bytes are put into the skb before, or it waits as it is: until it is read */
static inline void tcp_put(struct world *w, struct wsock *s, struct pkt *p)
{
	s->next = p->seq + p->bytes;
	if (s->n && chance(w, 50)) {
		skb_put(w, p);
		p->freed = true;
	}
	sock_keep(s, p);
}

static inline void tcp_arrives(struct world *w, int cpu, __u32 tid, struct pkt *p, int nr)
{
	struct wsock *s = &w->sock[nr];
	struct pkt early;

	sock_doubts(w, s, p);
	if (!before(s->next, p->seq + p->bytes) || s->n + s->nearly + 1 >= WSOCK_MAX ||
	    (before(s->next, p->seq) && sock_has_early(s, p))) {
		drop(w, cpu, tid, p);
		return;
	}
	if (before(s->next, p->seq)) {
		s->early[s->nearly++] = *p;
		return;
	}
	emit_queued(w, cpu, PL_HOP_sock_queue, tid, p, nr);
	tcp_put(w, s, p);
	while (sock_early_next(s, &early)) {
		if (before(s->next, early.seq + early.bytes)) {
			tcp_put(w, s, &early);
			continue;
		}
		drop(w, cpu, tid, &early);
	}
	sock_ready(w, cpu, tid, p, nr);
}

static inline void sock_arrives(struct world *w, int cpu, __u32 tid, struct pkt *p)
{
	int nr = p->sock - 1;
	struct wsock *s = &w->sock[nr];

	if (s->tcp) {
		tcp_arrives(w, cpu, tid, p, nr);
		return;
	}
	emit_queued(w, cpu, PL_HOP_sock_queue, tid, p, nr);
	if (s->n == WSOCK_MAX) {
		drop(w, cpu, tid, p);
		return;
	}
	sock_keep(s, p);
	sock_ready(w, cpu, tid, p, nr);
}

/* --- the reader --- */

static inline void sock_pop(struct wsock *s, struct pkt *p)
{
	*p = s->q[0];
	memmove(s->q, s->q + 1, --s->n * sizeof(*s->q));
}

/* One read of bytes, a part of what is there or all: copied, in one piece */
static inline void tcp_copies(struct world *w, struct task *t)
{
	struct wsock *s = &w->sock[t->vm];
	__u32 there = s->next - s->copied, n = chance(w, 30) ? 1 + rnd(w, there) : there;
	__u32 number = emit_sock(w, t->cpu, PL_HOP_skb_copy, t->tid, t->vm);
	struct pl_event *e = &w->ev[number - 1];

	e->proto = IP_TCP;
	e->arg = 200 + t->vm;
	e->key = s->copied;
	e->pay = n;
	e->flags |= PL_F_KEY;
	s->copied += n;
	w->owner[number - 1] = OWNER_MANY;
	for (t->n = 0; s->n && t->n < BATCH && !before(s->copied, s->q[0].seq + s->q[0].bytes); t->n++) {
		sock_pop(s, &t->batch[t->n]);
		allow_pkt(w, &t->batch[t->n], number, true);
		if (!t->batch[t->n].freed)
			skb_put(w, &t->batch[t->n]);
	}
}

static inline void reader_step(struct world *w, struct task *t)
{
	struct wsock *s = &w->sock[t->vm];
	unsigned int i;
	__u32 number;

	CO_BEGIN(t);
	while (s->n) {
		if (chance(w, 30))
			CO_YIELD(t);
		if (s->tcp) {
			tcp_copies(w, t);
		} else {
			t->n = 1;
			sock_pop(s, &t->batch[0]);
			emit_queued(w, t->cpu, PL_HOP_sock_recv, t->tid, &t->batch[0], t->vm);
			CO_YIELD(t);
			emit_pkt(w, t->cpu, PL_HOP_skb_free, t->tid, &t->batch[0], 0);
			w->truth[t->batch[0].truth].seen[w->truth[t->batch[0].truth].n - 1] = false;
			skb_put(w, &t->batch[0]);
		}
		CO_YIELD(t);
		number = emit_sock(w, t->cpu, PL_HOP_app_recv, t->tid, t->vm);
		for (i = 0; i < t->n; i++) {
			allow_pkt(w, &t->batch[i], number, false);
			pkt_end(w, &t->batch[i], PACKET_COMPLETE);
		}
		CO_YIELD(t);
	}
	s->asleep = true;
	CO_END(t);
}

/* Switched in after it was woken: what was there before has waited for that */
static inline void reader_runs(struct world *w, struct task *t)
{
	struct wsock *s = &w->sock[t->vm];
	unsigned int i;
	__u32 number;

	if (!s->woken)
		return;
	s->woken = false;
	number = emit_ctx(w, t->cpu, PL_HOP_sched_run, t->tid, 0, 0, PL_ROLE_APP, 0);
	for (i = 0; i < s->n; i++)
		allow_pkt(w, &s->q[i], number, false);
}

static inline void socks_init(struct world *w)
{
	int i;

	for (i = 0; i < WSOCKS; i++) {
		w->sock[i].tcp = i % 2;
		w->sock[i].asleep = true;
		w->sock[i].sent = w->sock[i].next = w->sock[i].copied = -50000 * (i + 1);
	}
}

#endif
