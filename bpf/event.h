/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The event: one sighting of one packet (or of its context) at one hop. Written by the BPF
 * programs into the rings, stored as it is in the trace file, read by the stitcher.
 * The including file must have __u8 ... __u64 (linux/types.h, or vmlinux/vmlinux.h in bpf/).
 */
#ifndef PKTLAP_EVENT_H
#define PKTLAP_EVENT_H

/* Flags of an event */
#define PL_F_KEY	      0x0001 /* key is valid: the headers could be read */
#define PL_F_PAY	      0x0002 /* pay covers the whole payload window (PL_PAY_WINDOW) */
#define PL_F_FRAG	      0x0004 /* IP fragment: arg stands for the datagram */
#define PL_F_GSO	      0x0008 /* the skb stands for several packets (gso_size set) */
#define PL_F_NONLIN	      0x0010 /* part of the packet is not in the linear area */
#define PL_F_VLAN_META	      0x0020 /* vlan: low half is the tag in skb metadata */
#define PL_F_VLAN_FRAME	      0x0040 /* vlan: high half is the outer tag in the frame */
#define PL_F_ENTRY	      0x0080 /* the packet's first hop in this kernel (counted for progress) */
#define PL_F_LOCAL	      0x0100 /* made by a local socket, has not been received by any device */
#define PL_F_SAVED	      0x0200 /* emitted later than ts: the sighting was kept until it mattered */
#define PL_F_TX		      0x0400 /* context hop of the direction from the guest (vq 1, kick) */
#define PL_F_RX		      0x0800 /* context hop of the direction towards the guest (vq 0) */
#define PL_F_GAP	      0x1000 /* events of this CPU were lost between its last one and this one */
#define PL_F_UNSURE	      0x2000 /* FILTER or --sample could not decide: the bytes are not linear */
#define PL_F_KNOWN	      0x8000 /* device not selected: of a packet only that was seen before */
#define PL_F_SOCK	      0x4000 /* at a socket: vlan is the socket, queue its local port */

/* TCP is joined by ranges of sequence numbers: the low half of the key, and pay for the length */
#define PL_TCP_SEQ(ev)	      ((__u32)(ev)->key)

/* bytes of payload that pay covers; a shorter payload is covered whole */
#define PL_PAY_WINDOW	      32

/*
 * tap:send: the packet's index in its batch, and how many there are in it. With a filter only the
 * selected ones have an event; a batch without any has one with the index PL_BATCH_NONE.
 */
#define PL_BATCH(index, n)    ((index) | (n) << 8)
#define PL_BATCH_INDEX(queue) ((queue)&0xff)
#define PL_BATCH_SIZE(queue)  ((queue) >> 8)
#define PL_BATCH_NONE	      0xff

/* proto: IP protocol number, or one of these (numbers that IANA leaves unassigned) */
#define PL_PROTO_NONE	      0 /* headers not read */
#define PL_PROTO_ARP	      253
#define PL_PROTO_OTHER	      254 /* not IP */

/*
 * 64 bytes, no padding; the trace file depends on this layout (PL_TRACE_VERSION).
 *
 * Packet hop: obj = sk_buff (or xdp_frame), head = its buffer, key/pay = identity, arg = flow
 * hash (drop: the reason), vlan = tags (drop: place, as a signed distance from _stext).
 * Context hop: obj and key = the objects that the catalogue names for it, arg = its number
 * (irq, vector, count, ...); len of sock:ready = datagrams that wait in the socket.
 *
 * obj, and key of context hops, are kernel addresses in the ring only: the recorder replaces
 * them by a keyed hash before they are written anywhere (pl_event_hide()).
 */
struct pl_event {
	__u64 ts; /* ns, CLOCK_MONOTONIC */
	__u64 obj;
	__u64 key;
	__u32 head; /* buffer address / 64, low half: tells clones and reused skbs apart */
	__u32 pay; /* hash over the first payload bytes; TCP and GSO: number of payload bytes */
	__u32 len; /* bytes from the hop's own start of data; count for batches */
	__u32 ifindex;
	__u32 netns; /* inode number of the device's network namespace */
	__u32 tid; /* task that ran, or that is meant (wake, run): pid in the initial namespace */
	__u32 arg;
	__u32 vlan;
	__u16 cpu;
	__u16 queue; /* skb queue_mapping; vhost: virtqueue; port at a socket; tap:send: PL_BATCH() */
	__u8 hook; /* enum pl_hook */
	__u8 proto;
	__u16 flags; /* PL_F_* */
};

