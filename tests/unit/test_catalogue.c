// SPDX-License-Identifier: GPL-2.0
/* Catalogue: the table is consistent, names lead back to numbers, aliases resolve as written */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "catalogue.h"

#define PL_ROLE_ANY PL_ROLE_NONE

/* The table once more, walked in the plain way */
static const struct alias_desc rows[] = {
#define PL_X(hop, base, dev, role, after) \
	{ PL_HOP_##hop, PL_HOP_##base, PL_DEV_##dev, PL_ROLE_##role, PL_HOP_##after },
	PL_ALIASES(PL_X)
#undef PL_X
};
#define NR_ROWS (sizeof(rows) / sizeof(*rows))

static enum pl_hop alias_plain(enum pl_hop base, enum pl_dev_kind dev, enum pl_role_kind role,
			       enum pl_hop after)
{
	size_t i;

	for (i = 0; i < NR_ROWS; i++)
		if (rows[i].base == base && (!rows[i].dev || rows[i].dev == dev) &&
		    (!rows[i].role || rows[i].role == role) &&
		    (!rows[i].after || rows[i].after == after))
			return rows[i].hop;
	return base;
}

static unsigned int hooks_of(enum pl_hop hop)
{
	unsigned int n = 0;
	int hook;

	for (hook = 1; hook < PL_NR_HOOKS; hook++)
		n += hook_desc(hook)->hop == hop;
	return n;
}

static unsigned int rows_of(enum pl_hop hop)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < NR_ROWS; i++)
		n += rows[i].hop == hop;
	return n;
}

static void hops_have_hooks_or_are_aliases(void **state)
{
	int hop;

	(void)state;
	assert_true(PL_NR_HOPS > 40);
	for (hop = 1; hop < PL_NR_HOPS; hop++) {
		unsigned int hooks = hooks_of(hop), aliases = rows_of(hop);

		if ((hooks != 0) + (aliases != 0) != 1 || aliases > 1)
			fail_msg("hop %s: %u hooks, %u alias rows", hop_desc(hop)->name, hooks,
				 aliases);
	}
}

static void alias_rows_are_sound(void **state)
{
	size_t i, j;

	(void)state;
	assert_true(NR_ROWS >= 5);
	for (i = 0; i < NR_ROWS; i++) {
		assert_true(hooks_of(rows[i].base) > 0);
		assert_int_equal(hop_base(rows[i].hop), rows[i].base);
		assert_int_equal(hop_base(rows[i].base), rows[i].base);
		/* a condition at least, else the base would never be called by its own name */
		assert_true(rows[i].dev || rows[i].role || rows[i].after);
		/* rows of one base stand together: hop_alias() relies on it */
		for (j = i + 1; j < NR_ROWS; j++)
			if (rows[j].base == rows[i].base)
				assert_int_equal(rows[j - 1].base, rows[i].base);
	}
}

static void hop_names_have_their_shape(void **state)
{
	const struct hop_desc *d;
	const char *colon, *c;
	int hop, other;

	(void)state;
	for (hop = 1; hop < PL_NR_HOPS; hop++) {
		d = hop_desc(hop);
		assert_non_null(d->name);
		assert_true(d->what && *d->what);
		assert_in_range(d->class, PL_CLASS_PKT, PL_CLASS_END);
		colon = strchr(d->name, ':');
		/* "drop" happens in any layer */
		if (hop != PL_HOP_drop &&
		    (!colon || colon == d->name || !colon[1] || strchr(colon + 1, ':')))
			fail_msg("hop %s is not layer:event", d->name);
		for (c = d->name; *c; c++)
			assert_true(*c == ':' || islower((unsigned char)*c));
		for (other = hop + 1; other < PL_NR_HOPS; other++)
			assert_string_not_equal(d->name, hop_desc(other)->name);
		assert_int_equal(hop_by_name(d->name), hop);
	}
}

static void hooks_are_unique(void **state)
{
	const struct hook_desc *d, *o;
	int hook, other;

	(void)state;
	assert_true(PL_NR_HOOKS > 40);
	for (hook = 1; hook < PL_NR_HOOKS; hook++) {
		d = hook_desc(hook);
		assert_true(d->hop > PL_HOP_none && d->hop < PL_NR_HOPS);
		assert_in_range(d->kind, 0, PL_NR_KINDS - 1);
		assert_true(*d->target != 0);
		assert_non_null(d->module);
		assert_int_equal(hook_by_id(d->id), hook);
		for (other = hook + 1; other < PL_NR_HOOKS; other++) {
			o = hook_desc(other);
			assert_string_not_equal(d->id, o->id);
			if (d->kind == o->kind && d->hop == o->hop)
				assert_string_not_equal(d->target, o->target);
		}
	}
}

