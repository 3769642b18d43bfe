// SPDX-License-Identifier: GPL-2.0
/* Merge: against a sort of all events, with the disorder that interruptions make */
#include "trace_files.h"

#include <errno.h>

#include "merge.h"
#include "trace_format.h"

#define MAX_CPUS   70
#define MAX_EVENTS 60000

/* An event is known by its number in arg, unique in the recording */
struct stream {
	__u64 ts[MAX_EVENTS];
	__u32 id[MAX_EVENTS];
	size_t n;
};

struct expected {
	__u64 ts;
	__u32 cpu, pos; /* place in the CPU's ring */
	__u32 id;
};

struct world {
	struct stream *s;
	unsigned int ncpus;
	size_t nev;
	struct expected *want;
};

static struct world *world_new(unsigned int ncpus)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->ncpus = ncpus;
	w->s = calloc(ncpus, sizeof(*w->s));
	assert_non_null(w->s);
	return w;
}

static void world_free(struct world *w)
{
	free(w->s);
	free(w->want);
	free(w);
}

static void event_add(struct world *w, unsigned int cpu, __u64 ts)
{
	struct stream *s = &w->s[cpu];

	assert_true(s->n < MAX_EVENTS);
	s->ts[s->n] = ts;
	s->id[s->n++] = w->nev++;
}

/* Event i of cpu stands late: behind the `by` events that came after it */
static void event_delay(struct world *w, unsigned int cpu, size_t i, size_t by)
{
	struct stream *s = &w->s[cpu];
	__u64 ts = s->ts[i];
	__u32 id = s->id[i];

	assert_true(i + by < s->n);
	memmove(&s->ts[i], &s->ts[i + 1], by * sizeof(*s->ts));
	memmove(&s->id[i], &s->id[i + 1], by * sizeof(*s->id));
	s->ts[i + by] = ts;
	s->id[i + by] = id;
}

/* Write it with the CPUs in turn, as a recorder drains its rings */
static struct trace *world_record(const struct world *w, size_t turn)
{
	struct pl_event ev = { .hook = 1 };
	struct trace_writer *tw;
	size_t at[MAX_CPUS] = { 0 }, left = w->nev, k;
	struct trace *t;
	char path[128], err[256];
	unsigned int c;

	assert_int_equal(trace_create(file_path(path, "a"), hide_key, &tw), 0);
	while (left)
		for (c = 0; c < w->ncpus; c++)
			for (k = 0; k < turn && at[c] < w->s[c].n; k++, at[c]++, left--) {
				ev.ts = w->s[c].ts[at[c]];
				ev.arg = w->s[c].id[at[c]];
				assert_int_equal(trace_write_event(tw, c, &ev), 0);
			}
	assert_int_equal(trace_finish(tw), 0);
	assert_int_equal(trace_open(path, &t, err, sizeof(err)), 0);
	return t;
}

static int expected_cmp(const void *x, const void *y)
{
	const struct expected *a = x, *b = y;

	if (a->ts != b->ts)
		return a->ts < b->ts ? -1 : 1;
	if (a->cpu != b->cpu)
		return a->cpu < b->cpu ? -1 : 1;
	return a->pos < b->pos ? -1 : a->pos > b->pos;
}

static void expected_make(struct world *w)
{
	size_t i, n = 0;
	unsigned int c;

	w->want = calloc(w->nev + 1, sizeof(*w->want));
	assert_non_null(w->want);
	for (c = 0; c < w->ncpus; c++)
		for (i = 0; i < w->s[c].n; i++)
			w->want[n++] = (struct expected){ w->s[c].ts[i], c, i, w->s[c].id[i] };
	assert_int_equal(n, w->nev);
	qsort(w->want, n, sizeof(*w->want), expected_cmp);
}

static void merge_check(struct world *w, size_t turn)
{
	struct trace *t = world_record(w, turn);
	const struct pl_event *ev;
	struct merge *m;
	size_t i;

	expected_make(w);
	assert_int_equal(merge_open(t, &m), 0);
	for (i = 0; i < w->nev; i++) {
		assert_int_equal(merge_next(m, &ev), 1);
		if (ev->ts != w->want[i].ts || ev->arg != w->want[i].id)
			fail_msg("event %zu of %zu: got %llu (%u), want %llu (%u)", i, w->nev,
				 ev->ts, ev->arg, w->want[i].ts, w->want[i].id);
	}
	assert_int_equal(merge_next(m, &ev), 0);
	assert_int_equal(merge_next(m, &ev), 0);
	assert_int_equal(merge_stats(m)->late, 0);
	assert_int_equal(merge_stats(m)->bad_blocks, 0);
	assert_int_equal(merge_stats(m)->bad_events, 0);
	merge_close(m);
	trace_close(t);
}

