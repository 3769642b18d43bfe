#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# pktlap's timestamps against tcpdump's on the same device: the kernel stamps tcpdump's copy of a
# packet between the device's queue and the driver's transmit, so each of its times must lie
# between pktlap's dev:queue and tap:xmit of the same packet, in the same order.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

count=200
net_up || { not_ok "test network"; tap_done; exit; }
reader_start || { not_ok "tap reader"; tap_done; exit; }
ip netns exec $HOST_NS tcpdump -i tap0 -n --immediate-mode --time-stamp-precision=nano -tt -w "$work/tap.pcap" udp 2>"$work/tcpdump.err" &
dump=$!
wait_for 5 grep -q listening "$work/tcpdump.err" || not_ok "tcpdump listens" "$(cat "$work/tcpdump.err")"
host "$PKTLAP" record -i port0 -i tap0 -o "$work/a.data" -- \
	ip netns exec $SEND_NS "$TRAFFIC" udp-flood -n $count -r 1000 10.9.0.9 7788 >/dev/null 2>"$work/err"
sleep 1
kill -INT $dump; wait $dump 2>/dev/null
reader_stop >/dev/null
tcpdump -r "$work/tap.pcap" -n -tt --time-stamp-precision=nano 2>/dev/null | awk '{print $1}' | tr -d . >"$work/dump"
is "$(wc -l <"$work/dump")" $count "tcpdump has all packets"
# wall-clock times of the two sightings of each packet, ns, from script's absolute times
"$PKTLAP" script --times ns "$work/a.data" 2>/dev/null |
	awk '$2 == "dev:queue" { q = $1 } $2 == "tap:xmit" { print q, $1 }' >"$work/lap"
is "$(wc -l <"$work/lap")" $count "pktlap has all packets"
# the mapping from monotonic to wall clock is read within the width of a snapshot: 1 us is ample
outside=$(paste -d' ' "$work/lap" "$work/dump" | awk '{ if ($3 + 1000 < $1 || $3 > $2 + 1000) n++ } END { print n + 0 }')
is "$outside" 0 "every time of tcpdump lies between dev:queue and tap:xmit of that packet"
# line by line the same packets: then neither has one before an earlier one
check_that "tcpdump's order is that of its times" sort -c -n "$work/dump"
check_that "and of pktlap's: of dev:queue" sort -c -n -k 1,1 "$work/lap"
check_that "and of tap:xmit" sort -c -n -k 2,2 "$work/lap"
tap_done
