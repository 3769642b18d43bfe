// SPDX-License-Identifier: GPL-2.0
#include "trace_packets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trace_format.h"

_Static_assert(TRACE_PACKETS_BYTES == TRACE_PACKETS_RAW_MAX, "a chunk of the largest size");
_Static_assert(PACKET_COMPLETE == 0 && PACKET_AMBIGUOUS == 5 && PACKET_NR_ENDS == 6,
	       "numbers in the file");

static struct trace_sighting sighting_pack(const struct sighting *s, __u64 before,
					   const struct names *names)
{
	struct trace_sighting to = {
		.after = s->ts - before,
		.tid = s->tid,
		.len = s->len,
		.arg = s->arg,
		.vlan = s->vlan,
		.cpu = s->cpu,
		.flags = s->flags,
		.hop = s->hop,
		.hook = s->hook,
		.queue = s->queue,
	};

	names_dev_id(names, s->dev, &to.netns, &to.ifindex);
	return to;
}

bool trace_packets_add(struct trace_packets *b, const struct packet *p, const struct names *names)
{
	size_t size = sizeof(struct trace_packet) + p->n * sizeof(struct trace_sighting);
	__u64 ts = p->n ? p->s[0].ts : 0;
	struct trace_packet head = {
		.id = p->id,
		.ts = ts,
		.key = p->key,
		.flow = p->flow,
		.seq = p->seq,
		.bytes = p->bytes,
		.drop_reason = p->drop_reason,
		.drop_place = p->drop_place,
		.end = p->end,
		.proto = p->proto,
		.flags = (p->cloned ? TRACE_PACKET_CLONED : 0) |
			 (p->nonmono ? TRACE_PACKET_NONMONO : 0),
		.n = p->n,
	};
	struct trace_sighting *to = (void *)(b->raw + b->used + sizeof(head));

	if (b->used + size > sizeof(b->raw) || b->n == TRACE_BLOCK_EVENTS)
		return false;
	memcpy(b->raw + b->used, &head, sizeof(head));
	for (size_t i = 0; i < p->n; i++)
		to[i] = sighting_pack(&p->s[i], i ? p->s[i - 1].ts : ts, names);
	b->ts_min = b->n && b->ts_min < ts ? b->ts_min : ts;
	b->ts_max = b->n && b->ts_max > ts ? b->ts_max : ts;
	b->used += size;
	b->n++;
	return true;
}

int trace_packets_write(struct trace_writer *w, struct trace_packets *b)
{
	int err;

	if (!b->n)
		return 0;
	err = trace_write_packed(w, TRACE_PACKETS, b->raw, b->used, b->n, b->ts_min, b->ts_max);
	b->used = b->n = 0;
	return err;
}

json_t *trace_packets_hops(void)
{
	json_t *names = json_array();

	for (int hop = 0; hop < PL_NR_HOPS; hop++)
		json_array_append_new(names, json_string(hop_desc(hop)->name));
	return names;
}

/* --- reading -------------------------------------------------------------------------------- */

/* 0 or -ENOMEM; the sightings have been checked */
static int packet_unpack(struct packet *p, const struct trace_packet *head,
			 const struct trace *t, struct names *names)
{
	const struct trace_sighting *s = (const void *)(head + 1);
	__u64 ts = head->ts;

	p->id = head->id;
	p->key = head->key;
	p->flow = head->flow;
	p->seq = head->seq;
	p->bytes = head->bytes;
	p->drop_reason = head->drop_reason;
	p->drop_place = head->drop_place;
	p->end = head->end;
	p->proto = head->proto;
	p->cloned = (head->flags & TRACE_PACKET_CLONED) != 0;
	p->nonmono = (head->flags & TRACE_PACKET_NONMONO) != 0;
	p->nparts = 1;
	p->part[0] = (struct packet_part){ 0 };
	p->n = 0;
	for (size_t i = 0; i < head->n; i++, s++) {
		int dev;

		ts += s->after;
		if (t->kept_hops[s->hop] == PL_HOP_none)
			continue;
		dev = names_dev(names, s->netns, s->ifindex, ts, NULL);
		if (dev < 0)
			return dev;
		p->s[p->n++] = (struct sighting){
			.ts = ts,
			.tid = s->tid,
			.len = s->len,
			.arg = s->arg,
			.vlan = s->vlan,
			.dev = dev,
			.cpu = s->cpu,
			.hop = t->kept_hops[s->hop],
			.hook = t->hooks[s->hook],
			.flags = s->flags,
			.queue = s->queue,
		};
	}
	return 0;
}

/* Bytes of the packet at head; 0: what left bytes hold is none */
static size_t packed_size(const struct trace_packet *head, size_t left)
{
	const struct trace_sighting *s = (const void *)(head + 1);
	__u64 ts;

	if (left < sizeof(*head) || head->end >= PACKET_NR_ENDS || head->n > DOMAIN_MAX_SIGHTINGS ||
	    left - sizeof(*head) < head->n * sizeof(*s))
		return 0;
	ts = head->ts;
	for (size_t i = 0; i < head->n; i++)
		if (__builtin_add_overflow(ts, s[i].after, &ts))
			return 0;
	return sizeof(*head) + head->n * sizeof(*s);
}

static bool block_valid(const void *raw, size_t len, size_t n)
{
	size_t at = 0;

	for (; n; n--) {
		size_t size = packed_size((const void *)((const char *)raw + at), len - at);

		if (!size)
			return false;
		at += size;
	}
	return at == len;
}

int trace_packets_read(const struct trace *t, size_t i, struct names *names,
		       int (*fn)(void *ctx, const struct packet *p), void *ctx)
{
	struct trace_packets *b = malloc(sizeof(*b));
	const struct trace_packet *head;
	struct packet p;
	size_t at = 0;
	int err;

	if (!b)
		return -ENOMEM;
	err = trace_read_packed(t, &t->packets[i], b->raw, sizeof(b->raw));
	if (err >= 0)
		err = json_array_size(json_object_get(t->docs[TRACE_KEPT], "hops")) &&
				      block_valid(b->raw, err, t->packets[i].events)
			      ? 0
			      : -EBADMSG;
	for (__u32 n = 0; !err && n < t->packets[i].events; n++) {
		head = (const void *)(b->raw + at);
		err = packet_unpack(&p, head, t, names);
		if (!err)
			err = fn(ctx, &p);
		at += sizeof(*head) + head->n * sizeof(struct trace_sighting);
	}
	free(b);
	return err;
}
