// SPDX-License-Identifier: GPL-2.0
/* Hazards: devices, by the snapshot of the host (offloads, coalescing, XDP modes, qdiscs) */
#include <linux/pkt_sched.h>
#include <stdio.h>
#include <string.h>

#include "hazards_int.h"

#define COALESCE_USECS 20 /* as with idle states: what is noticed */

static bool offload_on(const struct host_dev *dev, enum host_offload offload)
{
	return dev->offloads_known && dev->offload & 1U << offload;
}

static const char *prog_on(const struct host_prog *p, const struct host_dev *dev, char buf[128])
{
	snprintf(buf, 128, "xdp program \"%s\" (id %u) on %s", p->name, p->id, dev->label);
	return buf;
}

/* Drivers of Debian's kernels that run XDP themselves; on others generic is all there is */
static bool has_native(const struct host_dev *dev)
{
	static const char *const drivers[] = {
		"atlantic", "bnxt_en", "ena", "gve", "hv_netvsc", "i40e", "ice", "igb", "igc", "ixgbe",
		"ixgbevf", "mana", "mlx4_en", "mlx5_core", "mvneta", "mvpp2", "nfp", "qede", "sfc",
		"stmmac", "thunder-nicvf", "virtio_net", "vmxnet3", "xennet", /* hardware */
		"bond", "tun", "veth", /* software, by rtnl kind */
	};
	size_t i;

	for (i = 0; i < sizeof(drivers) / sizeof(*drivers); i++)
		if (!strcmp(dev->driver, drivers[i]) || !strcmp(dev->rtnl_kind, drivers[i]))
			return true;
	return false;
}

static void generic_look(struct hazards *h, const struct host_dev *dev)
{
	char text[128];
	size_t i;

	for (i = 0; i < dev->nprogs; i++)
		if (dev->progs[i].hook == HOST_XDP_GENERIC)
			hazard_add(h, prog_on(&dev->progs[i], dev, text), "runs in generic mode%s",
				   has_native(dev) ? " though the driver can do native" : "");
}

void hazard_find_xdp_generic(struct hazards *h)
{
	hazard_devices(h, generic_look);
}

static void copy_look(struct hazards *h, const struct host_dev *dev)
{
	char text[128];
	size_t i;

	for (i = 0; dev->kind == HOST_VETH && i < dev->nprogs; i++)
		if (dev->progs[i].hook == HOST_XDP_NATIVE)
			hazard_add(h, prog_on(&dev->progs[i], dev, text),
				   "gets a copy of each packet that its peer sends as an skb");
}

void hazard_find_xdp_copy(struct hazards *h)
{
	hazard_devices(h, copy_look);
}

/* Names of the devices of the way for which is() is true, in one finding */
static void devices_list(struct hazards *h, bool (*is)(const struct host_dev *dev), const char *subject,
			 const char *what)
{
	struct hazard_words words = {};
	size_t i;

	for (i = 0; i < h->now->ndevs; i++)
		if (hazard_device_in(h, h->now->devs[i]) && is(h->now->devs[i]))
			hazard_words_add(&words, "%s", h->now->devs[i]->label);
	if (words.n)
		hazard_add(h, subject, "%s: %s", what, hazard_words_text(&words));
}

/* Only there where packets come in from outside: virtual devices do GRO for few */
static bool has_gro(const struct host_dev *dev)
{
	return dev->kind == HOST_NIC && offload_on(dev, HOST_GRO);
}

void hazard_find_gro(struct hazards *h)
{
	devices_list(h, has_gro, "GRO", "merges packets of a flow that come in one poll");
}

/* virtio_net calls it GRO in hardware that it takes packets as large as its host sends them */
static bool has_lro(const struct host_dev *dev)
{
	return offload_on(dev, HOST_LRO) ||
	       (offload_on(dev, HOST_GRO_HW) && strcmp(dev->driver, "virtio_net"));
}

void hazard_find_lro(struct hazards *h)
{
	devices_list(h, has_lro, "LRO or hardware GRO", "holds packets back in the NIC to merge them");
}

static void coalesce_look(struct hazards *h, const struct host_dev *dev)
{
	const struct host_coalesce *c = &dev->coalesce;

	if (!c->known)
		return;
	if (c->adaptive_rx)
		hazard_add(h, dev->label, "holds interrupts back for as long as it finds fit (adaptive-rx, now %u us)",
			   c->rx_usecs);
	else if (c->rx_usecs >= COALESCE_USECS)
		hazard_add(h, dev->label, "holds interrupts back for %u us (rx-usecs)", c->rx_usecs);
}

void hazard_find_coalescing(struct hazards *h)
{
	hazard_devices(h, coalesce_look);
}

/* rx: RPS, else XPS */
static bool steers(const struct host_dev *dev, bool tx)
{
	size_t i;

	for (i = 0; i < dev->nqueues; i++)
		if (dev->queues[i].tx == tx && dev->queues[i].on)
			return true;
	return false;
}

static bool has_rps(const struct host_dev *dev)
{
	return steers(dev, false);
}

void hazard_find_rps(struct hazards *h)
{
	devices_list(h, has_rps, "RPS", "hands received packets to other CPUs");
}

static bool has_xps(const struct host_dev *dev)
{
	return steers(dev, true);
}

void hazard_find_xps(struct hazards *h)
{
	devices_list(h, has_xps, "XPS", "chooses the transmit queue by the sender's CPU");
}

/* Those that the kernel made itself (of mq's queues) have no handle: their parents tell them apart */
static void qdisc_subject(const struct host_dev *dev, const struct host_qdisc *q, char buf[128])
{
	if (q->handle || q->up < 0)
		snprintf(buf, 128, "qdisc %s %x: of %s", q->kind, TC_H_MAJ(q->handle) >> 16, dev->label);
	else
		snprintf(buf, 128, "qdisc %s at %x:%x of %s", q->kind, TC_H_MAJ(q->parent) >> 16,
			 TC_H_MIN(q->parent), dev->label);
}

static void qdisc_count(struct hazards *h, const struct host_dev *dev)
{
	char subject[128];
	size_t i;

	for (i = 0; i < dev->nqdiscs; i++) {
		const struct host_qdisc *q = &dev->qdiscs[i];

		qdisc_subject(dev, q, subject);
		hazard_count(h, subject, "dropped:", q->drops);
		hazard_count(h, subject, "requeued:", q->requeues);
		hazard_count(h, subject, "overlimits:", q->overlimits);
	}
}

void hazard_find_qdisc_drops(struct hazards *h)
{
	hazard_devices(h, qdisc_count);
}

static void qdisc_backlog(struct hazards *h, const struct host_dev *dev)
{
	char subject[128];
	size_t i;

	for (i = 0; i < dev->nqdiscs; i++) {
		qdisc_subject(dev, &dev->qdiscs[i], subject);
		/* the root's counts its children's in most qdiscs: one line is enough */
		if (dev->qdiscs[i].up < 0 && dev->qdiscs[i].qlen)
			hazard_add(h, subject, "has %u packets waiting", dev->qdiscs[i].qlen);
	}
}

void hazard_find_qdisc_backlog(struct hazards *h)
{
	hazard_devices(h, qdisc_backlog);
}
