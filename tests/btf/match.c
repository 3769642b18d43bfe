// SPDX-License-Identifier: GPL-2.0
#include "match.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 8

struct why {
	char *text;
	size_t len, at;
	bool bad;
};

__attribute__((format(printf, 2, 3))) static void blame(struct why *w, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (w->bad && w->at + 2 < w->len)
		w->at += snprintf(w->text + w->at, w->len - w->at, "; ");
	w->bad = true;
	va_start(ap, fmt);
	n = vsnprintf(w->text + w->at, w->len - w->at, fmt, ap);
	va_end(ap);
	w->at = w->at + n < w->len ? w->at + n : w->len - 1;
}

static const struct btf_type *type_of(struct type_ref t)
{
	return btf__type_by_id(t.btf, t.id);
}

static const char *name_of(struct type_ref t)
{
	return btf__name_by_offset(t.btf, type_of(t)->name_off);
}

static struct type_ref at(struct type_ref t, __u32 id)
{
	return (struct type_ref){ .btf = t.btf, .id = id };
}

struct type_ref type_skip(struct type_ref t)
{
	while (btf_is_mod(type_of(t)) || btf_is_typedef(type_of(t)))
		t.id = type_of(t)->type;
	return t;
}

const char *type_text(struct type_ref t, char *out, size_t len)
{
	char stars[DEPTH_MAX + 1] = "";
	const char *kind = "";
	size_t n = 0;

	for (t = type_skip(t); t.id && btf_is_ptr(type_of(t)); t = type_skip(at(t, type_of(t)->type)))
		if (n < DEPTH_MAX)
			stars[n++] = '*';
	if (btf_is_composite(type_of(t)) || btf_is_fwd(type_of(t)))
		kind = btf_is_union(type_of(t)) ? "union " : "struct ";
	else if (btf_is_any_enum(type_of(t)))
		kind = "enum ";
	snprintf(out, len, "%s%s%s%s", kind, t.id ? name_of(t) : "void", n ? " " : "", stars);
	return out;
}

/* "sk_buff___6_3" is "sk_buff" */
static bool same_name(const char *local, const char *target)
{
	const char *flavour = strstr(local, "___");
	size_t len = flavour && flavour != local ? (size_t)(flavour - local) : strlen(local);

	return strlen(target) == len && !strncmp(local, target, len);
}

/* Pointers to structs must point to the same one; void * on either side says nothing */
static bool pointers_match(struct type_ref l, struct type_ref t)
{
	int depth;

	for (depth = 0; depth < DEPTH_MAX; depth++) {
		l = type_skip(at(l, type_of(l)->type));
		t = type_skip(at(t, type_of(t)->type));
		if (!l.id || !t.id)
			return true;
		if (!btf_is_ptr(type_of(l)) || !btf_is_ptr(type_of(t)))
			break;
	}
	if (btf_is_composite(type_of(l)) || btf_is_fwd(type_of(l)))
		return (btf_is_composite(type_of(t)) || btf_is_fwd(type_of(t))) &&
		       same_name(name_of(l), name_of(t));
	return btf_kind(type_of(l)) == btf_kind(type_of(t));
}

/* bpf_core_fields_are_compat() of libbpf, and: scalars have the size that is read */
static bool fields_match(struct type_ref l, struct type_ref t)
{
	const struct btf_type *lt, *tt;

	l = type_skip(l);
	t = type_skip(t);
	lt = type_of(l);
	tt = type_of(t);
	if (btf_is_composite(lt) && btf_is_composite(tt))
		return !*name_of(l) || same_name(name_of(l), name_of(t));
	if (btf_is_any_enum(lt) && btf_is_any_enum(tt))
		return lt->size == tt->size;
	if (btf_kind(lt) != btf_kind(tt))
		return false;
	if (btf_is_int(lt))
		return lt->size == tt->size;
	if (btf_is_ptr(lt))
		return pointers_match(l, t);
	if (btf_is_array(lt))
		return fields_match(at(l, btf_array(lt)->type), at(t, btf_array(tt)->type));
	return btf_is_float(lt);
}

struct member {
	struct type_ref type;
	__u32 bit, bits; /* bits: of a bit field, else 0 */
};

