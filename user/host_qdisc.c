// SPDX-License-Identifier: GPL-2.0
/* The parameters of queueing disciplines, as a few words: what delays and what drops */

#include "host_int.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PSCHED_NS(ticks) ((__u64)(ticks) << 6) /* include/net/pkt_sched.h: PSCHED_SHIFT is 6 */

struct words {
	char text[256];
	size_t len;
};

static void __attribute__((format(printf, 2, 3))) say(struct words *w, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (w->len && w->len < sizeof(w->text) - 1)
		w->text[w->len++] = ' ';
	va_start(ap, fmt);
	n = vsnprintf(w->text + w->len, sizeof(w->text) - w->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		w->len += (size_t)n < sizeof(w->text) - w->len ? (size_t)n : sizeof(w->text) - w->len - 1;
}

static void say_ns(struct words *w, const char *what, __u64 ns)
{
	if (ns % 1000000 == 0)
		say(w, "%s %llums", what, ns / 1000000);
	else if (ns % 1000 == 0)
		say(w, "%s %lluus", what, ns / 1000);
	else
		say(w, "%s %lluns", what, ns);
}

static void say_us(struct words *w, const char *what, const struct nlattr *us)
{
	__u64 v = nl_u32(us);

	/* CoDel keeps times in units of 1024 ns: what was set as 5000 comes back as 4999 */
	if (us)
		say_ns(w, what, (v % 1000 == 999 ? v + 1 : v) * 1000);
}

static void say_u32(struct words *w, const char *what, const struct nlattr *v)
{
	if (v)
		say(w, "%s %u", what, nl_u32(v));
}

static void say_rate(struct words *w, const char *what, __u64 bytes)
{
	__u64 bits = bytes * 8;

	if (bits >= 1000000)
		say(w, "%s %llu.%llu Mbit/s", what, bits / 1000000, bits / 100000 % 10);
	else
		say(w, "%s %llu bit/s", what, bits);
}

static void netem_say(struct words *w, const struct nlattr *opt)
{
	const struct nlattr *tb[TCA_NETEM_MAX + 1] = {};
	struct tc_netem_qopt q;
	const struct nlattr *attr;
	int left = mnl_attr_get_payload_len(opt);

	nl_copy(opt, &q, sizeof(q));
	/* the attributes come behind the struct */
	attr = (const void *)((const char *)mnl_attr_get_payload(opt) + MNL_ALIGN(sizeof(q)));
	left -= MNL_ALIGN(sizeof(q));
	for (; mnl_attr_ok(attr, left); left -= MNL_ALIGN(attr->nla_len), attr = mnl_attr_next(attr))
		if (mnl_attr_get_type(attr) <= TCA_NETEM_MAX)
			tb[mnl_attr_get_type(attr)] = attr;
	if (tb[TCA_NETEM_LATENCY64] ? nl_u64(tb[TCA_NETEM_LATENCY64]) : q.latency)
		say_ns(w, "delay", tb[TCA_NETEM_LATENCY64] ? nl_u64(tb[TCA_NETEM_LATENCY64]) : PSCHED_NS(q.latency));
	if (tb[TCA_NETEM_JITTER64] ? nl_u64(tb[TCA_NETEM_JITTER64]) : q.jitter)
		say_ns(w, "jitter", tb[TCA_NETEM_JITTER64] ? nl_u64(tb[TCA_NETEM_JITTER64]) : PSCHED_NS(q.jitter));
	if (q.loss)
		say(w, "loss %.4g%%", q.loss * 100.0 / 4294967295.0);
	if (q.duplicate)
		say(w, "duplicate %.4g%%", q.duplicate * 100.0 / 4294967295.0);
	if (tb[TCA_NETEM_RATE])
		say_rate(w, "rate", nl_u32(tb[TCA_NETEM_RATE]));
	say(w, "limit %u", q.limit);
}

static void etf_say(struct words *w, const struct nlattr *opt)
{
	const struct nlattr *tb[TCA_ETF_MAX + 1];
	struct tc_etf_qopt q;

	nl_nested(opt, tb, TCA_ETF_MAX);
	nl_copy(tb[TCA_ETF_PARMS], &q, sizeof(q));
	say_ns(w, "delta", q.delta > 0 ? q.delta : 0);
	say(w, "clock %s", q.clockid == 11 ? "TAI" : q.clockid == 1 ? "MONOTONIC"
								    : "other");
	if (q.flags & TC_ETF_DEADLINE_MODE_ON)
		say(w, "deadline");
	if (q.flags & TC_ETF_OFFLOAD_ON)
		say(w, "offload");
}

static void taprio_say(struct words *w, const struct nlattr *opt)
{
	const struct nlattr *tb[TCA_TAPRIO_ATTR_MAX + 1];
	const struct nlattr *entry;
	struct tc_mqprio_qopt q;
	unsigned int n = 0;

	nl_nested(opt, tb, TCA_TAPRIO_ATTR_MAX);
	nl_copy(tb[TCA_TAPRIO_ATTR_PRIOMAP], &q, sizeof(q));
	if (tb[TCA_TAPRIO_ATTR_SCHED_ENTRY_LIST])
		mnl_attr_for_each_nested(entry, tb[TCA_TAPRIO_ATTR_SCHED_ENTRY_LIST])
			n++;
	say(w, "tc %u", q.num_tc);
	if (tb[TCA_TAPRIO_ATTR_SCHED_CYCLE_TIME])
		say_ns(w, "cycle", nl_u64(tb[TCA_TAPRIO_ATTR_SCHED_CYCLE_TIME]));
	say(w, "entries %u", n);
	if (nl_u32(tb[TCA_TAPRIO_ATTR_FLAGS]) & 1)
		say_us(w, "txtime-assist", tb[TCA_TAPRIO_ATTR_TXTIME_DELAY]);
	if (nl_u32(tb[TCA_TAPRIO_ATTR_FLAGS]) & 2)
		say(w, "offload");
}

static void mqprio_say(struct words *w, const struct nlattr *opt)
{
	struct tc_mqprio_qopt q;

	nl_copy(opt, &q, sizeof(q));
	say(w, "tc %u", q.num_tc);
	for (unsigned int i = 0; i < q.num_tc && i < TC_QOPT_MAX_QUEUE; i++)
		say(w, "%u@%u", q.count[i], q.offset[i]);
	if (q.hw)
		say(w, "hw");
}

static void fq_codel_say(struct words *w, const struct nlattr *opt)
{
	const struct nlattr *tb[TCA_FQ_CODEL_MAX + 1];

	nl_nested(opt, tb, TCA_FQ_CODEL_MAX);
	say_u32(w, "limit", tb[TCA_FQ_CODEL_LIMIT]);
	say_us(w, "target", tb[TCA_FQ_CODEL_TARGET]);
	say_us(w, "interval", tb[TCA_FQ_CODEL_INTERVAL]);
}

static void fq_say(struct words *w, const struct nlattr *opt)
{
	const struct nlattr *tb[TCA_FQ_MAX + 1];

	nl_nested(opt, tb, TCA_FQ_MAX);
	say_u32(w, "limit", tb[TCA_FQ_PLIMIT]);
	say_u32(w, "flow_limit", tb[TCA_FQ_FLOW_PLIMIT]);
	if (tb[TCA_FQ_FLOW_MAX_RATE] && nl_u32(tb[TCA_FQ_FLOW_MAX_RATE]) != ~0U)
		say_rate(w, "maxrate", nl_u32(tb[TCA_FQ_FLOW_MAX_RATE]));
}

static void tbf_say(struct words *w, const struct nlattr *opt)
{
	const struct nlattr *tb[TCA_TBF_MAX + 1];
	struct tc_tbf_qopt q;
	__u64 rate;

	nl_nested(opt, tb, TCA_TBF_MAX);
	nl_copy(tb[TCA_TBF_PARMS], &q, sizeof(q));
	rate = tb[TCA_TBF_RATE64] ? nl_u64(tb[TCA_TBF_RATE64]) : q.rate.rate;
	say_rate(w, "rate", rate);
	/* buffer is the time that a burst takes at the rate */
	say(w, "burst %llu", PSCHED_NS(q.buffer) * rate / 1000000000ULL);
	say(w, "limit %u bytes", q.limit);
}

static void htb_say(struct words *w, const struct nlattr *opt)
{
	const struct nlattr *tb[TCA_HTB_MAX + 1];
	struct tc_htb_glob g;

	nl_nested(opt, tb, TCA_HTB_MAX);
	nl_copy(tb[TCA_HTB_INIT], &g, sizeof(g));
	say(w, "default 1:%x", g.defcls);
}

static void fifo_say(struct words *w, const struct nlattr *opt)
{
	say_u32(w, "limit", opt);
}

static void pfifo_fast_say(struct words *w, const struct nlattr *opt)
{
	say(w, "bands %u", nl_u32(opt));
}

const char *host_qdisc_params(struct host *h, const char *kind, const struct nlattr *options)
{
	static const struct {
		const char *kind;
		void (*say)(struct words *w, const struct nlattr *options);
	} known[] = {
		{ "netem", netem_say },
		{ "etf", etf_say },
		{ "taprio", taprio_say },
		{ "mqprio", mqprio_say },
		{ "fq_codel", fq_codel_say },
		{ "fq", fq_say },
		{ "tbf", tbf_say },
		{ "htb", htb_say },
		{ "pfifo", fifo_say },
		{ "bfifo", fifo_say },
		{ "pfifo_fast", pfifo_fast_say },
		{ "prio", pfifo_fast_say },
	};
	struct words w = {};

	for (size_t i = 0; options && i < ARRAY_SIZE(known); i++)
		if (!strcmp(kind, known[i].kind))
			known[i].say(&w, options);
	return w.len ? arena_printf(&h->mem, "%s", w.text) : "";
}
