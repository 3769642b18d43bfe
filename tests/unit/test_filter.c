// SPDX-License-Identifier: GPL-2.0
/*
 * FILTER: the translated expression against libpcap's own interpreter, on the expressions of
 * filter.corpus and random frames; what is not all there is left open, never misread; and what is
 * said about expressions that are wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <linux/filter.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ebpf.h"
#include "filter.h"
#include "frames.h"

#define FILTERS_MAX 400
#define FRAMES	    5600 /* times the corpus: over a million pairs */

struct compiled {
	char *text;
	struct filter *ours;
	struct bpf_program theirs;
	unsigned int pass, reject, unsure;
};

struct corpus {
	struct compiled f[FILTERS_MAX];
	size_t n;
};

static void compile(pcap_t *p, struct compiled *c, const char *text)
{
	struct filter_error err;

	c->text = strdup(text);
	if (pcap_compile(p, &c->theirs, text, 1, PCAP_NETMASK_UNKNOWN))
		fail_msg("libpcap does not take '%s': %s", text, pcap_geterr(p));
	if (filter_new(text, &c->ours, &err))
		fail_msg("'%s': %s", text, err.why);
}

static FILE *corpus_open(void)
{
	char path[PATH_MAX + 32], source[] = __FILE__;
	FILE *f;

	snprintf(path, sizeof(path), "%s/filter.corpus", dirname(source));
	f = fopen(path, "re");
	if (!f)
		fail_msg("cannot open %s: the test runs at the top of the tree", path);
	return f;
}

static int setup(void **state)
{
	static struct corpus corpus;
	pcap_t *p = pcap_open_dead(DLT_EN10MB, 262144);
	FILE *f = corpus_open();
	char line[1024];

	assert_non_null(p);
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (!*line || *line == '#')
			continue;
		assert_true(corpus.n < FILTERS_MAX);
		compile(p, &corpus.f[corpus.n++], line);
	}
	fclose(f);
	pcap_close(p);
	*state = &corpus;
	return 0;
}

static int teardown(void **state)
{
	struct corpus *c = *state;

	while (c->n--) {
		free(c->f[c->n].text);
		free(c->f[c->n].ours);
		pcap_freecode(&c->f[c->n].theirs);
	}
	return 0;
}

/* The frame as filter_run() gets it; have: bytes that are linear; shifted: a tag was put in */
static void frame_prepare(struct filter_frame *f, const struct frame *from, size_t have, bool shifted)
{
	size_t n = have < FILTER_WINDOW ? have : FILTER_WINDOW;

	memset(f, 0xa5, sizeof(*f));
	f->start = shifted ? 0 : FILTER_SHIFT;
	f->first = 0;
	f->rest = 0xffff888000001000ULL;
	f->have = have;
	f->len = from->n;
	memcpy(f->window + f->start, from->b, n);
}

static enum filter_verdict verdict(const struct filter *f, const struct filter_frame *frame,
				   const struct frame *from)
{
	struct ebpf m = { .frame = frame, .rest = from->b };
	__u64 r = ebpf_run(&m, (const struct ebpf_insn *)f->insn, FILTER_ROOM);

	assert_int_equal(m.error, E_OK);
	assert_true(r <= FILTER_UNSURE);
	return r;
}

static bool libpcap_says(const struct compiled *c, const struct frame *f, size_t captured)
{
	struct pcap_pkthdr h = { .caplen = captured, .len = f->n };

	return pcap_offline_filter(&c->theirs, &h, f->b) != 0;
}

