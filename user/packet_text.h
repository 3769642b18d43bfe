/* SPDX-License-Identifier: GPL-2.0 */
/* What the views of single packets say about a packet and its sightings, in words and numbers */
#ifndef PKTLAP_PACKET_TEXT_H
#define PKTLAP_PACKET_TEXT_H

#include <jansson.h>

#include "names.h"
#include "stitch.h"

#define PACKET_NAME_LEN	 64
#define PACKET_LAYER_LEN 16
#define PACKET_TAGS_MAX	 2

/* "udp", "arp", "ip protocol 89", "headers not read"; may be buf */
const char *packet_proto_name(__u8 proto, char buf[PACKET_NAME_LEN]);

/* Bytes where first seen, from that hop's own start of data; 0: seen by context hops only */
__u32 packet_len(const struct packet *p);

/* "vhost-2154/2160", "swapper/1" for a CPU's idle task, "2160" when its name is not known; buf */
const char *sighting_task(const struct names *names, const struct sighting *s,
			  char buf[PACKET_NAME_LEN]);

/* "br0" without control characters, "" for no device; buf */
const char *sighting_dev(const struct names *names, const struct sighting *s,
			 char buf[PACKET_NAME_LEN]);

/* VLAN tags (TCI) that the packet has there, the outermost first; how many */
size_t sighting_tags(const struct sighting *s, __u16 tags[PACKET_TAGS_MAX]);

/* Does the sighting see the packet itself: is its length one in bytes? */
bool sighting_of_packet(const struct sighting *s);

/* "nic" of "nic:gro"; "drop" of "drop"; buf */
const char *hop_layer(enum pl_hop hop, char buf[PACKET_LAYER_LEN]);

/* "NETFILTER_DROP, in nf_hook_slow+0x8c", by the document TRACE_DROPS (may be NULL); buf */
#define PACKET_DROP_LEN 600
const char *packet_drop(const json_t *drops, const struct packet *p, char buf[PACKET_DROP_LEN]);

#endif
