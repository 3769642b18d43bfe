// SPDX-License-Identifier: GPL-2.0
/*
 * Packets as a Perfetto trace (user/perfetto.proto), packet after packet as they end: Perfetto sorts
 * by time.
 *
 * Each domain is a track, each layer (nic, br, tap, vhost, ...) a track below it. Slices of one
 * track must nest, and packets overlap, so a layer has as many tracks of the same name as packets
 * are in it at a time (lanes.h); the user interface draws them as one. A packet makes a slice for
 * the time that it is in a layer, linked from layer to layer by a flow, and in it a slice for each
 * stage; its last sighting is an instant.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lanes.h"
#include "packet_text.h"
#include "perfetto.pb-c.h"
#include "report.h"
#include "slowest.h"
#include "view_script.h"

#define SEQUENCE       1 /* all is written by one writer */
#define SEQ_CLEARED    1
#define SEQ_NEEDS      2
#define CLOCK_REALTIME 1 /* BuiltinClock of Perfetto */
#define CLOCK_MONO     3
#define CLOCK_BOOT     6
#define ORDER_EXPLICIT 3
#define LAYERS_MAX     PL_NR_HOPS
#define NOTES_MAX      16
#define NEW_MAX	       8 /* strings first seen in one event */

enum note { NOTE_PACKET = 1,
	    NOTE_END,
	    NOTE_PROTO,
	    NOTE_BYTES,
	    NOTE_TOTAL,
	    NOTE_DEV,
	    NOTE_CPU,
	    NOTE_TASK,
	    NOTE_LENGTH,
	    NOTE_COUNT,
	    NOTE_QUEUE,
	    NOTE_PORT,
	    NOTE_VLAN,
	    NOTE_HOOK,
	    NOTE_DROP,
	    NOTE_ERROR,
	    NR_NOTES };

static const char *const note_names[NR_NOTES] = {
	[NOTE_PACKET] = "packet",
	[NOTE_END] = "end",
	[NOTE_PROTO] = "protocol",
	[NOTE_BYTES] = "bytes",
	[NOTE_TOTAL] = "total ns",
	[NOTE_DEV] = "device",
	[NOTE_CPU] = "CPU",
	[NOTE_TASK] = "task",
	[NOTE_LENGTH] = "length",
	[NOTE_COUNT] = "count",
	[NOTE_QUEUE] = "queue",
	[NOTE_PORT] = "port",
	[NOTE_VLAN] = "VLAN tag",
	[NOTE_HOOK] = "hook",
	[NOTE_DROP] = "dropped for",
	[NOTE_ERROR] = "clock error ns",
};

/* Strings that come again and again are written once; what they are of is in their number */
enum intern { INTERN_STAGE = 1,
	      INTERN_DEV,
	      INTERN_TASK,
	      INTERN_IDLE,
	      INTERN_HOOK,
	      INTERN_PROTO,
	      INTERN_END };

struct script_state {
	const struct script_view *view;
	bool failed; /* no memory */
	struct {
		__u64 *key; /* numbers that were written; open addressing, 0 is free */
		size_t n, cap;
	} interned;
	__u8 layer_of[PL_NR_HOPS];
	char layers[LAYERS_MAX][PACKET_LAYER_LEN]; /* names */
	size_t nlayers;
	struct domain_tracks {
		bool known; /* written */
		struct lanes layers[LAYERS_MAX];
	} * domains;
	size_t ndomains;
	__u8 *buf;
	size_t bufsize;
};

/* An event in the making, with room for what it refers to */
struct event {
	struct script_state *s;
	unsigned int domain; /* of its strings */
	Pft__TracePacket packet;
	Pft__TrackEvent event;
	Pft__InternedData interned;
	Pft__DebugAnnotation note[NOTES_MAX], *notes[NOTES_MAX];
	Pft__EventName name, *names;
	Pft__InternedString string[NEW_MAX], *strings[NEW_MAX];
	char text[NEW_MAX + 1][PACKET_NAME_LEN]; /* names a string points to */
	char title[2 * PACKET_NAME_LEN];
	char drop[PACKET_DROP_LEN];
	uint64_t flow;
};