/* The whole frame can be read: the same verdict, for each frame and each expression */
static void test_same_verdict(void **state)
{
	struct corpus *c = *state;
	struct frames g = { .random = 88172645463325252ULL };
	unsigned int pairs = 0, i, never = 0;
	struct filter_frame frame;
	struct frame f;
	size_t k;

	for (i = 0; i < FRAMES; i++) {
		frame_random(&g, &f);
		frame_prepare(&frame, &f, f.n, i & 1);
		for (k = 0; k < c->n; k++) {
			enum filter_verdict v = verdict(c->f[k].ours, &frame, &f);

			if (v != (libpcap_says(&c->f[k], &f, f.n) ? FILTER_PASS : FILTER_REJECT))
				fail_msg("'%s': %u on frame %u of %zu bytes", c->f[k].text, v, i, f.n);
			c->f[k].pass += v == FILTER_PASS;
			c->f[k].reject += v == FILTER_REJECT;
			pairs++;
		}
	}
	for (k = 0; k < c->n; k++) {
		if (c->f[k].pass && c->f[k].reject)
			continue;
		print_message("# '%s' passes %s frame\n", c->f[k].text, c->f[k].pass ? "every" : "no");
		never++;
	}
	print_message("# %u pairs of %zu expressions\n", pairs, c->n);
	assert_true(pairs > 1000000);
	assert_true(never < c->n / 10);
}

/* A part of the frame is not linear: the verdict is that of the whole, or it is left open */
static void test_unsure(void **state)
{
	struct corpus *c = *state;
	struct frames g = { .random = 1234567ULL };
	unsigned int sure = 0, unsure = 0, i;
	struct filter_frame frame;
	struct frame f;
	size_t k, have;

	for (i = 0; i < FRAMES / 10; i++) {
		frame_random(&g, &f);
		have = frames_rnd(&g, f.n + 1);
		frame_prepare(&frame, &f, have, i & 1);
		for (k = 0; k < c->n; k++) {
			enum filter_verdict v = verdict(c->f[k].ours, &frame, &f);
			bool theirs = libpcap_says(&c->f[k], &f, f.n);

			if (v == FILTER_UNSURE) {
				unsure++;
				continue;
			}
			sure++;
			if (v != (theirs ? FILTER_PASS : FILTER_REJECT))
				fail_msg("'%s' with %zu of %zu bytes: %u", c->f[k].text, have, f.n, v);
		}
	}
	print_message("# %u decided, %u left open\n", sure, unsure);
	assert_true(sure > 10000 && unsure > 10000);
}

/* No link header: what asks for its addresses is left open, all else is decided as with one */
static void test_no_link(void **state)
{
	struct corpus *c = *state;
	struct frames g = { .random = 4711 };
	unsigned int open = 0, i;
	struct filter_frame frame;
	struct frame f;
	size_t k;

	for (i = 0; i < FRAMES / 10; i++) {
		frame_random(&g, &f);
		frame_prepare(&frame, &f, f.n, i & 1);
		frame.first = 12;
		memset(frame.window + frame.start, 0, 12);
		for (k = 0; k < c->n; k++) {
			enum filter_verdict v = verdict(c->f[k].ours, &frame, &f);

			if (v == FILTER_UNSURE)
				open++;
			else if (v != (libpcap_says(&c->f[k], &f, f.n) ? FILTER_PASS : FILTER_REJECT))
				fail_msg("'%s' without link header: %u", c->f[k].text, v);
		}
	}
	print_message("# %u left open\n", open);
	assert_in_range(open, FRAMES / 10, FRAMES / 10 * c->n / 8);
}

/* Nothing that can be read: decided only by what is known without reading */
static void test_nothing_there(void **state)
{
	struct corpus *c = *state;
	struct frames g = { .random = 99 };
	struct filter_frame frame;
	struct frame f;
	unsigned int open = 0;
	size_t k;

	do {
		frame_random(&g, &f);
	} while (f.n < 300);
	frame_prepare(&frame, &f, 0, false);
	for (k = 0; k < c->n; k++)
		open += verdict(c->f[k].ours, &frame, &f) == FILTER_UNSURE;
	/* all but those on the length and on bytes that no frame has */
	assert_true(open > c->n - 25);
}

