// SPDX-License-Identifier: GPL-2.0
/* Single packets for programs: JSON lines by their schema, Perfetto and pcapng decoded again */
#include <libgen.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "lanes.h"
#include "perfetto.pb-c.h"
#include "schema.h"
#include "slowest.h"
#include "view_script.h"

#define PACKETS	  400
#define CROSS_ERR 700 /* of a step from the host to the guest, ns */

struct state {
	struct fixture f;
	struct domain domains[2];
	struct script_view view;
	struct packet p[PACKETS];
	size_t n;
	char *out;
	size_t size;
};

/* One way, some of its hops left out, random times; a few are dropped, a few have one sighting */
static void packet_make(struct state *s, struct packet *p, __u64 id)
{
	static const enum pl_hop way[] = {
		PL_HOP_nic_irq,
		PL_HOP_nic_gro,
		PL_HOP_nic_skb,
		PL_HOP_br_in,
		PL_HOP_dev_queue,
		PL_HOP_tap_xmit,
		PL_HOP_vhost_wake,
		PL_HOP_vhost_run,
		PL_HOP_vhost_copy,
		PL_HOP_kvm_inject,
		PL_HOP_kvm_entry,
	};
	__u64 ts = FIXTURE_START + rand() % 2000000;
	size_t hops = sizeof(way) / sizeof(way[0]);

	packet_begin(p, id, PACKET_COMPLETE);
	if (id % 50 == 7)
		hops = 2;
	for (size_t i = 0; i < hops; i++) {
		struct sighting *at;

		if (rand() % 8 == 0 && p->n)
			continue;
		/* a quarter of the stages takes no time at all */
		ts += rand() % 4 ? rand() % 20000 : 0;
		at = packet_see(p, way[i], i < 4 ? s->f.eth : i < 6 ? s->f.tap
								    : 0,
				ts);
		at->tid = i < 6 ? 0 : i < 9 ? 2160
			      : rand() % 2  ? 2161
					    : 99;
		at->cpu = rand() % 4;
	}
	/* a third goes on in the guest, half of these with one sighting there only */
	if (id % 3 == 0 && p->n > 3) {
		p->part[p->nparts++] = (struct packet_part){ .first = 0 };
		p->part[p->nparts++] = (struct packet_part){
			.first = p->n - 1 - id % 2,
			.domain = 1,
			.error_ns = CROSS_ERR,
		};
	}
	if (id % 20 != 3)
		return;
	p->end = PACKET_DROPPED;
	p->drop_reason = 6;
	p->drop_place = 4096;
	packet_see(p, PL_HOP_drop, s->f.tap, ts + 5);
}

static int end_cmp(const void *a, const void *b)
{
	const struct packet *x = a, *y = b;
	__u64 xe = x->s[x->n - 1].ts, ye = y->s[y->n - 1].ts;

	return (xe > ye) - (xe < ye);
}

static int setup(void **state)
{
	struct state *s = calloc(1, sizeof(*s));

	srand(1);
	fixture_open(&s->f);
	s->view = (struct script_view){
		.out = { .utf8 = true, .unit = UNIT_US },
		.domains = s->domains,
		.ndomains = 2,
	};
	s->domains[0] = s->f.domain;
	s->domains[1] = s->f.domain;
	s->domains[1].name = "vm1";
	for (s->n = 0; s->n < PACKETS; s->n++)
		packet_make(s, &s->p[s->n], s->n + 1);
	qsort(s->p, s->n, sizeof(s->p[0]), end_cmp);
	/* one that is given up long after its end */
	packet_begin(&s->p[s->n - 1], PACKETS + 1, PACKET_INCOMPLETE);
	packet_see(&s->p[s->n - 1], PL_HOP_nic_gro, s->f.eth, FIXTURE_START);
	packet_see(&s->p[s->n - 1], PL_HOP_nic_skb, s->f.eth, FIXTURE_START + 1000000);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct state *s = *state;

	free(s->out);
	fixture_close(&s->f);
	free(s);
	return 0;
}

static void show(struct state *s, const struct script_format *format)
{
	struct script_state *view = NULL;

	s->view.out.f = open_memstream(&s->out, &s->size);
	assert_non_null(s->view.out.f);
	assert_int_equal(format->begin(&s->view, &view), 0);
	for (size_t i = 0; i < s->n; i++)
		assert_int_equal(format->packet(view, &s->p[i]), 0);
	format->end(view);
	assert_int_equal(fclose(s->view.out.f), 0);
}

/* --- JSON lines ----------------------------------------------------------------------------- */

static json_t *schema_load(void)
{
	char path[512], dir[256];
	json_t *schema;

	snprintf(dir, sizeof(dir), "%s", __FILE__);
	snprintf(path, sizeof(path), "%s/../../user/script.schema.json", dirname(dir));
	schema = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(schema);
	return schema;
}

