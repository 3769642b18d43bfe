// SPDX-License-Identifier: GPL-2.0
/*
 * Packets as a capture file (pcapng, draft-ietf-opsawg-pcapng), packet after packet as they end:
 * Wireshark sorts by time when asked.
 *
 * An interface for each hop and device; a block for each sighting that sees the packet itself, on
 * the wall clock in ns, all blocks of a packet with one packet id. The time of each sighting is in
 * its comment, the whole breakdown in that of the packet's last block. A recording has no bytes of
 * packets: blocks have their true length and nothing captured.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet_text.h"
#include "report.h"
#include "slowest.h"
#include "view_script.h"

#define BLOCK_SECTION	  0x0a0d0d0a
#define BLOCK_INTERFACE	  1
#define BLOCK_PACKET	  6
#define BYTE_ORDER_MAGIC  0x1a2b3c4d
#define OPT_END		  0
#define OPT_COMMENT	  1
#define SHB_OS		  3
#define SHB_USERAPPL	  4
#define IF_NAME		  2
#define IF_DESCRIPTION	  3
#define IF_TSRESOL	  9
#define EPB_FLAGS	  2
#define EPB_PACKETID	  5
#define EPB_QUEUE	  6
#define FLAG_INBOUND	  1
#define FLAG_OUTBOUND	  2
#define LINKTYPE_ETHERNET 1
#define SNAPLEN		  128
#define COMMENT_MAX	  32768

struct script_state {
	const struct script_view *view;
	bool failed; /* no memory */
	struct {
		__u8 *data;
		size_t n, cap;
	} block;
	struct {
		char *text;
		size_t n;
	} comment;
	struct interface {
		__u16 dev;
		__u8 hop, domain;
	} * interfaces;
	size_t ninterfaces;
};

/* --- blocks --------------------------------------------------------------------------------- */

static void put(struct script_state *s, const void *data, size_t n)
{
	if (s->failed || !n)
		return;
	if (s->block.n + n > s->block.cap) {
		size_t cap = 2 * (s->block.n + n);
		__u8 *more = realloc(s->block.data, cap);

		if (!more) {
			s->failed = true;
			return;
		}
		s->block.data = more;
		s->block.cap = cap;
	}
	memcpy(s->block.data + s->block.n, data, n);
	s->block.n += n;
}

static void put16(struct script_state *s, __u16 v)
{
	put(s, &v, sizeof(v));
}

static void put32(struct script_state *s, __u32 v)
{
	put(s, &v, sizeof(v));
}

static void put_padded(struct script_state *s, const void *data, size_t n)
{
	put(s, data, n);
	put(s, "\0\0\0", -n & 3);
}

static void put_option(struct script_state *s, __u16 code, const void *data, size_t n)
{
	put16(s, code);
	put16(s, n);
	put_padded(s, data, n);
}

static void put_string(struct script_state *s, __u16 code, const char *text)
{
	put_option(s, code, text, strlen(text));
}

static void block_begin(struct script_state *s, __u32 type)
{
	s->block.n = 0;
	put32(s, type);
	put32(s, 0); /* its length, known at its end */
}

static void block_end(struct script_state *s)
{
	__u32 size;

	put_option(s, OPT_END, "", 0);
	size = s->block.n + sizeof(size);
	put32(s, size);
	if (s->failed)
		return;
	memcpy(s->block.data + 4, &size, sizeof(size));
	fwrite(s->block.data, 1, size, s->view->out.f);
}

static void section_write(struct script_state *s)
{
	const json_t *meta = s->view->domains[0].trace->docs[TRACE_META];
	const char *host = json_string_value(json_object_get(meta, "host"));
	const char *release = json_string_value(json_object_get(meta, "release"));
	const __u64 unknown = -1;
	char text[256], os[256];

	block_begin(s, BLOCK_SECTION);
	put32(s, BYTE_ORDER_MAGIC);
	put16(s, 1); /* version 1.0 */
	put16(s, 0);
	put(s, &unknown, sizeof(unknown));
	snprintf(text, sizeof(text), "Linux %s, %s", release ? release : "", host ? host : "");
	put_string(s, SHB_OS, text_clean(os, sizeof(os), text));
	put_string(s, SHB_USERAPPL, "pktlap " PKTLAP_VERSION);
	if (!domain_wall_ns(s->view->domains, 0, 0))
		put_string(s, OPT_COMMENT, "times are those of the monotonic clock: the recording has no other");
	block_end(s);
}

