// SPDX-License-Identifier: GPL-2.0
/*
 * btf_check TYPES.bpf.o SIG.bpf.o... [--live] [--kernel DIR]... [--together]
 *
 * Hold all that pktlap says of kernels against the BTF and the symbols of each: structs and fields
 * of vmlinux/ (TYPES), tracepoints and functions of the catalogue with the arguments that the
 * programs take (SIG). TAP: a line per kernel and struct, and per kernel and hop; then what must
 * hold of the kernels together.
 *
 * --live: the running kernel. It may lack things (modules, kprobes): absent is skipped, different
 * is not. DIR: vmlinux and modules as tests/btf/run.sh unpacks them; nothing may be missing there.
 * --together: these were all kernels, so what fits none of them is wrong.
 */
#include <bpf/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "match.h"
#include "user/catalogue.h"

#define KERNELS_MAX	16
#define OBJECTS_MAX	32
#define PLACES_MAX	64
#define WHY_MAX		512
#define FENTRY_ARGS_OLD 6 /* arguments of a function that fentry took before 6.6 (x86) */

/* Arguments of the programs that take none by name: the verifier refuses T ** from the context */
static const struct {
	enum pl_hook hook;
	const char *arg0;
} by_hand[] = {
	{ PL_HOOK_br_in_fe, "struct sk_buff **" },
};

enum verdict { USABLE,
	       ABSENT,
	       DIFFERENT };

struct check {
	struct btf *types;
	struct btf *sigs[OBJECTS_MAX];
	unsigned int nsigs, tests, failed;
	bool hook_used[PL_NR_HOOKS]; /* possible on a kernel */
	struct names flavours_seen; /* "sk_buff___6_3" for each kernel it fits */
};

static void result(struct check *c, bool ok, const char *kernel, const char *what, const char *detail)
{
	c->tests++;
	c->failed += !ok;
	printf("%sok %u - %s: %s\n", ok ? "" : "not ", c->tests, kernel, what);
	if (detail && *detail)
		printf("#   %s\n", detail);
}

static void skipped(struct check *c, const char *kernel, const char *what, const char *why)
{
	c->tests++;
	printf("ok %u - %s: %s # SKIP %s\n", c->tests, kernel, what, why);
}

static bool is_flavour(const char *name)
{
	const char *suffix = strstr(name, "___");

	return suffix && suffix != name;
}

static void check_struct(struct check *c, const struct kernel *k, __u32 id)
{
	struct type_ref local = { .btf = c->types, .id = id };
	const struct btf_type *t = btf__type_by_id(c->types, id);
	const char *name = btf__name_by_offset(c->types, t->name_off);
	struct place place[PLACES_MAX];
	unsigned int i, n = kernel_find(k, name, btf_kind(t), place, PLACES_MAX);
	char why[WHY_MAX] = "", what[WHY_MAX];
	bool ok = true;

	for (i = 0; ok && i < n; i++)
		ok = match_struct(local, (struct type_ref){ place[i].mod->btf, place[i].id },
				  !strcmp(name, "pt_regs"), why, sizeof(why));
	if (is_flavour(name)) {
		if (ok && n)
			names_add(&c->flavours_seen, name, strlen(name));
		return;
	}
	snprintf(what, sizeof(what), "struct %s, %u fields, in %s", name, btf_vlen(t),
		 n ? place[i ? i - 1 : 0].mod->name : "no BTF");
	if (!n && k->live)
		skipped(c, k->version, what, "not in this kernel, or its module is not loaded");
	else
		result(c, ok && n, k->version, what, why);
}

static void check_structs(struct check *c, const struct kernel *k)
{
	__u32 id;

	for (id = 1; id < btf__type_cnt(c->types); id++) {
		const struct btf_type *t = btf__type_by_id(c->types, id);

		if (btf_is_composite(t) && *btf__name_by_offset(c->types, t->name_off))
			check_struct(c, k, id);
	}
}

/* The prototype in which the program's author named its arguments; false: none */
static bool sig_find(const struct check *c, enum pl_hook hook, struct type_ref *out)
{
	char name[128];
	unsigned int i;
	__s32 id;

	snprintf(name, sizeof(name), "sig_pl_%s", hook_desc(hook)->id);
	for (i = 0; i < c->nsigs; i++) {
		id = btf__find_by_name_kind(c->sigs[i], name, BTF_KIND_VAR);
		if (id < 0)
			continue;
		/* variable -> pointer -> prototype */
		out->btf = c->sigs[i];
		out->id = btf__type_by_id(out->btf, id)->type;
		out->id = btf__type_by_id(out->btf, out->id)->type;
		return true;
	}
	return false;
}

