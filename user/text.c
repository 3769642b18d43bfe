// SPDX-License-Identifier: GPL-2.0
/* Text for people, see text.h */
#include "text.h"

#include <errno.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "util.h"

#define NSEC_PER_SEC 1000000000ULL

static size_t columns_of(FILE *f)
{
	const char *env = getenv("COLUMNS");
	struct winsize size;
	__u64 n;

	if (env && !parse_u64(env, &n) && n < UINT16_MAX)
		return n;
	return isatty(fileno(f)) && !ioctl(fileno(f), TIOCGWINSZ, &size) ? size.ws_col : 0;
}

void text_out_init(struct text_out *o, FILE *f)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	o->f = f;
	o->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	o->bold = isatty(fileno(f)) && !(no_color && *no_color) && term && strcmp(term, "dumb");
	o->unit = UNIT_US;
	o->columns = columns_of(f);
}

int text_unit_parse(const char *name, enum text_unit *unit)
{
	static const char *const names[] = { [UNIT_NS] = "ns", [UNIT_US] = "us", [UNIT_MS] = "ms" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name))
			continue;
		*unit = i;
		return 0;
	}
	return -EINVAL;
}

/* Decode one character; a byte that begins none is taken alone, as U+FFFD. Returns its bytes */
static size_t utf8_decode(const char *s, __u32 *cp)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t n = 0;

	if (*u < 0x80)
		n = 1;
	else if (*u >= 0xc2 && *u < 0xf5)
		n = *u < 0xe0 ? 2 : *u < 0xf0 ? 3
					      : 4;
	*cp = n == 1 ? *u : *u & (0x7f >> n);
	for (size_t i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			n = 0;
		else
			*cp = *cp << 6 | (u[i] & 0x3f);
	}
	if (!n)
		*cp = 0xfffd;
	return n ? n : 1;
}

/* What stands for a character where there is no UTF-8 */
static const char *ascii_of(__u32 cp)
{
	switch (cp) {
	case 0x2192:
		return "->";
	case 0x2190:
		return "<-";
	case 0x2194:
		return "<->";
	case 0x2502: /* lines of trees */
	case 0x251c:
		return "|";
	case 0x2514:
		return "`";
	case 0x2500:
		return "-";
	case 0xb5:
		return "u";
	case 0x2013:
		return "-";
	case 0xb1:
		return "+-";
	default:
		return "?";
	}
}

size_t text_width(const struct text_out *o, const char *s)
{
	return text_width_n(o, s, strlen(s));
}

size_t text_width_n(const struct text_out *o, const char *s, size_t bytes)
{
	const char *end = s + bytes;
	size_t width = 0;
	__u32 cp;
	int w;

	while (s < end) {
		s += utf8_decode(s, &cp);
		if (cp < 0x80) {
			width++;
		} else if (!o->utf8) {
			width += strlen(ascii_of(cp));
		} else {
			w = wcwidth(cp); /* -1: the C locale knows none */
			width += w < 0 ? 1 : w;
		}
	}
	return width;
}

static void text_put(const struct text_out *o, const char *s)
{
	size_t n;
	__u32 cp;

	if (o->utf8) {
		fputs(s, o->f);
		return;
	}
	for (; *s; s += n) {
		n = utf8_decode(s, &cp);
		if (cp < 0x80)
			putc(cp, o->f);
		else
			fputs(ascii_of(cp), o->f);
	}
}

void text_printf(const struct text_out *o, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	text_put(o, s);
	free(s);
}

const char *text_clean(char *to, size_t size, const char *name)
{
	size_t len = 0, n;
	__u32 cp;

	for (; *name; name += n) {
		bool bad;

		n = utf8_decode(name, &cp);
		bad = cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0xfffd ||
		      (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069);
		if (len + (bad ? 1 : n) >= size)
			break;
		if (bad)
			to[len++] = '?';
		else
			len += (memcpy(to + len, name, n), n);
	}
	to[len] = 0;
	return to;
}

const char *text_ns(const struct text_out *o, __u64 ns, char buf[TEXT_NS_LEN])
{
	if (o->unit == UNIT_NS) {
		snprintf(buf, TEXT_NS_LEN, "%llu", ns);
		return buf;
	}
	if (o->unit == UNIT_MS)
		ns = ns / 1000 + (ns % 1000 >= 500);
	snprintf(buf, TEXT_NS_LEN, "%llu.%03llu", ns / 1000, ns % 1000);
	return buf;
}

const char *text_unit_name(const struct text_out *o)
{
	static const char *const names[] = {
		[UNIT_NS] = "ns",
		[UNIT_US] = "µs",
		[UNIT_MS] = "ms",
	};

	return names[o->unit];
}

const char *text_permille(unsigned int permille, char buf[TEXT_NS_LEN])
{
	snprintf(buf, TEXT_NS_LEN, "%u.%u", permille / 10, permille % 10);
	return buf;
}

static const char *time_format(__u64 real_ns, const char *fmt, char buf[TEXT_NS_LEN])
{
	time_t sec = real_ns / NSEC_PER_SEC;
	struct tm tm;

	if (!localtime_r(&sec, &tm) || !strftime(buf, TEXT_NS_LEN, fmt, &tm))
		snprintf(buf, TEXT_NS_LEN, "?");
	return buf;
}

const char *text_clock(__u64 real_ns, char buf[TEXT_NS_LEN])
{
	size_t n = strlen(time_format(real_ns, "%H:%M:%S", buf));

	snprintf(buf + n, TEXT_NS_LEN - n, ".%09llu", real_ns % NSEC_PER_SEC);
	return buf;
}

const char *text_date(__u64 real_ns, char buf[TEXT_NS_LEN])
{
	return time_format(real_ns, "%Y-%m-%d %H:%M:%S %z", buf);
}
