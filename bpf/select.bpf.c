// SPDX-License-Identifier: GPL-2.0
/*
 * Which packets are looked at, see select.bpf.h.
 *
 * Everything here is a global function that takes the skb as a number, so that the verifier looks
 * at it once for a program, and the frame of one is not on the stack of another.
 */
#include "filter.bpf.h"
#include "sock.bpf.h"

#define TCP_OFF_AT 12 /* the header's length, in its upper half */

/* The same numbers for a packet at all hops, as far as the headers are its own */
struct skb_place {
	__u64 head;
	__u32 start; /* of the Ethernet or network header, in the buffer */
	__u32 tail;
	__u32 data_len;
	__u32 proto; /* argument of key_fill() */
};

static __always_inline void skb_locate(struct sk_buff *skb, __u16 type, struct skb_place *at)
{
	__u32 mac = READ(PROBED, skb, mac_header);

	at->head = (__u64)READ(PROBED, skb, head);
	at->tail = READ(PROBED, skb, tail);
	at->data_len = READ(PROBED, skb, data_len);
	at->proto = READ(PROBED, skb, protocol);
	at->start = mac;
	if (!has_ethernet(skb, PROBED, mac, type)) {
		at->start = READ(PROBED, skb, network_header);
		at->proto |= KEY_AT_L3;
	}
}

/* The header that the packet came in, where it is an Ethernet one: a tunnel leaves none */
static __always_inline void link_locate(struct sk_buff *skb, struct skb_place *at)
{
	__u32 mac = READ(PROBED, skb, mac_header);

	if (mac == MAC_UNSET || mac + ETH_HLEN != at->start)
		return;
	at->start = mac;
	at->proto &= ~KEY_AT_L3;
}

/* enum filter_verdict. noinline: its frame is as large as a stack has room for */
__noinline int filter_skb(__u64 addr, __u32 how)
{
	struct sk_buff *skb = (void *)addr;
	struct filter_frame f = {};
	struct skb_place at;
	__u32 linear;

	if (!cfg_filter)
		return FILTER_PASS;
	skb_locate(skb, how, &at);
	if (how & SELECT_IN)
		link_locate(skb, &at);
	if (at.tail <= at.start)
		return FILTER_UNSURE;
	linear = at.tail - at.start;
	frame_fill(&f, at.head + at.start, linear, linear + at.data_len, at.proto, skb_tag(skb));
	return filter_run(&f);
}

/*
 * One in cfg_sample, by what no hop changes: the same packets at every hop and in every domain.
 * TCP: by flow, since its packets are merged and split on the way; fragments: by addresses and
 * protocol. Others: by key and the first bytes of the payload, for a key may be that of a whole flow
 * (UDP without an IP ID); where these are in a fragment of the skb it is not known.
 */
static __always_inline int sample_event(const struct pl_event *e)
{
	__u64 id = e->key ^ e->pay;

	if (!(e->flags & PL_F_KEY))
		return FILTER_UNSURE;
	if (e->proto == IPPROTO_TCP || (e->flags & PL_F_FRAG))
		id = e->arg;
	else if (!(e->flags & PL_F_PAY) && (e->flags & PL_F_NONLIN))
		return FILTER_UNSURE;
	id = mix(mix(0x706b746c6170ULL, id), 0);
	return (__u32)(id >> 32) % cfg_sample ? FILTER_REJECT : FILTER_PASS;
}

__noinline int sample_skb(__u64 addr, __u32 how)
{
	struct pl_event e = {};
	struct skb_place at;

	if (!cfg_sample)
		return FILTER_PASS;
	skb_locate((void *)addr, how, &at);
	if (at.tail <= at.start)
		return FILTER_UNSURE;
	key_fill(&e, at.head + at.start, at.tail - at.start, at.tail - at.start + at.data_len,
		 at.proto);
	if (at.data_len)
		e.flags |= PL_F_NONLIN;
	return sample_event(&e);
}

