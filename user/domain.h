/* SPDX-License-Identifier: GPL-2.0 */
/* One kernel of what was recorded: its stream, its names, its clock; domain 0 is the reference */
#ifndef PKTLAP_DOMAIN_H
#define PKTLAP_DOMAIN_H

#include "domain_clock.h"
#include "merge.h"
#include "names.h"
#include "stitch.h"
#include "wallclock.h"

#define DOMAINS_MAX 256 /* packet_part.domain has 8 bits */

struct domain {
	const char *name; /* "host" for the first one, else as the kernel calls itself, unique */
	const struct trace *trace;
	struct names *names;
	/*
	 * Its clock is known against that of this domain, which has a smaller number: a guest's against
	 * its own recording's host, another host's against domain 0
	 */
	unsigned int reference;
	/* Its times are shown on this domain's clock: domain 0's; one that has no relation to it is its
	 * own root, and that of its guests */
	unsigned int root;
	struct domain_clock clock; /* of a root: not used */
	struct wallclock *wall; /* of its own clock */
	struct merge *merge; /* these two are of the last run; NULL before */
	struct stitch *stitch;
};

/* Its times on its root's clock. err: half of the width in which that is, ns; may be NULL */
__u64 domain_map(const struct domain *all, unsigned int nr, __u64 ts, __u64 *err);

/* Wall clock time of a time on the clock of nr's root, ns; 0: not known */
__u64 domain_wall_ns(const struct domain *all, unsigned int nr, __u64 ts);

#endif
