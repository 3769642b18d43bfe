// SPDX-License-Identifier: GPL-2.0
/* Programs that only the tests run: the key on any bytes, an skb hop on the skb of a test run */
#include "bpf/gro.bpf.h"
#include "tests/bpf/run.h"

struct run_in in;
struct run_out out;

/* an skb and its device, as far as a hop reads them by probes: larger than any kernel's */
static __u8 fake_skb[1024];
static __u8 fake_dev[8192];

/* through memory, so that the verifier sees a number as in the real programs, not a pointer */
static volatile __u64 address;

SEC("raw_tp")
int run_key(void *ctx)
{
	__builtin_memset(&out.ev, 0, sizeof(out.ev));
	address = (__u64)&in.packet;
	key_fill(&out.ev, address + in.at, in.linear, in.frame, in.proto);
	return 0;
}

SEC("raw_tp")
int run_task(void *ctx)
{
	out.task = bpf_get_current_task();
	return 0;
}

struct __sk_buff {
	__u32 len;
};

SEC("tc")
int run_skb(struct __sk_buff *ctx)
{
	struct skb_hop hop = { .hook = PL_HOOK_dev_queue_raw, .direct = PROBED };

	if (in.vlan_proto)
		bpf_skb_vlan_push(ctx, in.vlan_proto, in.vlan_tci);
	/* the context of a tc program is the skb's address */
	address = (__u64)ctx;
	out.skb = address;
	return skb_hop(hop, (void *)out.skb, NULL);
}

#define FAKE(obj, type, field) (*(typeof(((type *)0)->field) *)((obj) + bpf_core_field_offset(type, field)))

/* The address of the fake skb: linear bytes of in.packet, and its device */
SEC("raw_tp")
int run_fake(void *ctx)
{
	address = (__u64)&in.packet;
	*(__u64 *)(fake_skb + bpf_core_field_offset(struct sk_buff, head)) = address;
	FAKE(fake_skb, struct sk_buff, tail) = in.linear;
	FAKE(fake_skb, struct sk_buff, end) = RUN_PACKET_MAX / 2;
	FAKE(fake_skb, struct sk_buff, len) = in.frame;
	FAKE(fake_skb, struct sk_buff, data_len) = in.frame - in.linear;
	FAKE(fake_skb, struct sk_buff, network_header) = in.at;
	FAKE(fake_skb, struct sk_buff, protocol) = in.proto;
	FAKE(fake_skb, struct sk_buff, skb_iif) = in.iif;
	FAKE(fake_dev, struct net_device, ifindex) = in.ifindex;
	FAKE(fake_dev, struct net_device, type) = ARPHRD_ETHER;
	address = (__u64)&fake_dev;
	*(__u64 *)(fake_skb + bpf_core_field_offset(struct sk_buff, dev)) = address;
	address = (__u64)&fake_skb;
	out.skb = address;
	return 0;
}

/* GRO's look at a packet of which the part from in.at on is in a fragment, and nothing elsewhere */
SEC("raw_tp")
int run_gro(void *ctx)
{
	__u64 cb = bpf_core_field_offset(struct sk_buff, cb);

	address = (__u64)&in.packet;
	FAKE(fake_skb, struct sk_buff, len) = in.frame;
	FAKE(fake_skb, struct sk_buff, data_len) = in.frame;
	FAKE(fake_skb, struct sk_buff, protocol) = in.proto;
	FAKE(fake_skb + cb, struct napi_gro_cb, frag0_len) = in.linear;
	*(__u64 *)(fake_skb + cb + bpf_core_field_offset(struct napi_gro_cb, frag0)) = address + in.at;
	address = (__u64)&fake_dev;
	*(__u64 *)(fake_skb + bpf_core_field_offset(struct sk_buff, dev)) = address;
	select_note_gro(in.selected);
	address = (__u64)&fake_skb;
	gro_look(PL_HOOK_dev_gro_receive_kp, (void *)address, PROBED);
	out.selected = select_gro_was();
	return 0;
}
