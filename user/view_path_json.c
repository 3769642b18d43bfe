// SPDX-License-Identifier: GPL-2.0
/*
 * Ways as JSON: the contract of path.schema.json. Every member is always there and keeps its
 * type; "" or 0 where there is nothing to say. Devices are named, never numbered.
 */
#include "view_path.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <stdint.h>
#include <sys/utsname.h>

#include "util.h"

/* A member that could not be made would break the contract: then there is no output at all */
struct builder {
	struct path *p;
	bool failed;
};

static void put(struct builder *b, json_t *o, const char *key, json_t *value)
{
	if (json_object_set_new(o, key, value))
		b->failed = true;
}

static void put_int(struct builder *b, json_t *o, const char *key, __u64 v)
{
	put(b, o, key, json_integer(v < INT64_MAX ? v : INT64_MAX));
}

static void put_str(struct builder *b, json_t *o, const char *key, const char *s)
{
	put(b, o, key, json_text(s));
}

static void put_bool(struct builder *b, json_t *o, const char *key, bool v)
{
	put(b, o, key, json_boolean(v));
}

static void append(struct builder *b, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		b->failed = true;
}

static void put_dev(struct builder *b, json_t *o, const char *key, const struct host_dev *d)
{
	put_str(b, o, key, d ? d->label : "");
}

static json_t *progs_json(struct builder *b, const struct host_dev *d)
{
	json_t *a = json_array();

	for (size_t i = 0; i < d->nprogs; i++) {
		const struct host_prog *g = &d->progs[i];
		json_t *o = json_object();

		put_str(b, o, "hook", host_hook_name(g->hook));
		put_int(b, o, "id", g->id);
		put_str(b, o, "name", g->name);
		put_str(b, o, "filter", g->filter);
		put_int(b, o, "prio", g->prio);
		put_int(b, o, "handle", g->handle);
		put_bool(b, o, "direct_action", g->direct_action);
		put_dev(b, o, "redirect", g->to);
		append(b, a, o);
	}
	return a;
}

static json_t *handle_json(__u32 handle)
{
	if (handle == TC_H_ROOT)
		return json_string("root");
	return json_sprintf("%x:%x", TC_H_MAJ(handle) >> 16, TC_H_MIN(handle));
}

static json_t *qdiscs_json(struct builder *b, const struct host_dev *d)
{
	json_t *a = json_array();

	for (size_t i = 0; i < d->nqdiscs; i++) {
		const struct host_qdisc *q = &d->qdiscs[i];
		json_t *o = json_object();

		put_str(b, o, "kind", q->kind);
		put_str(b, o, "params", q->params);
		put(b, o, "handle", handle_json(q->handle));
		put(b, o, "parent", handle_json(q->parent));
		put(b, o, "parent_index", json_integer(q->up));
		put_int(b, o, "bytes", q->bytes);
		put_int(b, o, "packets", q->packets);
		put_int(b, o, "drops", q->drops);
		put_int(b, o, "requeues", q->requeues);
		put_int(b, o, "overlimits", q->overlimits);
		put_int(b, o, "backlog", q->backlog);
		put_int(b, o, "qlen", q->qlen);
		append(b, a, o);
	}
	return a;
}

static json_t *irqs_json(struct builder *b, const struct host_dev *d)
{
	json_t *a = json_array();

	for (size_t i = 0; i < d->nirqs; i++) {
		json_t *o = json_object();

		put_int(b, o, "irq", d->irqs[i].irq);
		put_str(b, o, "name", d->irqs[i].name);
		put_str(b, o, "affinity", d->irqs[i].affinity);
		put_str(b, o, "effective", d->irqs[i].effective);
		append(b, a, o);
	}
	return a;
}

static json_t *queues_json(struct builder *b, const struct host_dev *d)
{
	json_t *a = json_array();

	for (size_t i = 0; i < d->nqueues; i++) {
		json_t *o = json_object();

		put_str(b, o, "direction", d->queues[i].tx ? "tx" : "rx");
		put_int(b, o, "queue", d->queues[i].nr);
		put_str(b, o, "cpus", d->queues[i].cpus);
		append(b, a, o);
	}
	return a;
}

static json_t *vlans_json(struct builder *b, const struct host_dev *d)
{
	json_t *a = json_array();

	for (size_t i = 0; i < d->nvlans; i++) {
		json_t *o = json_object();

		put_int(b, o, "first", d->vlans[i].first);
		put_int(b, o, "last", d->vlans[i].last);
		put_bool(b, o, "pvid", d->vlans[i].pvid);
		put_bool(b, o, "untagged", d->vlans[i].untagged);
		append(b, a, o);
	}
	return a;
}

static json_t *offloads_json(struct builder *b, const struct host_dev *d)
{
	json_t *a = json_array();

	for (int i = 0; i < HOST_NR_OFFLOADS; i++)
		if (d->offload & 1U << i)
			append(b, a, json_string(host_offload_name(i)));
	return a;
}

