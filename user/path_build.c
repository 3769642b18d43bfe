// SPDX-License-Identifier: GPL-2.0
/* Trees of elements over the snapshot's devices and processes */
#include "path_int.h"

#include <linux/if_arp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

bool path_add_to(struct path *p, void **array, size_t *n, size_t size)
{
	void *more;

	if (!(*n & (*n - 1))) {
		more = arena_alloc(&p->mem, *n ? 2 * *n : 1, size);
		if (!more)
			return false;
		if (*n)
			memcpy(more, *array, *n * size);
		*array = more;
	}
	*n += 1;
	return true;
}

void path_note(struct path *p, const char *fmt, ...)
{
	const char **slot = path_add(p, p->notes, p->nnotes);
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (slot)
		*slot = arena_printf(&p->mem, "%s", text);
}

const char *path_what_name(enum path_what what)
{
	static const char *const names[PATH_NR_WHATS] = {
		[PATH_NIC] = "nic",
		[PATH_TAP] = "tap",
		[PATH_MACVTAP] = "macvtap",
		[PATH_BRIDGE] = "bridge",
		[PATH_OVS] = "ovs",
		[PATH_VETH] = "veth",
		[PATH_VIRTUAL] = "virtual",
		[PATH_STACK] = "stack",
		[PATH_VHOST] = "vhost",
		[PATH_VMM] = "vmm",
		[PATH_VCPU] = "vcpu",
	};

	return (unsigned int)what < PATH_NR_WHATS ? names[what] : "?";
}

static enum path_what what_of(const struct host_dev *d)
{
	switch (d->kind) {
	case HOST_NIC:
		return PATH_NIC;
	case HOST_TAP:
	case HOST_TUN:
		return PATH_TAP;
	case HOST_MACVTAP:
		return PATH_MACVTAP;
	case HOST_BRIDGE:
		return PATH_BRIDGE;
	case HOST_OVS:
		return PATH_OVS;
	case HOST_VETH:
		return PATH_VETH;
	default:
		return PATH_VIRTUAL;
	}
}

bool path_is_end(const struct host_dev *d)
{
	return !d->master && !d->nuppers;
}

static struct path_elem *elem_new(struct path *p, struct path_elem *parent, enum path_what what,
				  const char *name)
{
	struct path_elem *e = arena_alloc(&p->mem, 1, sizeof(*e)), **slot;

	if (!e)
		return NULL;
	*e = (struct path_elem){ .what = what, .name = name, .parent = parent, .keep = true };
	slot = parent ? path_add(p, parent->next, parent->nnext) : path_add(p, p->roots, p->nroots);
	if (!slot)
		return NULL;
	*slot = e;
	return e;
}

struct path_elem *path_elem_add(struct path *p, struct path_elem *parent, struct host_dev *d, bool up)
{
	struct path_elem *e = elem_new(p, parent, what_of(d), d->label);

	if (!e)
		return NULL;
	e->dev = d;
	e->up = up;
	e->again = p->elem_of[d->nr];
	if (e->again)
		return e;
	p->elem_of[d->nr] = e;
	return e;
}

struct path_elem *path_stack_add(struct path *p, struct path_elem *parent, struct host_dev *d)
{
	struct path_elem *e = elem_new(p, parent, PATH_STACK,
				       d->ns->own ? "stack" : arena_printf(&p->mem, "stack@%s", d->ns->name));

	if (!e)
		return NULL;
	e->dev = d;
	/* the way begins at it, or ends */
	e->up = parent != NULL;
	return e;
}

static void task_put(struct path *p, struct path_elem *e, struct host_task *t)
{
	struct host_task **slot;

	for (size_t i = 0; i < e->ntasks; i++)
		if (e->tasks[i] == t)
			return;
	slot = path_add(p, e->tasks, e->ntasks);
	if (slot)
		*slot = t;
}