static void packet_write(struct script_state *s, Pft__TracePacket *packet)
{
	Pft__Trace trace = PFT__TRACE__INIT;
	size_t size;

	packet->has_trusted_packet_sequence_id = true;
	packet->trusted_packet_sequence_id = SEQUENCE;
	/* a message in pieces is its pieces one after the other */
	trace.n_packet = 1;
	trace.packet = &packet;
	size = pft__trace__get_packed_size(&trace);
	if (size > s->bufsize) {
		free(s->buf);
		s->bufsize = 2 * size;
		s->buf = malloc(s->bufsize);
	}
	if (!s->buf) {
		s->bufsize = 0;
		s->failed = true;
		return;
	}
	pft__trace__pack(&trace, s->buf);
	fwrite(s->buf, 1, size, s->view->out.f);
}

/* --- strings -------------------------------------------------------------------------------- */

static __u64 *interned_slot(const struct script_state *s, __u64 key)
{
	size_t i = (key * 0x9e3779b97f4a7c15ULL >> 32) & (s->interned.cap - 1);

	while (s->interned.key[i] && s->interned.key[i] != key)
		i = (i + 1) & (s->interned.cap - 1);
	return &s->interned.key[i];
}

static int interned_grow(struct script_state *s)
{
	size_t cap = s->interned.cap;
	__u64 *old = s->interned.key, *key;

	if (2 * (s->interned.n + 1) <= cap)
		return 0;
	key = calloc(cap ? 2 * cap : 256, sizeof(*key));
	if (!key)
		return -ENOMEM;
	s->interned.key = key;
	s->interned.cap = cap ? 2 * cap : 256;
	for (size_t i = 0; i < cap; i++)
		if (old[i])
			*interned_slot(s, old[i]) = old[i];
	free(old);
	return 0;
}

/* Is this the first time? Devices and tasks are numbered by each domain */
static bool intern(struct script_state *s, enum intern kind, unsigned int domain, __u32 nr,
		   uint64_t *iid)
{
	__u64 *slot;

	*iid = (__u64)domain << 40 | (__u64)kind << 32 | nr;
	if (interned_grow(s)) {
		s->failed = true;
		return false;
	}
	slot = interned_slot(s, *iid);
	if (*slot)
		return false;
	*slot = *iid;
	s->interned.n++;
	return true;
}

/* --- events --------------------------------------------------------------------------------- */

static void event_begin(struct event *e, struct script_state *s, Pft__TrackEvent__Type type,
			__u64 track, __u64 ts)
{
	e->s = s;
	e->domain = 0;
	pft__trace_packet__init(&e->packet);
	pft__track_event__init(&e->event);
	pft__interned_data__init(&e->interned);
	e->event.debug_annotations = e->notes;
	e->interned.debug_annotation_string_values = e->strings;
	e->packet.has_timestamp = true;
	e->packet.timestamp = ts;
	e->packet.has_sequence_flags = true;
	e->packet.sequence_flags = SEQ_NEEDS;
	e->packet.track_event = &e->event;
	e->event.has_type = true;
	e->event.type = type;
	e->event.has_track_uuid = true;
	e->event.track_uuid = track;
}

static Pft__DebugAnnotation *note_add(struct event *e, enum note name)
{
	Pft__DebugAnnotation *note = &e->note[e->event.n_debug_annotations];

	pft__debug_annotation__init(note);
	note->has_name_iid = true;
	note->name_iid = name;
	e->notes[e->event.n_debug_annotations++] = note;
	return note;
}

static void note_number(struct event *e, enum note name, __u64 value)
{
	Pft__DebugAnnotation *note = note_add(e, name);

	note->has_uint_value = true;
	note->uint_value = value;
}

/* text: stays until the event is written */
static void note_text(struct event *e, enum note name, enum intern kind, __u32 nr, const char *text)
{
	Pft__DebugAnnotation *note = note_add(e, name);
	size_t at = e->interned.n_debug_annotation_string_values;

	note->has_string_value_iid = true;
	if (!intern(e->s, kind, e->domain, nr, &note->string_value_iid))
		return;
	pft__interned_string__init(&e->string[at]);
	e->string[at].has_iid = true;
	e->string[at].iid = note->string_value_iid;
	e->string[at].has_str = true;
	e->string[at].str = (ProtobufCBinaryData){ strlen(text), (__u8 *)text };
	e->strings[at] = &e->string[at];
	e->interned.n_debug_annotation_string_values++;
	e->packet.interned_data = &e->interned;
}

