// SPDX-License-Identifier: GPL-2.0
#include "host_int.h"

void host_vmm_read(struct host *h)
{
	(void)h;
}
