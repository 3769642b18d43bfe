// SPDX-License-Identifier: GPL-2.0
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record_int.h"
#include "util.h"

#define NSEC_PER_SEC   1000000000ULL
#define DRAIN_IDLE_NS  20000000 /* a ring of 16 MiB holds 262 144 events: 13 M/s a CPU */
#define DRAIN_BUSY_NS  4000000 /* after a drain that found many: an outburst may go on */
#define DRAIN_MANY     4096 /* of one CPU */
#define DRAIN_BUDGET   8192 /* events of one CPU before the next one's turn */
#define COST_EVERY_NS  50000000
#define FLUSH_AGE_NS   NSEC_PER_SEC /* what a crash may cost at most */
#define RINGS_TOTAL    (128UL << 20) /* default for all CPUs together, and not above */
#define RINGS_OF_RAM   32 /* this part of the memory */
#define RING_MAX       (16UL << 20) /* a busy machine may keep the recorder waiting for 0.1 s */
#define RING_MIN       (256UL << 10)
#define CHANNEL_AGE_NS 80000000 /* what waits so long for a full block goes as it is */
#define CHANNEL_BUDGET 1024 /* events of one CPU between two looks at the channel's room */

static int on_event(void *ctx, unsigned int cpu, const struct pl_event *ev)
{
	struct recorder *r = ctx;
	enum pl_hop hop = ev->hook < PL_NR_HOOKS ? hook_desc(ev->hook)->hop : PL_HOP_none;

	/* hooks go one by one: what the last of them still see belongs to no recording */
	if (r->end_ns && ev->ts > r->end_ns) {
		hooks_uncount(r->hooks, cpu, ev->hook);
		return 0;
	}
	if ((ev->flags & (PL_F_ENTRY | PL_F_UNSURE)) == PL_F_ENTRY)
		r->packets++;
	if (hop == PL_HOP_drop)
		drops_seen(r->drops, ev->arg, (__s32)ev->vlan);
	tasks_seen(r->tasks, ev->tid);
	return r->live ? live_event(r->live, cpu, ev) : trace_write_event(r->trace, cpu, ev);
}

static __u64 lost_all(const struct recorder *r)
{
	enum pl_hook hook;
	__u64 lost = 0;

	for (hook = 1; hook < PL_NR_HOOKS; hook++)
		lost += hooks_count_all(r->hooks, hook).lost;
	return lost;
}

static int drain_timer_set(struct recorder *r, long ns)
{
	const struct itimerspec every = { .it_interval.tv_nsec = ns, .it_value.tv_nsec = ns };

	if (r->drain_ns == ns)
		return 0;
	r->drain_ns = ns;
	return timerfd_settime(r->timer.fd, 0, &every, NULL) ? -errno : 0;
}

static bool counted_all(const struct recorder *r)
{
	return r->cfg->count && r->packets >= r->cfg->count;
}

/*
 * May more be taken out of the rings? What a slow channel leaves there is lost in the kernel; what is
 * made until the hooks are detached belongs to the recording, though it has its count.
 */
static bool drain_on(const struct recorder *r)
{
	const struct record_channel *ch = r->cfg->channel;

	return (r->stopping || !counted_all(r)) && (!ch || ch->room(ch->ctx));
}

/* One turn over all rings. As rings_drain() */
static int drain_round(struct recorder *r, unsigned int budget)
{
	__u64 begin = clock_mono_ns();
	int n = rings_drain(r->hooks, budget, on_event, r);
	int err = r->live && n >= 0 ? live_round(r->live, begin, budget) : 0;

	return err ? err : n;
}

int record_drain(struct recorder *r)
{
	const int budget = r->cfg->channel ? CHANNEL_BUDGET : DRAIN_BUDGET;
	int n = budget, taken = 0;

	while (n == budget && drain_on(r)) {
		n = drain_round(r, budget);
		taken += n;
	}
	if (n < 0)
		return n;
	return drain_timer_set(r, taken < DRAIN_MANY ? DRAIN_IDLE_NS : DRAIN_BUSY_NS);
}

/* What the stitcher goes by besides events, as far as it is new */
static int live_names(struct recorder *r)
{
	int err = r->changes ? live_changes(r->live, r->changes) : 0;

	return err ? err : hooks_each_role(r->hooks, live_role, r->live);
}

static __u64 events_stored(const struct recorder *r)
{
	return trace_events_written(r->trace) + (r->live ? live_stats(r->live)->events : 0);
}

static void progress_show(struct recorder *r, __u64 now)
{
	__u64 events = events_stored(r);

	if (!r->cfg->quiet && isatty(STDERR_FILENO))
		fprintf(stderr, "\r%llu s  events %llu  packets %llu  lost %llu  %llu events/s\033[K",
			(now - r->start_ns) / NSEC_PER_SEC, events, r->packets, lost_all(r),
			events - r->shown_events);
	r->shown_events = events;
}

