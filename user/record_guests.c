// SPDX-License-Identifier: GPL-2.0
/* Of record: the guests' part in each phase of a recording */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent_proto.h"
#include "filter.h"
#include "record_int.h"
#include "util.h"

/* As libpcap has compiled it */
static json_t *filter_code_doc(const struct filter *f)
{
	json_t *code = json_array();
	size_t i;

	for (i = 0; i < f->nclassic; i++)
		json_array_append_new(code, json_integer((json_int_t)f->classic[i]));
	return code;
}

static const char *user_text(const struct record_config *cfg)
{
	return cfg->filter_text ? cfg->filter_text : "";
}

/*
 * A channel's own packets are not to be recorded: more of them would follow. Takes text, returns
 * what is to be freed in its place; NULL: no memory
 */
static char *text_without(char *text, const char *own)
{
	char expr[512], *more = NULL;

	if (!text || agent_own_filter(own, expr, sizeof(expr)))
		return text;
	if (asprintf(&more, *text ? "(%s) and %s" : "%s%s", text, expr) < 0)
		more = NULL;
	free(text);
	return more;
}

/* What was not asked for by the user is not his to mend: without it, his own packets are recorded */
static int filter_compile_own(const char *text, struct filter **out)
{
	struct filter_error why = {};
	int err = filter_new(text, out, &why);

	if (err)
		msg_error("the guests' own connections cannot be left out: %s",
			  err == -EINVAL || err == -E2BIG ? why.why : strerror(-err));
	return err;
}

/* What a guest is asked for, see AGENT_START. Devices are the host's: an agent is told its own */
static json_t *start_doc(void *ctx, size_t i, const char *own)
{
	const struct recorder *r = ctx;
	const struct record_config *cfg = r->cfg;
	const struct filter *f = cfg->filter;
	struct filter *with_own = NULL;
	json_t *doc = NULL;
	char *text;

	(void)i;
	text = text_without(strdup(user_text(cfg)), own);
	if (!text) {
		msg_error("no memory");
		return NULL;
	}
	if (strcmp(text, user_text(cfg))) {
		if (filter_compile_own(text, &with_own))
			goto out;
		f = with_own;
	}
	doc = json_object();
	if (cfg->hops)
		json_object_set_new(doc, "hops", json_text(cfg->hops));
	if (f) {
		json_object_set_new(doc, "filter", json_text(text));
		json_object_set_new(doc, "filter_code", filter_code_doc(f));
	}
	if (cfg->sample)
		json_object_set_new(doc, "sample", json_integer(cfg->sample));
	if (cfg->follow_nat)
		json_object_set_new(doc, "follow_nat", json_true());
	if (cfg->ring_bytes)
		json_object_set_new(doc, "buffer", json_integer(cfg->ring_bytes));
out:
	free(with_own);
	free(text);
	return doc;
}

/* The host's own filter leaves out the connections of all guests' channels */
static int host_filter(struct recorder *r)
{
	char *text = strdup(user_text(r->cfg));
	size_t i;

	for (i = 0; i < guests_count(r->guests); i++)
		text = text_without(text, guest_own(r->guests, i));
	if (!text) {
		msg_error("no memory");
		return -ENOMEM;
	}
	if (!strcmp(text, user_text(r->cfg))) {
		free(text);
		return 0;
	}
	r->filter_text = text;
	return filter_compile_own(text, &r->filter);
}

/* Until none is in this state any more, or the user has had enough: -EINTR */
static int guests_wait(struct recorder *r, enum guest_state state)
{
	int err = guests_work(r->guests);

	while (!err && !r->end && guests_in(r->guests, state)) {
		err = poller_wait(&r->poller, -1); /* the timer ends it */
		if (!err && r->trace)
			err = record_drain(r);
		if (!err)
			err = guests_work(r->guests);
	}
	return err ? err : r->end ? -EINTR
				  : 0;
}

int record_guests_open(struct recorder *r)
{
	int err;

	if (!r->cfg->nguests)
		return 0;
	err = guests_open(r->cfg->guests, r->cfg->nguests, start_doc, r, &r->poller, &r->guests);
	if (err)
		return err;
	err = guests_wait(r, GUEST_HELLO);
	if (err == -EINTR)
		msg_error("interrupted before all guests have answered");
	return err ? err : host_filter(r);
}

int record_guests_ready(struct recorder *r)
{
	int err = guests_wait(r, GUEST_STARTING);

	if (err == -EINTR)
		msg_error("interrupted before all guests were ready");
	return err;
}

/* The end has a reason already; another signal means: do not wait */
static int guests_wait_end(struct recorder *r, enum guest_state state)
{
	const char *why = r->end;
	int err;

	if (!r->guests)
		return 0;
	r->end = NULL;
	err = guests_wait(r, state);
	r->end = why;
	return err == -EINTR ? guests_give_up(r->guests) : err;
}

int record_guests_stop(struct recorder *r)
{
	if (!r->guests)
		return 0;
	guests_stop(r->guests);
	return guests_wait_end(r, GUEST_READY);
}

int record_guests_end(struct recorder *r)
{
	return guests_wait_end(r, GUEST_STOPPING);
}
