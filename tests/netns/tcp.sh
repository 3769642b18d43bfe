#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# TCP at full rate over a bridge, with and without GSO and GRO on the way: every byte that the
# sink got is accounted for at every hop, though skbs are merged and cut up between them.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

RANGES=$top/build/tests/ranges
SINK_NS=pktlap-sink-$$
BYTES=8000000
sink() { ip netns exec $SINK_NS "$@"; }

# send 10.9.0.1 -- port0 br0 port1 -- 10.9.0.2 sink
tcp_up()
{
	trap 'ip netns del $SINK_NS 2>/dev/null; net_down' EXIT
	ip netns add $SINK_NS
	net_up || return 1
	trap 'ip netns del $SINK_NS 2>/dev/null; net_down' EXIT
	sink sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	ip -n $HOST_NS link add port1 type veth peer name eth0 netns $SINK_NS &&
		ip -n $HOST_NS link set port1 master br0 up &&
		ip -n $SINK_NS addr add 10.9.0.2/24 dev eth0 &&
		ip -n $SINK_NS link set eth0 up && ip -n $SINK_NS link set lo up || return 1
	wait_for 30 sender ping -q -c 1 -W 1 10.9.0.2 >/dev/null
}

# features DEVICE-OF-NAMESPACE...: "NS DEV FEATURE on|off", each in one argument
features()
{
	local f
	for f; do
		# shellcheck disable=SC2086 # words
		set -- $f
		ip netns exec "$1" ethtool -K "$2" "$3" "$4" || return 1
	done
}

# flow NAME: record a bulk transfer, and its ranges
flow()
{
	local rc=0
	sink "$TRAFFIC" tcp-sink -n 1 9001 >"$work/sink" 2>&1 &
	wait_for 5 grep -q ready "$work/sink" || not_ok "$1: sink" "$(cat "$work/sink")"
	host "$PKTLAP" record -q -i br0 --buffer 64M -o "$work/$1.data" -- bash -c "
		ip netns exec $SEND_NS $TRAFFIC tcp-send -b $BYTES 10.9.0.2 9001 && sleep 0.3" \
		>"$work/sent" 2>"$work/err" || rc=$?
	is $rc 0 "$1: record loses no event"
	wait $!
	"$RANGES" "$work/$1.data" >"$work/$1.ranges"
	sed 's/^/# /' "$work/$1.ranges"
	is "$(sed -n 's/^flow bytes=\([0-9]*\) .*/\1/p' "$work/$1.ranges")" $BYTES \
		"$1: the flow has all bytes, and no more"
	is "$(sed -n 's/^flow.* incomplete=\([0-9]*\) ambiguous=\([0-9]*\)$/\1 \2/p' "$work/$1.ranges")" "0 0" \
		"$1: the way of every packet is known"
}

# all_bytes NAME HOP DEV...: every byte came past these
all_bytes()
{
	local name=$1
	shift
	while [ $# -gt 0 ]; do
		is "$(sed -n "s/^$1 $2 bytes=\([0-9]*\) holes=\([0-9]*\) .*/\1 \2/p" "$work/$name.ranges")" \
			"$BYTES 0" "$name: all bytes at $1 $2"
		shift 2
	done
}

# packets NAME HOP DEV: how many packets were there
packets()
{
	sed -n "s/^$2 $3 .*packets=//p" "$work/$1.ranges"
}

tcp_up || { not_ok "test network"; tap_done; exit; }

flow large
all_bytes large dev:rxback port0 nic:skb port0 dev:queue port1 dev:xmit port1
check_that "large: skbs above the MTU pass as one packet" test "$(packets large dev:xmit port1)" -lt $((BYTES / 1500))

features "$HOST_NS port1 tso off" && flow cut
all_bytes cut dev:rxback port0 nic:skb port0 dev:queue port1 dev:xmit port1
check_that "cut: each segment is a packet" test "$(packets cut dev:rxback port0)" -ge $((BYTES / 1500))
is "$(packets cut dev:rxback port0)" "$(packets cut dev:xmit port1)" \
	"cut: and has been all of its way"

features "$SEND_NS eth0 tso off" "$SEND_NS eth0 gso off" "$HOST_NS port1 tso on" "$HOST_NS port0 gro on" &&
	flow merged
all_bytes merged nic:gro port0 nic:skb port0 dev:queue port1 dev:xmit port1
check_that "merged: segments were merged" test "$(packets merged nic:merged port0)" -gt 100
check_that "merged: each of them is a packet" test "$(packets merged dev:xmit port1)" -ge $((BYTES / 1500))

features "$HOST_NS port1 tso off" && flow both
all_bytes both nic:gro port0 nic:skb port0 dev:queue port1 dev:xmit port1
check_that "both: segments were merged" test "$(packets both nic:merged port0)" -gt 100
is "$(packets both nic:gro port0)" "$(packets both dev:xmit port1)" \
	"both: merged, and apart again: each of them from end to end"

features "$HOST_NS port0 gro off" && flow plain
all_bytes plain dev:rxback port0 nic:skb port0 dev:queue port1 dev:xmit port1
tap_done
