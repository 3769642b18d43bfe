// SPDX-License-Identifier: GPL-2.0
/* Of the hazards: reads the loaded BPF programs, links and maps */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hazard_bpf.h"
#include "hazards_int.h"

#define PLACES_DEPTH 4 /* programs that call programs that ... */

static const struct ksyms *symbols(struct hazards *h)
{
	if (!h->ksyms && !h->own_ksyms && !ksyms_load(&h->own_ksyms))
		h->ksyms = h->own_ksyms;
	return h->ksyms;
}

/* verifier.c: insn->imm = fn->func - __bpf_call_base; kept in xlated instructions */
bool hazard_helper(struct hazards *h, const char *symbol, __s32 *imm)
{
	const struct ksyms *k = symbols(h);
	__u64 base = k ? ksyms_addr(k, "__bpf_call_base") : 0;
	__u64 addr = k ? ksyms_addr(k, symbol) : 0;

	*imm = (__s32)(addr - base);
	return base && addr;
}

bool hazard_is_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && !insn->src_reg;
}

/*
 * bpf_insn_prepare_dump() writes imm 0 into calls of helpers when the reader may not see kernel
 * addresses (kptr_restrict 2, no CAP_SYSLOG)
 */
static bool calls_hidden(const struct hazard_prog *p)
{
	size_t i;

	for (i = 0; i < p->ninsn; i++)
		if (hazard_is_call(&p->insn[i]) && !p->insn[i].imm)
			return true;
	return false;
}

static bool prog_info_get(int fd, struct bpf_prog_info *info)
{
	__u32 len = sizeof(*info);

	return !bpf_obj_get_info_by_fd(fd, info, &len);
}

/* Instructions and maps: the sizes are known now */
static int prog_arrays_read(int fd, const struct bpf_prog_info *sizes, struct hazard_prog *p)
{
	struct bpf_prog_info info = {};

	p->insn = calloc(1, sizes->xlated_prog_len + sizeof(*p->insn));
	p->maps = calloc(sizes->nr_map_ids + 1, sizeof(*p->maps));
	if (!p->insn || !p->maps)
		return -ENOMEM;
	info.xlated_prog_len = sizes->xlated_prog_len;
	info.xlated_prog_insns = (unsigned long)p->insn;
	info.nr_map_ids = sizes->nr_map_ids;
	info.map_ids = (unsigned long)p->maps;
	if (!prog_info_get(fd, &info)) {
		p->hidden = true;
		return 0;
	}
	/* the pointer comes back as 0 where nothing was copied */
	if (info.xlated_prog_insns)
		p->ninsn = info.xlated_prog_len / sizeof(*p->insn);
	p->nmaps = info.nr_map_ids < sizes->nr_map_ids ? info.nr_map_ids : sizes->nr_map_ids;
	p->hidden = !p->ninsn || calls_hidden(p);
	return 0;
}

static int prog_read(struct hazard_bpf *b, __u32 id)
{
	struct bpf_prog_info info = {};
	struct hazard_prog *p = &b->progs[b->nprogs];
	int fd = bpf_prog_get_fd_by_id(id), err = 0;

	if (fd < 0)
		return 0; /* gone meanwhile */
	if (prog_info_get(fd, &info)) {
		p->id = id;
		p->type = info.type;
		p->attach_btf_obj = info.attach_btf_obj_id;
		p->attach_btf_id = info.attach_btf_id;
		memcpy(p->name, info.name, sizeof(p->name) - 1);
		err = prog_arrays_read(fd, &info, p);
		b->nprogs++;
	}
	close(fd);
	return err;
}

/* The function or tracepoint of a tracing program, by the BTF that it was verified with */
static void btf_target(const struct hazard_prog *p, char *out, size_t size)
{
	struct btf *btf = p && p->attach_btf_id ? btf__load_from_kernel_by_id(p->attach_btf_obj) : NULL;
	const struct btf_type *t = btf ? btf__type_by_id(btf, p->attach_btf_id) : NULL;
	const char *name = t ? btf__name_by_offset(btf, t->name_off) : NULL;

	/* tp_btf: the type is btf_trace_<tracepoint> */
	if (name && !strncmp(name, "btf_trace_", 10))
		name += 10;
	if (name)
		snprintf(out, size, "%s", name);
	btf__free(btf);
}

