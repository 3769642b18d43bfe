// SPDX-License-Identifier: GPL-2.0
/*
 * Hazards: BPF programs that redirect packets to where nobody is, or to somebody else.
 *
 * What is certain is the argument of the helper (a constant, or a global variable read now), and
 * the entries of a devmap. "Somebody else" needs a name to compare with: that of the variable or
 * map, when one device of the namespace is called like it, or like its first or last part
 * (ifindex_eth1, tap0_ifindex, tx_eth1, eth1; what is no letter or digit counts as "_").
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hazard_bpf.h"
#include "hazards_int.h"

#define VALUES_MAX 16
#define KEYS_MAX   262144 /* of a devmap, that are looked at: tenths of a second */

struct place {
	const struct hazard_prog *prog;
	const struct host_dev *dev; /* packets come to it there */
	bool native;
	char subject[256];
};

static const struct host_dev *device_of(const struct hazards *h, const struct place *at, __u32 ifindex)
{
	return host_find_index(h->host, at->dev->ns, ifindex);
}

/* Is name the device's, or its first or last part: how many characters match; 0: none */
static size_t name_match(const char *name, const char *dev)
{
	size_t n = strlen(name), len = strlen(dev), start, i;
	bool ends[2];
	int e;

	if (len > n || !strcmp(dev, "lo"))
		return 0;
	ends[0] = len == n || name[len] == '_';
	ends[1] = len == n || name[n - len - 1] == '_';
	for (e = 0; e < 2; e++) {
		start = e ? n - len : 0;
		for (i = 0; ends[e] && i < len; i++)
			if (name[start + i] != (isalnum((unsigned char)dev[i]) ? dev[i] : '_'))
				ends[e] = false;
		if (ends[e])
			return len;
	}
	return 0;
}

/* The device that a variable or map is called after; NULL: none, or several */
static const struct host_dev *device_meant(const struct hazards *h, const struct place *at, const char *name)
{
	const struct host_netns *ns = at->dev->ns;
	const struct host_dev *best = NULL, *dev;
	size_t i, n, most = 0;

	for (i = 0; i < ns->ndevs; i++) {
		dev = h->host->devs[ns->first + i];
		n = name_match(name, dev->name);
		if (n && n == most)
			best = NULL;
		if (n > most) {
			most = n;
			best = dev;
		}
	}
	return best;
}

/* Name of the global variable at an offset of a data section's map */
static void variable_name(const struct hazard_map *map, __u32 offset, char name[64])
{
	struct btf *btf = map->btf_id ? btf__load_from_kernel_by_id(map->btf_id) : NULL;
	const struct btf_type *t = btf ? btf__type_by_id(btf, map->btf_value_type_id) : NULL;
	const struct btf_type *var;
	int i;

	*name = 0;
	for (i = 0; t && btf_is_datasec(t) && i < btf_vlen(t); i++) {
		if (btf_var_secinfos(t)[i].offset != offset)
			continue;
		var = btf__type_by_id(btf, btf_var_secinfos(t)[i].type);
		snprintf(name, 64, "%s", btf__name_by_offset(btf, var->name_off));
	}
	btf__free(btf);
}

/* Read a variable now. False: it is not in an array, or not ours to see */
static bool variable_read(const struct hazard_value *v, __u32 *out, char name[64])
{
	struct hazard_map map;
	__u32 key = 0;
	char *value;
	bool ok;

	if (!hazard_map_open(v->map, &map))
		return false;
	value = calloc(1, map.value_size);
	ok = value && map.type == BPF_MAP_TYPE_ARRAY && v->size == sizeof(*out) &&
	     v->offset + v->size <= map.value_size && !bpf_map_lookup_elem(map.fd, &key, value);
	if (ok) {
		memcpy(out, value + v->offset, sizeof(*out));
		variable_name(&map, v->offset, name);
	}
	free(value);
	close(map.fd);
	return ok;
}

