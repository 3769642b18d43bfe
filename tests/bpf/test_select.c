// SPDX-License-Identifier: GPL-2.0
/*
 * Which packets are looked at: FILTER and --sample where the headers are in a fragment (nic:gromerge),
 * drops by what is known of the skb
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "object.h"
#include "packet.h"
#include "pktlap.skel.h"
#include "run.h"
#include "run.skel.h"

#define SAMPLE	 4
#define FLOWS	 400
#define HEADERS4 28 /* IPv4 and UDP */
#define IFINDEX	 9
#define REASON	 5

struct fixture {
	struct run_bpf *skel;
	struct pktlap_bpf *pktlap; /* NULL: the test's own programs are used */
	struct made m;
	void *image; /* of the object, with a filter in it */
};

/* filter: NULL: all packets; sample: 0: all of these */
static void start(struct fixture *f, const char *expression, __u32 sample)
{
	struct filter_error why;
	struct filter *filter;

	f->skel = calloc(1, sizeof(*f->skel));
	assert_non_null(f->skel);
	assert_int_equal(run_bpf__create_skeleton(f->skel), 0);
	if (expression) {
		f->image = malloc(f->skel->skeleton->data_sz);
		assert_non_null(f->image);
		memcpy(f->image, f->skel->skeleton->data, f->skel->skeleton->data_sz);
		assert_int_equal(filter_new(expression, &filter, &why), 0);
		assert_int_equal(filter_splice(filter, f->image, f->skel->skeleton->data_sz), 1);
		free(filter);
		f->skel->skeleton->data = f->image;
	}
	assert_int_equal(bpf_object__open_skeleton(f->skel->skeleton, NULL), 0);
	f->skel->rodata->cfg_select = expression || sample;
	f->skel->rodata->cfg_filter = expression != NULL;
	f->skel->rodata->cfg_sample = sample;
	assert_int_equal(object_prepare(f->skel->obj), 0);
	bpf_program__set_autoload(f->skel->progs.run_gro, true);
	assert_int_equal(run_bpf__load(f->skel), 0);
	assert_int_equal(object_start(f->skel->obj, 64, &f->m), 0);
}

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct fixture));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	object_stop(&f->m);
	pktlap_bpf__destroy(f->pktlap);
	run_bpf__destroy(f->skel);
	free(f->image);
	free(f);
	return 0;
}

/* Of the packet's bytes from its network header on, only so many are in the first fragment */
static const struct pl_event *look(struct fixture *f, const struct packet *p, __u32 linear, bool before)
{
	struct run_in *in = &f->skel->bss->in;
	size_t l3, len = packet_build(p, in->packet, &l3);

	in->at = l3;
	in->frame = len - l3;
	in->linear = linear && linear < in->frame ? linear : in->frame;
	in->proto = htons(p->l3 == P_IP6 ? 0x86dd : 0x0800);
	in->selected = before;
	assert_int_equal(program_run(f->skel->progs.run_gro, NULL, 0), 0);
	return object_drain(&f->m) ? &f->m.ev[0] : NULL;
}

static struct packet udp(__u16 dport)
{
	return (struct packet){ .ttl = 64, .src = { 10, 0, 0, 1 }, .dst = { 10, 0, 0, 2 }, .proto = 17, .sport = 7, .dport = dport, .payload = 100, .fill = "payload" };
}

static void check_event(const struct pl_event *e, __u16 flags)
{
	assert_non_null(e);
	assert_int_equal(e->hook, PL_HOOK_dev_gro_receive_kp);
	assert_int_equal(e->proto, 17);
	assert_int_equal(e->flags & ~PL_F_PAY, PL_F_KEY | PL_F_NONLIN | flags);
}

static void test_all(void **state)
{
	struct fixture *f = *state;
	struct packet p = udp(1);

	start(f, NULL, 0);
	check_event(look(f, &p, 0, true), 0);
}

static void test_filter(void **state)
{
	struct fixture *f = *state;
	struct packet yes = udp(2), no = udp(3);

	start(f, "udp port 2", 0);
	check_event(look(f, &yes, 0, true), 0);
	assert_true(f->skel->bss->out.selected);
	check_event(look(f, &yes, HEADERS4, true), 0);
	/* decided here, so that nic:merged is not told of it */
	assert_null(look(f, &no, 0, true));
	assert_false(f->skel->bss->out.selected);
	/* nic:gro knew that it is none */
	assert_null(look(f, &yes, 0, false));
	assert_false(f->skel->bss->out.selected);
}

/* What depends on bytes that are not in the first fragment either */
static void test_filter_beyond(void **state)
{
	struct fixture *f = *state;
	struct packet p = udp(2);

	start(f, "udp[20] = 0", 0);
	check_event(look(f, &p, HEADERS4, true), PL_F_UNSURE);
	assert_true(f->skel->bss->out.selected);
	check_event(look(f, &p, 0, true), 0);
	p.fill[12] = 1;
	assert_null(look(f, &p, 0, true));
}

