/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The catalogue of hops and hooks: the one table, read by bpf/ (hook numbers), by user/ (names,
 * attach order, joining) and by the tests. To add a hop: see CONTRIBUTING.md.
 *
 * PL_HOPS(X): X(id, "name", class, flags, "what it is")
 *   in the order in which a packet meets them towards the guest, then from the guest.
 *   class PKT: sees the packet; CTX: joined by context (CPU, task, eventfd, vCPU); END: ends it.
 *   A hop has hooks (PL_HOOKS), or is another hop seen in a certain place (PL_ALIASES).
 *
 * PL_HOOKS(X): X(id, hop, kind, "target", "module")
 *   the alternatives of a hop in order of preference. The BPF program has the name pl_<id>.
 *   kind: TPBTF, RAWTP, FENTRY, FEXIT, KPROBE, KRETPROBE. module "": built into the kernel, or
 *   not known where (amd64 and arm64 differ); the target is looked up in kallsyms anyway.
 *
 * PL_ALIASES(X): X(hop, base, devkind, role, after)
 *   an event of hop base is called hop where its device is of devkind (any: ANY), the running
 *   task has the role (any: ANY) and the packet's last hop was after (any: none). The first
 *   match wins.
 *
 * PL_COMPANIONS(X): X(hook, main)
 *   hook serves the same hop beside main, for other packets (IPv6, TCP): it is attached when main
 *   is, and is no alternative of its own.
 *
 * PL_PARTIAL(X): X(hook, "what it leaves out, and why")
 *   hook serves its hop, but not for every packet that meets it. Others see all.
 *
 * PL_WITNESSES(X): X(hop, witness)
 *   the kernel does not pass witness without passing hop: a hop whose hook made no event though
 *   its witness did is reported as silent (attached is no proof of firing).
 */
#ifndef PKTLAP_CATALOGUE_H
#define PKTLAP_CATALOGUE_H

/* clang-format off */