/*
 * struct bpf_link_info of 6.6 for links of perf events (commit 1b715e1b0ec5); Debian 12's headers
 * are of 6.1. Older kernels leave it zero.
 */
struct link_info {
	__u32 type, id, prog_id, pad;
	union {
		struct {
			__u64 tp_name;
			__u32 tp_name_len;
		} raw_tracepoint;
		struct {
			__u32 attach_type, target_obj_id;
		} tracing;
		struct {
			__u32 type, pad;
			__u64 name; /* of a probe's function, a tracepoint */
			__u32 name_len;
		} perf_event;
		__u64 room[8];
	};
};

enum { PERF_EVENT_UPROBE = 1,
       PERF_EVENT_URETPROBE = 2 };

static void tracing_target(const struct hazard_bpf *b, const struct link_info *info,
			   struct hazard_link *l)
{
	const struct hazard_prog *p = hazard_prog_by_id(b, l->prog);

	/*
	 * target_obj_id is the number of a program or of a BTF object; it is a program's when this
	 * one was not verified with a BTF object of its own
	 */
	if (p->type == BPF_PROG_TYPE_EXT || (p->attach_btf_id && !p->attach_btf_obj))
		l->target_prog = info->tracing.target_obj_id;
	else
		btf_target(p, l->target, sizeof(l->target));
}

static bool link_info_get(int fd, struct link_info *info, char *name, __u32 size)
{
	__u32 len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	*name = 0;
	if (bpf_obj_get_info_by_fd(fd, info, &len))
		return false;
	/* these take a place for the name: ask again with one */
	if (info->type == BPF_LINK_TYPE_RAW_TRACEPOINT) {
		info->raw_tracepoint.tp_name = (unsigned long)name;
		info->raw_tracepoint.tp_name_len = size;
	} else if (info->type == BPF_LINK_TYPE_PERF_EVENT) {
		memset(info->room, 0, sizeof(info->room));
		info->perf_event.name = (unsigned long)name;
		info->perf_event.name_len = size;
	} else {
		return true;
	}
	len = sizeof(*info);
	return !bpf_obj_get_info_by_fd(fd, info, &len);
}

static void link_fill(const struct hazard_bpf *b, const struct link_info *info, const char *name,
		      struct hazard_link *l)
{
	*l = (struct hazard_link){ .type = info->type, .prog = info->prog_id };
	switch (info->type) {
	case BPF_LINK_TYPE_PERF_EVENT:
		l->user = info->perf_event.type == PERF_EVENT_UPROBE ||
			  info->perf_event.type == PERF_EVENT_URETPROBE;
		/* fall through */
	case BPF_LINK_TYPE_RAW_TRACEPOINT:
		snprintf(l->target, sizeof(l->target), "%s", name);
		break;
	case BPF_LINK_TYPE_TRACING:
		tracing_target(b, info, l);
		break;
	default:
		break;
	}
}

static int link_read(struct hazard_bpf *b, __u32 id)
{
	struct link_info info;
	struct hazard_link *more;
	char name[64];
	int fd = bpf_link_get_fd_by_id(id);

	if (fd < 0)
		return 0;
	if (link_info_get(fd, &info, name, sizeof(name)) && hazard_prog_by_id(b, info.prog_id)) {
		more = reallocarray(b->links, b->nlinks + 1, sizeof(*more));
		if (!more) {
			close(fd);
			return -ENOMEM;
		}
		b->links = more;
		link_fill(b, &info, name, &b->links[b->nlinks++]);
	}
	close(fd);
	return 0;
}

