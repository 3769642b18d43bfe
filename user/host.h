/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A snapshot of this host: its network devices in every namespace with what the kernel tells
 * about them, the processes that serve guests, and how they hang together. Read by netlink,
 * ethtool ioctls, sysfs, procfs and bpf(); nothing is changed, nothing is parsed from other tools.
 *
 * Everything belongs to the struct host and lives until host_free(); strings are never NULL.
 * Pointers between devices are NULL where there is none, or where it could not be told.
 * What could not be read is said in remarks, in words for people.
 */
#ifndef PKTLAP_HOST_H
#define PKTLAP_HOST_H

#include <linux/types.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "catalogue.h"

enum host_kind {
	HOST_OTHER, /* rtnl_kind says what */
	HOST_NIC, /* has hardware (or emulated hardware) behind it */
	HOST_LOOPBACK,
	HOST_VETH,
	HOST_BRIDGE,
	HOST_OVS, /* ovs-system: the datapath, all whose ports have it as master */
	HOST_OVS_INTERNAL, /* an internal port of it */
	HOST_BOND, /* team too */
	HOST_VLAN,
	HOST_MACVLAN, /* ipvlan too */
	HOST_MACVTAP, /* ipvtap too */
	HOST_VXLAN, /* geneve too */
	HOST_TAP,
	HOST_TUN, /* the same without Ethernet */
	HOST_VRF,
	HOST_NR_KINDS
};

/* Where a BPF program sits */
enum host_hook {
	HOST_XDP_NATIVE,
	HOST_XDP_GENERIC,
	HOST_XDP_OFFLOAD,
	HOST_TC_INGRESS, /* filter on clsact or ingress; also those that are not BPF */
	HOST_TC_EGRESS,
	HOST_TCX_INGRESS, /* 6.6 and newer */
	HOST_TCX_EGRESS,
	HOST_NR_HOOKS
};

struct host_prog {
	enum host_hook hook;
	__u32 id; /* 0: not a BPF program */
	const char *name; /* of the program, "" when it cannot be asked; filter's kind if not BPF */
	__u32 prio, handle; /* tc filters */
	const char *filter; /* tc: kind of the filter ("bpf", "u32", "flower"); "" */
	bool direct_action; /* tc bpf */
	bool known; /* jited could be asked */
	bool jited;
	__u32 redirect; /* tc: ifindex that a mirred action sends to, same namespace; 0: none */
	struct host_dev *to; /* that device */
};

struct host_qdisc {
	const char *kind; /* "fq_codel" */
	const char *params; /* "delay 20ms limit 1000"; "" */
	__u32 handle, parent; /* as TC_H_*; parent TC_H_ROOT: the root */
	int up; /* index of the parent in qdiscs; -1: none */
	__u64 bytes, packets;
	__u32 drops, requeues, overlimits, backlog, qlen; /* bytes, packets waiting */
};

struct host_vlan {
	__u16 first, last; /* a range of ids */
	bool pvid, untagged;
};

struct host_addr {
	__u8 family, bytes[16]; /* AF_INET, AF_INET6 */
};

struct host_irq {
	unsigned int irq;
	const char *name; /* of the action, "virtio1-input.0"; "" when no handler is there */
	const char *affinity; /* list of CPUs, "0-3"; "" not readable */
	const char *effective; /* where it really goes; "" the kernel does not say */
};

struct host_queue {
	bool tx;
	unsigned int nr;
	const char *cpus; /* RPS (rx) or XPS (tx) mask as sysfs writes it ("f", "0,000000ff"); "" none */
	bool on; /* mask is not zero */
};

/* Offloads that change what a packet is, or when it is seen; index of offload */
enum host_offload {
	HOST_RX_CSUM,
	HOST_TX_CSUM,
	HOST_SG,
	HOST_TSO,
	HOST_GSO,
	HOST_GRO,
	HOST_GRO_HW,
	HOST_GRO_LIST,
	HOST_GRO_UDP, /* rx-udp-gro-forwarding */
	HOST_LRO,
	HOST_USO, /* tx-udp-segmentation */
	HOST_RXVLAN,
	HOST_TXVLAN,
	HOST_RXHASH,
	HOST_NTUPLE,
	HOST_NR_OFFLOADS
};

