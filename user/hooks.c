// SPDX-License-Identifier: GPL-2.0
#include "hooks.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "hooks_btf.h"
#include "hooks_cast.h"
#include "hooks_int.h"
#include "ring.h"
#include "pktlap.skel.h"

#define ROUNDS_MAX   24 /* each round settles one refusal at least; see hooks_int.h */
#define SETTLE_NS    1000000000ULL
/* packets on their way at a time, of those that are selected: a full tap ring holds 1000 */
#define FOLLOWED_MAX 32768
/* sockets, and tasks that write to them, that were used last: the kernel forgets older ones */
#define SOCKS_MAX    16384
#define SENDS_MAX    4096

/* Names of the maps that later rounds share with the first */
static const char *const shared_maps[] = { "rings", "slots", "counts", "roles",
					   "scope", "irqs", "cpus", "followed",
					   "selected", "socks", "sends" };

static struct bpf_map *skel_map(struct pktlap_bpf *skel, const char *name)
{
	return bpf_object__find_map_by_name(skel->obj, name);
}

static struct bpf_program *skel_prog(struct pktlap_bpf *skel, enum pl_hook hook)
{
	char name[64];

	snprintf(name, sizeof(name), "pl_%s", hook_desc(hook)->id);
	return bpf_object__find_program_by_name(skel->obj, name);
}

/*
 * libbpf names the program that failed only in its messages, and its callback has no argument:
 * this is the one place where a message meets the round that it belongs to.
 */
static struct load_log *current_log;

static int log_print(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[512];
	const char *p, *end;

	vsnprintf(line, sizeof(line), fmt, ap);
	if (current_log && level == LIBBPF_WARN && !current_log->prog[0]) {
		p = strstr(line, "prog 'pl_");
		end = p ? strchr(p + 9, '\'') : NULL;
		if (end)
			snprintf(current_log->prog, sizeof(current_log->prog), "%.*s",
				 (int)(end - p - 9), p + 9);
	}
	if (current_log && current_log->verbose && level != LIBBPF_DEBUG)
		fputs(line, stderr);
	return 0;
}

static int map_size_set(struct pktlap_bpf *skel, const char *name, __u32 entries)
{
	return bpf_map__set_max_entries(skel_map(skel, name), entries);
}

static int round_prepare(struct hooks *h, struct pktlap_bpf *skel)
{
	struct bpf_program *prog;
	enum pl_hook hook;
	size_t i;
	int err;

	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, false);
	for (hook = 1; hook < PL_NR_HOOKS; hook++) {
		if (!h->in_round[hook])
			continue;
		prog = skel_prog(skel, hook);
		if (!prog)
			return -ENOENT;
		bpf_program__set_autoload(prog, true);
	}
	skel->rodata->cfg_scoped = h->cfg.scoped;
	skel->rodata->cfg_stext = ksyms_addr(h->ksyms, "_stext");
	skel->rodata->cfg_pollwake = ksyms_addr(h->ksyms, "pollwake");
	skel->rodata->cfg_epollwake = ksyms_addr(h->ksyms, "ep_poll_callback");
	skel->rodata->cfg_recvwake = ksyms_addr(h->ksyms, "receiver_wake_function");
	skel->rodata->cfg_wokenwake = ksyms_addr(h->ksyms, "woken_wake_function");
	skel->rodata->cfg_uringwake = ksyms_addr(h->ksyms, "io_poll_wake");
	if (h->nskels) {
		for (i = 0; i < sizeof(shared_maps) / sizeof(*shared_maps); i++) {
			err = bpf_map__reuse_fd(skel_map(skel, shared_maps[i]), h->map_fd[i]);
			if (err)
				return err;
		}
		return 0;
	}
	err = map_size_set(skel, "rings", h->ncpus);
	if (!err)
		err = map_size_set(skel, "slots", h->nslots);
	if (!err)
		err = map_size_set(skel, "counts", h->ncpus * PL_COUNTS_ROW);
	if (!err)
		err = map_size_set(skel, "cpus", h->ncpus);
	if (!err)
		err = map_size_set(skel, "scope", h->cfg.nscope ? h->cfg.nscope : 1);
	if (!err)
		err = map_size_set(skel, "irqs", h->cfg.nirqs ? h->cfg.nirqs : 1);
	if (!err)
		err = map_size_set(skel, "socks", SOCKS_MAX);
	if (err || !skel->rodata->cfg_select)
		return err;
	err = map_size_set(skel, "followed", FOLLOWED_MAX);
	if (!err)
		err = map_size_set(skel, "sends", SENDS_MAX);
	return err;
}

static int map_share(struct hooks *h, int map, int prot, size_t len, struct shared *out)
{
	long page = sysconf(_SC_PAGESIZE);
	void *at;

	len = (len + page - 1) / page * page;
	at = mmap(NULL, len, prot, MAP_SHARED, h->map_fd[map], 0);
	if (at == MAP_FAILED)
		return -errno;
	out->at = at;
	out->len = len;
	return 0;
}

static __u32 ring_slots(const struct hooks *h)
{
	return h->cfg.ring_bytes / sizeof(struct pl_event);
}

