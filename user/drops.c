// SPDX-License-Identifier: GPL-2.0
#include "drops.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drop_source.h"
#include "ksyms.h"

#define SEEN_MAX	    1024 /* places that free packets: a kernel has a few hundred */

/* the upper half of a reason names a subsystem with a list of its own (6.4, commit 071c0fc6fb91) */
#define REASON_SUBSYS_SHIFT 16

struct seen {
	__u32 reason;
	__s32 place;
};

struct drops {
	struct seen seen[SEEN_MAX];
	size_t n;
};

int drops_new(struct drops **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void drops_free(struct drops *d)
{
	free(d);
}

void drops_seen(struct drops *d, __u32 reason, __s32 place)
{
	size_t i;

	/* newest first: drops come in runs of the same kind */
	for (i = d->n; i > 0; i--)
		if (d->seen[i - 1].reason == reason && d->seen[i - 1].place == place)
			return;
	if (d->n < SEEN_MAX)
		d->seen[d->n++] = (struct seen){ .reason = reason, .place = place };
}

static const char *reason_name(const struct btf *btf, __s32 enum_id, __u32 reason)
{
	const struct btf_type *t = btf__type_by_id(btf, enum_id);
	const struct btf_enum *e = btf_enum(t);
	const char *name;
	int i;

	for (i = 0; i < btf_vlen(t); i++, e++) {
		if ((__u32)e->val != reason)
			continue;
		name = btf__name_by_offset(btf, e->name_off);
		return strncmp(name, "SKB_DROP_REASON_", 16) ? name : name + 16;
	}
	return NULL;
}

static json_t *reasons_doc(const struct drops *d)
{
	json_t *doc = json_object();
	struct btf *btf = btf__load_vmlinux_btf();
	__s32 id = btf ? btf__find_by_name_kind(btf, "skb_drop_reason", BTF_KIND_ENUM) : -1;
	const char *name;
	char key[16];
	size_t i;

	for (i = 0; id > 0 && i < d->n; i++) {
		if (d->seen[i].reason >> REASON_SUBSYS_SHIFT)
			continue;
		name = reason_name(btf, id, d->seen[i].reason);
		snprintf(key, sizeof(key), "%u", d->seen[i].reason);
		if (name)
			json_object_set_new(doc, key, json_string(name));
	}
	btf__free(btf);
	return doc;
}

static json_t *place_doc(const struct ksyms *k, struct drop_source *ds, __u64 addr)
{
	const char *module = "", *name;
	char symbol[192], source[512];
	__u64 offset = 0;

	name = ksyms_find(k, addr, &offset, &module);
	if (name) {
		snprintf(symbol, sizeof(symbol), "%s+0x%llx%s%s%s", name, offset,
			 *module ? " [" : "", module, *module ? "]" : "");
	} else {
		snprintf(symbol, sizeof(symbol), "unknown");
	}
	/* the address is the return address of the call: one byte back is the call's line */
	drop_source_find(ds, addr - 1, source, sizeof(source));
	return json_pack("{s:s, s:s}", "symbol", symbol, "source", source);
}

static json_t *places_doc(const struct drops *d)
{
	json_t *doc = json_object();
	struct ksyms *k = NULL;
	__u64 stext;
	char key[16];
	struct drop_source *ds;
	size_t i;

	if (!d->n || ksyms_load(&k))
		return doc;
	stext = ksyms_addr(k, "_stext");
	ds = stext ? drop_source_open() : NULL;
	for (i = 0; stext && i < d->n; i++) {
		snprintf(key, sizeof(key), "%d", d->seen[i].place);
		if (!json_object_get(doc, key))
			json_object_set_new(doc, key, place_doc(k, ds, stext + d->seen[i].place));
	}
	drop_source_close(ds);
	ksyms_free(k);
	return doc;
}

json_t *drops_doc(const struct drops *d)
{
	return json_pack("{s:o, s:o}", "reasons", d->n ? reasons_doc(d) : json_object(), "places",
			 places_doc(d));
}
