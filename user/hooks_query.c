// SPDX-License-Identifier: GPL-2.0
/* What the hooks are set to, and what they did */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hooks_int.h"
#include "ring.h"

int hooks_scope_add(struct hooks *h, __u32 netns, __u32 ifindex)
{
	__u64 key = (__u64)netns << 32 | ifindex, loose = ifindex, any = (__u64)netns << 32;
	__u8 one = PL_SCOPE_YES;

	if (bpf_map_update_elem(h->map_fd[MAP_SCOPE], &key, &one, BPF_ANY))
		return -errno;
	/* for hops where only skb_iif is left of the device: without the namespace */
	if (bpf_map_update_elem(h->map_fd[MAP_SCOPE], &loose, &one, BPF_ANY))
		return -errno;
	/* for hops that see a socket and no device */
	if (bpf_map_update_elem(h->map_fd[MAP_SCOPE], &any, &one, BPF_ANY))
		return -errno;
	return 0;
}

int hooks_scope_up(struct hooks *h, __u32 netns, __u32 ifindex)
{
	__u64 key = (__u64)netns << 32 | ifindex, loose = ifindex;
	__u8 up = PL_SCOPE_UP;

	if (bpf_map_update_elem(h->map_fd[MAP_SCOPE], &key, &up, BPF_NOEXIST) && errno != EEXIST)
		return -errno;
	if (bpf_map_update_elem(h->map_fd[MAP_SCOPE], &loose, &up, BPF_NOEXIST) && errno != EEXIST)
		return -errno;
	return 0;
}

int hooks_scope_remove(struct hooks *h, __u32 netns, __u32 ifindex)
{
	__u64 key = (__u64)netns << 32 | ifindex;

	return bpf_map_delete_elem(h->map_fd[MAP_SCOPE], &key) && errno != ENOENT ? -errno : 0;
}

int hooks_irq_add(struct hooks *h, unsigned int irq, __u32 netns, __u32 ifindex)
{
	struct pl_irq_dev dev = { .ifindex = ifindex, .netns = netns };

	return bpf_map_update_elem(h->map_fd[MAP_IRQS], &irq, &dev, BPF_ANY) ? -errno : 0;
}

int hooks_role_add(struct hooks *h, __u32 tid, enum pl_role_kind kind)
{
	struct pl_role role = { .kind = kind };

	return bpf_map_update_elem(h->map_fd[MAP_ROLES], &tid, &role, BPF_ANY) ? -errno : 0;
}

int hooks_each_role(const struct hooks *h, int (*fn)(void *ctx, __u32 tid, enum pl_role_kind kind),
		    void *ctx)
{
	__u32 tid, *prev = NULL;
	struct pl_role role;
	int ret;

	while (!bpf_map_get_next_key(h->map_fd[MAP_ROLES], prev, &tid)) {
		if (!bpf_map_lookup_elem(h->map_fd[MAP_ROLES], &tid, &role)) {
			ret = fn(ctx, tid, role.kind);
			if (ret)
				return ret;
		}
		prev = &tid;
	}
	return 0;
}

void hooks_unfollowed(const struct hooks *h, __u64 *packets, __u64 *tasks)
{
	struct pl_selected *of_cpu = calloc(h->ncpus, sizeof(*of_cpu));
	unsigned int cpu;
	__u32 zero = 0;

	*packets = *tasks = 0;
	if (of_cpu && !bpf_map_lookup_elem(h->map_fd[MAP_SELECTED], &zero, of_cpu))
		for (cpu = 0; cpu < h->ncpus; cpu++) {
			*packets += of_cpu[cpu].unfollowed;
			*tasks += of_cpu[cpu].tasks_unfollowed;
		}
	free(of_cpu);
}

unsigned int hooks_ncpus(const struct hooks *h)
{
	return h->ncpus;
}

struct pl_ring *hooks_ring(const struct hooks *h, unsigned int cpu, const struct pl_event **slots)
{
	*slots = h->slots.at;
	return (struct pl_ring *)h->rings.at + cpu;
}

