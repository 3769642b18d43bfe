/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A built snapshot: two NICs, a bond, a bridge with VLAN filtering and its VLAN device, guests on
 * taps and a macvtap, a container on a veth in another namespace. Devices are joined by the code
 * under test (host_links_join()), from indices as the kernel gives them.
 */
#ifndef PKTLAP_TEST_HOST_SCENE_H
#define PKTLAP_TEST_HOST_SCENE_H

#include <linux/pkt_sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "host_int.h"

static inline struct host_netns *scene_netns(struct host *h, __u32 netns, const char *name)
{
	struct host_netns *ns = arena_alloc(&h->mem, 1, sizeof(*ns)), **slot = host_add(h, h->netns, h->nnetns);

	*ns = (struct host_netns){ .netns = netns, .own = !*name, .name = name, .path = "", .first = h->ndevs };
	*slot = ns;
	return ns;
}

static inline struct host_dev *scene_dev(struct host *h, __u32 ifindex, const char *name,
					 enum host_kind kind, const char *rtnl)
{
	struct host_netns *ns = h->netns[h->nnetns - 1];
	struct host_dev *d = arena_alloc(&h->mem, 1, sizeof(*d)), **slot = host_add(h, h->devs, h->ndevs);

	*d = (struct host_dev){
		.ns = ns,
		.nr = h->ndevs - 1,
		.ifindex = ifindex,
		.kind = kind,
		.rtnl_kind = rtnl,
		.slave_kind = "",
		.driver = kind == HOST_NIC ? "igc" : "",
		.bus = "",
		.operstate = "up",
		.alias = "",
		.mode = "",
		.port.state = "",
		.vxlan = { .remote = "", .local = "" },
		.link_nsid = -1,
		.up = true,
		.carrier = true,
		.mtu = 1500,
		.nrx = 1,
		.ntx = 1,
		.has_mac = true,
		.mac = { 2, 0, 0, 0, ns->own ? 0 : 1, ifindex },
	};
	snprintf(d->name, sizeof(d->name), "%s", name);
	d->label = ns->own ? d->name : arena_printf(&h->mem, "%s@%s", name, ns->name);
	*slot = d;
	ns->ndevs++;
	return d;
}

static inline void scene_port(struct host_dev *d, __u32 master)
{
	d->master_index = master;
	d->slave_kind = "bridge";
	d->port.state = "forwarding";
	d->port.learning = d->port.flood = true;
}

static inline void scene_qdisc(struct host *h, struct host_dev *d, const char *kind, const char *params,
			       __u32 handle, __u32 parent, int up)
{
	*host_add(h, d->qdiscs, d->nqdiscs) = (struct host_qdisc){
		.kind = kind, .params = params, .handle = handle << 16, .parent = parent, .up = up
	};
}

static inline void scene_prog(struct host *h, struct host_dev *d, enum host_hook hook, __u32 id,
			      const char *name)
{
	*host_add(h, d->progs, d->nprogs) = (struct host_prog){
		.hook = hook, .id = id, .name = name, .filter = hook == HOST_TC_INGRESS ? "bpf" : "", .prio = hook == HOST_TC_INGRESS ? 7 : 0, .handle = 1, .known = true, .jited = true
	};
}

static inline void scene_vlan(struct host *h, struct host_dev *d, __u16 first, __u16 last, bool pvid)
{
	*host_add(h, d->vlans, d->nvlans) = (struct host_vlan){ first, last, pvid, pvid };
}

static inline void scene_addr(struct host *h, struct host_dev *d, __u8 last)
{
	*host_add(h, d->addrs, d->naddrs) = (struct host_addr){ AF_INET, { 10, 0, 0, last } };
}

static inline struct host_task *scene_task(struct host *h, __u32 tgid, __u32 tid, const char *comm)
{
	struct host_task *t = arena_alloc(&h->mem, 1, sizeof(*t)), **slot = host_add(h, h->tasks, h->ntasks);

	*t = (struct host_task){ .tid = tid, .tgid = tgid, .cpu = 1, .affinity = "0-3", .policy = "other", .cgroup = "/vm" };
	snprintf(t->comm, sizeof(t->comm), "%s", comm);
	*slot = t;
	return t;
}

static inline struct host_proc *scene_proc(struct host *h, __u32 pid, const char *guest)
{
	struct host_proc *p = arena_alloc(&h->mem, 1, sizeof(*p)), **slot = host_add(h, h->procs, h->nprocs);

	*p = (struct host_proc){ .task = scene_task(h, pid, pid, "qemu-system-x86"), .vmm = true, .guest = guest };
	*slot = p;
	return p;
}

static inline struct host_tapq *scene_tapq(struct host *h, struct host_proc *p, struct host_dev *d,
					   struct host_task *worker)
{
	struct host_tapq *q = arena_alloc(&h->mem, 1, sizeof(*q));

	*q = (struct host_tapq){ .dev = d, .proc = p, .fd = 11, .vhost = worker, .vhost_known = true, .worker = worker };
	*host_add(h, p->tapqs, p->ntapqs) = q;
	*host_add(h, d->tapqs, d->ntapqs) = q;
	return q;
}

static inline void scene_vcpu(struct host *h, struct host_proc *p, __u32 tid, unsigned int nr)
{
	struct host_task *t = scene_task(h, p->task->tid, tid, "CPU");

	t->role = PL_ROLE_VCPU;
	t->vcpu = nr;
	host_proc_task(h, &p->vcpus, &p->nvcpus, t);
}

