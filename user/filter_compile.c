// SPDX-License-Identifier: GPL-2.0
/*
 * An expression to classic BPF, and what to say when it is wrong. libpcap tells no place. Where its
 * message has a word of the expression, that is the place; else the place is the first word with
 * which what stands so far is the beginning of no expression that libpcap would take.
 */
#include <ctype.h>
#include <errno.h>
#include <linux/filter.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "filter.h"
#include "util.h"

#define SNAPLEN	   262144 /* as tcpdump's: what `ret` returns; any length is */
#define NESTED_MAX 64
#define SEARCH_NS  1000000000ULL /* names in the expression are looked up again each time */

struct word {
	size_t at, len;
};

/* What may come next, after anything that may stand before it. Each with closing brackets */
static const char *const completions[] = {
	"",
	" 1",
	" 1.2.3.4",
	" ip",
	" 1-2",
	" 1.2.3.0/24",
	" 2001:db8::1",
	" 00:00:5e:00:53:01",
	" host 1.2.3.4",
	" port 1",
	" proto 6",
	" \\ip",
	" \\tcp",
	" mask 255.255.255.0",
	" 255.255.255.0",
	" src or dst port 1",
	" or dst port 1",
	" dst port 1",
	" and dst port 1",
	" 00:00:5e:00:53:01 and host 1.2.3.4",
	" u",
	"=1",
	">1 and 1=1",
	" 1=1",
	"[0]=1",
	" 1]=1",
	" 1:2]=1",
	"1]=1",
	"]=1",
	" 1)=1",
	")=1",
	" broadcast",
};

/* Operators are words of their own, but what addresses, ranges and names are made of is not */
static size_t word_len(const char *s)
{
	size_t n;

	if (strchr("()[]", *s))
		return 1;
	n = strspn(s, "&|<>=!+*^");
	if (n)
		return n;
	return strcspn(s, " \t\r\n()[]&|<>=!+*^");
}

static bool word_next(const char *text, struct word *w)
{
	w->at += w->len;
	w->at += strspn(text + w->at, " \t\r\n");
	if (!text[w->at])
		return false;
	w->len = word_len(text + w->at);
	return true;
}

static bool compiles(pcap_t *p, const char *text)
{
	struct bpf_program prog;

	if (pcap_compile(p, &prog, text, 0, PCAP_NETMASK_UNKNOWN))
		return false;
	pcap_freecode(&prog);
	return true;
}

/* Brackets of text[0..n) that are open at its end, the last one first, as what closes them */
static void closers(const char *text, size_t n, char out[NESTED_MAX])
{
	char open[NESTED_MAX] = { 0 };
	size_t i, depth = 0, k;

	for (i = 0; i < n; i++) {
		if ((text[i] == '(' || text[i] == '[') && depth < NESTED_MAX - 1)
			open[depth++] = text[i] == '(' ? ')' : ']';
		else if ((text[i] == ')' || text[i] == ']') && depth)
			depth--;
	}
	for (k = 0; k < depth; k++)
		out[k] = open[depth - 1 - k];
	out[depth] = 0;
}

/* Can text[0..n) be the beginning of an expression? */
static bool is_beginning(pcap_t *p, const char *text, size_t n)
{
	size_t room = n + 2 * NESTED_MAX + 64, i, skip;
	char *trial = malloc(room), close[NESTED_MAX];
	bool found = false;

	if (!trial)
		return true;
	closers(text, n, close);
	for (i = 0; !found && i < sizeof(completions) / sizeof(*completions); i++) {
		/* some of them close the innermost bracket themselves */
		skip = strpbrk(completions[i], ")]") && !strchr(completions[i], '[') && *close ? 1 : 0;
		snprintf(trial, room, "%.*s%s%s", (int)n, text, completions[i], close + skip);
		found = compiles(p, trial);
		if (!found && *close) {
			snprintf(trial, room, "%.*s%s%s=1", (int)n, text, completions[i],
				 close + skip);
			found = compiles(p, trial);
		}
	}
	free(trial);
	return found;
}

