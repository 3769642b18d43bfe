// SPDX-License-Identifier: GPL-2.0
/*
 * Of the report: what a path is called, "eth1 → br0 → tap0 → vhost-2154 → CPU 0/KVM", or
 * "client → eth1 → server:7788". Devices as the hops name them, the bridge between two of its
 * ports, and the tasks of the hops that have no device: virtualisation, applications.
 */
#include <string.h>

#include "report_int.h"

struct chain {
	struct report *r;
	const struct report_input *in;
	unsigned int domain; /* of the node at hand */
	struct names *names; /* of it */
	const char **list;
	size_t n, room;
	int dev; /* the last device in it; 0: none yet */
	size_t dev_at; /* length of the list when it was put in */
};

static void chain_add(struct chain *c, const char *name)
{
	if (!*name || c->n == c->room || (c->n && !strcmp(c->list[c->n - 1], name)))
		return;
	c->list[c->n++] = name;
}

static void chain_dev(struct chain *c, int dev)
{
	const char *master = names_dev_master(c->names, dev);

	if (!dev || dev == c->dev)
		return;
	if (c->dev && !strcmp(master, names_dev_master(c->names, c->dev)))
		chain_add(c, report_in_domain(c->r, c->in, c->domain, report_str(c->r, master)));
	chain_add(c, report_in_domain(c->r, c->in, c->domain,
				      report_str(c->r, names_dev_name(c->names, dev))));
	c->dev = dev;
	c->dev_at = c->n;
}

/* Where a task does something with a socket; app:run comes between two of these */
static bool hop_has_app(enum pl_hop hop)
{
	return hop == PL_HOP_app_send || hop == PL_HOP_app_wake || hop == PL_HOP_sock_copy ||
	       hop == PL_HOP_sock_recv || hop == PL_HOP_app_recv;
}

/* "server:7788": a client's port is another one for each connection */
static const char *app_name(struct report *r, const char *comm, const struct path_node *node)
{
	/* it had ended before its name could be read */
	if (!*comm && node->port && !node->many_ports)
		return arena_printf(&r->mem, "port %u", node->port);
	if (node->port && !node->many_ports)
		return arena_printf(&r->mem, "%s:%u", comm, node->port);
	if (node->many_tids)
		return arena_printf(&r->mem, "%s and others", comm);
	return report_str(r, comm);
}

/* Hops where the task says something about the way; elsewhere it is whoever was interrupted */
static bool hop_has_task(enum pl_hop hop)
{
	const char *name = hop_desc(hop)->name;

	return !strncmp(name, "vhost:", 6) || !strncmp(name, "kvm:", 4) ||
	       !strncmp(name, "vmm:", 4) || hop == PL_HOP_tap_read || hop == PL_HOP_tap_copied ||
	       hop == PL_HOP_tap_send;
}

const char *report_task(struct report *r, struct names *names, const struct path_node *node)
{
	const char *comm = names_comm(names, node->tid);
	enum pl_role_kind role = names_role(names, node->tid);

	if (comm && hop_has_app(node->hop))
		return app_name(r, comm, node);
	/* who reads a tap is its end of the way, a known VMM or not */
	if (!comm || !hop_has_task(node->hop) ||
	    (role == PL_ROLE_NONE && node->hop != PL_HOP_tap_read))
		return "";
	comm = report_str(r, comm);
	/* the interrupts of a guest's queues go to different vCPUs */
	if (role == PL_ROLE_VCPU && node->many_tids)
		return arena_printf(&r->mem, "%s and others", comm);
	return comm;
}

static void chain_task(struct chain *c, const struct path_node *node)
{
	const char *task = report_in_domain(c->r, c->in, c->domain,
					    report_task(c->r, c->names, node));

	/* worker and vCPU alternate in the hops of one interrupt: each once */
	for (size_t i = c->dev_at; i < c->n; i++) {
		size_t n = strlen(c->list[i]);

		if (!strncmp(c->list[i], task, strcspn(task, " ")))
			return;
		/* a hop before did not tell the port */
		if (!strncmp(c->list[i], task, n) && task[n] == ':') {
			c->list[i] = task;
			return;
		}
	}
	chain_add(c, task);
}

/* The device before is of another kernel: it is no port of the same bridge */
static void chain_domain(struct chain *c, unsigned int domain)
{
	if (domain != c->domain)
		c->dev = 0;
	c->domain = domain;
	c->names = c->in->domains[domain].names;
}

const char **report_chain(struct report *r, const struct report_input *in,
			  const struct path_node *nodes, size_t nnodes, size_t *n)
{
	struct chain c = { .r = r, .in = in, .names = in->domains[0].names, .room = 3 * nnodes };

	*n = 0;
	c.list = arena_alloc(&r->mem, c.room, sizeof(*c.list));
	if (!c.list)
		return NULL;
	for (size_t i = 0; i < nnodes; i++) {
		chain_domain(&c, nodes[i].domain);
		/* towards a guest the device is in the list by now, from a guest it comes after */
		chain_task(&c, &nodes[i]);
		chain_dev(&c, nodes[i].dev);
		if (nodes[i].hop == PL_HOP_br_in)
			chain_add(&c, report_in_domain(r, in, c.domain,
						       report_str(r, names_dev_master(c.names, nodes[i].dev))));
	}
	*n = c.n;
	return c.list;
}
