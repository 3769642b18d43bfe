// SPDX-License-Identifier: GPL-2.0
/* Which hops of the catalogue an element has, and which hook covers each on this kernel */
#include "path_int.h"

#include <string.h>

#include "hooks.h"
#include "hop_select.h"

#define HOPS_MAX 10

/* in: what it receives; out: what it sends. Of tasks: out is towards the guest */
static const struct {
	enum pl_hop in[HOPS_MAX], out[HOPS_MAX];
} table[PATH_NR_WHATS] = {
	[PATH_NIC] = {
		.in = { PL_HOP_nic_irq, PL_HOP_nic_raise, PL_HOP_nic_softirq, PL_HOP_nic_poll, PL_HOP_nic_gro, PL_HOP_nic_grofrags, PL_HOP_nic_gromerge, PL_HOP_nic_merged, PL_HOP_nic_skb },
		.out = { PL_HOP_dev_queue, PL_HOP_qdisc_enq, PL_HOP_qdisc_deq, PL_HOP_nic_xmit, PL_HOP_nic_txdone },
	},
	[PATH_TAP] = {
		.in = { PL_HOP_tap_get, PL_HOP_tap_skb, PL_HOP_nic_skb },
		.out = { PL_HOP_dev_queue, PL_HOP_qdisc_enq, PL_HOP_qdisc_deq, PL_HOP_tap_xmit },
	},
	[PATH_MACVTAP] = {
		.in = { PL_HOP_dev_queue, PL_HOP_qdisc_enq, PL_HOP_qdisc_deq, PL_HOP_dev_xmit },
	},
	[PATH_VETH] = {
		.in = { PL_HOP_dev_rxback, PL_HOP_nic_poll, PL_HOP_nic_gro, PL_HOP_nic_gromerge, PL_HOP_nic_merged, PL_HOP_nic_skb },
		.out = { PL_HOP_dev_queue, PL_HOP_qdisc_enq, PL_HOP_qdisc_deq, PL_HOP_dev_xmit },
	},
	[PATH_VIRTUAL] = {
		.in = { PL_HOP_nic_gro, PL_HOP_nic_gromerge, PL_HOP_nic_merged, PL_HOP_nic_skb },
		.out = { PL_HOP_dev_queue, PL_HOP_qdisc_enq, PL_HOP_qdisc_deq, PL_HOP_dev_xmit },
	},
	[PATH_STACK] = {
		.in = { PL_HOP_ip_rcv, PL_HOP_ip_deliver, PL_HOP_sock_queue, PL_HOP_sock_ready, PL_HOP_app_wake, PL_HOP_app_run, PL_HOP_sock_copy, PL_HOP_sock_recv, PL_HOP_app_recv },
		.out = { PL_HOP_app_send, PL_HOP_ip_out },
	},
	[PATH_VHOST] = {
		.in = { PL_HOP_vhost_wake, PL_HOP_vhost_run, PL_HOP_vhost_tx, PL_HOP_vhost_fetch, PL_HOP_tap_send },
		.out = { PL_HOP_vhost_wake, PL_HOP_vhost_run, PL_HOP_vhost_rx, PL_HOP_vhost_copy, PL_HOP_vhost_copied, PL_HOP_vhost_used, PL_HOP_vhost_signal },
	},
	[PATH_VMM] = {
		.out = { PL_HOP_tap_read, PL_HOP_tap_copied, PL_HOP_vmm_signal },
	},
	[PATH_VCPU] = {
		.in = { PL_HOP_kvm_exit, PL_HOP_kvm_ioeventfd },
		.out = { PL_HOP_kvm_irqfd, PL_HOP_kvm_msi, PL_HOP_kvm_inject, PL_HOP_kvm_kick, PL_HOP_kvm_run, PL_HOP_kvm_inj, PL_HOP_kvm_entry },
	},
};

static bool offload_on(const struct host_dev *d, enum host_offload offload)
{
	return d->offload & 1U << offload;
}

