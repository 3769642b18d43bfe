// SPDX-License-Identifier: GPL-2.0
#include "stitch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stitch_int.h"

#define IN_FLIGHT_MIN 64

/* What to do with an event, by base hop */
static const stitch_fn handlers[PL_NR_HOPS] = {
	[PL_HOP_nic_irq] = on_nic_irq,
	[PL_HOP_nic_raise] = on_nic_raise,
	[PL_HOP_nic_softirq] = on_nic_softirq,
	[PL_HOP_nic_poll] = on_nic_poll,
	[PL_HOP_nic_polled] = on_nic_polled,
	[PL_HOP_nic_gro] = on_nic_gro,
	[PL_HOP_nic_grofrags] = on_nic_gro,
	[PL_HOP_nic_gromerge] = on_nic_gromerge,
	[PL_HOP_nic_merged] = on_nic_merged,
	[PL_HOP_dev_rxback] = on_packet,
	[PL_HOP_dev_rx] = on_dev_rx,
	[PL_HOP_nic_skb] = on_nic_skb,
	[PL_HOP_br_in] = on_packet,
	[PL_HOP_br_forward] = on_packet,
	[PL_HOP_br_push] = on_packet,
	[PL_HOP_ip_rcv] = on_packet,
	[PL_HOP_ip_deliver] = on_ip_deliver,
	[PL_HOP_sock_queue] = on_sock_queue,
	[PL_HOP_sock_ready] = on_sock_ready,
	[PL_HOP_app_wake] = on_app_wake,
	[PL_HOP_sock_recv] = on_sock_recv,
	[PL_HOP_app_recv] = on_app_recv,
	[PL_HOP_app_send] = on_app_send,
	[PL_HOP_ip_out] = on_out,
	[PL_HOP_dev_queue] = on_out,
	[PL_HOP_qdisc_enq] = on_qdisc_enq,
	[PL_HOP_qdisc_deq] = on_packet,
	[PL_HOP_dev_xmit] = on_dev_xmit,
	[PL_HOP_skb_copy] = on_skb_copy,
	[PL_HOP_skb_free] = on_skb_free,
	[PL_HOP_drop] = on_drop,
	[PL_HOP_vhost_wake] = on_vhost_wake,
	[PL_HOP_sched_run] = on_sched_run,
	[PL_HOP_vhost_rx] = on_vhost_rx,
	[PL_HOP_vhost_used] = on_vhost_used,
	[PL_HOP_vhost_signal] = on_vhost_signal,
	[PL_HOP_vmm_signal] = on_vmm_signal,
	[PL_HOP_kvm_irqfd] = on_kvm_irqfd,
	[PL_HOP_kvm_msi] = on_kvm_msi,
	[PL_HOP_kvm_inject] = on_kvm_inject,
	[PL_HOP_kvm_kick] = on_kvm_kick,
	[PL_HOP_kvm_inj] = on_kvm_inj,
	[PL_HOP_kvm_entry] = on_kvm_entry,
	[PL_HOP_kvm_exit] = on_kvm_exit,
	[PL_HOP_kvm_ioeventfd] = on_kvm_ioeventfd,
	[PL_HOP_vhost_tx] = on_vhost_tx,
	[PL_HOP_vhost_fetch] = on_vhost_fetch,
	[PL_HOP_tap_send] = on_tap_send,
	[PL_HOP_tap_get] = on_tap_get,
};

#define PL_X(id, hop, kind, target, module) [PL_HOOK_##id] = PL_HOP_##hop,
static const __u8 hop_of_hook[PL_NR_HOOKS] = { PL_HOOKS(PL_X) };
#undef PL_X

const char *packet_end_name(enum packet_end end)
{
	static const char *const names[PACKET_NR_ENDS] = {
		[PACKET_COMPLETE] = "complete",
		[PACKET_DROPPED] = "dropped",
		[PACKET_MERGED] = "merged",
		[PACKET_SPLIT] = "split",
		[PACKET_INCOMPLETE] = "incomplete",
		[PACKET_AMBIGUOUS] = "ambiguous",
	};

	return end < PACKET_NR_ENDS ? names[end] : "?";
}