static void fill(struct world *w, unsigned int cpu, size_t n, __u64 ts, __u64 step, __u64 *r)
{
	while (n--) {
		ts += random_next(r) % step;
		event_add(w, cpu, ts);
	}
}

static void nothing_to_merge(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	merge_check(w, 1);
	world_free(w);
}

static void one_event(void **state)
{
	struct world *w = world_new(3);

	(void)state;
	event_add(w, 2, 77);
	merge_check(w, 1);
	world_free(w);
}

/* Equal times: the lower CPU first, inside a CPU the order of the ring */
static void equal_times(void **state)
{
	struct world *w = world_new(3);
	size_t i;

	(void)state;
	for (i = 0; i < 9000; i++)
		event_add(w, i % 3, 5 + i / 1500);
	merge_check(w, 100);
	world_free(w);
}

/* CPUs of different rates, active at different times, with blocks of all sizes */
static void in_order(void **state)
{
	struct world *w = world_new(7);
	__u64 r = 3;

	(void)state;
	fill(w, 0, 50000, 1000, 1000, &r);
	fill(w, 1, 1025, 1000000, 1000, &r);
	fill(w, 2, 1024, 0, 50000, &r);
	fill(w, 3, 1, 24000000, 2, &r);
	fill(w, 5, 2047, 20000000, 10, &r);
	fill(w, 6, 30000, 1000, 2, &r);
	merge_check(w, 333);
	world_free(w);
}

static void many_cpus(void **state)
{
	struct world *w = world_new(MAX_CPUS);
	unsigned int c;
	__u64 r = 4;

	(void)state;
	for (c = 0; c < MAX_CPUS; c++)
		fill(w, c, 200 + c * 37, 10000, 900, &r);
	merge_check(w, 50);
	world_free(w);
}

/*
 * A program that is interrupted between its timestamp and its reserve stands behind the events
 * of the interruption: anywhere, across the border of blocks, nested, more than one at a time
 */
static void interruptions(void **state)
{
	struct world *w = world_new(3);
	__u64 r = 5, i, by;
	unsigned int c;

	(void)state;
	for (c = 0; c < 3; c++) {
		fill(w, c, 40000, 1000 * c, 700, &r);
		for (i = 0; i + 64 < w->s[c].n; i += 1 + random_next(&r) % 40) {
			by = random_next(&r) % 40;
			event_delay(w, c, i, by);
			if (by > 10)
				event_delay(w, c, i + 1, by / 2);
		}
	}
	merge_check(w, 512);
	world_free(w);
}

/* Every event around a border between blocks, by as much as a block */
static void across_block_borders(void **state)
{
	size_t i, by;

	(void)state;
	for (i = TRACE_BLOCK_EVENTS - 3; i < TRACE_BLOCK_EVENTS + 2; i++)
		for (by = 1; by <= TRACE_BLOCK_EVENTS; by = by * 2 - by / 3) {
			struct world *w = world_new(2);
			__u64 r = 6;

			fill(w, 0, 4 * TRACE_BLOCK_EVENTS, 0, 1000, &r);
			fill(w, 1, 500, 100000, 1000, &r);
			event_delay(w, 0, i, by);
			merge_check(w, 200);
			world_free(w);
		}
}

/* A block of any order is sorted */
static void shuffled_blocks(void **state)
{
	struct world *w = world_new(1);
	struct stream *s = w->s;
	__u64 r = 7, ts;
	size_t i, k;

	(void)state;
	for (i = 0; i < 1024; i++)
		event_add(w, 0, 100000 - i * 7); /* falling */
	for (; i < 2048; i++)
		event_add(w, 0, 200000 + random_next(&r) % 9000);
	fill(w, 0, 3000, 300000, 100, &r);
	for (i = 0; i < 1024; i++) {
		k = random_next(&r) % 1024;
		ts = s->ts[i];
		s->ts[i] = s->ts[k];
		s->ts[k] = ts;
	}
	merge_check(w, 100);
	world_free(w);
}

