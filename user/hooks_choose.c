// SPDX-License-Identifier: GPL-2.0
/* Which alternative of a hop is tried, and why others are not */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hooks_btf.h"
#include "hooks_int.h"

struct hooks *hooks_alloc(const struct hooks_config *cfg)
{
	struct hooks *h = calloc(1, sizeof(*h));
	unsigned int i;
	int n = libbpf_num_possible_cpus();

	if (!h || n <= 0) {
		free(h);
		return NULL;
	}
	h->cfg = *cfg;
	h->ncpus = n;
	for (i = 0; i < MAP_NR; i++)
		h->map_fd[i] = -1;
	for (i = 0; i < PL_NR_HOOKS; i++)
		h->prog_fd[i] = -1;
	return h;
}

void hooks_dealloc(struct hooks *h)
{
	hooks_btf_free(h->btf);
	ksyms_free(h->ksyms);
	free(h->ended);
	free(h);
}

/* What an errno means here, for people */
static const char *refusal_text(int err, enum pl_hook_kind kind)
{
	switch (-err) {
	case EPERM:
		return "refused by the kernel (EPERM: lockdown, an LSM or missing privileges)";
	case 524: /* ENOTSUPP, kernel-internal */
		return "not supported (ENOTSUPP: no BPF trampoline, or too many arguments)";
	case EOPNOTSUPP:
		return "not supported by this kernel";
	case ENOENT:
		return kind == PL_KIND_KPROBE || kind == PL_KIND_KRETPROBE ? "no kprobes in this kernel, or no such symbol" : "no such hook";
	case ESRCH:
		return "not in the kernel's BTF";
	case EACCES:
	case EINVAL:
		return "rejected by the verifier or the kernel (--verbose shows why)";
	default:
		return strerror(-err);
	}
}

void hook_refuse(struct hooks *h, enum pl_hook hook, int err, const char *what)
{
	const struct hook_desc *d = hook_desc(hook);
	struct refusal *r = &h->refused[hook];

	r->err = err ? err : -EINVAL;
	snprintf(r->why, sizeof(r->why), "%s: %s", what, refusal_text(err, d->kind));
	/* EPERM at load is about the kind, not the function: lockdown, no CAP_PERFMON */
	if (err == -EPERM && d->kind != PL_KIND_TPBTF && d->kind != PL_KIND_RAWTP)
		h->kind_refused[d->kind] = true;
}

static void refuse_because(struct hooks *h, enum pl_hook hook, int err, const char *why)
{
	h->refused[hook].err = err;
	snprintf(h->refused[hook].why, sizeof(h->refused[hook].why), "%s", why);
}

static bool module_has_btf(const char *module)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/kernel/btf/%s", *module ? module : "vmlinux");
	return !access(path, R_OK);
}

/* Can it be tried at all? A load that is bound to fail costs a reload of everything */
static bool hook_possible(struct hooks *h, enum pl_hook hook)
{
	const struct hook_desc *d = hook_desc(hook);
	const char *module = "";
	char symbol[96], why[120];
	bool tracepoint = d->kind == PL_KIND_TPBTF || d->kind == PL_KIND_RAWTP;

	if (h->refused[hook].err)
		return false;
	if (h->kind_refused[d->kind]) {
		snprintf(why, sizeof(why), "%s is refused by this kernel",
			 hook_kind_name(d->kind));
		refuse_because(h, hook, -EPERM, why);
		return false;
	}
	/* each tracepoint has a function of this name (5.10 and newer), in the text, so that it is
	 * listed without KALLSYMS_ALL too */
	snprintf(symbol, sizeof(symbol), "%s%s", tracepoint ? "__traceiter_" : "", d->target);
	if (!ksyms_has(h->ksyms, symbol, &module)) {
		snprintf(why, sizeof(why), "no %s %s in this kernel%s%s%s",
			 tracepoint ? "tracepoint" : "function", d->target,
			 *d->module ? " (module " : "", d->module,
			 *d->module ? " not loaded?)" : "");
		refuse_because(h, hook, -ENOENT, why);
		return false;
	}
	if ((d->kind == PL_KIND_TPBTF || d->kind == PL_KIND_FENTRY || d->kind == PL_KIND_FEXIT) &&
	    !module_has_btf(module)) {
		snprintf(why, sizeof(why), "module %s has no BTF", module);
		refuse_because(h, hook, -ENOENT, why);
		return false;
	}
	return true;
}

/* What is attached beside a hook, as far as it can be */
static void companions_choose(struct hooks *h, enum pl_hook main)
{
	enum pl_hook hook;

	for (hook = 1; hook < PL_NR_HOOKS; hook++)
		if (hook_main(hook) == main && hook_possible(h, hook))
			h->in_round[hook] = true;
}

int round_choose(struct hooks *h)
{
	bool chosen[PL_NR_HOPS] = {};
	enum pl_hook hook;
	int n = 0;

	memset(h->in_round, 0, sizeof(h->in_round));
	for (hook = 1; hook < PL_NR_HOOKS; hook++) {
		enum pl_hop hop = hook_desc(hook)->hop;

		if (!h->cfg.want[hop] || h->serving[hop] || chosen[hop] || hook_main(hook))
			continue;
		if (!hook_possible(h, hook))
			continue;
		chosen[hop] = true;
		h->in_round[hook] = true;
		companions_choose(h, hook);
		n++;
	}
	return n;
}

static FILE *enabled_functions_open(void)
{
	static const char *const paths[] = {
		"/sys/kernel/tracing/enabled_functions",
		"/sys/kernel/debug/tracing/enabled_functions",
	};

	return fopen(access(paths[0], R_OK) ? paths[1] : paths[0], "re");
}

void hooks_verify(struct hooks *h)
{
	bool seen[PL_NR_HOOKS] = {};
	char line[512], name[128];
	enum pl_hook hook;
	bool any = false;
	FILE *f;

	for (hook = 1; hook < PL_NR_HOOKS; hook++)
		any |= h->in_round[hook] && h->links[hook] &&
		       hook_desc(hook)->kind == PL_KIND_FENTRY;
	f = any ? enabled_functions_open() : NULL;
	if (!f)
		return; /* no tracefs: a silent hook is still found by its count */
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%127s", name) != 1)
			continue;
		for (hook = 1; hook < PL_NR_HOOKS; hook++)
			if (!strcmp(hook_desc(hook)->target, name))
				seen[hook] = true;
	}
	fclose(f);
	for (hook = 1; hook < PL_NR_HOOKS; hook++) {
		if (!h->in_round[hook] || !h->links[hook] || seen[hook] ||
		    hook_desc(hook)->kind != PL_KIND_FENTRY)
			continue;
		hook_unlink(h, hook);
		refuse_because(h, hook, -ENXIO, "attached, but the function was not patched "
						"(dead ftrace record)");
	}
}