int stitch_new(const struct stitch_config *cfg, struct stitch **out)
{
	struct stitch *s = calloc(1, sizeof(*s));
	int i;

	if (!s)
		return -ENOMEM;
	s->cfg = *cfg;
	if (!s->cfg.timeout_ns)
		s->cfg.timeout_ns = 30000000000ULL;
	if (!s->cfg.max_in_flight)
		s->cfg.max_in_flight = 262144;
	/* a flight that is at work must not be the oldest one */
	if (s->cfg.max_in_flight < IN_FLIGHT_MIN)
		s->cfg.max_in_flight = IN_FLIGHT_MIN;
	list_init(&s->lru);
	s->by_skb = calloc(BUCKETS, sizeof(*s->by_skb));
	s->by_head = calloc(BUCKETS, sizeof(*s->by_head));
	s->by_flow = calloc(FLOW_BUCKETS, sizeof(*s->by_flow));
	s->kicks = calloc(KICKS, sizeof(*s->kicks));
	s->irq_map = calloc(IRQ_MAP, sizeof(*s->irq_map));
	s->calls = calloc(CALLS, sizeof(*s->calls));
	s->owners = calloc(CALLS, sizeof(*s->owners));
	s->socks = calloc(SOCKS, sizeof(*s->socks));
	s->sock_slots = calloc(SOCKS, sizeof(*s->sock_slots));
	s->writes = calloc(SOCKS, sizeof(*s->writes));
	if (!s->by_skb || !s->by_head || !s->by_flow || !s->kicks || !s->irq_map || !s->calls ||
	    !s->owners || !s->socks || !s->sock_slots || !s->writes) {
		stitch_free(s);
		return -ENOMEM;
	}
	for (i = 0; i < SOCKS; i++)
		list_init(&s->socks[i]);
	*out = s;
	return 0;
}

/* Same events twice (a block that was read twice), and events that merge delivered late */
static bool order_check(struct stitch *s, struct cpu_ctx *c, const struct pl_event *ev)
{
	if (ev->ts == c->last.ts && !memcmp(ev, &c->last, sizeof(*ev)))
		return false;
	if (ev->ts < c->last.ts)
		cpu_reset(s, c);
	else
		c->last = *ev;
	c->seq++;
	/* an event that comes late must not turn time back for the others */
	if (ev->ts > s->now)
		s->now = ev->ts;
	if (ev->flags & PL_F_GAP) {
		cpu_reset(s, c);
		s->gaps = true;
		s->gap_ts = c->gap_ts = s->now;
	}
	return true;
}

int stitch_event(struct stitch *s, const struct pl_event *ev)
{
	enum pl_hop hop = PL_HOP_none;

	if (s->err)
		return s->err;
	s->stats.events++;
	s->c = cpu_ctx(s, ev->cpu);
	if (!s->c)
		return s->err;
	if (ev->hook < PL_NR_HOOKS)
		hop = hop_of_hook[ev->hook];
	if (!order_check(s, s->c, ev) || !handlers[hop]) {
		unused(s);
		return s->err;
	}
	handlers[hop](s, ev, hop);
	flights_end_old(s);
	return s->err;
}

int stitch_finish(struct stitch *s)
{
	if (!s->err)
		tasks_give_up(s);
	while (!s->err && !list_empty(&s->lru))
		flight_end_here(s, list_entry(s->lru.next, struct flight, lru), false);
	return s->err;
}

void stitch_stats_add(struct stitch_stats *to, const struct stitch_stats *s)
{
	to->events += s->events;
	to->unused += s->unused;
	to->cloned += s->cloned;
	to->ridden += s->ridden;
	to->segments += s->segments;
	to->evicted += s->evicted;
	to->unsure_fetches += s->unsure_fetches;
	to->undecided += s->undecided;
	to->in_flight_max += s->in_flight_max;
	for (int end = 0; end < PACKET_NR_ENDS; end++)
		to->packets[end] += s->packets[end];
	for (int hop = 0; hop < PL_NR_HOPS; hop++) {
		to->by_hop[hop] += s->by_hop[hop];
		to->last_hop[hop] += s->last_hop[hop];
	}
}

const struct stitch_stats *stitch_stats(const struct stitch *s)
{
	return &s->stats;
}
