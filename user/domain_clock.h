/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The clock of a domain against that of domain 0, by what their recordings say: methods are tried
 * in the order of enum clock_method, packets that passed between the domains prove or disprove
 * them, and what is left of the error is known.
 */
#ifndef PKTLAP_DOMAIN_CLOCK_H
#define PKTLAP_DOMAIN_CLOCK_H

#include "clock_fit.h"
#include "trace.h"

enum clock_method {
	CLOCK_SAME, /* both were recorded on one kernel */
	CLOCK_PTP_KVM, /* PTP_SYS_OFFSET_PRECISE on the guest's ptp_kvm */
	CLOCK_TSC, /* the guest's counter is the host's and an offset, which KVM tells */
	CLOCK_EXCHANGE, /* request and response over the agent's channel */
	CLOCK_REALTIME_SYNC, /* both kernels' CLOCK_REALTIME are synchronised, with a known bound */
	CLOCK_NR_METHODS,
	CLOCK_NONE = CLOCK_NR_METHODS
};

/* "same-kernel", "ptp_kvm", "tsc", "exchange", "realtime"; "none" */
const char *clock_method_name(enum clock_method m);
/* CLOCK_NONE: no such method */
enum clock_method clock_method_by_name(const char *name);

struct domain_clock {
	struct clock_fit *fit[CLOCK_NR_METHODS]; /* NULL: the recordings have nothing for it */
	enum clock_method method; /* in use */
	bool forced;
};

/*
 * forced: the only method to be used; CLOCK_NONE: the best one. 0; -ENODATA: forced, and there is
 * nothing for it; -ENOMEM. Without any method the clock's method is CLOCK_NONE.
 */
int domain_clock_new(const struct trace *reference, const struct trace *domain,
		     enum clock_method forced, struct domain_clock *out);
void domain_clock_free(struct domain_clock *c);

/* A packet was in the domain at domain_ts before (after) it was in the reference at ref_ts */
void domain_clock_before(struct domain_clock *c, __u64 domain_ts, __u64 ref_ts);
void domain_clock_after(struct domain_clock *c, __u64 domain_ts, __u64 ref_ts);

/* All packets are known: leave methods that they disprove, narrow the one that remains */
void domain_clock_settle(struct domain_clock *c);

/* Reference time; *err: half width, ns. Not without a method */
__u64 domain_clock_map(const struct domain_clock *c, __u64 ts, __u64 *err);

#endif
