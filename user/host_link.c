// SPDX-License-Identifier: GPL-2.0
/* Links, addresses and bridge VLAN tables by rtnetlink */
#include "host_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *rtnl;
	enum host_kind kind;
} kinds[] = {
	{ "veth", HOST_VETH },
	{ "netkit", HOST_VETH }, /* 6.7: a pair as veth is */
	{ "bridge", HOST_BRIDGE },
	{ "openvswitch", HOST_OVS_INTERNAL },
	{ "bond", HOST_BOND },
	{ "team", HOST_BOND },
	{ "vlan", HOST_VLAN },
	{ "macvlan", HOST_MACVLAN },
	{ "ipvlan", HOST_MACVLAN },
	{ "macvtap", HOST_MACVTAP },
	{ "ipvtap", HOST_MACVTAP },
	{ "vxlan", HOST_VXLAN },
	{ "geneve", HOST_VXLAN },
	{ "tun", HOST_TAP },
	{ "vrf", HOST_VRF },
};

enum host_kind host_kind_of(const char *rtnl, const char *name, unsigned short type)
{
	if (type == ARPHRD_LOOPBACK)
		return HOST_LOOPBACK;
	/* the datapath's own device has the kind of an internal port: net/openvswitch/vport-internal_dev.c
	 * and the name that every ovs-vswitchd uses */
	if (!strcmp(rtnl, "openvswitch") && !strncmp(name, "ovs-", 4))
		return HOST_OVS;
	if (!strcmp(rtnl, "tun"))
		return type == ARPHRD_ETHER ? HOST_TAP : HOST_TUN;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(rtnl, kinds[i].rtnl))
			return kinds[i].kind;
	/* devices that software made have a kind; what is left is hardware, real or emulated */
	return !*rtnl && type == ARPHRD_ETHER ? HOST_NIC : HOST_OTHER;
}

static const char *word(const char *const *words, size_t n, size_t i)
{
	return i < n ? words[i] : "?";
}

static const char *operstate(__u8 state)
{
	static const char *const words[] = { "unknown", "notpresent", "down", "lowerlayerdown",
					     "testing", "dormant", "up" };

	return word(words, ARRAY_SIZE(words), state);
}

static const char *macvlan_mode(__u32 mode)
{
	/* MACVLAN_MODE_*: one bit each */
	static const char *const words[] = { "private", "vepa", "bridge", "passthru", "source" };

	return mode ? word(words, ARRAY_SIZE(words), __builtin_ctz(mode)) : "";
}

static const char *bond_mode(__u8 mode)
{
	static const char *const words[] = { "balance-rr", "active-backup", "balance-xor", "broadcast",
					     "802.3ad", "balance-tlb", "balance-alb" };

	return word(words, ARRAY_SIZE(words), mode);
}

static void bridge_read(struct host_dev *d, const struct nlattr *data)
{
	const struct nlattr *tb[IFLA_BR_MAX + 1];

	nl_nested(data, tb, IFLA_BR_MAX);
	d->bridge.stp = nl_u32(tb[IFLA_BR_STP_STATE]);
	d->bridge.vlan_filtering = nl_u8(tb[IFLA_BR_VLAN_FILTERING]);
	d->bridge.vlan_proto = ntohs(nl_u16(tb[IFLA_BR_VLAN_PROTOCOL]));
	d->bridge.mcast_snooping = nl_u8(tb[IFLA_BR_MCAST_SNOOPING]);
	d->bridge.nf_call = nl_u8(tb[IFLA_BR_NF_CALL_IPTABLES]) || nl_u8(tb[IFLA_BR_NF_CALL_IP6TABLES]);
}

static void vxlan_read(struct host *h, struct host_dev *d, const struct nlattr *data)
{
	const struct nlattr *tb[IFLA_VXLAN_MAX + 1];
	static const struct {
		int attr, family;
		bool remote;
	} addrs[] = {
		{ IFLA_VXLAN_GROUP, AF_INET, true },
		{ IFLA_VXLAN_GROUP6, AF_INET6, true },
		{ IFLA_VXLAN_LOCAL, AF_INET, false },
		{ IFLA_VXLAN_LOCAL6, AF_INET6, false },
	};
	char text[INET6_ADDRSTRLEN];
	__u8 addr[16];

	nl_nested(data, tb, IFLA_VXLAN_MAX);
	d->vxlan.id = nl_u32(tb[IFLA_VXLAN_ID]);
	d->vxlan.port = ntohs(nl_u16(tb[IFLA_VXLAN_PORT]));
	d->link = nl_u32(tb[IFLA_VXLAN_LINK]);
	for (size_t i = 0; i < ARRAY_SIZE(addrs); i++) {
		if (!nl_copy(tb[addrs[i].attr], addr, sizeof(addr)))
			continue;
		inet_ntop(addrs[i].family, addr, text, sizeof(text));
		*(addrs[i].remote ? &d->vxlan.remote : &d->vxlan.local) = arena_printf(&h->mem, "%s", text);
	}
}