static __u64 int_at(const json_t *o, const char *key)
{
	assert_true(json_is_integer(json_object_get(o, key)));
	return json_integer_value(json_object_get(o, key));
}

static void check_line(const json_t *line, const struct packet *p)
{
	const json_t *sight;
	__u64 sum = 0;
	size_t i;

	assert_int_equal(int_at(line, "packet"), p->id);
	assert_int_equal(json_array_size(json_object_get(line, "sightings")), p->n);
	json_array_foreach(json_object_get(line, "sightings"), i, sight) {
		sum += int_at(sight, "stage_ns");
		assert_int_equal(int_at(sight, "mono_ns"), p->s[i].ts);
		assert_int_equal(int_at(sight, "at_ns"), sum);
		assert_int_equal(int_at(sight, "error_ns"), packet_crossing(p, i) ? CROSS_ERR : 0);
		assert_string_equal(json_string_value(json_object_get(sight, "domain")),
				    packet_domain(p, i) ? "vm1" : "host");
		assert_string_equal(json_string_value(json_object_get(sight, "hop")),
				    hop_desc(p->s[i].hop)->name);
	}
	assert_int_equal(int_at(line, "total_ns"), sum);
	if (p->end == PACKET_DROPPED)
		assert_string_equal(json_string_value(json_object_get(json_object_get(line, "drop"), "reason_name")),
				    "NETFILTER_DROP");
}

static void test_jsonl(void **state)
{
	struct state *s = *state;
	json_t *schema = schema_load();
	char *line, *rest;

	s->p[0].s[0].vlan = 0x64 << 16 | 0x2005;
	s->p[0].s[0].flags = PL_F_VLAN_META | PL_F_VLAN_FRAME;
	s->p[0].s[0].hop = PL_HOP_nic_gro;
	show(s, &script_jsonl);
	rest = s->out;
	for (size_t i = 0; i < s->n; i++) {
		struct schema_check c = { .root = schema };
		json_t *doc;

		line = strsep(&rest, "\n");
		doc = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(doc);
		if (!schema_check(&c, schema, doc, "line"))
			fail_msg("%s", c.error);
		check_line(doc, &s->p[i]);
		if (i == 0)
			assert_non_null(strstr(line, "\"vlan\":[8197,100]"));
		json_decref(doc);
	}
	assert_string_equal(rest, "");
	json_decref(schema);
}

/* --- Perfetto ------------------------------------------------------------------------------- */

#define TRACKS_MAX 4096
#define ERROR_NOTE 16 /* number of the annotation */

struct perfetto {
	Pft__Trace *trace;
	struct ptrack {
		__u64 uuid, parent;
		const char *name;
		__u64 stack[4]; /* times at which the open slices began */
		size_t depth;
		__u64 last;
	} track[TRACKS_MAX];
	size_t ntracks;
	size_t slices, stages, instants, flows, ends, crossings;
};

static struct ptrack *track_of(struct perfetto *t, __u64 uuid)
{
	for (size_t i = 0; i < t->ntracks; i++)
		if (t->track[i].uuid == uuid)
			return &t->track[i];
	return NULL;
}

/* Each number stands for one string, and is said before it is used */
static void check_interned(Pft__Trace *trace, size_t at, __u64 iid, bool name)
{
	size_t found = 0;

	for (size_t i = 0; i < trace->n_packet; i++) {
		const Pft__InternedData *d = trace->packet[i]->interned_data;

		for (size_t j = 0; d && name && j < d->n_event_names; j++)
			if (d->event_names[j]->iid == iid) {
				assert_true(i <= at);
				found++;
			}
		for (size_t j = 0; d && !name && j < d->n_debug_annotation_string_values; j++)
			if (d->debug_annotation_string_values[j]->iid == iid) {
				assert_true(i <= at);
				found++;
			}
	}
	assert_int_equal(found, 1);
}

static void check_event(struct perfetto *t, size_t at)
{
	const Pft__TracePacket *p = t->trace->packet[at];
	const Pft__TrackEvent *e = p->track_event;
	struct ptrack *track = track_of(t, e->track_uuid);

	assert_non_null(track);
	assert_int_equal(p->sequence_flags, 2);
	/* for the strings every 16th does: the search is slow */
	if (e->has_name_iid && at % 16 == 0)
		check_interned(t->trace, at, e->name_iid, true);
	for (size_t i = 0; i < e->n_debug_annotations && at % 16 == 0; i++)
		if (e->debug_annotations[i]->has_string_value_iid)
			check_interned(t->trace, at, e->debug_annotations[i]->string_value_iid, false);
	for (size_t i = 0; i < e->n_debug_annotations; i++)
		t->crossings += e->debug_annotations[i]->uint_value == CROSS_ERR &&
				e->debug_annotations[i]->name_iid == ERROR_NOTE;
	t->flows += e->n_flow_ids;
	t->ends += e->n_terminating_flow_ids;
	t->instants += e->type == PFT__TRACK_EVENT__TYPE__INSTANT;
	t->slices += e->type == PFT__TRACK_EVENT__TYPE__SLICE_BEGIN;
	t->stages += e->type == PFT__TRACK_EVENT__TYPE__SLICE_BEGIN && e->has_name_iid;
}