/* The first word that does not fit to those before it; the end when all do; -1: not found out */
static int place_by_trial(pcap_t *p, const char *text)
{
	__u64 end = clock_mono_ns() + SEARCH_NS;
	struct word w = {};

	while (word_next(text, &w)) {
		if (!is_beginning(p, text, w.at + w.len))
			return w.at;
		if (clock_mono_ns() > end)
			return -1;
	}
	return strlen(text);
}

static bool is_quoted_or_number(const char *message, const char *found, size_t len)
{
	bool quoted = found > message && strchr("'\"", found[-1]) && strchr("'\"", found[len]);
	bool whole = (found == message || !isalnum((unsigned char)found[-1])) &&
		     !isalnum((unsigned char)found[len]);

	return quoted || (whole && isdigit((unsigned char)*found));
}

/* A word of the expression that the message names: "unknown port 'foo'", "port number 99999" */
static int place_by_message(const char *text, const char *message)
{
	char word[128];
	const char *found;
	struct word w = {};

	while (word_next(text, &w)) {
		if (w.len >= sizeof(word))
			continue;
		snprintf(word, sizeof(word), "%.*s", (int)w.len, text + w.at);
		found = strstr(message, word);
		if (found && is_quoted_or_number(message, found, w.len))
			return w.at;
	}
	return -1;
}

static void explain(pcap_t *p, const char *text, struct filter_error *err)
{
	const char *message = pcap_geterr(p), *colon = strstr(message, "expression: ");

	snprintf(err->why, sizeof(err->why), "%s", colon ? colon + strlen("expression: ") : message);
	if (!strcmp(err->why, "expression rejects all packets"))
		return;
	err->at = colon ? -1 : place_by_message(text, err->why);
	if (err->at < 0)
		err->at = place_by_trial(p, text);
	if (colon && err->at == (int)strlen(text))
		snprintf(err->why, sizeof(err->why), "syntax error: it ends too early");
}

int filter_compile(const char *text, struct sock_filter **code, size_t *n, struct filter_error *err)
{
	struct bpf_program prog;
	pcap_t *p;
	size_t i;

	err->at = -1;
	p = pcap_open_dead(DLT_EN10MB, SNAPLEN);
	if (!p)
		return -ENOMEM;
	if (pcap_compile(p, &prog, text, 1, PCAP_NETMASK_UNKNOWN)) {
		explain(p, text, err);
		pcap_close(p);
		return -EINVAL;
	}
	*n = prog.bf_len;
	*code = calloc(prog.bf_len, sizeof(**code));
	for (i = 0; *code && i < *n; i++)
		(*code)[i] = (struct sock_filter){
			.code = prog.bf_insns[i].code,
			.jt = prog.bf_insns[i].jt,
			.jf = prog.bf_insns[i].jf,
			.k = prog.bf_insns[i].k,
		};
	pcap_freecode(&prog);
	pcap_close(p);
	return *code ? 0 : -ENOMEM;
}

int filter_new(const char *text, struct filter **out, struct filter_error *err)
{
	struct filter *f = calloc(1, sizeof(*f));
	struct sock_filter *code = NULL;
	size_t n;
	int ret;

	ret = f ? filter_compile(text, &code, &n, err) : -ENOMEM;
	if (!ret)
		ret = filter_translate(code, n, f, err);
	free(code);
	if (ret)
		free(f);
	else
		*out = f;
	return ret;
}

void filter_error_show(const char *text, const struct filter_error *err)
{
	const char *c;
	int i;

	msg_error("filter: %s", err->why);
	if (err->at < 0)
		return;
	fputs("  ", stderr);
	for (c = text; *c; c++)
		fputc(iscntrl((unsigned char)*c) ? ' ' : *c, stderr);
	fputs("\n  ", stderr);
	/* a character of several bytes takes one column */
	for (i = 0; i < err->at; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			fputc(' ', stderr);
	fputs("^\n", stderr);
}
