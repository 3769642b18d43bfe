// SPDX-License-Identifier: GPL-2.0
/* Messages and option values, see util.h */
#include "util.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void msg_error(const char *fmt, ...)
{
	va_list ap;
	char *buf;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&buf, fmt, ap);
	va_end(ap);
	if (n < 0) {
		fprintf(stderr, "%s: out of memory\n", program_invocation_name);
		return;
	}
	for (char *c = buf; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = *c == '\n' ? ' ' : '?';
	fprintf(stderr, "%s: %s\n", program_invocation_name, buf);
	free(buf);
}

int parse_u64(const char *s, __u64 *out)
{
	unsigned long long v;
	char *end;

	/* strtoull takes a sign and leading blanks; a number here has neither */
	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	errno = 0;
	v = strtoull(s, &end, 10);
	if (*end)
		return -EINVAL;
	if (errno)
		return -errno;
	*out = v;
	return 0;
}

static __u64 unit_ns(const char *unit)
{
	static const struct {
		const char *name;
		__u64 ns;
	} units[] = {
		{ "", 1000000000 },
		{ "s", 1000000000 },
		{ "ms", 1000000 },
		{ "us", 1000 },
		{ "µs", 1000 },
		{ "ns", 1 },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(unit, units[i].name))
			return units[i].ns;
	return 0;
}

int parse_duration(const char *s, __u64 *out_ns)
{
	unsigned long long whole;
	__u64 scale, frac = 0;
	char *end;

	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	errno = 0;
	whole = strtoull(s, &end, 10);
	if (errno)
		return -errno;

	s = end;
	if (*s == '.') {
		s++;
		end += 1 + strspn(s, "0123456789");
	}
	scale = unit_ns(end);
	if (!scale)
		return -EINVAL;
	/* digits below a nanosecond fall away */
	for (__u64 digit = scale / 10; s < end && digit; s++, digit /= 10)
		frac += (*s - '0') * digit;

	if (__builtin_mul_overflow(whole, scale, out_ns) ||
	    __builtin_add_overflow(*out_ns, frac, out_ns))
		return -ERANGE;
	return 0;
}

void signals_reset(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
}

int stdout_finish(void)
{
	int err = 0;

	if (fflush(stdout))
		err = -errno;
	else if (ferror(stdout))
		err = -EIO; /* an earlier write failed, its errno is gone */

	if (err && err != -EPIPE)
		msg_error("cannot write the output: %s", strerror(-err));
	return err;
}

json_t *json_text(const char *s)
{
	json_t *text = json_string(s);
	char *copy, *p;

	if (text || !s)
		return text;
	copy = strdup(s);
	for (p = copy; p && *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	text = copy ? json_string(copy) : NULL;
	free(copy);
	return text;
}

size_t sorted_last(const void *base, size_t n, size_t size, size_t offset, __s64 key)
{
	const char *at = (const char *)base + offset;
	size_t low = 0, high = n;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (*(const __s64 *)(at + middle * size) <= key)
			low = middle;
		else
			high = middle;
	}
	return low;
}
