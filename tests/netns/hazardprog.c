// SPDX-License-Identifier: GPL-2.0
/*
 * hazardprog OBJECT PROGRAM attach                 attach it where its section says, by a link
 * hazardprog OBJECT PROGRAM ioctl GROUP NAME       to the event of this name in tracefs, without one
 * hazardprog OBJECT PROGRAM freplace PROG_ID FUNC [try]  in the place of a loaded program's function
 * hazardprog OBJECT PROGRAM entry MAP_ID KEY N     into {N, program} of a devmap or cpumap
 *
 * Load one program, put it there, print "ready" and hold it until killed.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct bpf_object *object_open(const char *path, const char *name, struct bpf_program **prog)
{
	struct bpf_object *obj = bpf_object__open_file(path, NULL);
	struct bpf_program *p;

	if (!obj)
		die(path);
	*prog = bpf_object__find_program_by_name(obj, name);
	if (!*prog)
		die(name);
	bpf_object__for_each_program(p, obj)
		bpf_program__set_autoload(p, p == *prog);
	return obj;
}

static void entry_put(int prog_fd, char **arg)
{
	struct {
		__u32 first;
		int prog_fd;
	} value = { atoi(arg[2]), prog_fd };
	__u32 key = atoi(arg[1]);
	int fd = bpf_map_get_fd_by_id(atoi(arg[0]));

	if (fd < 0 || bpf_map_update_elem(fd, &key, &value, BPF_ANY))
		die("map");
	close(fd);
}

static void event_attach(int prog_fd, char **arg)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr), .sample_period = 1
	};
	char path[256];
	FILE *f;
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/tracing/events/%s/%s/id", arg[0], arg[1]);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%llu", &attr.config) != 1)
		die(path);
	fclose(f);
	fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0);
	if (fd < 0 || ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog_fd) || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
		die("perf event");
}

int main(int argc, char **argv)
{
	struct bpf_program *prog;
	struct bpf_object *obj;
	const char *how;

	if (argc < 4)
		return 2;
	how = argv[3];
	obj = object_open(argv[1], argv[2], &prog);
	if (!strcmp(how, "freplace") &&
	    bpf_program__set_attach_target(prog, bpf_prog_get_fd_by_id(atoi(argv[4])), argv[5]))
		die("target");
	if (bpf_object__load(obj))
		die("load");
	if (!strcmp(how, "ioctl"))
		event_attach(bpf_program__fd(prog), argv + 4);
	else if (!strcmp(how, "entry"))
		entry_put(bpf_program__fd(prog), argv + 4);
	else if (!bpf_program__attach(prog))
		die("attach");
	if (!strcmp(argv[argc - 1], "try"))
		return 0;
	puts("ready");
	fflush(stdout);
	/* what entry put there stays by itself; the rest ends with this process */
	pause();
	return 0;
}
