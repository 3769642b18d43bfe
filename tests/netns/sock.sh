#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# From application to application, between two "containers" on a bridge and from the host itself:
# what a packet waits for at its socket is told apart, and has the size that was put there. For each
# way to wait for a socket: a reader that sleeps is woken; one that is kept from its CPU is late
# between wake-up and run; one that is busy elsewhere is not woken, and late.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

SOCKREAD=$top/build/tests/netns/sockread
SINK_NS=pktlap-sink-$$
MS=1000000
sink() { ip netns exec $SINK_NS "$@"; }

# send 10.9.0.1 -- port0 br0 (host 10.9.0.3) port1 -- 10.9.0.2 sink
sock_up()
{
	net_up || return 1
	trap 'ip netns del $SINK_NS 2>/dev/null; net_down' EXIT
	ip netns add $SINK_NS || return 1
	sink sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1
	ip -n $HOST_NS link add port1 type veth peer name eth0 netns $SINK_NS &&
		ip -n $HOST_NS link set port1 master br0 up &&
		ip -n $HOST_NS addr add 10.9.0.3/24 dev br0 &&
		ip -n $SINK_NS addr add 10.9.0.2/24 dev eth0 &&
		ip -n $SINK_NS link set eth0 up && ip -n $SINK_NS link set lo up || return 1
	wait_for 30 sender ping -q -c 1 -W 1 10.9.0.2 >/dev/null && wait_for 30 host ping -q -c 1 -W 1 10.9.0.2 >/dev/null ||
		return 1
	# nothing but the test's packets from here on: neighbours are known for good
	ip -n $SEND_NS neigh replace 10.9.0.2 lladdr "$(mac $SINK_NS eth0)" dev eth0 nud permanent
	ip -n $HOST_NS neigh replace 10.9.0.2 lladdr "$(mac $SINK_NS eth0)" dev br0 nud permanent
	ip -n $SEND_NS neigh replace 10.9.0.3 lladdr "$(mac $HOST_NS br0)" dev eth0 nud permanent
	ip -n $SINK_NS neigh replace 10.9.0.1 lladdr "$(mac $SEND_NS eth0)" dev eth0 nud permanent
	ip -n $SINK_NS neigh replace 10.9.0.3 lladdr "$(mac $HOST_NS br0)" dev eth0 nud permanent
}

mac() { ip netns exec "$1" cat "/sys/class/net/$2/address"; }

# rec NAME "READER ARGS" COMMAND [PREFIX...]: a reader in the sink, a recording of COMMAND, and its report
rec()
{
	local name=$1 args=$2 command=$3
	shift 3
	# shellcheck disable=SC2086 # words
	"$@" ip netns exec "${AT:-$SINK_NS}" timeout 30 "$SOCKREAD" $args >"$work/reader" 2>&1 &
	wait_for 5 grep -q ready "$work/reader" || not_ok "$name: reader" "$(cat "$work/reader")"
	# shellcheck disable=SC2086 # words
	host "$PKTLAP" record -q ${SCOPE:--i port0 -i port1 -i br0 -i eth0@$SINK_NS -i eth0@$SEND_NS} -o "$work/a.data" \
		-- bash -c "$command" 2>"$work/err"
	is $? 0 "$name: record"
	wait $!
	is "$(tail -n 1 "$work/reader")" "read $(cut -d' ' -f4 <<<"$args")" "$name: the reader got all"
	json "$work/a.data" . >"$work/a.json"
}

# The path of most packets that ends at the reader, as jq
path='([.paths[] | select([.hops[].hop] | index("app:recv"))] | max_by(.packets))'
hop_n() { q "[$path.hops[]? | select(.hop == \"$1\") | .n] | add // 0"; }
stage() { q "[$path.stages[]? | select(.from == \"$1\" and .to == \"$2\")][0].$3 // 0"; }
largest() { q "$path.stages | max_by(.share_ppm) | .from + \" \" + .to"; }

