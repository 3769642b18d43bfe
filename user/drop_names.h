/* SPDX-License-Identifier: GPL-2.0 */
/* Why and where a packet was dropped, by the recording's document TRACE_DROPS */
#ifndef PKTLAP_DROP_NAMES_H
#define PKTLAP_DROP_NAMES_H

#include <jansson.h>
#include <linux/types.h>

#define DROP_NAME_LEN 256

/* Name of a reason, "" when the recording has none; cleaned of control characters */
const char *drop_reason_name(const json_t *drops, __u32 reason, char buf[DROP_NAME_LEN]);

/* "ip_rcv+0x1a", or "_stext+0x1a" when the recording has no name for the place */
const char *drop_place_name(const json_t *drops, __s32 place, char buf[DROP_NAME_LEN]);

/* "net/ipv4/ip_input.c:123", or "" */
const char *drop_place_source(const json_t *drops, __s32 place, char buf[DROP_NAME_LEN]);

#endif
