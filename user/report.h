/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The finished report: everything that a view shows, with names in place of numbers and shares
 * worked out. Views print it and compute nothing.
 *
 * Strings are UTF-8 without control characters, never NULL; "" where there is nothing to say.
 * Times are integer nanoseconds.
 */
#ifndef PKTLAP_REPORT_H
#define PKTLAP_REPORT_H

#include "arena.h"
#include "breakdown.h"
#include "domain.h"
#include "join.h"
#include "merge.h"
#include "tail.h"
#include "totals.h"
#include "trace.h"

#define REPORT_SCHEMA	 1 /* of the JSON view; grows when a field changes its meaning */

/* A stage of fewer packets than one in RARE_PART of its path, and of less time, is rare */
#define REPORT_RARE_PART 100

struct report_hop {
	const char *domain; /* "host", "vm1" */
	const char *hop; /* "tap:xmit" */
	const char *dev;
	const char *task; /* of a context hop, where it has a role: "vhost-2154" */
	const char *label; /* short and unique in its path: hop, and what tells it apart */
	unsigned int nth;
	bool optional;
	__u64 n;
};

struct report_dist {
	__u64 n, min, avg, p50, p90, p99, p999, max, stddev;
	unsigned int share_permille; /* of the path's time; rows sum to 1000 exactly */
	unsigned int share_ppm; /* rows sum to 1000000 exactly */
};

struct report_stage {
	const struct report_hop *from, *to; /* into report_path.hops */
	struct report_dist d;
	__u64 min_packet, max_packet;
	/* of a stage from one domain to another: how far its times may be off, ns (0: one clock), and
	 * packets whose time is below that, so that it may be nothing */
	__u64 error_ns, below;
	bool rare; /* may be folded */
	bool largest; /* of its path, by share */
};

struct report_cost {
	__u64 ns_per_packet;
	__u64 events_per_1000_packets;
	unsigned int share_permille; /* of the average total */
	unsigned int share_ppm;
};

/* A stage in the slowest packets and in those in the middle, ns */
struct report_tail_stage {
	const struct report_stage *stage;
	__u64 n, p50; /* of the slowest that met it */
	__u64 avg, middle_avg; /* over all of each group; what did not meet it counts as 0 */
	__s64 more; /* avg - middle_avg before rounding */
	/* of report_tail.more; rows sum to 1000000 but for rounding. Larger, and negative, where stages
	 * that take more and less nearly cancel out */
	__s64 share_ppm;
	bool small; /* may be folded: below half a percent, and not the top one */
	__u64 largest; /* packets whose largest excess over the median it is */
};

/* The slowest packets against the middle ones, see tail.h */
struct report_tail {
	const char *asked; /* "1%" */
	__u64 n, middle_n; /* 0: none, too few packets */
	__u64 wanted;
	bool coarse; /* n is more than was wanted: too many are as slow as the limit */
	bool few; /* n is so small that another recording may well show something else */
	__u64 limit, middle_low, middle_high; /* totals, ns */
	__u64 avg, middle_avg;
	__s64 more;
	struct report_tail_stage *stages; /* as report_path.stages */
	size_t nstages;
	const struct report_tail_stage *top; /* that makes most of more; NULL: no stage makes any */
	struct {
		size_t rows; /* small stages */
		__u64 avg, middle_avg;
		__s64 more, share_ppm;
	} folded;
};

struct report_path {
	unsigned int id;
	const char **chain; /* devices and tasks on the way: "eth1", "br0", "tap0" */
	size_t nchain;
	struct report_hop *hops;
	size_t nhops;
	__u64 packets, dropped;
	struct report_stage *stages;
	size_t nstages;
	struct {
		size_t rows; /* rare stages; 0 when folding would save nothing */
		__u64 n;
		unsigned int share_permille, share_ppm;
	} rare;
	struct report_dist total;
	/* of all packets on this path, also those that are not kept (struct report.kept) */
	struct report_dist total_all;
	struct {
		__u64 packet, ns, mono_ns, real_ns;
		const struct report_stage *stage; /* its largest; NULL: one sighting only */
		__u64 stage_ns;
	} slowest;
	struct report_cost cost;
	struct report_tail tail;
};

/* A path of which no complete packet is kept: none was slow */
struct report_fast {
	const char **chain;
	size_t nchain;
	struct report_dist total;
};

/* Of a recording that keeps only slow packets, and those that were dropped */
struct report_kept {
	bool on;
	__u64 slower_than_ns;
	__u64 packets[PACKET_NR_ENDS]; /* kept, by their end: those of the stages */
	__u64 all; /* sum of them */
	__u64 until_ns; /* since the start: what was seen is counted until then */
	struct report_dist total; /* of all complete packets */
	struct report_dist other; /* of these: on paths beyond those that are told apart */
	struct report_fast *fast; /* most packets first */
	size_t nfast;
	__u64 unstitched_times, unstitched_events, unstitched_ns; /* the recorder was too busy */
	__u64 bad_blocks, bad_packets; /* damaged in the file */
};

struct report_drop {
	unsigned int path; /* report_path.id that begins like this; 0: none */
	const char **chain; /* as of a path, up to the drop */
	size_t nchain;
	const char *hop, *dev; /* last seen at */
	const char *reason; /* name, or the number in decimal */
	bool reason_known; /* it is a name */
	const char *place; /* "ip_rcv+0x1a", or "_stext+0x1a" */
	const char *source; /* "net/ipv4/ip_input.c:123" when known */
	__u32 reason_nr;
	__s32 place_offset;
	__u64 packets;
};

struct report_count {
	const char *name;
	__u64 n;
};