/* hop flags: O = not every packet of a path meets it (bypass, suppression, batch) */
#define PL_HOPS(X) \
	/* towards the guest */ \
	X(nic_irq,	"nic:irq",	CTX, PL_HOP_OPT, "device interrupt handler entered") \
	X(nic_raise,	"nic:raise",	CTX, PL_HOP_OPT, "NET_RX softirq raised") \
	X(nic_softirq,	"nic:softirq",	CTX, PL_HOP_OPT, "NET_RX softirq entered") \
	X(nic_poll,	"nic:poll",	CTX, PL_HOP_OPT, "NAPI poll begun") \
	X(nic_gro,	"nic:gro",	PKT, PL_HOP_ENTRY, "driver hands the packet to GRO") \
	X(nic_grofrags,	"nic:grofrags",	PKT, PL_HOP_ENTRY, "driver hands page fragments to GRO") \
	X(nic_gromerge,	"nic:gromerge",	PKT, PL_HOP_OPT, "GRO looks at headers in the first fragment") \
	X(nic_merged,	"nic:merged",	END, PL_HOP_OPT, "merged by GRO into another skb") \
	X(nic_polled,	"nic:polled",	CTX, PL_HOP_OPT, "NAPI poll ended") \
	X(dev_rxback,	"dev:rxback",	PKT, 0, "queued to the CPU's backlog (veth, loopback)") \
	X(dev_rx,	"dev:rx",	PKT, PL_HOP_ENTRY, "netif_receive_skb called without GRO") \
	X(tap_get,	"tap:get",	CTX, PL_HOP_OPT, "tun_get_user: packet copied from the writer") \
	X(tap_skb,	"tap:skb",	PKT, PL_HOP_ENTRY, "tap hands the sender's packet to the stack") \
	X(nic_skb,	"nic:skb",	PKT, 0, "stack receives the skb (netif_receive_skb)") \
	X(ip_rcv,	"ip:rcv",	PKT, 0, "IP layer receives") \
	X(ip_deliver,	"ip:deliver",	PKT, 0, "for this host: given to its protocol") \
	X(sock_queue,	"sock:queue",	PKT, 0, "put into the socket's receive queue") \
	X(sock_ready,	"sock:ready",	CTX, PL_HOP_OPT, "socket finds a sleeping reader to wake") \
	X(app_wake,	"app:wake",	CTX, PL_HOP_OPT, "reader woken by the socket") \
	X(app_run,	"app:run",	CTX, PL_HOP_OPT, "woken reader on its CPU") \
	X(sock_copy,	"sock:copy",	PKT, 0, "copy to the reader begun (TCP: of its last byte)") \
	X(sock_recv,	"sock:recv",	PKT, 0, "datagram copied to the reader, and released") \
	X(app_recv,	"app:recv",	CTX, PL_HOP_OPT, "the read returns to the reader") \
	X(br_in,	"br:in",	PKT, 0, "bridge port receives") \
	X(br_forward,	"br:forward",	PKT, 0, "bridge chose the port") \
	X(br_push,	"br:push",	PKT, 0, "bridge passes on to the port's device") \
	X(app_send,	"app:send",	CTX, 0, "application writes to its socket") \
	X(ip_out,	"ip:out",	PKT, 0, "IP layer hands it to the device") \
	X(dev_queue,	"dev:queue",	PKT, 0, "handed to the device's queue (after tc egress)") \
	X(qdisc_enq,	"qdisc:enq",	PKT, PL_HOP_OPT, "qdisc took it (not on bypass)") \
	X(qdisc_deq,	"qdisc:deq",	PKT, PL_HOP_OPT, "qdisc gave it out (not on bypass)") \
	X(dev_xmit,	"dev:xmit",	PKT, 0, "driver's transmit called") \
	X(nic_xmit,	"nic:xmit",	PKT, 0, "NIC driver's transmit called") \
	X(tap_xmit,	"tap:xmit",	PKT, 0, "put on the tap's ring") \
	X(vhost_wake,	"vhost:wake",	CTX, PL_HOP_OPT, "vhost worker asked to run") \
	X(sched_run,	"sched:run",	CTX, PL_HOP_OPT, "task switched in") \
	X(vhost_run,	"vhost:run",	CTX, PL_HOP_OPT, "vhost worker on its CPU") \
	X(vhost_rx,	"vhost:rx",	CTX, PL_HOP_OPT, "worker begins to serve the receive queue") \
	X(skb_copy,	"skb:copy",	PKT, 0, "copy to user memory begun") \
	X(vhost_copy,	"vhost:copy",	PKT, 0, "copy into the guest's buffer begun") \
	X(tap_read,	"tap:read",	PKT, 0, "copy to the reader of the tap begun") \
	X(skb_free,	"skb:free",	END, 0, "skb consumed") \
	X(vhost_copied,	"vhost:copied",	PKT, 0, "copy into the guest's buffer ended") \
	X(tap_copied,	"tap:copied",	PKT, 0, "copy to the reader of the tap ended") \
	X(vhost_used,	"vhost:used",	CTX, PL_HOP_OPT, "used ring updated, for a batch") \
	X(vhost_signal,	"vhost:signal",	CTX, PL_HOP_OPT, "eventfd of the guest's interrupt signalled") \
	X(vmm_signal,	"vmm:signal",	CTX, PL_HOP_OPT, "VMM writes the eventfd of the interrupt") \
	X(kvm_irqfd,	"kvm:irqfd",	CTX, PL_HOP_OPT, "irqfd woken") \
	X(kvm_msi,	"kvm:msi",	CTX, PL_HOP_OPT, "MSI delivered to the virtual APIC") \
	X(kvm_inject,	"kvm:inject",	CTX, PL_HOP_OPT, "virtual APIC accepted the vector") \
	X(kvm_kick,	"kvm:kick",	CTX, PL_HOP_OPT, "vCPU kicked") \
	X(kvm_run,	"kvm:run",	CTX, PL_HOP_OPT, "vCPU's thread on its CPU") \
	X(kvm_inj,	"kvm:inj",	CTX, PL_HOP_OPT, "vector put into the vCPU") \
	X(kvm_entry,	"kvm:entry",	CTX, PL_HOP_OPT, "vCPU entered with the interrupt") \
	/* from the guest */ \
	X(kvm_exit,	"kvm:exit",	CTX, PL_HOP_OPT, "vCPU left the guest for the kick") \
	X(kvm_ioeventfd, "kvm:ioeventfd", CTX, PL_HOP_OPT, "kick reached its ioeventfd") \
	X(vhost_tx,	"vhost:tx",	CTX, PL_HOP_OPT, "worker begins to serve the transmit queue") \
	X(vhost_fetch,	"vhost:fetch",	CTX, PL_HOP_OPT, "descriptor fetched from the transmit queue") \
	X(tap_send,	"tap:send",	PKT, 0, "vhost hands the batch to the tap") \
	X(nic_txdone,	"nic:txdone",	END, 0, "NIC driver freed the sent packet") \
	X(drop,		"drop",		END, 0, "kernel dropped the packet")