/* "vm1/eth0": what is not of the first domain says where it is */
static void interface_name(struct script_state *s, const struct packet *p, size_t at,
			   char name[2 * PACKET_NAME_LEN])
{
	char dev[PACKET_NAME_LEN], layer[PACKET_LAYER_LEN];

	sighting_dev(script_domain(s->view, p, at)->names, &p->s[at], dev);
	snprintf(name, 2 * PACKET_NAME_LEN, "%s%s%s",
		 packet_domain(p, at) ? script_domain(s->view, p, at)->name : "",
		 packet_domain(p, at) ? "/" : "", *dev ? dev : hop_layer(p->s[at].hop, layer));
}

static void interface_write(struct script_state *s, const struct packet *p, size_t at)
{
	const struct hop_desc *hop = hop_desc(p->s[at].hop);
	char name[2 * PACKET_NAME_LEN], text[256];
	const __u8 nanoseconds = 9;

	interface_name(s, p, at, name);
	snprintf(text, sizeof(text), "%s: %s", hop->name, hop->what);
	block_begin(s, BLOCK_INTERFACE);
	put16(s, LINKTYPE_ETHERNET);
	put16(s, 0);
	put32(s, SNAPLEN);
	put_string(s, IF_NAME, name);
	put_string(s, IF_DESCRIPTION, text);
	put_option(s, IF_TSRESOL, &nanoseconds, sizeof(nanoseconds));
	block_end(s);
}

/* Number of the interface that stands for this hop at this device, described before its first use */
static __u32 interface_of(struct script_state *s, const struct packet *p, size_t at)
{
	const struct sighting *sight = &p->s[at];
	unsigned int domain = packet_domain(p, at);
	struct interface *more;

	for (size_t i = 0; i < s->ninterfaces; i++)
		if (s->interfaces[i].hop == sight->hop && s->interfaces[i].dev == sight->dev &&
		    s->interfaces[i].domain == domain)
			return i;
	more = realloc(s->interfaces, (s->ninterfaces + 1) * sizeof(*more));
	if (!more) {
		s->failed = true;
		return 0;
	}
	s->interfaces = more;
	more[s->ninterfaces] = (struct interface){ .dev = sight->dev, .hop = sight->hop, .domain = domain };
	interface_write(s, p, at);
	return s->ninterfaces++;
}

/* --- comments ------------------------------------------------------------------------------- */

