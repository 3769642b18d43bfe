// SPDX-License-Identifier: GPL-2.0
#include "ksyms.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KSYM_NEAR (64 * 1024) /* a function is not longer */

struct ksym {
	__u64 addr;
	__u32 name; /* offsets into text */
	__u32 module;
};

struct ksyms {
	char *text; /* the file; fields are cut apart in place */
	struct ksym *by_name;
	struct ksym *by_addr;
	size_t n;
};

/* /proc files have no size: grow until the end. *len counts the terminating NUL */
static int file_slurp(const char *path, char **out, size_t *len)
{
	size_t cap = 1 << 23, n = 0, got;
	char *buf, *more;
	FILE *f;
	int err = 0;

	f = fopen(path, "re");
	if (!f)
		return -errno;
	buf = malloc(cap);
	while (buf) {
		got = fread(buf + n, 1, cap - n - 1, f);
		n += got;
		if (!got)
			break;
		if (n + 1 < cap)
			continue;
		more = realloc(buf, cap *= 2);
		if (!more)
			free(buf);
		buf = more;
	}
	if (!buf)
		err = -ENOMEM;
	else if (ferror(f))
		err = -EIO;
	fclose(f);
	if (err) {
		free(buf);
		return err;
	}
	buf[n] = 0;
	*out = buf;
	*len = n + 1;
	return 0;
}

static int cmp_name(const void *a, const void *b, void *text)
{
	const struct ksym *x = a, *y = b;

	return strcmp((char *)text + x->name, (char *)text + y->name);
}

static int cmp_addr(const void *a, const void *b)
{
	const struct ksym *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* "ffffffff81000000 T name\t[module]"; returns the start of the next line */
static char *line_parse(struct ksyms *k, char *line, struct ksym *sym)
{
	char *end = strchr(line, '\n'), *name, *mod;

	if (end)
		*end = 0;
	sym->addr = strtoull(line, &name, 16);
	sym->name = 0;
	sym->module = 0;
	if (name != line && name[0] == ' ' && name[1] && name[2] == ' ') {
		name += 3;
		mod = strchr(name, '\t');
		if (mod) {
			*mod++ = 0;
			if (*mod == '[') {
				mod++;
				mod[strcspn(mod, "]")] = 0;
			}
			sym->module = mod - k->text;
		}
		sym->name = name - k->text;
	}
	return end ? end + 1 : NULL;
}

static int syms_parse(struct ksyms *k)
{
	size_t cap = 0;
	char *line = k->text;

	while (line && *line) {
		if (k->n == cap) {
			struct ksym *more;

			cap = cap ? cap * 2 : 1 << 18;
			more = reallocarray(k->by_name, cap, sizeof(*more));
			if (!more)
				return -ENOMEM;
			k->by_name = more;
		}
		line = line_parse(k, line, &k->by_name[k->n]);
		if (k->by_name[k->n].name)
			k->n++;
	}
	return k->n ? 0 : -ENOENT;
}

int ksyms_load(struct ksyms **out)
{
	struct ksyms *k = calloc(1, sizeof(*k));
	size_t len;
	int err;

	if (!k)
		return -ENOMEM;
	err = file_slurp("/proc/kallsyms", &k->text, &len);
	if (!err)
		err = syms_parse(k);
	if (err)
		goto fail;
	k->by_addr = reallocarray(NULL, k->n, sizeof(*k->by_addr));
	if (!k->by_addr) {
		err = -ENOMEM;
		goto fail;
	}
	memcpy(k->by_addr, k->by_name, k->n * sizeof(*k->by_addr));
	qsort_r(k->by_name, k->n, sizeof(*k->by_name), cmp_name, k->text);
	qsort(k->by_addr, k->n, sizeof(*k->by_addr), cmp_addr);
	*out = k;
	return 0;
fail:
	ksyms_free(k);
	return err;
}

void ksyms_free(struct ksyms *k)
{
	if (!k)
		return;
	free(k->by_name);
	free(k->by_addr);
	free(k->text);
	free(k);
}

static const struct ksym *sym_by_name(const struct ksyms *k, const char *name)
{
	size_t lo = 0, hi = k->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(k->text + k->by_name[mid].name, name);

		if (!c)
			return &k->by_name[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static const char *sym_module(const struct ksyms *k, const struct ksym *sym)
{
	return sym->module ? k->text + sym->module : "";
}

bool ksyms_has(const struct ksyms *k, const char *name, const char **module)
{
	const struct ksym *sym = sym_by_name(k, name);

	if (sym && module)
		*module = sym_module(k, sym);
	return sym != NULL;
}

__u64 ksyms_addr(const struct ksyms *k, const char *name)
{
	const struct ksym *sym = sym_by_name(k, name);

	return sym ? sym->addr : 0;
}

const char *ksyms_find(const struct ksyms *k, __u64 addr, __u64 *offset, const char **module)
{
	size_t lo = 0, hi = k->n;
	const struct ksym *sym;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (k->by_addr[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return NULL;
	sym = &k->by_addr[lo - 1];
	if (!sym->addr || addr - sym->addr >= KSYM_NEAR)
		return NULL;
	*offset = addr - sym->addr;
	if (module)
		*module = sym_module(k, sym);
	return k->text + sym->name;
}
