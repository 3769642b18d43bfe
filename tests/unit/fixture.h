/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A recording that never was, with one of everything that a report shows: two paths, a bridge,
 * rare stages, a slow packet, drops on and off a path, loss, hops uncovered and silent, names that
 * want to take over the terminal.
 */
#ifndef PKTLAP_TEST_FIXTURE_H
#define PKTLAP_TEST_FIXTURE_H

#include <stdlib.h>

#include <cmocka.h>

#include "packets.h"
#include "report.h"

#define FIXTURE_START 5000000000ULL /* ns, monotonic */

static const char *const FIXTURE_DOCS[TRACE_NR_CHUNKS] = {
	[TRACE_META] = "{'version': '0.1.0', 'host': 'vmhost1', 'release': '6.12.117',"
		       " 'machine': 'x86_64', 'cpus': 4, 'command': ['pktlap', 'record'],"
		       " 'start_real_ns': 1767355267000000000, 'start_mono_ns': 5000000000,"
		       " 'options': {}}",
	[TRACE_HOPS] = "[{'hop': 'nic:gro', 'state': 'attached', 'as': '', 'hook': 'napi_gro',"
		       "  'kind': 'tp_btf', 'target': 'napi_gro_receive_entry', 'tried': []},"
		       " {'hop': 'br:forward', 'state': 'silent', 'as': '', 'hook': 'br_forward_fe',"
		       "  'kind': 'fentry', 'target': '__br_forward', 'tried': []},"
		       " {'hop': 'qdisc:deq', 'state': 'uncovered', 'as': '', 'hook': '', 'kind': '',"
		       "  'target': '', 'tried': ["
		       "   {'hook': 'qdisc_dequeue', 'kind': 'tp_btf', 'target': 'qdisc_dequeue',"
		       "    'error': 'no tracepoint qdisc_dequeue in this kernel'},"
		       "   {'hook': 'qdisc_dequeue_raw', 'kind': 'raw_tp', 'target': 'qdisc_dequeue',"
		       "    'error': 'no tracepoint qdisc_dequeue in this kernel'}]},"
		       " {'hop': 'kvm:kick', 'state': 'uncovered', 'as': '', 'hook': '', 'kind': '',"
		       "  'target': '', 'tried': [{'hook': 'vcpu_kick_fe', 'kind': 'fentry',"
		       "   'target': 'kvm_vcpu_kick', 'error': 'module kvm has no BTF'}]},"
		       " {'hop': 'kvm:inj', 'state': 'uncovered', 'as': '', 'hook': '', 'kind': '',"
		       "  'target': '', 'tried': [{'hook': 'inj_virq', 'kind': 'tp_btf',"
		       "   'target': 'kvm_inj_virq', 'error': 'module kvm has no BTF'}]},"
		       " {'hop': 'kvm:run', 'state': 'uncovered', 'as': 'sched:run', 'hook': '',"
		       "  'kind': '', 'target': '', 'tried': []},"
		       " {'hop': 'vmm:signal', 'state': 'unwanted', 'as': '', 'hook': '', 'kind': '',"
		       "  'target': '', 'tried': []}]",
	[TRACE_DEVICES] = "[{'netns': 1, 'netns_name': '', 'ifindex': 2, 'name': 'eth1',"
			  "  'kind': 'nic', 'driver': 'igb', 'master': 'br0'},"
			  " {'netns': 1, 'netns_name': '', 'ifindex': 3, 'name': 'br0',"
			  "  'kind': 'bridge', 'driver': 'bridge', 'master': ''},"
			  " {'netns': 1, 'netns_name': '', 'ifindex': 4, 'name': 'tap0',"
			  "  'kind': 'tap', 'driver': 'tun', 'master': 'br0'},"
			  " {'netns': 1, 'netns_name': '', 'ifindex': 5, 'name': 'tap,1',"
			  "  'kind': 'tap', 'driver': 'tun', 'master': 'br0'}]",
	[TRACE_CHANGES] = "[{'what': 'renamed', 'time_ns': 6500000000, 'after_ns': 6499000000,"
			  "  'netns': 1, 'netns_name': '', 'ifindex': 9, 'name': 'wan0\\u001b[2J',"
			  "  'kind': 'nic', 'driver': 'igb', 'master': '', 'was': 'eth9', 'to': ''},"
			  " {'what': 'joined', 'time_ns': 7000000000, 'after_ns': 6999000000,"
			  "  'netns': 2, 'netns_name': 'vm', 'ifindex': 3, 'name': 'eth0',"
			  "  'kind': 'veth', 'driver': 'veth', 'master': 'br7', 'was': '', 'to': ''},"
			  " {'what': 'moved', 'time_ns': 8000000000, 'after_ns': 7999000000,"
			  "  'netns': 1, 'netns_name': '', 'ifindex': 9, 'name': 'wan0',"
			  "  'kind': 'nic', 'driver': 'igb', 'master': '', 'was': '', 'to': 'vm'},"
			  " {'what': 'no such thing'}, 7]",
	[TRACE_TASKS] = "[{'tid': 2160, 'comm': 'vhost-2154', 'role': 'vhost', 'vmm': 2160},"
			" {'tid': 2161, 'comm': 'CPU 0/KVM', 'role': 'vcpu', 'vmm': 2154},"
			" {'tid': 2170, 'comm': 'evil\\u001b[2Jµ', 'role': 'vmm', 'vmm': 2170},"
			" {'tid': 77, 'comm': 'ksoftirqd/1', 'role': 'none', 'vmm': 77}]",
	[TRACE_CLOCK] = "[{'mono_ns': 5000000000, 'real_ns': 1767355267000000000, 'tai_ns': 0,"
			"  'boot_ns': 0, 'width_ns': 40},"
			" {'mono_ns': 65000000000, 'real_ns': 1767355327000000100, 'tai_ns': 0,"
			"  'boot_ns': 0, 'width_ns': 40}]",
	[TRACE_COUNTS] = "{'hooks': {"
			 "  'napi_gro': {'made': 1010, 'lost': 5, 'by_cpu': {'10': 2, '3': 3}},"
			 "  'start_xmit': {'made': 1000, 'lost': 2, 'by_cpu': {'3': 2}},"
			 "  'skb_copy_tp': {'made': 990, 'lost': 0, 'by_cpu': {}}},"
			 " 'unfollowed': 12, 'tasks_unfollowed': 4}",
	[TRACE_HAZARDS] = "[{'id': 'bpf-print', 'severity': 'fault', 'when': 'start',"
			  "  'subject': 'xdp program \\\"fwd\\\" (id 41) on eth1',"
			  "  'evidence': 'calls bpf_trace_printk', 'remedy': 'load another'},"
			  " {'id': 'throttled', 'severity': 'distorts', 'when': 'during',"
			  "  'subject': 'cgroup /vm\\u001b[2J', 'evidence': 'throttled: 7 while pktlap"
			  " looked', 'remedy': 'raise the quota'},"
			  " {'id': 'smt', 'severity': 'note', 'when': 'start', 'subject': 'SMT',"
			  "  'evidence': 'is active', 'remedy': 'switch it off'}]",
	[TRACE_COST] = "{'hooks': {'napi_gro': {'runs': 20000, 'ns': 2400000, 'made': 1010},"
		       "  'start_xmit': {'runs': 20000, 'ns': 4000000, 'made': 1000}},"
		       " 'window_ns': 60000000000}",
	[TRACE_DROPS] = "{'reasons': {'6': 'NETFILTER_DROP'},"
			" 'places': {'4096': {'symbol': 'nf_hook_slow+0x8c',"
			"                     'source': 'net/netfilter/core.c:626'},"
			"            '8192': {'symbol': 'tun_net_xmit+0x1a [tun]', 'source': ''}}}",
	[TRACE_END] = "{'reason': 'duration', 'end_mono_ns': 65000000000, 'events': 7000,"
		      " 'packets': 1010}",
};