struct host_coalesce {
	bool known, adaptive_rx, adaptive_tx;
	__u32 rx_usecs, rx_frames, tx_usecs, tx_frames;
};

struct host_dev {
	struct host_netns *ns;
	size_t nr; /* its place in host.devs */
	__u32 ifindex;
	char name[IF_NAMESIZE];
	const char *label; /* "eth1", "eth0@peer" in another namespace: the way to show it */
	enum host_kind kind;
	const char *rtnl_kind, *slave_kind; /* "" for hardware; kind of the master, "" */
	const char *driver, *bus; /* of the parent device: "virtio_net", "virtio2"; "" */
	const char *operstate; /* "up", "down", "lowerlayerdown", ... */
	const char *alias; /* ifalias, as the administrator set it */
	bool up, carrier, promisc;
	bool has_mac;
	__u8 mac[6];
	bool clsact; /* has a clsact or ingress qdisc */
	bool link_unseen; /* link is in a namespace that could not be looked into */
	__u32 mtu, nrx, ntx; /* queues that the device has */
	__u32 link, master_index; /* ifindex of lower or peer (in its namespace), of master; 0 */
	__s32 link_nsid; /* namespace id of link as this namespace has it; -1: the same */

	struct host_dev *master; /* bridge, bond, OVS datapath, VRF that it is enslaved to */
	struct host_dev *lower; /* VLAN, macvlan, VXLAN: the device below */
	struct host_dev *peer; /* veth */
	struct host_dev **ports, **uppers; /* reverse of master, of lower */
	size_t nports, nuppers;

	/* of the kinds that have it */
	struct {
		bool stp, vlan_filtering, mcast_snooping, nf_call; /* br_netfilter on this bridge */
		__u16 vlan_proto; /* ETH_P_8021Q */
	} bridge;
	struct {
		const char *state; /* "forwarding", ...; "" not a bridge port */
		bool hairpin, isolated, learning, flood;
	} port;
	struct {
		__u16 id, proto;
	} vlan;
	struct {
		__u32 id;
		__u16 port; /* UDP, host order */
		const char *remote, *local; /* addresses; "" */
	} vxlan;
	const char *mode; /* macvlan: "bridge", ...; bond: "active-backup", ...; "" */
	struct host_dev *active; /* bond: the active port */
	struct {
		bool known, vnet_hdr, multi_queue, persist, has_owner, has_group;
		__u32 owner, group, queues, disabled;
	} tun;

	struct host_prog *progs;
	size_t nprogs;
	struct host_qdisc *qdiscs; /* without clsact and ingress */
	size_t nqdiscs;
	struct host_vlan *vlans; /* table of a port (or of the bridge itself) */
	size_t nvlans;
	struct host_addr *addrs;
	size_t naddrs;
	struct host_irq *irqs;
	size_t nirqs;
	struct host_queue *queues; /* from sysfs; those whose mask could be read */
	size_t nqueues;

	bool offloads_known, full_duplex;
	__u32 offload; /* bits 1 << enum host_offload: on */
	struct host_coalesce coalesce;
	__u32 ring_rx, ring_tx; /* entries; 0 unknown */
	__u32 speed; /* Mbit/s; 0 unknown */

	unsigned int mark; /* of the last walk that met it (host_way()) */

	/* tap, macvtap: who has it open */
	struct host_tapq **tapqs;
	size_t ntapqs;
};

struct host_netns {
	__u32 netns; /* inode number */
	bool own;
	const char *name; /* of /run/netns; else a process in it; "" for the own one */
	const char *path; /* that opened it */
	size_t first, ndevs; /* its devices in host.devs, by ifindex */
};

struct host_task {
	__u32 tid, tgid;
	char comm[16];
	enum pl_role_kind role;
	unsigned int cpu; /* that it last ran on */
	const char *affinity; /* "0-3" */
	const char *policy; /* "other", "fifo", "rr", "batch", "idle", "deadline" */
	unsigned int rt_prio; /* 1..99 with fifo and rr, else 0 */
	int nice;
	const char *cgroup; /* v2 path, else that of the cpu controller; "" */
	unsigned int vcpu; /* number, role PL_ROLE_VCPU */
};

