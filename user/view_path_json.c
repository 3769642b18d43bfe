// SPDX-License-Identifier: GPL-2.0
/*
 * Ways as JSON: the contract of path.schema.json. Every member is always there and keeps its
 * type; "" or 0 where there is nothing to say. Devices are named, never numbered.
 */
#include "view_path.h"

#include <linux/pkt_sched.h>
#include <sys/utsname.h>

#include "json_build.h"
#include "util.h"

static void put_dev(struct json_builder *b, json_t *o, const char *key, const struct host_dev *d)
{
	json_put_str(b, o, key, d ? d->label : "");
}

static json_t *progs_json(struct json_builder *b, const struct host_dev *d)
{
	json_t *a = json_array();

	for (size_t i = 0; i < d->nprogs; i++) {
		const struct host_prog *g = &d->progs[i];
		json_t *o = json_object();

		json_put_str(b, o, "hook", host_hook_name(g->hook));
		json_put_int(b, o, "id", g->id);
		json_put_str(b, o, "name", g->name);
		json_put_str(b, o, "filter", g->filter);
		json_put_int(b, o, "prio", g->prio);
		json_put_int(b, o, "handle", g->handle);
		json_put_bool(b, o, "direct_action", g->direct_action);
		put_dev(b, o, "redirect", g->to);
		json_append(b, a, o);
	}
	return a;
}

static json_t *handle_json(__u32 handle)
{
	if (handle == TC_H_ROOT)
		return json_string("root");
	return json_sprintf("%x:%x", TC_H_MAJ(handle) >> 16, TC_H_MIN(handle));
}

static json_t *qdiscs_json(struct json_builder *b, const struct host_dev *d)
{
	json_t *a = json_array();

	for (size_t i = 0; i < d->nqdiscs; i++) {
		const struct host_qdisc *q = &d->qdiscs[i];
		json_t *o = json_object();

		json_put_str(b, o, "kind", q->kind);
		json_put_str(b, o, "params", q->params);
		json_put(b, o, "handle", handle_json(q->handle));
		json_put(b, o, "parent", handle_json(q->parent));
		json_put(b, o, "parent_index", json_integer(q->up));
		json_put_int(b, o, "bytes", q->bytes);
		json_put_int(b, o, "packets", q->packets);
		json_put_int(b, o, "drops", q->drops);
		json_put_int(b, o, "requeues", q->requeues);
		json_put_int(b, o, "overlimits", q->overlimits);
		json_put_int(b, o, "backlog", q->backlog);
		json_put_int(b, o, "qlen", q->qlen);
		json_append(b, a, o);
	}
	return a;
}

static json_t *irqs_json(struct json_builder *b, const struct host_dev *d)
{
	json_t *a = json_array();

	for (size_t i = 0; i < d->nirqs; i++) {
		json_t *o = json_object();

		json_put_int(b, o, "irq", d->irqs[i].irq);
		json_put_str(b, o, "name", d->irqs[i].name);
		json_put_str(b, o, "affinity", d->irqs[i].affinity);
		json_put_str(b, o, "effective", d->irqs[i].effective);
		json_append(b, a, o);
	}
	return a;
}

static json_t *queues_json(struct json_builder *b, const struct host_dev *d)
{
	json_t *a = json_array();

	for (size_t i = 0; i < d->nqueues; i++) {
		json_t *o = json_object();

		json_put_str(b, o, "direction", d->queues[i].tx ? "tx" : "rx");
		json_put_int(b, o, "queue", d->queues[i].nr);
		json_put_str(b, o, "cpus", d->queues[i].cpus);
		json_append(b, a, o);
	}
	return a;
}

static json_t *vlans_json(struct json_builder *b, const struct host_dev *d)
{
	json_t *a = json_array();

	for (size_t i = 0; i < d->nvlans; i++) {
		json_t *o = json_object();

		json_put_int(b, o, "first", d->vlans[i].first);
		json_put_int(b, o, "last", d->vlans[i].last);
		json_put_bool(b, o, "pvid", d->vlans[i].pvid);
		json_put_bool(b, o, "untagged", d->vlans[i].untagged);
		json_append(b, a, o);
	}
	return a;
}

static json_t *offloads_json(struct json_builder *b, const struct host_dev *d)
{
	json_t *a = json_array();

	for (int i = 0; i < HOST_NR_OFFLOADS; i++)
		if (d->offload & 1U << i)
			json_append(b, a, json_string(host_offload_name(i)));
	return a;
}

static json_t *coalesce_json(struct json_builder *b, const struct host_coalesce *c)
{
	json_t *o = json_object();

	json_put_bool(b, o, "known", c->known);
	json_put_bool(b, o, "adaptive_rx", c->adaptive_rx);
	json_put_bool(b, o, "adaptive_tx", c->adaptive_tx);
	json_put_int(b, o, "rx_usecs", c->rx_usecs);
	json_put_int(b, o, "rx_frames", c->rx_frames);
	json_put_int(b, o, "tx_usecs", c->tx_usecs);
	json_put_int(b, o, "tx_frames", c->tx_frames);
	return o;
}

