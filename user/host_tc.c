// SPDX-License-Identifier: GPL-2.0
/* Queueing disciplines and filters by rtnetlink */
#include "host_int.h"

#include <errno.h>
#include <linux/gen_stats.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <string.h>

static void stats_read(struct host_qdisc *q, const struct nlattr *stats)
{
	const struct nlattr *tb[TCA_STATS_MAX + 1];
	struct gnet_stats_basic basic;
	struct gnet_stats_queue queue;

	nl_nested(stats, tb, TCA_STATS_MAX);
	nl_copy(tb[TCA_STATS_BASIC], &basic, sizeof(basic));
	nl_copy(tb[TCA_STATS_QUEUE], &queue, sizeof(queue));
	q->bytes = basic.bytes;
	q->packets = tb[TCA_STATS_PKT64] ? nl_u64(tb[TCA_STATS_PKT64]) : basic.packets;
	q->qlen = queue.qlen;
	q->backlog = queue.backlog;
	q->drops = queue.drops;
	q->requeues = queue.requeues;
	q->overlimits = queue.overlimits;
}

static int qdisc_msg(const struct nlmsghdr *nlh, void *ctx)
{
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[TCA_MAX + 1];
	struct host_scan *s = ctx;
	struct host_dev *d = host_find_index(s->h, s->ns, tcm->tcm_ifindex);
	struct host_qdisc *q;
	const char *kind;

	nl_attrs(nlh, sizeof(*tcm), tb, TCA_MAX);
	kind = nl_str(tb[TCA_KIND]);
	if (!d || !*kind)
		return MNL_CB_OK;
	if (!strcmp(kind, "clsact") || !strcmp(kind, "ingress")) {
		d->clsact = s->has_clsact = true;
		return MNL_CB_OK;
	}
	q = host_add(s->h, d->qdiscs, d->nqdiscs);
	if (!q)
		return MNL_CB_OK;
	q->kind = arena_printf(&s->h->mem, "%s", kind);
	q->params = host_qdisc_params(s->h, kind, tb[TCA_OPTIONS]);
	q->handle = tcm->tcm_handle;
	q->parent = tcm->tcm_parent;
	q->up = -1;
	stats_read(q, tb[TCA_STATS2]);
	return MNL_CB_OK;
}

/* A child's parent is a class, whose major number is the parent's handle */
static void qdiscs_join(struct host_dev *d)
{
	size_t last = 0;

	for (size_t i = 0; i < d->nqdiscs; i++) {
		struct host_qdisc *q = &d->qdiscs[i];

		if (q->parent == TC_H_ROOT || !TC_H_MAJ(q->parent))
			continue;
		/* children of one parent come one after the other */
		if (d->qdiscs[last].handle != TC_H_MAJ(q->parent))
			for (last = 0; last < d->nqdiscs; last++)
				if (d->qdiscs[last].handle == TC_H_MAJ(q->parent))
					break;
		if (last < d->nqdiscs)
			q->up = last;
		else
			last = 0;
	}
}

/* Where a mirred action among the filter's actions sends packets */
static __u32 actions_redirect(const struct nlattr *actions)
{
	const struct nlattr *act, *tb[TCA_ACT_MAX + 1], *parms[TCA_MIRRED_MAX + 1];
	struct tc_mirred m;

	if (!actions)
		return 0;
	mnl_attr_for_each_nested(act, actions)
	{
		nl_nested(act, tb, TCA_ACT_MAX);
		if (strcmp(nl_str(tb[TCA_ACT_KIND]), "mirred"))
			continue;
		nl_nested(tb[TCA_ACT_OPTIONS], parms, TCA_MIRRED_MAX);
		if (nl_copy(parms[TCA_MIRRED_PARMS], &m, sizeof(m)))
			return m.ifindex;
	}
	return 0;
}

struct filter_dump {
	struct host_scan *s;
	struct host_dev *d;
	enum host_hook hook;
};