/* Later than two blocks mend: delivered nevertheless, and counted */
static void too_late(void **state)
{
	struct world *w = world_new(2);
	__u64 r = 8, seen[2] = { 0 }, sum = 0, last = 0, backwards = 0;
	const struct pl_event *ev;
	struct trace *t;
	struct merge *m;
	size_t i;

	(void)state;
	fill(w, 0, 6 * TRACE_BLOCK_EVENTS, 1000, 1000, &r);
	fill(w, 1, 3000, 1000, 1000, &r);
	event_delay(w, 0, 100, 3 * TRACE_BLOCK_EVENTS);
	event_delay(w, 0, 200, 4 * TRACE_BLOCK_EVENTS);
	t = world_record(w, 300);
	assert_int_equal(merge_open(t, &m), 0);
	for (i = 0; merge_next(m, &ev) == 1; i++) {
		seen[ev->arg >= w->s[0].n]++;
		sum += ev->arg;
		backwards += ev->ts < last;
		last = ev->ts > last ? ev->ts : last;
	}
	assert_int_equal(i, w->nev);
	assert_int_equal(seen[0], w->s[0].n);
	assert_int_equal(sum, w->nev * (w->nev - 1) / 2);
	assert_int_equal(backwards, 2);
	assert_int_equal(merge_stats(m)->late, 2);
	merge_close(m);
	trace_close(t);
	world_free(w);
}

/* How many blocks follow, on their CPU, one that is among bad[] and are not so themselves */
static size_t gaps_expected(const struct trace *t, const size_t *bad, size_t nbad)
{
	bool was_bad[3] = { false }, is_bad;
	size_t i, j, gaps = 0;

	for (i = 0; i < t->nblocks; i++) {
		for (is_bad = false, j = 0; j < nbad; j++)
			is_bad |= bad[j] == i;
		gaps += was_bad[t->blocks[i].cpu] && !is_bad;
		was_bad[t->blocks[i].cpu] = is_bad;
	}
	return gaps;
}

/* Damage the payload of some blocks: each is told once, all other events come in order */
static void damaged_blocks(void **state)
{
	struct world *w = world_new(3);
	__u64 r = 9, bad_events = 0, last = 0;
	size_t bad[] = { 0, 1, 2, 3, 9, 10, 0 }, i, events = 0, told = 0, gaps = 0;
	const struct pl_event *ev;
	struct trace *t;
	struct merge *m;
	char path[128];
	int fd, ret;

	(void)state;
	for (i = 0; i < 3; i++)
		fill(w, i, 8000, 1000, 1000, &r);
	t = world_record(w, 1024);
	bad[6] = t->nblocks - 1;
	fd = open(file_path(path, "a"), O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (i = 0; i < 7; i++) {
		assert_int_equal(pwrite(fd, "damage", 6, t->blocks[bad[i]].offset + 20), 6);
		bad_events += t->blocks[bad[i]].events;
	}
	close(fd);
	assert_int_equal(merge_open(t, &m), 0);
	while ((ret = merge_next(m, &ev))) {
		if (ret == 1) {
			events++;
			assert_true(ev->ts >= last);
			last = ev->ts;
			gaps += (ev->flags & PL_F_GAP) != 0;
		} else {
			assert_int_equal(ret, -EBADMSG);
			told++;
		}
	}
	assert_int_equal(told, 7);
	assert_true(gaps > 0);
	assert_int_equal(gaps, gaps_expected(t, bad, 7));
	assert_int_equal(merge_stats(m)->bad_blocks, 7);
	assert_int_equal(merge_stats(m)->bad_events, bad_events);
	assert_int_equal(events, w->nev - bad_events);
	assert_int_equal(merge_stats(m)->late, 0);
	assert_int_equal(merge_next(m, &ev), 0);
	merge_close(m);
	trace_close(t);
	world_free(w);
}

/* Closed in the middle: nothing leaks (the sanitizers look) */
static void closed_early(void **state)
{
	struct world *w = world_new(2);
	const struct pl_event *ev;
	struct trace *t;
	struct merge *m;
	__u64 r = 10;

	(void)state;
	fill(w, 0, 5000, 0, 100, &r);
	fill(w, 1, 5000, 0, 100, &r);
	t = world_record(w, 100);
	assert_int_equal(merge_open(t, &m), 0);
	assert_int_equal(merge_next(m, &ev), 1);
	assert_int_equal(merge_next(m, &ev), 1);
	merge_close(m);
	merge_close(NULL);
	trace_close(t);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_to_merge, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(one_event, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(equal_times, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(in_order, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(many_cpus, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(interruptions, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(across_block_borders, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(shuffled_blocks, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(too_late, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(damaged_blocks, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(closed_early, dir_make, dir_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
