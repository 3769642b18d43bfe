// SPDX-License-Identifier: GPL-2.0
#include "object.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "user/hooks_cast.h"

#define LOG_MAX (1 << 20)

/* libbpf's callback has no argument */
static char said[LOG_MAX];
static size_t said_len;

static int note(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	int n;

	if (level == LIBBPF_DEBUG || said_len + 1 >= sizeof(said))
		return 0;
	n = vsnprintf(said + said_len, sizeof(said) - said_len, fmt, ap);
	said_len += n < (int)(sizeof(said) - said_len) ? n : (int)(sizeof(said) - said_len - 1);
	return 0;
}

libbpf_print_fn_t object_listen(void)
{
	said_len = 0;
	said[0] = 0;
	return libbpf_set_print(note);
}

const char *object_said(void)
{
	return said;
}

static size_t counts_bytes(const struct made *m)
{
	return (size_t)m->ncpus * PL_COUNTS_ROW * sizeof(*m->counts);
}

static int map_size(struct bpf_object *obj, const char *name, __u32 entries)
{
	return bpf_map__set_max_entries(bpf_object__find_map_by_name(obj, name), entries);
}

bool object_cast(struct bpf_object_skeleton *s)
{
	int func = cast_func();
	void *image = func ? malloc(s->data_sz) : NULL;

	if (!image)
		return false;
	memcpy(image, s->data, s->data_sz);
	s->data = image;
	return cast_splice(func, image, s->data_sz) > 0;
}

int object_prepare(struct bpf_object *obj)
{
	struct bpf_program *prog;
	int n = libbpf_num_possible_cpus();

	bpf_object__for_each_program(prog, obj)
		bpf_program__set_autoload(prog, false);
	if (map_size(obj, "rings", n) || map_size(obj, "slots", SLOTS_MAX) ||
	    map_size(obj, "counts", n * PL_COUNTS_ROW) || map_size(obj, "irqs", 64) ||
	    map_size(obj, "cpus", n))
		return -EINVAL;
	return 0;
}

int object_map(const struct made *m, const char *name)
{
	return bpf_object__find_map_fd_by_name(m->obj, name);
}

static int on_event(void *ctx, unsigned int cpu, const struct pl_event *ev)
{
	struct made *m = ctx;

	if (cpu || m->n == EVENTS_MAX)
		return -EOVERFLOW;
	m->ev[m->n++] = *ev;
	return 0;
}

static void *map_share(const struct made *m, const char *name, size_t len)
{
	void *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, object_map(m, name), 0);

	return at == MAP_FAILED ? NULL : at;
}

int object_start(struct bpf_object *obj, unsigned int slots, struct made *m)
{
	cpu_set_t set;

	memset(m, 0, sizeof(*m));
	m->obj = obj;
	m->ncpus = libbpf_num_possible_cpus();
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	if (slots > SLOTS_MAX || sched_setaffinity(0, sizeof(set), &set))
		return -EINVAL;
	m->rings = map_share(m, "rings", m->ncpus * sizeof(*m->rings));
	m->slots = map_share(m, "slots", SLOTS_MAX * sizeof(*m->slots));
	m->counts = map_share(m, "counts", counts_bytes(m));
	if (!m->rings || !m->slots || !m->counts)
		return -errno;
	m->rings[0].size = slots;
	return 0;
}

void object_stop(struct made *m)
{
	if (m->rings)
		munmap(m->rings, m->ncpus * sizeof(*m->rings));
	if (m->slots)
		munmap(m->slots, SLOTS_MAX * sizeof(*m->slots));
	if (m->counts)
		munmap(m->counts, counts_bytes(m));
}

unsigned int object_drain(struct made *m)
{
	m->n = 0;
	if (ring_take(&m->rings[0], m->slots, 0, EVENTS_MAX, on_event, m) < 0)
		return 0;
	return m->n;
}

struct pl_count object_count(const struct made *m, enum pl_hook hook)
{
	return m->counts[hook];
}

int program_run(const struct bpf_program *prog, const __u64 *args, unsigned int nargs)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = nargs * sizeof(*args));

	return bpf_prog_test_run_opts(bpf_program__fd(prog), &opts) ? -errno : (int)opts.retval;
}
