// SPDX-License-Identifier: GPL-2.0
/*
 * Two lists between two threads: items (events, and what else happened, in order) from the
 * recorder to the stitching thread, chunks of packets back. Each list is taken as a whole, so the
 * lock is held for a moment only, and by the recorder a few times in a round.
 */
#include "live.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "keeper.h"
#include "reorder.h"

#define BATCH_EVENTS  512
#define CHUNKS_MAX    64 /* that wait to be written: 4 MiB; then the thread waits */
#define UNSTITCHED_NS 2000000000ULL /* before events are handed over again */
#define DOC_EVERY_NS  60000000000ULL /* the counts that a killed recorder leaves are not older */

enum item_kind { ITEM_EVENTS,
		 ITEM_ROUND,
		 ITEM_CHANGES,
		 ITEM_ROLE,
		 ITEM_CUT, /* end what is on its way */
		 ITEM_DOC,
		 ITEM_END };

struct item {
	struct item *next;
	enum item_kind kind;
	unsigned int n; /* EVENTS; ROUND: budget; ROLE: tid */
	enum pl_role_kind role;
	__u64 ns; /* ROUND: begin */
	json_t *changes;
	struct pl_event ev[]; /* EVENTS: BATCH_EVENTS */
};

struct items {
	struct item *first, **last;
};

struct chunk {
	struct chunk *next;
	struct trace_packets *b;
};

struct live {
	struct live_config cfg;
	/* the caller's */
	struct live_stats stats;
	struct item *batch; /* being filled; NULL: none */
	bool unstitched; /* events go into the file as they are */
	__u64 since_ns; /* first event of those */
	__u64 unstitched_ns, now_ns, next_doc_ns;
	__u8 *gap; /* by CPU: its next event that goes into the file comes after others that did not */
	bool running;
	pthread_t thread;
	/* the thread's */
	struct keeper *keeper;
	/* shared, under lock */
	pthread_mutex_t lock;
	pthread_cond_t more, done; /* for the thread: an item, or room; for the caller: anything */
	struct items items;
	struct chunk *chunks, **chunks_last;
	unsigned int nchunks;
	json_t *doc_new;
	bool stop, ended;
	int err;
	__u64 stitched; /* events, atomic */
	bool cut_done; /* atomic: nothing is on its way in the thread */
};

/* --- the thread ----------------------------------------------------------------------------- */

/* Has the type of keeper_config.packets */
static int chunk_put(void *ctx, struct trace_packets *b)
{
	struct chunk *c = malloc(sizeof(*c));
	struct live *l = ctx;

	if (!c) {
		free(b);
		return -ENOMEM;
	}
	*c = (struct chunk){ .b = b };
	pthread_mutex_lock(&l->lock);
	while (l->nchunks >= CHUNKS_MAX)
		pthread_cond_wait(&l->more, &l->lock);
	*l->chunks_last = c;
	l->chunks_last = &c->next;
	l->nchunks++;
	pthread_cond_signal(&l->done);
	pthread_mutex_unlock(&l->lock);
	return 0;
}

static int doc_put(struct live *l)
{
	json_t *doc = keeper_doc(l->keeper), *old;

	if (!doc)
		return -ENOMEM;
	pthread_mutex_lock(&l->lock);
	old = l->doc_new;
	l->doc_new = doc;
	pthread_mutex_unlock(&l->lock);
	json_decref(old);
	return 0;
}

static int events_take(struct live *l, const struct item *it)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < it->n; i++)
		err = keeper_event(l->keeper, &it->ev[i]);
	return err;
}

static int item_take(struct live *l, const struct item *it)
{
	int err;

	switch (it->kind) {
	case ITEM_EVENTS:
		return events_take(l, it);
	case ITEM_ROUND:
		return keeper_round(l->keeper, it->ns, it->n);
	case ITEM_CHANGES:
		return keeper_changes(l->keeper, it->changes);
	case ITEM_ROLE:
		return keeper_role(l->keeper, it->n, it->role);
	case ITEM_DOC:
		return doc_put(l);
	case ITEM_CUT:
	case ITEM_END:
		err = keeper_cut(l->keeper);
		__atomic_store_n(&l->cut_done, true, __ATOMIC_RELEASE);
		return err ? err : doc_put(l);
	}
	return -EINVAL;
}

/* NULL: it is to stop */
static struct item *items_get(struct live *l)
{
	struct item *it;

	pthread_mutex_lock(&l->lock);
	while (!l->items.first && !l->stop)
		pthread_cond_wait(&l->more, &l->lock);
	it = l->stop ? NULL : l->items.first;
	if (l->stop)
		goto out;
	l->items = (struct items){ NULL, &l->items.first };
out:
	pthread_mutex_unlock(&l->lock);
	return it;
}

static void item_free(struct item *it)
{
	json_decref(it->changes);
	free(it);
}

static void end_tell(struct live *l, int err)
{
	pthread_mutex_lock(&l->lock);
	l->ended = true;
	l->err = err;
	pthread_cond_signal(&l->done);
	pthread_mutex_unlock(&l->lock);
}