/*
 * Give each CPU that is online its slots; a program on another counts its events as lost. A CPU
 * that came up since the map was made has none either.
 */
static int rings_make(struct hooks *h)
{
	__u32 size = ring_slots(h), next = 0;
	unsigned int from, to;
	struct pl_ring *ring = h->rings.at;
	FILE *f = fopen("/sys/devices/system/cpu/online", "re");
	int n, sep;

	if (!f)
		return -errno;
	/* a list of ranges: 0-3,6 */
	while (fscanf(f, "%u", &from) == 1) {
		to = from;
		sep = fgetc(f);
		n = sep == '-' ? fscanf(f, "%u%*c", &to) : 1;
		for (; n == 1 && from <= to && from < h->ncpus; from++, next += size) {
			if (next + size > h->nslots)
				break;
			ring[from].first = next;
			ring[from].size = size;
		}
	}
	fclose(f);
	return next ? 0 : -EINVAL;
}

static int maps_take(struct hooks *h, struct pktlap_bpf *skel)
{
	size_t i;
	int fd, err;

	for (i = 0; i < sizeof(shared_maps) / sizeof(*shared_maps); i++) {
		fd = dup(bpf_map__fd(skel_map(skel, shared_maps[i])));
		if (fd < 0)
			return -errno;
		h->map_fd[i] = fd;
	}
	err = map_share(h, MAP_COUNTS, PROT_READ,
			(size_t)h->ncpus * PL_COUNTS_ROW * sizeof(struct pl_count), &h->counts);
	if (!err)
		err = map_share(h, MAP_SLOTS, PROT_READ, h->nslots * sizeof(struct pl_event),
				&h->slots);
	if (!err)
		err = map_share(h, MAP_RINGS, PROT_READ | PROT_WRITE,
				h->ncpus * sizeof(struct pl_ring), &h->rings);
	return err ? err : rings_make(h);
}

/* Load what is in the round. -EAGAIN: one program was refused and noted, choose again */
static int round_load(struct hooks *h)
{
	struct load_log log = { .verbose = h->cfg.verbose };
	struct pktlap_bpf *skel;
	enum pl_hook hook;
	int err;

	err = hooks_open(&h->cfg, h->cast_func, &skel);
	if (err)
		return err;
	err = round_prepare(h, skel);
	if (!err) {
		current_log = &log;
		err = pktlap_bpf__load(skel);
		current_log = NULL;
	}
	if (!err && !h->nskels)
		err = maps_take(h, skel);
	if (!err) {
		h->skels[h->nskels++] = skel;
		return 0;
	}
	pktlap_bpf__destroy(skel);
	hook = hook_by_id(log.prog);
	if (hook == PL_HOOK_none || !h->in_round[hook])
		return err;
	hook_refuse(h, hook, err, "load");
	return -EAGAIN;
}

int hooks_round(struct hooks *h)
{
	int err, n;

	do {
		n = round_choose(h);
		if (!n)
			return 0;
		err = h->rounds++ < ROUNDS_MAX ? round_load(h) : -ELOOP;
	} while (err == -EAGAIN);
	return err;
}

static void attach_one(struct hooks *h, struct pktlap_bpf *skel, enum pl_hook hook)
{
	struct load_log log = { .verbose = h->cfg.verbose };
	struct bpf_program *prog = skel_prog(skel, hook);
	struct bpf_link *link;
	int err;

	current_log = &log;
	link = bpf_program__attach(prog);
	err = link ? 0 : -errno;
	current_log = NULL;
	if (err) {
		hook_refuse(h, hook, err, "attach");
		return;
	}
	h->links[hook] = link;
	h->prog_fd[hook] = bpf_program__fd(prog);
	if (!hook_main(hook))
		h->serving[hook_desc(hook)->hop] = hook;
}

/* Those whose main hook is not in place: another one will serve the hop, with its own */
static void companions_unlink(struct hooks *h)
{
	enum pl_hook hook, main;

	for (hook = 1; hook < PL_NR_HOOKS; hook++) {
		main = hook_main(hook);
		if (main && h->links[hook] && h->serving[hook_desc(main)->hop] != main)
			hook_unlink(h, hook);
	}
}

/* Attach the programs of the last round */
static void round_attach(struct hooks *h)
{
	struct pktlap_bpf *skel = h->skels[h->nskels - 1];
	enum pl_hook hook;

	for (hook = 1; hook < PL_NR_HOOKS; hook++)
		if (h->in_round[hook])
			attach_one(h, skel, hook);
	hooks_verify(h);
	companions_unlink(h);
	memset(h->in_round, 0, sizeof(h->in_round));
}

void hook_unlink(struct hooks *h, enum pl_hook hook)
{
	bpf_link__destroy(h->links[hook]);
	h->links[hook] = NULL;
	h->prog_fd[hook] = -1;
	if (!hook_main(hook))
		h->serving[hook_desc(hook)->hop] = PL_HOOK_none;
}

