// SPDX-License-Identifier: GPL-2.0
/* From recordings to packets, see pipeline.h */
#include "pipeline.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace_packets.h"
#include "util.h"

#define JOIN_EVERY_NS 10000000 /* of the stream's time: how often held packets are looked at */

enum { OPT_TIMEOUT = 0x200,
       OPT_MAX_IN_FLIGHT,
       OPT_CLOCK };

static const struct argp_option options[] = {
	{ "timeout", OPT_TIMEOUT, "TIME", 0,
	  "A packet that is not seen for TIME has ended (5s, 200ms; default 30s)", 1 },
	{ "max-in-flight", OPT_MAX_IN_FLIGHT, "N", 0,
	  "Packets to keep in memory at a time (default 262144)", 1 },
	{ "clock", OPT_CLOCK, "METHOD", 0,
	  "How the clocks of guests and other hosts are related to the first host's: same-kernel, "
	  "ptp_kvm, tsc, exchange or realtime (default: the first of these that there is and that the "
	  "packets do not disprove)",
	  1 },
	{ 0 },
};

static void path_add(struct argp_state *state, struct pipeline_config *cfg, const char *path)
{
	if (!cfg->path)
		cfg->path = path;
	else if (cfg->nmore < PIPELINE_FILES_MAX - 1)
		cfg->more[cfg->nmore++] = path;
	else
		argp_error(state, "more than %d recordings at a time", PIPELINE_FILES_MAX);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct pipeline_config *cfg = state->input;
	__u64 n;

	switch (key) {
	case OPT_TIMEOUT:
		if (parse_duration(arg, &cfg->timeout_ns) || !cfg->timeout_ns)
			argp_error(state, "--timeout: not a time above 0: %s", arg);
		return 0;
	case OPT_MAX_IN_FLIGHT:
		if (parse_u64(arg, &n) || !n || n > UINT32_MAX)
			argp_error(state, "--max-in-flight: not a number above 0: %s", arg);
		cfg->max_in_flight = n;
		return 0;
	case OPT_CLOCK:
		if (clock_method_by_name(arg) == CLOCK_NONE)
			argp_error(state, "--clock: no method %s (see --help)", arg);
		cfg->clock = arg;
		return 0;
	case ARGP_KEY_ARG:
		path_add(state, cfg, arg);
		return 0;
	case ARGP_KEY_END:
		if (!cfg->path)
			cfg->path = "pktlap.data";
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp pipeline_argp = { options, parse, "[FILE...]", NULL, NULL, NULL, NULL };

static int failed(const struct pipeline *p, int err)
{
	msg_error("%s: %s", p->cfg.path, err == -ENOMEM ? "out of memory" : strerror(-err));
	return err;
}

/* --- opening --------------------------------------------------------------------------------- */

static int file_open(struct pipeline *p, const char *path)
{
	char why[512] = "";
	int err = trace_open(path, &p->file[p->nfiles], why, sizeof(why));

	if (err)
		msg_error("%s", *why ? why : strerror(-err));
	else
		p->nfiles++;
	return err;
}

/* As its kernel calls itself; one that is called so already gets its number, too */
static int domain_name(struct pipeline *p, size_t nr, const struct trace *t)
{
	const char *host = json_string_value(json_object_get(t->docs[TRACE_META], "host"));
	char *name = NULL;
	bool taken = !host || !*host || !strcmp(host, "host");
	size_t i;

	for (i = 0; i < nr; i++)
		taken |= host && p->domain[i].name && !strcmp(p->domain[i].name, host);
	if (!nr)
		name = strdup("host");
	else if (asprintf(&name, taken ? "%s-%zu" : "%s", host && *host ? host : "domain", nr) < 0)
		name = NULL;
	p->domain[nr].name = name;
	return name ? 0 : -ENOMEM;
}

static int domain_clock_open(struct pipeline *p, size_t nr, size_t reference)
{
	struct domain *d = &p->domain[nr];
	enum clock_method forced = CLOCK_NONE;
	int err;

	d->reference = reference;
	d->root = nr;
	if (!nr)
		return 0;
	if (p->cfg.clock)
		forced = clock_method_by_name(p->cfg.clock);
	err = domain_clock_new(p->domain[reference].trace, d->trace, forced, &d->clock);
	if (err == -ENODATA)
		msg_error("--clock %s: the recording of %s has nothing for it", p->cfg.clock, d->name);
	if (!err && d->clock.method != CLOCK_NONE)
		d->root = p->domain[reference].root;
	return err;
}

/* reference: the domain whose clock its own is known against */
static int domain_add(struct pipeline *p, const struct trace *t, size_t reference)
{
	size_t nr = p->ndomains++;
	struct domain *d = &p->domain[nr];
	int err = domain_name(p, nr, t);

	d->trace = t;
	if (!err)
		err = names_new(t->docs[TRACE_DEVICES], t->docs[TRACE_TASKS],
				t->docs[TRACE_CHANGES], &d->names);
	if (!err)
		err = wallclock_new(t, &d->wall);
	if (!err)
		err = domain_clock_open(p, nr, reference);
	return err && err != -ENODATA ? failed(p, err) : err;
}

static size_t domains_count(const struct pipeline *p)
{
	size_t i, n = 0;

	for (i = 0; i < p->nfiles; i++)
		n += 1 + p->file[i]->nguests;
	return n;
}

static int domains_open(struct pipeline *p)
{
	size_t i, g, host, n = domains_count(p);
	int err = 0;

	if (n > DOMAINS_MAX) {
		msg_error("these recordings are of %zu kernels, more than %d: read fewer at a time", n,
			  DOMAINS_MAX);
		return -E2BIG;
	}
	p->domain = calloc(n + 1, sizeof(*p->domain));
	if (!p->domain)
		return failed(p, -ENOMEM);
	for (i = 0; !err && i < p->nfiles; i++) {
		host = p->ndomains;
		err = domain_add(p, p->file[i], 0);
		for (g = 0; !err && g < p->file[i]->nguests; g++)
			err = domain_add(p, p->file[i]->guest[g], host);
	}
	return err;
}

static bool trace_kept(const struct trace *t)
{
	return t && (t->docs[TRACE_KEPT] || t->npackets);
}

/* What is not in it may be what the packets of the others would be joined to */
static int kept_alone(const struct pipeline *p)
{
	size_t i;

	for (i = 0; p->ndomains > 1 && i < p->ndomains; i++)
		if (trace_kept(p->domain[i].trace)) {
			msg_error("%s keeps only slow packets: it cannot be read together with others",
				  p->domain[i].trace->path);
			return -EINVAL;
		}
	return 0;
}

int pipeline_open(struct pipeline *p, const struct pipeline_config *cfg)
{
	size_t i;
	int err;

	memset(p, 0, sizeof(*p));
	p->cfg = *cfg;
	err = file_open(p, cfg->path);
	for (i = 0; !err && i < cfg->nmore; i++)
		err = file_open(p, cfg->more[i]);
	if (!err)
		err = domains_open(p);
	if (err)
		return err;
	return kept_alone(p);
}

/* --- a run ----------------------------------------------------------------------------------- */

struct run {
	struct pipeline *p;
	int (*packet)(void *ctx, const struct packet *p);
	void *ctx;
	__u64 first_id; /* packets that the recorder stitched have numbers up to this one */
};

/* One domain in a run; what the stitcher's callback gets */
struct feed {
	struct run *run;
	unsigned int nr;
	const struct pl_event *next; /* NULL: the stream is at its end */
	__u64 ts; /* of it, on the clock of domain 0 */
};

static void run_close(struct pipeline *p)
{
	size_t i;

	totals_free(p->totals);
	p->totals = NULL;
	for (i = 0; i < p->ndomains; i++) {
		struct domain *d = &p->domain[i];

		if (d->stitch)
			stitch_free(d->stitch);
		if (d->merge)
			merge_close(d->merge);
		d->stitch = NULL;
		d->merge = NULL;
	}
	join_free(p->join);
	p->join = NULL;
}

/* Recorded with a filter or a sample? */
static bool is_selected(const struct trace *t)
{
	json_t *given = json_object_get(t->docs[TRACE_META], "options");
	const char *filter = json_string_value(json_object_get(given, "filter"));

	return (filter && *filter) || json_integer_value(json_object_get(given, "sample")) > 1;
}

static __u64 map(void *ctx, unsigned int domain, __u64 ts, __u64 *err)
{
	const struct run *run = ctx;

	return domain_map(run->p->domain, domain, ts, err);
}

static unsigned int group(void *ctx, unsigned int domain)
{
	const struct run *run = ctx;

	return run->p->domain[domain].root;
}

/* What the recorder had no time to stitch: the same rule for what it would have kept */
static int on_unstitched(const struct run *run, const struct packet *p)
{
	struct packet copy;
	bool keep = totals_keeps(p, trace_slower_than(run->p->domain[0].trace));
	int err;

	packet_copy_as(&copy, p, p->id + run->first_id);
	err = totals_add(run->p->totals, &copy, keep);
	return err || !keep ? err : run->packet(run->ctx, &copy);
}

static int on_part(void *ctx, const struct packet *p)
{
	const struct feed *f = ctx;

	if (f->run->p->totals)
		return on_unstitched(f->run, p);
	return f->run->p->join ? join_packet(f->run->p->join, f->nr, p) : f->run->packet(f->run->ctx, p);
}

static int on_packet(void *ctx, const struct packet *p)
{
	const struct run *run = ctx;

	return run->packet ? run->packet(run->ctx, p) : 0;
}

/* Only a domain and its reference have a relation of their own that can be wrong */
static void on_crossing(void *ctx, unsigned int from, __u64 from_ts, unsigned int to, __u64 to_ts)
{
	struct domain *all = ((const struct run *)ctx)->p->domain;

	if (all[to].reference == from)
		domain_clock_after(&all[to].clock, to_ts, from_ts);
	else if (all[from].reference == to)
		domain_clock_before(&all[from].clock, from_ts, to_ts);
}

static int feed_next(struct feed *f)
{
	struct domain *d = &f->run->p->domain[f->nr];
	int err;

	do {
		err = merge_next(d->merge, &f->next);
	} while (err == -EBADMSG); /* counted; the next block may be whole */
	if (err <= 0)
		f->next = NULL;
	else
		f->ts = map(f->run, f->nr, f->next->ts, NULL);
	return err < 0 ? err : 0;
}

static int feed_open(struct run *run, struct feed *f, unsigned int nr)
{
	struct domain *d = &run->p->domain[nr];
	struct stitch_config cfg = {
		.timeout_ns = run->p->cfg.timeout_ns,
		.max_in_flight = run->p->cfg.max_in_flight,
		.selected = is_selected(d->trace),
		.names = d->names,
		.packet = on_part,
		.ctx = f,
	};
	int err;

	*f = (struct feed){ .run = run, .nr = nr };
	err = merge_open(d->trace, &d->merge);
	if (!err)
		err = stitch_new(&cfg, &d->stitch);
	return err || run->p->ndomains == 1 ? err : feed_next(f);
}

static struct feed *feed_first(struct feed *f, size_t n)
{
	struct feed *first = NULL;
	size_t i;

	for (i = 0; i < n; i++)
		if (f[i].next && (!first || f[i].ts < first->ts))
			first = &f[i];
	return first;
}

/* One kernel only: no clock to be mapped, no stream to be chosen */
static int feed_alone(struct domain *d)
{
	const struct pl_event *ev;
	int err = 0;

	while (!err) {
		err = merge_next(d->merge, &ev);
		if (err > 0)
			err = stitch_event(d->stitch, ev);
		else if (err == -EBADMSG)
			err = 0; /* counted; the next block may be whole */
		else
			return err;
	}
	return err;
}

static int feeds_run(struct pipeline *p, struct feed *feeds)
{
	__u64 look = 0;
	struct feed *f;
	int err = 0;

	while (!err && (f = feed_first(feeds, p->ndomains))) {
		if (f->ts >= look) {
			err = join_time(p->join, f->ts);
			look = f->ts + JOIN_EVERY_NS;
		}
		if (!err)
			err = stitch_event(p->domain[f->nr].stitch, f->next);
		if (!err)
			err = feed_next(f);
	}
	return err;
}

static void stats_sum(struct pipeline *p)
{
	size_t i;

	memset(&p->stitch_stats, 0, sizeof(p->stitch_stats));
	memset(&p->merge_stats, 0, sizeof(p->merge_stats));
	for (i = 0; i < p->ndomains; i++) {
		const struct merge_stats *m = merge_stats(p->domain[i].merge);

		stitch_stats_add(&p->stitch_stats, stitch_stats(p->domain[i].stitch));
		p->merge_stats.late += m->late;
		p->merge_stats.bad_blocks += m->bad_blocks;
		p->merge_stats.bad_events += m->bad_events;
	}
	if (!p->totals)
		return;
	stitch_stats_add(&p->totals->stitch, &p->stitch_stats);
	p->stitch_stats = p->totals->stitch;
}

/* The packets that the recorder kept */
static int kept_run(struct run *run)
{
	struct pipeline *p = run->p;
	const struct trace *t = p->domain[0].trace;
	struct names *names = p->domain[0].names;
	int err = totals_load(t->docs[TRACE_KEPT], names, &p->totals);

	if (err)
		return err;
	run->first_id = p->totals->last_id;
	for (size_t i = 0; !err && i < t->npackets; i++) {
		err = trace_packets_read(t, i, names, run->packet, run->ctx);
		if (err != -EBADMSG)
			continue;
		p->totals->bad_blocks++;
		p->totals->bad_packets += t->packets[i].events;
		err = 0;
	}
	return err;
}

static int run_joined(struct run *run, bool proving)
{
	struct pipeline *p = run->p;
	struct join_config cfg = {
		.domains = p->ndomains,
		.hold_ns = p->cfg.timeout_ns ? p->cfg.timeout_ns + 2000000000 : 0,
		.max_held = p->cfg.max_in_flight,
		.map = map,
		.group = group,
		.packet = on_packet,
		.crossing = proving ? on_crossing : NULL,
		.ctx = run,
	};

	return p->ndomains > 1 ? join_new(&cfg, &p->join) : 0;
}

static int run_all(struct run *run, bool proving)
{
	struct pipeline *p = run->p;
	struct feed *feeds = calloc(p->ndomains, sizeof(*feeds));
	size_t i;
	int err = feeds ? run_joined(run, proving) : -ENOMEM;

	for (i = 0; !err && i < p->ndomains; i++)
		err = feed_open(run, &feeds[i], i);
	if (!err && trace_kept(p->domain[0].trace))
		err = kept_run(run);
	if (!err)
		err = p->ndomains == 1 ? feed_alone(&p->domain[0]) : feeds_run(p, feeds);
	for (i = 0; !err && i < p->ndomains; i++)
		err = stitch_finish(p->domain[i].stitch);
	if (!err && p->join)
		err = join_finish(p->join);
	free(feeds);
	return err;
}

static int clocks_settle(struct pipeline *p)
{
	struct run run = { .p = p };
	size_t i;
	int err = run_all(&run, true);

	for (i = 1; i < p->ndomains; i++)
		domain_clock_settle(&p->domain[i].clock);
	p->clocks_settled = true;
	run_close(p);
	return err;
}

int pipeline_run(struct pipeline *p, int (*packet)(void *ctx, const struct packet *p), void *ctx)
{
	struct run run = { .p = p, .packet = packet, .ctx = ctx };
	int err = 0;

	run_close(p);
	if (p->ndomains > 1 && !p->clocks_settled)
		err = clocks_settle(p);
	if (!err)
		err = run_all(&run, false);
	if (err < 0)
		return failed(p, err);
	stats_sum(p);
	return 0;
}

/* --- how it ended ---------------------------------------------------------------------------- */

/* Why the recordings are not complete, one after the other; text is NULL until there is one */
struct reasons {
	bool any;
	char *text;
	size_t size;
	FILE *f;
};

__attribute__((format(printf, 2, 3))) static void reason(struct reasons *r, const char *fmt, ...)
{
	va_list ap;

	r->any = true;
	if (r->f)
		fputs("; ", r->f);
	else
		r->f = open_memstream(&r->text, &r->size);
	if (!r->f)
		return;
	va_start(ap, fmt);
	vfprintf(r->f, fmt, ap);
	va_end(ap);
}

static enum cmd_status reasons_tell(struct reasons *r, const char *path)
{
	if (r->any)
		msg_error("%s is not complete: %s", path, r->f && !fclose(r->f) ? r->text : "out of memory");
	free(r->text);
	return r->any ? CMD_PARTIAL : CMD_OK;
}

/* others: there are more files, so it is to be said which */
static void file_reasons(struct reasons *r, const struct trace *t, bool others)
{
	const char *name = others ? t->path : "";

	if (t->truncated)
		reason(r, "%s%scut off after %llu of %llu bytes", name, others ? ": " : "",
		       t->good_bytes, t->file_bytes);
	else if (!t->ended)
		reason(r, "%s%sthe recorder was killed, or is still running", name,
		       others ? ": " : "");
}

static void guest_reasons(struct reasons *r, const struct domain *d)
{
	const json_t *guest = d->trace->docs[TRACE_GUEST];
	__u64 lost = trace_lost(d->trace);

	if (json_integer_value(json_object_get(guest, "lost_ns")) > 0)
		reason(r, "%s was lost in mid-record: %s", d->name,
		       json_string_value(json_object_get(guest, "reason")) ?: "no reason known");
	if (lost)
		reason(r, "%llu events were lost while recording %s", lost, d->name);
}

enum cmd_status pipeline_status(const struct pipeline *p)
{
	const struct merge_stats *merge = &p->merge_stats;
	__u64 lost = trace_lost(p->domain[0].trace), damaged = merge->bad_blocks;
	struct reasons r = { 0 };
	size_t i;

	for (i = 0; i < p->ndomains; i++)
		damaged += p->domain[i].trace->damaged;
	for (i = 0; i < p->nfiles; i++)
		file_reasons(&r, p->file[i], p->nfiles > 1);
	if (damaged)
		reason(&r, "%llu blocks damaged or missing, %llu events of them known", damaged,
		       merge->bad_events);
	if (p->totals && p->totals->bad_blocks)
		reason(&r, "%llu blocks of kept packets damaged, %llu packets", p->totals->bad_blocks,
		       p->totals->bad_packets);
	if (lost)
		reason(&r, "%llu events were lost while recording", lost);
	for (i = 1; i < p->ndomains; i++)
		guest_reasons(&r, &p->domain[i]);
	return reasons_tell(&r, p->nfiles > 1 ? "what was read" : p->cfg.path);
}

void pipeline_close(struct pipeline *p)
{
	size_t i;

	run_close(p);
	for (i = 0; i < p->ndomains; i++) {
		names_free(p->domain[i].names);
		wallclock_free(p->domain[i].wall);
		domain_clock_free(&p->domain[i].clock);
		free((char *)p->domain[i].name);
	}
	free(p->domain);
	for (i = 0; i < p->nfiles; i++)
		trace_close(p->file[i]);
}