struct fixture {
	struct trace trace;
	struct names *names;
	struct domain domain; /* the one that was recorded */
	struct breakdown_builder *builder;
	const struct breakdown *breakdown;
	struct stitch_stats stitch;
	struct merge_stats merge;
	struct report_input input;
	struct tail *slow; /* packets go there in place of the breakdown */
	struct report *report;
	int eth, tap, tap1;
};

static inline void fixture_docs(struct fixture *f)
{
	for (int i = 0; i < TRACE_NR_CHUNKS; i++) {
		char *text, *c;

		if (!FIXTURE_DOCS[i])
			continue;
		/* C strings are easier to read with the other quotes */
		text = strdup(FIXTURE_DOCS[i]);
		assert_non_null(text);
		for (c = text; *c; c++)
			*c = *c == '\'' ? '"' : *c;
		f->trace.docs[i] = json_loads(text, 0, NULL);
		assert_non_null(f->trace.docs[i]);
		free(text);
	}
}

static inline void fixture_feed(struct fixture *f, const struct packet *p)
{
	if (f->slow) {
		assert_int_equal(tail_packet(f->slow, p), 0);
		return;
	}
	f->stitch.packets[p->end]++;
	f->stitch.events += p->n;
	f->trace.nevents += p->n;
	if (p->end == PACKET_INCOMPLETE)
		f->stitch.last_hop[p->s[p->n - 1].hop]++;
	assert_int_equal(breakdown_packet(f->builder, p), 0);
}