static bool args_match(const struct check *c, enum pl_hook hook, struct type_ref proto,
		       unsigned int skip, enum arg_rule rule, char *why)
{
	const struct btf_type *t = btf__type_by_id(proto.btf, proto.id);
	struct type_ref sig;
	char text[128];
	size_t i;

	if (sig_find(c, hook, &sig))
		return match_args(sig, proto, skip, rule, why, WHY_MAX);
	for (i = 0; i < sizeof(by_hand) / sizeof(*by_hand); i++) {
		if (by_hand[i].hook != hook)
			continue;
		if (btf_vlen(t) > skip)
			type_text((struct type_ref){ proto.btf, btf_params(t)[skip].type }, text,
				  sizeof(text));
		if (btf_vlen(t) > skip && !strcmp(text, by_hand[i].arg0))
			return true;
		snprintf(why, WHY_MAX, "argument 0 is not %s", by_hand[i].arg0);
		return false;
	}
	snprintf(why, WHY_MAX, "the program's arguments are not known: see by_hand in btf_check.c");
	return false;
}

static enum verdict tracepoint_verdict(const struct check *c, const struct kernel *k,
				       enum pl_hook hook, char *why)
{
	struct place place[PLACES_MAX];
	struct type_ref t;
	char name[128];

	snprintf(name, sizeof(name), "btf_trace_%s", hook_desc(hook)->target);
	if (!kernel_find(k, name, BTF_KIND_TYPEDEF, place, PLACES_MAX)) {
		snprintf(why, WHY_MAX, "no tracepoint");
		return ABSENT;
	}
	/* typedef -> pointer -> prototype, whose first argument is the tracepoint's own */
	t = type_skip((struct type_ref){ place[0].mod->btf, place[0].id });
	t.id = btf__type_by_id(t.btf, t.id)->type;
	return args_match(c, hook, t, 1, ARG_TRACEPOINT, why) ? USABLE : DIFFERENT;
}

static bool fentry_takes(const struct kernel *k, unsigned int nargs)
{
	return nargs <= FENTRY_ARGS_OLD || k->major > 6 || (k->major == 6 && k->minor >= 6);
}

static enum verdict function_verdict(const struct check *c, const struct kernel *k,
				     enum pl_hook hook, char *why)
{
	const struct hook_desc *d = hook_desc(hook);
	struct place place[PLACES_MAX];
	unsigned int i, symbols, n = kernel_find(k, d->target, BTF_KIND_FUNC, place, PLACES_MAX);

	for (i = 0; i < n; i++) {
		const struct btf *btf = place[i].mod->btf;
		struct type_ref proto = { btf, btf__type_by_id(btf, place[i].id)->type };
		unsigned int nargs = btf_vlen(btf__type_by_id(btf, proto.id));

		if (!args_match(c, hook, proto, 0,
				d->kind == PL_KIND_FEXIT ? ARG_RETURN : ARG_FUNCTION, why))
			return DIFFERENT;
		if (d->kind != PL_KIND_KPROBE && !fentry_takes(k, nargs)) {
			snprintf(why, WHY_MAX, "%u arguments, too many for fentry", nargs);
			return ABSENT;
		}
	}
	symbols = kernel_symbols(k, d->target);
	if (!symbols) {
		snprintf(why, WHY_MAX, "no symbol");
		return ABSENT;
	}
	if (symbols > 1) {
		/* a kprobe takes any of them, or none (6.6 and newer) */
		snprintf(why, WHY_MAX, "%u symbols of this name", symbols);
		return DIFFERENT;
	}
	if (!n && d->kind != PL_KIND_KPROBE) {
		snprintf(why, WHY_MAX, "not in BTF");
		return ABSENT;
	}
	return USABLE;
}

static enum verdict hook_verdict(const struct check *c, const struct kernel *k, enum pl_hook hook,
				 char *why)
{
	enum pl_hook_kind kind = hook_desc(hook)->kind;

	if (kind == PL_KIND_TPBTF || kind == PL_KIND_RAWTP)
		return tracepoint_verdict(c, k, hook, why);
	return function_verdict(c, k, hook, why);
}

