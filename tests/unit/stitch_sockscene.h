/* SPDX-License-Identifier: GPL-2.0 */
/* Scenes about the host's own sockets: on top of stitch_scene.h, for datagrams and TCP alike */
#ifndef PKTLAP_TEST_STITCH_SOCKSCENE_H
#define PKTLAP_TEST_STITCH_SOCKSCENE_H

#include "stitch_scene.h"

#define READER	500
#define READER2 501
#define WRITER	600
#define SK	0x7001u
#define SK2	0x7002u

static inline void of_sock(struct pl_event *ev, __u32 sk)
{
	ev->vlan = sk;
	ev->netns = NETNS;
	ev->queue = 7788;
	ev->flags |= PL_F_SOCK;
}

/* An event about a socket, of no packet */
static inline struct pl_event sk_make(struct scene *sc, enum pl_hop hop, __u32 sk)
{
	struct pl_event ev = make(sc, hop);

	ev.obj = sk * 64ULL;
	of_sock(&ev, sk);
	return ev;
}

/* What goes its way: a datagram with a key, or a segment of tcp_make()'s flow */
struct unit {
	__u32 skb;
	__u64 key;
	bool tcp;
	__u32 seq, bytes;
};

static inline struct unit datagram(__u32 skb, __u64 key)
{
	return (struct unit){ .skb = skb, .key = key };
}

static inline struct unit segment(__u32 skb, __u32 seq, __u32 bytes)
{
	return (struct unit){ .skb = skb, .tcp = true, .seq = seq, .bytes = bytes };
}

static inline struct pl_event unit_make(struct scene *sc, enum pl_hop hop, __u32 ifindex, struct unit u)
{
	return u.tcp ? tcp_make(sc, hop, ifindex, u.skb, u.seq, u.bytes) : pkt_make(sc, hop, ifindex, u.skb, u.key);
}

struct way {
	enum pl_hop hop;
	__u32 ifindex;
	__u16 flags;
};

static inline void walk(struct scene *sc, const struct way *way, size_t n, struct unit u)
{
	struct pl_event ev;
	size_t i;

	for (i = 0; i < n; i++) {
		ev = unit_make(sc, way[i].hop, way[i].ifindex, u);
		ev.flags |= way[i].flags;
		feed(sc, &ev);
	}
}

/* From the NIC to the socket's protocol */
static inline void walk_up(struct scene *sc, struct unit u)
{
	static const struct way way[] = {
		{ PL_HOP_nic_gro, IF_NIC, 0 },
		{ PL_HOP_nic_skb, IF_NIC, 0 },
		{ PL_HOP_ip_rcv, IF_NIC, 0 },
		{ PL_HOP_ip_deliver, IF_NIC, 0 },
	};

	walk(sc, way, sizeof(way) / sizeof(*way), u);
}

#define UP "nic:gro nic:skb ip:rcv ip:deliver "

static inline void up(struct scene *sc, __u32 skb, __u64 key)
{
	walk_up(sc, datagram(skb, key));
}

/* From a sender on the same machine */
static inline void over_veth(struct scene *sc, struct unit u)
{
	static const struct way way[] = {
		{ PL_HOP_dev_queue, IF_PEER, PL_F_LOCAL },
		{ PL_HOP_dev_xmit, IF_PEER, 0 },
		{ PL_HOP_dev_rxback, IF_VETH, 0 },
		{ PL_HOP_nic_skb, IF_VETH, 0 },
		{ PL_HOP_ip_rcv, IF_VETH, 0 },
		{ PL_HOP_ip_deliver, IF_VETH, 0 },
	};

	walk(sc, way, sizeof(way) / sizeof(*way), u);
}

#define VETH "dev:queue dev:xmit dev:rxback nic:skb ip:rcv ip:deliver "

/* The sender's IP layer has it, from this socket */
static inline void ip_out(struct scene *sc, __u32 sk, struct unit u)
{
	struct pl_event ev = unit_make(sc, PL_HOP_ip_out, IF_PEER, u);

	of_sock(&ev, sk);
	ev.flags |= PL_F_LOCAL;
	feed(sc, &ev);
}

/* The callback finds a task asleep, and wakes it */
static inline void ready(struct scene *sc, __u32 sk, enum pl_wait how)
{
	struct pl_event ev = sk_make(sc, PL_HOP_sock_ready, sk);

	ev.arg = how;
	feed(sc, &ev);
}

static inline void wake(struct scene *sc, __u32 sk, __u32 reader, enum pl_wait how)
{
	struct pl_event ev;

	ready(sc, sk, how);
	ev = sk_make(sc, PL_HOP_app_wake, sk);
	ev.tid = reader;
	ev.arg = how;
	feed(sc, &ev);
}

#define WAKE "sock:queue sock:ready app:wake "

static inline void reader_runs(struct scene *sc)
{
	ctx(sc, PL_HOP_sched_run, 0, 0, PL_ROLE_APP, 0);
}

static inline void returns(struct scene *sc, __u32 sk, __u32 bytes)
{
	struct pl_event ev = sk_make(sc, PL_HOP_app_recv, sk);

	ev.len = bytes;
	feed(sc, &ev);
}

#endif
