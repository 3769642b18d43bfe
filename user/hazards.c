// SPDX-License-Identifier: GPL-2.0
/* Runs the rows of the table and keeps what they found, see hazards.h */
#include "hazards.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hazard_bpf.h"
#include "hazards_int.h"
#include "text.h"
#include "util.h"

static const struct hazard_row rows[HAZARD_NR] = {
#define HAZARD_ROW(row, id, severity, when, looks_at, remedy) \
	[HAZARD_##row] = { id, severity, when, looks_at, remedy },
	HAZARDS(HAZARD_ROW)
#undef HAZARD_ROW
};

static void (*const finders[HAZARD_NR])(struct hazards *h) = {
#define HAZARD_FINDER(row, ...) [HAZARD_##row] = hazard_find_##row,
	HAZARDS(HAZARD_FINDER)
#undef HAZARD_FINDER
};

const struct hazard_row *hazard_row(enum hazard_id id)
{
	return &rows[id];
}

const char *hazard_severity_name(enum hazard_severity severity)
{
	static const char *const names[HAZARD_NR_SEVERITIES] = {
		[HAZARD_NOTE] = "note",
		[HAZARD_DISTORTS] = "distorts",
		[HAZARD_FAULT] = "fault",
	};

	return names[severity];
}

/* -EPERM: no CAP_SYS_ADMIN; then programs cannot be looked at either */
static int prog_ids_note(struct hazards *h)
{
	__u32 id = 0, *more;

	while (!bpf_prog_get_next_id(id, &id)) {
		more = reallocarray(h->prog_ids, h->nprog_ids + 1, sizeof(*more));
		if (!more)
			return -ENOMEM;
		h->prog_ids = more;
		h->prog_ids[h->nprog_ids++] = id;
	}
	return 0;
}

int hazards_new(struct hazards **out)
{
	struct hazards *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return -ENOMEM;
	h->tracefs_fd = h->debugfs_fd = -1;
	err = prog_ids_note(h);
	if (err)
		hazards_free(h);
	else
		*out = h;
	return err;
}

void hazards_free(struct hazards *h)
{
	size_t i;

	if (!h)
		return;
	if (!h->cfg.host) {
		host_free(h->now != h->host ? h->now : NULL);
		host_free(h->host);
	}
	free(h->way);
	for (i = 0; i < h->n; i++) {
		free(h->list[i].subject);
		free(h->list[i].evidence);
	}
	for (i = 0; i < h->ncounters; i++)
		free(h->counters[i].subject);
	if (h->tracefs_fd >= 0)
		close(h->tracefs_fd);
	if (h->debugfs_fd >= 0)
		close(h->debugfs_fd);
	hazard_bpf_free(h->bpf);
	ksyms_free(h->own_ksyms);
	free(h->prog_ids);
	free(h->counters);
	free(h->list);
	free(h);
}

static bool hazard_known(const struct hazards *h, const char *subject, const char *evidence)
{
	size_t i;

	/* the second look may say the same in other words (a counter moved): it is no news */
	for (i = 0; i < h->n; i++)
		if (h->list[i].id == h->row && !strcmp(h->list[i].subject, subject) &&
		    (h->again || !strcmp(h->list[i].evidence, evidence)))
			return true;
	return false;
}

/* Names in it came from outside */
static char *text_copy(const char *s)
{
	size_t size = strlen(s) + 1;
	char *to = malloc(size);

	if (to)
		text_clean(to, size, s);
	return to;
}

void hazard_add(struct hazards *h, const char *subject, const char *evidence, ...)
{
	struct hazard new = { .id = h->row, .during = h->again }, *more;
	char text[1024];
	va_list ap;

	va_start(ap, evidence);
	vsnprintf(text, sizeof(text), evidence, ap);
	va_end(ap);
	new.subject = text_copy(subject);
	new.evidence = text_copy(text);
	more = reallocarray(h->list, h->n + 1, sizeof(*more));
	if (more)
		h->list = more;
	if (!more || !new.subject || !new.evidence) {
		h->err = -ENOMEM;
	} else if (!hazard_known(h, new.subject, new.evidence)) {
		h->list[h->n++] = new;
		return;
	}
	free(new.subject);
	free(new.evidence);
}

/* Thousands of devices have counters each: two numbers are compared before two names are */
static __u32 counter_hash(const char *subject, const char *what)
{
	__u32 n = 2166136261U;

	for (; *subject; subject++)
		n = (n ^ (unsigned char)*subject) * 16777619U;
	for (; *what; what++)
		n = (n ^ (unsigned char)*what) * 16777619U;
	return n;
}

void hazard_count(struct hazards *h, const char *subject, const char *what, __u64 value)
{
	struct hazard_counter new = {
		.id = h->row, .hash = counter_hash(subject, what), .what = what, .first = value, .last = value
	};
	struct hazard_counter *more;
	size_t i;

	for (i = 0; i < h->ncounters; i++) {
		struct hazard_counter *c = &h->counters[i];

		if (c->hash != new.hash || c->id != h->row || strcmp(c->subject, subject) || strcmp(c->what, what))
			continue;
		c->last = value;
		return;
	}
	/* what appears later has no growth that is known */
	if (h->again)
		return;
	new.subject = strdup(subject);
	more = reallocarray(h->counters, h->ncounters + 1, sizeof(*more));
	if (more)
		h->counters = more;
	if (!more || !new.subject) {
		free(new.subject);
		h->err = -ENOMEM;
		return;
	}
	h->counters[h->ncounters++] = new;
}

/* One finding for each subject: "dropped 12, requeued 3 while pktlap looked" */
static void growth_add(struct hazards *h)
{
	char text[512];
	size_t i, j, n;

	for (i = 0; i < h->ncounters; i++) {
		const struct hazard_counter *c = &h->counters[i];

		n = 0;
		for (j = i; j < h->ncounters; j++) {
			const struct hazard_counter *d = &h->counters[j];

			if (d->last <= d->first || d->id != c->id || strcmp(d->subject, c->subject))
				continue;
			if (n < sizeof(text))
				n += snprintf(text + n, sizeof(text) - n, "%s%s %llu", n ? ", " : "",
					      d->what, d->last - d->first);
		}
		h->row = c->id;
		if (n)
			hazard_add(h, c->subject, "%s while pktlap looked", text);
	}
}

static void look(struct hazards *h, bool (*wanted)(const struct hazards *h, unsigned int when))
{
	int id;

	for (id = 0; id < HAZARD_NR; id++) {
		if (!wanted(h, rows[id].when))
			continue;
		h->row = id;
		finders[id](h);
	}
}

static bool wanted_first(const struct hazards *h, unsigned int when)
{
	return !(when & HAZARD_SLOW) || h->cfg.slow;
}

static bool wanted_again(const struct hazards *h, unsigned int when)
{
	(void)h;
	return when & (HAZARD_AGAIN | HAZARD_GROWS);
}

/* The devices of the way in the snapshot of now; a name that is gone leads nowhere */
static int way_find(struct hazards *h)
{
	struct host_dev **more;
	struct host_way way;
	bool several;
	size_t i;
	int err = 0;

	free(h->way);
	h->way = NULL;
	h->nway = 0;
	for (i = 0; !err && i < h->cfg.nnames; i++) {
		struct host_dev *dev = host_find(h->now, h->cfg.names[i], &several);

		if (!dev)
			continue;
		err = host_way(h->now, dev, &way);
		if (err)
			break;
		more = reallocarray(h->way, h->nway + way.ndevs + 1, sizeof(*more));
		if (more) {
			memcpy(more + h->nway, way.devs, way.ndevs * sizeof(*more));
			h->way = more;
			h->nway += way.ndevs;
		} else {
			err = -ENOMEM;
		}
		host_way_free(&way);
	}
	return err;
}

/* A snapshot for the look that begins */
static int host_look(struct hazards *h)
{
	int err;

	h->now = h->cfg.host;
	err = h->now ? 0 : host_scan(&h->now);
	return err ? err : way_find(h);
}

int hazards_look(struct hazards *h, const struct hazard_config *cfg, const struct ksyms *k)
{
	h->cfg = *cfg;
	h->ksyms = k;
	h->err = host_look(h);
	if (h->err)
		return h->err;
	h->host = h->now;
	look(h, wanted_first);
	/* symbols and programs are not looked at again; they are the caller's, or large */
	h->ksyms = NULL;
	hazard_bpf_free(h->bpf);
	h->bpf = NULL;
	return h->err;
}

int hazards_look_again(struct hazards *h)
{
	int err;

	/* without a first look nothing can be said to have come up since */
	if (!h->host)
		return -ENODATA;
	err = host_look(h);
	if (err)
		return err;
	h->again = true;
	look(h, wanted_again);
	growth_add(h);
	return h->err;
}

bool hazards_known(const struct hazards *h)
{
	return h->host;
}

size_t hazards_count(const struct hazards *h, enum hazard_severity severity)
{
	size_t i, n = 0;

	for (i = 0; i < h->n; i++)
		n += rows[h->list[i].id].severity == severity;
	return n;
}

static json_t *hazard_doc(const struct hazard *z)
{
	const struct hazard_row *row = &rows[z->id];

	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:s}", "id", row->id, "severity",
			 hazard_severity_name(row->severity), "when", z->during ? "during" : "start",
			 "subject", json_text(z->subject), "evidence", json_text(z->evidence),
			 "remedy", row->remedy);
}

json_t *hazards_doc(const struct hazards *h)
{
	json_t *doc = json_array();
	int severity, id;
	size_t i;

	for (severity = HAZARD_NR_SEVERITIES - 1; severity >= 0; severity--)
		for (id = 0; id < HAZARD_NR; id++)
			for (i = 0; i < h->n; i++)
				if (h->list[i].id == (enum hazard_id)id &&
				    rows[id].severity == (enum hazard_severity)severity &&
				    json_array_append_new(doc, hazard_doc(&h->list[i]))) {
					json_decref(doc);
					return NULL;
				}
	return doc;
}

json_t *hazards_table_doc(void)
{
	json_t *doc = json_array();
	int id;

	for (id = 0; id < HAZARD_NR; id++)
		json_array_append_new(doc, json_pack("{s:s, s:s, s:s, s:s}", "id", rows[id].id,
						     "severity", hazard_severity_name(rows[id].severity),
						     "looks_at", rows[id].looks_at, "remedy", rows[id].remedy));
	return doc;
}
