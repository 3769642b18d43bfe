// SPDX-License-Identifier: GPL-2.0
#include "cost.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

/* runs after which the mean of the busiest hooks is good to about a percent */
#define ENOUGH_RUNS 20000

struct cost {
	int fd; /* BPF_ENABLE_STATS: the statistics go off with it */
	__u64 since, window_ns;
	struct {
		__u64 runs, ns, made;
	} hook[PL_NR_HOOKS];
};

int cost_start(struct cost **out)
{
	struct cost *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->since = clock_mono_ns();
	c->fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	*out = c;
	return c->fd < 0 ? -errno : 0;
}

static __u64 cost_read(struct cost *c, const struct hooks *h)
{
	struct bpf_prog_info info;
	__u32 len;
	__u64 sum = 0;
	enum pl_hook hook;
	int fd;

	for (hook = 1; hook < PL_NR_HOOKS; hook++) {
		fd = hooks_prog_fd(h, hook);
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
			continue;
		c->hook[hook].runs = info.run_cnt;
		c->hook[hook].ns = info.run_time_ns;
		c->hook[hook].made = hooks_count_all(h, hook).made;
		sum += info.run_cnt;
	}
	return sum;
}

void cost_poll(struct cost *c, const struct hooks *h, bool force)
{
	if (!c || c->fd < 0)
		return;
	if (cost_read(c, h) < ENOUGH_RUNS && !force)
		return;
	c->window_ns = clock_mono_ns() - c->since;
	close(c->fd);
	c->fd = -1;
}

void cost_free(struct cost *c)
{
	if (!c)
		return;
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

json_t *cost_doc(const struct cost *c)
{
	json_t *hooks = json_object();
	enum pl_hook hook;

	for (hook = 1; c && hook < PL_NR_HOOKS; hook++)
		if (c->hook[hook].runs)
			json_object_set_new(hooks, hook_desc(hook)->id,
					    json_pack("{s:I, s:I, s:I}", "runs",
						      (json_int_t)c->hook[hook].runs, "ns",
						      (json_int_t)c->hook[hook].ns, "made",
						      (json_int_t)c->hook[hook].made));
	return json_pack("{s:o, s:I}", "hooks", hooks, "window_ns",
			 (json_int_t)(c ? c->window_ns : 0));
}
