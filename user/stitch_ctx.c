// SPDX-License-Identifier: GPL-2.0
/* What is known of CPUs, tasks and devices while the stream goes by */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stitch_int.h"

struct cpu_ctx *cpu_ctx(struct stitch *s, unsigned int cpu)
{
	struct cpu_ctx *c = s->cpu[cpu];

	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c) {
		s->err = -ENOMEM;
		return NULL;
	}
	list_init(&c->merged);
	list_init(&c->splits);
	s->cpu[cpu] = c;
	return c;
}

void cpu_reset(struct stitch *s, struct cpu_ctx *c)
{
	int i;

	for (i = 0; i < IRQ_SLOTS; i++)
		c->irq[i].state = IRQ_FREE;
	c->irq_last = NULL;
	memset(c->done, 0, sizeof(c->done));
	c->softirq.on = c->poll.on = c->poll_irq.on = c->poll_raise.on = false;
	c->last_gro = c->last_tap = (struct flight_ref){};
	c->last_up = c->queued = c->readied = (struct flight_ref){};
	c->sending_skb = 0;
	c->ready.on = false;
	c->injector = NULL;
	list_end(s, &c->merged);
	list_end(s, &c->splits);
}

void cpu_ctxs_free(struct stitch *s)
{
	int i;

	for (i = 0; i < CPUS_MAX; i++)
		free(s->cpu[i]);
}

static struct task_ctx **task_slot(struct task_ctx **table, size_t size, __u32 tid)
{
	size_t i = slot_of(tid, size);

	while (table[i] && table[i]->tid != tid)
		i = (i + 1) & (size - 1);
	return &table[i];
}

static int tasks_grow(struct stitch *s)
{
	size_t size = s->task_size ? s->task_size * 2 : 256, i;
	struct task_ctx **table = calloc(size, sizeof(*table));

	if (!table)
		return -ENOMEM;
	for (i = 0; i < s->task_size; i++)
		if (s->task[i])
			*task_slot(table, size, s->task[i]->tid) = s->task[i];
	free(s->task);
	s->task = table;
	s->task_size = size;
	return 0;
}

static struct task_ctx *task_new(struct stitch *s, __u32 tid)
{
	struct task_ctx *t;

	if (s->ntasks >= TASKS_MAX)
		return NULL;
	if (s->ntasks * 2 >= s->task_size && tasks_grow(s))
		goto nomem;
	t = calloc(1, sizeof(*t));
	if (!t)
		goto nomem;
	t->tid = tid;
	t->is_vhost = names_role(s->cfg.names, tid) == PL_ROLE_VHOST;
	t->is_vmm = names_role(s->cfg.names, tid) == PL_ROLE_VMM;
	list_init(&t->batch);
	list_init(&t->used);
	list_init(&t->pending);
	list_init(&t->took);
	*task_slot(s->task, s->task_size, tid) = t;
	s->ntasks++;
	return t;
nomem:
	s->err = -ENOMEM;
	return NULL;
}

void stitch_names_changed(struct stitch *s)
{
	enum pl_role_kind role;
	size_t i;

	memset(s->dev_cache, 0, sizeof(s->dev_cache));
	for (i = 0; i < s->task_size; i++) {
		if (!s->task[i])
			continue;
		role = names_role(s->cfg.names, s->task[i]->tid);
		s->task[i]->is_vhost |= role == PL_ROLE_VHOST;
		s->task[i]->is_vmm |= role == PL_ROLE_VMM;
	}
}

bool task_known(const struct stitch *s, __u32 tid)
{
	return tid && s->task_size && *task_slot(s->task, s->task_size, tid);
}

struct task_ctx *task_ctx(struct stitch *s, __u32 tid)
{
	struct task_ctx *t = NULL;

	/* the idle tasks, one for each CPU, are all of tid 0: nothing can be known of "it" */
	if (!tid)
		return NULL;
	if (s->task_size)
		t = *task_slot(s->task, s->task_size, tid);
	return t ? t : task_new(s, tid);
}

/* Packets of a list whose next hop may be among the lost events */
static void list_end_missed(struct stitch *s, struct list *list, __u64 gap_ts)
{
	struct list *l, *next;

	for (l = list->next; l != list; l = next) {
		next = l->next;
		if (flight_of(l)->last_ts < gap_ts)
			flight_end_broken(s, flight_of(l));
	}
}

/*
 * Events were lost on the CPU where the task was, or on the one where it is now. What it copied,
 * told or handed to the tap may be joined to the wrong batch from here on.
 */
