// SPDX-License-Identifier: GPL-2.0
/* Applications: what they write to sockets, their wake-up, their return from a read */
#include "sock.bpf.h"

#define MSG_PEEK    2 /* include/linux/socket.h */

/*
 * A callback that did not wake the task after all (another CPU was faster) must not be taken for the
 * cause of a later wake-up: it is over after so much, on emulated CPUs too.
 */
#define CALLBACK_NS 1000000

/*
 * With a filter: a datagram's write is kept until its packet is seen to be selected, in the same task
 * (sends_out()). udpv6_sendmsg() calls udp_sendmsg() for a destination of IPv4: the same write.
 */
static __always_inline int send_keep(__u8 hook, struct sock *sk, bool direct, __u64 size)
{
	struct pl_send now = { .hook = hook, .size = size };
	__u32 tid = current_tid();

	if ((hook == PL_HOOK_udp_send_fe || hook == PL_HOOK_udp_send_kp) &&
	    READ(direct, sk, __sk_common.skc_family) == AF_INET6)
		return 0;
	now.ts = bpf_ktime_get_ns();
	now.sk = address_of(sk);
	now.vlan = sock_number(sk);
	now.flow = sock_flow(sk, IPPROTO_UDP, true);
	now.netns = sock_netns(sk, direct);
	now.port = READ(direct, sk, __sk_common.skc_num);
	bpf_map_update_elem(&sends, &tid, &now, BPF_ANY);
	return 0;
}

/*
 * Data given to a socket. TCP: the range of sequence numbers, like that of a packet, with the
 * socket locked, so that nobody else writes.
 */
static __always_inline int send_event(__u8 hook, struct sock *sk, bool direct, __u8 proto,
				      __u64 size)
{
	struct pl_event *e;

	if (!sock_wanted(sk, direct))
		return 0;
	if (cfg_select && proto == IPPROTO_UDP)
		return send_keep(hook, sk, direct, size);
	if (!sock_sends(sk))
		return 0;
	e = sock_begin(hook, sk, direct);
	if (!e)
		return 0;
	e->proto = proto;
	e->len = size;
	e->arg = sock_flow(sk, proto, true);
	if (proto == IPPROTO_TCP)
		e->pay = READ(PROBED, (struct tcp_sock *)sk, write_seq);
	event_end(e);
	return 0;
}

SEC("fentry/udp_sendmsg")
int BPF_PROG(pl_udp_send_fe, struct sock *sk, struct msghdr *msg, size_t len)
{
	return send_event(PL_HOOK_udp_send_fe, sk, DIRECT, IPPROTO_UDP, len);
}

SEC("kprobe/udp_sendmsg")
int BPF_KPROBE(pl_udp_send_kp, struct sock *sk, struct msghdr *msg, size_t len)
{
	return send_event(PL_HOOK_udp_send_kp, sk, PROBED, IPPROTO_UDP, len);
}

/* An IPv6 socket that sends to IPv4 passes through udp_sendmsg(), too */
SEC("fentry/udpv6_sendmsg")
int BPF_PROG(pl_udp6_send_fe, struct sock *sk, struct msghdr *msg, size_t len)
{
	return send_event(PL_HOOK_udp6_send_fe, sk, DIRECT, IPPROTO_UDP, len);
}

SEC("kprobe/udpv6_sendmsg")
int BPF_KPROBE(pl_udp6_send_kp, struct sock *sk, struct msghdr *msg, size_t len)
{
	return send_event(PL_HOOK_udp6_send_kp, sk, PROBED, IPPROTO_UDP, len);
}

SEC("fentry/tcp_sendmsg_locked")
int BPF_PROG(pl_tcp_send_fe, struct sock *sk, struct msghdr *msg, size_t size)
{
	return send_event(PL_HOOK_tcp_send_fe, sk, DIRECT, IPPROTO_TCP, size);
}

