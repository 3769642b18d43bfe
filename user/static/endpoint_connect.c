// SPDX-License-Identifier: GPL-2.0
/* The recorder's end of endpoint.h, which an agent has no use for */
#include <errno.h>
#include <stdio.h>

#include "endpoint.h"

int endpoint_connect(const struct endpoint *e, int timeout_ms, char *why, size_t len)
{
	(void)e;
	(void)timeout_ms;
	snprintf(why, len, "an agent does not connect");
	return -ENOTSUP;
}