/*
 * Does a veth poll, and merge, what its peer sends? It has a NAPI with GRO on or a native XDP program
 * (veth_open(), 5.13 and newer), and passes what comes by the CPU's backlog all the same while its peer
 * sends TSO (veth_skb_is_eligible_for_gro()).
 */
static bool veth_polls(const struct host_dev *d)
{
	bool napi = offload_on(d, HOST_GRO);

	for (size_t i = 0; i < d->nprogs; i++)
		napi |= d->progs[i].hook == HOST_XDP_NATIVE;
	return napi && d->peer && d->peer->offloads_known && !offload_on(d->peer, HOST_TSO);
}

/* Receiving below the stack: by a poll of its own, with GRO, by the backlog, or under another's name */
static bool rx_applies(const struct path_elem *e, enum pl_hop hop)
{
	const struct host_dev *d = e->dev;
	bool polls = e->what == PATH_NIC || (e->what == PATH_VETH && veth_polls(d)) ||
		     (e->what == PATH_VIRTUAL && d->kind == HOST_VXLAN); /* gro_cells_receive() */

	switch (hop) {
	case PL_HOP_dev_rxback:
		return !polls;
	case PL_HOP_nic_poll:
	case PL_HOP_nic_gro:
		return polls;
	case PL_HOP_nic_gromerge:
	case PL_HOP_nic_merged:
		return polls && (!d->offloads_known || offload_on(d, HOST_GRO));
	case PL_HOP_nic_skb:
		/* VLANs, macvlans, bonds only rename what a device below has received */
		return e->what != PATH_VIRTUAL || polls;
	default:
		return true;
	}
}

/* A backend in the kernel leaves the VMM out */
static bool vmm_applies(const struct path_elem *e, enum pl_hop hop)
{
	for (const struct path_elem *n = e->parent; n; n = n->parent)
		if (n->what == PATH_VHOST)
			return false;
	for (size_t i = 0; i < e->nnext; i++)
		if (e->next[i]->what == PATH_VHOST)
			return false;
	return e->proc->vmm || hop != PL_HOP_vmm_signal;
}

static bool hop_applies(const struct path_elem *e, enum pl_hop hop)
{
	if (hop == PL_HOP_qdisc_enq || hop == PL_HOP_qdisc_deq)
		return e->dev && e->dev->nqdiscs && strcmp(e->dev->qdiscs[0].kind, "noqueue");
	if (e->what == PATH_VMM)
		return vmm_applies(e, hop);
	return !e->dev || rx_applies(e, hop);
}

static void hop_put(struct path *p, struct path_elem *e, enum pl_hop hop, bool forward)
{
	struct path_hop *h = NULL;

	if (!hop_applies(e, hop))
		return;
	for (size_t i = 0; i < e->nhops && !h; i++)
		if (e->hops[i].hop == hop)
			h = &e->hops[i];
	if (!h) {
		h = path_add(p, e->hops, e->nhops);
		if (!h)
			return;
		*h = (struct path_hop){ .hop = hop };
	}
	h->forward |= forward;
	h->back |= !forward;
}

/* The begin and the end of ways that the host's own sockets have; between two devices it routes */
static void stack_hops(struct path *p, struct path_elem *e)
{
	static const enum pl_hop routed[] = { PL_HOP_ip_rcv, PL_HOP_ip_out };

	for (size_t i = 0; i < ARRAY_SIZE(routed); i++) {
		hop_put(p, e, routed[i], true);
		hop_put(p, e, routed[i], false);
	}
}

/* Is next to the bridge what it has on top (its own stack, a VLAN on it), not a port? */
static bool is_above(const struct path_elem *bridge, const struct path_elem *next)
{
	return next->what == PATH_STACK || (next->dev && next->dev->master != bridge->dev);
}