/* Both, of linear of the whole bytes of a packet at l2; proto, tag: as for frame_fill() */
__noinline int filter_bytes(__u64 l2, __u32 linear, __u32 whole, __u32 proto, __u32 tag)
{
	struct filter_frame f = {};

	if (!cfg_filter)
		return FILTER_PASS;
	frame_fill(&f, l2, linear, whole, proto, tag);
	return filter_run(&f);
}

__noinline int sample_bytes(__u64 l2, __u32 linear, __u32 whole, __u32 proto)
{
	struct pl_event e = {};

	if (!cfg_sample)
		return FILTER_PASS;
	key_fill(&e, l2, linear, whole, proto);
	if (linear < whole)
		e.flags |= PL_F_NONLIN;
	return sample_event(&e);
}

static __always_inline int verdict_both(int filter, int sample)
{
	if (filter == FILTER_REJECT || sample == FILTER_REJECT)
		return FILTER_REJECT;
	return filter == FILTER_UNSURE || sample == FILTER_UNSURE ? FILTER_UNSURE : FILTER_PASS;
}

__noinline int select_bytes(__u64 l2, __u32 linear, __u32 whole, __u32 proto, __u32 tag)
{
	int verdict;

	if (!cfg_select)
		return FILTER_PASS;
	verdict = filter_bytes(l2, linear, whole, proto, tag);
	if (verdict == FILTER_REJECT)
		return verdict;
	return verdict_both(verdict, sample_bytes(l2, linear, whole, proto));
}

/* Remember a selected packet, once while it has this skb and this buffer */
__noinline int follow_begin(__u64 addr, __u32 how)
{
	const struct pl_event *was;
	struct pl_selected *here;
	struct pl_event now = {};
	struct skb_place at;

	if (!cfg_select)
		return 0;
	skb_locate((void *)addr, how, &at);
	was = bpf_map_lookup_elem(&followed, &addr);
	if (was && was->obj == at.head && !(how & SELECT_BORN))
		return 0;
	if (at.tail <= at.start)
		return 0;
	now.obj = at.head;
	now.ifindex = at.start + (at.proto & KEY_AT_L3 ? 0 : ETH_HLEN);
	now.len = at.tail - now.ifindex;
	now.queue = at.proto;
	key_fill(&now, at.head + at.start, at.tail - at.start, at.tail - at.start + at.data_len,
		 at.proto);
	if (!(now.flags & PL_F_KEY))
		return 0;
	now.flags &= PL_F_KEY | PL_F_PAY | PL_F_FRAG;
	if (bpf_map_update_elem(&followed, &addr, &now, BPF_ANY)) {
		here = selected_here();
		if (here)
			here->unfollowed++;
	}
	return 0;
}

/*
 * The identity, in e, of the bytes that were the packet's network header when it was selected: of
 * a packet that has been put into another one, or taken out of one, they still are there.
 */
static __always_inline void follow_key(struct pl_event *e, const struct pl_event *was,
				       const struct skb_place *at)
{
	__u32 l3 = was->obj == at->head ? was->ifindex : at->tail - was->len;

	if (at->tail > l3)
		key_fill(e, at->head + l3, at->tail - l3, at->tail - l3 + at->data_len,
			 was->queue | KEY_AT_L3);
}

/*
 * Was it selected before? FILTER_PASS: yes, as what it is now. It is the same packet when it has the same skb,
 * and the same key, now or where it had it then; or, with --follow-nat, as long as the skb has not
 * been seen to be freed or new.
 */
__noinline int follow_find(__u64 addr, __u32 how)
{
	struct pl_event *was;
	struct pl_event e = {};
	struct skb_place at;

	if (!cfg_select)
		return FILTER_REJECT;
	was = bpf_map_lookup_elem(&followed, &addr);
	if (!was)
		return FILTER_REJECT;
	skb_locate((void *)addr, how, &at);
	if (at.tail > at.start)
		key_fill(&e, at.head + at.start, at.tail - at.start,
			 at.tail - at.start + at.data_len, at.proto);
	if ((e.flags & PL_F_KEY) && e.key == was->key)
		return FILTER_PASS;
	e.flags = 0;
	follow_key(&e, was, &at);
	if ((e.flags & PL_F_KEY) && e.key == was->key)
		return SELECT_FOLLOWED;
	if (cfg_follow_nat && !(how & SELECT_BORN))
		return SELECT_FOLLOWED;
	bpf_map_delete_elem(&followed, &addr);
	return FILTER_REJECT;
}