/*
 *   eth1 ─┐                ┌─ tap0 ─ vhost-300 ─ vm1 ─ 2 vCPUs
 *         ├─ bond0 ─ br0 ──┼─ tap1 ─ vm2 (no vhost) ─ vCPU 0
 *   eth2 ─┘           │    └─ veth0 ─ eth0@ct1 ─ stack@ct1
 *                     └─ br0.10 ─ stack
 *   eth3 ─ macvtap0 ─ vhost-300 or vhost-301, not told which ─ vm3
 *   eth3@ct1: the same name in another namespace; dummy0: on no way
 */
static inline void scene_devices(struct host *h)
{
	struct host_dev *d;

	scene_netns(h, 100, "");
	d = scene_dev(h, 2, "eth1", HOST_NIC, "");
	d->master_index = 4;
	d->speed = 10000;
	d->full_duplex = true;
	d->nrx = d->ntx = 2;
	d->ring_rx = d->ring_tx = 512;
	d->offloads_known = true;
	d->offload = 1U << HOST_GRO | 1U << HOST_RXVLAN | 1U << HOST_SG;
	d->coalesce = (struct host_coalesce){ .known = true, .rx_usecs = 50, .rx_frames = 64, .adaptive_tx = true };
	*host_add(h, d->irqs, d->nirqs) = (struct host_irq){ 33, "eth1-TxRx-0", "0-3", "2" };
	*host_add(h, d->irqs, d->nirqs) = (struct host_irq){ 34, "eth1-TxRx-1", "3", "3" };
	scene_prog(h, d, HOST_XDP_NATIVE, 41, "fwd");
	scene_prog(h, d, HOST_TC_INGRESS, 42, "count");
	scene_qdisc(h, d, "mq", "", 0x8001, TC_H_ROOT, -1);
	scene_qdisc(h, d, "fq_codel", "limit 10240", 0, 0x80010001, 0);
	scene_qdisc(h, d, "fq_codel", "limit 10240", 0, 0x80010002, 0);
	d->qdiscs[2].drops = 3;
	d = scene_dev(h, 3, "eth2", HOST_NIC, "");
	d->master_index = 4;
	d->carrier = false;
	d = scene_dev(h, 4, "bond0", HOST_BOND, "bond");
	d->mode = "active-backup";
	d->link = 2;
	scene_port(d, 5);
	scene_vlan(h, d, 1, 1, true);
	scene_vlan(h, d, 10, 20, false);
	d = scene_dev(h, 5, "br0", HOST_BRIDGE, "bridge");
	d->bridge.vlan_filtering = true;
	d->bridge.vlan_proto = 0x8100;
	scene_dev(h, 6, "tap0", HOST_TAP, "tun");
	scene_dev(h, 7, "tap1", HOST_TAP, "tun");
	d = scene_dev(h, 8, "veth0", HOST_VETH, "veth");
	d->link = 2;
	d->link_nsid = 0;
	scene_port(d, 5);
	d = scene_dev(h, 9, "br0.10", HOST_VLAN, "vlan");
	d->vlan.id = 10;
	d->vlan.proto = 0x8100;
	d->link = 5;
	scene_addr(h, d, 1);
	scene_dev(h, 10, "eth3", HOST_NIC, "");
	d = scene_dev(h, 11, "macvtap0", HOST_MACVTAP, "macvtap");
	d->mode = "bridge";
	d->link = 10;
	scene_dev(h, 12, "dummy0", HOST_OTHER, "dummy")->up = false;
	scene_netns(h, 200, "ct1");
	d = scene_dev(h, 2, "eth0", HOST_VETH, "veth");
	d->link = 8;
	d->link_nsid = 0;
	scene_addr(h, d, 7);
	scene_dev(h, 3, "eth3", HOST_OTHER, "dummy");
	scene_dev(h, 4, "only", HOST_OTHER, "dummy");
}

static inline struct host_dev *scene_find(struct host *h, const char *name)
{
	bool several;

	return host_find(h, name, &several);
}

static inline void scene_procs(struct host *h)
{
	struct host_dev *tap0 = scene_find(h, "tap0"), *tap1 = scene_find(h, "tap1");
	struct host_proc *p;
	struct host_tapq *q;

	scene_port(tap0, 5);
	scene_port(tap1, 5);
	tap0->tun.known = tap0->tun.vnet_hdr = tap0->tun.persist = true;
	scene_qdisc(h, tap0, "fq_codel", "limit 10240", 0, TC_H_ROOT, -1);
	scene_qdisc(h, tap1, "noqueue", "", 0, TC_H_ROOT, -1);
	p = scene_proc(h, 300, "vm1");
	scene_tapq(h, p, tap0, scene_task(h, 300, 310, "vhost-300"));
	tap0->tapqs[0]->worker->policy = "fifo";
	tap0->tapqs[0]->worker->rt_prio = 50;
	scene_vcpu(h, p, 311, 0);
	scene_vcpu(h, p, 312, 1);
	p = scene_proc(h, 400, "vm2");
	scene_tapq(h, p, tap1, NULL);
	scene_vcpu(h, p, 411, 0);
	p = scene_proc(h, 500, "vm3");
	q = scene_tapq(h, p, scene_find(h, "macvtap0"), NULL);
	q->vhost_known = false;
	host_proc_task(h, &p->workers, &p->nworkers, scene_task(h, 500, 510, "vhost-500"));
	host_proc_task(h, &p->workers, &p->nworkers, scene_task(h, 500, 511, "vhost-500"));
}

static inline struct host *scene_new(void)
{
	struct host *h = calloc(1, sizeof(*h));
	struct host_dev *veth, *eth0;

	scene_devices(h);
	scene_procs(h);
	/* ids of namespaces cannot be asked for here: what nsids_work() would have found */
	veth = scene_find(h, "veth0");
	eth0 = scene_find(h, "eth0@ct1");
	veth->peer = eth0;
	eth0->peer = veth;
	host_links_join(h);
	veth->link_unseen = eth0->link_unseen = false;
	return h;
}

#endif
