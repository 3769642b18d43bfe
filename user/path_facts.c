// SPDX-License-Identifier: GPL-2.0
/* What there is to know of an element, in short lines for people */
#include "path_int.h"

#include <linux/if_ether.h>
#include <linux/pkt_sched.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 8 /* lines of one sort (irqs, queues, vCPUs) before the rest is counted */

struct facts {
	struct path *p;
	const char **lines;
	size_t n;
	char line[512];
	size_t len;
	bool all;
};

/* Go on with the line; words are told apart by ", " */
static void __attribute__((format(printf, 2, 3))) word(struct facts *f, const char *fmt, ...)
{
	size_t left = sizeof(f->line) - f->len;
	va_list ap;
	int n;

	if (f->len && left > 2) {
		memcpy(f->line + f->len, ", ", 3);
		f->len += 2;
		left -= 2;
	}
	va_start(ap, fmt);
	n = vsnprintf(f->line + f->len, left, fmt, ap);
	va_end(ap);
	if (n > 0)
		f->len += (size_t)n < left ? (size_t)n : left - 1;
}

static void line_end(struct facts *f)
{
	const char **slot = f->len ? path_add(f->p, f->lines, f->n) : NULL;

	if (slot)
		*slot = arena_printf(&f->p->mem, "%s", f->line);
	f->len = 0;
}

static const char *kind_words(const struct host_dev *d)
{
	if (d->kind == HOST_NIC)
		return *d->driver ? d->driver : "hardware";
	if (d->kind == HOST_TAP)
		return "tap";
	return *d->rtnl_kind ? d->rtnl_kind : host_kind_name(d->kind);
}

static const char *vlan_proto(__u16 proto)
{
	return proto == ETH_P_8021AD ? "802.1ad" : "802.1Q";
}

static void kind_say(struct facts *f, const struct host_dev *d)
{
	const char *below = d->lower ? d->lower->label : d->link_unseen ? "a namespace not seen"
									: "";

	word(f, "%s%s", d->kind == HOST_NIC ? "nic " : "", kind_words(d));
	if (d->kind == HOST_VLAN)
		word(f, "id %u %s on %s", d->vlan.id, vlan_proto(d->vlan.proto), below);
	else if (d->kind == HOST_VXLAN)
		word(f, "id %u port %u%s%s%s%s", d->vxlan.id, d->vxlan.port, *d->vxlan.remote ? " to " : "",
		     d->vxlan.remote, *below ? " on " : "", below);
	else if (d->kind == HOST_MACVLAN || d->kind == HOST_MACVTAP)
		word(f, "mode %s on %s", *d->mode ? d->mode : "?", below);
	else if (d->kind == HOST_BOND)
		word(f, "%s%s%s", *d->mode ? d->mode : "?", d->active ? ", active " : "",
		     d->active ? d->active->label : "");
	else if (d->kind == HOST_VETH)
		word(f, "peer %s", d->peer ? d->peer->label : "in a namespace not seen");
}

static void state_say(struct facts *f, const struct host_dev *d)
{
	if (!d->up)
		word(f, "DOWN");
	else if (!d->carrier)
		word(f, "no carrier");
	else
		word(f, "up");
	word(f, "mtu %u", d->mtu);
	if (d->speed)
		word(f, "%u Mbit/s%s", d->speed, d->full_duplex ? "" : " half duplex");
	if (d->kind == HOST_NIC || d->nrx > 1 || d->ntx > 1) {
		line_end(f);
		word(f, "queues %u rx %u tx", d->nrx, d->ntx);
		if (d->ring_rx || d->ring_tx)
			word(f, "ring %u rx %u tx", d->ring_rx, d->ring_tx);
	}
	line_end(f);
}

/* More than one bridge port's table begins with the default VLAN 1; that is no news */
static void vlans_say(struct facts *f, const struct host_dev *d)
{
	char text[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < d->nvlans && len < sizeof(text) - 1; i++) {
		const struct host_vlan *v = &d->vlans[i];
		int n;

		n = snprintf(text + len, sizeof(text) - len, v->first == v->last ? "%s %u" : "%s %u-%u", i ? "," : "",
			     v->first, v->last);
		len += n;
		if (len < sizeof(text) - 1 && (v->pvid || !v->untagged))
			len += snprintf(text + len, sizeof(text) - len, " %s", v->pvid ? v->untagged ? "pvid" : "pvid tagged" : "tagged");
	}
	if (*text)
		word(f, "vlans%.200s", text);
	line_end(f);
}