/* The alternatives of a hop stand together, which is the order in which they are tried */
static void hooks_of_a_hop_stand_together(void **state)
{
	int hook, later;

	(void)state;
	for (hook = 1; hook < PL_NR_HOOKS; hook++)
		for (later = hook + 1; later < PL_NR_HOOKS; later++)
			if (hook_desc(later)->hop == hook_desc(hook)->hop)
				assert_int_equal(hook_desc(later - 1)->hop, hook_desc(hook)->hop);
}

static void aliases_resolve_as_the_table_says(void **state)
{
	unsigned int base, dev, role, after, renamed = 0;
	enum pl_hop got;

	(void)state;
	for (base = 0; base < PL_NR_HOPS; base++)
		for (dev = 0; dev < PL_NR_DEV_KINDS; dev++)
			for (role = 0; role <= PL_ROLE_VMM; role++)
				for (after = 0; after < PL_NR_HOPS; after++) {
					got = hop_alias(base, dev, role, after);
					assert_int_equal(got, alias_plain(base, dev, role, after));
					renamed += got != base;
				}
	assert_true(renamed > 0);
}

static void aliases_of_the_tap(void **state)
{
	(void)state;
	assert_int_equal(hop_alias(PL_HOP_dev_xmit, PL_DEV_TAP, PL_ROLE_NONE, PL_HOP_br_push),
			 PL_HOP_tap_xmit);
	assert_int_equal(hop_alias(PL_HOP_dev_xmit, PL_DEV_VETH, PL_ROLE_NONE, PL_HOP_br_push),
			 PL_HOP_dev_xmit);
	/* the vhost row stands before the row for any task */
	assert_int_equal(hop_alias(PL_HOP_skb_copy, PL_DEV_TAP, PL_ROLE_VHOST, PL_HOP_tap_xmit),
			 PL_HOP_vhost_copy);
	assert_int_equal(hop_alias(PL_HOP_skb_copy, PL_DEV_TAP, PL_ROLE_NONE, PL_HOP_tap_xmit),
			 PL_HOP_tap_read);
	assert_int_equal(hop_alias(PL_HOP_skb_copy, PL_DEV_TAP, PL_ROLE_VHOST, PL_HOP_nic_skb),
			 PL_HOP_skb_copy);
	assert_int_equal(hop_alias(PL_HOP_skb_free, PL_DEV_OTHER, PL_ROLE_NONE, PL_HOP_nic_xmit),
			 PL_HOP_nic_txdone);
}

static void numbers_and_names_outside_the_table(void **state)
{
	unsigned int i;

	(void)state;
	assert_ptr_equal(hop_desc(PL_NR_HOPS), hop_desc(PL_HOP_none));
	assert_ptr_equal(hook_desc(255), hook_desc(PL_HOOK_none));
	assert_int_equal(hook_desc(PL_HOOK_none)->hop, PL_HOP_none);
	assert_int_equal(hop_alias(9999, PL_DEV_TAP, PL_ROLE_NONE, PL_HOP_none), 9999);
	assert_int_equal(hop_by_name("nic:nothing"), PL_HOP_none);
	assert_int_equal(hop_by_name(""), PL_HOP_none);
	assert_int_equal(hook_by_id("none"), PL_HOOK_none);
	assert_int_equal(dev_kind_by_name("warp drive"), PL_DEV_OTHER);
	assert_int_equal(dev_kind_by_name("any"), PL_DEV_OTHER);
	assert_int_equal(role_by_name("clown"), PL_ROLE_NONE);
	for (i = PL_DEV_OTHER; i < PL_NR_DEV_KINDS; i++)
		assert_int_equal(dev_kind_by_name(dev_kind_name(i)), i);
	for (i = 0; i <= PL_ROLE_APP; i++)
		assert_int_equal(role_by_name(role_name(i)), i);
	for (i = 0; i < PL_NR_KINDS; i++)
		assert_string_not_equal(hook_kind_name(i), "?");
	assert_string_equal(hook_kind_name(PL_NR_KINDS), "?");
	assert_string_equal(dev_kind_name(PL_NR_DEV_KINDS), "?");
	assert_string_equal(role_name(PL_ROLE_APP + 1), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hops_have_hooks_or_are_aliases),
		cmocka_unit_test(alias_rows_are_sound),
		cmocka_unit_test(hop_names_have_their_shape),
		cmocka_unit_test(hooks_are_unique),
		cmocka_unit_test(hooks_of_a_hop_stand_together),
		cmocka_unit_test(aliases_resolve_as_the_table_says),
		cmocka_unit_test(aliases_of_the_tap),
		cmocka_unit_test(numbers_and_names_outside_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
