// SPDX-License-Identifier: GPL-2.0
#include "packet_text.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "drop_names.h"
#include "text.h"

const char *packet_proto_name(__u8 proto, char buf[PACKET_NAME_LEN])
{
	switch (proto) {
	case PL_PROTO_NONE:
		return "headers not read";
	case PL_PROTO_ARP:
		return "arp";
	case PL_PROTO_OTHER:
		return "not ip";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMPV6:
		return "icmpv6";
	default:
		snprintf(buf, PACKET_NAME_LEN, "ip protocol %u", proto);
		return buf;
	}
}

bool sighting_of_packet(const struct sighting *s)
{
	return hop_desc(s->hop)->class != PL_CLASS_CTX;
}

__u32 packet_len(const struct packet *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (hop_desc(p->s[i].hop)->class == PL_CLASS_PKT)
			return p->s[i].len;
	return 0;
}

const char *sighting_task(const struct names *names, const struct sighting *s,
			  char buf[PACKET_NAME_LEN])
{
	const char *comm = names_comm(names, s->tid);
	char name[PACKET_NAME_LEN - 12];

	/* the idle task of each CPU has no number of its own */
	if (!s->tid)
		snprintf(buf, PACKET_NAME_LEN, "swapper/%u", s->cpu);
	else if (comm && *comm)
		snprintf(buf, PACKET_NAME_LEN, "%s/%u", text_clean(name, sizeof(name), comm), s->tid);
	else
		snprintf(buf, PACKET_NAME_LEN, "%u", s->tid);
	return buf;
}

const char *sighting_dev(const struct names *names, const struct sighting *s,
			 char buf[PACKET_NAME_LEN])
{
	return text_clean(buf, PACKET_NAME_LEN, names_dev_name(names, s->dev));
}

size_t sighting_tags(const struct sighting *s, __u16 tags[PACKET_TAGS_MAX])
{
	size_t n = 0;

	/* the field has another meaning there */
	if (!sighting_of_packet(s) || s->hop == PL_HOP_drop || (s->flags & PL_F_SOCK))
		return 0;
	if (s->flags & PL_F_VLAN_META)
		tags[n++] = s->vlan;
	if (s->flags & PL_F_VLAN_FRAME)
		tags[n++] = s->vlan >> 16;
	return n;
}

const char *hop_layer(enum pl_hop hop, char buf[PACKET_LAYER_LEN])
{
	const char *name = hop_desc(hop)->name;

	snprintf(buf, PACKET_LAYER_LEN, "%.*s", (int)strcspn(name, ":"), name);
	return buf;
}

const char *packet_drop(const json_t *drops, const struct packet *p, char buf[PACKET_DROP_LEN])
{
	char reason[DROP_NAME_LEN], place[DROP_NAME_LEN], number[PACKET_NAME_LEN];
	const char *name = drop_reason_name(drops, p->drop_reason, reason);

	snprintf(number, sizeof(number), "reason %u", p->drop_reason);
	snprintf(buf, PACKET_DROP_LEN, "%s, in %s", *name ? name : number,
		 drop_place_name(drops, p->drop_place, place));
	return buf;
}
