#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# FILTER and --sample on live traffic: only what matches is in the file, on its whole way, wherever
# its VLAN tag is, and also from where its headers have changed.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

count=300
net_up || { not_ok "test network"; tap_done; exit; }
reader_start || { not_ok "tap reader"; tap_done; exit; }
RAWSEND=$top/build/tests/netns/rawsend

# recorded NAME COMMAND ARGS...: FILTER and options, while COMMAND sends $count packets twice
recorded()
{
	local name=$1 command=$2 status
	shift 2
	host "$PKTLAP" record -q -i port0 -i br0 -o "$work/$name.data" "$@" -- bash -c "$command; sleep 0.2" \
		>"$work/sent" 2>"$work/err"
	status=$?
	[ "$status" = 0 ] || not_ok "record $*" "status $status: $(cat "$work/err")"
	[ "$(grep -oE 'sent[= ][0-9]+' "$work/sent" | grep -oE '[0-9]+' | xargs)" = "$count $count" ] ||
		not_ok "record $*: $count packets were sent twice" "$(cat "$work/sent")"
	json "$work/$name.data" . >"$work/$name.json"
}

# record NAME ARGS...: while both flows are sent, in turn
record()
{
	recorded "$1" "ip netns exec $SEND_NS $TRAFFIC udp-flood -n $count -r 3000 10.9.0.9 7788 &
		ip netns exec $SEND_NS $TRAFFIC udp-flood -n $count -r 3000 10.9.0.9 7789; wait" "${@:2}"
}

# whole NAME N TEXT: N packets, all of them complete, on one path to the tap's reader
whole()
{
	is "$(q '[.packets | .seen, .complete, .incomplete, .ambiguous, .undecided] | join(" ")' "$1")" \
		"$2 $2 0 0 0" "$3: $2 packets, all complete"
	is "$(q '[.paths[] | .hops[] | if type == "object" then .hop else . end] | map(select(. == "tap:xmit" or . == "tap:read" or . == "dev:rxback")) | join(" ")' "$1")" \
		"dev:rxback tap:xmit tap:read" "$3: they are seen from the first hop to the reader"
}

record all
whole all $((2 * count)) "no filter"
record one udp port 7788 and host 10.9.0.9
whole one $count "one of two flows"
is "$(q .recording.filter one)" "udp port 7788 and host 10.9.0.9" "the recording says what it was filtered by"
check_that "so does the report" grep -q "^filter: udp port 7788 and host 10.9.0.9$" \
	<("$PKTLAP" report "$work/one.data" 2>/dev/null)
record none udp port 7790
is "$(q .packets.seen none)" 0 "a filter that nothing matches: no packet"
record other not udp
is "$(q .packets.seen other)" 0 "not udp: no packet"
record frame 'udp port 7788 and len = 60 or ether dst 02:00:00:00:00:09 and ip[16:4] = 0x0a090009 and udp[2:2] = 7789'
whole frame $count "fields"
# 64 bytes of payload
record len udp port 7788 and len = 106
whole len $count "the frame's length"

# tagged frames: with the tag in the frame up to the receiving stack, from there on in metadata
tagged()
{
	local send="ip netns exec $SEND_NS $RAWSEND eth0 $count 3000 02:00:00:00:00:09 10.9.0.1 10.9.0.9 7788"
	recorded "$1" "$send 5; $send 6" "${@:2}"
}
tagged vlan vlan 5 and udp port 7788
whole vlan $count "vlan 5 and udp port 7788"
tagged untagged udp port 7788
is "$(q .packets.seen untagged)" 0 "without the word vlan a tagged packet does not match, as in a capture"

# sampling: the same packets at all hops, about one in four
record sample --sample 1/4
# n packets at 1/4: n / 4, with a deviation of sqrt(n * 3 / 16); five of these are next to never passed
between "$(q .packets.seen sample)" $((150 - 53)) $((150 + 53)) "sample of 1/4 of $((2 * count))"
whole sample "$(q .packets.seen sample)" "sample"
is "$(q .recording.sample sample)" 4 "the recording says so"
record both --sample 1/4 udp port 7788
between "$(q .packets.seen both)" $((75 - 37)) $((75 + 37)) "sample of 1/4 of one flow"
whole both "$(q .packets.seen both)" "sample and filter"
reader_stop >/dev/null
tap_done
