// SPDX-License-Identifier: GPL-2.0
/* Programs that only the tests run: the key on any bytes, an skb hop on the skb of a test run */
#include "bpf/skb.bpf.h"
#include "tests/bpf/run.h"

struct run_in in;
struct run_out out;

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