static json_t *coalesce_json(struct builder *b, const struct host_coalesce *c)
{
	json_t *o = json_object();

	put_bool(b, o, "known", c->known);
	put_bool(b, o, "adaptive_rx", c->adaptive_rx);
	put_bool(b, o, "adaptive_tx", c->adaptive_tx);
	put_int(b, o, "rx_usecs", c->rx_usecs);
	put_int(b, o, "rx_frames", c->rx_frames);
	put_int(b, o, "tx_usecs", c->tx_usecs);
	put_int(b, o, "tx_frames", c->tx_frames);
	return o;
}

static json_t *bridge_json(struct builder *b, const struct host_dev *d)
{
	json_t *o = json_object();

	put_bool(b, o, "stp", d->bridge.stp);
	put_bool(b, o, "vlan_filtering", d->bridge.vlan_filtering);
	put_bool(b, o, "mcast_snooping", d->bridge.mcast_snooping);
	put_bool(b, o, "calls_iptables", d->bridge.nf_call);
	put_int(b, o, "ports", d->kind == HOST_BRIDGE || d->kind == HOST_OVS ? d->nports : 0);
	return o;
}

static json_t *port_json(struct builder *b, const struct host_dev *d)
{
	json_t *o = json_object();

	put_str(b, o, "state", d->port.state);
	put_bool(b, o, "hairpin", d->port.hairpin);
	put_bool(b, o, "isolated", d->port.isolated);
	put_bool(b, o, "learning", d->port.learning);
	put_bool(b, o, "flood", d->port.flood);
	return o;
}

static json_t *tun_json(struct builder *b, const struct host_dev *d)
{
	json_t *o = json_object();

	put_bool(b, o, "vnet_hdr", d->tun.vnet_hdr);
	put_bool(b, o, "multi_queue", d->tun.multi_queue);
	put_bool(b, o, "persist", d->tun.persist);
	put(b, o, "owner", json_integer(d->tun.has_owner ? (json_int_t)d->tun.owner : -1));
	put(b, o, "group", json_integer(d->tun.has_group ? (json_int_t)d->tun.group : -1));
	put_int(b, o, "queues", d->tun.queues);
	put_int(b, o, "disabled", d->tun.disabled);
	put_int(b, o, "open", d->ntapqs);
	return o;
}

static json_t *virtual_json(struct builder *b, const struct host_dev *d)
{
	json_t *o = json_object();

	put_int(b, o, "id", d->kind == HOST_VLAN ? d->vlan.id : d->vxlan.id);
	put_str(b, o, "protocol", d->kind != HOST_VLAN ? "" : d->vlan.proto == 0x88a8 ? "802.1ad"
										      : "802.1Q");
	put_str(b, o, "mode", d->mode);
	put_str(b, o, "remote", d->vxlan.remote);
	put_str(b, o, "local", d->vxlan.local);
	put_int(b, o, "port", d->vxlan.port);
	put_dev(b, o, "active", d->active);
	return o;
}

static void dev_links(struct builder *b, json_t *o, const struct host_dev *d)
{
	put_str(b, o, "name", d->name);
	put_str(b, o, "netns", d->ns->name);
	put_bool(b, o, "own_netns", d->ns->own);
	put_str(b, o, "kind", host_kind_name(d->kind));
	put_str(b, o, "rtnl_kind", d->rtnl_kind);
	put_str(b, o, "driver", d->driver);
	put_dev(b, o, "master", d->master);
	put_dev(b, o, "lower", d->lower);
	put_dev(b, o, "peer", d->peer);
	put_bool(b, o, "link_unseen", d->link_unseen);
}

static void dev_state(struct builder *b, json_t *o, const struct host_dev *d)
{
	put_bool(b, o, "up", d->up);
	put_bool(b, o, "carrier", d->carrier);
	put_str(b, o, "operstate", d->operstate);
	put(b, o, "mac", d->has_mac ? json_sprintf("%02x:%02x:%02x:%02x:%02x:%02x", d->mac[0], d->mac[1], d->mac[2], d->mac[3], d->mac[4], d->mac[5]) : json_string(""));
	put_int(b, o, "mtu", d->mtu);
	put_int(b, o, "speed_mbit", d->speed);
	put_int(b, o, "rx_queues", d->nrx);
	put_int(b, o, "tx_queues", d->ntx);
	put_int(b, o, "rx_ring", d->ring_rx);
	put_int(b, o, "tx_ring", d->ring_tx);
}

static json_t *dev_json(struct builder *b, const struct host_dev *d)
{
	json_t *o = json_object();

	dev_links(b, o, d);
	dev_state(b, o, d);
	put(b, o, "irqs", irqs_json(b, d));
	put(b, o, "queues", queues_json(b, d));
	put(b, o, "offloads", offloads_json(b, d));
	put(b, o, "coalesce", coalesce_json(b, &d->coalesce));
	put(b, o, "programs", progs_json(b, d));
	put(b, o, "qdiscs", qdiscs_json(b, d));
	put(b, o, "bridge", bridge_json(b, d));
	put(b, o, "port", port_json(b, d));
	put(b, o, "vlans", vlans_json(b, d));
	put(b, o, "virtual", virtual_json(b, d));
	put(b, o, "tun", tun_json(b, d));
	return o;
}