/* A bridge is three things: between ports, from a port to the host itself, and back */
static void bridge_hops(struct path *p, struct path_elem *e)
{
	static const struct {
		enum pl_hop hop;
		bool from_port, from_above, to_port, to_above; /* one of from and one of to must hold */
	} rows[] = {
		{ PL_HOP_br_in, true, false, true, true },
		{ PL_HOP_dev_rx, true, false, false, true },
		{ PL_HOP_nic_skb, true, false, false, true },
		{ PL_HOP_dev_queue, false, true, true, false },
		{ PL_HOP_dev_xmit, false, true, true, false },
		{ PL_HOP_br_forward, true, true, true, false },
		{ PL_HOP_br_push, true, true, true, false },
	};
	bool above = e->parent && is_above(e, e->parent), port = e->parent && !above;
	bool to_above = false, to_port = false;

	for (size_t i = 0; i < e->nnext; i++)
		*(is_above(e, e->next[i]) ? &to_above : &to_port) = true;
	if (!e->parent) { /* all of what it leads to is begin and end */
		above = to_above;
		port = to_port;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool from = (port && rows[i].from_port) || (above && rows[i].from_above);
		bool back = (to_port && rows[i].from_port) || (to_above && rows[i].from_above);

		if (from && ((to_port && rows[i].to_port) || (to_above && rows[i].to_above)))
			hop_put(p, e, rows[i].hop, true);
		if (back && ((port && rows[i].to_port) || (above && rows[i].to_above)))
			hop_put(p, e, rows[i].hop, false);
	}
}

void path_hops_add(struct path *p, struct path_elem *e)
{
	const enum pl_hop *forward = e->up ? table[e->what].in : table[e->what].out;
	const enum pl_hop *back = e->up ? table[e->what].out : table[e->what].in;

	if (e->what == PATH_BRIDGE) {
		bridge_hops(p, e);
		return;
	}
	if (e->what == PATH_STACK && e->parent && e->nnext) {
		stack_hops(p, e);
		return;
	}
	for (size_t i = 0; i < HOPS_MAX && forward[i]; i++)
		hop_put(p, e, forward[i], true);
	for (size_t i = 0; i < HOPS_MAX && back[i]; i++)
		hop_put(p, e, back[i], false);
}

static const char *text_of(struct path *p, const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? arena_printf(&p->mem, "%s", s) : "";
}

void path_cover_set(struct path *p, const json_t *hops)
{
	const json_t *doc, *tried;
	size_t i;

	json_array_foreach(hops, i, doc) {
		const char *name = json_string_value(json_object_get(doc, "hop"));
		enum pl_hop hop = name ? hop_by_name(name) : PL_HOP_none;
		struct path_cover *c = &p->cover[hop];

		if (!hop)
			continue;
		tried = json_object_get(doc, "tried");
		*c = (struct path_cover){
			.state = text_of(p, doc, "state"),
			.kind = text_of(p, doc, "kind"),
			.target = text_of(p, doc, "target"),
			.hook = text_of(p, doc, "hook"),
			.why = "",
		};
		/* the first alternative is the preferred one: its reason is what there is to mend */
		if (!*c->hook && json_array_size(tried))
			c->why = text_of(p, json_array_get(tried, 0), "error");
	}
	p->tried = true;
}

void path_cover_try(struct path *p)
{
	struct hooks_config cfg = { .ring_bytes = 4096, .nirqs = 1 };
	bool asked[PL_NR_HOPS];
	struct hooks *h = NULL;
	char why[256], bad[64];
	json_t *doc = NULL;
	int err;

	hops_select(NULL, cfg.want, asked, bad);
	err = hooks_load(&cfg, &h, why, sizeof(why));
	if (!err)
		err = hooks_attach(h, why, sizeof(why));
	if (h) {
		hooks_detach(h);
		doc = hooks_doc(h);
	}
	if (doc)
		path_cover_set(p, doc);
	else
		p->cover_why = arena_printf(&p->mem, "%s", err ? why : "no memory");
	json_decref(doc);
	hooks_free(h);
}
