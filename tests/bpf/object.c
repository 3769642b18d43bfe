// SPDX-License-Identifier: GPL-2.0
#include "object.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t counts_bytes(const struct made *m)
{
	return (size_t)m->ncpus * PL_NR_HOOKS * sizeof(*m->counts);
}

static int map_size(struct bpf_object *obj, const char *name, __u32 entries)
{
	return bpf_map__set_max_entries(bpf_object__find_map_by_name(obj, name), entries);
}

int object_prepare(struct bpf_object *obj)
{
	struct bpf_program *prog;
	int n = libbpf_num_possible_cpus();

	bpf_object__for_each_program(prog, obj)
		bpf_program__set_autoload(prog, false);
	if (map_size(obj, "rings", n) || map_size(obj, "counts", n * PL_NR_HOOKS) ||
	    map_size(obj, "irqs", 64) || map_size(obj, "cpus", libbpf_num_possible_cpus()))
		return -EINVAL;
	return 0;
}

int object_map(const struct made *m, const char *name)
{
	return bpf_object__find_map_fd_by_name(m->obj, name);
}

static int on_event(void *ctx, void *data, size_t size)
{
	struct made *m = ctx;

	if (size < sizeof(*m->ev) || m->n == EVENTS_MAX)
		return -EOVERFLOW;
	memcpy(&m->ev[m->n++], data, sizeof(*m->ev));
	return 0;
}

int object_start(struct bpf_object *obj, unsigned int ring_bytes, struct made *m)
{
	__u32 cpu = 0;
	cpu_set_t set;
	int ring, err;

	memset(m, 0, sizeof(*m));
	m->obj = obj;
	m->ncpus = libbpf_num_possible_cpus();
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return -errno;
	ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "test_ring", 0, 0, ring_bytes, NULL);
	if (ring < 0)
		return -errno;
	err = bpf_map_update_elem(object_map(m, "rings"), &cpu, &ring, BPF_ANY) ? -errno : 0;
	m->rb = err ? NULL : ring_buffer__new(ring, on_event, m, NULL);
	close(ring); /* the map of rings and the reader hold it */
	if (!m->rb)
		return err ? err : -errno;
	m->counts = mmap(NULL, counts_bytes(m), PROT_READ, MAP_SHARED, object_map(m, "counts"), 0);
	if (m->counts == MAP_FAILED) {
		m->counts = NULL;
		return -errno;
	}
	return 0;
}

void object_stop(struct made *m)
{
	if (m->counts)
		munmap(m->counts, counts_bytes(m));
	ring_buffer__free(m->rb);
}

unsigned int object_drain(struct made *m)
{
	m->n = 0;
	if (ring_buffer__consume(m->rb) < 0)
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
