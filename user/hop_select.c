// SPDX-License-Identifier: GPL-2.0
#include "hop_select.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

static bool item_select(const char *item, bool *want, bool *asked)
{
	enum pl_hop hop;
	bool any = false;

	for (hop = 1; hop < PL_NR_HOPS; hop++) {
		if (fnmatch(item, hop_desc(hop)->name, 0))
			continue;
		want[hop_base(hop)] = true;
		asked[hop] = true;
		any = true;
	}
	return any;
}

int hops_select(const char *list, bool want[PL_NR_HOPS], bool asked[PL_NR_HOPS], char bad[64])
{
	enum pl_hop hop;
	size_t n;
	char item[64];

	memset(want, 0, PL_NR_HOPS * sizeof(*want));
	memset(asked, 0, PL_NR_HOPS * sizeof(*asked));
	if (!list) {
		for (hop = 1; hop < PL_NR_HOPS; hop++)
			want[hop_base(hop)] = true;
		return 0;
	}
	for (;;) {
		n = strcspn(list, ",");
		snprintf(item, sizeof(item), "%.*s", (int)(n < sizeof(item) ? n : sizeof(item) - 1), list);
		if (!item_select(item, want, asked)) {
			memcpy(bad, item, sizeof(item));
			return -EINVAL;
		}
		if (!list[n])
			return 0;
		list += n + 1;
	}
}
