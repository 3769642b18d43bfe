// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets of this host, receiving: from the IP layer to the reader's return.
 *
 * A datagram keeps its skb until it is read. TCP's bytes do not: a socket puts them into the skb
 * before, or takes them out of order, and the reader's copies go by ranges. So what TCP was given
 * waits in a list of its flow, until its last byte is copied.
 *
 * What a task has read waits in its list took for the read to return.
 */
#include <netinet/in.h>

#include "stitch_int.h"

#define TCP_OLD_NS 1000000000ULL /* a segment that TCP does not want is dropped long before */

static struct list *sock_list(struct stitch *s, __u64 key)
{
	return &s->socks[slot_of(key, SOCKS)];
}

#define KEY_SOCK(nr) (2ULL << 32 | (nr)) /* unread datagrams of a socket; 2 is no namespace */

/* TCP: packets of a flow; another namespace may have one with the same addresses and ports */
static __u64 key_flow(const struct pl_event *ev)
{
	return (__u64)ev->netns << 32 | ev->arg;
}

static void sock_list_add(struct stitch *s, struct flight *f, __u64 key)
{
	list_del(&f->sock);
	f->sock_key = key;
	list_add_tail(&f->sock, sock_list(s, key));
}

static struct flight *sock_flight(struct list *l)
{
	return list_entry(l, struct flight, sock);
}

static bool is_tcp(const struct pl_event *ev)
{
	return (ev->flags & PL_F_KEY) && ev->proto == IPPROTO_TCP && !(ev->flags & PL_F_FRAG);
}

/* a comes before b, round the wrap */
static bool seq_before(__u32 a, __u32 b)
{
	return (__s32)(a - b) < 0;
}

/* TCP's packet has reached this host's TCP: its bytes will be read, or it has none */
static void tcp_expect(struct stitch *s, struct flight *f, const struct pl_event *ev)
{
	f->no_data = !ev->pay;
	f->sock_seq = PL_TCP_SEQ(ev);
	f->sock_end = f->sock_seq + ev->pay;
	if (ev->pay && list_empty(&f->sock))
		sock_list_add(s, f, key_flow(ev));
}

void on_nic_skb(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct flight *f = packet_seen(s, ev, hop);

	s->c->last_up = (struct flight_ref){};
	if (!f)
		return;
	s->c->last_up = flight_ref(f);
	if (is_tcp(ev))
		f->no_data = !ev->pay;
}

void on_ip_deliver(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct flight *f = packet_seen(s, ev, hop);

	if (f && is_tcp(ev))
		tcp_expect(s, f, ev);
}

/* --- put into the queue --- */

static struct sock_slot *sock_slot(struct stitch *s, __u32 nr)
{
	struct sock_slot *slot = &s->sock_slots[slot_of(nr, SOCKS)];

	/* what was known of it, when another socket took its place, is forgotten */
	if (slot->nr != nr)
		*slot = (struct sock_slot){ .nr = nr, .doubt = slot->nr != 0 };
	return slot;
}

static void sock_reader(struct sock_slot *slot, __u32 tid)
{
	slot->shared |= slot->reader && slot->reader != tid;
	slot->reader = tid;
}

/* The kernel is not known to say which skb it was: see bpf/sock.bpf.c, tail_queue() */
static bool is_tail(const struct pl_event *ev)
{
	return ev->hook == PL_HOOK_tail_queue || ev->hook == PL_HOOK_tail_queue_raw;
}

/*
 * A datagram that is not looked at, in the queue of a socket that gets others: the filter does not
 * select it, or it came in at another device
 */
static bool is_other(const struct pl_event *ev)
{
	if (!is_tail(ev) || is_tcp(ev))
		return false;
	return ev->obj ? (ev->flags & PL_F_KNOWN) : ev->arg;
}

/* The packet that this CPU is giving to TCP, when its bytes are among those of the last skb */
static struct flight *tail_of_tcp(struct stitch *s, const struct pl_event *ev)
{
	struct flight *f = flight_deref(s->c->last_up);

	if (!f || !f->has_key || f->flow != ev->arg || f->proto != IPPROTO_TCP ||
	    !flight_in_stack(f) || f->last_tid != ev->tid || gap_since(s, f->last_cpu, f->last_ts))
		return NULL;
	if (seq_before((__u32)f->key, PL_TCP_SEQ(ev)) ||
	    !seq_before((__u32)f->key, PL_TCP_SEQ(ev) + ev->pay))
		return NULL;
	return f;
}

