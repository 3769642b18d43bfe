// SPDX-License-Identifier: GPL-2.0
/* The reader's half of bpf/ring.h, against a producer that does what the programs do */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ring.h"

#define SIZE  64
#define FIRST 128 /* another CPU's slots are before it */

struct fixture {
	struct pl_ring ring;
	struct pl_event slots[FIRST + SIZE];
	__u64 next; /* what the reader must see next */
	__u64 stop_at; /* the reader's function fails there */
};

static int setup(void **state)
{
	static struct fixture fixture; /* rings are aligned to more than malloc() promises */
	struct fixture *f = &fixture;

	memset(f, 0, sizeof(*f));
	f->ring.first = FIRST;
	f->ring.size = SIZE;
	f->stop_at = UINT64_MAX;
	*state = f;
	return 0;
}

/* A slot, as ring_claim() takes it; NULL: none is free */
static struct pl_event *claim(struct fixture *f)
{
	if (f->ring.head - f->ring.tail >= f->ring.size)
		return NULL;
	return &f->slots[FIRST + (f->ring.head++ & (SIZE - 1))];
}

static int put(struct fixture *f)
{
	struct pl_event *e;
	__u64 n = f->ring.head;

	e = claim(f);
	if (!e)
		return 0;
	e->ts = n;
	e->cpu++;
	return 1;
}

static int see(void *ctx, unsigned int cpu, const struct pl_event *ev)
{
	struct fixture *f = ctx;

	assert_int_equal(cpu, 7);
	assert_int_equal(ev->cpu, 7);
	assert_int_equal(ev->ts, f->next);
	return f->next++ == f->stop_at ? -28 : 0;
}

static int take(struct fixture *f, unsigned int budget)
{
	return ring_take(&f->ring, f->slots, 7, budget, see, f);
}

static void test_order_and_room(void **state)
{
	struct fixture *f = *state;
	int i, n;

	assert_int_equal(take(f, 10), 0);
	for (i = 0, n = 0; i < SIZE + 5; i++)
		n += put(f);
	assert_int_equal(n, SIZE);
	assert_int_equal(take(f, 10), 10);
	for (i = 0, n = 0; i < SIZE; i++)
		n += put(f);
	assert_int_equal(n, 10);
	assert_int_equal(take(f, 1000), SIZE);
	assert_int_equal(take(f, 1000), 0);
	assert_int_equal(f->ring.tail, f->ring.head);
}

/* The number of the use is 16 bits: it must wrap without a slot being taken twice or never */
static void test_every_use(void **state)
{
	struct fixture *f = *state;
	__u64 i;

	for (i = 0; i < (1ULL << 16) * SIZE * 2 + SIZE; i += SIZE / 2) {
		while (f->ring.head < i + SIZE / 2)
			assert_true(put(f));
		assert_int_equal(take(f, SIZE), SIZE / 2);
		assert_int_equal(take(f, SIZE), 0);
	}
}

/* An interrupt's event is ready before that of the program it came into: the reader waits */
static void test_nested(void **state)
{
	struct fixture *f = *state;
	struct pl_event *outer;

	put(f);
	outer = claim(f);
	outer->ts = 1;
	put(f);
	assert_int_equal(take(f, 100), 1);
	assert_int_equal(take(f, 100), 0);
	outer->cpu++;
	assert_int_equal(take(f, 100), 2);
}

static void test_error(void **state)
{
	struct fixture *f = *state;
	int i;

	f->stop_at = 3;
	for (i = 0; i < 10; i++)
		put(f);
	assert_int_equal(take(f, 100), -28);
	/* what the function has seen is not shown again */
	assert_int_equal(take(f, 100), 6);
}

static void test_no_ring(void **state)
{
	struct fixture *f = *state;

	f->ring.size = 0;
	assert_int_equal(take(f, 100), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order_and_room, setup, NULL),
		cmocka_unit_test_setup_teardown(test_every_use, setup, NULL),
		cmocka_unit_test_setup_teardown(test_nested, setup, NULL),
		cmocka_unit_test_setup_teardown(test_error, setup, NULL),
		cmocka_unit_test_setup_teardown(test_no_ring, setup, NULL),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