#define PL_HOOKS(X) \
	X(irq_entry,		nic_irq,	TPBTF,	"irq_handler_entry",		"") \
	X(irq_entry_raw,	nic_irq,	RAWTP,	"irq_handler_entry",		"") \
	X(softirq_raise,	nic_raise,	TPBTF,	"softirq_raise",		"") \
	X(softirq_raise_raw,	nic_raise,	RAWTP,	"softirq_raise",		"") \
	X(softirq_entry,	nic_softirq,	TPBTF,	"softirq_entry",		"") \
	X(softirq_entry_raw,	nic_softirq,	RAWTP,	"softirq_entry",		"") \
	X(napi_poll_fe,		nic_poll,	FENTRY,	"__napi_poll",			"") \
	X(napi_poll_kp,		nic_poll,	KPROBE,	"__napi_poll",			"") \
	X(napi_poll_cp,		nic_poll,	KPROBE,	"__napi_poll.constprop.0",	"") \
	X(napi_gro,		nic_gro,	TPBTF,	"napi_gro_receive_entry",	"") \
	X(napi_gro_raw,		nic_gro,	RAWTP,	"napi_gro_receive_entry",	"") \
	X(napi_gro_frags,	nic_grofrags,	TPBTF,	"napi_gro_frags_entry",		"") \
	X(napi_gro_frags_raw,	nic_grofrags,	RAWTP,	"napi_gro_frags_entry",		"") \
	X(dev_gro_receive_fe,	nic_gromerge,	FENTRY,	"dev_gro_receive",		"") \
	X(dev_gro_receive_kp,	nic_gromerge,	KPROBE,	"dev_gro_receive",		"") \
	X(napi_gro_exit,	nic_merged,	TPBTF,	"napi_gro_receive_exit",	"") \
	X(napi_gro_exit_raw,	nic_merged,	RAWTP,	"napi_gro_receive_exit",	"") \
	X(napi_polled,		nic_polled,	TPBTF,	"napi_poll",			"") \
	X(napi_polled_raw,	nic_polled,	RAWTP,	"napi_poll",			"") \
	X(netif_rx,		dev_rxback,	TPBTF,	"netif_rx",			"") \
	X(netif_rx_raw,		dev_rxback,	RAWTP,	"netif_rx",			"") \
	X(receive_skb_entry,	dev_rx,		TPBTF,	"netif_receive_skb_entry",	"") \
	X(receive_skb_entry_raw, dev_rx,	RAWTP,	"netif_receive_skb_entry",	"") \
	X(tun_get_user_fe,	tap_get,	FENTRY,	"tun_get_user",			"tun") \
	X(tun_get_user_kp,	tap_get,	KPROBE,	"tun_get_user",			"tun") \
	X(receive_skb,		nic_skb,	TPBTF,	"netif_receive_skb",		"") \
	X(receive_skb_raw,	nic_skb,	RAWTP,	"netif_receive_skb",		"") \
	X(ip_rcv_fe,		ip_rcv,		FENTRY,	"ip_rcv_core",			"") \
	X(ip6_rcv_fe,		ip_rcv,		FENTRY,	"ip6_rcv_core",			"") \
	X(ip_rcv_kp,		ip_rcv,		KPROBE,	"ip_rcv_core",			"") \
	X(ip6_rcv_kp,		ip_rcv,		KPROBE,	"ip6_rcv_core",			"") \
	X(ip_deliver_fe,	ip_deliver,	FENTRY,	"ip_protocol_deliver_rcu",	"") \
	X(ip6_deliver_fe,	ip_deliver,	FENTRY,	"ip6_protocol_deliver_rcu",	"") \
	X(ip_deliver_kp,	ip_deliver,	KPROBE,	"ip_protocol_deliver_rcu",	"") \
	X(ip6_deliver_kp,	ip_deliver,	KPROBE,	"ip6_protocol_deliver_rcu",	"") \
	X(udp_queue_fe,		sock_queue,	FENTRY,	"__udp_enqueue_schedule_skb",	"") \
	X(tcp_queue_fe,		sock_queue,	FENTRY,	"tcp_queue_rcv",		"") \
	X(raw_queue_fe,		sock_queue,	FENTRY,	"sock_queue_rcv_skb_reason",	"") \
	X(udp_queue_kp,		sock_queue,	KPROBE,	"__udp_enqueue_schedule_skb",	"") \
	X(tcp_queue_kp,		sock_queue,	KPROBE,	"tcp_queue_rcv",		"") \
	X(raw_queue_kp,		sock_queue,	KPROBE,	"sock_queue_rcv_skb_reason",	"") \
	X(tail_queue,		sock_queue,	TPBTF,	"sk_data_ready",		"") \
	X(tail_queue_raw,	sock_queue,	RAWTP,	"sk_data_ready",		"") \
	X(data_ready,		sock_ready,	TPBTF,	"sk_data_ready",		"") \
	X(data_ready_raw,	sock_ready,	RAWTP,	"sk_data_ready",		"") \
	X(readable_fe,		sock_ready,	FENTRY,	"sock_def_readable",		"") \
	X(readable_kp,		sock_ready,	KPROBE,	"sock_def_readable",		"") \
	X(waking,		app_wake,	TPBTF,	"sched_waking",			"") \
	X(waking_raw,		app_wake,	RAWTP,	"sched_waking",			"") \
	X(udp_recv_fe,		sock_recv,	FENTRY,	"skb_consume_udp",		"") \
	X(udp_recv_kp,		sock_recv,	KPROBE,	"skb_consume_udp",		"") \
	X(recv_length,		app_recv,	TPBTF,	"sock_recv_length",		"") \
	X(recv_length_raw,	app_recv,	RAWTP,	"sock_recv_length",		"") \
	X(inet_recv_fx,		app_recv,	FEXIT,	"inet_recvmsg",			"") \
	X(inet6_recv_fx,	app_recv,	FEXIT,	"inet6_recvmsg",		"") \
	X(br_in_fe,		br_in,		FENTRY,	"br_handle_frame",		"bridge") \
	X(br_in_kp,		br_in,		KPROBE,	"br_handle_frame",		"bridge") \
	X(br_in_finish_fe,	br_in,		FENTRY,	"br_handle_frame_finish",	"bridge") \
	X(br_forward_fe,	br_forward,	FENTRY,	"__br_forward",			"bridge") \
	X(br_forward_kp,	br_forward,	KPROBE,	"__br_forward",			"bridge") \
	X(br_push_fe,		br_push,	FENTRY,	"br_dev_queue_push_xmit",	"bridge") \
	X(br_push_kp,		br_push,	KPROBE,	"br_dev_queue_push_xmit",	"bridge") \
	X(udp_send_fe,		app_send,	FENTRY,	"udp_sendmsg",			"") \
	X(udp6_send_fe,		app_send,	FENTRY,	"udpv6_sendmsg",		"") \
	X(tcp_send_fe,		app_send,	FENTRY,	"tcp_sendmsg_locked",		"") \
	X(udp_send_kp,		app_send,	KPROBE,	"udp_sendmsg",			"") \
	X(udp6_send_kp,		app_send,	KPROBE,	"udpv6_sendmsg",		"") \
	X(tcp_send_kp,		app_send,	KPROBE,	"tcp_sendmsg_locked",		"") \
	X(tcp_send_tp,		app_send,	TPBTF,	"tcp_sendmsg_locked",		"") \
	X(ip_out_fe,		ip_out,		FENTRY,	"ip_finish_output2",		"") \
	X(ip6_out_fe,		ip_out,		FENTRY,	"ip6_finish_output2",		"") \
	X(ip_out_kp,		ip_out,		KPROBE,	"ip_finish_output2",		"") \
	X(ip6_out_kp,		ip_out,		KPROBE,	"ip6_finish_output2",		"") \
	X(dev_queue_tp,		dev_queue,	TPBTF,	"net_dev_queue",		"") \
	X(dev_queue_raw,	dev_queue,	RAWTP,	"net_dev_queue",		"") \
	X(qdisc_enqueue,	qdisc_enq,	TPBTF,	"qdisc_enqueue",		"") \
	X(qdisc_enqueue_raw,	qdisc_enq,	RAWTP,	"qdisc_enqueue",		"") \
	X(qdisc_dequeue,	qdisc_deq,	TPBTF,	"qdisc_dequeue",		"") \
	X(qdisc_dequeue_raw,	qdisc_deq,	RAWTP,	"qdisc_dequeue",		"") \
	X(start_xmit,		dev_xmit,	TPBTF,	"net_dev_start_xmit",		"") \
	X(start_xmit_raw,	dev_xmit,	RAWTP,	"net_dev_start_xmit",		"") \
	X(vhost_wake_fe,	vhost_wake,	FENTRY,	"vhost_poll_wakeup",		"vhost") \
	X(vhost_wake_kp,	vhost_wake,	KPROBE,	"vhost_poll_wakeup",		"vhost") \
	X(sched_switch,		sched_run,	TPBTF,	"sched_switch",			"") \
	X(sched_switch_raw,	sched_run,	RAWTP,	"sched_switch",			"") \
	X(handle_rx_fe,		vhost_rx,	FENTRY,	"handle_rx",			"vhost_net") \
	X(handle_rx_kp,		vhost_rx,	KPROBE,	"handle_rx",			"vhost_net") \
	X(skb_copy_tp,		skb_copy,	TPBTF,	"skb_copy_datagram_iovec",	"") \
	X(skb_copy_raw,		skb_copy,	RAWTP,	"skb_copy_datagram_iovec",	"") \
	X(consume_skb,		skb_free,	TPBTF,	"consume_skb",			"") \
	X(consume_skb_raw,	skb_free,	RAWTP,	"consume_skb",			"") \
	X(vhost_used_fe,	vhost_used,	FENTRY,	"vhost_add_used_and_signal_n",	"vhost") \
	X(vhost_used_kp,	vhost_used,	KPROBE,	"vhost_add_used_and_signal_n",	"vhost") \
	X(eventfd_signal_fe,	vhost_signal,	FENTRY,	"eventfd_signal_mask",		"") \
	X(eventfd_signal_kp,	vhost_signal,	KPROBE,	"eventfd_signal_mask",		"") \
	X(eventfd_write_fe,	vmm_signal,	FENTRY,	"eventfd_write",		"") \
	X(eventfd_write_kp,	vmm_signal,	KPROBE,	"eventfd_write",		"") \
	X(irqfd_wakeup_fe,	kvm_irqfd,	FENTRY,	"irqfd_wakeup",			"kvm") \
	X(irqfd_wakeup_kp,	kvm_irqfd,	KPROBE,	"irqfd_wakeup",			"kvm") \
	X(msi_set_irq,		kvm_msi,	TPBTF,	"kvm_msi_set_irq",		"kvm") \
	X(msi_set_irq_fe,	kvm_msi,	FENTRY,	"kvm_arch_set_irq_inatomic",	"kvm") \
	X(apic_accept_irq,	kvm_inject,	TPBTF,	"kvm_apic_accept_irq",		"kvm") \
	X(apic_accept_irq_fe,	kvm_inject,	FENTRY,	"__apic_accept_irq",		"kvm") \
	X(vcpu_kick_fe,		kvm_kick,	FENTRY,	"kvm_vcpu_kick",		"kvm") \
	X(vcpu_kick_kp,		kvm_kick,	KPROBE,	"kvm_vcpu_kick",		"kvm") \
	X(inj_virq,		kvm_inj,	TPBTF,	"kvm_inj_virq",			"kvm") \
	X(inj_virq_raw,		kvm_inj,	RAWTP,	"kvm_inj_virq",			"kvm") \
	X(vcpu_entry,		kvm_entry,	TPBTF,	"kvm_entry",			"kvm") \
	X(vcpu_entry_raw,	kvm_entry,	RAWTP,	"kvm_entry",			"kvm") \
	X(vcpu_exit,		kvm_exit,	TPBTF,	"kvm_exit",			"kvm") \
	X(vcpu_exit_raw,	kvm_exit,	RAWTP,	"kvm_exit",			"kvm") \
	X(ioeventfd_write_fe,	kvm_ioeventfd,	FENTRY,	"ioeventfd_write",		"kvm") \
	X(ioeventfd_write_kp,	kvm_ioeventfd,	KPROBE,	"ioeventfd_write",		"kvm") \
	X(handle_tx_fe,		vhost_tx,	FENTRY,	"handle_tx",			"vhost_net") \
	X(handle_tx_kp,		vhost_tx,	KPROBE,	"handle_tx",			"vhost_net") \
	X(get_vq_desc_fe,	vhost_fetch,	FENTRY,	"vhost_get_vq_desc",		"vhost") \
	X(get_vq_desc_kp,	vhost_fetch,	KPROBE,	"vhost_get_vq_desc",		"vhost") \
	X(tun_sendmsg_fe,	tap_send,	FENTRY,	"tun_sendmsg",			"tun") \
	X(tun_sendmsg_kp,	tap_send,	KPROBE,	"tun_sendmsg",			"tun") \
	X(kfree_skb,		drop,		TPBTF,	"kfree_skb",			"") \
	X(kfree_skb_raw,	drop,		RAWTP,	"kfree_skb",			"")

