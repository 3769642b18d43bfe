/* SPDX-License-Identifier: GPL-2.0 */
/* Packets and devices: include/linux/skbuff.h, netdevice.h, net/net_namespace.h, net/xdp.h */

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct net_device {
	int ifindex;
	unsigned short type; /* ARPHRD_* */
	possible_net_t nd_net;
};

struct in6_addr {
	union {
		__be32 u6_addr32[4];
	} in6_u;
};

/* include/net/sock.h: what all sockets have, those of handshakes and in TIME_WAIT too */
struct sock_common {
	unsigned short skc_family;
	__u16 skc_num; /* local port, host order */
	__be16 skc_dport;
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	possible_net_t skc_net;
};

struct sk_buff_head {
	struct sk_buff *prev; /* the one that was queued last */
	__u32 qlen;
};

struct socket_wq {
	struct wait_queue_head wait;
};

struct sock {
	struct sock_common __sk_common;
	struct sk_buff_head sk_receive_queue;
	struct socket_wq *sk_wq;
	__u16 sk_type;
	__u16 sk_protocol;
};

/* include/linux/tcp.h; begins with its struct sock */
struct tcp_sock {
	__u32 write_seq; /* of the next byte that the application writes */
	__u32 copied_seq; /* of the next byte that it reads */
};

/* include/linux/udp.h; begins with its struct sock */
struct udp_sock {
	struct sk_buff_head reader_queue; /* what its reader has taken out of sk_receive_queue, unread */
};

struct sk_buff {
	struct sk_buff *next;
	struct sock *sk;
	/* shares its word with dev_scratch (after a UDP socket queued it) and rbnode (TCP) */
	struct net_device *dev;
	unsigned int len;
	unsigned int data_len;
	__u16 queue_mapping;
	int skb_iif;
	__be16 protocol;
	__be16 vlan_proto;
	__u16 vlan_tci;
	__u16 transport_header;
	__u16 network_header;
	__u16 mac_header;
	unsigned int tail; /* sk_buff_data_t: an offset on 64-bit */
	unsigned int end;
	unsigned char *head;
	unsigned char *data;
	char cb[48];
};

/* in skb->cb while GRO has the skb */
struct napi_gro_cb {
	void *frag0; /* headers that are not linear; NULL: they are */
	unsigned int frag0_len;
};

/* the bit went away when vlan_all was made to say it (6.3, commit 354259fa73e2) */
struct sk_buff___before_6_3 {
	__u8 vlan_present : 1;
};

struct sk_buff___6_3 {
	__u32 vlan_all;
};

struct skb_shared_info {
	unsigned short gso_size;
};

struct napi_struct {
	struct net_device *dev;
};

struct rtnl_link_stats64 { /* include/uapi/linux/if_link.h: nothing but words */
	__u64 rx_packets;
};

struct xdp_buff {
	void *data;
	void *data_end;
};

struct net_bridge_port {
	struct net_device *dev;
};

struct iov_iter {
	size_t count; /* bytes left */
};

struct msghdr {
	void *msg_control;
	struct iov_iter msg_iter;
};

struct socket {
	struct file *file;
	short type;
	struct sock *sk;
};

/* drivers/net/tun.c (module tun) */
struct tun_struct {
	struct net_device *dev;
};

struct tun_file {
	struct socket socket; /* embedded */
	struct tun_struct *tun;
};

/* include/linux/if_tun.h: how vhost-net hands a batch to the tap */
struct tun_msg_ctl {
	unsigned short type;
	unsigned short num;
	void *ptr;
};