static void *thread_run(void *ctx)
{
	struct live *l = ctx;
	struct item *it, *next;
	bool end = false;
	int err = 0;

	while (!end && !err) {
		it = items_get(l);
		end = !it;
		for (; it; it = next) {
			next = it->next;
			end |= it->kind == ITEM_END;
			if (!err)
				err = item_take(l, it);
			__atomic_store_n(&l->stitched, keeper_stitched(l->keeper), __ATOMIC_RELEASE);
			item_free(it);
		}
	}
	end_tell(l, err);
	return NULL;
}

/* --- towards the thread --------------------------------------------------------------------- */

static void item_put(struct live *l, struct item *it)
{
	pthread_mutex_lock(&l->lock);
	*l->items.last = it;
	l->items.last = &it->next;
	pthread_cond_signal(&l->more);
	pthread_mutex_unlock(&l->lock);
}

static void batch_put(struct live *l)
{
	if (l->batch)
		item_put(l, l->batch);
	l->batch = NULL;
}

/* What comes after the events so far. The item's other fields are the caller's. NULL: no memory */
static struct item *item_new(struct live *l, enum item_kind kind, unsigned int nevents)
{
	struct item *it = malloc(sizeof(*it) + nevents * sizeof(it->ev[0]));

	batch_put(l);
	if (it)
		*it = (struct item){ .kind = kind };
	return it;
}

static int item_send(struct live *l, enum item_kind kind)
{
	struct item *it = item_new(l, kind, 0);

	if (!it)
		return -ENOMEM;
	item_put(l, it);
	return 0;
}

static __u64 waiting(const struct live *l)
{
	return l->stats.events - __atomic_load_n(&l->stitched, __ATOMIC_ACQUIRE);
}

static int event_send(struct live *l, const struct pl_event *ev)
{
	if (!l->batch)
		l->batch = item_new(l, ITEM_EVENTS, BATCH_EVENTS);
	if (!l->batch)
		return -ENOMEM;
	l->batch->ev[l->batch->n++] = *ev;
	l->stats.events++;
	if (l->batch->n == BATCH_EVENTS) {
		__u64 n = waiting(l);

		l->stats.waiting_max = n > l->stats.waiting_max ? n : l->stats.waiting_max;
		batch_put(l);
	}
	return 0;
}

static int event_write(struct live *l, unsigned int cpu, const struct pl_event *ev)
{
	struct pl_event marked = *ev;

	l->stats.unstitched++;
	if (l->gap[cpu])
		marked.flags |= PL_F_GAP;
	l->gap[cpu] = 0;
	return trace_write_event(l->cfg.trace, cpu, &marked);
}

/* The thread is too far behind: what comes from here on goes into the file */
static int unstitched_begin(struct live *l, __u64 ts)
{
	__atomic_store_n(&l->cut_done, false, __ATOMIC_RELEASE);
	l->unstitched = true;
	l->since_ns = ts;
	/* the file's events are one stream for its reader: not after what the thread got */
	if (l->stats.times++)
		memset(l->gap, 1, l->cfg.cpus);
	return item_send(l, ITEM_CUT);
}

int live_event(struct live *l, unsigned int cpu, const struct pl_event *ev)
{
	int err = 0;

	if (cpu >= l->cfg.cpus)
		return -EINVAL;
	if (!l->unstitched && !(l->stats.events % BATCH_EVENTS) && waiting(l) >= l->cfg.max_events)
		err = unstitched_begin(l, ev->ts);
	if (err)
		return err;
	if (l->unstitched)
		return event_write(l, cpu, ev);
	return event_send(l, ev);
}

/* Between rounds, when the thread is idle and has been left alone for a while */
static void unstitched_end(struct live *l, __u64 now_ns)
{
	if (!l->unstitched || now_ns < l->since_ns + UNSTITCHED_NS || waiting(l) ||
	    !__atomic_load_n(&l->cut_done, __ATOMIC_ACQUIRE))
		return;
	l->unstitched = false;
	l->unstitched_ns += now_ns - l->since_ns;
}

int live_changes(struct live *l, const json_t *changes)
{
	struct item *it = item_new(l, ITEM_CHANGES, 0);

	if (!it)
		return -ENOMEM;
	/* references are counted by both threads: not of the same document */
	it->changes = json_deep_copy(changes);
	if (!it->changes) {
		item_free(it);
		return -ENOMEM;
	}
	item_put(l, it);
	return 0;
}

int live_role(void *ctx, __u32 tid, enum pl_role_kind role)
{
	struct live *l = ctx;
	struct item *it = item_new(l, ITEM_ROLE, 0);

	if (!it)
		return -ENOMEM;
	it->n = tid;
	it->role = role;
	item_put(l, it);
	return 0;
}

/* --- from the thread ------------------------------------------------------------------------ */

static int chunks_write(struct live *l, struct chunk *c)
{
	struct chunk *next;
	int err = 0;

	for (; c; c = next) {
		next = c->next;
		if (!err)
			err = trace_packets_write(l->cfg.trace, c->b);
		free(c->b);
		free(c);
	}
	return err;
}