static json_t *tasks_json(struct builder *b, const struct path_elem *e)
{
	json_t *a = json_array();

	for (size_t i = 0; i < e->ntasks; i++) {
		const struct host_task *t = e->tasks[i];
		json_t *o = json_object();

		put_int(b, o, "tid", t->tid);
		put_int(b, o, "pid", t->tgid);
		put_str(b, o, "comm", t->comm);
		put(b, o, "vcpu", json_integer(e->what == PATH_VCPU ? (json_int_t)t->vcpu : -1));
		put_int(b, o, "cpu", t->cpu);
		put_str(b, o, "affinity", t->affinity);
		put_str(b, o, "policy", t->policy);
		put_int(b, o, "rt_priority", t->rt_prio);
		put(b, o, "nice", json_integer(t->nice));
		put_str(b, o, "cgroup", t->cgroup);
		append(b, a, o);
	}
	return a;
}

static json_t *hops_json(struct builder *b, const struct path_elem *e)
{
	json_t *a = json_array();

	for (size_t i = 0; i < e->nhops; i++) {
		const struct path_hop *h = &e->hops[i];
		const struct path_cover *c = &b->p->cover[h->hop];
		json_t *o = json_object();

		put_str(b, o, "hop", hop_desc(h->hop)->name);
		put_bool(b, o, "forward", h->forward);
		put_bool(b, o, "back", h->back);
		put_str(b, o, "state", c->state);
		put_str(b, o, "hook", c->hook);
		put_str(b, o, "kind", c->kind);
		put_str(b, o, "target", c->target);
		put_str(b, o, "why", c->why);
		append(b, a, o);
	}
	return a;
}

static json_t *elem_json(struct builder *b, const struct path_elem *e)
{
	json_t *o = json_object(), *next = json_array(), *devices = json_array();

	put_int(b, o, "id", e->id);
	put_str(b, o, "what", path_what_name(e->what));
	put_str(b, o, "name", e->name);
	put_int(b, o, "parent", e->parent ? e->parent->id : 0);
	for (size_t i = 0; i < e->nnext; i++)
		append(b, next, json_integer(e->next[i]->id));
	put(b, o, "next", next);
	put_int(b, o, "same_as", e->again ? e->again->id : 0);
	put_bool(b, o, "forward_in", e->up);
	put_bool(b, o, "unsure", e->unsure);
	put_str(b, o, "guest", e->proc ? e->proc->guest : "");
	put(b, o, "hops", hops_json(b, e));
	put(b, o, "tasks", tasks_json(b, e));
	/* none or one: an object that is not always there would be another type */
	if (e->dev && e->what != PATH_STACK && !e->again)
		append(b, devices, dev_json(b, e->dev));
	put(b, o, "device", devices);
	return o;
}

static json_t *strings_json(struct builder *b, const char *const *s, size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++)
		append(b, a, json_text(s[i]));
	return a;
}

/* From a leaf back to its root */
static json_t *way_json(struct builder *b, const struct path_elem *leaf)
{
	json_t *a = json_array();

	for (const struct path_elem *e = leaf; e; e = e->parent)
		if (json_array_insert_new(a, 0, json_text(e->name)))
			b->failed = true;
	return a;
}

int view_path_json(struct path *p, FILE *f)
{
	struct builder b = { .p = p };
	json_t *o = json_object(), *elems = json_array(), *ways = json_array(), *alone = json_array();
	struct utsname u;
	size_t i;

	uname(&u);
	put_int(&b, o, "schema", PATH_SCHEMA);
	put_str(&b, o, "release", u.release);
	put_bool(&b, o, "hooks_tried", p->tried);
	put_str(&b, o, "hooks_why", p->cover_why);
	for (i = 0; i < p->nelems; i++) {
		append(&b, elems, elem_json(&b, p->elems[i]));
		if (!p->elems[i]->nnext)
			append(&b, ways, way_json(&b, p->elems[i]));
	}
	for (i = 0; i < p->nalone; i++)
		append(&b, alone, json_text(p->alone[i]->label));
	put(&b, o, "ways", ways);
	put(&b, o, "elements", elems);
	put(&b, o, "alone", alone);
	put(&b, o, "found_by", strings_json(&b, p->notes, p->nnotes));
	put(&b, o, "not_seen", strings_json(&b, p->host->remarks, p->host->nremarks));
	if (!b.failed && !p->mem.failed) {
		json_dumpf(o, f, JSON_INDENT(2));
		putc('\n', f);
	}
	json_decref(o);
	return b.failed || p->mem.failed ? -ENOMEM : 0;
}