/* Workers that serve the tap for a process; those of which it may be one when it is not told */
static bool workers_put(struct path *p, struct path_elem *e, const struct host_dev *d,
			const struct host_proc *proc)
{
	bool vhost = false;

	for (size_t i = 0; i < d->ntapqs; i++) {
		const struct host_tapq *q = d->tapqs[i];

		if (q->proc != proc || (q->vhost_known && !q->vhost))
			continue;
		vhost = true;
		if (q->worker) {
			task_put(p, e, q->worker);
			continue;
		}
		e->unsure = true;
		for (size_t j = 0; j < proc->nworkers; j++)
			task_put(p, e, proc->workers[j]);
	}
	return vhost;
}

static const char *vhost_name(struct path *p, const struct path_elem *e)
{
	if (e->ntasks == 1)
		return arena_printf(&p->mem, "%s", e->tasks[0]->comm);
	return e->ntasks ? arena_printf(&p->mem, "%zu vhost workers", e->ntasks) : "vhost";
}

static const char *vmm_name(struct path *p, const struct host_proc *proc)
{
	return *proc->guest ? proc->guest : arena_printf(&p->mem, "%s-%u", proc->task->comm, proc->task->tid);
}

static void vcpus_fill(struct path *p, struct path_elem *e, struct host_proc *proc)
{
	e->proc = proc;
	e->tasks = proc->vcpus;
	e->ntasks = proc->nvcpus;
	if (e->ntasks == 1)
		e->name = arena_printf(&p->mem, "vCPU %u", proc->vcpus[0]->vcpu);
	else
		e->name = arena_printf(&p->mem, "%zu vCPUs", e->ntasks);
}

/* Whether a vhost worker or the process itself serves the tap is one question: answer it first */
static struct path_elem vhost_of(struct path *p, const struct host_dev *d, struct host_proc *proc,
				 bool *vhost)
{
	struct path_elem e = { .what = PATH_VHOST, .proc = proc };

	*vhost = workers_put(p, &e, d, proc);
	e.name = vhost_name(p, &e);
	return e;
}

static struct path_elem *elem_copy(struct path *p, struct path_elem *parent, const struct path_elem *of)
{
	struct path_elem *e = elem_new(p, parent, of->what, of->name);

	if (!e)
		return NULL;
	e->proc = of->proc;
	e->tasks = of->tasks;
	e->ntasks = of->ntasks;
	e->unsure = of->unsure;
	e->up = of->up;
	return e;
}

static struct path_elem vmm_of(struct path *p, struct host_proc *proc)
{
	struct path_elem e = { .what = PATH_VMM, .name = vmm_name(p, proc), .proc = proc };

	task_put(p, &e, proc->task);
	return e;
}

/* tap -> vhost -> VMM -> vCPUs */
static void proc_grow(struct path *p, struct path_elem *tap, struct host_dev *d, struct host_proc *proc)
{
	struct path_elem vmm = vmm_of(p, proc), vcpus = { .what = PATH_VCPU }, *at = tap;
	bool vhost;
	struct path_elem worker = vhost_of(p, d, proc, &vhost);

	if (vhost)
		at = elem_copy(p, at, &worker);
	if (at)
		at = elem_copy(p, at, &vmm);
	vcpus_fill(p, &vcpus, proc);
	if (at && vcpus.ntasks)
		elem_copy(p, at, &vcpus);
}

/* vCPUs -> VMM -> vhost, in front of the tap; the last of them */
static struct path_elem *proc_grow_root(struct path *p, struct host_dev *d, struct host_proc *proc)
{
	struct path_elem vmm = vmm_of(p, proc), vcpus = { .what = PATH_VCPU, .up = true }, *at = NULL;
	bool vhost;
	struct path_elem worker = vhost_of(p, d, proc, &vhost);

	vmm.up = worker.up = true;
	vcpus_fill(p, &vcpus, proc);
	if (vcpus.ntasks)
		at = elem_copy(p, NULL, &vcpus);
	at = elem_copy(p, at, &vmm);
	if (vhost && at)
		at = elem_copy(p, at, &worker);
	return at;
}

static void procs_grow(struct path *p, struct path_elem *tap, struct host_dev *d)
{
	size_t i, j;

	for (i = 0; i < d->ntapqs; i++) {
		for (j = 0; j < i; j++)
			if (d->tapqs[j]->proc == d->tapqs[i]->proc)
				break;
		if (j == i)
			proc_grow(p, tap, d, d->tapqs[i]->proc);
	}
}

