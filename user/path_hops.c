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
		.in = { PL_HOP_nic_irq, PL_HOP_nic_raise, PL_HOP_nic_softirq, PL_HOP_nic_poll, PL_HOP_nic_gro, PL_HOP_nic_grofrags, PL_HOP_nic_skb },
		.out = { PL_HOP_dev_queue, PL_HOP_qdisc_enq, PL_HOP_qdisc_deq, PL_HOP_nic_xmit, PL_HOP_nic_txdone },
	},
	[PATH_TAP] = {
		.in = { PL_HOP_tap_get, PL_HOP_tap_skb, PL_HOP_nic_skb },
		.out = { PL_HOP_dev_queue, PL_HOP_qdisc_enq, PL_HOP_qdisc_deq, PL_HOP_tap_xmit },
	},
	[PATH_MACVTAP] = {
		.in = { PL_HOP_dev_queue, PL_HOP_qdisc_enq, PL_HOP_qdisc_deq, PL_HOP_dev_xmit },
	},
	[PATH_BRIDGE] = {
		.in = { PL_HOP_br_in, PL_HOP_br_forward, PL_HOP_br_push },
		.out = { PL_HOP_br_in, PL_HOP_br_forward, PL_HOP_br_push },
	},
	[PATH_VETH] = {
		.in = { PL_HOP_dev_rxback, PL_HOP_nic_skb },
		.out = { PL_HOP_dev_queue, PL_HOP_qdisc_enq, PL_HOP_qdisc_deq, PL_HOP_dev_xmit },
	},
	[PATH_STACK] = {
		.in = { PL_HOP_ip_rcv, PL_HOP_ip_deliver, PL_HOP_sock_queue, PL_HOP_sock_ready, PL_HOP_app_wake, PL_HOP_app_run, PL_HOP_sock_copy, PL_HOP_sock_recv, PL_HOP_app_recv },
		.out = { PL_HOP_app_send, PL_HOP_ip_out },
	},
	[PATH_VIRTUAL] = {
		.out = { PL_HOP_dev_queue, PL_HOP_qdisc_enq, PL_HOP_qdisc_deq, PL_HOP_dev_xmit },
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

/* A device without a queue has no enqueue; a backend in the kernel leaves the VMM out */
static bool hop_applies(const struct path_elem *e, enum pl_hop hop)
{
	if (hop == PL_HOP_qdisc_enq || hop == PL_HOP_qdisc_deq)
		return e->dev && e->dev->nqdiscs && strcmp(e->dev->qdiscs[0].kind, "noqueue");
	if (e->what != PATH_VMM)
		return true;
	for (const struct path_elem *n = e->parent; n; n = n->parent)
		if (n->what == PATH_VHOST)
			return false;
	for (size_t i = 0; i < e->nnext; i++)
		if (e->next[i]->what == PATH_VHOST)
			return false;
	return e->proc->vmm || hop != PL_HOP_vmm_signal;
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

void path_hops_add(struct path *p, struct path_elem *e)
{
	const enum pl_hop *forward = e->up ? table[e->what].in : table[e->what].out;
	const enum pl_hop *back = e->up ? table[e->what].out : table[e->what].in;

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