static void bridge_say(struct facts *f, const struct host_dev *d)
{
	if (d->kind == HOST_BRIDGE) {
		word(f, "%zu port%s", d->nports, d->nports == 1 ? "" : "s");
		word(f, "stp %s", d->bridge.stp ? "on" : "off");
		if (d->bridge.vlan_filtering)
			word(f, "vlan filtering %s", vlan_proto(d->bridge.vlan_proto));
		if (d->bridge.nf_call)
			word(f, "br_netfilter calls iptables");
		line_end(f);
	}
	if (*d->port.state) {
		word(f, "port %s", d->port.state);
		if (d->port.hairpin)
			word(f, "hairpin");
		if (d->port.isolated)
			word(f, "isolated");
		if (!d->port.learning)
			word(f, "no learning");
		line_end(f);
	}
	if (d->bridge.vlan_filtering || (d->master && d->master->bridge.vlan_filtering))
		vlans_say(f, d);
}

static void tun_say(struct facts *f, const struct host_dev *d)
{
	struct passwd *pw;

	if (!d->tun.known)
		return;
	if (d->tun.vnet_hdr)
		word(f, "vnet_hdr");
	if (d->tun.multi_queue)
		word(f, "multi_queue, %u attached, %u detached", d->tun.queues, d->tun.disabled);
	if (d->tun.persist)
		word(f, "persist");
	if (d->tun.has_owner) {
		pw = getpwuid(d->tun.owner);
		word(f, "owner %s", pw ? pw->pw_name : arena_printf(&f->p->mem, "%u", d->tun.owner));
	}
	if (!d->ntapqs)
		word(f, "no reader%s", f->p->host->nremarks ? " seen" : "");
	line_end(f);
}

static void irqs_say(struct facts *f, const struct host_dev *d)
{
	size_t shown = 0, left = 0;

	for (size_t i = 0; i < d->nirqs; i++) {
		const struct host_irq *q = &d->irqs[i];
		bool moved = *q->effective && *q->affinity && strcmp(q->effective, q->affinity);

		if (!*q->name && !f->all)
			continue; /* allocated, nobody listens */
		if (shown >= SHOWN_MAX && !f->all) {
			left++;
			continue;
		}
		shown++;
		word(f, "irq %u %s on CPU %s%s%s", q->irq, *q->name ? q->name : "(no handler)",
		     *q->effective ? q->effective : *q->affinity ? q->affinity
								 : "?",
		     moved ? " of " : "", moved ? q->affinity : "");
		line_end(f);
	}
	if (left)
		word(f, "%zu more irqs (--all)", left);
	line_end(f);
}

/* Those that are on; that a checksum or scatter-gather is done in hardware is not what surprises */
static void offloads_say(struct facts *f, const struct host_dev *d)
{
	static const enum host_offload first[] = {
		HOST_GRO, HOST_GRO_HW, HOST_GRO_LIST, HOST_GRO_UDP, HOST_LRO, HOST_GSO, HOST_TSO, HOST_USO, HOST_RXVLAN, HOST_TXVLAN
	};
	char text[256] = "";
	size_t len = 0, i;

	if (!d->offloads_known)
		return;
	if (f->all) {
		for (i = 0; i < HOST_NR_OFFLOADS; i++)
			if (d->offload & 1U << i)
				len += snprintf(text + len, sizeof(text) - len, " %s", host_offload_name(i));
	} else {
		for (i = 0; i < ARRAY_SIZE(first); i++)
			if (d->offload & 1U << first[i])
				len += snprintf(text + len, sizeof(text) - len, " %s", host_offload_name(first[i]));
	}
	word(f, "offloads%s", len ? text : " none");
	line_end(f);
}

static void coalesce_say(struct facts *f, const struct host_dev *d)
{
	const struct host_coalesce *c = &d->coalesce;

	if (!c->known)
		return;
	word(f, "coalesce rx %u us %u frames%s", c->rx_usecs, c->rx_frames, c->adaptive_rx ? " adaptive" : "");
	word(f, "tx %u us %u frames%s", c->tx_usecs, c->tx_frames, c->adaptive_tx ? " adaptive" : "");
	line_end(f);
}