static void bad(const char *text, int at, const char *why)
{
	struct filter *f = NULL;
	struct filter_error err;

	if (filter_new(text, &f, &err) != -EINVAL)
		fail_msg("'%s' is taken", text);
	if (err.at != at)
		fail_msg("'%s': the place is %d, not %d (%s)", text, err.at, at, err.why);
	if (!strstr(err.why, why))
		fail_msg("'%s': '%s' does not say '%s'", text, err.why, why);
}

/* The first word that fits no expression, and why; -1: said without a place */
static void test_errors(void **state)
{
	(void)state;
	bad("udp prt 7788", 4, "syntax error");
	bad("udp port", 8, "ends too early");
	bad("udp port 7788 and", 17, "ends too early");
	bad("(udp port 7", 11, "ends too early");
	bad("ip[0", 4, "syntax error");
	bad("udp port 7788 )", 14, "syntax error");
	bad("udp or (tcp and prt 5) or icmp", 16, "syntax error");
	bad("tcp[13 & 2 != 0", 11, "syntax error");
	bad("udp port nosuchport", 9, "unknown port");
	bad("port 99999", 5, "illegal port");
	bad("host 1.2.3.400", 5, "1.2.3.400");
	bad("vlan 5000", 5, "VLAN tag 5000");
	bad("tcp host 10.0.0.1", 0, "modifier");
	bad("@udp", 0, "syntax error");
	bad("tcp and udp", -1, "rejects all packets");
	/* what cannot be had here, by name */
	bad("inbound", -1, "live capture");
	bad("udp and outbound", -1, "live capture");
	bad("ip protochain 6", -1, "loop");
	bad("ifname eth0", 0, "ifname");
	bad("ip broadcast", 3, "ip broadcast");
}

/* Longer than its room: said, and nothing written beyond. (libpcap takes minutes for such a one) */
static void test_length(void **state)
{
	struct sock_filter *code = calloc(2 * FILTER_ROOM, sizeof(*code));
	struct filter *f = calloc(1, sizeof(*f));
	struct filter_error err;
	size_t n, most = 0;

	(void)state;
	assert_true(code && f);
	for (n = 1; n < 2 * FILTER_ROOM; n++) {
		code[n - 1] = (struct sock_filter){ .code = BPF_RET | BPF_K, .k = 1 };
		if (filter_translate(code, n, f, &err)) {
			assert_non_null(strstr(err.why, "too long"));
			break;
		}
		assert_true(f->n < FILTER_ROOM);
		most = n;
		code[n - 1] = (struct sock_filter){ .code = BPF_LD | BPF_H | BPF_ABS, .k = n };
	}
	print_message("# %zu classic instructions are most of this kind\n", most);
	assert_in_range(most, FILTER_ROOM / 20, FILTER_ROOM);
	free(code);
	free(f);
}

static void test_splice(void **state)
{
	struct corpus *c = *state;
	const struct ebpf_insn filler = { .code = 0xb7, .imm = FILTER_FILLER };
	struct ebpf_insn *image = calloc(FILTER_ROOM + 200, sizeof(*image));
	size_t i, size = (FILTER_ROOM + 200) * sizeof(*image);

	assert_non_null(image);
	/* a run that is shorter is none */
	for (i = 10; i < 50; i++)
		image[i] = filler;
	assert_int_equal(filter_splice(c->f[0].ours, image, size), 0);
	for (i = 100; i < FILTER_ROOM + 100; i++)
		image[i] = filler;
	assert_int_equal(filter_splice(c->f[0].ours, image, size), 1);
	assert_memory_equal(image + 100, c->f[0].ours->insn, sizeof(c->f[0].ours->insn));
	assert_int_equal(image[99].code, 0);
	assert_int_equal(image[FILTER_ROOM + 100].code, 0);
	assert_memory_equal(image + 10, &filler, sizeof(filler));
	free(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_verdict),
		cmocka_unit_test(test_unsure),
		cmocka_unit_test(test_no_link),
		cmocka_unit_test(test_nothing_there),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_splice),
	};

	return cmocka_run_group_tests_name("filter", tests, setup, teardown);
}
