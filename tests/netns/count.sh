#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Counts: what went in = what came out + what was dropped, over 100 000 packets, with the tap's
# ring overflowing. The reader and the sender count for themselves.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

count=100000
net_up || { not_ok "test network"; tap_done; exit; }
reader_start || { not_ok "tap reader"; tap_done; exit; }

host "$PKTLAP" record -i port0 -i tap0 --buffer 64M -o "$work/a.data" -- bash -c "
	ip netns exec $SEND_NS $TRAFFIC udp-flood -n $((count / 2)) -r 20000 10.9.0.9 7788
	kill -STOP $reader
	ip netns exec $SEND_NS $TRAFFIC udp-flood -n $((count / 2)) -r 40000 10.9.0.9 7788
	kill -CONT $reader; sleep 1" >"$work/sent" 2>"$work/err"
is $? 0 "record of $count packets loses no event"
read_by=$(reader_stop)

json "$work/a.data" . >"$work/a.json"
complete=$(q .packets.complete) dropped=$(q .packets.dropped)
is "$(q .packets.seen)" $count "every packet was seen"
is "$complete" "$read_by" "complete = read by the reader"
is "$dropped" $((count - read_by)) "dropped = sent - read"
is "$(q '.packets.incomplete + .packets.ambiguous')" 0 "nothing is unaccounted for"
check_that "some were dropped, or this proves nothing" test "$dropped" -gt 1000
is "$(q '[.paths[].packets] | add')" "$complete" "the paths hold all complete packets"
reason=$("$PKTLAP" report "$work/a.data" 2>/dev/null | grep -c FULL_RING)
check_that "the report names the reason FULL_RING" test "$reason" -gt 0
place=$("$PKTLAP" report "$work/a.data" 2>/dev/null | grep -c 'tun_net_xmit+0x')
check_that "and the place, tun_net_xmit" test "$place" -gt 0
tap_done