static void masks_say(struct facts *f, const struct host_dev *d)
{
	size_t shown = 0;

	for (size_t i = 0; i < d->nqueues; i++) {
		const struct host_queue *q = &d->queues[i];

		/* drivers set XPS themselves, one CPU a queue; RPS is somebody's decision */
		if (!q->on || (q->tx && !f->all))
			continue;
		if (shown++ >= SHOWN_MAX && !f->all)
			break;
		word(f, "%s %cx-%u %s", q->tx ? "xps" : "rps", q->tx ? 't' : 'r', q->nr, q->cpus);
		line_end(f);
	}
}

static const char *handle(struct path *p, __u32 h)
{
	return arena_printf(&p->mem, "%x:", TC_H_MAJ(h) >> 16);
}

/* Children of a kind with the same parameters are one line */
static void qdisc_say(struct facts *f, const struct host_dev *d, size_t i, unsigned int depth)
{
	const struct host_qdisc *q = &d->qdiscs[i];
	unsigned long long drops = q->drops, requeues = q->requeues, backlog = q->backlog;
	unsigned int same = 1;
	size_t j;

	for (j = 0; !f->all && j < i; j++)
		if (d->qdiscs[j].up == q->up && q->up >= 0 && !strcmp(d->qdiscs[j].kind, q->kind) &&
		    !strcmp(d->qdiscs[j].params, q->params))
			return; /* was in the line of that one */
	for (j = i + 1; !f->all && q->up >= 0 && j < d->nqdiscs; j++)
		if (d->qdiscs[j].up == q->up && !strcmp(d->qdiscs[j].kind, q->kind) &&
		    !strcmp(d->qdiscs[j].params, q->params)) {
			same++;
			drops += d->qdiscs[j].drops;
			requeues += d->qdiscs[j].requeues;
			backlog += d->qdiscs[j].backlog;
		}
	word(f, "%*sqdisc %s%s%s%s%s", (int)depth * 2, "",
	     same > 1 ? arena_printf(&f->p->mem, "%u x ", same) : "", q->kind,
	     q->handle && (f->all || d->nqdiscs > 1) && same == 1 ? " " : "",
	     q->handle && (f->all || d->nqdiscs > 1) && same == 1 ? handle(f->p, q->handle) : "",
	     *q->params ? arena_printf(&f->p->mem, " %s", q->params) : "");
	if (drops)
		word(f, "dropped %llu", drops);
	if (requeues)
		word(f, "requeued %llu", requeues);
	if (backlog)
		word(f, "backlog %llu bytes", backlog);
	line_end(f);
	for (j = 0; j < d->nqdiscs && depth < 8; j++)
		if (d->qdiscs[j].up == (int)i)
			qdisc_say(f, d, j, depth + 1);
}

static void qdiscs_say(struct facts *f, const struct host_dev *d)
{
	/* no queue is what virtual devices have: only its absence elsewhere would be news */
	if (!f->all && d->nqdiscs == 1 && !strcmp(d->qdiscs[0].kind, "noqueue"))
		return;
	for (size_t i = 0; i < d->nqdiscs; i++)
		if (d->qdiscs[i].up < 0)
			qdisc_say(f, d, i, 0);
}

static const char *prog_text(struct path *p, const struct host_prog *g)
{
	const char *name = *g->name ? g->name : "program";

	if (g->hook != HOST_TC_INGRESS && g->hook != HOST_TC_EGRESS)
		return arena_printf(&p->mem, "%s %s id %u", host_hook_name(g->hook), name, g->id);
	if (!g->id)
		return arena_printf(&p->mem, "%s %s prio %u handle %x%s%s", host_hook_name(g->hook), g->filter,
				    g->prio, g->handle, g->to ? " to " : "", g->to ? g->to->label : "");
	return arena_printf(&p->mem, "%s %s id %u prio %u handle %x%s%s%s", host_hook_name(g->hook), name, g->id,
			    g->prio, g->handle, g->direct_action ? " da" : "", g->to ? " to " : "",
			    g->to ? g->to->label : "");
}

