// SPDX-License-Identifier: GPL-2.0
/*
 * Packets as JSON lines: the contract of script.schema.json. Every member is always there and
 * keeps its type; "", 0 or [] where there is nothing to say. Times are integer nanoseconds.
 */
#include <errno.h>
#include <stdlib.h>

#include "drop_names.h"
#include "json_build.h"
#include "packet_text.h"
#include "report.h"
#include "slowest.h"
#include "view_script.h"

struct script_state {
	const struct script_view *view;
};

static json_t *tags_json(struct json_builder *b, const struct sighting *s)
{
	__u16 tags[PACKET_TAGS_MAX];
	size_t n = sighting_tags(s, tags);
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++)
		json_append(b, a, json_integer(tags[i]));
	return a;
}

static void hook_json(struct json_builder *b, json_t *o, const struct sighting *s)
{
	const struct hook_desc *hook = hook_desc(s->hook);

	json_put_str(b, o, "hook", s->hook ? hook->id : "");
	json_put_str(b, o, "kind", s->hook ? hook_kind_name(hook->kind) : "");
	json_put_str(b, o, "target", s->hook ? hook->target : "");
}

static json_t *sighting_json(struct json_builder *b, const struct script_view *v,
			     const struct packet *p, size_t at)
{
	const struct sighting *s = &p->s[at];
	const struct packet_part *crossing = packet_crossing(p, at);
	bool packet = sighting_of_packet(s), sock = s->flags & PL_F_SOCK;
	char name[PACKET_NAME_LEN];
	json_t *o = json_object();

	json_put_int(b, o, "mono_ns", s->ts);
	json_put_int(b, o, "at_ns", s->ts - p->s[0].ts);
	json_put_int(b, o, "stage_ns", at ? s->ts - p->s[at - 1].ts : 0);
	json_put_int(b, o, "error_ns", crossing ? crossing->error_ns : 0);
	json_put_str(b, o, "domain", script_domain(v, p, at)->name);
	json_put_str(b, o, "hop", hop_desc(s->hop)->name);
	hook_json(b, o, s);
	json_put_str(b, o, "dev", sighting_dev(script_domain(v, p, at)->names, s, name));
	json_put_int(b, o, "cpu", s->cpu);
	json_put_int(b, o, "tid", s->tid);
	json_put_str(b, o, "task", sighting_task(script_domain(v, p, at)->names, s, name));
	json_put_int(b, o, "bytes", packet ? s->len : 0);
	json_put_int(b, o, "count", packet ? 0 : s->len);
	/* of a packet hop it is the flow's hash or the reason of a drop, said elsewhere */
	json_put_int(b, o, "arg", packet ? 0 : s->arg);
	json_put_int(b, o, "queue", sock ? 0 : s->queue);
	json_put_int(b, o, "port", sock ? s->queue : 0);
	json_put(b, o, "vlan", tags_json(b, s));
	return o;
}

static json_t *drop_json(struct json_builder *b, const struct script_view *v,
			 const struct packet *p)
{
	const json_t *drops = script_drops(v, p);
	bool dropped = p->end == PACKET_DROPPED;
	char name[DROP_NAME_LEN];
	json_t *o = json_object();

	json_put_int(b, o, "reason", dropped ? p->drop_reason : 0);
	json_put_str(b, o, "reason_name",
		     dropped ? drop_reason_name(drops, p->drop_reason, name) : "");
	json_put_str(b, o, "place", dropped ? drop_place_name(drops, p->drop_place, name) : "");
	json_put_str(b, o, "source", dropped ? drop_place_source(drops, p->drop_place, name) : "");
	return o;
}

static json_t *packet_json(struct json_builder *b, const struct script_view *v,
			   const struct packet *p)
{
	json_t *o = json_object(), *sightings = json_array();
	char proto[PACKET_NAME_LEN];

	json_put_int(b, o, "schema", SCRIPT_SCHEMA);
	json_put_int(b, o, "packet", p->id);
	json_put_str(b, o, "end", packet_end_name(p->end));
	json_put_bool(b, o, "cloned", p->cloned);
	json_put_bool(b, o, "out_of_order", p->nonmono);
	json_put_int(b, o, "proto", p->proto);
	json_put_str(b, o, "proto_name", packet_proto_name(p->proto, proto));
	json_put_int(b, o, "flow", p->flow);
	json_put_int(b, o, "bytes", packet_len(p));
	json_put_int(b, o, "tcp_seq", p->bytes ? p->seq : 0);
	json_put_int(b, o, "tcp_bytes", p->bytes);
	json_put_int(b, o, "start_mono_ns", p->n ? p->s[0].ts : 0);
	json_put_int(b, o, "start_real_ns", p->n ? script_wall_ns(v, p, 0) : 0);
	json_put_int(b, o, "total_ns", packet_total(p));
	json_put(b, o, "drop", drop_json(b, v, p));
	for (size_t i = 0; i < p->n; i++)
		json_append(b, sightings, sighting_json(b, v, p, i));
	json_put(b, o, "sightings", sightings);
	return o;
}

static int jsonl_begin(const struct script_view *v, struct script_state **out)
{
	struct script_state *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->view = v;
	*out = s;
	return 0;
}

static int jsonl_packet(struct script_state *s, const struct packet *p)
{
	struct json_builder b = { .failed = false };

	return json_finish_line(&b, packet_json(&b, s->view, p), s->view->out.f);
}

static void jsonl_end(struct script_state *s)
{
	free(s);
}

const struct script_format script_jsonl = { "jsonl", false, jsonl_begin, jsonl_packet, jsonl_end };
