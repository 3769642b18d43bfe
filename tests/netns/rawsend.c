// SPDX-License-Identifier: GPL-2.0
/*
 * rawsend DEV COUNT RATE DST_MAC SRC DST DPORT [VID]: UDP datagrams as whole frames, with an
 * 802.1Q tag in the frame when there is a VID. Prints how many the kernel took.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAYLOAD 64

static unsigned char *put16(unsigned char *p, unsigned int v)
{
	p[0] = v >> 8;
	p[1] = v;
	return p + 2;
}

static unsigned int checksum(const unsigned char *p, size_t n)
{
	unsigned int sum = 0;
	size_t i;

	for (i = 0; i < n; i += 2)
		sum += p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* Returns the length; *id: place of what counts the frames in the payload */
static size_t frame_make(unsigned char *f, char **argv, const char *vid, unsigned char **id)
{
	unsigned char *p = f, *ip;
	unsigned int mac[6], i;

	if (sscanf(argv[4], "%x:%x:%x:%x:%x:%x", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) != 6)
		return 0;
	for (i = 0; i < 6; i++)
		*p++ = mac[i];
	memcpy(p, "\x02\x00\x00\x00\x00\x01", 6);
	p += 6;
	if (vid)
		p = put16(put16(p, ETH_P_8021Q), atoi(vid));
	p = put16(p, ETH_P_IP);
	ip = p;
	p = put16(put16(put16(put16(p, 0x4500), 28 + PAYLOAD), 0), 0x4000);
	p = put16(put16(p, 64 << 8 | IPPROTO_UDP), 0);
	if (!inet_pton(AF_INET, argv[5], p) || !inet_pton(AF_INET, argv[6], p + 4))
		return 0;
	p += 8;
	put16(ip + 10, checksum(ip, 20));
	p = put16(put16(put16(put16(p, 4000), atoi(argv[7])), 8 + PAYLOAD), 0);
	memset(p, 0, PAYLOAD);
	*id = p;
	return p + PAYLOAD - f;
}

int main(int argc, char **argv)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	unsigned char frame[256], *id;
	struct timespec pause = {};
	unsigned int i, sent = 0;
	size_t n;
	int fd;

	if (argc < 8 || argc > 9) {
		fprintf(stderr, "usage: rawsend DEV COUNT RATE DST_MAC SRC DST DPORT [VID]\n");
		return 2;
	}
	to.sll_ifindex = if_nametoindex(argv[1]);
	pause.tv_nsec = 1000000000 / atoi(argv[3]);
	n = frame_make(frame, argv, argc == 9 ? argv[8] : NULL, &id);
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (!n || fd < 0 || !to.sll_ifindex) {
		fprintf(stderr, "rawsend: bad argument, or %s\n", strerror(errno));
		return 1;
	}
	for (i = 0; i < (unsigned int)atoi(argv[2]); i++) {
		put16(put16(id, i >> 16), i);
		sent += sendto(fd, frame, n, 0, (struct sockaddr *)&to, sizeof(to)) == (ssize_t)n;
		nanosleep(&pause, NULL);
	}
	printf("sent %u\n", sent);
	return 0;
}