_Static_assert(sizeof(struct pl_event) == 64, "events are 64 bytes");

/* One counter cell per CPU and hook, at PL_COUNTS_CELL(): CPUs share no line */
struct pl_count {
	__u64 made; /* events that a program wanted to emit */
	__u64 lost; /* of these: no room in the ring */
};

/* what a task is to pktlap: value of the roles map, key is the tid */
enum pl_role_kind {
	PL_ROLE_NONE,
	PL_ROLE_VHOST, /* vhost worker */
	PL_ROLE_VCPU,
	PL_ROLE_VMM, /* a thread of the VMM that serves a tap itself */
	PL_ROLE_APP, /* reads from a socket that it waits for */
};

/* how the task that a socket wakes waits for it: arg of sock:ready and app:wake */
enum pl_wait {
	PL_WAIT_NONE,
	PL_WAIT_RECV, /* in the read itself */
	PL_WAIT_POLL, /* poll(), select() */
	PL_WAIT_EPOLL,
	PL_WAIT_URING, /* armed by io_uring: whoever submitted it, wherever that task sleeps */
	PL_WAIT_OTHER, /* in none of these ways: whom it wakes is not known */
	PL_NR_WAITS
};

struct pl_role {
	__u8 kind; /* enum pl_role_kind */
	__u8 exit_hook; /* vCPU: hook that noted exit_ts */
	__u8 vector; /* vCPU: of the pending interrupt; others: that they injected last */
	__u8 unused;
	/* vCPU: an interrupt was injected and no entry seen since; APP: woken, has not run since */
	__u32 pending;
	__u64 exit_ts; /* vCPU: time of the last exit, ns */
};

/*
 * value of the cpus map, one for each CPU: the task that the socket's callback that runs on it is
 * about to wake. 64 bytes, so that CPUs share no line.
 */
struct pl_cpu {
	__u64 ts; /* ns, when the callback began */
	__u64 sk;
	__u32 tid; /* whom it wakes; 0: nobody */
	__u32 by; /* the task that it runs in */
	__u32 how; /* enum pl_wait */
	__u32 port;
	__u64 unused[4];
};

/* value of the selected map, one for each CPU: what was selected last, what had no room */
struct pl_selected {
	__u64 unfollowed; /* selected packets that found no room in followed */
	__u64 tasks_unfollowed; /* times that a task found no room in roles */
	__u32 xmit_tid; /* task that sent last, at dev:xmit */
	__u8 xmit; /* was its packet selected? */
	__u8 gro; /* was the packet that GRO got last? */
	__u8 queue; /* was the one that was put into a socket's queue last? */
	__u8 unused;
	__u64 queue_sk; /* this socket; 0: none */
	__u32 queue_tid; /* by this task */
	__u32 unused2;
};

/* value of the socks map, key is the sock: does it have to do with selected packets? */
struct pl_sock {
	__u32 ports; /* local, remote: another socket may have its address later */
	__u8 takes; /* one was put into its queue */
	__u8 sends; /* it sent one */
	__u8 others; /* it sent data that was not selected */
	__u8 unused;
};

/* value of the sends map, key is the tid: a write to a datagram socket, until its packet is seen */
struct pl_send {
	__u64 ts; /* 0: none, or its event was emitted */
	__u64 sk;
	__u32 size;
	__u32 flow;
	__u32 vlan, netns; /* of the event */
	__u16 port;
	__u8 hook;
	__u8 unused[5];
};

/* value of the scope map: is a device looked at? */
enum pl_scope {
	PL_SCOPE_NO, /* as if it were not in the map */
	PL_SCOPE_YES,
	PL_SCOPE_UP, /* leads up from one that is: for packets that came in there (PL_F_KNOWN) */
};

/* value of the irqs map: the device that an interrupt number serves */
struct pl_irq_dev {
	__u32 ifindex; /* 0: none */
	__u32 netns;
};

#endif
