// SPDX-License-Identifier: GPL-2.0
#include "kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define LIVE_BTF "/sys/kernel/btf"

int names_add(struct names *s, const char *name, size_t len)
{
	char **v;

	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 65536;
		v = realloc(s->v, s->room * sizeof(*v));
		if (!v)
			return -1;
		s->v = v;
	}
	s->v[s->n] = strndup(name, len);
	return s->v[s->n++] ? 0 : -1;
}

static int cmp_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

unsigned int kernel_symbols(const struct kernel *k, const char *name)
{
	const struct names *s = &k->symbols;
	unsigned int n = 0;
	char **hit, **end;

	if (!s->n)
		return 0;
	hit = bsearch(&name, s->v, s->n, sizeof(*s->v), cmp_name);
	if (!hit)
		return 0;
	while (hit > s->v && !strcmp(hit[-1], name))
		hit--;
	for (end = s->v + s->n; hit < end && !strcmp(*hit, name); hit++)
		n++;
	return n;
}

static int fail(const char *path, const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", path, what, strerror(errno));
	return -1;
}

static int module_add(struct kernel *k, const char *name, const char *path)
{
	struct module *m = &k->mod[k->nmod];

	if (k->nmod == MODULES_MAX)
		return fail(path, "too many modules");
	m->btf = k->nmod ? btf__parse_split(path, k->mod[0].btf) : btf__parse(path, NULL);
	if (!m->btf)
		return fail(path, "no BTF");
	m->first = k->nmod ? btf__type_cnt(k->mod[0].btf) : 1;
	snprintf(m->name, sizeof(m->name), "%s", name);
	k->nmod++;
	return 0;
}

/* Modules in an order that does not depend on the directory's */
static int modules_add(struct kernel *k, const char *dir, const char *suffix)
{
	struct dirent **list;
	char path[4096], name[256];
	int i, n, err = 0;

	n = scandir(dir, &list, NULL, alphasort);
	if (n < 0)
		return fail(dir, "cannot be read");
	for (i = 0; i < n; i++) {
		size_t len = strlen(list[i]->d_name), cut = strlen(suffix);

		if (!err && list[i]->d_name[0] != '.' && strcmp(list[i]->d_name, "vmlinux") &&
		    len > cut && !strcmp(list[i]->d_name + len - cut, suffix)) {
			snprintf(name, sizeof(name), "%.*s", (int)(len - cut), list[i]->d_name);
			snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
			err = module_add(k, name, path);
		}
		free(list[i]);
	}
	free(list);
	return err;
}

static int symbols_of_elf(struct names *out, Elf *elf)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;
	Elf_Data *data;
	GElf_Sym sym;
	size_t i;

	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &sh) || sh.sh_type != SHT_SYMTAB)
			continue;
		data = elf_getdata(scn, NULL);
		for (i = 0; data && i < sh.sh_size / sh.sh_entsize; i++) {
			const char *name;

			if (!gelf_getsym(data, i, &sym) || sym.st_shndx == SHN_UNDEF)
				continue;
			name = elf_strptr(elf, sh.sh_link, sym.st_name);
			if (name && *name && names_add(out, name, strlen(name)))
				return -1;
		}
	}
	return 0;
}

/* By the symbol table; an image without one has kallsyms' */
static int symbols_of_file(struct names *out, const char *path)
{
	size_t before = out->n;
	struct stat st;
	void *image;
	Elf *elf;
	int fd, err = -1;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return fail(path, "cannot be opened");
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf)
		err = symbols_of_elf(out, elf);
	elf_end(elf);
	if (!err && out->n == before) {
		image = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		err = image == MAP_FAILED ? -1 : kallsyms_decode(image, st.st_size, out);
		if (image != MAP_FAILED)
			munmap(image, st.st_size);
	}
	close(fd);
	return err ? fail(path, "no symbols found") : 0;
}

static int symbols_of_live(struct names *out)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[1024], name[512];
	int err = 0;

	if (!f)
		return fail("/proc/kallsyms", "cannot be opened");
	while (!err && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %*s %511s", name) == 1)
			err = names_add(out, name, strlen(name));
	fclose(f);
	return err;
}

static int kernel_load(struct kernel *k, const char *dir)
{
	char path[4096];
	unsigned int i;
	int err;

	snprintf(path, sizeof(path), "%s/vmlinux", dir);
	err = module_add(k, "vmlinux", path);
	if (!err)
		err = modules_add(k, dir, k->live ? "" : ".ko");
	if (err || k->live)
		return err ? err : symbols_of_live(&k->symbols);
	for (i = 0; i < k->nmod && !err; i++) {
		snprintf(path, sizeof(path), "%s/%s%s", dir, k->mod[i].name, i ? ".ko" : "");
		err = symbols_of_file(&k->symbols, path);
	}
	return err;
}

int kernel_open(struct kernel *k, const char *dir)
{
	struct utsname un;
	const char *base;

	memset(k, 0, sizeof(*k));
	k->live = !dir;
	elf_version(EV_CURRENT);
	if (k->live) {
		uname(&un);
		snprintf(k->version, sizeof(k->version), "%.63s", un.release);
		dir = LIVE_BTF;
	} else {
		base = strrchr(dir, '/');
		snprintf(k->version, sizeof(k->version), "%s", base ? base + 1 : dir);
	}
	if (sscanf(k->version, "%u.%u", &k->major, &k->minor) != 2) {
		fprintf(stderr, "%s: not the name of a kernel version\n", k->version);
		return -1;
	}
	if (kernel_load(k, dir))
		return -1;
	qsort(k->symbols.v, k->symbols.n, sizeof(*k->symbols.v), cmp_name);
	return 0;
}

void kernel_close(struct kernel *k)
{
	size_t i;

	/* modules' BTF refers to that of vmlinux, the first */
	while (k->nmod)
		btf__free(k->mod[--k->nmod].btf);
	for (i = 0; i < k->symbols.n; i++)
		free(k->symbols.v[i]);
	free(k->symbols.v);
}

static size_t essential_len(const char *name)
{
	const char *suffix = strstr(name, "___");

	return suffix && suffix != name ? (size_t)(suffix - name) : strlen(name);
}

unsigned int kernel_find(const struct kernel *k, const char *name, unsigned int kind,
			 struct place *out, unsigned int max)
{
	size_t len = essential_len(name);
	unsigned int i, n = 0;
	__u32 id;

	for (i = 0; i < k->nmod && !(i == 1 && n); i++) {
		const struct module *m = &k->mod[i];

		for (id = m->first; id < btf__type_cnt(m->btf) && n < max; id++) {
			const struct btf_type *t = btf__type_by_id(m->btf, id);
			const char *other;

			if (btf_kind(t) != kind)
				continue;
			other = btf__name_by_offset(m->btf, t->name_off);
			if (essential_len(other) == len && !strncmp(name, other, len))
				out[n++] = (struct place){ .mod = m, .id = id };
		}
	}
	return n;
}