/* The run statistics cost something themselves: they go off as soon as they have shown enough */
static void cost_work(struct recorder *r)
{
	__u64 now = clock_mono_ns();

	if (now < r->next_cost)
		return;
	r->next_cost = now + COST_EVERY_NS;
	cost_poll(r->cost, r->hooks, false);
}

static int second_work(struct recorder *r)
{
	__u64 now = clock_mono_ns();
	int err;

	if (now < r->next_second)
		return 0;
	r->next_second = now + NSEC_PER_SEC;
	progress_show(r, now);
	err = trace_flush(r->trace, now, FLUSH_AGE_NS);
	if (!err && r->live)
		err = live_names(r);
	if (!err)
		err = record_doc_changes(r);
	return err ? err : record_doc_clock(r);
}

static int signals_read(void *ctx, __u32 events)
{
	struct recorder *r = ctx;
	struct signalfd_siginfo si;

	(void)events;
	while (read(r->signals.fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo != SIGCHLD)
			r->end = "signal";
		else if (r->child > 0 && waitpid(r->child, &r->child_status, WNOHANG) == r->child) {
			r->child = 0;
			/* it may end because the same signal has come to it */
			if (!r->stopping)
				r->end = "command";
		}
	}
	return 0;
}

static int timer_read(void *ctx, __u32 events)
{
	struct recorder *r = ctx;
	__u64 ticks;

	(void)events;
	return read(r->timer.fd, &ticks, sizeof(ticks)) < 0 && errno != EAGAIN ? -errno : 0;
}

static int channel_work(struct recorder *r)
{
	const struct record_channel *ch = r->cfg->channel;

	if (!ch)
		return 0;
	if (!r->end)
		r->end = ch->ended(ch->ctx);
	return trace_flush(r->trace, clock_mono_ns(), CHANNEL_AGE_NS);
}

static int loop(struct recorder *r)
{
	__u64 stop = r->cfg->duration_ns ? r->start_ns + r->cfg->duration_ns : 0;
	int err = 0;

	while (!r->end && !err) {
		err = poller_wait(&r->poller, -1);
		if (!err)
			err = scope_changes(r);
		if (!err)
			err = record_drain(r);
		cost_work(r);
		if (!err)
			err = second_work(r);
		if (!err)
			err = channel_work(r);
		if (!err)
			err = guests_work(r->guests);
		if (stop && clock_mono_ns() >= stop)
			r->end = "duration";
		if (counted_all(r))
			r->end = "count";
	}
	return err;
}

/* Signals are taken by signalfd; before the programs are loaded, so that none finds us half-way */
static int events_setup(struct recorder *r)
{
	sigset_t set;
	int err = poller_open(&r->poller);

	if (err)
		return err;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	/* a file size limit shows as EFBIG, a closed stderr as EPIPE: both are handled */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	r->signals = (struct poller_fd){ signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
					 signals_read, r };
	r->timer = (struct poller_fd){ timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
				       timer_read, r };
	if (r->signals.fd < 0 || r->timer.fd < 0)
		return -errno;
	err = drain_timer_set(r, DRAIN_IDLE_NS);
	if (!err)
		err = poller_add(&r->poller, &r->signals, EPOLLIN);
	return err ? err : poller_add(&r->poller, &r->timer, EPOLLIN);
}

/*
 * After attaching only two capabilities are of use: CAP_BPF to read the maps (before 5.19 every
 * bpf() call needs it), CAP_SYSLOG to name the places of drops. What a kernel or file system
 * bug could do with the others is not worth having.
 */
static void privileges_drop(void)
{
	const cap_value_t keep[] = { CAP_BPF, CAP_SYSLOG };
	cap_t had = cap_get_proc(), now = cap_init();
	cap_flag_value_t set;
	size_t i;

	for (i = 0; had && now && i < sizeof(keep) / sizeof(*keep); i++)
		if (!cap_get_flag(had, keep[i], CAP_PERMITTED, &set) && set == CAP_SET) {
			cap_set_flag(now, CAP_PERMITTED, 1, &keep[i], CAP_SET);
			cap_set_flag(now, CAP_EFFECTIVE, 1, &keep[i], CAP_SET);
		}
	if (!had || !now || cap_set_proc(now))
		msg_error("privileges could not be dropped: %s", strerror(errno));
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	cap_free(had);
	cap_free(now);
}

