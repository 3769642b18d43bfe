// SPDX-License-Identifier: GPL-2.0
/*
 * tapread DEV [DELAY_MS [COUNT]]: open the tap DEV and read its packets, sleeping DELAY_MS before
 * each read; a guest without a VM. "ready" on stdout when it is attached; at SIGTERM, SIGINT or
 * after COUNT packets prints "read N". With DELAY_MS -1 it attaches and never reads.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static int tap_open(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR);

	if (fd < 0)
		return -1;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	return ioctl(fd, TUNSETIFF, &ifr) ? -1 : fd;
}

int main(int argc, char **argv)
{
	const struct sigaction sa = { .sa_handler = on_signal }; /* no SA_RESTART: ends read() */
	long delay = argc > 2 ? atol(argv[2]) : 0;
	unsigned long want = argc > 3 ? strtoul(argv[3], NULL, 10) : 0, n = 0;
	struct timespec pause = { .tv_sec = delay / 1000, .tv_nsec = delay % 1000 * 1000000 };
	static char buf[65536];
	int fd;

	if (argc < 2)
		return 2;
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	fd = tap_open(argv[1]);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (delay < 0 && !stop)
		sleep(1);
	while (!stop && (!want || n < want)) {
		if (delay)
			nanosleep(&pause, NULL);
		if (stop)
			break;
		if (read(fd, buf, sizeof(buf)) < 0) {
			if (errno == EINTR)
				break;
			perror("read");
			return 1;
		}
		n++;
	}
	printf("read %lu\n", n);
	return 0;
}