int hooks_attach(struct hooks *h, char *err, size_t errlen)
{
	enum pl_hop hop;
	int ret = 0, loaded = h->nskels;

	while (!ret && loaded) {
		round_attach(h);
		loaded = h->nskels;
		ret = hooks_round(h);
		loaded = h->nskels - loaded;
	}
	if (ret) {
		snprintf(err, errlen, "cannot load the BPF programs: %s (--verbose shows why)",
			 strerror(-ret));
		return ret;
	}
	for (hop = 1; hop < PL_NR_HOPS; hop++)
		if (h->serving[hop])
			return 0;
	snprintf(err, errlen, "no hop is covered on this kernel: `pktlap check` says why");
	return -ENOENT;
}

static int load_error(const struct hooks *h, int ret, char *err, size_t errlen)
{
	if (ret == -EPERM || ret == -EACCES)
		snprintf(err, errlen, "not permitted to load BPF programs: run as root, or with "
				      "CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN and CAP_SYSLOG");
	else if (ret == -ENOMEM)
		snprintf(err, errlen, "no memory for %u rings of %zu KiB: use a smaller --buffer",
			 h->nslots / ring_slots(h), h->cfg.ring_bytes / 1024);
	else
		snprintf(err, errlen, "cannot load the BPF programs: %s (--verbose shows why)",
			 strerror(-ret));
	return ret;
}

int hooks_load(const struct hooks_config *cfg, struct hooks **out, char *err, size_t errlen)
{
	struct hooks *h;
	int ret;

	if (access("/sys/kernel/btf/vmlinux", R_OK)) {
		snprintf(err, errlen, "this kernel has no BTF (/sys/kernel/btf/vmlinux): it must be "
				      "built with CONFIG_DEBUG_INFO_BTF=y");
		return -ENOENT;
	}
	h = hooks_alloc(cfg);
	if (!h) {
		snprintf(err, errlen, "out of memory");
		return -ENOMEM;
	}
	h->nslots = sysconf(_SC_NPROCESSORS_ONLN) * ring_slots(h);
	libbpf_set_print(log_print);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	ret = ksyms_load(&h->ksyms);
	if (ret) {
		snprintf(err, errlen, "cannot read /proc/kallsyms: %s", strerror(-ret));
		goto fail;
	}
	h->cast_func = cast_func();
	ret = hooks_btf_new(h->ksyms, &h->btf);
	if (ret) {
		snprintf(err, errlen, "cannot read the kernel's BTF: %s", strerror(-ret));
		goto fail;
	}
	ret = hooks_round(h);
	if (!ret && !h->nskels) {
		ret = -ENOENT;
		snprintf(err, errlen, "no hop is covered on this kernel: `pktlap check` says why");
		goto fail;
	}
	if (ret) {
		load_error(h, ret, err, errlen);
		goto fail;
	}
	*out = h;
	return 0;
fail:
	hooks_free(h);
	return ret;
}

/* What was lost up to now; made: none uncounted so far. NULL: no memory */
static struct pl_count *counts_copy(const struct hooks *h)
{
	struct pl_count *copy = calloc((size_t)h->ncpus * PL_COUNTS_ROW, sizeof(*copy));
	enum pl_hook hook;
	unsigned int cpu;

	for (cpu = 0; copy && cpu < h->ncpus; cpu++)
		for (hook = 1; hook < PL_NR_HOOKS; hook++)
			copy[PL_COUNTS_CELL(cpu, hook)].lost = hooks_count(h, cpu, hook).lost;
	return copy;
}

static __u64 made_all(const struct hooks *h)
{
	enum pl_hook hook;
	__u64 sum = 0;

	for (hook = 1; hook < PL_NR_HOOKS; hook++)
		sum += hooks_count_all(h, hook).made;
	return sum;
}

void hooks_detach(struct hooks *h)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	struct pl_count *counts;
	__u64 end, before, after;
	enum pl_hook hook;

	if (h->ended)
		return;
	counts = counts_copy(h);
	/* each function hook takes one grace period of all tasks, one after the other (ftrace_shutdown(),
	 * 6.0 and newer): some 0.13 s */
	for (hook = 1; hook < PL_NR_HOOKS; hook++) {
		bpf_link__destroy(h->links[hook]);
		h->links[hook] = NULL;
	}
	/* tracepoints are unhooked at once, but a program may still run on another CPU */
	end = clock_mono_ns() + SETTLE_NS;
	after = made_all(h);
	do {
		before = after;
		nanosleep(&pause, NULL);
		after = made_all(h);
	} while (before != after && clock_mono_ns() < end);
	h->ended = counts;
}

static void shared_unmap(struct shared *s)
{
	if (s->at)
		munmap(s->at, s->len);
}

void hooks_free(struct hooks *h)
{
	enum pl_hook hook;
	unsigned int i;

	if (!h)
		return;
	for (hook = 1; hook < PL_NR_HOOKS; hook++)
		bpf_link__destroy(h->links[hook]);
	for (i = 0; i < h->nskels; i++)
		pktlap_bpf__destroy(h->skels[i]);
	shared_unmap(&h->rings);
	shared_unmap(&h->slots);
	shared_unmap(&h->counts);
	for (i = 0; i < MAP_NR; i++)
		if (h->map_fd[i] >= 0)
			close(h->map_fd[i]);
	hooks_dealloc(h);
}