/* Name of the stage between two hops; of the last sighting (to: none) the hop's */
static void stage_name(struct event *e, enum pl_hop from, enum pl_hop to)
{
	e->event.has_name_iid = true;
	if (!intern(e->s, INTERN_STAGE, 0, from * PL_NR_HOPS + to, &e->event.name_iid))
		return;
	snprintf(e->title, sizeof(e->title), to ? "%s → %s" : "%s", hop_desc(from)->name,
		 hop_desc(to)->name);
	pft__event_name__init(&e->name);
	e->name.has_iid = true;
	e->name.iid = e->event.name_iid;
	e->name.name = e->title;
	e->names = &e->name;
	e->interned.event_names = &e->names;
	e->interned.n_event_names = 1;
	e->packet.interned_data = &e->interned;
}

static void event_end(struct event *e)
{
	packet_write(e->s, &e->packet);
}

/* --- tracks --------------------------------------------------------------------------------- */

static __u64 domain_track(unsigned int domain)
{
	return (__u64)(domain + 1) << 40;
}

static __u64 lane_track(unsigned int domain, size_t layer, __u32 lane)
{
	return domain_track(domain) | (__u64)(layer + 1) << 32 | lane;
}

static void track_write(struct script_state *s, Pft__TrackDescriptor *track)
{
	Pft__TracePacket packet = PFT__TRACE_PACKET__INIT;

	packet.track_descriptor = track;
	packet_write(s, &packet);
}

static void domain_write(struct script_state *s, const struct packet *p, size_t at)
{
	const json_t *meta = script_domain(s->view, p, at)->trace->docs[TRACE_META];
	const char *host = json_string_value(json_object_get(meta, "host"));
	const char *release = json_string_value(json_object_get(meta, "release"));
	Pft__TrackDescriptor track = PFT__TRACK_DESCRIPTOR__INIT;
	char text[256], name[256];

	snprintf(text, sizeof(text), "%s %s (%s)", script_domain(s->view, p, at)->name,
		 host ? host : "", release ? release : "");
	track.has_uuid = true;
	track.uuid = domain_track(packet_domain(p, at));
	track.name = (char *)text_clean(name, sizeof(name), text);
	track.has_child_ordering = true;
	track.child_ordering = ORDER_EXPLICIT;
	track_write(s, &track);
}

/* Track of the packet, that is in this layer from sighting at until end; 0: no memory */
static __u64 layer_track(struct script_state *s, const struct packet *p, size_t at, size_t layer,
			 __u64 end)
{
	unsigned int domain = packet_domain(p, at);
	struct domain_tracks *d = &s->domains[domain < s->ndomains ? domain : 0];
	struct lanes *l = &d->layers[layer];
	Pft__TrackDescriptor track = PFT__TRACK_DESCRIPTOR__INIT;
	size_t known = l->n;
	int lane = lanes_take(l, p->s[at].ts, end);

	if (lane < 0) {
		s->failed = true;
		return 0;
	}
	if (!d->known)
		domain_write(s, p, at);
	d->known = true;
	track.uuid = lane_track(domain, layer, lane);
	if (l->n == known)
		return track.uuid;
	track.has_uuid = true;
	track.name = s->layers[layer];
	track.has_parent_uuid = true;
	track.parent_uuid = domain_track(domain);
	track.has_sibling_order_rank = true;
	track.sibling_order_rank = layer;
	track_write(s, &track);
	return track.uuid;
}

/* --- packets -------------------------------------------------------------------------------- */

