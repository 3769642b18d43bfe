// SPDX-License-Identifier: GPL-2.0
/* Sockets, receiving: queued, the reader told, taken by the reader */
#include "sock.bpf.h"

#define WAITERS	     4 /* entries of a wait queue that are looked at */
#define URING_DOUBLE 1ULL /* io_uring/poll.c: IO_WQE_F_DOUBLE */

static __always_inline int queue_event(struct skb_hop hop, struct sk_buff *skb)
{
	sock_note_queue(hop.sk, skb_event(hop, skb, NULL));
	return 0;
}

/*
 * The skb's device is still known to __udp_enqueue_schedule_skb() when it begins, but not to its
 * TCP sibling: both are selected alike.
 */
SEC("fentry/__udp_enqueue_schedule_skb")
int BPF_PROG(pl_udp_queue_fe, struct sock *sk, struct sk_buff *skb)
{
	return queue_event(SKB_HOP_SOCK(udp_queue_fe, DIRECT, sk), skb);
}

SEC("kprobe/__udp_enqueue_schedule_skb")
int BPF_KPROBE(pl_udp_queue_kp, struct sock *sk, struct sk_buff *skb)
{
	return queue_event(SKB_HOP_SOCK(udp_queue_kp, PROBED, sk), skb);
}

/* In order only: segments that came too early are moved to the queue without this call */
SEC("fentry/tcp_queue_rcv")
int BPF_PROG(pl_tcp_queue_fe, struct sock *sk, struct sk_buff *skb)
{
	return queue_event(SKB_HOP_SOCK(tcp_queue_fe, DIRECT, sk), skb);
}

SEC("kprobe/tcp_queue_rcv")
int BPF_KPROBE(pl_tcp_queue_kp, struct sock *sk, struct sk_buff *skb)
{
	return queue_event(SKB_HOP_SOCK(tcp_queue_kp, PROBED, sk), skb);
}

/* Raw and ping sockets get a clone each; from 6.0 on (commit c1b8a56755ee) */
static __always_inline int raw_queue(__u8 hook, bool direct, struct sock *sk, struct sk_buff *skb)
{
	struct skb_hop hop = {
		.hook = hook,
		.direct = direct,
		.trust = DEV_GONE,
		.ip = true,
		.sk = sk,
	};

	/* CAN, Bluetooth and others queue by this function too */
	return sock_is_inet(sk, direct) ? queue_event(hop, skb) : 0;
}

SEC("fentry/sock_queue_rcv_skb_reason")
int BPF_PROG(pl_raw_queue_fe, struct sock *sk, struct sk_buff *skb)
{
	return raw_queue(PL_HOOK_raw_queue_fe, DIRECT, sk, skb);
}

SEC("kprobe/sock_queue_rcv_skb_reason")
int BPF_KPROBE(pl_raw_queue_kp, struct sock *sk, struct sk_buff *skb)
{
	return raw_queue(PL_HOOK_raw_queue_kp, PROBED, sk, skb);
}

/* What is last in the socket's queue; NULL: nothing */
static __always_inline struct sk_buff *queue_tail(struct sock *sk, bool direct)
{
	__u64 queue = address_of(sk) + bpf_core_field_offset(struct sock, sk_receive_queue);
	struct sk_buff *skb = READ(direct, sk, sk_receive_queue.prev);

	return address_of(skb) == queue ? NULL : skb;
}

/* So many were put into the queue that are not seen here. other: because they are not selected */
static __always_inline void tail_unseen(struct skb_hop hop, bool other, __u32 n)
{
	struct pl_event *e = NULL;

	if (sock_in_scope(hop.sk, hop.direct))
		e = sock_begin(hop.hook, hop.sk, hop.direct);
	if (!e)
		return;
	e->obj = 0;
	e->arg = other;
	e->len = n;
	event_end(e);
}

/* Datagrams that wait to be read. UDP's reader takes all that there are to a queue of its own */
static __always_inline __u32 queue_len(struct sock *sk, bool direct)
{
	__u32 n = READ(direct, sk, sk_receive_queue.qlen);
	struct udp_sock *udp = (void *)address_of(sk);

	if (READ(direct, sk, sk_protocol) == IPPROTO_UDP && READ(direct, sk, sk_type) == SOCK_DGRAM)
		n += READ_CAST(udp, reader_queue.qlen);
	return n;
}

/*
 * The reads of a socket are counted from the first datagram on that is seen there. What was unread
 * before it, from before the recording or not selected, is read first.
 */
