// SPDX-License-Identifier: GPL-2.0
#include "hooks_btf.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalogue.h"
#include "ksyms.h"

#define PREFIX	    "btf_trace_" /* of the type that stands for a tracepoint */
#define NR_SLOTS    1024 /* of the hash table: the catalogue fills a fifth */
#define MODULES_MAX 32

/* What hooks want to find; a tracepoint by its type's name */
struct wanted {
	char name[96];
	__u32 kind, id; /* BTF_KIND_*; 0: not found */
	int obj_fd; /* of the module's BTF; 0: the kernel's */
};

struct hooks_btf {
	struct wanted all[NR_SLOTS]; /* open addressing; no name: free */
	char modules[MODULES_MAX][56];
	int module_fds[MODULES_MAX];
	unsigned int nmodules;
	int handlers[3];
	unsigned int nhandlers;
};

/* The slot of a name, or the free one where it would be */
static struct wanted *slot_of(struct hooks_btf *b, const char *name)
{
	__u32 hash = 2166136261U; /* FNV-1a */
	const char *c;

	for (c = name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619U;
	for (hash %= NR_SLOTS; *b->all[hash].name && strcmp(b->all[hash].name, name);)
		hash = (hash + 1) % NR_SLOTS;
	return &b->all[hash];
}

/* The modules that functions are in; tracepoints of a module have their type there too */
static void module_note(struct hooks_btf *b, const char *module)
{
	unsigned int i;

	for (i = 0; i < b->nmodules; i++)
		if (!strcmp(b->modules[i], module))
			return;
	if (*module && b->nmodules < MODULES_MAX)
		snprintf(b->modules[b->nmodules++], sizeof(*b->modules), "%s", module);
}

static void wanted_fill(struct hooks_btf *b, const struct ksyms *k)
{
	enum pl_hook hook;

	for (hook = 1; hook < PL_NR_HOOKS; hook++) {
		const struct hook_desc *d = hook_desc(hook);
		bool tracepoint = d->kind == PL_KIND_TPBTF;
		char name[96], symbol[96];
		const char *module;
		struct wanted *w;

		if (!tracepoint && d->kind != PL_KIND_FENTRY && d->kind != PL_KIND_FEXIT)
			continue;
		snprintf(name, sizeof(name), "%s%s", tracepoint ? PREFIX : "", d->target);
		w = slot_of(b, name);
		snprintf(w->name, sizeof(w->name), "%s", name);
		w->kind = tracepoint ? BTF_KIND_TYPEDEF : BTF_KIND_FUNC;
		snprintf(symbol, sizeof(symbol), "%s%s", tracepoint ? "__traceiter_" : "", d->target);
		if (ksyms_has(k, symbol, &module))
			module_note(b, module);
	}
}

/* Types from first on; a name's first one counts, as for libbpf */
static void btf_search(struct hooks_btf *b, const struct btf *btf, __u32 first, int obj_fd)
{
	__u32 id, n = btf__type_cnt(btf);

	for (id = first; id < n; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *name;
		struct wanted *w;

		if (!btf_is_func(t) && !btf_is_typedef(t))
			continue;
		name = btf__name_by_offset(btf, t->name_off);
		if (!name || !*name || (btf_is_typedef(t) && strncmp(name, PREFIX, sizeof(PREFIX) - 1)))
			continue;
		w = slot_of(b, name);
		if (*w->name && !w->id && w->kind == btf_kind(t)) {
			w->id = id;
			w->obj_fd = obj_fd;
		}
	}
}

/* The kernel's handle for a module's BTF, which a program is loaded with; < 0: none */
static int module_fd(const char *module)
{
	struct bpf_btf_info info;
	char name[64];
	__u32 id = 0, len;
	int fd;

	while (!bpf_btf_get_next_id(id, &id)) {
		fd = bpf_btf_get_fd_by_id(id);
		if (fd < 0)
			continue;
		memset(&info, 0, sizeof(info));
		*name = 0;
		info.name = (unsigned long)name;
		info.name_len = sizeof(name);
		len = sizeof(info);
		if (!bpf_obj_get_info_by_fd(fd, &info, &len) && info.kernel_btf && !strcmp(name, module))
			return fd;
		close(fd);
	}
	return -ENOENT;
}

static void modules_search(struct hooks_btf *b, struct btf *vmlinux)
{
	unsigned int i;

	for (i = 0; i < b->nmodules; i++) {
		struct btf *btf = btf__load_module_btf(b->modules[i], vmlinux);

		b->module_fds[i] = btf ? module_fd(b->modules[i]) : -ENOENT;
		if (b->module_fds[i] > 0)
			btf_search(b, btf, btf__type_cnt(vmlinux), b->module_fds[i]);
		btf__free(btf);
	}
}

/* libbpf is about to load a program: say where it goes. Messages name it when that fails */
static int prog_prepare(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	const char *target = strchr(bpf_program__section_name(prog), '/');
	char name[96];
	const struct wanted *w;

	if (!target)
		return -EINVAL;
	snprintf(name, sizeof(name), "%s%s", opts->expected_attach_type == BPF_TRACE_RAW_TP ? PREFIX : "",
		 target + 1);
	w = slot_of((struct hooks_btf *)cookie, name);
	if (!w->id)
		return -ESRCH;
	opts->attach_btf_id = w->id;
	opts->attach_btf_obj_fd = w->obj_fd;
	return 0;
}

static int prog_attach(const struct bpf_program *prog, long cookie, struct bpf_link **link)
{
	(void)cookie;
	*link = bpf_program__attach_trace(prog);
	return *link ? 0 : -errno;
}

static int handlers_register(struct hooks_btf *b)
{
	static const struct {
		const char *section;
		enum bpf_attach_type type;
	} kinds[] = {
		{ "tp_btf+", BPF_TRACE_RAW_TP },
		{ "fentry+", BPF_TRACE_FENTRY },
		{ "fexit+", BPF_TRACE_FEXIT },
	};
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .cookie = (long)b, .prog_prepare_load_fn = prog_prepare,
		    .prog_attach_fn = prog_attach);
	size_t i;
	int id;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		id = libbpf_register_prog_handler(kinds[i].section, BPF_PROG_TYPE_TRACING, kinds[i].type, &opts);
		if (id < 0)
			return id;
		b->handlers[b->nhandlers++] = id;
	}
	return 0;
}

int hooks_btf_new(const struct ksyms *k, struct hooks_btf **out)
{
	struct hooks_btf *b = calloc(1, sizeof(*b));
	struct btf *vmlinux;
	int err;

	if (!b)
		return -ENOMEM;
	vmlinux = btf__load_vmlinux_btf();
	if (!vmlinux) {
		err = -errno;
		free(b);
		return err;
	}
	wanted_fill(b, k);
	btf_search(b, vmlinux, 1, 0);
	modules_search(b, vmlinux);
	btf__free(vmlinux);
	err = handlers_register(b);
	if (err)
		hooks_btf_free(b);
	else
		*out = b;
	return err;
}

void hooks_btf_free(struct hooks_btf *b)
{
	unsigned int i;

	if (!b)
		return;
	for (i = 0; i < b->nhandlers; i++)
		libbpf_unregister_prog_handler(b->handlers[i]);
	for (i = 0; i < b->nmodules; i++)
		if (b->module_fds[i] > 0)
			close(b->module_fds[i]);
	free(b);
}
