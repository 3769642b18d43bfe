// SPDX-License-Identifier: GPL-2.0
/* Hazards: the network, by files of /proc and /sys */
#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>

#include "hazards_int.h"

static bool device_number(struct hazards *h, const struct host_dev *dev, const char *file, long long *out)
{
	return hazard_number(h, out, "/sys/class/net/%s/%s", dev->name, file);
}

struct packet_look {
	const struct host_netns *ns;
	const char *suffix;
};

static void packet_holder(struct hazards *h, __u32 pid, const char *comm, unsigned int files, void *ctx)
{
	char *who = ctx;

	(void)h;
	(void)files;
	snprintf(who, 96, " of %.63s (pid %u)", comm, pid);
}

/* sk RefCnt Type Proto Iface R Rmem User Inode */
static bool packet_line(struct hazards *h, char *line, void *ctx)
{
	const struct packet_look *l = ctx;
	unsigned int proto, ifindex, running, inode;
	const struct host_dev *dev = NULL;
	char subject[160], link[64], who[96] = "";

	if (sscanf(line, "%*s %*u %*u %x %u %u %*u %*u %u", &proto, &ifindex, &running, &inode) != 4 ||
	    !running)
		return true;
	/* others (LLDP, EAPOL, ...) get few packets */
	if (proto != ETH_P_ALL && proto != ETH_P_IP && proto != ETH_P_IPV6)
		return true;
	if (ifindex) {
		dev = host_find_index(h->now, l->ns, ifindex);
		if (!dev || !hazard_device_in(h, dev))
			return true;
	}
	snprintf(link, sizeof(link), "socket:[%u]", inode);
	if (h->cfg.slow)
		hazard_holders(h, link, packet_holder, who);
	snprintf(subject, sizeof(subject), "packet socket%s", who);
	hazard_add(h, *who ? subject : link, "%sis handed every %s at %s%s", *who ? "" : "is a packet socket: it ",
		   proto == ETH_P_ALL ? "packet" : "IP packet that comes in",
		   dev ? dev->label : "all devices", dev ? "" : l->suffix);
	return true;
}

static void packet_look(struct hazards *h, const struct host_netns *ns, const char *suffix)
{
	struct packet_look l = { ns, suffix };

	hazard_lines(h, packet_line, &l, "/proc/net/packet");
}

void hazard_find_packet_sockets(struct hazards *h)
{
	hazard_each_netns(h, packet_look);
}

static void promiscuous_look(struct hazards *h, const struct host_dev *dev)
{
	/* ports of bridges and the devices below macvtaps are so for a reason */
	if (dev->promisc && !dev->master && !dev->nuppers && dev->kind != HOST_BRIDGE && dev->kind != HOST_OVS)
		hazard_add(h, dev->label, "is promiscuous");
}

void hazard_find_promiscuous(struct hazards *h)
{
	hazard_devices(h, promiscuous_look);
}

static void gro_flush_look(struct hazards *h, const struct host_dev *dev)
{
	long long flush = 0, defer = 0;

	device_number(h, dev, "gro_flush_timeout", &flush);
	device_number(h, dev, "napi_defer_hard_irqs", &defer);
	if (flush)
		hazard_add(h, dev->name, "holds packets back for up to %lld ns (gro_flush_timeout; napi_defer_hard_irqs %lld)",
			   flush, defer);
}

void hazard_find_gro_flush(struct hazards *h)
{
	hazard_sysfs_devices(h, gro_flush_look);
}

static void threaded_look(struct hazards *h, const struct host_dev *dev)
{
	long long on;

	if (device_number(h, dev, "threaded", &on) && on)
		hazard_add(h, dev->name, "polls in threads");
}

void hazard_find_napi_threaded(struct hazards *h)
{
	hazard_sysfs_devices(h, threaded_look);
}

/* A sysctl that is good when it is 0 */
static void sysctl_nonzero(struct hazards *h, const char *path, const char *name, const char *what)
{
	long long v;

	if (hazard_number(h, &v, "/proc/sys/%s", path) && v)
		hazard_add(h, name, "is %lld: %s", v, what);
}