static void stage_notes(struct event *e, const struct packet *p, size_t at)
{
	const struct names *names = script_domain(e->s->view, p, at)->names;
	const struct sighting *s = &p->s[at];
	const struct hook_desc *hook = hook_desc(s->hook);
	__u16 tags[PACKET_TAGS_MAX];
	size_t ntags = sighting_tags(s, tags);
	const struct packet_part *crossing = at + 1 < p->n ? packet_crossing(p, at + 1) : NULL;

	e->domain = packet_domain(p, at);
	if (s->dev)
		note_text(e, NOTE_DEV, INTERN_DEV, s->dev, sighting_dev(names, s, e->text[0]));
	note_number(e, NOTE_CPU, s->cpu);
	sighting_task(names, s, e->text[1]);
	if (!s->tid)
		note_text(e, NOTE_TASK, INTERN_IDLE, s->cpu, e->text[1]);
	else if (names_comm(names, s->tid))
		note_text(e, NOTE_TASK, INTERN_TASK, s->tid, e->text[1]);
	else
		note_add(e, NOTE_TASK)->string_value = e->text[1];
	note_number(e, sighting_of_packet(s) ? NOTE_LENGTH : NOTE_COUNT, s->len);
	note_number(e, s->flags & PL_F_SOCK ? NOTE_PORT : NOTE_QUEUE, s->queue);
	for (size_t i = 0; i < ntags; i++)
		note_number(e, NOTE_VLAN, tags[i]);
	if (s->hook)
		note_text(e, NOTE_HOOK, INTERN_HOOK, s->hook, hook->id);
	if (crossing)
		note_number(e, NOTE_ERROR, crossing->error_ns);
	if (s->hop == PL_HOP_drop && p->end == PACKET_DROPPED)
		note_add(e, NOTE_DROP)->string_value =
			(char *)packet_drop(script_drops(e->s->view, p), p, e->drop);
}

static void stage_write(struct script_state *s, const struct packet *p, size_t at, __u64 track)
{
	bool last = at + 1 == p->n;
	struct event e;

	event_begin(&e, s,
		    last ? PFT__TRACK_EVENT__TYPE__INSTANT : PFT__TRACK_EVENT__TYPE__SLICE_BEGIN,
		    track, p->s[at].ts);
	stage_name(&e, p->s[at].hop, last ? PL_HOP_none : p->s[at + 1].hop);
	stage_notes(&e, p, at);
	event_end(&e);
	if (last)
		return;
	event_begin(&e, s, PFT__TRACK_EVENT__TYPE__SLICE_END, track, p->s[at + 1].ts);
	event_end(&e);
}

static void visit_notes(struct event *e, const struct packet *p)
{
	note_number(e, NOTE_PACKET, p->id);
	note_text(e, NOTE_END, INTERN_END, p->end, packet_end_name(p->end));
	note_text(e, NOTE_PROTO, INTERN_PROTO, p->proto, packet_proto_name(p->proto, e->text[0]));
	note_number(e, NOTE_BYTES, packet_len(p));
	note_number(e, NOTE_TOTAL, packet_total(p));
}

/* The packet's stay in one layer: its sightings from .. to - 1 */
static void visit_write(struct script_state *s, const struct packet *p, size_t from, size_t to,
			size_t layer)
{
	__u64 begin = p->s[from].ts, end = p->s[to < p->n ? to : p->n - 1U].ts;
	__u64 track = layer_track(s, p, from, layer, end);
	struct event e;

	if (!track)
		return;
	event_begin(&e, s, PFT__TRACK_EVENT__TYPE__SLICE_BEGIN, track, begin);
	snprintf(e.title, sizeof(e.title), "packet %llu", p->id);
	e.event.name = e.title;
	e.flow = p->id;
	if (to < p->n) {
		e.event.flow_ids = &e.flow;
		e.event.n_flow_ids = 1;
	} else {
		e.event.terminating_flow_ids = &e.flow;
		e.event.n_terminating_flow_ids = 1;
	}
	visit_notes(&e, p);
	event_end(&e);
	for (size_t i = from; i < to; i++)
		stage_write(s, p, i, track);
	event_begin(&e, s, PFT__TRACK_EVENT__TYPE__SLICE_END, track, end);
	event_end(&e);
}

/* A drop is in the layer that the packet was in */
static size_t layer_at(const struct script_state *s, const struct packet *p, size_t at)
{
	if (at && p->s[at].hop == PL_HOP_drop)
		at--;
	return s->layer_of[p->s[at].hop];
}

/* Does the packet stay in the layer that it was in at the sighting before? */
static bool stays(const struct script_state *s, const struct packet *p, size_t at)
{
	return at < p->n && !packet_crossing(p, at) &&
	       layer_at(s, p, at) == layer_at(s, p, at - 1);
}

static int perfetto_packet(struct script_state *s, const struct packet *p)
{
	size_t from = 0;

	for (size_t i = 1; i <= p->n; i++) {
		if (stays(s, p, i))
			continue;
		visit_write(s, p, from, i, layer_at(s, p, from));
		from = i;
	}
	return s->failed ? -ENOMEM : 0;
}

/* --- begin and end -------------------------------------------------------------------------- */

