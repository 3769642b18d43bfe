// SPDX-License-Identifier: GPL-2.0
#include "domain.h"

__u64 domain_map(const struct domain *all, unsigned int nr, __u64 ts, __u64 *err)
{
	__u64 one, sum = 0;

	while (nr != all[nr].root) {
		ts = domain_clock_map(&all[nr].clock, ts, &one);
		sum += one;
		nr = all[nr].reference;
	}
	if (err)
		*err = sum;
	return ts;
}

__u64 domain_wall_ns(const struct domain *all, unsigned int nr, __u64 ts)
{
	return wallclock_ns(all[all[nr].root].wall, ts);
}