static void tun_read(struct host_dev *d, const struct nlattr *data)
{
	const struct nlattr *tb[IFLA_TUN_MAX + 1];

	nl_nested(data, tb, IFLA_TUN_MAX);
	d->tun.known = tb[IFLA_TUN_VNET_HDR];
	d->tun.vnet_hdr = nl_u8(tb[IFLA_TUN_VNET_HDR]);
	d->tun.multi_queue = nl_u8(tb[IFLA_TUN_MULTI_QUEUE]);
	d->tun.persist = nl_u8(tb[IFLA_TUN_PERSIST]);
	d->tun.has_owner = tb[IFLA_TUN_OWNER];
	d->tun.owner = nl_u32(tb[IFLA_TUN_OWNER]);
	d->tun.has_group = tb[IFLA_TUN_GROUP];
	d->tun.group = nl_u32(tb[IFLA_TUN_GROUP]);
	d->tun.queues = nl_u32(tb[IFLA_TUN_NUM_QUEUES]);
	d->tun.disabled = nl_u32(tb[IFLA_TUN_NUM_DISABLED_QUEUES]);
}

static void data_read(struct host *h, struct host_dev *d, const struct nlattr *data)
{
	const struct nlattr *tb[IFLA_BOND_MAX + 1]; /* the largest of them */

	switch (d->kind) {
	case HOST_BRIDGE:
		bridge_read(d, data);
		break;
	case HOST_VXLAN:
		if (!strcmp(d->rtnl_kind, "vxlan"))
			vxlan_read(h, d, data);
		break;
	case HOST_TAP:
	case HOST_TUN:
		tun_read(d, data);
		break;
	case HOST_VLAN:
		nl_nested(data, tb, IFLA_VLAN_MAX);
		d->vlan.id = nl_u16(tb[IFLA_VLAN_ID]);
		d->vlan.proto = ntohs(nl_u16(tb[IFLA_VLAN_PROTOCOL]));
		break;
	case HOST_MACVLAN:
	case HOST_MACVTAP:
		if (strncmp(d->rtnl_kind, "macv", 4))
			break;
		nl_nested(data, tb, IFLA_MACVLAN_MAX);
		d->mode = macvlan_mode(nl_u32(tb[IFLA_MACVLAN_MODE]));
		break;
	case HOST_BOND:
		if (strcmp(d->rtnl_kind, "bond"))
			break;
		nl_nested(data, tb, IFLA_BOND_MAX);
		d->mode = bond_mode(nl_u8(tb[IFLA_BOND_MODE]));
		d->link = nl_u32(tb[IFLA_BOND_ACTIVE_SLAVE]); /* until host_links_join() */
		break;
	default:
		break;
	}
}

static void port_read(struct host_dev *d, const struct nlattr *data)
{
	static const char *const states[] = { "disabled", "listening", "learning", "forwarding",
					      "blocking" };
	const struct nlattr *tb[IFLA_BRPORT_MAX + 1];

	nl_nested(data, tb, IFLA_BRPORT_MAX);
	d->port.state = word(states, ARRAY_SIZE(states), nl_u8(tb[IFLA_BRPORT_STATE]));
	d->port.hairpin = nl_u8(tb[IFLA_BRPORT_MODE]);
	d->port.isolated = nl_u8(tb[IFLA_BRPORT_ISOLATED]);
	d->port.learning = nl_u8(tb[IFLA_BRPORT_LEARNING]);
	d->port.flood = nl_u8(tb[IFLA_BRPORT_UNICAST_FLOOD]);
}