static struct flight *tail_find(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct flight *f = ev->obj ? flight_by_skb(s, ev->obj) : NULL;
	bool several;

	if (f && f->last_pkt == PL_HOP_sock_queue)
		return NULL;
	if (f && flight_in_stack(f))
		return packet_find(s, ev, hop);
	if (is_tcp(ev))
		return tail_of_tcp(s, ev);
	return flight_by_head(s, ev, &several) ? packet_of(s, ev, hop, false) : NULL;
}

/* A socket gets a clone while the original goes on to others, or is freed as nobody's */
static void origin_delivered(const struct flight *clone, const struct flight_ref *origin)
{
	struct flight *f = flight_deref(*origin);

	if (f && f != clone && clone->cloned)
		f->delivered = true;
}

static void flight_readied(struct stitch *s, struct flight *f, const struct sighting *sight)
{
	flight_add(s, f, sight);
	s->c->readied = flight_ref(f);
	s->c->ready_seq = s->c->seq;
}

/*
 * Both hops may have hooks at one tracepoint, whose programs run in the order in which they were
 * attached. The packet was in the queue before either of them.
 */
static bool ready_came_first(const struct stitch *s, const struct pl_event *ev)
{
	const struct cpu_ctx *c = s->c;

	return is_tail(ev) && c->ready.on && c->ready_seq + 1 == c->seq &&
	       c->ready_sk == ev->vlan && c->ready.s.tid == ev->tid;
}

/* Where it waits to be read */
static void sock_wait(struct stitch *s, struct flight *f, const struct pl_event *ev)
{
	f->sk = ev->vlan;
	if (!is_tcp(ev)) {
		f->sock_end = ev->len;
		if (!s->recv_covered) {
			f->others_ahead = sock_slot(s, f->sk)->others;
			sock_slot(s, f->sk)->others = 0;
			sock_list_add(s, f, KEY_SOCK(f->sk));
		}
		return;
	}
	tcp_expect(s, f, ev);
	/* another packet's skb may have its bytes now */
	flight_unhash(s, f);
}

/* A datagram, or several, that will be read and are not known */
static void tail_unseen(struct sock_slot *slot, const struct pl_event *ev)
{
	if (is_other(ev)) {
		slot->others++;
		return;
	}
	/* of a packet: itself; before the number was told: one */
	slot->missing += ev->obj || !ev->len ? 1 : ev->len;
	slot->doubt = true;
}

void on_sock_queue(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct flight_ref origin = {};
	struct pl_event first = *ev;
	struct flight *f;
	bool several, early = ready_came_first(s, ev);

	if (!flight_by_skb(s, ev->obj)) {
		f = flight_by_head(s, ev, &several);
		if (f)
			origin = flight_ref(f);
	}
	f = is_tail(ev) ? tail_find(s, ev, hop) : packet_of(s, ev, hop, false);
	if (!f) {
		if (is_tail(ev) && !is_tcp(ev))
			tail_unseen(sock_slot(s, ev->vlan), ev);
		unused(s);
		return;
	}
	if (early)
		first.ts = s->c->ready.s.ts;
	packet_met(s, f, &first, hop);
	origin_delivered(f, &origin);
	sock_wait(s, f, ev);
	s->c->queued = flight_ref(f);
	if (early)
		flight_readied(s, f, &s->c->ready.s);
}

/* --- the reader is woken --- */

void on_sock_ready(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct flight *f = flight_deref(s->c->queued);
	struct sighting sight = sighting_of(s, ev, hop);

	s->c->queued = s->c->readied = (struct flight_ref){};
	s->c->ready.on = false;
	s->c->ready_alone = ev->len == 1;
	/* the callback comes after the packet was queued, in the same call */
	if (f && f->sk == ev->vlan && f->last_tid == ev->tid && f->last_cpu == ev->cpu &&
	    f->s[f->n - 1].hop == PL_HOP_sock_queue && !gap_since(s, ev->cpu, f->last_ts)) {
		flight_readied(s, f, &sight);
		return;
	}
	s->c->ready = (struct maybe){ true, sight };
	s->c->ready_sk = ev->vlan;
	s->c->ready_seq = s->c->seq;
}

/* The oldest unread datagram of a socket; *more: it is not the only one */
static struct flight *first_unread(struct stitch *s, __u32 nr, bool *more)
{
	struct list *head = sock_list(s, KEY_SOCK(nr)), *l;
	struct flight *f = NULL;

	*more = false;
	for (l = head->next; l != head && !*more; l = l->next) {
		if (sock_flight(l)->sock_key != KEY_SOCK(nr))
			continue;
		*more = f != NULL;
		f = f ? f : sock_flight(l);
	}
	return f;
}

/* Nothing is left that was not seen */
static void sock_slot_sure(struct sock_slot *slot)
{
	slot->doubt = slot->held = false;
	slot->missing = 0;
}