static void filter_options(struct host_prog *p, const char *kind, const struct nlattr *options)
{
	static const struct {
		const char *kind;
		int actions;
	} kinds[] = {
		{ "bpf", TCA_BPF_ACT },
		{ "u32", TCA_U32_ACT },
		{ "flower", TCA_FLOWER_ACT },
		{ "matchall", TCA_MATCHALL_ACT },
		{ "fw", TCA_FW_ACT },
		{ "basic", TCA_BASIC_ACT },
	};
	const struct nlattr *tb[TCA_FLOWER_MAX + 1]; /* the largest of them */

	nl_nested(options, tb, TCA_FLOWER_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kind, kinds[i].kind))
			p->redirect = actions_redirect(tb[kinds[i].actions]);
	if (!strcmp(kind, "bpf"))
		p->direct_action = nl_u32(tb[TCA_BPF_FLAGS]) & TCA_BPF_FLAG_ACT_DIRECT;
}

static int filter_msg(const struct nlmsghdr *nlh, void *ctx)
{
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[TCA_MAX + 1], *bpf[TCA_BPF_MAX + 1];
	struct filter_dump *f = ctx;
	struct host_prog *p;
	const char *kind;
	__u32 id = 0;

	nl_attrs(nlh, sizeof(*tcm), tb, TCA_MAX);
	kind = nl_str(tb[TCA_KIND]);
	/* the kernel also tells of the empty heads of chains and of hash tables: no handle */
	if (!*kind || !tcm->tcm_handle || !tb[TCA_OPTIONS])
		return MNL_CB_OK;
	if (!strcmp(kind, "u32") && !TC_U32_NODE(tcm->tcm_handle))
		return MNL_CB_OK;
	if (!strcmp(kind, "bpf")) {
		nl_nested(tb[TCA_OPTIONS], bpf, TCA_BPF_MAX);
		id = nl_u32(bpf[TCA_BPF_ID]);
	}
	p = host_prog_add(f->s->h, f->d, f->hook, id);
	if (!p)
		return MNL_CB_OK;
	p->filter = arena_printf(&f->s->h->mem, "%s", kind);
	if (!id)
		p->name = p->filter;
	p->prio = TC_H_MAJ(tcm->tcm_info) >> 16;
	p->handle = tcm->tcm_handle;
	filter_options(p, kind, tb[TCA_OPTIONS]);
	p->to = p->redirect ? host_find_index(f->s->h, f->s->ns, p->redirect) : NULL;
	return MNL_CB_OK;
}

static void filters_read(struct host_scan *s, struct host_dev *d)
{
	static const struct {
		enum host_hook hook;
		__u32 parent;
	} places[] = {
		{ HOST_TC_INGRESS, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS) },
		{ HOST_TC_EGRESS, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct filter_dump f = { s, d, places[i].hook };
		struct nlmsghdr *nlh;
		struct tcmsg *tcm;
		char buf[NL_BYTES];

		nlh = nl_request(buf, RTM_GETTFILTER, NLM_F_DUMP, sizeof(*tcm), &tcm);
		tcm->tcm_ifindex = d->ifindex;
		tcm->tcm_parent = places[i].parent;
		nl_call(&s->nl, nlh, filter_msg, &f);
	}
}

int host_tc_read(struct host_scan *s)
{
	struct nlmsghdr *nlh;
	struct tcmsg *tcm;
	char buf[NL_BYTES];
	int err;

	nlh = nl_request(buf, RTM_GETQDISC, NLM_F_DUMP, sizeof(*tcm), &tcm);
	err = nl_call(&s->nl, nlh, qdisc_msg, s);
	if (err)
		host_remark(s->h, "queueing disciplines could not be read: %s", strerror(-err));
	for (size_t i = 0; i < s->ns->ndevs; i++) {
		struct host_dev *d = s->h->devs[s->ns->first + i];

		qdiscs_join(d);
		if (d->clsact)
			filters_read(s, d);
		host_tcx_read(s, d);
	}
	return err == -ENOMEM ? err : 0;
}