SEC("kprobe/tcp_sendmsg_locked")
int BPF_KPROBE(pl_tcp_send_kp, struct sock *sk, struct msghdr *msg, size_t size)
{
	return send_event(PL_HOOK_tcp_send_kp, sk, PROBED, IPPROTO_TCP, size);
}

/* Once for each skb that is filled; 6.16 and newer */
SEC("tp_btf/tcp_sendmsg_locked")
int BPF_PROG(pl_tcp_send_tp, struct sock *sk, struct msghdr *msg)
{
	return send_event(PL_HOOK_tcp_send_tp, sk, DIRECT, IPPROTO_TCP,
			  READ(DIRECT, msg, msg_iter.count));
}

/* All wake-ups of the host come here: one load and one comparison for those that are not ours */
static __always_inline int wake_event(__u8 hook, struct task_struct *task, bool direct)
{
	__u32 cpu = bpf_get_smp_processor_id(), tid;
	struct pl_cpu *c = bpf_map_lookup_elem(&cpus, &cpu);
	struct pl_role *role, woken = { .kind = PL_ROLE_APP, .pending = 1 };
	struct pl_event *e;

	if (!c || !c->tid)
		return 0;
	tid = READ(direct, task, pid);
	if (tid != c->tid || c->by != current_tid())
		return 0;
	c->tid = 0;
	if (bpf_ktime_get_ns() - c->ts > CALLBACK_NS)
		return 0;
	role = role_of(tid);
	if (!role)
		role_put(tid, &woken);
	else if (role->kind == PL_ROLE_APP)
		role->pending = 1;
	e = event_begin(hook);
	if (!e)
		return 0;
	e->obj = c->sk;
	e->vlan = sock_number((void *)c->sk);
	e->queue = c->port;
	e->tid = tid;
	e->arg = c->how;
	e->flags |= PL_F_SOCK;
	event_end(e);
	return 0;
}

SEC("tp_btf/sched_waking")
int BPF_PROG(pl_waking, struct task_struct *task)
{
	return wake_event(PL_HOOK_waking, task, DIRECT);
}

SEC("raw_tp/sched_waking")
int BPF_PROG(pl_waking_raw, struct task_struct *task)
{
	return wake_event(PL_HOOK_waking_raw, task, PROBED);
}

/* Back from a read that gave so many bytes; a look at what stays in the queue is none */
static __always_inline int return_event(__u8 hook, struct sock *sk, bool direct, int ret, int flags)
{
	struct pl_event *e;

	if (ret < 0 || (flags & MSG_PEEK) || !sock_wanted(sk, direct) || !sock_takes(sk))
		return 0;
	e = sock_begin(hook, sk, direct);
	if (!e)
		return 0;
	e->len = ret;
	event_end(e);
	return 0;
}

/* 6.3 and newer (commit 6e6eda44b939) */
SEC("tp_btf/sock_recv_length")
int BPF_PROG(pl_recv_length, struct sock *sk, int ret, int flags)
{
	return return_event(PL_HOOK_recv_length, sk, DIRECT, ret, flags);
}

SEC("raw_tp/sock_recv_length")
int BPF_PROG(pl_recv_length_raw, struct sock *sk, int ret, int flags)
{
	return return_event(PL_HOOK_recv_length_raw, sk, PROBED, ret, flags);
}

SEC("fexit/inet_recvmsg")
int BPF_PROG(pl_inet_recv_fx, struct socket *sock, struct msghdr *msg, size_t size, int flags,
	     int ret)
{
	return return_event(PL_HOOK_inet_recv_fx, READ(DIRECT, sock, sk), DIRECT, ret, flags);
}

SEC("fexit/inet6_recvmsg")
int BPF_PROG(pl_inet6_recv_fx, struct socket *sock, struct msghdr *msg, size_t size, int flags,
	     int ret)
{
	return return_event(PL_HOOK_inet6_recv_fx, READ(DIRECT, sock, sk), DIRECT, ret, flags);
}
