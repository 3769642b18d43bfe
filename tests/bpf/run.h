/* SPDX-License-Identifier: GPL-2.0 */
/* What the test programs (run.bpf.c) take and give; shared with the tests */
#ifndef TEST_BPF_RUN_H
#define TEST_BPF_RUN_H

#define RUN_PACKET_MAX 2048

struct run_in {
	unsigned char packet[RUN_PACKET_MAX];
	__u32 at; /* offset of the first byte that is handed over */
	__u32 linear; /* bytes from there that may be read */
	__u32 frame; /* bytes from there of the whole frame */
	__u32 proto; /* of key_fill() */
	__u16 vlan_proto; /* run_skb: push this tag into the skb's metadata, 0: none */
	__u16 vlan_tci;
	__u32 iif, ifindex; /* run_fake: where the skb came in, its device */
	__u32 selected; /* run_gro: might it be a packet that is looked at, by nic:gro? */
};

struct run_out {
	struct pl_event ev;
	__u64 task; /* address of the task that ran */
	__u64 skb;
	__u32 selected; /* run_gro: the same, by what it could read */
};

#endif