static json_t *bridge_json(struct json_builder *b, const struct host_dev *d)
{
	json_t *o = json_object();

	json_put_bool(b, o, "stp", d->bridge.stp);
	json_put_bool(b, o, "vlan_filtering", d->bridge.vlan_filtering);
	json_put_bool(b, o, "mcast_snooping", d->bridge.mcast_snooping);
	json_put_bool(b, o, "calls_iptables", d->bridge.nf_call);
	json_put_int(b, o, "ports", d->kind == HOST_BRIDGE || d->kind == HOST_OVS ? d->nports : 0);
	return o;
}

static json_t *port_json(struct json_builder *b, const struct host_dev *d)
{
	json_t *o = json_object();

	json_put_str(b, o, "state", d->port.state);
	json_put_bool(b, o, "hairpin", d->port.hairpin);
	json_put_bool(b, o, "isolated", d->port.isolated);
	json_put_bool(b, o, "learning", d->port.learning);
	json_put_bool(b, o, "flood", d->port.flood);
	return o;
}

static json_t *tun_json(struct json_builder *b, const struct host_dev *d)
{
	json_t *o = json_object();

	json_put_bool(b, o, "vnet_hdr", d->tun.vnet_hdr);
	json_put_bool(b, o, "multi_queue", d->tun.multi_queue);
	json_put_bool(b, o, "persist", d->tun.persist);
	json_put(b, o, "owner", json_integer(d->tun.has_owner ? (json_int_t)d->tun.owner : -1));
	json_put(b, o, "group", json_integer(d->tun.has_group ? (json_int_t)d->tun.group : -1));
	json_put_int(b, o, "queues", d->tun.queues);
	json_put_int(b, o, "disabled", d->tun.disabled);
	json_put_int(b, o, "open", d->ntapqs);
	return o;
}

static json_t *virtual_json(struct json_builder *b, const struct host_dev *d)
{
	json_t *o = json_object();

	json_put_int(b, o, "id", d->kind == HOST_VLAN ? d->vlan.id : d->vxlan.id);
	json_put_str(b, o, "protocol", d->kind != HOST_VLAN ? "" : d->vlan.proto == 0x88a8 ? "802.1ad"
											   : "802.1Q");
	json_put_str(b, o, "mode", d->mode);
	json_put_str(b, o, "remote", d->vxlan.remote);
	json_put_str(b, o, "local", d->vxlan.local);
	json_put_int(b, o, "port", d->vxlan.port);
	put_dev(b, o, "active", d->active);
	return o;
}

static void dev_links(struct json_builder *b, json_t *o, const struct host_dev *d)
{
	json_put_str(b, o, "name", d->name);
	json_put_str(b, o, "netns", d->ns->name);
	json_put_bool(b, o, "own_netns", d->ns->own);
	json_put_str(b, o, "kind", host_kind_name(d->kind));
	json_put_str(b, o, "rtnl_kind", d->rtnl_kind);
	json_put_str(b, o, "driver", d->driver);
	put_dev(b, o, "master", d->master);
	put_dev(b, o, "lower", d->lower);
	put_dev(b, o, "peer", d->peer);
	json_put_bool(b, o, "link_unseen", d->link_unseen);
}

static void dev_state(struct json_builder *b, json_t *o, const struct host_dev *d)
{
	json_put_bool(b, o, "up", d->up);
	json_put_bool(b, o, "carrier", d->carrier);
	json_put_str(b, o, "operstate", d->operstate);
	json_put(b, o, "mac", d->has_mac ? json_sprintf("%02x:%02x:%02x:%02x:%02x:%02x", d->mac[0], d->mac[1], d->mac[2], d->mac[3], d->mac[4], d->mac[5]) : json_string(""));
	json_put_int(b, o, "mtu", d->mtu);
	json_put_int(b, o, "speed_mbit", d->speed);
	json_put_int(b, o, "rx_queues", d->nrx);
	json_put_int(b, o, "tx_queues", d->ntx);
	json_put_int(b, o, "rx_ring", d->ring_rx);
	json_put_int(b, o, "tx_ring", d->ring_tx);
}

static json_t *dev_json(struct json_builder *b, const struct host_dev *d)
{
	json_t *o = json_object();

	dev_links(b, o, d);
	dev_state(b, o, d);
	json_put(b, o, "irqs", irqs_json(b, d));
	json_put(b, o, "queues", queues_json(b, d));
	json_put(b, o, "offloads", offloads_json(b, d));
	json_put(b, o, "coalesce", coalesce_json(b, &d->coalesce));
	json_put(b, o, "programs", progs_json(b, d));
	json_put(b, o, "qdiscs", qdiscs_json(b, d));
	json_put(b, o, "bridge", bridge_json(b, d));
	json_put(b, o, "port", port_json(b, d));
	json_put(b, o, "vlans", vlans_json(b, d));
	json_put(b, o, "virtual", virtual_json(b, d));
	json_put(b, o, "tun", tun_json(b, d));
	return o;
}