/* Fork the command now, with our privileges; it waits for a byte until all hooks are attached */
static int child_prepare(struct recorder *r, int *go)
{
	int fd[2];
	char byte;

	*go = -1;
	if (!r->cfg->command)
		return 0;
	if (pipe2(fd, O_CLOEXEC))
		return -errno;
	r->child = fork();
	if (r->child < 0) {
		close(fd[0]);
		close(fd[1]);
		return -errno;
	}
	if (!r->child) {
		close(fd[1]);
		if (read(fd[0], &byte, 1) != 1)
			_exit(1);
		signals_reset();
		execvp(r->cfg->command[0], r->cfg->command);
		msg_error("cannot run %s: %s", r->cfg->command[0], strerror(errno));
		_exit(127);
	}
	close(fd[0]);
	*go = fd[1];
	return 0;
}

static size_t ring_bytes_default(void)
{
	size_t ram = sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / RINGS_OF_RAM;
	size_t want = (ram < RINGS_TOTAL ? ram : RINGS_TOTAL) / sysconf(_SC_NPROCESSORS_CONF);
	size_t size = RING_MAX;

	while (size > want && size > RING_MIN)
		size /= 2;
	return size;
}

/*
 * Between load and attach, so that pktlap's own hooks are not among what is found. A recording is
 * worth having without.
 */
static void hazards_setup(struct recorder *r)
{
	const struct hazard_config cfg = { .names = r->cfg->devices, .nnames = r->cfg->ndevices };
	int err = hazards_look(r->hazards, &cfg, hooks_ksyms(r->hooks));

	if (err)
		msg_error("not all hazards could be looked for: %s", strerror(-err));
}

static int hooks_setup(struct recorder *r)
{
	struct hooks_config hc = {
		.ring_bytes = r->cfg->ring_bytes ? r->cfg->ring_bytes : ring_bytes_default(),
		.scoped = r->cfg->ndevices > 0,
		.filter = r->filter ? r->filter : r->cfg->filter,
		.sample = r->cfg->sample,
		.follow_nat = r->cfg->follow_nat,
		.verbose = r->cfg->verbose,
	};
	char why[256];
	int err;

	memcpy(hc.want, r->cfg->want, sizeof(hc.want));
	hc.nscope = hc.scoped ? scope_room(r) : 1;
	hc.nirqs = scope_irqs(&r->devices);
	err = hooks_load(&hc, &r->hooks, why, sizeof(why));
	if (err) {
		msg_error("%s", why);
		return err;
	}
	err = scope_set(r);
	if (err) {
		msg_error("cannot tell the programs which devices to look at: %s", strerror(-err));
		return err;
	}
	hazards_setup(r);
	return 0;
}

static int trace_setup(struct recorder *r)
{
	const struct record_channel *ch = r->cfg->channel;
	__u8 hide[16];
	int err;

	if (getrandom(hide, sizeof(hide), 0) != sizeof(hide))
		return -EIO;
	err = ch ? trace_create_stream(ch->put, ch->ctx, hide, &r->trace) : trace_create(r->cfg->file, hide, &r->trace);
	memset(hide, 0, sizeof(hide));
	if (err)
		msg_error("cannot write %s: %s", r->cfg->file, strerror(-err));
	return err;
}

/* After the privileges are dropped and the signals blocked: the thread gets the same */
static int live_setup(struct recorder *r)
{
	struct live_config cfg = {
		.trace = r->trace,
		.cpus = hooks_ncpus(r->hooks),
		.slower_than_ns = r->cfg->slower_than_ns,
		.selected = r->filter || r->cfg->filter || r->cfg->sample,
	};
	json_t *devices, *tasks;
	int err = -ENOMEM;

	if (!r->cfg->slower_than_ns)
		return 0;
	devices = devices_doc(&r->devices);
	tasks = tasks_doc(r->tasks);
	cfg.devices = devices;
	cfg.tasks = tasks;
	if (devices && tasks)
		err = live_new(&cfg, &r->live);
	json_decref(devices);
	json_decref(tasks);
	return err;
}

/* Attach, drop privileges, let the command go */
static int start(struct recorder *r)
{
	char why[256];
	int err, go;

	err = child_prepare(r, &go);
	if (err) {
		msg_error("cannot start %s: %s", r->cfg->command[0], strerror(-err));
		return err;
	}
	cost_start(&r->cost);
	err = hooks_attach(r->hooks, why, sizeof(why));
	if (err)
		msg_error("%s", why);
	privileges_drop();
	r->start_ns = clock_mono_ns();
	r->next_second = r->start_ns + NSEC_PER_SEC;
	if (!err)
		err = record_docs_begin(r);
	if (!err && r->cfg->channel)
		err = r->cfg->channel->attached(r->cfg->channel->ctx);
	if (!err)
		err = live_setup(r);
	if (!err && go >= 0 && write(go, "g", 1) != 1)
		err = -errno;
	if (go >= 0)
		close(go);
	return err;
}