static void target_judge(struct hazards *h, const struct place *at, const struct hazard_value *v)
{
	const struct host_dev *meant, *dev;
	__u32 ifindex = v->constant;
	char name[64] = "";

	if (v->map && !variable_read(v, &ifindex, name))
		return;
	/* 0 is "not set": programs that are careful ask for it */
	if (!ifindex)
		return;
	dev = device_of(h, at, ifindex);
	meant = *name ? device_meant(h, at, name) : NULL;
	if (h->row == HAZARD_bpf_redirect_gone && !dev)
		hazard_add(h, at->subject, "redirects to interface %u%s%s, which does not exist", ifindex,
			   *name ? " by its variable " : "", name);
	if (h->row == HAZARD_bpf_redirect_other && dev && meant && meant != dev)
		hazard_add(h, at->subject, "redirects to %s by its variable %s (%u), but %s is interface %u",
			   dev->name, name, ifindex, meant->name, meant->ifindex);
}

static void calls_judge(struct hazards *h, const struct place *at)
{
	static const struct {
		const char *helper;
		unsigned int reg; /* of the interface's number */
	} calls[] = {
		{ "bpf_xdp_redirect", BPF_REG_1 },
		{ "bpf_redirect", BPF_REG_1 },
		{ "bpf_redirect_peer", BPF_REG_1 },
		{ "bpf_redirect_neigh", BPF_REG_1 },
		{ "bpf_clone_redirect", BPF_REG_2 },
	};
	const struct hazard_prog *p = at->prog;
	struct hazard_value values[VALUES_MAX];
	size_t i, j, k, n;
	__s32 imm;

	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		if (!hazard_helper(h, calls[i].helper, &imm))
			continue;
		for (j = 0; j < p->ninsn; j++) {
			if (!hazard_is_call(&p->insn[j]) || p->insn[j].imm != imm)
				continue;
			n = hazard_insn_values(p, j, calls[i].reg, values, VALUES_MAX);
			for (k = 0; k < n; k++)
				target_judge(h, at, &values[k]);
		}
	}
}

/*
 * Why a device takes no redirected packets; NULL: it does. What a program in the driver redirects
 * goes to veth_xdp_xmit(), which needs NAPI at the other end: a program or GRO switches it on
 * there. Generic XDP sends an skb, as anybody does.
 */
static const char *dead_why(const struct host_dev *dev, bool native)
{
	size_t i;

	if (!dev->up)
		return "is down";
	if (!native || dev->kind != HOST_VETH || !dev->peer || !dev->peer->offloads_known)
		return NULL;
	if (dev->peer->offload & 1U << HOST_GRO)
		return NULL;
	for (i = 0; i < dev->peer->nprogs; i++)
		if (dev->peer->progs[i].hook == HOST_XDP_NATIVE)
			return NULL;
	return "drops it: its peer has neither GRO nor an XDP program";
}

struct devmap {
	const struct hazard_map *map;
	const struct host_dev *meant;
	const struct host_dev *first, *dead;
	const char *why;
	size_t entries;
	bool has_meant;
	bool whole; /* all of it was looked at: what was not found is not there */
};

static void entry_look(struct hazards *h, const struct place *at, struct devmap *d, __u32 ifindex)
{
	const struct host_dev *dev = device_of(h, at, ifindex);

	d->entries++;
	if (!dev)
		return; /* of another namespace: the entry holds the device itself, not its number */
	d->has_meant |= dev == d->meant;
	d->first = d->first ? d->first : dev;
	if (dead_why(dev, at->native)) {
		d->why = dead_why(dev, at->native);
		d->dead = dev;
	}
}

/* An array has all of its keys, set or not */
static void devmap_read(struct hazards *h, const struct place *at, struct devmap *d)
{
	struct { /* struct bpf_devmap_val, or its first member alone */
		__u32 ifindex, prog;
	} value;
	__u32 key, n = 0;
	int err;

	if (d->map->value_size > sizeof(value) || d->map->key_size != sizeof(key))
		return;
	for (err = bpf_map_get_next_key(d->map->fd, NULL, &key); !err && n++ < KEYS_MAX;
	     err = bpf_map_get_next_key(d->map->fd, &key, &key))
		if (!bpf_map_lookup_elem(d->map->fd, &key, &value))
			entry_look(h, at, d, value.ifindex);
	d->whole = err == -ENOENT;
}

