// SPDX-License-Identifier: GPL-2.0
/* The snapshot as a whole, see host.h */
#include "host.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host_int.h"
#include "netns.h"

void *host_grow(struct host *h, const void *array, size_t n, size_t size)
{
	void *more;

	if (n & (n - 1))
		return (void *)array;
	more = arena_alloc(&h->mem, n ? 2 * n : 1, size);
	if (more && n)
		memcpy(more, array, n * size);
	return more;
}

bool host_add_to(struct host *h, void **array, size_t *n, size_t size)
{
	void *more = host_grow(h, *array, *n, size);

	if (!more)
		return false;
	*array = more;
	*n += 1;
	return true;
}

void host_remark(struct host *h, const char *fmt, ...)
{
	char text[256];
	const char **slot;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < h->nremarks; i++)
		if (!strcmp(h->remarks[i], text))
			return;
	slot = host_add(h, h->remarks, h->nremarks);
	if (slot)
		*slot = arena_printf(&h->mem, "%s", text);
}

/* A namespace without a name is called by a process in it */
static const char *netns_label(struct host *h, const struct netns_at *at)
{
	unsigned int pid;

	if (at->own || *at->name)
		return arena_printf(&h->mem, "%s", at->name);
	return sscanf(at->path, "/proc/%u/", &pid) == 1 ? arena_printf(&h->mem, "pid-%u", pid) : "?";
}

static int netns_scan(void *ctx, const struct netns_at *at)
{
	struct host *h = ctx;
	struct host_scan s = { .h = h, .sysfs = -1 };
	struct host_netns *ns = arena_alloc(&h->mem, 1, sizeof(*ns)), **slot;
	size_t i;
	int err;

	slot = ns ? host_add(h, h->netns, h->nnetns) : NULL;
	if (!slot)
		return -ENOMEM;
	*slot = s.ns = ns;
	*ns = (struct host_netns){
		.netns = at->netns,
		.own = at->own,
		.name = netns_label(h, at),
		.path = arena_printf(&h->mem, "%s", at->path),
		.first = h->ndevs,
	};
	err = nl_open(&s.nl, NETLINK_ROUTE);
	if (err)
		return err;
	err = host_links_read(&s);
	if (!err)
		err = host_tc_read(&s);
	host_sysfs_open(&s);
	s.ioctl_sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (i = 0; !err && i < ns->ndevs; i++) {
		host_ethtool_read(&s, h->devs[ns->first + i]);
		host_sysfs_read(&s, h->devs[ns->first + i]);
	}
	if (s.ioctl_sock >= 0)
		close(s.ioctl_sock);
	if (s.sysfs >= 0)
		close(s.sysfs);
	nl_close(&s.nl);
	return err;
}

int host_scan(struct host **out)
{
	struct host *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return -ENOMEM;
	err = netns_each(netns_scan, h, &h->netns_unseen);
	if (!err && h->netns_unseen)
		host_remark(h, "devices of %zu other network namespaces are not seen: no CAP_SYS_ADMIN",
			    h->netns_unseen);
	for (size_t i = 0; !err && i < h->ndevs; i++)
		h->devs[i]->nr = i;
	if (!err) {
		host_links_join(h);
		err = host_procs_read(h);
	}
	if (!err && h->mem.failed)
		err = -ENOMEM;
	if (err) {
		host_free(h);
		return err;
	}
	*out = h;
	return 0;
}

void host_free(struct host *h)
{
	if (!h)
		return;
	arena_free(&h->mem);
	free(h);
}

struct host_dev *host_find_index(const struct host *h, const struct host_netns *ns, __u32 ifindex)
{
	size_t low = 0, high = ns->ndevs, mid;

	while (ifindex && low < high) {
		struct host_dev *d = h->devs[ns->first + (mid = (low + high) / 2)];

		if (d->ifindex == ifindex)
			return d;
		if (d->ifindex < ifindex)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

struct host_dev *host_find(const struct host *h, const char *name, bool *several)
{
	const char *at = strchr(name, '@');
	size_t len = at ? (size_t)(at - name) : strlen(name), i;
	struct host_dev *found = NULL;

	*several = false;
	for (i = 0; i < h->ndevs; i++) {
		struct host_dev *d = h->devs[i];

		if (strlen(d->name) != len || memcmp(d->name, name, len))
			continue;
		if (at ? !strcmp(d->ns->name, at + 1) : d->ns->own)
			return d;
		if (at)
			continue;
		*several |= found != NULL;
		found = d;
	}
	return *several ? NULL : found;
}

const char *host_kind_name(enum host_kind kind)
{
	static const char *const names[HOST_NR_KINDS] = {
		[HOST_OTHER] = "other",
		[HOST_NIC] = "nic",
		[HOST_LOOPBACK] = "loopback",
		[HOST_VETH] = "veth",
		[HOST_BRIDGE] = "bridge",
		[HOST_OVS] = "ovs",
		[HOST_OVS_INTERNAL] = "ovs-internal",
		[HOST_BOND] = "bond",
		[HOST_VLAN] = "vlan",
		[HOST_MACVLAN] = "macvlan",
		[HOST_MACVTAP] = "macvtap",
		[HOST_VXLAN] = "vxlan",
		[HOST_TAP] = "tap",
		[HOST_TUN] = "tun",
		[HOST_VRF] = "vrf",
	};

	return (unsigned int)kind < HOST_NR_KINDS ? names[kind] : "?";
}

const char *host_hook_name(enum host_hook hook)
{
	static const char *const names[HOST_NR_HOOKS] = {
		[HOST_XDP_NATIVE] = "xdp native",
		[HOST_XDP_GENERIC] = "xdp generic",
		[HOST_XDP_OFFLOAD] = "xdp offload",
		[HOST_TC_INGRESS] = "tc ingress",
		[HOST_TC_EGRESS] = "tc egress",
		[HOST_TCX_INGRESS] = "tcx ingress",
		[HOST_TCX_EGRESS] = "tcx egress",
	};

	return (unsigned int)hook < HOST_NR_HOOKS ? names[hook] : "?";
}

const char *host_offload_name(enum host_offload offload)
{
	static const char *const names[HOST_NR_OFFLOADS] = {
		[HOST_RX_CSUM] = "rx-csum",
		[HOST_TX_CSUM] = "tx-csum",
		[HOST_SG] = "sg",
		[HOST_TSO] = "tso",
		[HOST_GSO] = "gso",
		[HOST_GRO] = "gro",
		[HOST_GRO_HW] = "gro-hw",
		[HOST_GRO_LIST] = "gro-list",
		[HOST_GRO_UDP] = "gro-udp",
		[HOST_LRO] = "lro",
		[HOST_USO] = "uso",
		[HOST_RXVLAN] = "rxvlan",
		[HOST_TXVLAN] = "txvlan",
		[HOST_RXHASH] = "rxhash",
		[HOST_NTUPLE] = "ntuple",
	};

	return (unsigned int)offload < HOST_NR_OFFLOADS ? names[offload] : "?";
}

enum pl_dev_kind host_pl_kind(enum host_kind kind)
{
	switch (kind) {
	case HOST_NIC:
		return PL_DEV_NIC;
	case HOST_TAP:
	case HOST_TUN:
		return PL_DEV_TAP;
	case HOST_BRIDGE:
		return PL_DEV_BRIDGE;
	case HOST_VETH:
		return PL_DEV_VETH;
	default:
		return PL_DEV_OTHER;
	}
}