static void info_read(struct host *h, struct host_dev *d, const struct nlattr *info,
		      unsigned short type)
{
	const struct nlattr *tb[IFLA_INFO_MAX + 1];

	nl_nested(info, tb, IFLA_INFO_MAX);
	d->rtnl_kind = arena_printf(&h->mem, "%s", nl_str(tb[IFLA_INFO_KIND]));
	d->slave_kind = arena_printf(&h->mem, "%s", nl_str(tb[IFLA_INFO_SLAVE_KIND]));
	d->kind = host_kind_of(d->rtnl_kind, d->name, type);
	if (tb[IFLA_INFO_DATA])
		data_read(h, d, tb[IFLA_INFO_DATA]);
	if (tb[IFLA_INFO_SLAVE_DATA] && !strcmp(d->slave_kind, "bridge"))
		port_read(d, tb[IFLA_INFO_SLAVE_DATA]);
}

static void xdp_read(struct host *h, struct host_dev *d, const struct nlattr *xdp)
{
	static const struct {
		int attr;
		enum host_hook hook;
	} modes[] = {
		{ IFLA_XDP_DRV_PROG_ID, HOST_XDP_NATIVE },
		{ IFLA_XDP_SKB_PROG_ID, HOST_XDP_GENERIC },
		{ IFLA_XDP_HW_PROG_ID, HOST_XDP_OFFLOAD },
	};
	const struct nlattr *tb[IFLA_XDP_MAX + 1];

	nl_nested(xdp, tb, IFLA_XDP_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (nl_u32(tb[modes[i].attr]))
			host_prog_add(h, d, modes[i].hook, nl_u32(tb[modes[i].attr]));
}

static struct host_dev *dev_new(struct host_scan *s, const char *name)
{
	struct host *h = s->h;
	struct host_dev *d = arena_alloc(&h->mem, 1, sizeof(*d)), **slot;

	slot = d ? host_add(h, h->devs, h->ndevs) : NULL;
	if (!slot)
		return NULL;
	*slot = d;
	s->ns->ndevs++;
	*d = (struct host_dev){
		.ns = s->ns,
		.rtnl_kind = "",
		.slave_kind = "",
		.driver = "",
		.bus = "",
		.operstate = "",
		.alias = "",
		.mode = "",
		.port.state = "",
		.vxlan = { .remote = "", .local = "" },
		.link_nsid = -1,
	};
	strncpy(d->name, name, sizeof(d->name) - 1);
	d->label = s->ns->own ? d->name : arena_printf(&h->mem, "%s@%s", d->name, s->ns->name);
	return d;
}

static void dev_fill(struct host *h, struct host_dev *d, const struct ifinfomsg *ifi,
		     const struct nlattr **tb)
{
	d->ifindex = ifi->ifi_index;
	d->up = ifi->ifi_flags & IFF_UP;
	/* the flags hide what a packet socket or a bridge asked for (dev_get_flags()) */
	d->promisc = nl_u32(tb[IFLA_PROMISCUITY]);
	d->carrier = nl_u8(tb[IFLA_CARRIER]);
	d->operstate = operstate(nl_u8(tb[IFLA_OPERSTATE]));
	d->has_mac = ifi->ifi_type == ARPHRD_ETHER && nl_copy(tb[IFLA_ADDRESS], d->mac, sizeof(d->mac));
	d->mtu = nl_u32(tb[IFLA_MTU]);
	d->nrx = nl_u32(tb[IFLA_NUM_RX_QUEUES]);
	d->ntx = nl_u32(tb[IFLA_NUM_TX_QUEUES]);
	d->master_index = nl_u32(tb[IFLA_MASTER]);
	d->link = nl_u32(tb[IFLA_LINK]);
	if (tb[IFLA_LINK_NETNSID])
		d->link_nsid = nl_u32(tb[IFLA_LINK_NETNSID]);
	if (tb[IFLA_IFALIAS])
		d->alias = arena_printf(&h->mem, "%s", nl_str(tb[IFLA_IFALIAS]));
	if (*nl_str(tb[IFLA_PARENT_DEV_NAME]))
		d->bus = arena_printf(&h->mem, "%s/%s", nl_str(tb[IFLA_PARENT_DEV_BUS_NAME]),
				      nl_str(tb[IFLA_PARENT_DEV_NAME]));
}

static int link_msg(const struct nlmsghdr *nlh, void *ctx)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[IFLA_MAX + 1];
	struct host_scan *s = ctx;
	struct host_dev *d;

	nl_attrs(nlh, sizeof(*ifi), tb, IFLA_MAX);
	if (!*nl_str(tb[IFLA_IFNAME]))
		return MNL_CB_OK;
	d = dev_new(s, nl_str(tb[IFLA_IFNAME]));
	if (!d) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	dev_fill(s->h, d, ifi, tb);
	info_read(s->h, d, tb[IFLA_LINKINFO], ifi->ifi_type);
	if (tb[IFLA_XDP])
		xdp_read(s->h, d, tb[IFLA_XDP]);
	s->has_bridge |= d->kind == HOST_BRIDGE;
	return MNL_CB_OK;
}