/*
 * f is all that waits in the socket, and its only reader slept: whatever came before f has been read,
 * seen or not. Datagrams that come at the same time on several CPUs may have been counted twice, or
 * for each other (tail_queue() in bpf/sock.bpf.c): from here on it is known again.
 */
static void sock_was_empty(struct stitch *s, struct sock_slot *slot, struct flight *f)
{
	struct flight *old;
	bool more;

	while ((old = first_unread(s, f->sk, &more)) && old != f && !s->err) {
		list_del(&old->sock);
		flight_end_broken(s, old);
	}
	sock_slot_sure(slot);
	slot->others = f->others_ahead = 0;
}

/* The event's task is the reader. The wake-up is a call inside the callback */
void on_app_wake(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct flight *f = flight_deref(s->c->readied);
	struct sock_slot *slot;
	struct sighting sight;

	s->c->readied = (struct flight_ref){};
	if (!f || f->sk != ev->vlan || s->c->ready_seq + 1 != s->c->seq ||
	    f->s[f->n - 1].hop != PL_HOP_sock_ready) {
		unused(s);
		return;
	}
	sight = sighting_of(s, ev, hop);
	flight_add(s, f, &sight);
	if (s->recv_covered)
		return;
	slot = sock_slot(s, ev->vlan);
	sock_reader(slot, ev->tid);
	if (s->c->ready_alone && !slot->shared && f->proto != IPPROTO_TCP)
		sock_was_empty(s, slot, f);
}

/* --- read --- */

/*
 * The reader's last time on a CPU, if the packet was there before: it has waited for that. One that
 * came too early for TCP may have waited for another packet then.
 */
static void reader_prepend(struct stitch *s, struct flight *f, const struct task_ctx *t)
{
	if (f->last_pkt == PL_HOP_sock_queue)
		flight_add_if_later(s, f, &t->app_run);
}

/* A datagram: all that one read gives, so that the return from the read before was not seen */
static void reader_took(struct stitch *s, struct task_ctx *t, struct flight *f)
{
	list_del(&f->wait);
	list_end(s, &t->took);
	list_add_tail(&f->wait, &t->took);
}

/* TCP put it into the queue. Else it came too early, or has not been looked at, or is old */
static bool tcp_queued(const struct flight *f)
{
	return f->last_pkt == PL_HOP_sock_queue;
}

/* Is f's last byte among g's? */
static bool tcp_covers(const struct flight *g, const struct flight *f)
{
	return seq_before(g->sock_seq, f->sock_end) && !seq_before(g->sock_end, f->sock_end);
}

/*
 * May its last byte have been given to the socket by another packet? A segment that is sent again waits for the
 * reader that holds the socket, and is dropped when that has read on: not what the reader reads. Of
 * two that came too early the second is dropped.
 */
static bool tcp_again(const struct list *head, const struct list *got, const struct flight *f)
{
	const struct list *l;
	const struct flight *g;
	bool older = true;

	for (l = got->next; l != got; l = l->next)
		if (tcp_covers(flight_of((struct list *)l), f))
			return true;
	for (l = head->next; l != head; l = l->next) {
		g = sock_flight((struct list *)l);
		older &= g != f;
		if (g != f && g->sock_key == f->sock_key && (older || tcp_queued(g)) && tcp_covers(g, f))
			return true;
	}
	return false;
}

enum tcp_fate { TCP_WAITS,
		TCP_READ,
		TCP_MISSED };

/* What is a packet's part in a copy of these bytes? */
static enum tcp_fate tcp_fate(const struct stitch *s, const struct list *head,
			      const struct list *got, const struct flight *f, __u32 from, __u32 to)
{
	if (seq_before(to, f->sock_end))
		return TCP_WAITS;
	if (gap_since(s, f->last_cpu, f->last_ts))
		return TCP_MISSED;
	/* read up to before this copy, without being seen: or old, and to be dropped */
	if (!seq_before(from, f->sock_end))
		return tcp_queued(f) || f->last_ts + TCP_OLD_NS < s->now ? TCP_MISSED : TCP_WAITS;
	return !tcp_queued(f) && tcp_again(head, got, f) ? TCP_WAITS : TCP_READ;
}