/* A process that has a tap, macvtap or vhost-net open: mostly a VMM */
struct host_proc {
	struct host_task *task; /* its main thread */
	__u32 netns;
	bool vmm; /* has a KVM virtual machine */
	const char *guest; /* QEMU's -name (or firecracker's --id); "" */
	struct host_task **vcpus, **workers;
	size_t nvcpus, nworkers;
	unsigned int nvhost; /* vhost-net fds */
	struct host_tapq **tapqs;
	size_t ntapqs;
};

/* One open queue of a tap or macvtap */
struct host_tapq {
	struct host_dev *dev;
	struct host_proc *proc;
	int fd;
	bool vhost; /* served by a vhost-net device */
	bool vhost_known; /* false: it has not been told which of them vhost serves */
	struct host_task *worker; /* NULL: not vhost, or not told */
	__u64 file; /* address of the struct file, for joining while the snapshot is taken */
};

struct host {
	struct arena mem;
	struct host_netns **netns; /* the own one first */
	size_t nnetns;
	size_t netns_unseen; /* that could not be entered */
	struct host_dev **devs; /* by namespace, then ifindex */
	size_t ndevs;
	struct host_task **tasks;
	size_t ntasks;
	struct host_proc **procs;
	size_t nprocs;
	const char **remarks; /* "other network namespaces are not seen: no CAP_SYS_ADMIN" */
	size_t nremarks;
	unsigned int mark; /* last one used in devices */
};

/* Take a snapshot. 0 or -errno: no memory, no netlink; whatever else fails is a remark */
int host_scan(struct host **out);
void host_free(struct host *h); /* takes NULL */

/*
 * By name: "eth1", "eth0@peer" for a named namespace; a bare name means the own namespace, else
 * any other in which the name is the only one. NULL: none, or several (*several set).
 */
struct host_dev *host_find(const struct host *h, const char *name, bool *several);
struct host_dev *host_find_index(const struct host *h, const struct host_netns *ns, __u32 ifindex);

/* The process that is or has the task; NULL */
struct host_proc *host_find_proc(const struct host *h, __u32 pid);

/*
 * Where a MAC address is, by the forwarding databases of all bridges (the kernel is asked anew);
 * ports go to *ports, an array to be freed by the caller; their number, or -errno
 */
int host_find_mac(struct host *h, const __u8 mac[6], struct host_dev ***ports);

/*
 * Call fn for each device that a packet which came to d from another (or NULL) may go to next. A
 * walk has a direction: up, away from what the packet came in by (to masters, to devices on top),
 * or down, towards what it goes out by. It turns where packets do: at a bridge, from a port to the
 * other ports, and at a veth, the end of the one and the begin of the other. So two VLANs of a
 * NIC, or two ports of a bond, are not ways of each other.
 */
void host_next(const struct host_dev *d, const struct host_dev *from, bool up,
	       void (*fn)(void *ctx, struct host_dev *next, bool up), void *ctx);

/*
 * The elements that lie on the ways that pass dev, itself included: devices (masters, ports that
 * lead on, lower devices, peers) and processes. Of a bridge's ports only those that lead to
 * hardware when dev is a port itself; all when dev is the bridge or the hardware.
 * Arrays to be freed by host_way_free(). dev NULL: all devices and processes. 0 or -ENOMEM.
 */
struct host_way {
	struct host_dev **devs;
	size_t ndevs;
	struct host_proc **procs;
	size_t nprocs;
};
int host_way(struct host *h, struct host_dev *dev, struct host_way *way);
void host_way_free(struct host_way *way);

/* Names: "nic", "bridge", ...; "xdp native", "tc ingress", ...; "gro", "rx-vlan", ... */
const char *host_kind_name(enum host_kind kind);
const char *host_hook_name(enum host_hook hook);
const char *host_offload_name(enum host_offload offload);

/* What rtnetlink calls rtnl ("" for hardware), of this name and ARPHRD_* type */
enum host_kind host_kind_of(const char *rtnl, const char *name, unsigned short type);

/* What the catalogue calls such a device */
enum pl_dev_kind host_pl_kind(enum host_kind kind);

#endif
