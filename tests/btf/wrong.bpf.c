// SPDX-License-Identifier: GPL-2.0
/* Structs that no kernel has like this: btf_check must refuse each (selftest.sh) */
#include "base.h"

struct other;

struct sk_buff {
	unsigned int queue_mapping; /* is 16 bits wide */
} wrong_size;

struct net_device {
	struct other *ifindex; /* is a number */
} wrong_kind;

struct napi_struct {
	struct other *dev; /* points to something else */
} wrong_pointer;

struct task_struct {
	int pid;
	int pid_of_pktlap; /* is not there */
} wrong_name;

struct skb_shared_info___bitless {
	unsigned short gso_size;
	unsigned short no_such_field; /* a flavour that fits nowhere */
} wrong_flavour;

struct net {
	struct {
		unsigned short inum;
	} ns; /* wrong size inside of a struct without a name */
} wrong_inside;

struct pt_regs {
	unsigned long r14, r15; /* changed places */
} wrong_layout;