static int doc_write(struct live *l, json_t *doc)
{
	json_t *packets = json_object_get(doc, "packets"), *unstitched;
	__u64 ns = l->unstitched_ns;
	int err = -ENOMEM;

	if (!doc)
		return 0;
	if (l->unstitched && l->now_ns > l->since_ns)
		ns += l->now_ns - l->since_ns;
	l->stats.seen = json_integer_value(json_object_get(packets, "seen"));
	l->stats.kept = json_integer_value(json_object_get(packets, "kept"));
	unstitched = json_pack("{s:I, s:I, s:I}", "times", (json_int_t)l->stats.times, "events",
			       (json_int_t)l->stats.unstitched, "ns", (json_int_t)ns);
	if (!json_object_set_new(doc, "unstitched", unstitched))
		err = trace_write_doc(l->cfg.trace, TRACE_KEPT, doc);
	json_decref(doc);
	return err;
}

/* Write what there is; wait: until there is something, or the thread has ended */
static int results_take(struct live *l, bool wait, bool *ended)
{
	struct chunk *c;
	json_t *doc;
	int err, werr;

	pthread_mutex_lock(&l->lock);
	while (wait && !l->chunks && !l->ended)
		pthread_cond_wait(&l->done, &l->lock);
	c = l->chunks;
	l->chunks = NULL;
	l->chunks_last = &l->chunks;
	l->nchunks = 0;
	doc = l->doc_new;
	l->doc_new = NULL;
	*ended = l->ended;
	err = l->err;
	pthread_cond_signal(&l->more);
	pthread_mutex_unlock(&l->lock);

	werr = chunks_write(l, c);
	if (!err)
		err = werr;
	werr = doc_write(l, doc);
	return err ? err : werr;
}

int live_round(struct live *l, __u64 begin_ns, unsigned int budget)
{
	struct item *it = item_new(l, ITEM_ROUND, 0);
	bool ended;
	int err = 0;

	if (!it)
		return -ENOMEM;
	it->ns = l->now_ns = begin_ns;
	it->n = budget;
	item_put(l, it);
	unstitched_end(l, begin_ns);
	if (begin_ns >= l->next_doc_ns) {
		l->next_doc_ns = begin_ns + DOC_EVERY_NS;
		err = item_send(l, ITEM_DOC);
	}
	return err ? err : results_take(l, false, &ended);
}

int live_finish(struct live *l)
{
	bool ended = false;
	int err = item_send(l, ITEM_END), one;

	if (err)
		return err;
	while (!ended) {
		one = results_take(l, true, &ended);
		if (!err)
			err = one;
	}
	return err;
}

const struct live_stats *live_stats(const struct live *l)
{
	return &l->stats;
}

/* --- begin and end -------------------------------------------------------------------------- */

int live_new(const struct live_config *cfg, struct live **out)
{
	struct live *l = calloc(1, sizeof(*l));
	struct keeper_config kc = {
		.devices = cfg->devices,
		.tasks = cfg->tasks,
		.cpus = cfg->cpus,
		.slower_than_ns = cfg->slower_than_ns,
		.slack_ns = cfg->slack_ns,
		.selected = cfg->selected,
		.packets = chunk_put,
		.ctx = l,
	};
	int err;

	if (!l)
		return -ENOMEM;
	l->cfg = *cfg;
	if (!l->cfg.max_events)
		l->cfg.max_events = LIVE_EVENTS_MAX;
	l->items.last = &l->items.first;
	l->chunks_last = &l->chunks;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->more, NULL);
	pthread_cond_init(&l->done, NULL);
	l->gap = calloc(cfg->cpus, 1);
	err = l->gap ? keeper_new(&kc, &l->keeper) : -ENOMEM;
	if (!err)
		err = -pthread_create(&l->thread, NULL, thread_run, l);
	if (err) {
		live_free(l);
		return err;
	}
	l->running = true;
	pthread_setname_np(l->thread, "pktlap-stitch");
	*out = l;
	return 0;
}

/* It ends at ITEM_END, at its own error, or when it is told; what it makes meanwhile is not wanted */
static void thread_stop(struct live *l)
{
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	while (!l->ended) {
		l->nchunks = 0;
		pthread_cond_signal(&l->more);
		pthread_cond_wait(&l->done, &l->lock);
	}
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
}

void live_free(struct live *l)
{
	struct item *it, *next;
	struct chunk *c;

	if (!l)
		return;
	if (l->running)
		thread_stop(l);
	for (it = l->items.first; it; it = next) {
		next = it->next;
		item_free(it);
	}
	while ((c = l->chunks)) {
		l->chunks = c->next;
		free(c->b);
		free(c);
	}
	free(l->batch);
	json_decref(l->doc_new);
	keeper_free(l->keeper);
	pthread_cond_destroy(&l->done);
	pthread_cond_destroy(&l->more);
	pthread_mutex_destroy(&l->lock);
	free(l->gap);
	free(l);
}