/* Identity of a followed packet, as it was, into its event */
__noinline int follow_fill(struct pl_event *e, __u64 addr, __u32 how)
{
	struct pl_event *was;
	struct skb_place at;

	if (!e || !cfg_select)
		return 0;
	was = bpf_map_lookup_elem(&followed, &addr);
	if (!was)
		return 0;
	skb_locate((void *)addr, how, &at);
	follow_key(e, was, &at);
	if ((e->flags & PL_F_KEY) && e->key == was->key)
		return 0;
	e->key = was->key;
	e->pay = was->pay;
	e->arg = was->arg;
	e->proto = was->proto;
	e->flags = (e->flags & ~(PL_F_KEY | PL_F_PAY | PL_F_FRAG)) | was->flags;
	return 0;
}

/* Is the packet of this skb looked at? */
__noinline int select_skb(__u64 addr, __u32 how)
{
	int verdict, found;

	if (!cfg_select)
		return FILTER_PASS;
	verdict = filter_skb(addr, how);
	if (verdict != FILTER_REJECT)
		verdict = verdict_both(verdict, sample_skb(addr, how));
	/* an end that may be another packet's tells nothing */
	if (verdict == FILTER_UNSURE && (how & SELECT_ENDS))
		verdict = FILTER_REJECT;
	/* what it is now may match, too: it is still the packet that it was */
	found = follow_find(addr, how);
	if (found == SELECT_FOLLOWED)
		return found;
	if (verdict == FILTER_PASS && !(how & SELECT_ENDS))
		follow_begin(addr, how);
	return found == FILTER_REJECT ? verdict : found;
}

/* The event of the write that this task's packet comes from */
static __always_inline void send_told(struct sock *sk)
{
	__u32 tid = current_tid();
	struct pl_send *kept = bpf_map_lookup_elem(&sends, &tid);
	struct pl_event *e;

	if (!kept || !kept->ts || kept->sk != address_of(sk))
		return;
	e = event_begin_at(kept->hook, 0, kept->netns);
	if (e) {
		e->ts = kept->ts;
		e->obj = kept->sk;
		e->len = kept->size;
		e->arg = kept->flow;
		e->vlan = kept->vlan;
		e->queue = kept->port;
		e->proto = IPPROTO_UDP;
		e->flags |= PL_F_SOCK | PL_F_SAVED;
		event_end(e);
	}
	kept->ts = 0;
}

/* Bytes of TCP's payload in a packet that TCP has made here */
static __always_inline __u32 tcp_payload(struct sk_buff *skb)
{
	__u32 at = READ(PROBED, skb, transport_header), all;
	__u64 head = (__u64)READ(PROBED, skb, head);
	__u8 off = 0;

	bpf_probe_read_kernel(&off, sizeof(off), (void *)(head + at + TCP_OFF_AT));
	all = READ(PROBED, skb, tail) + READ(PROBED, skb, data_len) - at;
	return all - (off >> 4) * 4;
}

__noinline int sends_out(__u64 skb, __u64 sk, __u32 yes)
{
	struct sock *sock = (void *)sk;
	struct pl_sock *known;

	if (!cfg_select || !sk)
		return 0;
	if (yes)
		send_told(sock);
	if (!READ(PROBED, sock, __sk_common.skc_dport) || !sock_is_tcp(sock, PROBED))
		return 0;
	if (!yes && !tcp_payload((void *)skb))
		return 0;
	known = sock_know(sock);
	if (known && yes)
		known->sends = 1;
	else if (known)
		known->others = 1;
	return 0;
}
