# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # what lib.sh has
# The way that benchmarks watch; sourced after lib.sh.
#
#   send  eth0 <- veth -> port0 -- br0 (host) -- port1 <- veth -> eth0  peer
PEER_NS=pktlap-peer-$$

# servers run until the end; the traffic's priority keeps the machine's other work out of it
servers_start()
{
	local last=$(($(nproc) - 1))

	ip netns exec $PEER_NS $fifo taskset -c $last "$TRAFFIC" udp-echo 7000 >/dev/null 2>"$work/echo" &
	ip netns exec $PEER_NS taskset -c $last "$TRAFFIC" udp-sink 7001 >/dev/null 2>"$work/sink" &
	wait_for 5 grep -q ready "$work/echo" && wait_for 5 grep -q ready "$work/sink"
}

# path_up DOWN: DOWN (path_down, or what calls it) is the trap of the end
path_up()
{
	net_up || return 1
	# shellcheck disable=SC2064 # now
	trap "$1" EXIT
	ip netns add $PEER_NS || return 1
	ip netns exec $PEER_NS sysctl -qw net.ipv6.conf.default.disable_ipv6=1 \
		net.ipv6.conf.all.disable_ipv6=1
	ip -n $HOST_NS link add port1 type veth peer name eth0 netns $PEER_NS &&
		ip -n $HOST_NS link set port1 master br0 up &&
		ip -n $PEER_NS addr add 10.9.0.2/24 dev eth0 &&
		ip -n $PEER_NS link set eth0 up || return 1
	fifo="chrt -f 50"
	$fifo true 2>/dev/null || fifo=""
	servers_start || return 1
	wait_for 10 sender "$TRAFFIC" udp-send -n 1 -w 100ms 10.9.0.2 7000 >/dev/null
}

path_down()
{
	# shellcheck disable=SC2046 # a list
	kill $(jobs -p) 2>/dev/null
	ip netns del $PEER_NS 2>/dev/null
	net_down
}