static void task_missed(struct stitch *s, struct task_ctx *t, __u64 gap_ts)
{
	t->gap_ts = gap_ts;
	list_end_missed(s, &t->batch, gap_ts);
	list_end_missed(s, &t->used, gap_ts);
	list_end_missed(s, &t->pending, gap_ts);
	list_end_missed(s, &t->took, gap_ts);
	t->app_run.on = t->wrote.on = false;
	t->told = TOLD_OTHER;
	tx_give_up(s, t);
	t->fetch_unsure = true;
	t->nfetch = 0;
	t->kick = (struct kick){};
	t->exit.on = t->ioeventfd.on = t->get.on = t->tx.on = t->tx_run.on = false;
	t->rx.on = t->rx_run.on = false;
}

/*
 * A task that moved, or may have been elsewhere, soon after events were lost: its last ones on
 * the other CPU may be among them.
 */
static bool moved_in_doubt(const struct stitch *s, const struct task_ctx *t,
			   const struct pl_event *ev, bool switched_in)
{
	return (t->last_cpu != ev->cpu || switched_in) && gap_in_doubt(s);
}

static struct task_ctx *task_at(struct stitch *s, const struct pl_event *ev, bool switched_in)
{
	struct task_ctx *t = task_ctx(s, ev->tid);
	__u64 gap_ts = s->c->gap_ts;

	if (!t)
		return NULL;
	if (moved_in_doubt(s, t, ev, switched_in)) {
		task_missed(s, t, s->now);
	} else if (gap_since(s, t->last_cpu, t->last_ts)) {
		if (s->cpu[t->last_cpu] && s->cpu[t->last_cpu]->gap_ts > gap_ts)
			gap_ts = s->cpu[t->last_cpu]->gap_ts;
		task_missed(s, t, gap_ts);
	}
	t->last_cpu = ev->cpu;
	t->last_ts = ev->ts;
	return t;
}

struct task_ctx *task_of(struct stitch *s, const struct pl_event *ev)
{
	return task_at(s, ev, false);
}

struct task_ctx *task_switched_in(struct stitch *s, const struct pl_event *ev)
{
	return task_at(s, ev, true);
}

void tasks_give_up(struct stitch *s)
{
	size_t i;

	for (i = 0; i < s->task_size; i++)
		if (s->task[i])
			tx_give_up(s, s->task[i]);
}

void task_ctxs_free(struct stitch *s)
{
	size_t i;

	for (i = 0; i < s->task_size; i++) {
		if (!s->task[i])
			continue;
		free(s->task[i]->send);
		free(s->task[i]->fetch);
		free(s->task[i]);
	}
	free(s->task);
}

static void dev_look_up(struct stitch *s, struct dev_cache *d, const struct pl_event *ev)
{
	int dev = names_dev(s->cfg.names, ev->netns, ev->ifindex, ev->ts, &d->span);

	if (dev < 0) {
		s->err = dev;
		dev = 0;
	}
	d->netns = ev->netns;
	d->ifindex = ev->ifindex;
	d->dev = dev;
	d->kind = names_dev_kind(s->cfg.names, dev);
	d->on = true;
}

__u16 dev_of(struct stitch *s, const struct pl_event *ev, enum pl_dev_kind *kind)
{
	struct dev_cache *d = &s->dev_cache[(ev->ifindex ^ ev->netns) % DEV_CACHE];

	if (!d->on || d->ifindex != ev->ifindex || d->netns != ev->netns ||
	    ev->ts < d->span.from || ev->ts >= d->span.to)
		dev_look_up(s, d, ev);
	if (kind)
		*kind = d->kind;
	return d->dev;
}

struct sighting sighting_of(struct stitch *s, const struct pl_event *ev, enum pl_hop hop)
{
	return (struct sighting){
		.ts = ev->ts,
		.tid = ev->tid,
		.len = ev->len,
		.arg = ev->arg,
		.vlan = ev->flags & PL_F_SOCK ? ev->queue : ev->vlan,
		.dev = ev->ifindex ? dev_of(s, ev, NULL) : 0,
		.cpu = ev->cpu,
		.hop = hop,
		.hook = ev->hook,
		.flags = ev->flags,
		.queue = ev->queue,
	};
}

void maybe_set(struct stitch *s, struct maybe *m, const struct pl_event *ev, enum pl_hop hop)
{
	m->on = true;
	m->s = sighting_of(s, ev, hop);
}