/* Find the field by name, in anonymous members too */
static bool member_find(struct type_ref s, const char *name, __u32 base, struct member *out)
{
	const struct btf_type *t = type_of(s);
	const struct btf_member *m = btf_members(t);
	__u32 i;

	for (i = 0; i < btf_vlen(t); i++) {
		struct type_ref mt = type_skip(at(s, m[i].type));
		const char *mname = btf__name_by_offset(s.btf, m[i].name_off);
		__u32 bit = base + btf_member_bit_offset(t, i);

		if (!strcmp(mname, name)) {
			out->type = at(s, m[i].type);
			out->bit = bit;
			out->bits = btf_member_bitfield_size(t, i);
			return true;
		}
		if (!*mname && btf_is_composite(type_of(mt)) && member_find(mt, name, bit, out))
			return true;
	}
	return false;
}

static void members_match(struct type_ref local, struct type_ref target, bool layout, const char *in,
			  struct why *w)
{
	const struct btf_type *t = type_of(local);
	const struct btf_member *m = btf_members(t);
	struct member hit = {};
	char a[128], b[128];
	__u32 i;

	for (i = 0; i < btf_vlen(t); i++) {
		const char *name = btf__name_by_offset(local.btf, m[i].name_off);
		struct type_ref mt = at(local, m[i].type), bare = type_skip(mt);
		bool bits = btf_member_bitfield_size(t, i) != 0;

		if (!member_find(target, name, 0, &hit)) {
			blame(w, "no field %s%s", in, name);
		} else if (layout) {
			/* read without relocation: only the place matters */
			if (btf_member_bit_offset(t, i) != hit.bit)
				blame(w, "%s%s is at bit %u, not %u", in, name, hit.bit,
				      btf_member_bit_offset(t, i));
		} else if (!bits && hit.bits) {
			blame(w, "%s%s is a bit field", in, name);
		} else if (!bits && !fields_match(mt, hit.type)) {
			blame(w, "%s%s is '%s', not '%s' (or of another size)", in, name,
			      type_text(hit.type, b, sizeof(b)), type_text(mt, a, sizeof(a)));
		} else if (btf_is_composite(type_of(bare)) && !*name_of(bare)) {
			/* a struct without a name has no entry of its own */
			snprintf(a, sizeof(a), "%s%s.", in, name);
			members_match(bare, type_skip(hit.type), layout, a, w);
		}
	}
}

bool match_struct(struct type_ref local, struct type_ref target, bool layout, char *why, size_t len)
{
	struct why w = { .text = why, .len = len };

	*why = 0;
	members_match(local, target, layout, "", &w);
	return !w.bad;
}

static bool arg_match(struct type_ref l, struct type_ref t, enum arg_rule rule)
{
	const struct btf_type *lt, *tt;

	l = type_skip(l);
	t = type_skip(t);
	lt = type_of(l);
	tt = type_of(t);
	if (btf_is_ptr(lt))
		return btf_is_ptr(tt) && pointers_match(l, t);
	if (!btf_is_int(lt) || (!btf_is_int(tt) && !btf_is_any_enum(tt)))
		return false;
	return rule == ARG_TRACEPOINT ? lt->size >= tt->size : lt->size == tt->size;
}

bool match_args(struct type_ref local, struct type_ref target, unsigned int skip,
		enum arg_rule rule, char *why, size_t len)
{
	struct why w = { .text = why, .len = len };
	const struct btf_type *l = type_of(local), *t = type_of(target);
	char a[128], b[128];
	__u32 i;

	*why = 0;
	/* "()" has one argument without a type */
	for (i = 0; i < btf_vlen(l) && btf_params(l)[i].type; i++) {
		struct type_ref la = at(local, btf_params(l)[i].type), ta;

		if (rule == ARG_RETURN && i + skip == btf_vlen(t)) {
			if (!arg_match(la, at(target, t->type), ARG_FUNCTION))
				blame(&w, "it does not return '%s'", type_text(la, a, sizeof(a)));
			continue;
		}
		if (i + skip >= btf_vlen(t)) {
			blame(&w, "no argument %u: there are %u", i, btf_vlen(t) - skip);
			break;
		}
		ta = at(target, btf_params(t)[i + skip].type);
		if (!arg_match(la, ta, rule))
			blame(&w, "argument %u is '%s', not '%s' (or of another size)", i,
			      type_text(ta, b, sizeof(b)), type_text(la, a, sizeof(a)));
	}
	return !w.bad;
}