/* Something that happened to a device while it was recorded */
struct report_change {
	const char *domain; /* "host", "vm1": where; so below */
	__u64 at_ns; /* since the start */
	__u64 real_ns; /* 0: not known */
	const char *what; /* "appeared", "gone", "moved", "renamed", "joined", "left", "missed" */
	const char *dev; /* as it is called then: "eth1", "eth0@peer" */
	const char *was; /* renamed: from; left: what */
	const char *to; /* joined: what; moved: the namespace, "" when it has no name */
};

/* How a hop of the catalogue was served */
struct report_coverage {
	const char *domain;
	const char *hop, *state, *as, *hook, *kind, *target;
	const char *why; /* uncovered: errors of the alternatives */
	const char *partial; /* what its hook leaves out, and why; "": nothing */
	bool missing; /* uncovered, and not merely another name for such a hop */
	bool silent; /* attached, but made no event while its neighbours did; likewise */
};

/* One way to relate a domain's clock to that of domain 0 */
struct report_clock_method {
	const char *name; /* clock_method_name() */
	bool in_use;
	__u64 samples, outliers;
	__u64 pieces; /* of time, in each of which it was fitted */
	__u64 proofs; /* packets that bound it from either side */
	__u64 disproved; /* pieces that packets contradict, ... */
	__u64 disproved_ns; /* ... by so much at most */
	__s64 offset_ns; /* the reference's less this one, in mid-record */
	__s64 drift_ppb;
	__u64 error_ns; /* at most */
};

/* A kernel that was recorded; the first is the one that all times are of */
struct report_domain {
	const char *name, *host, *release, *machine;
	__u64 cpus;
	__u64 events, lost; /* stored; lost while recording */
	bool lost_known, ended;
	bool hazards_known; /* they were looked for when this was recorded */
	const char *reference; /* domain that its clock is known against; "" for none */
	const char *spec; /* --guest that it was recorded by; "" for none */
	__u64 gone_ns; /* its agent was lost then (domain 0's monotonic time), 0: never; and why */
	const char *gone;
	__u64 left; /* packets that left it and were not seen in another one */
	struct report_clock_method *clock; /* none: its packets are not joined with others' */
	size_t nclock;
};

/* What was found on the host, see hazards.h */
struct report_hazard {
	const char *domain;
	const char *id, *severity, *subject, *evidence, *remedy;
	bool during; /* came up while recording */
	bool note; /* severity is the lowest */
};

struct report_hook_cost {
	const char *domain;
	const char *hop, *hook;
	const char *label; /* "vm1/nic:gro": unique */
	__u64 runs, ns, ns_per_run;
};

struct report {
	struct arena mem;
	const char *file;
	const char *host, *release, *machine, *version, *end_reason;
	__u64 cpus;
	__u64 start_real_ns, start_mono_ns, duration_ns;
	bool truncated; /* the file does not end on a whole chunk */
	bool ended; /* the recorder ended by itself */
	__u64 bad_blocks; /* of the file: damaged or missing */
	__u64 bad_events; /* in those of them that could be read that far */
	__u64 late_events; /* out of order in the file beyond repair */

	__u64 made_events; /* by the programs, as they counted them; 0: not known */
	__u64 stored_events; /* in the file */
	__u64 events, unused_events; /* of these: read, read but of no packet */
	__u64 seen, packets[PACKET_NR_ENDS], cloned, late_packets, evicted, unsure_fetches;
	const char *filter; /* what was recorded of all packets; "": every one */
	__u64 sample; /* one in so many; 0: all */
	bool follow_nat;
	__u64 undecided; /* not in seen: headers in fragments at all hops that saw them */
	__u64 unfollowed; /* may be missing from where their headers changed on */
	__u64 tasks_unfollowed; /* times that there was no room to note a task */

	/* seen and packets are of all packets, paths and drops of those that are kept */
	struct report_kept kept;

	bool lost_known; /* the file has the counters of lost events */
	__u64 lost;
	struct report_count *lost_by_hop, *lost_by_cpu;
	size_t nlost_by_hop, nlost_by_cpu;

	struct report_path *paths;
	size_t npaths;
	struct report_drop *drops;
	size_t ndrops;
	struct report_count *last_hop; /* incomplete packets by the hop where last seen */
	size_t nlast_hop;

	struct report_domain *domains; /* the first is that of host, release, ... above */
	size_t ndomains;
	__u64 crossed; /* packets that were followed from one domain into another */
	/* join.h */
	__u64 ambiguous_crossings, impossible_crossings, moved_crossings, long_crossings;
	__u64 evicted_crossings; /* packets that went on before they might be joined, to save memory */

	struct report_change *changes; /* in order of time */
	size_t nchanges;

	struct report_coverage *coverage;
	size_t ncoverage;
	struct report_hook_cost *hook_cost;
	size_t nhook_cost;
	struct report_cost cost; /* over the packets of all paths */
	struct report_hazard *hazards; /* by domain, worst first */
	size_t nhazards, nnotes; /* of these: notes */
	__u64 cost_window_ns;
};

struct report_input {
	const char *file;
	const struct breakdown *breakdown;
	const struct tail_path *tail; /* of its paths; NULL: not asked for */
	const char *tail_asked;
	const struct stitch_stats *stitch;
	const struct merge_stats *merge;
	const struct domain *domains; /* at least one */
	size_t ndomains;
	const struct join_stats *join; /* NULL: one domain */
	const struct totals *totals; /* of a recording that does not keep all packets; else NULL */
};

/* Copies what it needs: the input may go afterwards. 0 or -ENOMEM */
int report_new(const struct report_input *in, struct report **out);
void report_free(struct report *r);

#endif