/* The link header is not there */
static void test_filter_link(void **state)
{
	struct fixture *f = *state;
	struct packet p = udp(2);

	start(f, "ether host 02:00:00:00:00:09", 0);
	check_event(look(f, &p, 0, true), PL_F_UNSURE);
	assert_true(f->skel->bss->out.selected);
}

/* One in SAMPLE flows of TCP; a datagram is known by its payload only */
static void test_sample(void **state)
{
	struct fixture *f = *state;
	struct packet p = udp(2);
	unsigned int i, n = 0;

	start(f, NULL, SAMPLE);
	check_event(look(f, &p, HEADERS4, true), PL_F_UNSURE);
	for (i = 0; i < FLOWS; i++) {
		p = udp(1000 + i);
		p.proto = 6;
		n += look(f, &p, 40, true) != NULL;
	}
	assert_in_range(n, FLOWS / SAMPLE / 2, FLOWS / SAMPLE * 2);
}

/* pktlap's own programs, and packets for them */
static void drops_start(struct fixture *f, bool scoped, __u32 sample)
{
	f->skel = run_bpf__open();
	f->pktlap = pktlap_bpf__open();
	assert_true(f->skel && f->pktlap);
	assert_int_equal(object_prepare(f->skel->obj), 0);
	bpf_program__set_autoload(f->skel->progs.run_fake, true);
	assert_int_equal(run_bpf__load(f->skel), 0);
	f->pktlap->rodata->cfg_scoped = scoped;
	f->pktlap->rodata->cfg_select = sample != 0;
	f->pktlap->rodata->cfg_sample = sample;
	assert_int_equal(object_prepare(f->pktlap->obj), 0);
	bpf_program__set_autoload(f->pktlap->progs.pl_receive_skb_raw, true);
	bpf_program__set_autoload(f->pktlap->progs.pl_kfree_skb_raw, true);
	assert_int_equal(pktlap_bpf__load(f->pktlap), 0);
	assert_int_equal(object_start(f->pktlap->obj, 64, &f->m), 0);
}

/* The packet's skb, of a device of its own, at the hop of a program */
static const struct pl_event *pass(struct fixture *f, const struct bpf_program *prog, const struct packet *p, __u32 iif)
{
	struct run_in *in = &f->skel->bss->in;
	size_t l3, len = packet_build(p, in->packet, &l3);
	__u64 args[3] = { 0, 0, REASON };

	in->at = l3;
	in->linear = in->frame = len;
	in->proto = htons(0x0800);
	in->iif = iif;
	in->ifindex = IFINDEX;
	assert_int_equal(program_run(f->skel->progs.run_fake, NULL, 0), 0);
	args[0] = f->skel->bss->out.skb;
	assert_int_equal(program_run(prog, args, 3), 0);
	return object_drain(&f->m) ? &f->m.ev[0] : NULL;
}

static bool followed(struct fixture *f)
{
	struct pl_event e;

	return !bpf_map_lookup_elem(object_map(&f->m, "followed"), &f->skel->bss->out.skb, &e);
}

/* A device that leads up from one that is looked at: what came in, not what is sent there */
static void test_drop_scope(void **state)
{
	struct fixture *f = *state;
	struct packet p = udp(2);
	const struct pl_event *e;
	__u8 up = PL_SCOPE_UP;
	__u64 key = IFINDEX;

	drops_start(f, true, 0);
	assert_null(pass(f, f->pktlap->progs.pl_kfree_skb_raw, &p, 3));
	assert_int_equal(bpf_map_update_elem(object_map(&f->m, "scope"), &key, &up, BPF_ANY), 0);
	e = pass(f, f->pktlap->progs.pl_kfree_skb_raw, &p, 3);
	assert_non_null(e);
	assert_int_equal(e->arg, REASON);
	assert_true(e->flags & PL_F_KNOWN);
	assert_null(pass(f, f->pktlap->progs.pl_kfree_skb_raw, &p, 0));
}

/* What is known of an skb ends with it, also where there is no room for the event that says so */
static void test_drop_follow(void **state)
{
	struct fixture *f = *state;
	struct packet p = udp(2);

	drops_start(f, false, 1);
	assert_non_null(pass(f, f->pktlap->progs.pl_receive_skb_raw, &p, 3));
	assert_true(followed(f));
	assert_non_null(pass(f, f->pktlap->progs.pl_kfree_skb_raw, &p, 3));
	assert_false(followed(f));
	assert_non_null(pass(f, f->pktlap->progs.pl_receive_skb_raw, &p, 3));
	f->m.rings[0].size = 0;
	assert_null(pass(f, f->pktlap->progs.pl_kfree_skb_raw, &p, 3));
	assert_false(followed(f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_filter, setup, teardown),
		cmocka_unit_test_setup_teardown(test_filter_beyond, setup, teardown),
		cmocka_unit_test_setup_teardown(test_filter_link, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sample, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drop_scope, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drop_follow, setup, teardown),
	};

	return cmocka_run_group_tests_name("what is looked at", tests, NULL, NULL);
}