# datagrams one by one, by a process that is there
UDP="ip netns exec $SEND_NS bash -c 'for i in {1..20}; do echo \$i >/dev/udp/10.9.0.2/7788; sleep 0.02; done'"

# sleeping HOW NAME: a reader that sleeps. Each packet wakes it, and script has this NAME for how it waits
sleeping()
{
	rec "$1" "$1 udp 7788 20" "$UDP"
	is "$(q "$path.packets")" 20 "$1: all packets have a way that ends at the reader"
	is "$(q '[.packets.incomplete, .packets.ambiguous] | add')" 0 "$1: none is incomplete or ambiguous"
	# not when the reader of a busy machine has not got back to its wait by then
	between "$(hop_n app:wake)" 10 20 "$1: each wakes the reader"
	between "$(hop_n app:run)" 10 20 "$1: which runs then"
	between "$(stage app:wake app:run p50)" 1 $((10 * MS)) "$1: soon"
	is "$("$PKTLAP" script -v --slowest 20 "$work/a.data" | awk '/app:wake/ { print $NF }' | sort -u)" "$2" \
		"$1: and is said to wait so"
}

# A reader that is busy elsewhere when the second of two packets comes, for 30 ms less 5
busy()
{
	rec "$1, busy" "$1 udp 7788 20 30" "for i in \$(seq 10); do
		ip netns exec $SEND_NS $TRAFFIC udp-flood -n 2 -r 200 10.9.0.2 7788 >/dev/null; sleep 0.1; done"
	between "$(hop_n app:wake)" 5 10 "$1: busy elsewhere: only the first of two wakes it"
	between "$(stage sock:queue "$READ" p50)" $((15 * MS)) $((60 * MS)) \
		"$1: busy elsewhere: the second waits from queue to read, without a wake-up"
}

starved()
{
	rec "$1, starved" "$1 udp 9 20" "taskset -c 1 chrt -f 50 ip netns exec $SEND_NS $top/tests/vm/bin/starve 20 30 10.9.0.2" \
		taskset -c 1
	between "$(stage app:wake app:run p50)" $((20 * MS)) $((60 * MS)) \
		"$1: 30 ms without a CPU are found between wake-up and run"
	is "$(largest)" "app:wake app:run" "$1: and it is the largest stage"
}

# from NAMESPACE NAME: TCP by an application there. Every write is a packet of its own, followed from
# the write to the read
from()
{
	rec "tcp from $2" "epoll tcp 7788 20" "ip netns exec $1 bash -c 'exec 5<>/dev/tcp/10.9.0.2/7788
		for i in {1..20}; do echo \$i >&5; sleep 0.02; done'"
	is "$(q "$path.hops | map(.hop) | [first, last] | join(\" \")")" "app:send app:recv" \
		"tcp from $2: the way goes from application to application"
	is "$(q "$path.packets")" 20 "tcp from $2: for every write"
	is "$(q '[.packets.incomplete, .packets.ambiguous] | add')" 0 "tcp from $2: no packet is incomplete or ambiguous"
	between "$(hop_n app:wake)" 10 20 "tcp from $2: each wakes the reader"
}

# Only a port is named: what comes in there is followed up over its bridge to the host's socket. What the
# same socket gets from the other port, over the same bridge, is nobody's, and not taken for it
up()
{
	local AT=$HOST_NS SCOPE="-i port0" to=/dev/udp/10.9.0.3/7788
	# in turns
	rec up "recv udp 7788 30" "for i in {1..10}; do
			ip netns exec $SINK_NS bash -c 'echo other >$to'
			ip netns exec $SEND_NS bash -c 'echo \$i >$to; sleep 0.01; echo \$i >$to'
		done"
	is "$(q "$path | .chain[0] + \" \" + (.hops | last | .hop)")" "port0 app:recv" "a port: the way goes up to the reader"
	is "$(q "$path.packets")" 20 "a port: for every packet that came in there"
	is "$(q .packets.seen)" 20 "a port: and for no other"
	# at the same time: of two that meet in the queue it may not be known which is which, and one may be read
	# before it is seen there; both are said, and end there
	rec "up, at once" "recv udp 7788 30" "ip netns exec $SINK_NS bash -c 'for i in {1..10}; do
			echo other >$to; sleep 0.04; done' &
		${UDP/10.9.0.2/10.9.0.3}; wait"
	is "$(q .packets.seen)" 20 "a port, at once: all packets that came in there, and no other"
	between "$(q .packets.complete)" 16 20 "a port, at once: nearly all have their way"
}