/* A TCP socket's bytes are copied, from seq on: what ends among them has been read */
static void tcp_copied(struct stitch *s, const struct pl_event *ev)
{
	__u32 from = PL_TCP_SEQ(ev), to = from + ev->pay;
	struct list *head = sock_list(s, key_flow(ev)), *l, *next;
	struct task_ctx *t = task_of(s, ev);
	struct sighting sight = sighting_of(s, ev, PL_HOP_sock_copy);
	enum tcp_fate fate;
	struct list got;
	bool any = false;

	list_init(&got);
	for (l = head->next; t && l != head && !s->err; l = next) {
		struct flight *f = sock_flight(l);

		next = l->next;
		fate = f->sock_key == key_flow(ev) ? tcp_fate(s, head, &got, f, from, to) : TCP_WAITS;
		if (fate == TCP_WAITS)
			continue;
		list_del(&f->sock);
		flight_unhash(s, f);
		if (fate == TCP_MISSED) {
			flight_end_broken(s, f);
			/* what rode on it has ended too: the next one may be among that */
			next = head->next;
			continue;
		}
		reader_prepend(s, f, t);
		sight.dev = f->last_dev;
		f->sk = ev->vlan;
		flight_add(s, f, &sight);
		list_add_tail(&f->wait, &got);
		any = true;
	}
	if (t && !s->return_covered)
		list_end(s, &t->took);
	if (t)
		list_move_all(&got, &t->took);
	if (!any)
		unused(s);
}

/* One that has an skb: raw sockets, ping sockets, datagrams in page fragments */
static bool datagram_copied(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct flight *f = flight_by_skb(s, ev->obj);
	struct task_ctx *t;

	if (!f || f->last_pkt != PL_HOP_sock_queue)
		return f && f->last_pkt == PL_HOP_sock_copy;
	f = packet_find(s, ev, hop);
	t = f ? task_of(s, ev) : NULL;
	if (!t)
		return false;
	reader_prepend(s, f, t);
	packet_met(s, f, ev, hop);
	list_del(&f->sock);
	reader_took(s, t, f);
	return true;
}

bool sock_copied(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	if (!(ev->flags & PL_F_SOCK))
		return datagram_copied(s, ev, hop);
	tcp_copied(s, ev);
	return true;
}

void on_sock_recv(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct flight *f = packet_find(s, ev, hop);
	struct task_ctx *t = f ? task_of(s, ev) : NULL;

	s->recv_covered = true;
	if (!t) {
		unused(s);
		return;
	}
	reader_prepend(s, f, t);
	packet_met(s, f, ev, hop);
	f->sk = ev->vlan;
	list_del(&f->sock);
	flight_unhash(s, f);
	reader_took(s, t, f);
}

bool sock_freed(struct stitch *s, struct flight *f)
{
	/* its reader has it */
	if (f->last_pkt == PL_HOP_sock_copy || f->last_pkt == PL_HOP_sock_recv) {
		flight_unhash(s, f);
		return true;
	}
	return sock_discard(s, f);
}

bool sock_discard(struct stitch *s, struct flight *f)
{
	if (!f->delivered || !flight_in_stack(f))
		return false;
	flight_discard(s, f);
	return true;
}

/*
 * Without hooks of the read: the socket's oldest datagram. Certain as long as each datagram of the
 * socket was seen, and one task reads; of several, another may hold the oldest one and return
 * later. Else it is marked.
 */
static struct flight *oldest_unread(struct stitch *s, const struct pl_event *ev)
{
	struct sock_slot *slot = sock_slot(s, ev->vlan);
	struct flight *f;
	bool more;

	sock_reader(slot, ev->tid);
	f = first_unread(s, ev->vlan, &more);
	if (!f) {
		if (slot->others)
			slot->others--;
		else if (slot->missing > 1)
			slot->missing--;
		else
			sock_slot_sure(slot);
		return NULL;
	}
	if (f->others_ahead) {
		f->others_ahead--;
		return NULL;
	}
	slot->held |= slot->shared && more;
	list_del(&f->sock);
	/* another length: not this one. A short buffer cuts it off */
	if (ev->len > f->sock_end || gap_since(s, f->last_cpu, f->last_ts)) {
		slot->doubt = true;
		flight_end_broken(s, f);
		return NULL;
	}
	f->ambiguous |= slot->doubt || slot->held;
	/* nobody holds another one */
	slot->held &= more;
	return f;
}

void on_app_recv(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct task_ctx *t = task_of(s, ev);
	struct sighting sight = sighting_of(s, ev, hop);
	struct flight *f;

	if (!t)
		return;
	s->return_covered = true;
	if (!s->recv_covered && list_empty(&t->took)) {
		f = oldest_unread(s, ev);
		if (f) {
			reader_prepend(s, f, t);
			reader_took(s, t, f);
		}
	}
	if (list_empty(&t->took)) {
		unused(s);
		return;
	}
	while (!s->err && !list_empty(&t->took)) {
		f = flight_of(t->took.next);
		if (f->sk == ev->vlan) {
			sight.dev = f->last_dev;
			flight_add(s, f, &sight);
		}
		flight_end(s, f, PACKET_COMPLETE);
	}
}