struct pl_count hooks_count(const struct hooks *h, unsigned int cpu, enum pl_hook hook)
{
	const struct pl_count *c = (const struct pl_count *)h->counts.at + PL_COUNTS_CELL(cpu, hook);
	struct pl_count now = {
		.made = __atomic_load_n(&c->made, __ATOMIC_RELAXED),
		.lost = __atomic_load_n(&c->lost, __ATOMIC_RELAXED),
	};

	if (h->ended) {
		const struct pl_count *end = &h->ended[PL_COUNTS_CELL(cpu, hook)];

		/* without what was lost, or left out of the recording, since */
		now.made -= end->made + (now.lost - end->lost);
		now.lost = end->lost;
	}
	return now;
}

void hooks_uncount(struct hooks *h, unsigned int cpu, enum pl_hook hook)
{
	if (h->ended && cpu < h->ncpus && hook < PL_NR_HOOKS)
		h->ended[PL_COUNTS_CELL(cpu, hook)].made++;
}

struct pl_count hooks_count_all(const struct hooks *h, enum pl_hook hook)
{
	struct pl_count sum = {}, one;
	unsigned int cpu;

	for (cpu = 0; cpu < h->ncpus; cpu++) {
		one = hooks_count(h, cpu, hook);
		sum.made += one.made;
		sum.lost += one.lost;
	}
	return sum;
}

enum pl_hook hooks_serving(const struct hooks *h, enum pl_hop hop)
{
	return h->serving[hop];
}

const struct ksyms *hooks_ksyms(const struct hooks *h)
{
	return h->ksyms;
}

int hooks_prog_fd(const struct hooks *h, enum pl_hook hook)
{
	return h->prog_fd[hook];
}

/* No event here, though the hop that is not passed without this one made some */
static bool hop_silent(const struct hooks *h, enum pl_hop hop)
{
#define PL_X(hop, witness) { PL_HOP_##hop, PL_HOP_##witness },
	static const struct {
		__u8 hop, witness;
	} pairs[] = { PL_WITNESSES(PL_X) };
#undef PL_X
	size_t i;

	if (hooks_count_all(h, h->serving[hop]).made)
		return false;
	for (i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		if (pairs[i].hop == hop && h->serving[pairs[i].witness] &&
		    hooks_count_all(h, h->serving[pairs[i].witness]).made)
			return true;
	return false;
}

static json_t *tried_doc(const struct hooks *h, enum pl_hop hop)
{
	json_t *tried = json_array();
	enum pl_hook hook;

	for (hook = 1; hook < PL_NR_HOOKS; hook++) {
		const struct hook_desc *d = hook_desc(hook);

		if (d->hop != hop || !h->refused[hook].err)
			continue;
		json_array_append_new(tried, json_pack("{s:s, s:s, s:s, s:s, s:s}", "hook", d->id, "kind",
						       hook_kind_name(d->kind), "target", d->target,
						       "beside", hook_main(hook) ? hook_desc(hook_main(hook))->id : "",
						       "error", h->refused[hook].why));
	}
	return tried;
}

static const char *hop_state(const struct hooks *h, enum pl_hop hop)
{
	if (!h->cfg.want[hop])
		return "unwanted";
	if (!h->serving[hop])
		return "uncovered";
	return hop_silent(h, hop) ? "silent" : "attached";
}

json_t *hooks_doc(const struct hooks *h)
{
	json_t *doc = json_array();
	enum pl_hop hop;

	for (hop = 1; doc && hop < PL_NR_HOPS; hop++) {
		enum pl_hop base = hop_base(hop);
		const struct hook_desc *d = hook_desc(h->serving[base]);
		bool served = h->serving[base];

		json_array_append_new(doc, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}",
						     "hop", hop_desc(hop)->name, "state", hop_state(h, base),
						     "as", base == hop ? "" : hop_desc(base)->name,
						     "hook", served ? d->id : "",
						     "kind", served ? hook_kind_name(d->kind) : "",
						     "target", served ? d->target : "",
						     "partial", hook_partial(h->serving[base]), "tried", tried_doc(h, base)));
	}
	return doc;
}