static void say(struct script_state *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct script_state *s, const char *fmt, ...)
{
	size_t room = COMMENT_MAX - s->comment.n;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(s->comment.text + s->comment.n, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		s->comment.n += (size_t)n < room ? (size_t)n : room - 1;
}

static void say_sighting(struct script_state *s, const struct packet *p, size_t at)
{
	char ns[TEXT_NS_LEN], task[PACKET_NAME_LEN];
	const struct sighting *sight = &p->s[at];

	say(s, "packet %llu: %s", p->id, hop_desc(sight->hop)->name);
	if (at) {
		say(s, ", %s %s after its first sighting",
		    text_ns(&s->view->out, sight->ts - p->s[0].ts, ns),
		    text_unit_name(&s->view->out));
		say(s, ", %s after %s", text_ns(&s->view->out, sight->ts - p->s[at - 1].ts, ns),
		    hop_desc(p->s[at - 1].hop)->name);
	}
	say(s, "; CPU %u, %s", sight->cpu, sighting_task(script_domain(s->view, p, at)->names, sight, task));
}

static void say_breakdown(struct script_state *s, const struct packet *p)
{
	char ns[TEXT_NS_LEN], text[PACKET_DROP_LEN];

	say(s, "\n%s", packet_end_name(p->end));
	if (p->end == PACKET_DROPPED)
		say(s, ": %s", packet_drop(script_drops(s->view, p), p, text));
	say(s, "; %s %s in all", text_ns(&s->view->out, packet_total(p), ns),
	    text_unit_name(&s->view->out));
	for (size_t i = 1; i < p->n; i++)
		say(s, "\n%12s  %s → %s", text_ns(&s->view->out, p->s[i].ts - p->s[i - 1].ts, ns),
		    hop_desc(p->s[i - 1].hop)->name, hop_desc(p->s[i].hop)->name);
}

/* --- packets -------------------------------------------------------------------------------- */

/* As the hop's device sees it; 0: inside of the host */
static __u32 direction(enum pl_hop hop)
{
	switch (hop) {
	case PL_HOP_nic_gro:
	case PL_HOP_nic_grofrags:
	case PL_HOP_nic_gromerge:
	case PL_HOP_nic_merged:
	case PL_HOP_nic_skb:
	case PL_HOP_dev_rxback:
	case PL_HOP_dev_rx:
	case PL_HOP_tap_send:
	case PL_HOP_tap_skb:
	case PL_HOP_br_in:
	case PL_HOP_ip_rcv:
		return FLAG_INBOUND;
	case PL_HOP_dev_queue:
	case PL_HOP_qdisc_enq:
	case PL_HOP_qdisc_deq:
	case PL_HOP_dev_xmit:
	case PL_HOP_nic_xmit:
	case PL_HOP_nic_txdone:
	case PL_HOP_tap_xmit:
		return FLAG_OUTBOUND;
	default:
		return 0;
	}
}

static void sighting_write(struct script_state *s, const struct packet *p, size_t at, bool last)
{
	const struct sighting *sight = &p->s[at];
	__u64 ns = script_wall_ns(s->view, p, at) ?: sight->ts;
	__u32 interface = interface_of(s, p, at), flags = direction(sight->hop);
	__u32 queue = sight->queue;

	block_begin(s, BLOCK_PACKET);
	put32(s, interface);
	put32(s, ns >> 32);
	put32(s, ns);
	put32(s, 0); /* captured */
	put32(s, sight->len);
	if (flags)
		put_option(s, EPB_FLAGS, &flags, sizeof(flags));
	put_option(s, EPB_PACKETID, &p->id, sizeof(p->id));
	if (!(sight->flags & PL_F_SOCK))
		put_option(s, EPB_QUEUE, &queue, sizeof(queue));
	s->comment.n = 0;
	say_sighting(s, p, at);
	if (last)
		say_breakdown(s, p);
	put_option(s, OPT_COMMENT, s->comment.text, s->comment.n);
	block_end(s);
}

static int pcapng_packet(struct script_state *s, const struct packet *p)
{
	size_t last = p->n;

	for (size_t i = 0; i < p->n; i++)
		if (sighting_of_packet(&p->s[i]))
			last = i;
	for (size_t i = 0; i < p->n; i++)
		if (sighting_of_packet(&p->s[i]))
			sighting_write(s, p, i, i == last);
	return s->failed ? -ENOMEM : 0;
}

static void pcapng_end(struct script_state *s)
{
	if (!s)
		return;
	free(s->block.data);
	free(s->comment.text);
	free(s->interfaces);
	free(s);
}

static int pcapng_begin(const struct script_view *v, struct script_state **out)
{
	struct script_state *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	*out = s;
	s->view = v;
	s->comment.text = malloc(COMMENT_MAX);
	if (!s->comment.text)
		return -ENOMEM;
	section_write(s);
	return s->failed ? -ENOMEM : 0;
}

const struct script_format script_pcapng = {
	"pcapng",
	true,
	pcapng_begin,
	pcapng_packet,
	pcapng_end,
};
