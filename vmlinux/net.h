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

struct sock;

struct sk_buff {
	struct sk_buff *next;
	/* shares its word with dev_scratch (after a UDP socket queued it) and rbnode (TCP) */
	struct net_device *dev;
	unsigned int len;
	unsigned int data_len;
	__u16 queue_mapping;
	int skb_iif;
	__be16 protocol;
	__be16 vlan_proto;
	__u16 vlan_tci;
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

struct xdp_buff {
	void *data;
	void *data_end;
};

struct net_bridge_port {
	struct net_device *dev;
};

struct msghdr {
	void *msg_control;
};

struct socket {
	struct file *file;
	short type;
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
