// SPDX-License-Identifier: GPL-2.0
/*
 * Offloads, coalescing, rings, speed by SIOCETHTOOL: the same values as ethtool's netlink family
 * has, on every kernel, in one form; none of these needs a privilege.
 */
#include "host_int.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define WORDS_MAX 8 /* of 32 features; 6.18 has 2 */

/* The kernel's names of features: net/ethtool/common.c, netdev_features_strings */
static const struct {
	const char *name;
	enum host_offload offload;
} features[] = {
	{ "rx-checksum", HOST_RX_CSUM },
	{ "tx-checksum-ipv4", HOST_TX_CSUM },
	{ "tx-checksum-ip-generic", HOST_TX_CSUM },
	{ "tx-checksum-ipv6", HOST_TX_CSUM },
	{ "tx-scatter-gather", HOST_SG },
	{ "tx-tcp-segmentation", HOST_TSO },
	{ "tx-generic-segmentation", HOST_GSO },
	{ "rx-gro", HOST_GRO },
	{ "rx-gro-hw", HOST_GRO_HW },
	{ "rx-gro-list", HOST_GRO_LIST },
	{ "rx-udp-gro-forwarding", HOST_GRO_UDP },
	{ "rx-lro", HOST_LRO },
	{ "tx-udp-segmentation", HOST_USO },
	{ "rx-vlan-hw-parse", HOST_RXVLAN },
	{ "tx-vlan-hw-insert", HOST_TXVLAN },
	{ "rx-hashing", HOST_RXHASH },
	{ "rx-ntuple-filter", HOST_NTUPLE },
};

static int ethtool(const struct host_scan *s, const struct host_dev *d, void *cmd)
{
	struct ifreq ifr = { .ifr_data = cmd };

	memcpy(ifr.ifr_name, d->name, IF_NAMESIZE);
	return ioctl(s->ioctl_sock, SIOCETHTOOL, &ifr);
}

static __s8 offload_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		if (!strncmp(name, features[i].name, ETH_GSTRING_LEN))
			return features[i].offload;
	return -1;
}

/* The names are the same for all devices of a kernel */
static void names_read(struct host_scan *s, const struct host_dev *d)
{
	struct {
		struct ethtool_sset_info info;
		__u32 n;
	} sset = { .info = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_FEATURES } };
	struct ethtool_gstrings *names;

	if (ethtool(s, d, &sset) || !sset.info.sset_mask || sset.n > ARRAY_SIZE(s->feature))
		return;
	names = calloc(1, sizeof(*names) + (size_t)sset.n * ETH_GSTRING_LEN);
	if (!names)
		return;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = sset.n;
	if (!ethtool(s, d, names)) {
		for (__u32 i = 0; i < sset.n; i++)
			s->feature[i] = offload_of((char *)names->data + (size_t)i * ETH_GSTRING_LEN);
		s->feature_n = sset.n;
	}
	s->feature_read = true;
	free(names);
}

static void offloads_read(struct host_scan *s, struct host_dev *d)
{
	struct {
		struct ethtool_gfeatures get;
		struct ethtool_get_features_block block[WORDS_MAX];
	} f = { .get = { .cmd = ETHTOOL_GFEATURES, .size = WORDS_MAX } };

	if (!s->feature_read)
		names_read(s, d);
	if (!s->feature_n || ethtool(s, d, &f))
		return;
	d->offloads_known = true;
	for (__u32 i = 0; i < s->feature_n && i / 32 < f.get.size; i++) {
		const struct ethtool_get_features_block *b = &f.get.features[i / 32];
		__u32 bit = 1U << i % 32;

		if (s->feature[i] < 0)
			continue;
		if (b->active & bit)
			d->offload |= 1U << s->feature[i];
	}
}

static void coalesce_read(const struct host_scan *s, struct host_dev *d)
{
	struct ethtool_coalesce c = { .cmd = ETHTOOL_GCOALESCE };

	if (ethtool(s, d, &c))
		return;
	d->coalesce = (struct host_coalesce){
		.known = true,
		.adaptive_rx = c.use_adaptive_rx_coalesce,
		.adaptive_tx = c.use_adaptive_tx_coalesce,
		.rx_usecs = c.rx_coalesce_usecs,
		.rx_frames = c.rx_max_coalesced_frames,
		.tx_usecs = c.tx_coalesce_usecs,
		.tx_frames = c.tx_max_coalesced_frames,
	};
}

static void link_read(const struct host_scan *s, struct host_dev *d)
{
	struct {
		struct ethtool_link_settings l;
		__u32 masks[3 * 127]; /* the kernel takes words up to what a signed byte holds */
	} set = { .l = { .cmd = ETHTOOL_GLINKSETTINGS } };

	/* the first call tells how many words it wants, as a negative number */
	if (ethtool(s, d, &set) || set.l.link_mode_masks_nwords >= 0)
		return;
	set.l.link_mode_masks_nwords = -set.l.link_mode_masks_nwords;
	set.l.cmd = ETHTOOL_GLINKSETTINGS;
	if (ethtool(s, d, &set))
		return;
	d->speed = set.l.speed == (__u32)SPEED_UNKNOWN ? 0 : set.l.speed;
	d->full_duplex = set.l.duplex == DUPLEX_FULL;
}

static void channels_read(const struct host_scan *s, struct host_dev *d)
{
	struct ethtool_channels c = { .cmd = ETHTOOL_GCHANNELS };

	if (ethtool(s, d, &c) || !(c.combined_count + c.rx_count + c.tx_count))
		return;
	d->nrx = c.combined_count + c.rx_count;
	d->ntx = c.combined_count + c.tx_count;
}

void host_ethtool_read(struct host_scan *s, struct host_dev *d)
{
	struct ethtool_drvinfo drv = { .cmd = ETHTOOL_GDRVINFO };
	struct ethtool_ringparam ring = { .cmd = ETHTOOL_GRINGPARAM };

	if (s->ioctl_sock < 0)
		return;
	offloads_read(s, d);
	if (d->kind != HOST_NIC)
		return;
	if (!ethtool(s, d, &drv))
		d->driver = arena_printf(&s->h->mem, "%.31s", drv.driver);
	coalesce_read(s, d);
	link_read(s, d);
	channels_read(s, d);
	if (!ethtool(s, d, &ring)) {
		d->ring_rx = ring.rx_pending;
		d->ring_tx = ring.tx_pending;
	}
}