/* Detach, take what is left in the rings, say how it ended */
static int stop(struct recorder *r)
{
	int n;

	r->stopping = true;
	n = record_guests_stop(r);
	cost_poll(r->cost, r->hooks, true);
	r->end_ns = clock_mono_ns();
	hooks_detach(r->hooks);
	/* nothing is added any more: it comes to an end */
	if (n >= 0)
		do {
			n = drain_round(r, DRAIN_BUDGET);
		} while (n > 0);
	if (n >= 0)
		n = scope_changes(r);
	if (n >= 0)
		n = record_guests_end(r);
	if (n >= 0 && r->live)
		n = live_names(r) ?: live_finish(r->live);
	return n < 0 ? n : record_docs_end(r);
}

static void result_fill(const struct recorder *r, struct record_result *res)
{
	enum pl_hop hop;

	res->packets = r->packets;
	res->lost = lost_all(r);
	hooks_unfollowed(r->hooks, &res->unfollowed, &res->tasks_unfollowed);
	res->duration_ns = r->end_ns - r->start_ns;
	res->reason = r->end;
	res->unscoped = r->unscoped;
	res->command_status = r->child_status;
	for (res->nguests = 0; res->nguests < guests_count(r->guests); res->nguests++)
		guest_result_get(r->guests, res->nguests, &res->guest[res->nguests]);
	if (r->live) {
		res->seen = live_stats(r->live)->seen;
		res->kept = live_stats(r->live)->kept;
		res->unstitched = live_stats(r->live)->unstitched;
	}
	for (hop = 1; hop < PL_NR_HOPS; hop++)
		res->uncovered |= r->cfg->asked[hop] &&
				  hooks_serving(r->hooks, hop_base(hop)) == PL_HOOK_none;
}

static void recorder_close(struct recorder *r)
{
	guests_close(r->guests);
	free(r->filter);
	free(r->filter_text);
	live_free(r->live);
	hooks_free(r->hooks);
	cost_free(r->cost);
	drops_free(r->drops);
	hazards_free(r->hazards);
	tasks_free(r->tasks);
	devices_watch_close(r->watch);
	devices_free(&r->devices);
	free(r->in_scope);
	json_decref(r->changes);
	if (r->signals.fd >= 0)
		close(r->signals.fd);
	if (r->timer.fd >= 0)
		close(r->timer.fd);
	if (r->pair_fd >= 0)
		close(r->pair_fd);
	poller_close(&r->poller);
	if (r->child > 0) {
		kill(r->child, SIGTERM);
		waitpid(r->child, NULL, 0);
	}
}

static int record_setup(struct recorder *r)
{
	/* first: what changes while it is listed comes as a change */
	int err = devices_watch_open(&r->watch);

	if (!err)
		err = devices_scan(&r->devices);
	if (!err)
		err = tasks_new(&r->tasks);
	if (!err)
		err = drops_new(&r->drops);
	if (!err)
		err = hazards_new(&r->hazards);
	r->pair_fd = clock_pair_open();
	if (!err)
		err = events_setup(r);
	if (!err) {
		r->device_wake.fd = devices_watch_fd(r->watch);
		err = poller_add(&r->poller, &r->device_wake, EPOLLIN);
	}
	if (!err && r->cfg->channel)
		err = r->cfg->channel->open(r->cfg->channel->ctx, &r->poller);
	if (err) {
		msg_error("cannot look at this host: %s", strerror(-err));
		return err;
	}
	err = devices_check(&r->devices, r->cfg->devices, r->cfg->ndevices);
	if (!err)
		err = record_guests_open(r);
	if (!err)
		err = hooks_setup(r);
	if (!err)
		err = record_guests_ready(r);
	return err;
}

int record_run(const struct record_config *cfg, struct record_result *res)
{
	struct recorder r = {
		.cfg = cfg,
		.poller.epoll_fd = -1,
		.signals.fd = -1,
		.timer.fd = -1,
		.pair_fd = -1,
	};
	int err, closed;

	memset(res, 0, sizeof(*res));
	err = record_setup(&r);
	if (!err)
		err = trace_setup(&r);
	if (err)
		goto out;
	if (r.guests)
		guests_begin(r.guests, r.trace);
	err = start(&r);
	if (!err)
		err = loop(&r);
	if (!err) {
		err = stop(&r);
		result_fill(&r, res);
	}
	if (!err)
		err = trace_flush(r.trace, clock_mono_ns(), 0);
	res->events = events_stored(&r);
	res->bytes = trace_bytes_written(r.trace);
	closed = trace_finish(r.trace);
	if (!err)
		err = closed;
	if (err)
		msg_error("recording ended: %s: %s (what was written can be read)", cfg->file,
			  strerror(-err));
out:
	recorder_close(&r);
	return err;
}
