// SPDX-License-Identifier: GPL-2.0
/* A forwarder, and the same with a print: what tools/bench/printk compares */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* by the device that a packet came in at: the one that it goes out by */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} tx_of SEC(".maps");

SEC("xdp")
int fwd(struct xdp_md *ctx)
{
	return bpf_redirect_map(&tx_of, ctx->ingress_ifindex, XDP_PASS);
}

SEC("xdp")
int fwd_print(struct xdp_md *ctx)
{
	bpf_printk("packet at %d", ctx->ingress_ifindex);
	return bpf_redirect_map(&tx_of, ctx->ingress_ifindex, XDP_PASS);
}

char LICENSE[] SEC("license") = "GPL";
