// SPDX-License-Identifier: GPL-2.0
/*
 * ranges FILE: of the TCP flow with most bytes, which of its bytes came past each hop, in packets
 * whose way is known whole (complete, or dropped). One line for each hop and device:
 *
 *	tap:xmit tap0 bytes=1000000 holes=0 packets=691
 *
 * bytes: distinct ones, holes: ranges between the first and the last one of the flow that no packet
 * had there. And a line with the flow's packets by how they ended.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "pipeline.h"
#include "report.h"

#define FLOWS_MAX  4096
#define PLACES_MAX 256

struct range {
	int64_t from, to;
};

struct place {
	enum pl_hop hop;
	__u16 dev;
	struct range *ranges;
	size_t n, room;
};

struct flow {
	__u32 hash;
	__u32 base; /* sequence number that ranges count from */
	__u64 bytes;
};

struct ranges {
	struct flow flow[FLOWS_MAX];
	size_t nflows;
	const struct flow *largest;
	struct place place[PLACES_MAX];
	size_t nplaces;
	__u64 ends[PACKET_NR_ENDS];
	int64_t from, to;
};

static int flow_count(void *ctx, const struct packet *p)
{
	struct ranges *r = ctx;
	size_t i;

	if (!p->bytes || p->end == PACKET_SPLIT)
		return 0;
	for (i = 0; i < r->nflows && r->flow[i].hash != p->flow; i++)
		;
	if (i == FLOWS_MAX)
		return 0;
	if (i == r->nflows)
		r->flow[r->nflows++] = (struct flow){ .hash = p->flow, .base = p->seq };
	r->flow[i].bytes += p->bytes;
	return 0;
}

static struct place *place_of(struct ranges *r, const struct sighting *s)
{
	size_t i;

	for (i = 0; i < r->nplaces; i++)
		if (r->place[i].hop == s->hop && r->place[i].dev == s->dev)
			return &r->place[i];
	if (i == PLACES_MAX)
		return NULL;
	r->place[i] = (struct place){ .hop = s->hop, .dev = s->dev };
	r->nplaces++;
	return &r->place[i];
}

static int range_add(struct place *at, struct range range)
{
	struct range *more;

	if (at->n == at->room) {
		at->room = at->room ? 2 * at->room : 256;
		more = reallocarray(at->ranges, at->room, sizeof(*more));
		if (!more)
			return -1;
		at->ranges = more;
	}
	at->ranges[at->n++] = range;
	return 0;
}

static int packet_add(void *ctx, const struct packet *p)
{
	struct ranges *r = ctx;
	struct range range;
	struct place *at;

	if (!p->bytes || p->flow != r->largest->hash)
		return 0;
	r->ends[p->end]++;
	if (p->end != PACKET_COMPLETE && p->end != PACKET_DROPPED)
		return 0;
	range.from = (int32_t)(p->seq - r->largest->base);
	range.to = range.from + p->bytes;
	if (range.from < r->from)
		r->from = range.from;
	if (range.to > r->to)
		r->to = range.to;
	for (int i = 0; i < p->n; i++) {
		if (hop_desc(p->s[i].hop)->class == PL_CLASS_CTX)
			continue;
		at = place_of(r, &p->s[i]);
		if (!at || range_add(at, range))
			return -1;
	}
	return 0;
}

static int range_cmp(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

static void place_print(const struct ranges *r, struct place *at, const struct names *names)
{
	int64_t end = r->from, bytes = 0;
	unsigned int holes = 0;

	qsort(at->ranges, at->n, sizeof(*at->ranges), range_cmp);
	for (size_t i = 0; i < at->n; i++) {
		const struct range *x = &at->ranges[i];

		holes += x->from > end;
		if (x->to > end)
			bytes += x->to - (x->from > end ? x->from : end);
		end = x->to > end ? x->to : end;
	}
	holes += end < r->to;
	printf("%s %s bytes=%lld holes=%u packets=%zu\n", hop_desc(at->hop)->name,
	       names_dev_name(names, at->dev), (long long)bytes, holes, at->n);
	free(at->ranges);
}

int main(int argc, char **argv)
{
	struct pipeline_config cfg = { .path = argc > 1 ? argv[1] : "pktlap.data" };
	struct ranges *r = calloc(1, sizeof(*r));
	struct pipeline p;
	int err;

	if (!r)
		return 1;
	r->from = INT64_MAX;
	r->to = INT64_MIN;
	err = pipeline_open(&p, &cfg);
	if (!err)
		err = pipeline_run(&p, flow_count, r);
	for (size_t i = 0; i < r->nflows; i++)
		if (!r->largest || r->flow[i].bytes > r->largest->bytes)
			r->largest = &r->flow[i];
	if (!err && r->largest)
		err = pipeline_run(&p, packet_add, r);
	printf("flow bytes=%lld", r->largest && r->to > r->from ? (long long)(r->to - r->from) : 0);
	for (int end = 0; end < PACKET_NR_ENDS; end++)
		printf(" %s=%llu", packet_end_name(end), r->ends[end]);
	putchar('\n');
	for (size_t i = 0; i < r->nplaces; i++)
		place_print(r, &r->place[i], p.domain[0].names);
	pipeline_close(&p);
	free(r);
	return err ? 1 : 0;
}
