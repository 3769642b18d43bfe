// SPDX-License-Identifier: GPL-2.0
/*
 * Applications of this host, sending: which write to a socket a packet comes from. TCP: by the
 * range of its bytes, whoever sends it at last (the task that writes, or a softirq when an ACK
 * opens the window); UDP: sent inside the write, in its task.
 */
#include <netinet/in.h>
#include <string.h>

#include "stitch_int.h"

static struct writes *writes_of(struct stitch *s, const struct pl_event *ev)
{
	struct writes *w = &s->writes[slot_of((__u64)ev->netns << 32 | ev->arg, SOCKS)];

	if (w->flow != ev->arg || w->netns != ev->netns)
		*w = (struct writes){ .flow = ev->arg, .netns = ev->netns };
	return w;
}

static void tcp_write(struct stitch *s, const struct pl_event *ev, const struct sighting *sight)
{
	struct writes *w = writes_of(s, ev);

	w->w[w->next++ % WRITES] = (struct write){ { true, *sight }, ev->pay, ev->len };
}

/* udpv6_sendmsg() calls udp_sendmsg() for a destination of IPv4: the same write */
static bool same_write(const struct task_ctx *t, const struct pl_event *ev)
{
	return t->wrote.on && t->wrote_sk == ev->vlan &&
	       (ev->hook == PL_HOOK_udp_send_fe || ev->hook == PL_HOOK_udp_send_kp) &&
	       (t->wrote.s.hook == PL_HOOK_udp6_send_fe || t->wrote.s.hook == PL_HOOK_udp6_send_kp);
}

void on_app_send(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct sighting sight = sighting_of(s, ev, hop);
	struct task_ctx *t = task_of(s, ev);

	if (!t)
		return;
	if (ev->proto == IPPROTO_TCP) {
		tcp_write(s, ev, &sight);
		return;
	}
	if (same_write(t, ev))
		return;
	t->wrote = (struct maybe){ true, sight };
	t->wrote_sk = ev->vlan;
	t->wrote_flow = ev->arg;
}

/* The write that gave this byte to the socket; NULL: not seen, or sent before */
static const struct maybe *tcp_write_of(struct stitch *s, const struct pl_event *ev)
{
	__u32 seq = PL_TCP_SEQ(ev), end = seq + ev->pay;
	struct writes *w = writes_of(s, ev);
	const struct maybe *found = NULL;
	bool again = w->sent_on && (__s32)(seq - w->sent) < 0;
	int i;

	if (!w->sent_on || (__s32)(end - w->sent) > 0)
		w->sent = end;
	w->sent_on = true;
	for (i = 0; i < WRITES && !again; i++)
		if (w->w[i].m.on && seq - w->w[i].seq < w->w[i].len)
			found = &w->w[i].m;
	return found;
}

static const struct maybe *udp_write_of(struct stitch *s, const struct pl_event *ev)
{
	struct task_ctx *t = task_of(s, ev);
	bool same;

	if (!t || !t->wrote.on)
		return NULL;
	/* without ip:out the socket is not known */
	if (ev->flags & PL_F_SOCK)
		same = t->wrote_sk == ev->vlan;
	else
		same = t->wrote_flow && t->wrote_flow == ev->arg;
	if (!same)
		return NULL;
	/* the next fragment is of the same write */
	if (!(ev->flags & PL_F_FRAG))
		t->wrote.on = false;
	return &t->wrote;
}

static void app_birth(struct stitch *s, struct flight *f, const struct pl_event *ev)
{
	const struct maybe *w = NULL;
	struct maybe m;

	if (ev->proto == IPPROTO_TCP && !(ev->flags & PL_F_FRAG) && ev->pay)
		w = tcp_write_of(s, ev);
	else if (ev->proto == IPPROTO_UDP)
		w = udp_write_of(s, ev);
	if (!w)
		return;
	/* used up by now, when it was UDP's */
	m = (struct maybe){ true, w->s };
	flight_add_if_later(s, f, &m);
}

/* Out of this host's own sockets: a packet is born where it is seen first, ip:out or dev:queue */
void on_out(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	struct flight *f = packet_of(s, ev, hop, ev->flags & (PL_F_LOCAL | PL_F_ENTRY));

	if (!f)
		return;
	if ((ev->flags & PL_F_LOCAL) && (ev->flags & PL_F_KEY) && !f->n)
		app_birth(s, f, ev);
	packet_met(s, f, ev, hop);
	if (hop == PL_HOP_dev_queue) {
		s->c->sending = flight_ref(f);
		s->c->sending_skb = ev->obj;
		s->c->sending_tid = ev->tid;
	}
}