/* A hop: one alternative at least must be usable, and none may be other than its program thinks */
static void check_hop(struct check *c, const struct kernel *k, enum pl_hop hop)
{
	char what[WHY_MAX], detail[4 * WHY_MAX] = "", why[WHY_MAX];
	unsigned int tried = 0, usable = 0, different = 0;
	enum pl_hook hook;
	size_t n = 0;

	for (hook = 1; hook < PL_NR_HOOKS; hook++) {
		enum verdict v;

		if (hook_desc(hook)->hop != hop)
			continue;
		tried++;
		*why = 0;
		v = hook_verdict(c, k, hook, why);
		usable += v == USABLE;
		different += v == DIFFERENT;
		c->hook_used[hook] |= v == USABLE;
		if (v != USABLE && n < sizeof(detail))
			n += snprintf(detail + n, sizeof(detail) - n, "%s%s (%s): %s", n ? "; " : "",
				      hook_desc(hook)->id, hook_desc(hook)->target, why);
	}
	if (!tried)
		return;
	snprintf(what, sizeof(what), "hop %s, %u of %u hooks possible", hop_desc(hop)->name, usable,
		 tried);
	if (k->live && !usable && !different)
		skipped(c, k->version, what, "not in this kernel, or its module is not loaded");
	else
		result(c, usable && !different, k->version, what, detail);
}

static int check_kernel(struct check *c, const char *dir)
{
	static struct kernel k;
	enum pl_hop hop;

	if (kernel_open(&k, dir)) {
		result(c, false, dir ? dir : "running kernel", "can be read", NULL);
		return -1;
	}
	printf("# %s: BTF of %u modules, %zu symbols\n", k.version, k.nmod - 1, k.symbols.n);
	check_structs(c, &k);
	for (hop = 1; hop < PL_NR_HOPS; hop++)
		check_hop(c, &k, hop);
	kernel_close(&k);
	return 0;
}

static bool flavour_seen(const struct check *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->flavours_seen.n; i++)
		if (!strcmp(c->flavours_seen.v[i], name))
			return true;
	return false;
}

/* What need not hold of each kernel, but of one */
static void check_together(struct check *c)
{
	char what[WHY_MAX];
	enum pl_hook hook;
	__u32 id;

	for (id = 1; id < btf__type_cnt(c->types); id++) {
		const struct btf_type *t = btf__type_by_id(c->types, id);
		const char *name = btf__name_by_offset(c->types, t->name_off);

		if (!btf_is_composite(t) || !is_flavour(name))
			continue;
		snprintf(what, sizeof(what), "struct %s fits one of them", name);
		result(c, flavour_seen(c, name), "all kernels", what, NULL);
	}
	for (hook = 1; hook < PL_NR_HOOKS; hook++) {
		snprintf(what, sizeof(what), "hook %s is possible on one of them", hook_desc(hook)->id);
		result(c, c->hook_used[hook], "all kernels", what, NULL);
	}
}

static struct btf *object_open(const char *path)
{
	struct btf *btf = btf__parse(path, NULL);

	if (!btf) {
		fprintf(stderr, "%s: no BTF\n", path);
		exit(1);
	}
	return btf;
}

int main(int argc, char **argv)
{
	static struct check c;
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 1; i < argc && argv[i][0] != '-'; i++) {
		if (!c.types)
			c.types = object_open(argv[i]);
		else if (c.nsigs < OBJECTS_MAX)
			c.sigs[c.nsigs++] = object_open(argv[i]);
	}
	for (; i < argc && c.nsigs; i++) {
		if (!strcmp(argv[i], "--live"))
			check_kernel(&c, NULL);
		else if (!strcmp(argv[i], "--kernel") && i + 1 < argc)
			check_kernel(&c, argv[++i]);
		else if (!strcmp(argv[i], "--together"))
			check_together(&c);
		else
			break;
	}
	if (i < argc || !c.tests) {
		fprintf(stderr, "usage: btf_check TYPES.bpf.o SIG.bpf.o... [--live] [--kernel DIR]... "
				"[--together]\n");
		return 2;
	}
	printf("1..%u\n", c.tests);
	return c.failed != 0;
}