/* An address that somebody gave: every interface has a link-local one */
static bool has_address(const struct host_dev *d)
{
	for (size_t i = 0; i < d->naddrs; i++) {
		const struct host_addr *a = &d->addrs[i];

		if (a->family == AF_INET || a->bytes[0] != 0xfe || (a->bytes[1] & 0xc0) != 0x80)
			return true;
	}
	return false;
}

static bool leads_to_nic(const struct host_dev *d, unsigned int depth)
{
	if (!d || depth > 8)
		return false;
	if (d->kind == HOST_NIC)
		return true;
	if (d->kind == HOST_BOND)
		for (size_t i = 0; i < d->nports; i++)
			if (leads_to_nic(d->ports[i], depth + 1))
				return true;
	return leads_to_nic(d->lower, depth + 1);
}

struct step {
	struct path *p;
	struct path_elem *e;
	bool no_nic;
};

static void step_take(void *ctx, struct host_dev *next, bool up)
{
	const struct step *s = ctx;

	if (s->no_nic && !up && leads_to_nic(next, 0))
		return;
	/* back at the begin of this very tree: a loop of cables, not a way */
	for (const struct path_elem *a = s->e; a; a = a->parent)
		if (a->dev == next)
			return;
	path_grow(s->p, s->e, next, up, s->no_nic);
}

struct path_elem *path_grow(struct path *p, struct path_elem *parent, struct host_dev *d, bool up,
			    bool no_nic)
{
	struct path_elem *e = path_elem_add(p, parent, d, up);
	struct step s = { p, e, no_nic };

	if (!e || e->again)
		return e;
	host_next(d, parent ? parent->dev : NULL, up, step_take, &s);
	if (!up && (d->kind == HOST_TAP || d->kind == HOST_TUN))
		procs_grow(p, e, d);
	/* macvtap: what comes up from its lower device goes to its reader */
	if (up && d->kind == HOST_MACVTAP)
		procs_grow(p, e, d);
	else if (up && !d->master && (has_address(d) || (d->kind == HOST_VETH && path_is_end(d))))
		path_stack_add(p, e, d);
	return e;
}

struct path_elem *path_grow_root(struct path *p, struct host_dev *d, bool up, bool no_nic)
{
	struct path_elem *before = NULL;

	if (up && d->ntapqs)
		before = proc_grow_root(p, d, d->tapqs[0]->proc);
	else if (!up && path_is_end(d))
		before = path_stack_add(p, NULL, d);
	return path_grow(p, before, d, up, no_nic);
}

/* --- what is kept ------------------------------------------------------------------------------ */

static bool is_target(const struct path_targets *t, const struct path_elem *e)
{
	for (size_t i = 0; e->dev && e->what != PATH_STACK && i < t->n; i++)
		if (t->devs[i] == e->dev)
			return true;
	return false;
}

static bool has_kept(const struct path_elem *e)
{
	for (const struct path_elem *a = e; a; a = a->parent)
		if (a->keep)
			return true;
	return false;
}

/* below: a target was met on the way from the root. Returns whether it is kept */
static bool keep_mark(struct path_elem *e, const struct path_targets *t, bool below)
{
	bool keep = below || is_target(t, e);
	bool wrong = t->proc && e->proc && e->proc != t->proc;

	for (size_t i = 0; i < e->nnext; i++)
		keep |= keep_mark(e->next[i], t, below || is_target(t, e));
	if (e->again && !keep)
		keep = has_kept(e->again);
	e->keep = keep && !wrong;
	return e->keep;
}

static void drop_others(struct path_elem **list, size_t *n)
{
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++)
		if (list[i]->keep)
			list[kept++] = list[i];
	*n = kept;
	for (size_t i = 0; i < kept; i++)
		drop_others(list[i]->next, &list[i]->nnext);
}

void path_prune(struct path *p, const struct path_targets *t)
{
	for (size_t i = 0; i < p->nroots; i++)
		keep_mark(p->roots[i], t, false);
	drop_others(p->roots, &p->nroots);
}
