// SPDX-License-Identifier: GPL-2.0
/* What rtnetlink says of a device, as a recording and as a snapshot of the host have it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h> /* before linux/if_arp.h, whose own linux/if.h yields to it */
#include <linux/if_arp.h>
#include <stdbool.h>
#include <string.h>

#include "host.h"
#include "link.h"

struct link_case {
	const char *rtnl, *name; /* rtnl "": no IFLA_INFO_KIND */
	unsigned short type;
	enum pl_dev_kind kind;
};

static void link_make(char *buf, const struct link_case *c)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh = nl_request(buf, RTM_NEWLINK, 0, sizeof(*ifi), &ifi);
	struct nlattr *info;

	ifi->ifi_index = 7;
	ifi->ifi_type = c->type;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, c->name);
	mnl_attr_put_u32(nlh, IFLA_MASTER, 3);
	if (!*c->rtnl)
		return;
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, c->rtnl);
	mnl_attr_nest_end(nlh, info);
}

static void test_kinds(void **state)
{
	static const struct link_case cases[] = {
		{ "", "eth0", ARPHRD_ETHER, PL_DEV_NIC },
		{ "", "lo", ARPHRD_LOOPBACK, PL_DEV_OTHER },
		{ "", "sit0", ARPHRD_SIT, PL_DEV_OTHER },
		{ "tun", "tap0", ARPHRD_ETHER, PL_DEV_TAP },
		{ "tun", "tun0", ARPHRD_NONE, PL_DEV_TAP },
		{ "bridge", "br0", ARPHRD_ETHER, PL_DEV_BRIDGE },
		{ "veth", "veth0", ARPHRD_ETHER, PL_DEV_VETH },
		/* a pair, too */
		{ "netkit", "nk0", ARPHRD_NONE, PL_DEV_VETH },
		{ "vlan", "eth0.5", ARPHRD_ETHER, PL_DEV_OTHER },
		{ "openvswitch", "ovs-system", ARPHRD_ETHER, PL_DEV_OTHER },
	};
	char buf[NL_BYTES];
	struct link_msg msg;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct link_case *c = &cases[i];

		link_make(buf, c);
		assert_true(link_parse((struct nlmsghdr *)buf, &msg));
		assert_string_equal(msg.dev.name, c->name);
		assert_string_equal(msg.dev.driver, c->rtnl);
		assert_int_equal(msg.dev.ifindex, 7);
		assert_int_equal(msg.dev.master, 3);
		if (msg.dev.kind != c->kind)
			fail_msg("%s is a %s", c->name, dev_kind_name(msg.dev.kind));
		assert_int_equal(host_pl_kind(host_kind_of(c->rtnl, c->name, c->type)), c->kind);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