static __always_inline void tail_first(struct skb_hop hop)
{
	struct pl_sock *known = sock_know(hop.sk);
	__u32 n;

	if (!known || known->takes)
		return;
	known->takes = 1;
	n = queue_len(hop.sk, hop.direct);
	if (n > 1)
		tail_unseen(hop, false, n - 1);
}

/*
 * Without any function hook: the callback that follows at once. What is last in the queue then was
 * put there just now, or is an older one of TCP that took the new bytes in. Nothing is there when
 * the reader was faster: then the event has no skb, so that it is known that one is missing. So
 * it is for a datagram that is not selected, or came in at another device, where selected ones are in
 * the same queue: the reads are counted then. The first one may come after others: that is as so many
 * missing.
 */
static __always_inline int tail_queue(__u8 hook, bool direct, struct sock *sk)
{
	struct skb_hop hop = {
		.hook = hook,
		.direct = direct,
		.trust = DEV_GONE,
		.ip = true,
		.sk = sk,
	};
	struct sk_buff *skb;
	bool tcp;

	if (!sock_is_inet(sk, direct))
		return 0;
	tcp = sock_is_tcp(sk, direct);
	skb = queue_tail(sk, direct);
	if (skb && skb_event(hop, skb, NULL)) {
		if (cfg_select || !tcp)
			tail_first(hop);
	} else if (sock_takes(sk) && (cfg_select || !tcp)) {
		tail_unseen(hop, skb, 1);
		if (!tcp)
			tail_first(hop);
	}
	return 0;
}

SEC("tp_btf/sk_data_ready")
int BPF_PROG(pl_tail_queue, struct sock *sk)
{
	return tail_queue(PL_HOOK_tail_queue, DIRECT, sk);
}

SEC("raw_tp/sk_data_ready")
int BPF_PROG(pl_tail_queue_raw, struct sock *sk)
{
	return tail_queue(PL_HOOK_tail_queue_raw, PROBED, sk);
}

/* Called by the reader, when it has copied the datagram */
SEC("fentry/skb_consume_udp")
int BPF_PROG(pl_udp_recv_fe, struct sock *sk, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP_SOCK(udp_recv_fe, DIRECT, sk), skb, NULL);
}

SEC("kprobe/skb_consume_udp")
int BPF_KPROBE(pl_udp_recv_kp, struct sock *sk, struct sk_buff *skb)
{
	return skb_hop(SKB_HOP_SOCK(udp_recv_kp, PROBED, sk), skb, NULL);
}

/* The entry of a wait queue at this place, or where the next one of an entry is; NULL: no more */
static __always_inline struct wait_queue_entry *waiter_at(struct wait_queue_head *wq, void *at)
{
	if (!at || at == (void *)wq + bpf_core_field_offset(struct wait_queue_head, head))
		return NULL;
	return at - bpf_core_field_offset(struct wait_queue_entry, entry);
}

/* First entry of a wait queue; NULL: nobody waits */
static __always_inline struct wait_queue_entry *waiter_of(struct wait_queue_head *wq)
{
	return waiter_at(wq, READ_CAST(wq, head.next));
}

/* The caller of epoll_wait() that an entry of epoll stands for */
static __always_inline struct task_struct *epoll_waiter(struct wait_queue_entry *wait)
{
	struct eppoll_entry *pwq = (void *)wait - bpf_core_field_offset(struct eppoll_entry, wait);
	struct epitem *item = READ_CAST(pwq, base);
	struct eventpoll *ep = READ_CAST(item, ep);
	struct wait_queue_entry *caller;

	if (!ep)
		return NULL;
	caller = waiter_of((void *)ep + bpf_core_field_offset(struct eventpoll, wq));
	return caller ? READ_CAST(caller, private) : NULL;
}

/* noinline: as vlan_meta_probed() */
static __noinline struct task_struct *uring_task(__u64 private)
{
	struct io_kiocb___before_6_13 *old = (void *)(private & ~URING_DOUBLE);
	struct io_kiocb___6_13 *req = (void *)(private & ~URING_DOUBLE);
	struct io_uring_task___6_13 *tctx;

	if (bpf_core_field_exists(old->task))
		return READ(PROBED, old, task);
	tctx = READ(PROBED, req, tctx);
	return READ(PROBED, tctx, task);
}

/*
 * Who waits in this entry, and how. NULL: nobody, or in a way that is not known, whose private may
 * be anything.
 */
