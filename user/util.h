/* SPDX-License-Identifier: GPL-2.0 */
/* Messages, option values and other small things common to all commands */
#ifndef PKTLAP_UTIL_H
#define PKTLAP_UTIL_H

#include <jansson.h>
#include <linux/types.h>
#include <stddef.h>

/*
 * One line on stderr, "pktlap report: <message>". Line breaks and control characters that came
 * with a name or a path are replaced, so that a message stays one line.
 */
void msg_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Whole string as a decimal number. 0, -EINVAL or -ERANGE */
int parse_u64(const char *s, __u64 *out);

/* "5", "1.5s", "200ms", "10us", "300ns"; without a unit: seconds. 0, -EINVAL or -ERANGE */
int parse_duration(const char *s, __u64 *out_ns);

/*
 * JSON string of bytes that need not be UTF-8 (task names, device names, arguments): what is not
 * ASCII becomes '?' then. Caller owns the reference; NULL: no memory, or s is NULL.
 */
json_t *json_text(const char *s);

/* In a child before exec(): what we block and ignore is as it is by default again */
void signals_reset(void);

/*
 * Flush stdout and say so on stderr when the output could not be written (full disk).
 * 0 or a negative errno; EPIPE is not reported: the reader has what it wanted.
 */
int stdout_finish(void);

/*
 * Index of the last of n elements of size bytes, in the order of the 64-bit number at offset in each,
 * where that is not above key; 0 when it is in all of them, or there is none.
 */
size_t sorted_last(const void *base, size_t n, size_t size, size_t offset, __s64 key);

/* Of hashing a sequence of numbers: h with v mixed in; the low bits are good */
static inline __u64 hash_mix(__u64 h, __u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 32;
}

#endif