/* Towards the guest; one in 4 has the interrupt, one in 250 a qdisc, packet 501 waits for vhost */
static inline void fixture_path1(struct fixture *f, __u64 id)
{
	__u64 ts = FIXTURE_START + id * 1000000;
	struct packet p;

	packet_begin(&p, id, PACKET_COMPLETE);
	if (id % 4 == 0)
		packet_see(&p, PL_HOP_nic_irq, f->eth, ts);
	packet_see(&p, PL_HOP_nic_gro, f->eth, ts += 4000 + id)->hook = PL_HOOK_napi_gro;
	packet_see(&p, PL_HOP_nic_skb, f->eth, ts += 250);
	packet_see(&p, PL_HOP_br_in, f->eth, ts += 310 + id % 7);
	packet_see(&p, PL_HOP_dev_queue, f->tap, ts += 1200);
	if (id % 250 == 7) {
		packet_see(&p, PL_HOP_qdisc_enq, f->tap, ts += 100);
		packet_see(&p, PL_HOP_qdisc_deq, f->tap, ts += 100);
	}
	packet_see(&p, PL_HOP_tap_xmit, f->tap, ts += 420)->hook = PL_HOOK_start_xmit;
	packet_see(&p, PL_HOP_vhost_wake, 0, ts += 90)->tid = 2160;
	packet_see(&p, PL_HOP_vhost_run, 0, ts += id == 501 ? 1234567 : 5000 + id * 3)->tid = 2160;
	packet_see(&p, PL_HOP_vhost_copy, f->tap, ts += 700)->tid = 2160;
	packet_see(&p, PL_HOP_vhost_copied, f->tap, ts += 333)->tid = 2160;
	packet_see(&p, PL_HOP_kvm_inject, 0, ts += 800)->tid = 2160;
	packet_see(&p, PL_HOP_kvm_entry, 0, ts += 2500)->tid = 2161;
	fixture_feed(f, &p);
}

/* To a reader of the other tap, who has a hostile name */
static inline void fixture_path2(struct fixture *f, __u64 id)
{
	__u64 ts = FIXTURE_START + id * 1000000;
	struct packet p;

	packet_begin(&p, id, PACKET_COMPLETE);
	packet_see(&p, PL_HOP_dev_rx, f->eth, ts);
	packet_see(&p, PL_HOP_dev_queue, f->eth, ts += 1000);
	packet_see(&p, PL_HOP_dev_queue, f->tap1, ts += 1000);
	packet_see(&p, PL_HOP_tap_xmit, f->tap1, ts += 1000);
	packet_see(&p, PL_HOP_tap_read, f->tap1, ts += 10000)->tid = 2170;
	packet_see(&p, PL_HOP_tap_copied, f->tap1, ts += 3000)->tid = 2170;
	fixture_feed(f, &p);
}