struct order {
	const Pft__TracePacket *p;
	size_t at;
};

static int order_cmp(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	if (x->p->timestamp != y->p->timestamp)
		return x->p->timestamp < y->p->timestamp ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

/* As Perfetto reads it: sorted by time, what comes first in the file first */
static void check_nesting(struct perfetto *t)
{
	struct order *all = calloc(t->trace->n_packet, sizeof(*all));
	size_t n = 0;

	for (size_t i = 0; i < t->trace->n_packet; i++)
		if (t->trace->packet[i]->track_event)
			all[n++] = (struct order){ t->trace->packet[i], i };
	qsort(all, n, sizeof(*all), order_cmp);
	for (size_t i = 0; i < n; i++) {
		const Pft__TrackEvent *e = all[i].p->track_event;
		struct ptrack *track = track_of(t, e->track_uuid);

		switch (e->type) {
		case PFT__TRACK_EVENT__TYPE__SLICE_BEGIN:
			/* a packet's stay, and in it a stage: never one packet in another */
			assert_int_equal(track->depth, e->name ? 0 : 1);
			track->stack[track->depth++] = all[i].p->timestamp;
			break;
		case PFT__TRACK_EVENT__TYPE__SLICE_END:
			assert_true(track->depth > 0);
			track->depth--;
			break;
		default:
			assert_int_equal(track->depth, 1);
		}
	}
	for (size_t i = 0; i < t->ntracks; i++)
		assert_int_equal(t->track[i].depth, 0);
	free(all);
}

static void tracks_read(struct perfetto *t)
{
	for (size_t i = 0; i < t->trace->n_packet; i++) {
		const Pft__TrackDescriptor *d = t->trace->packet[i]->track_descriptor;

		if (d) {
			assert_null(track_of(t, d->uuid));
			assert_true(!d->has_parent_uuid || track_of(t, d->parent_uuid));
			t->track[t->ntracks++] = (struct ptrack){
				.uuid = d->uuid,
				.parent = d->parent_uuid,
				.name = d->name,
			};
		} else if (t->trace->packet[i]->track_event) {
			check_event(t, i);
		}
	}
}

static void test_perfetto(void **state)
{
	struct perfetto *t = calloc(1, sizeof(*t));
	size_t stages = 0, clocks = 0, crossings = 0, domains = 0;
	struct state *s = *state;

	show(s, &script_perfetto);
	t->trace = pft__trace__unpack(NULL, s->size, (__u8 *)s->out);
	assert_non_null(t->trace);
	tracks_read(t);
	check_nesting(t);
	for (size_t i = 0; i < s->n; i++) {
		stages += s->p[i].n - 1;
		crossings += s->p[i].nparts == 2;
	}
	assert_true(crossings > 50);
	assert_int_equal(t->crossings, crossings);
	assert_int_equal(t->stages, stages);
	assert_int_equal(t->instants, s->n);
	assert_int_equal(t->ends, s->n);
	/* what is no stage is a stay in a layer */
	assert_int_equal(t->flows + t->ends, t->slices - t->stages);
	for (size_t i = 0; i < t->trace->n_packet; i++)
		clocks += !!t->trace->packet[i]->clock_snapshot;
	assert_int_equal(clocks, 2);
	for (size_t i = 0; i < t->ntracks; i++)
		domains += !strcmp(t->track[i].name, "host vmhost1 (6.12.117)") ||
			   !strcmp(t->track[i].name, "vm1 vmhost1 (6.12.117)");
	assert_int_equal(domains, 2);
	pft__trace__free_unpacked(t->trace, NULL);
	free(t);
}

/* --- pcapng --------------------------------------------------------------------------------- */

struct pcapng {
	const __u8 *at, *end;
	size_t interfaces, packets, dropped;
};

static __u32 word(const __u8 *at)
{
	__u32 v;

	memcpy(&v, at, sizeof(v));
	return v;
}

/* Option of a block whose options are at .. end; NULL: it has none of that code */
static const __u8 *option(const __u8 *at, const __u8 *end, __u16 code, size_t *len)
{
	while (at < end) {
		__u16 head[2];

		memcpy(head, at, sizeof(head));
		if (!head[0])
			break;
		if (head[0] == code) {
			*len = head[1];
			return at + 4;
		}
		at += 4 + (head[1] + 3) / 4 * 4;
	}
	assert_true(at + 4 == end);
	return NULL;
}

static void check_block(struct state *s, struct pcapng *c, const struct packet *p,
			const struct sighting *sight, const __u8 *block, const __u8 *end)
{
	__u64 ns = (__u64)word(block + 12) << 32 | word(block + 16), id;
	const __u8 *text, *value;
	char comment[4096];
	size_t len;

	assert_true(word(block + 8) < c->interfaces);
	assert_int_equal(ns, wallclock_ns(s->f.domain.wall, sight->ts));
	assert_int_equal(word(block + 20), 0);
	assert_int_equal(word(block + 24), sight->len);
	value = option(block + 28, end, 5, &len);
	assert_non_null(value);
	memcpy(&id, value, sizeof(id));
	assert_int_equal(id, p->id);
	text = option(block + 28, end, 1, &len);
	assert_non_null(text);
	assert_true(len < sizeof(comment));
	snprintf(comment, sizeof(comment), "%.*s", (int)len, (const char *)text);
	assert_non_null(strstr(comment, hop_desc(sight->hop)->name));
	c->dropped += !!strstr(comment, "\ndropped: NETFILTER_DROP, in nf_hook_slow");
}

/* Next block of this packet's sighting; interfaces that are described before it are counted */
static void next_block(struct state *s, struct pcapng *c, const struct packet *p,
		       const struct sighting *sight)
{
	for (;;) {
		const __u8 *block = c->at;
		__u32 type = word(block), size = word(block + 4);

		assert_true(size % 4 == 0 && block + size <= c->end);
		assert_int_equal(word(block + size - 4), size);
		c->at += size;
		if (type == 6) {
			c->packets++;
			check_block(s, c, p, sight, block, block + size - 4);
			return;
		}
		if (type == 1) {
			size_t len;
			const __u8 *res = option(block + 16, block + size - 4, 9, &len);

			assert_non_null(res);
			assert_int_equal(*res, 9);
			c->interfaces++;
		} else {
			assert_int_equal(type, 0x0a0d0d0a);
		}
	}
}

static void test_pcapng(void **state)
{
	struct state *s = *state;
	size_t dropped = 0;
	struct pcapng c;

	show(s, &script_pcapng);
	memset(&c, 0, sizeof(c));
	c.at = (__u8 *)s->out;
	c.end = c.at + s->size;
	for (size_t i = 0; i < s->n; i++) {
		dropped += s->p[i].end == PACKET_DROPPED;
		for (size_t j = 0; j < s->p[i].n; j++)
			if (hop_desc(s->p[i].s[j].hop)->class != PL_CLASS_CTX)
				next_block(s, &c, &s->p[i], &s->p[i].s[j]);
	}
	assert_ptr_equal(c.at, c.end);
	assert_int_equal(c.dropped, dropped);
	/* hops that see the packet: nic:gro, nic:skb, br:in, dev:queue, tap:xmit, vhost:copy, drop;
	 * the last two in the guest, too */
	assert_int_equal(c.interfaces, 9);
}

/* --- lanes ---------------------------------------------------------------------------------- */

#define SPANS 3000

static void test_lanes(void **state)
{
	static __u64 begin[SPANS], end[SPANS];
	static int lane[SPANS];
	struct lanes l = { .n = 0 };
	size_t most = 0;
	__u64 now = 1000;

	(void)state;
	for (size_t i = 0; i < SPANS; i++) {
		now += rand() % 10;
		end[i] = now;
		begin[i] = now - rand() % (i % 100 ? 50 : 900);
		lane[i] = lanes_take(&l, begin[i], end[i]);
		assert_in_range(lane[i], 0, l.n - 1);
		for (size_t j = 0; j < i; j++)
			if (lane[j] == lane[i])
				assert_true(end[j] < begin[i] || end[i] < begin[j]);
	}
	/* in the order of ends no more lanes are needed than spans meet at one time */
	for (size_t i = 0; i < SPANS; i++) {
		size_t meet = 0;

		for (size_t j = 0; j < SPANS; j++)
			meet += begin[j] <= begin[i] && begin[i] <= end[j];
		most = meet > most ? meet : most;
	}
	assert_int_equal(l.n, most);
	/* one that comes too late is in nobody's way */
	assert_int_equal(lanes_take(&l, 0, 5), most);
	lanes_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_jsonl, setup, teardown),
		cmocka_unit_test_setup_teardown(test_perfetto, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pcapng, setup, teardown),
		cmocka_unit_test(test_lanes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