static int links_read(struct hazard_bpf *b)
{
	__u32 id = 0;
	int err = 0;

	while (!err && !bpf_link_get_next_id(id, &id))
		err = link_read(b, id);
	return err;
}

static int attach_add(struct hazard_bpf *b, struct hazard_attach a)
{
	struct hazard_attach *more;

	if (!a.prog || !hazard_prog_by_id(b, a.prog))
		return 0;
	more = reallocarray(b->attached, b->nattached + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	b->attached = more;
	b->attached[b->nattached++] = a;
	return 0;
}

/* Programs of devices, as the snapshot of the host has them */
static int attached_read(struct hazards *h, struct hazard_bpf *b)
{
	size_t i, j;
	int err = 0;

	for (i = 0; i < h->host->ndevs; i++)
		for (j = 0; !err && j < h->host->devs[i]->nprogs; j++) {
			const struct host_prog *p = &h->host->devs[i]->progs[j];

			err = attach_add(b, (struct hazard_attach){ p->id, p->hook == HOST_XDP_NATIVE,
								    h->host->devs[i] });
		}
	return err;
}

static int entry_add(struct hazard_bpf *b, __u32 map, __u32 prog)
{
	struct hazard_entry *more = reallocarray(b->entries, b->nentries + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	b->entries = more;
	b->entries[b->nentries++] = (struct hazard_entry){ map, prog };
	return 0;
}

/* Programs of a map: tail calls, or the programs of entries */
static int map_entries(struct hazard_bpf *b, const struct hazard_map *map)
{
	bool tail = map->type == BPF_MAP_TYPE_PROG_ARRAY;
	struct { /* bpf_devmap_val, bpf_cpumap_val; the prog array's is the id alone */
		__u32 first, prog_id;
	} value;
	__u32 key, prog;
	int err = 0, end;

	if (map->key_size != sizeof(key) || map->value_size != (tail ? 4 : 8))
		return 0;
	for (end = bpf_map_get_next_key(map->fd, NULL, &key); !err && !end;
	     end = bpf_map_get_next_key(map->fd, &key, &key)) {
		if (bpf_map_lookup_elem(map->fd, &key, &value))
			continue;
		prog = tail ? value.first : value.prog_id;
		if (prog)
			err = entry_add(b, map->id, prog);
	}
	return err;
}

static int map_read(struct hazard_bpf *b, __u32 id)
{
	struct hazard_map map;
	int err = 0;

	if (!hazard_map_open(id, &map))
		return 0;
	if (map.type == BPF_MAP_TYPE_PROG_ARRAY || map.type == BPF_MAP_TYPE_DEVMAP ||
	    map.type == BPF_MAP_TYPE_DEVMAP_HASH || map.type == BPF_MAP_TYPE_CPUMAP)
		err = map_entries(b, &map);
	close(map.fd);
	return err;
}

static int cmp_id(const void *a, const void *b)
{
	const __u32 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Of all maps that programs on packets have: each is read once, however many share it */
static int entries_read(struct hazard_bpf *b)
{
	size_t i, n = 0;
	__u32 *ids;
	int err = 0;

	for (i = 0; i < b->nprogs; i++)
		n += b->progs[i].nmaps;
	ids = calloc(n + 1, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	for (n = i = 0; i < b->nprogs; i++) {
		if (hazard_prog_class(&b->progs[i]) != HAZARD_PROG_PACKET)
			continue;
		memcpy(ids + n, b->progs[i].maps, b->progs[i].nmaps * sizeof(*ids));
		n += b->progs[i].nmaps;
	}
	qsort(ids, n, sizeof(*ids), cmp_id);
	for (i = 0; !err && i < n; i++)
		if (!i || ids[i] != ids[i - 1])
			err = map_read(b, ids[i]);
	free(ids);
	return err;
}

struct hazard_bpf *hazard_bpf(struct hazards *h)
{
	struct hazard_bpf *b;
	size_t i;
	int err = 0;

	if (h->bpf || h->cfg.files_only)
		return h->bpf;
	b = calloc(1, sizeof(*b));
	if (b)
		b->progs = calloc(h->nprog_ids + 1, sizeof(*b->progs));
	if (!b || !b->progs) {
		hazard_bpf_free(b);
		h->err = -ENOMEM;
		return NULL;
	}
	for (i = 0; !err && i < h->nprog_ids; i++)
		err = prog_read(b, h->prog_ids[i]);
	if (!err)
		err = links_read(b);
	if (!err && b->nprogs)
		err = attached_read(h, b);
	if (!err && b->nattached)
		err = entries_read(b);
	if (err)
		h->err = err;
	return h->bpf = b;
}

struct holder_look {
	struct hazard_bpf *b;
	__u32 pid;
};

/*
 * A perf event with a program: by the old ioctl (PERF_EVENT_IOC_SET_BPF, as bcc and bpftrace do)
 * there is no link, and links of kernels before 6.6 do not tell where they are
 */
static void holder_file(struct hazards *h, const char *path, void *ctx)
{
	struct holder_look *l = ctx;
	struct hazard_link *more, new = { .type = BPF_LINK_TYPE_PERF_EVENT };
	__u32 len = sizeof(new.target), type, fd;
	__u64 off, addr;
	size_t i;

	if (sscanf(path, "/proc/%*u/fd/%u", &fd) != 1 ||
	    bpf_task_fd_query(l->pid, fd, 0, new.target, &len, &new.prog, &type, &off, &addr) ||
	    !hazard_prog_by_id(l->b, new.prog))
		return;
	new.user = type == BPF_FD_TYPE_UPROBE || type == BPF_FD_TYPE_URETPROBE;
	for (i = 0; i < l->b->nlinks; i++)
		if (l->b->links[i].prog == new.prog && (!*l->b->links[i].target ||
							!strcmp(l->b->links[i].target, new.target)))
			break;
	if (i == l->b->nlinks) {
		more = reallocarray(l->b->links, i + 1, sizeof(*more));
		if (!more) {
			h->err = -ENOMEM;
			return;
		}
		l->b->links = more;
		l->b->nlinks++;
	}
	l->b->links[i] = new;
}

static void holder_look(struct hazards *h, __u32 pid, const char *comm, unsigned int files, void *ctx)
{
	struct holder_look l = { .b = ctx, .pid = pid };
	char pattern[64];

	(void)comm;
	(void)files;
	snprintf(pattern, sizeof(pattern), "/proc/%u/fd/[0-9]*", pid);
	hazard_glob(h, pattern, holder_file, &l);
}

void hazard_bpf_holders(struct hazards *h)
{
	struct hazard_bpf *b = hazard_bpf(h);

	if (!b || b->holders_read)
		return;
	b->holders_read = true;
	if (b->nprogs)
		hazard_holders(h, "anon_inode:[perf_event]", holder_look, b);
}

void hazard_bpf_free(struct hazard_bpf *b)
{
	size_t i;

	if (!b)
		return;
	for (i = 0; b->progs && i < b->nprogs; i++) {
		free(b->progs[i].insn);
		free(b->progs[i].maps);
	}
	free(b->progs);
	free(b->links);
	free(b->attached);
	free(b->entries);
	free(b);
}

const struct hazard_prog *hazard_prog_by_id(const struct hazard_bpf *b, __u32 id)
{
	size_t i;

	for (i = 0; i < b->nprogs; i++)
		if (b->progs[i].id == id)
			return &b->progs[i];
	return NULL;
}

const char *hazard_prog_type(const struct hazard_prog *p)
{
	const char *name = libbpf_bpf_prog_type_str(p->type);

	if (p->type == BPF_PROG_TYPE_SCHED_CLS || p->type == BPF_PROG_TYPE_SCHED_ACT)
		return "tc";
	return name ? name : "BPF";
}

enum hazard_prog_class hazard_prog_class(const struct hazard_prog *p)
{
	switch (p->type) {
	case BPF_PROG_TYPE_XDP:
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT:
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_SOCKET_FILTER:
	case BPF_PROG_TYPE_SOCK_OPS:
	case BPF_PROG_TYPE_SK_SKB:
	case BPF_PROG_TYPE_SK_MSG:
	case BPF_PROG_TYPE_SK_REUSEPORT:
	case BPF_PROG_TYPE_SK_LOOKUP:
	case BPF_PROG_TYPE_LWT_IN:
	case BPF_PROG_TYPE_LWT_OUT:
	case BPF_PROG_TYPE_LWT_XMIT:
	case BPF_PROG_TYPE_LWT_SEG6LOCAL:
	case BPF_PROG_TYPE_FLOW_DISSECTOR:
	case BPF_PROG_TYPE_EXT:
	case 32: /* NETFILTER, 6.4 */
		return HAZARD_PROG_PACKET;
	case BPF_PROG_TYPE_KPROBE:
	case BPF_PROG_TYPE_TRACEPOINT:
	case BPF_PROG_TYPE_PERF_EVENT:
	case BPF_PROG_TYPE_RAW_TRACEPOINT:
	case BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE:
	case BPF_PROG_TYPE_TRACING:
		return HAZARD_PROG_TRACING;
	default:
		return HAZARD_PROG_OTHER;
	}
}

bool hazard_map_open(__u32 id, struct hazard_map *map)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	int fd = bpf_map_get_fd_by_id(id);

	if (fd < 0)
		return false;
	if (bpf_obj_get_info_by_fd(fd, &info, &len)) {
		close(fd);
		return false;
	}
	*map = (struct hazard_map){
		.id = id,
		.type = info.type,
		.key_size = info.key_size,
		.value_size = info.value_size,
		.btf_id = info.btf_id,
		.btf_value_type_id = info.btf_value_type_id,
		.fd = fd,
	};
	memcpy(map->name, info.name, sizeof(map->name) - 1);
	return true;
}

static bool prog_calls(const struct hazard_bpf *b, const struct hazard_prog *caller, __u32 prog)
{
	size_t i, j;

	for (i = 0; i < b->nentries; i++)
		for (j = 0; b->entries[i].prog == prog && j < caller->nmaps; j++)
			if (caller->maps[j] == b->entries[i].map)
				return true;
	/* freplace: the link of the one names the other */
	for (i = 0; i < b->nlinks; i++)
		if (b->links[i].prog == prog && b->links[i].target_prog == caller->id)
			return hazard_prog_by_id(b, prog)->type == BPF_PROG_TYPE_EXT;
	return false;
}

struct places {
	__u32 prog;
	void (*fn)(struct hazards *h, __u32 prog, const struct hazard_attach *via, void *ctx);
	void *ctx;
	size_t n;
	__u32 way[PLACES_DEPTH];
};

static void places_find(struct hazards *h, struct places *s, __u32 prog, unsigned int depth)
{
	const struct hazard_bpf *b = h->bpf;
	unsigned int d;
	size_t i;

	for (i = 0; i < b->nattached; i++)
		if (b->attached[i].prog == prog) {
			s->fn(h, s->prog, &b->attached[i], s->ctx);
			s->n++;
		}
	if (depth == PLACES_DEPTH)
		return;
	s->way[depth] = prog;
	for (i = 0; i < b->nprogs; i++) {
		const struct hazard_prog *caller = &b->progs[i];

		for (d = 0; d <= depth; d++)
			if (s->way[d] == caller->id)
				break;
		if (d > depth && hazard_prog_class(caller) == HAZARD_PROG_PACKET &&
		    prog_calls(b, caller, prog))
			places_find(h, s, caller->id, depth + 1);
	}
}

size_t hazard_prog_places(struct hazards *h, __u32 prog,
			  void (*fn)(struct hazards *h, __u32 prog, const struct hazard_attach *via, void *ctx),
			  void *ctx)
{
	struct places s = { .prog = prog, .fn = fn, .ctx = ctx };

	places_find(h, &s, prog, 0);
	return s.n;
}