#define PL_ALIASES(X) \
	X(tap_skb,	dev_rx,		TAP,	ANY,	none) \
	X(nic_xmit,	dev_xmit,	NIC,	ANY,	none) \
	X(tap_xmit,	dev_xmit,	TAP,	ANY,	none) \
	X(vhost_run,	sched_run,	ANY,	VHOST,	none) \
	X(kvm_run,	sched_run,	ANY,	VCPU,	none) \
	X(app_run,	sched_run,	ANY,	APP,	none) \
	X(vhost_copy,	skb_copy,	ANY,	VHOST,	tap_xmit) \
	X(tap_read,	skb_copy,	ANY,	ANY,	tap_xmit) \
	X(sock_copy,	skb_copy,	ANY,	ANY,	sock_queue) \
	X(vhost_copied,	skb_free,	ANY,	ANY,	vhost_copy) \
	X(tap_copied,	skb_free,	ANY,	ANY,	tap_read) \
	X(nic_txdone,	skb_free,	ANY,	ANY,	nic_xmit)

#define PL_COMPANIONS(X) \
	X(ip6_rcv_fe,		ip_rcv_fe) \
	X(ip6_rcv_kp,		ip_rcv_kp) \
	X(ip6_deliver_fe,	ip_deliver_fe) \
	X(ip6_deliver_kp,	ip_deliver_kp) \
	X(tcp_queue_fe,		udp_queue_fe) \
	X(raw_queue_fe,		udp_queue_fe) \
	X(tcp_queue_kp,		udp_queue_kp) \
	X(raw_queue_kp,		udp_queue_kp) \
	X(inet6_recv_fx,	inet_recv_fx) \
	X(udp6_send_fe,		udp_send_fe) \
	X(tcp_send_fe,		udp_send_fe) \
	X(udp6_send_kp,		udp_send_kp) \
	X(tcp_send_kp,		udp_send_kp) \
	X(ip6_out_fe,		ip_out_fe) \
	X(ip6_out_kp,		ip_out_kp)

