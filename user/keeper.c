// SPDX-License-Identifier: GPL-2.0
#include "keeper.h"

#include <errno.h>
#include <stdlib.h>

#include "reorder.h"
#include "totals.h"

#define GIVE_OUT_NS 1000000000ULL /* what a crash may cost at most */

struct keeper {
	struct keeper_config cfg;
	struct names *names;
	struct reorder *reorder;
	struct stitch *stitch; /* NULL: no event since the last cut */
	struct totals *totals;
	struct trace_packets *chunk; /* NULL: none begun */
	__u64 chunk_ns; /* time of the round in which it was seen first; 0: not yet */
	__u64 id_base; /* packets of stitchers before this one */
	__u64 stitched;
	__u64 until_ns;
};

static int chunk_give(struct keeper *k)
{
	struct trace_packets *b = k->chunk;

	k->chunk = NULL;
	k->chunk_ns = 0;
	return b ? k->cfg.packets(k->cfg.ctx, b) : 0;
}

static int packet_keep(struct keeper *k, const struct packet *p)
{
	int err;

	if (k->chunk && trace_packets_add(k->chunk, p, k->names))
		return 0;
	err = chunk_give(k);
	if (err)
		return err;
	k->chunk = malloc(sizeof(*k->chunk));
	if (!k->chunk)
		return -ENOMEM;
	k->chunk->used = k->chunk->n = 0;
	return trace_packets_add(k->chunk, p, k->names) ? 0 : -EMSGSIZE;
}

static int on_packet(void *ctx, const struct packet *p)
{
	struct keeper *k = ctx;
	bool keep = totals_keeps(p, k->cfg.slower_than_ns);
	struct packet copy;
	int err;

	if (k->id_base) {
		packet_copy_as(&copy, p, p->id + k->id_base);
		p = &copy;
	}
	err = totals_add(k->totals, p, keep);
	return err || !keep ? err : packet_keep(k, p);
}

static int on_event(void *ctx, const struct pl_event *ev)
{
	struct keeper *k = ctx;
	struct stitch_config cfg = {
		.selected = k->cfg.selected,
		.names = k->names,
		.packet = on_packet,
		.ctx = k,
	};
	int err = k->stitch ? 0 : stitch_new(&cfg, &k->stitch);

	k->stitched++;
	if (ev->ts > k->until_ns)
		k->until_ns = ev->ts;
	return err ? err : stitch_event(k->stitch, ev);
}

int keeper_new(const struct keeper_config *cfg, struct keeper **out)
{
	struct keeper *k = calloc(1, sizeof(*k));
	struct reorder_config rc = {
		.cpus = cfg->cpus,
		.slack_ns = cfg->slack_ns,
		.event = on_event,
		.ctx = k,
	};
	int err;

	if (!k)
		return -ENOMEM;
	k->cfg = *cfg;
	err = names_new(cfg->devices, cfg->tasks, NULL, &k->names);
	if (!err)
		err = reorder_new(&rc, &k->reorder);
	if (!err)
		err = totals_new(&k->totals);
	if (err) {
		keeper_free(k);
		return err;
	}
	k->cfg.devices = k->cfg.tasks = NULL;
	*out = k;
	return 0;
}

void keeper_free(struct keeper *k)
{
	if (!k)
		return;
	free(k->chunk);
	if (k->stitch)
		stitch_free(k->stitch);
	totals_free(k->totals);
	reorder_free(k->reorder);
	names_free(k->names);
	free(k);
}

int keeper_event(struct keeper *k, const struct pl_event *ev)
{
	return reorder_push(k->reorder, ev);
}

int keeper_round(struct keeper *k, __u64 begin_ns, unsigned int budget)
{
	int err = reorder_round(k->reorder, begin_ns, budget);

	if (err || !k->chunk)
		return err;
	if (!k->chunk_ns)
		k->chunk_ns = begin_ns;
	return begin_ns - k->chunk_ns >= GIVE_OUT_NS ? chunk_give(k) : 0;
}

int keeper_cut(struct keeper *k)
{
	int err = reorder_finish(k->reorder);

	if (!err && k->stitch) {
		err = stitch_finish(k->stitch);
		stitch_stats_add(&k->totals->stitch, stitch_stats(k->stitch));
		stitch_free(k->stitch);
		k->stitch = NULL;
		k->id_base = k->totals->last_id;
	}
	return err ? err : chunk_give(k);
}

int keeper_changes(struct keeper *k, const json_t *changes)
{
	int err = names_changes_add(k->names, changes);

	if (!err && k->stitch)
		stitch_names_changed(k->stitch);
	return err;
}

int keeper_role(struct keeper *k, __u32 tid, enum pl_role_kind role)
{
	const char *comm = names_comm(k->names, tid);
	int err;

	if (names_role(k->names, tid) == role)
		return 0;
	err = names_task_set(k->names, tid, comm ? comm : "", role);
	if (!err && k->stitch)
		stitch_names_changed(k->stitch);
	return err;
}

__u64 keeper_stitched(const struct keeper *k)
{
	return k->stitched;
}

json_t *keeper_doc(const struct keeper *k)
{
	struct totals now = *k->totals;
	json_t *doc;

	/* what the stitcher at work has counted so far; it is added to the totals when it ends */
	if (k->stitch)
		stitch_stats_add(&now.stitch, stitch_stats(k->stitch));
	now.late = reorder_late(k->reorder);
	doc = totals_doc(&now, k->names);
	if (!doc || json_object_set_new(doc, "slower_than_ns", json_integer((json_int_t)k->cfg.slower_than_ns)) ||
	    json_object_set_new(doc, "until_ns", json_integer((json_int_t)k->until_ns)) ||
	    json_object_set_new(doc, "hops", trace_packets_hops())) {
		json_decref(doc);
		return NULL;
	}
	return doc;
}