static __always_inline struct task_struct *waiting_task(struct wait_queue_entry *wait, __u32 *how)
{
	__u64 func = (__u64)READ_CAST(wait, func);
	__u64 private = (__u64)READ_CAST(wait, private);

	if (func == cfg_epollwake) {
		*how = PL_WAIT_EPOLL;
		return epoll_waiter(wait);
	}
	if (func == cfg_pollwake) {
		*how = PL_WAIT_POLL;
		return READ_CAST((struct poll_wqueues *)private, polling_task);
	}
	if (func == cfg_uringwake) {
		*how = PL_WAIT_URING;
		return uring_task(private);
	}
	if (func == cfg_recvwake || func == cfg_wokenwake) {
		*how = PL_WAIT_RECV;
		return (void *)private;
	}
	*how = PL_WAIT_OTHER;
	return NULL;
}

/*
 * The task that the socket's callback is going to wake, if one sleeps: the first that does. An
 * epoll whose callers are busy elsewhere may come before it. 0: none, or with PL_WAIT_OTHER one that
 * is not known.
 */
static __noinline __u32 sleeper_of(struct wait_queue_head *wq, __u32 *how)
{
	struct wait_queue_entry *wait = waiter_of(wq);
	struct task_struct *task;
	int i;

	for (i = 0; i < WAITERS && wait; i++) {
		task = waiting_task(wait, how);
		/* TASK_RUNNING: woken before, or on its way to sleep */
		if (task && READ_CAST(task, __state))
			return READ_CAST(task, pid);
		wait = waiter_at(wq, READ_CAST(wait, entry.next));
	}
	return 0;
}

/*
 * Is the callback for a selected packet? It comes right after the packet is queued; without a hook of
 * that, what is last in the queue tells.
 */
static __always_inline bool ready_selected(struct sock *sk, bool direct)
{
	int noted = select_queue_take(address_of(sk));
	struct sk_buff *skb;

	if (noted != FILTER_UNSURE)
		return noted == FILTER_PASS;
	skb = queue_tail(sk, direct);
	return skb && select_skb(address_of(skb), ARPHRD_NONE | SELECT_IN) != FILTER_REJECT;
}

/*
 * The wake-up is a call inside the socket's callback, so that its tracepoint comes next on this CPU
 * and in this task: wake_event() takes it for that. A task that is no sleeper gets no event: it was
 * busy with something else.
 */
static __always_inline int ready_event(__u8 hook, struct sock *sk, bool direct)
{
	__u32 how = PL_WAIT_NONE, tid, cpu = bpf_get_smp_processor_id();
	struct pl_cpu *c = bpf_map_lookup_elem(&cpus, &cpu);
	struct socket_wq *wq;
	struct pl_event *e;

	if (!c)
		return 0;
	c->tid = 0;
	if (!sock_wanted(sk, direct))
		return 0;
	wq = READ(direct, sk, sk_wq);
	if (!wq || (cfg_select && !ready_selected(sk, direct)))
		return 0;
	tid = sleeper_of((void *)wq + bpf_core_field_offset(struct socket_wq, wait), &how);
	if (!tid && how != PL_WAIT_OTHER)
		return 0;
	e = sock_begin(hook, sk, direct);
	if (!e)
		return 0;
	e->arg = how;
	e->len = queue_len(sk, direct);
	c->sk = (__u64)sk;
	c->how = how;
	c->port = e->queue;
	c->by = e->tid;
	c->ts = e->ts;
	c->tid = tid;
	event_end(e);
	return 0;
}

SEC("tp_btf/sk_data_ready")
int BPF_PROG(pl_data_ready, struct sock *sk)
{
	return ready_event(PL_HOOK_data_ready, sk, DIRECT);
}

SEC("raw_tp/sk_data_ready")
int BPF_PROG(pl_data_ready_raw, struct sock *sk)
{
	return ready_event(PL_HOOK_data_ready_raw, sk, PROBED);
}

/* before 6.6 (commit 40e0b0908142) */
SEC("fentry/sock_def_readable")
int BPF_PROG(pl_readable_fe, struct sock *sk)
{
	return ready_event(PL_HOOK_readable_fe, sk, DIRECT);
}

SEC("kprobe/sock_def_readable")
int BPF_KPROBE(pl_readable_kp, struct sock *sk)
{
	return ready_event(PL_HOOK_readable_kp, sk, PROBED);
}
