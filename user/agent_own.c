// SPDX-License-Identifier: GPL-2.0
#include "agent_own.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent_proto.h"

#define PARENTS_MAX 16 /* sshd, shell, sudo, its monitor, a shell again: a handful */

static bool starts_with(const char *entry, const char *name, const char **value)
{
	size_t n = strlen(name);

	*value = entry + n + 1;
	return !strncmp(entry, name, n) && entry[n] == '=';
}

/* What the process was started with. true: no need to look further up */
static bool environ_find(pid_t pid, char *to, size_t len)
{
	char path[64], *entry = NULL;
	bool found = false, local = false;
	const char *value;
	size_t room = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	f = fopen(path, "re");
	while (f && getdelim(&entry, &room, 0, f) > 0) {
		local |= starts_with(entry, AGENT_LOCAL_ENV, &value);
		if (starts_with(entry, "SSH_CONNECTION", &value)) {
			snprintf(to, len, "%s", value);
			found = true;
		}
	}
	free(entry);
	if (f)
		fclose(f);
	if (local)
		*to = 0; /* a recorder on this machine has started us: it is its ssh, not ours */
	return found || local;
}

/* 0: not known */
static pid_t parent_of(pid_t pid)
{
	char path[64], line[512], *end;
	pid_t parent = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	/* pid (name) state ppid: the name may have anything in it, brackets too */
	if (f && fgets(line, sizeof(line), f)) {
		end = strrchr(line, ')');
		if (!end || sscanf(end + 1, " %*c %d", &parent) != 1)
			parent = 0;
	}
	if (f)
		fclose(f);
	return parent;
}

void agent_own_ssh(char *own, size_t len)
{
	pid_t pid = getpid();
	int i;

	*own = 0;
	for (i = 0; i < PARENTS_MAX && pid > 1 && !environ_find(pid, own, len); i++)
		pid = parent_of(pid);
}
