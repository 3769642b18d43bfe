/* SPDX-License-Identifier: GPL-2.0 */
/* Doubly linked ring, as the kernel's list_head: a list is its own empty node */
#ifndef PKTLAP_LIST_H
#define PKTLAP_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

#define list_entry(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/* Take a node out; it is alone then, so that taking it out again does nothing */
static inline void list_del(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

static inline void list_add_tail(struct list *l, struct list *to)
{
	l->prev = to->prev;
	l->next = to;
	to->prev->next = l;
	to->prev = l;
}

/* Move all nodes of one list to the end of another */
static inline void list_move_all(struct list *from, struct list *to)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#endif