void hazard_find_rfs(struct hazards *h)
{
	sysctl_nonzero(h, "net/core/rps_sock_flow_entries", "net.core.rps_sock_flow_entries",
		       "packets are steered to the CPU of their reader");
}

void hazard_find_busy_poll(struct hazards *h)
{
	sysctl_nonzero(h, "net/core/busy_poll", "net.core.busy_poll", "poll() and select() spin up to so many us for packets");
	sysctl_nonzero(h, "net/core/busy_read", "net.core.busy_read", "reads of sockets spin up to so many us for packets");
}

static void bridge_look(struct hazards *h, const struct host_dev *dev)
{
	static const char *const calls[] = { "iptables", "ip6tables", "arptables" };
	struct hazard_words words = {};
	long long on;
	size_t i;

	if (dev->kind != HOST_BRIDGE)
		return;
	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (hazard_number(h, &on, "/proc/sys/net/bridge/bridge-nf-call-%s", calls[i]) && on)
			hazard_words_add(&words, "bridge-nf-call-%s", calls[i]);
	if (words.n)
		hazard_add(h, "br_netfilter", "takes bridged packets through the IP hooks: %s",
			   hazard_words_text(&words));
}

void hazard_find_br_netfilter(struct hazards *h)
{
	/* the settings are those of the own namespace */
	hazard_sysfs_devices(h, bridge_look);
}

void hazard_find_conntrack(struct hazards *h)
{
	long long n;

	if (hazard_number(h, &n, "/proc/sys/net/netfilter/nf_conntrack_count") && n)
		hazard_add(h, "connection tracking", "is on, with %lld connections", n);
}

/* Hexadecimal: processed, dropped, time_squeeze, ...; a line for each CPU */
static bool softnet_line(struct hazards *h, char *line, void *ctx)
{
	unsigned int dropped, squeezed, cpu = 0, *row = ctx;
	char subject[32];
	int n;

	n = sscanf(line, "%*x %x %x %*x %*x %*x %*x %*x %*x %*x %*x %*x %x", &dropped, &squeezed, &cpu);
	if (n < 2)
		return true;
	/* the CPU is in the line since 5.10 */
	snprintf(subject, sizeof(subject), "CPU %u", n < 3 ? *row : cpu);
	++*row;
	hazard_count(h, subject, "packets dropped at a full backlog:", dropped);
	hazard_count(h, subject, "polls cut short (time_squeeze):", squeezed);
	return true;
}

void hazard_find_softnet(struct hazards *h)
{
	unsigned int row = 0;

	hazard_lines(h, softnet_line, &row, "/proc/net/softnet_stat");
}

static void errors_look(struct hazards *h, const struct host_dev *dev)
{
	static const char *const counters[] = {
		"rx_errors",
		"rx_dropped",
		"rx_missed_errors",
		"rx_fifo_errors",
		"tx_errors",
		"tx_dropped",
		"tx_fifo_errors",
	};
	char file[64];
	long long v;
	size_t i;

	for (i = 0; i < sizeof(counters) / sizeof(*counters); i++) {
		snprintf(file, sizeof(file), "statistics/%s", counters[i]);
		if (device_number(h, dev, file, &v))
			hazard_count(h, dev->name, counters[i], v);
	}
}

void hazard_find_dev_errors(struct hazards *h)
{
	hazard_sysfs_devices(h, errors_look);
}

static void process_named(struct hazards *h, const char *path, void *ctx)
{
	char comm[32];

	if (hazard_text(h, comm, sizeof(comm), "%s", path) && !strcmp(comm, ctx))
		hazard_add(h, comm, "runs");
}

void hazard_find_irqbalance(struct hazards *h)
{
	/* its pid file spares a look at every process, at the start and end of a recording */
	if (hazard_exists(h, "/run/irqbalance") || hazard_exists(h, "/run/irqbalance.pid"))
		hazard_glob(h, "/proc/[0-9]*/comm", process_named, (char *)"irqbalance");
}