static int by_ifindex(const void *a, const void *b)
{
	const struct host_dev *const *x = a, *const *y = b;

	return (*x)->ifindex < (*y)->ifindex ? -1 : (*x)->ifindex > (*y)->ifindex;
}

/* VLAN table entries: of one VLAN, or first and last of a range */
static int vlan_attr(const struct nlattr *attr, void *ctx)
{
	struct {
		struct host *h;
		struct host_dev *d;
		__u16 begin;
	} *v = ctx;
	struct bridge_vlan_info info;
	struct host_vlan *vlan;

	if (mnl_attr_get_type(attr) != IFLA_BRIDGE_VLAN_INFO)
		return MNL_CB_OK;
	nl_copy(attr, &info, sizeof(info));
	if (info.flags & BRIDGE_VLAN_INFO_RANGE_BEGIN) {
		v->begin = info.vid;
		return MNL_CB_OK;
	}
	vlan = host_add(v->h, v->d->vlans, v->d->nvlans);
	if (!vlan)
		return MNL_CB_OK;
	vlan->first = info.flags & BRIDGE_VLAN_INFO_RANGE_END ? v->begin : info.vid;
	vlan->last = info.vid;
	vlan->pvid = info.flags & BRIDGE_VLAN_INFO_PVID;
	vlan->untagged = info.flags & BRIDGE_VLAN_INFO_UNTAGGED;
	return MNL_CB_OK;
}

static int vlan_msg(const struct nlmsghdr *nlh, void *ctx)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[IFLA_MAX + 1];
	struct host_scan *s = ctx;
	struct {
		struct host *h;
		struct host_dev *d;
		__u16 begin;
	} v = {
		s->h, host_find_index(s->h, s->ns, ifi->ifi_index), 0
	};

	nl_attrs(nlh, sizeof(*ifi), tb, IFLA_MAX);
	if (v.d && tb[IFLA_AF_SPEC])
		mnl_attr_parse_nested(tb[IFLA_AF_SPEC], vlan_attr, &v);
	return MNL_CB_OK;
}

static int addr_msg(const struct nlmsghdr *nlh, void *ctx)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[IFA_MAX + 1];
	struct host_scan *s = ctx;
	struct host_dev *d = host_find_index(s->h, s->ns, ifa->ifa_index);
	struct host_addr *a;

	nl_attrs(nlh, sizeof(*ifa), tb, IFA_MAX);
	if (!d || (!tb[IFA_LOCAL] && !tb[IFA_ADDRESS]))
		return MNL_CB_OK;
	a = host_add(s->h, d->addrs, d->naddrs);
	if (!a)
		return MNL_CB_OK;
	a->family = ifa->ifa_family;
	nl_copy(tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS], a->bytes, sizeof(a->bytes));
	return MNL_CB_OK;
}

int host_links_read(struct host_scan *s)
{
	struct nlmsghdr *nlh;
	struct ifinfomsg *ifi;
	struct ifaddrmsg *ifa;
	char buf[NL_BYTES];
	int err;

	nlh = nl_request(buf, RTM_GETLINK, NLM_F_DUMP, sizeof(*ifi), &ifi);
	err = nl_call(&s->nl, nlh, link_msg, s);
	if (err)
		return err;
	qsort(s->h->devs + s->ns->first, s->ns->ndevs, sizeof(*s->h->devs), by_ifindex);

	nlh = nl_request(buf, RTM_GETADDR, NLM_F_DUMP, sizeof(*ifa), &ifa);
	err = nl_call(&s->nl, nlh, addr_msg, s);
	if (err || !s->has_bridge)
		return err;
	nlh = nl_request(buf, RTM_GETLINK, NLM_F_DUMP, sizeof(*ifi), &ifi);
	ifi->ifi_family = AF_BRIDGE;
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN_COMPRESSED);
	return nl_call(&s->nl, nlh, vlan_msg, s);
}