#define PL_PARTIAL(X) \
	X(tcp_send_tp,		"TCP only: this kernel has no tracepoint where UDP is written, and refuses function hooks")

#define PL_WITNESSES(X) \
	X(nic_poll,	nic_polled) \
	X(br_push,	br_forward) \
	X(br_forward,	br_push) \
	X(kvm_irqfd,	vhost_signal) \
	X(vhost_tx,	tap_send) \
	X(vhost_fetch,	tap_send)

/* clang-format on */

#define PL_HOP_OPT   0x1 /* not every packet of a path meets it; does not shape the path */
#define PL_HOP_ENTRY 0x2 /* a packet is born here: an old chain with this skb is over */

enum pl_hop_class { PL_CLASS_PKT,
		    PL_CLASS_CTX,
		    PL_CLASS_END };

enum pl_hook_kind {
	PL_KIND_TPBTF,
	PL_KIND_RAWTP,
	PL_KIND_FENTRY,
	PL_KIND_FEXIT,
	PL_KIND_KPROBE,
	PL_KIND_KRETPROBE,
	PL_NR_KINDS
};

/* kinds of device that decide what a hop is called */
enum pl_dev_kind {
	PL_DEV_ANY, /* alias rows only */
	PL_DEV_OTHER,
	PL_DEV_NIC, /* has hardware (or emulated hardware) behind it */
	PL_DEV_TAP,
	PL_DEV_BRIDGE,
	PL_DEV_VETH,
	PL_NR_DEV_KINDS
};

#define PL_X(id, name, class, flags, what) PL_HOP_##id,
enum pl_hop { PL_HOP_none,
	      PL_HOPS(PL_X) PL_NR_HOPS };
#undef PL_X

#define PL_X(id, hop, kind, target, module) PL_HOOK_##id,
enum pl_hook { PL_HOOK_none,
	       PL_HOOKS(PL_X) PL_NR_HOOKS };
#undef PL_X

/* Cells of a CPU in the map counts, of 16 bytes (struct pl_count): whole cache lines */
#define PL_COUNTS_ROW		  ((PL_NR_HOOKS + 3) / 4 * 4)
#define PL_COUNTS_CELL(cpu, hook) ((cpu)*PL_COUNTS_ROW + (hook))

#endif
