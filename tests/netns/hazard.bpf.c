// SPDX-License-Identifier: GPL-2.0
/* Programs with the faults that tests/netns/hazards.sh looks for; no good for anything else */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#define GONE 4242 /* no device has this number */

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} jump_table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} tx_out0 SEC(".maps");

/* larger than what a check looks at */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 300000);
	__type(key, __u32);
	__type(value, __u32);
} wide_out0 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} tx_progs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} hz_cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

/* One that prints, of each packet; and one that sends packets where an entry of a map says */
#define PRINTS(section, name, context, text, ret) \
	SEC(section) \
	int name(struct context *ctx) \
	{ \
		bpf_printk text; \
		return ret; \
	}
#define REDIRECTS(name, map, entry, otherwise) \
	SEC("xdp") \
	int name(struct xdp_md *ctx) \
	{ \
		return bpf_redirect_map(&map, entry, otherwise); \
	}

/* data sections: .data, .bss and .rodata are maps of their own */
volatile __u32 ifindex_out0 = GONE;
volatile __u32 out0_ifindex;

SEC("xdp")
int quiet(struct xdp_md *ctx)
{
	return XDP_PASS;
}

PRINTS("xdp", print_direct, xdp_md, ("packet at %d", ctx->ingress_ifindex), XDP_PASS)

static __noinline int say(__u32 ifindex, __u32 a, __u32 b)
{
	/* more than three arguments: bpf_trace_vprintk */
	bpf_printk("packet at %d: %d %d %d", ifindex, a, b, a + b);
	return ifindex;
}

SEC("xdp")
int print_sub(struct xdp_md *ctx)
{
	return say(ctx->ingress_ifindex, ctx->rx_queue_index, 1) ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int tail(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jump_table, 0);
	return XDP_PASS;
}

SEC("xdp")
int to_constant(struct xdp_md *ctx)
{
	/* two ways to one call: both constants are looked at */
	return bpf_redirect(ctx->rx_queue_index ? GONE : 777, 0);
}

SEC("xdp")
int to_variable(struct xdp_md *ctx)
{
	return bpf_redirect(ifindex_out0, 0);
}

SEC("xdp")
int to_unset(struct xdp_md *ctx)
{
	__u32 ifindex = out0_ifindex;

	return ifindex ? bpf_redirect(ifindex, 0) : XDP_PASS;
}

REDIRECTS(to_map, tx_out0, 0, 0)

SEC("xdp")
int to_wide(struct xdp_md *ctx)
{
	return bpf_redirect_map(&wide_out0, 5000, 0);
}

/* packets for which there is no entry go on: an empty map is no fault */
REDIRECTS(to_map_else, tx_out0, ctx->rx_queue_index, XDP_PASS)

/* Programs of entries, and one that replaces a part of another */
REDIRECTS(to_progs, tx_progs, 1, 0)

PRINTS("xdp/devmap", print_devmap, xdp_md, ("packet to %d", ctx->egress_ifindex), XDP_PASS)

REDIRECTS(to_cpus, hz_cpus, 0, 0)

PRINTS("xdp/cpumap", print_cpumap, xdp_md, ("packet of %d", ctx->ingress_ifindex), XDP_PASS)

__noinline int part(struct xdp_md *ctx)
{
	volatile int ret = XDP_PASS;

	return ctx ? ret : XDP_DROP;
}

SEC("xdp")
int whole(struct xdp_md *ctx)
{
	return part(ctx);
}

PRINTS("freplace/part", print_part, xdp_md, ("packet at %d", ctx->ingress_ifindex), XDP_PASS)

SEC("xdp")
int write_perf(struct xdp_md *ctx)
{
	__u32 value = ctx->rx_queue_index;

	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &value, sizeof(value));
	return XDP_PASS;
}

SEC("tc")
int write_ring(struct __sk_buff *skb)
{
	__u32 value = skb->len;

	bpf_ringbuf_output(&ring, &value, sizeof(value), 0);
	return TC_ACT_OK;
}

/* Tracers that stand on the packets' way: this one has a print that is never reached */
SEC("raw_tp/net_dev_queue")
int print_tracer(struct bpf_raw_tracepoint_args *ctx)
{
	if (!ctx->args[0])
		bpf_printk("no packet");
	return 0;
}

SEC("tp/net/net_dev_queue")
int quiet_tracer(void *ctx)
{
	return 0;
}

/* and this one does not */
SEC("raw_tp/sched_process_exit")
int other_tracer(void *ctx)
{
	return 0;
}

SEC("kprobe/br_handle_frame")
int quiet_kprobe(void *ctx)
{
	return 0;
}

PRINTS("tc", tc_print, __sk_buff, ("packet of %d bytes", ctx->len), TC_ACT_OK)

SEC("tc")
int tc_clone(struct __sk_buff *skb)
{
	bpf_clone_redirect(skb, GONE, 0);
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