/*
 * Does the program say what becomes of packets for which a devmap has no entry (the lower bits of
 * bpf_redirect_map()'s flags, 5.4 and newer)? Then an empty one is no fault. The verifier puts the
 * map's own function in the place of the helper.
 */
static bool has_fallback(struct hazards *h, const struct hazard_prog *p)
{
	static const char *const redirects[] = {
		"bpf_xdp_redirect_map",
		"dev_map_redirect",
		"dev_hash_map_redirect",
	};
	struct hazard_value values[VALUES_MAX];
	size_t i, j, k, n;
	__s32 imm;

	for (i = 0; i < sizeof(redirects) / sizeof(*redirects); i++) {
		if (!hazard_helper(h, redirects[i], &imm))
			continue;
		for (j = 0; j < p->ninsn; j++) {
			if (!hazard_is_call(&p->insn[j]) || p->insn[j].imm != imm)
				continue;
			n = hazard_insn_values(p, j, BPF_REG_3, values, VALUES_MAX);
			for (k = 0; k < n; k++)
				if (!values[k].map && values[k].constant & 3)
					return true;
		}
	}
	return false;
}

static void devmap_judge(struct hazards *h, const struct place *at, const struct hazard_map *map)
{
	struct devmap d = { .map = map, .meant = device_meant(h, at, map->name) };

	devmap_read(h, at, &d);
	if (h->row == HAZARD_bpf_redirect_dead && d.whole && !d.entries && !has_fallback(h, at->prog))
		hazard_add(h, at->subject, "has nowhere to redirect to: its devmap \"%s\" (id %u) is empty",
			   map->name, map->id);
	if (h->row == HAZARD_bpf_redirect_dead && d.dead)
		hazard_add(h, at->subject, "redirects by its devmap \"%s\" (id %u) to %s, which %s", map->name,
			   map->id, d.dead->name, d.why);
	if (h->row == HAZARD_bpf_redirect_other && d.whole && d.meant && d.first && !d.has_meant)
		hazard_add(h, at->subject, "redirects to %s by its devmap \"%s\" (id %u), but not to %s",
			   d.first->name, map->name, map->id, d.meant->name);
}

static void devmaps_judge(struct hazards *h, const struct place *at)
{
	struct hazard_map map;
	size_t i;

	for (i = 0; i < at->prog->nmaps; i++) {
		if (!hazard_map_open(at->prog->maps[i], &map))
			continue;
		if (map.type == BPF_MAP_TYPE_DEVMAP || map.type == BPF_MAP_TYPE_DEVMAP_HASH)
			devmap_judge(h, at, &map);
		close(map.fd);
	}
}

static void place_judge(struct hazards *h, __u32 prog, const struct hazard_attach *via, void *ctx)
{
	struct place at = { .prog = hazard_prog_by_id(h->bpf, prog), .dev = via->dev, .native = via->native };

	(void)ctx;
	if (!hazard_device_in(h, via->dev))
		return;
	snprintf(at.subject, sizeof(at.subject), "%s program \"%s\" (id %u) on %s", hazard_prog_type(at.prog),
		 at.prog->name, at.prog->id, via->dev->label);
	if (h->row != HAZARD_bpf_redirect_dead)
		calls_judge(h, &at);
	if (h->row != HAZARD_bpf_redirect_gone)
		devmaps_judge(h, &at);
}

static void redirects_judge(struct hazards *h)
{
	const struct hazard_bpf *b = hazard_bpf(h);
	size_t i;

	for (i = 0; b && b->nattached && i < b->nprogs; i++)
		if (hazard_prog_class(&b->progs[i]) == HAZARD_PROG_PACKET)
			hazard_prog_places(h, b->progs[i].id, place_judge, NULL);
}

void hazard_find_bpf_redirect_gone(struct hazards *h)
{
	redirects_judge(h);
}

void hazard_find_bpf_redirect_other(struct hazards *h)
{
	redirects_judge(h);
}

void hazard_find_bpf_redirect_dead(struct hazards *h)
{
	redirects_judge(h);
}
