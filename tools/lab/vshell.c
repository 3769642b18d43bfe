// SPDX-License-Identifier: GPL-2.0
/*
 * vshell: run a shell command in a lab guest over vsock
 *
 *   vshell serve PORT          (guest) run the commands that come in
 *   vshell CID PORT COMMAND    (host) run COMMAND with this program's stdin, stdout and
 *                              stderr; exit with its status, or 125 when there is no guest
 *
 * Both directions carry frames: one byte for the stream, two for the length, data.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { F_STDIN,
       F_STDOUT,
       F_STDERR,
       F_COMMAND,
       F_EXIT };

struct frame {
	uint8_t stream;
	uint16_t len;
	char data[8192];
};

static int write_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int read_all(int fd, void *buf, size_t len)
{
	char *p = buf;

	while (len) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int send_frame(int sock, int stream, const void *data, size_t len)
{
	unsigned char buf[3 + sizeof(((struct frame *)0)->data)];

	buf[0] = (unsigned char)stream;
	buf[1] = (unsigned char)(len >> 8);
	buf[2] = (unsigned char)len;
	memcpy(buf + 3, data, len);
	return write_all(sock, buf, 3 + len);
}

static int recv_frame(int sock, struct frame *f)
{
	unsigned char head[3];

	if (read_all(sock, head, sizeof(head)))
		return -1;
	f->stream = head[0];
	f->len = (uint16_t)(head[1] << 8 | head[2]);
	if (f->len > sizeof(f->data))
		return -1;
	return read_all(sock, f->data, f->len);
}

/* What came from FD goes out as a frame of STREAM; an empty frame tells its end. */
static int forward(int fd, int sock, int stream)
{
	char buf[sizeof(((struct frame *)0)->data)];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n < 0 && errno == EINTR)
		return 1;
	if (n < 0)
		n = 0;
	if (send_frame(sock, stream, buf, (size_t)n))
		return -1;
	return n > 0;
}

static pid_t spawn(const char *cmd, int fds[3])
{
	int in[2], out[2], err[2];
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		setsid();
		signal(SIGPIPE, SIG_DFL);
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		execl("/bin/sh", "sh", "-c", cmd, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	fds[0] = in[1];
	fds[1] = out[0];
	fds[2] = err[0];
	return pid;
}

/* Relay until the command has ended; its status, or -1 when the other side left. */
static int relay_command(int sock, pid_t pid, int fds[3], struct frame *f)
{
	int status;

	for (;;) {
		struct pollfd p[] = {
			{ .fd = fds[1], .events = POLLIN },
			{ .fd = fds[2], .events = POLLIN },
			{ .fd = sock, .events = POLLIN },
		};
		int idle = poll(p, 3, 50) == 0;

		for (int i = 0; i < 2; i++) {
			if (!p[i].revents)
				continue;
			int r = forward(fds[i + 1], sock, i ? F_STDERR : F_STDOUT);

			if (r < 0)
				return -1;
			if (!r) {
				close(fds[i + 1]);
				fds[i + 1] = -1;
			}
		}
		if (p[2].revents) {
			if (recv_frame(sock, f) || f->stream != F_STDIN)
				return -1;
			if (fds[0] >= 0 && (!f->len || write_all(fds[0], f->data, f->len))) {
				close(fds[0]);
				fds[0] = -1;
			}
		}
		/*
		 * A background process of the command may keep the pipes open: the
		 * command's own end counts, once what it wrote has been read.
		 */
		if ((idle || (fds[1] < 0 && fds[2] < 0)) && waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

static void serve_one(int sock)
{
	static struct frame f;
	char cmd[sizeof(f.data) + 1];
	unsigned char rc;
	int fds[3], st;
	pid_t pid;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	if (recv_frame(sock, &f) || f.stream != F_COMMAND)
		return;
	memcpy(cmd, f.data, f.len);
	cmd[f.len] = 0;
	pid = spawn(cmd, fds);
	if (pid < 0)
		return;
	st = relay_command(sock, pid, fds, &f);
	if (st < 0) {
		kill(-pid, SIGKILL);
		return;
	}
	rc = (unsigned char)st;
	send_frame(sock, F_EXIT, &rc, 1);
}

static int serve(unsigned int port)
{
	struct sockaddr_vm a = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_ANY,
		.svm_port = port,
	};
	int s = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (s < 0 || bind(s, (struct sockaddr *)&a, sizeof(a)) || listen(s, 8)) {
		perror("vshell: vsock");
		return 1;
	}
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int c = accept4(s, NULL, NULL, SOCK_CLOEXEC);

		if (c < 0)
			continue;
		if (!fork()) {
			close(s);
			serve_one(c);
			_exit(0);
		}
		close(c);
	}
}

static int run(unsigned int cid, unsigned int port, const char *cmd)
{
	struct sockaddr_vm a = { .svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port };
	int s = socket(AF_VSOCK, SOCK_STREAM, 0), in = 0;
	static struct frame f;

	if (s < 0 || connect(s, (struct sockaddr *)&a, sizeof(a))) {
		fprintf(stderr, "vshell: guest %u: %s\n", cid, strerror(errno));
		return 125;
	}
	if (strlen(cmd) > sizeof(f.data)) {
		fprintf(stderr, "vshell: command longer than %zu bytes\n", sizeof(f.data));
		return 2;
	}
	if (send_frame(s, F_COMMAND, cmd, strlen(cmd)))
		return 125;
	for (;;) {
		struct pollfd p[] = {
			{ .fd = s, .events = POLLIN },
			{ .fd = in, .events = POLLIN },
		};

		if (poll(p, 2, -1) < 0)
			continue;
		/* the guest ended while input was left: its frames tell why */
		if (p[1].revents && forward(in, s, F_STDIN) <= 0)
			in = -1;
		if (!p[0].revents)
			continue;
		if (recv_frame(s, &f)) {
			fprintf(stderr, "vshell: the guest closed the connection\n");
			return 125;
		}
		if (f.stream == F_EXIT)
			return f.len ? (unsigned char)f.data[0] : 125;
		if (f.len && write_all(f.stream == F_STDERR ? 2 : 1, f.data, f.len))
			return 1;
	}
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve((unsigned int)strtoul(argv[2], NULL, 10));
	if (argc == 4)
		return run((unsigned int)strtoul(argv[1], NULL, 10),
			   (unsigned int)strtoul(argv[2], NULL, 10), argv[3]);
	fprintf(stderr, "usage: vshell serve PORT | vshell CID PORT COMMAND\n");
	return 2;
}
