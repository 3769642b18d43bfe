#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Packets from one domain to another. Both domains are namespaces of this kernel, so the truth about
# their clocks is known: they are one. What the report says of them by other means must hold that
# truth within the error that it states.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

net_up || { not_ok "test network"; tap_done; exit; }
ip -n $HOST_NS addr add 10.9.0.2/24 dev br0
agent="ip netns exec $SEND_NS $PKTLAP agent -i eth0"
requests=60
# not by host(): a function in the background is a shell, and its pid not the server's
ip netns exec $HOST_NS "$TRAFFIC" udp-echo 7788 >/dev/null 2>"$work/echo" &
echo_pid=$!
trap 'kill $echo_pid 2>/dev/null; net_down' EXIT
for _ in $(seq 100); do grep -q ready "$work/echo" && break; sleep 0.05; done

# of FILE... QUERY: the JSON report's answer; more arguments are the report's
of()
{
	local query=${*: -1}
	"$PKTLAP" report --format json "${@:1:$#-1}" 2>"$work/err" | jq -r "$query"
}
# both OPTION... FILE...: UDP packets that were in both domains: requests and replies
both()
{
	"$PKTLAP" script --format jsonl "$@" 2>/dev/null |
		jq -c 'select(.proto == 17 and ([.sightings[].domain] | unique | length) == 2)' | wc -l
}
# their paths, in the report; ARP has few packets
paths='[.paths[] | select(([.hops[].domain] | unique | length == 2) and .packets > 9)]'

host "$PKTLAP" record -q -i br0 -o "$work/one" --guest "exec:$agent --stdio" -- \
	ip netns exec $SEND_NS "$TRAFFIC" udp-send -n $requests -s 100 -w 5s 10.9.0.2 7788 >/dev/null
is $? 0 "record in two domains"
for method in same-kernel exchange; do
	is "$(both --clock $method "$work/one")" $((2 * requests)) \
		"$method: each request and each reply is one packet through both"
	is "$(of --clock $method "$work/one" '.crossings | .ambiguous, .impossible' | xargs)" "0 0" \
		"$method: none is in doubt"
	is "$(of --clock $method "$work/one" '.clock[1].method')" $method "$method is in use"
	of --clock $method "$work/one" "$paths | map(.stages[] | select(.from == \"dev:xmit\" and
		.to == \"dev:rxback\")) | sort_by(.from_dev) | map(.avg, .error_ns) | @tsv" >"$work/$method"
done
is "$(of "$work/one" '.clock[1].method')" same-kernel "one boot of one kernel: one clock, found by itself"
is "$(of "$work/one" '.clock[1].error_ns')" 0 "without an error"
is "$(of --clock exchange "$work/one" '.clock[1].methods[] | select(.method == "exchange") | .disproved_pieces')" \
	0 "packets do not disprove the exchange"
# the truth is the one clock's; avg, error by direction
paste "$work/same-kernel" "$work/exchange" >"$work/pairs"
is "$(awk '{ for (i = 1; i <= 3; i += 2) { d = $(i + 4) - $i; if (d < 0) d = -d
	if ($(i + 5) <= 0 || d > $(i + 5)) bad++; n++ } } END { print n, bad + 0 }' "$work/pairs")" "2 0" \
	"the exchange's times are off by no more than the error that it states ($(tr '\t' ' ' <"$work/pairs"))"
check_that "and that error is below 100 us" awk '{ exit !($6 < 100000 && $8 < 100000) }' "$work/pairs"
check_that "the text marks the stages that cross with it" test \
	"$("$PKTLAP" report --clock exchange "$work/one" | grep -cE '^  (vm.*/)?dev:xmit.*→.*±')" -ge 2
is "$(of --clock exchange --slowest 10% "$work/one" '[.crossings, .domains] | tojson')" \
	"$(of --clock exchange "$work/one" '[.crossings, .domains] | tojson')" \
	"a second look at the slowest changes nothing else"
"$PKTLAP" script --slowest 1 --clock exchange "$work/one" >"$work/text"
is "$(grep -c '±' "$work/text")" 1 "and script the step"

# --- recordings made apart
ip netns exec $SEND_NS "$PKTLAP" record -q -i eth0 -o "$work/guest" --duration 3 &
host "$PKTLAP" record -q -i br0 -o "$work/host" -- bash -c "
	sleep 1; ip netns exec $SEND_NS $TRAFFIC udp-send -n 20 -s 100 -w 5s 10.9.0.2 7788" >/dev/null
is $? 0 "record one half"
wait $!
is $? 0 "and the other"
is "$(both "$work/host" "$work/guest")" 40 \
	"report host.data guest.data is as one recording"
is "$(of "$work/guest" '.crossings.joined')" 0 "a half alone has its own packets only"

# --- a guest that takes its time to end: what the host makes until then is stored, or counted as lost
slow="$agent --stdio | while :; do dd bs=64k count=1 status=none; sleep 0.2; done"
host "$PKTLAP" record -q -i br0 --count 1000 -o "$work/count" --guest "exec:$slow" -- \
	ip netns exec $SEND_NS "$TRAFFIC" udp-flood -n 150000 -r 50000 10.9.0.2 7789 >/dev/null
is $? 0 "--count with a guest that ends slowly"
"$top/build/tests/domains" "$work/count" >"$work/json"
check_that "is above its count by then" test "$(jq '.[0].packets' "$work/json")" -gt 2000
is "$(jq '.[0] | .events + .lost' "$work/json")" "$(jq '.[0].made' "$work/json")" \
	"the host's stored + lost = made, exactly"
host "$PKTLAP" record -q -i br0 --duration 1 -o "$work/cmd" --guest "exec:$slow" -- sleep 1.2
is $? 0 "a command that ends while the recording does takes no guest away"

# --- what cannot be
"$PKTLAP" report --clock ptp_kvm "$work/one" >/dev/null 2>"$work/err"
is "$? $(grep -c 'ptp_kvm' "$work/err")" "1 1" "a clock method that the recording has nothing for"
"$PKTLAP" report --clock nosuch "$work/one" >/dev/null 2>&1
is $? 2 "and one that there is not"
"$PKTLAP" report "$work/one" /nonexistent >/dev/null 2>"$work/err"
is "$? $(wc -l <"$work/err")" "1 1" "a recording that is not there: one line"
tap_done