static json_t *tasks_json(struct json_builder *b, const struct path_elem *e)
{
	json_t *a = json_array();

	for (size_t i = 0; i < e->ntasks; i++) {
		const struct host_task *t = e->tasks[i];
		json_t *o = json_object();

		json_put_int(b, o, "tid", t->tid);
		json_put_int(b, o, "pid", t->tgid);
		json_put_str(b, o, "comm", t->comm);
		json_put(b, o, "vcpu", json_integer(e->what == PATH_VCPU ? (json_int_t)t->vcpu : -1));
		json_put_int(b, o, "cpu", t->cpu);
		json_put_str(b, o, "affinity", t->affinity);
		json_put_str(b, o, "policy", t->policy);
		json_put_int(b, o, "rt_priority", t->rt_prio);
		json_put(b, o, "nice", json_integer(t->nice));
		json_put_str(b, o, "cgroup", t->cgroup);
		json_append(b, a, o);
	}
	return a;
}

static json_t *hops_json(struct json_builder *b, const struct path *p, const struct path_elem *e)
{
	json_t *a = json_array();

	for (size_t i = 0; i < e->nhops; i++) {
		const struct path_hop *h = &e->hops[i];
		const struct path_cover *c = &p->cover[h->hop];
		json_t *o = json_object();

		json_put_str(b, o, "hop", hop_desc(h->hop)->name);
		json_put_bool(b, o, "forward", h->forward);
		json_put_bool(b, o, "back", h->back);
		json_put_str(b, o, "state", c->state);
		json_put_str(b, o, "hook", c->hook);
		json_put_str(b, o, "kind", c->kind);
		json_put_str(b, o, "target", c->target);
		json_put_str(b, o, "why", c->why);
		json_append(b, a, o);
	}
	return a;
}

static json_t *elem_json(struct json_builder *b, const struct path *p, const struct path_elem *e)
{
	json_t *o = json_object(), *next = json_array(), *devices = json_array();

	json_put_int(b, o, "id", e->id);
	json_put_str(b, o, "what", path_what_name(e->what));
	json_put_str(b, o, "name", e->name);
	json_put_int(b, o, "parent", e->parent ? e->parent->id : 0);
	for (size_t i = 0; i < e->nnext; i++)
		json_append(b, next, json_integer(e->next[i]->id));
	json_put(b, o, "next", next);
	json_put_int(b, o, "same_as", e->again ? e->again->id : 0);
	json_put_bool(b, o, "forward_in", e->up);
	json_put_bool(b, o, "unsure", e->unsure);
	json_put_str(b, o, "guest", e->proc ? e->proc->guest : "");
	json_put(b, o, "hops", hops_json(b, p, e));
	json_put(b, o, "tasks", tasks_json(b, e));
	/* none or one: an object that is not always there would be another type */
	if (e->dev && e->what != PATH_STACK && !e->again)
		json_append(b, devices, dev_json(b, e->dev));
	json_put(b, o, "device", devices);
	return o;
}

/* From a leaf back to its root */
static json_t *way_json(struct json_builder *b, const struct path_elem *leaf)
{
	json_t *a = json_array();

	for (const struct path_elem *e = leaf; e; e = e->parent)
		if (json_array_insert_new(a, 0, json_text(e->name)))
			b->failed = true;
	return a;
}

int view_path_json(struct path *p, FILE *f)
{
	struct json_builder b = { .failed = false };
	json_t *o = json_object(), *elems = json_array(), *ways = json_array(), *alone = json_array();
	struct utsname u;
	size_t i;

	uname(&u);
	json_put_int(&b, o, "schema", PATH_SCHEMA);
	json_put_str(&b, o, "release", u.release);
	json_put_bool(&b, o, "hooks_tried", p->tried);
	json_put_str(&b, o, "hooks_why", p->cover_why);
	for (i = 0; i < p->nelems; i++) {
		json_append(&b, elems, elem_json(&b, p, p->elems[i]));
		if (!p->elems[i]->nnext)
			json_append(&b, ways, way_json(&b, p->elems[i]));
	}
	for (i = 0; i < p->nalone; i++)
		json_append(&b, alone, json_text(p->alone[i]->label));
	json_put(&b, o, "ways", ways);
	json_put(&b, o, "elements", elems);
	json_put(&b, o, "alone", alone);
	json_put(&b, o, "found_by", json_strings(&b, p->notes, p->nnotes));
	json_put(&b, o, "not_seen", json_strings(&b, p->host->remarks, p->host->nremarks));
	b.failed |= p->mem.failed;
	return json_finish(&b, o, f);
}