static void progs_say(struct facts *f, const struct host_dev *d)
{
	for (size_t i = 0; i < d->nprogs; i++) {
		word(f, "%s%s", prog_text(f->p, &d->progs[i]),
		     d->progs[i].known && !d->progs[i].jited ? ", not jited" : "");
		line_end(f);
	}
}

static void dev_say(struct facts *f, const struct path_elem *e)
{
	const struct host_dev *d = e->dev;

	kind_say(f, d);
	state_say(f, d);
	if (*d->alias)
		word(f, "alias \"%s\"", d->alias);
	line_end(f);
	progs_say(f, d);
	bridge_say(f, d);
	if (d->kind == HOST_TAP || d->kind == HOST_TUN)
		tun_say(f, d);
	if (d->kind == HOST_NIC) {
		irqs_say(f, d);
		coalesce_say(f, d);
	}
	if (d->kind != HOST_BRIDGE && d->kind != HOST_OVS)
		offloads_say(f, d);
	masks_say(f, d);
	qdiscs_say(f, d);
}

static const char *sched_text(struct path *p, const struct host_task *t)
{
	if (t->rt_prio)
		return arena_printf(&p->mem, "%s %u", t->policy, t->rt_prio);
	return t->nice ? arena_printf(&p->mem, "%s nice %d", t->policy, t->nice) : t->policy;
}

static void task_say(struct facts *f, const struct path_elem *e, const struct host_task *t)
{
	if (e->what == PATH_VCPU)
		word(f, "vCPU %u tid %u%s%s%s", t->vcpu, t->tid, f->all ? " \"" : "", f->all ? t->comm : "",
		     f->all ? "\"" : "");
	else
		word(f, "%s %u", e->what == PATH_VMM ? "pid" : "tid", t->tid);
	word(f, "CPU %u of %s", t->cpu, *t->affinity ? t->affinity : "?");
	word(f, "%s", sched_text(f->p, t));
	if (f->all && *t->cgroup)
		word(f, "cgroup %s", t->cgroup);
}

static void tasks_say(struct facts *f, const struct path_elem *e)
{
	size_t i;

	if (e->what == PATH_VHOST)
		word(f, e->unsure ? "vhost, one of %zu workers" : e->ntasks > 1 ? "vhost, %zu workers"
										: "vhost worker",
		     e->ntasks);
	if (e->what == PATH_VMM)
		word(f, "%s%s", e->tasks[0]->comm, e->proc->vmm ? "" : ", no KVM");
	if (e->what == PATH_VHOST && e->ntasks > 1)
		line_end(f);
	for (i = 0; i < e->ntasks && (f->all || i < SHOWN_MAX); i++) {
		task_say(f, e, e->tasks[i]);
		line_end(f);
	}
	if (i < e->ntasks)
		word(f, "%zu more (--all)", e->ntasks - i);
	line_end(f);
}

const char *const *path_facts(struct path *p, const struct path_elem *e, bool all)
{
	struct facts f = { .p = p, .all = all };
	const char **end;

	if (e->again)
		word(&f, "as above");
	else if (e->what == PATH_STACK)
		word(&f, "IP stack of %s%s", e->dev->ns->own ? "this namespace" : "namespace ",
		     e->dev->ns->own ? "" : e->dev->ns->name);
	else if (e->proc)
		tasks_say(&f, e);
	else
		dev_say(&f, e);
	line_end(&f);
	end = path_add(p, f.lines, f.n);
	if (end)
		*end = NULL;
	return end ? f.lines : NULL;
}

const char *path_mark(struct path *p, const struct path_elem *e)
{
	const char *mark = "";

	if (!e->dev || e->what == PATH_STACK || e->again)
		return "";
	if (!e->dev->up)
		mark = "DOWN";
	if (*e->dev->port.state && strcmp(e->dev->port.state, "forwarding") && e->dev->up && e->dev->carrier)
		mark = e->dev->port.state;
	for (size_t i = 0; i < e->dev->nprogs; i++)
		mark = arena_printf(&p->mem, "%s%s%s", mark, *mark ? ", " : "",
				    *e->dev->progs[i].name ? arena_printf(&p->mem, "%s %s", host_hook_name(e->dev->progs[i].hook), e->dev->progs[i].name) : host_hook_name(e->dev->progs[i].hook));
	return mark;
}