static void layers_find(struct script_state *s)
{
	for (int hop = PL_HOP_none + 1; hop < PL_NR_HOPS; hop++) {
		char name[PACKET_LAYER_LEN];
		size_t i = 0;

		hop_layer(hop, name);
		while (i < s->nlayers && strcmp(s->layers[i], name))
			i++;
		if (i == s->nlayers)
			strcpy(s->layers[s->nlayers++], name);
		s->layer_of[hop] = i;
	}
}

/* First of all: time stamps are monotonic ones, and names of annotations */
static void defaults_write(struct script_state *s)
{
	Pft__DebugAnnotationName name[NR_NOTES], *names[NR_NOTES];
	Pft__TracePacketDefaults defaults = PFT__TRACE_PACKET_DEFAULTS__INIT;
	Pft__InternedData interned = PFT__INTERNED_DATA__INIT;
	Pft__TracePacket packet = PFT__TRACE_PACKET__INIT;

	for (int i = 1; i < NR_NOTES; i++) {
		pft__debug_annotation_name__init(&name[i]);
		name[i].has_iid = true;
		name[i].iid = i;
		name[i].name = (char *)note_names[i];
		names[i - 1] = &name[i];
	}
	interned.debug_annotation_names = names;
	interned.n_debug_annotation_names = NR_NOTES - 1;
	defaults.has_timestamp_clock_id = true;
	defaults.timestamp_clock_id = CLOCK_MONO;
	packet.interned_data = &interned;
	packet.trace_packet_defaults = &defaults;
	packet.has_sequence_flags = true;
	packet.sequence_flags = SEQ_CLEARED;
	packet_write(s, &packet);
}

/* names: of the members of doc with the monotonic, real and boot time; NULL: it has none */
static void clock_write(struct script_state *s, const json_t *doc, const char *const names[3])
{
	static const __u32 ids[3] = { CLOCK_MONO, CLOCK_REALTIME, CLOCK_BOOT };
	Pft__ClockSnapshot__Clock clock[3], *clocks[3];
	Pft__ClockSnapshot shot = PFT__CLOCK_SNAPSHOT__INIT;
	Pft__TracePacket packet = PFT__TRACE_PACKET__INIT;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		__u64 ns = names[i] ? json_integer_value(json_object_get(doc, names[i])) : 0;

		if (!ns)
			continue;
		pft__clock_snapshot__clock__init(&clock[i]);
		clock[i].has_clock_id = true;
		clock[i].clock_id = ids[i];
		clock[i].has_timestamp = true;
		clock[i].timestamp = ns;
		clocks[shot.n_clocks++] = &clock[i];
	}
	shot.clocks = clocks;
	shot.has_primary_trace_clock = true;
	shot.primary_trace_clock = CLOCK_MONO;
	packet.clock_snapshot = &shot;
	packet_write(s, &packet);
}

static void clocks_write(struct script_state *s)
{
	static const char *const snapshot[3] = { "mono_ns", "real_ns", "boot_ns" };
	static const char *const start[3] = { "start_mono_ns", "start_real_ns", NULL };
	const struct trace *t = s->view->domains[0].trace;
	const json_t *clocks = t->docs[TRACE_CLOCK], *doc;
	size_t i;

	json_array_foreach(clocks, i, doc)
		clock_write(s, doc, snapshot);
	/* a recorder that was killed at once has at least this */
	if (!json_array_size(clocks))
		clock_write(s, t->docs[TRACE_META], start);
}

static void perfetto_end(struct script_state *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->ndomains; i++)
		for (size_t j = 0; j < s->nlayers; j++)
			lanes_free(&s->domains[i].layers[j]);
	free(s->domains);
	free(s->interned.key);
	free(s->buf);
	free(s);
}

static int perfetto_begin(const struct script_view *v, struct script_state **out)
{
	struct script_state *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	*out = s;
	s->view = v;
	s->ndomains = v->ndomains ? v->ndomains : 1;
	s->domains = calloc(s->ndomains, sizeof(*s->domains));
	if (!s->domains) {
		s->ndomains = 0;
		return -ENOMEM;
	}
	layers_find(s);
	defaults_write(s);
	clocks_write(s);
	return s->failed ? -ENOMEM : 0;
}

const struct script_format script_perfetto = {
	"perfetto",
	true,
	perfetto_begin,
	perfetto_packet,
	perfetto_end,
};