# What is unread when the recording begins is read first: the first read after that is not taken for that of
# the first packet
unread()
{
	ip netns exec $SINK_NS "$SOCKREAD" recv udp 7788 25 >"$work/reader" 2>&1 &
	local reader=$!
	for _ in $(seq 100); do
		grep -q ready "$work/reader" && break
		sleep 0.02
	done
	kill -STOP $reader
	ip netns exec $SEND_NS bash -c 'for i in 1 2 3 4; do echo $i >/dev/udp/10.9.0.2/7788; done'
	host "$PKTLAP" record -q -i port0 -i port1 -i br0 -i eth0@$SINK_NS -i eth0@$SEND_NS -o "$work/a.data" -- bash -c "
		ip netns exec $SEND_NS bash -c 'echo 5 >/dev/udp/10.9.0.2/7788'; sleep 0.1; kill -CONT $reader; sleep 0.2; $UDP" \
		2>"$work/err"
	is $? 0 "unread ones: record"
	wait $reader
	is "$(tail -n 1 "$work/reader")" "read 25" "unread ones: the reader got all"
	json "$work/a.data" . >"$work/a.json"
	# where the read itself is seen, it says which one it was
	local want="20 1"
	[ "$READ" = sock:recv ] && want="21 0"
	is "$(q "$path.packets") $(q .packets.ambiguous)" "$want" \
		"unread ones: only the packet that came first is not certain, where the read is not seen"
}

# A packet socket gets a clone of each packet, and drops it when it has no room: the packets have their
# ways all the same, and none is incomplete
packet_socket()
{
	local other
	ip netns exec $SEND_NS timeout 30 "$SOCKREAD" recv packet 0 1000 30000 >/dev/null &
	other=$!
	rec "a packet socket besides" "recv udp 7788 20" "$UDP"
	kill $other
	is "$(q "$path.packets")" 20 "a packet socket besides: all packets have their way"
	is "$(q '[.packets.incomplete, .packets.ambiguous] | add')" 0 "a packet socket besides: none is incomplete or ambiguous"
	check_that "a packet socket besides: its clones are dropped, and said to be clones" \
		test "$(q .packets.dropped)" -gt 0 -a "$(q .packets.dropped)" = "$(q .packets.cloned)"
}

sock_up || { not_ok "test network"; tap_done; exit; }
# where the read is seen first: a kernel without function hooks sees only its return
READ=app:recv
"$PKTLAP" check --format json 2>/dev/null |
	jq -e '.hops[] | select(.hop == "sock:recv" and .state == "attached")' >/dev/null && READ=sock:recv

sleeping recv recv
sleeping poll poll
sleeping select poll
sleeping epoll epoll
sleeping recvmmsg recv
sleeping uring io_uring
sleeping uring-multi io_uring
for how in recv poll select epoll recvmmsg uring; do
	busy $how
done
for how in recv epoll uring; do
	if taskset -c 1 true 2>/dev/null; then starved $how; else skip "$how, starved" "there is no second CPU to run on"; fi
done
from $SEND_NS "another container"
from $HOST_NS "the host"
up
unread
packet_socket
# a hook that sees a part of its packets is said to
is "$("$PKTLAP" check --format json 2>/dev/null |
	jq -r '.hops[] | select(.hop == "app:send") | (.target == "tcp_sendmsg_locked" and .kind == "tp_btf") == (.partial | startswith("TCP only"))')" \
	true "check says what app:send leaves out"
tap_done