static inline void fixture_drop(struct fixture *f, __u64 id, __u16 to, __u32 reason, __s32 place)
{
	struct packet p;

	packet_begin(&p, id, PACKET_DROPPED);
	p.drop_reason = reason;
	p.drop_place = place;
	packet_see(&p, PL_HOP_nic_gro, f->eth, 1);
	packet_see(&p, PL_HOP_nic_skb, f->eth, 2);
	packet_see(&p, PL_HOP_br_in, f->eth, 3);
	if (to)
		packet_see(&p, PL_HOP_dev_queue, to, 4);
	packet_see(&p, PL_HOP_drop, to, 5);
	fixture_feed(f, &p);
}

static inline void fixture_packets(struct fixture *f)
{
	struct packet p;
	__u64 id = 0;

	while (++id <= 1000)
		fixture_path1(f, id);
	for (; id <= 1003; id++)
		fixture_path2(f, id);
	for (; id <= 1006; id++)
		fixture_drop(f, id, f->tap, 6, 4096);
	fixture_drop(f, id++, f->tap1, 99, 8192);
	fixture_drop(f, id++, 0, 6, -64);
	for (int end = PACKET_MERGED; end < PACKET_NR_ENDS; end++, id++) {
		packet_begin(&p, id, end);
		packet_see(&p, PL_HOP_nic_gro, f->eth, 1);
		packet_see(&p, PL_HOP_br_in, f->eth, 2);
		fixture_feed(f, &p);
	}
}

static inline void fixture_open(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->trace.ended = true;
	fixture_docs(f);
	assert_int_equal(names_new(f->trace.docs[TRACE_DEVICES], f->trace.docs[TRACE_TASKS],
				   f->trace.docs[TRACE_CHANGES], &f->names),
			 0);
	f->eth = names_dev(f->names, 1, 2, 0, NULL);
	f->tap = names_dev(f->names, 1, 4, 0, NULL);
	f->tap1 = names_dev(f->names, 1, 5, 0, NULL);
	f->domain = (struct domain){ .name = "host", .trace = &f->trace, .names = f->names };
	assert_int_equal(wallclock_new(&f->trace, &f->domain.wall), 0);
	assert_int_equal(breakdown_new(&f->builder), 0);
	f->input = (struct report_input){
		.file = "pktlap.data",
		.domains = &f->domain,
		.ndomains = 1,
		.stitch = &f->stitch,
		.merge = &f->merge,
	};
}

static inline void fixture_finish(struct fixture *f)
{
	assert_int_equal(breakdown_finish(f->builder, &f->breakdown), 0);
	f->input.breakdown = f->breakdown;
	assert_int_equal(report_new(&f->input, &f->report), 0);
}

/* The same with the slowest packets, in place of fixture_packets() and fixture_finish() */
static inline void fixture_slowest(struct fixture *f, const char *asked)
{
	struct tail_spec spec;

	fixture_packets(f);
	assert_int_equal(breakdown_finish(f->builder, &f->breakdown), 0);
	assert_int_equal(tail_spec_parse(asked, &spec), 0);
	assert_int_equal(tail_new(f->builder, f->breakdown, &spec, &f->slow), 0);
	fixture_packets(f);
	assert_int_equal(tail_finish(f->slow, &f->input.tail), 0);
	f->input.tail_asked = asked;
	f->input.breakdown = f->breakdown;
	assert_int_equal(report_new(&f->input, &f->report), 0);
}

static inline void fixture_close(struct fixture *f)
{
	tail_free(f->slow);
	report_free(f->report);
	breakdown_free(f->builder);
	names_free(f->names);
	wallclock_free(f->domain.wall);
	for (int i = 0; i < TRACE_NR_CHUNKS; i++)
		json_decref(f->trace.docs[i]);
}

#endif
