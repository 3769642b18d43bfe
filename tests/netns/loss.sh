#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The smallest ring: events are lost, and every one of them is counted. Stored + lost = made, per
# hook; the exit status and the report say so.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

net_up || { not_ok "test network"; tap_done; exit; }
reader_start || { not_ok "tap reader"; tap_done; exit; }
host "$PKTLAP" record -i port0 -i tap0 --buffer 4K -o "$work/a.data" -- \
	ip netns exec $SEND_NS "$TRAFFIC" udp-flood -n 20000 10.9.0.9 7788 >/dev/null 2>"$work/err"
is $? 3 "record ends with status 3 when events were lost"
reader_stop >/dev/null

json "$work/a.data" . >"$work/a.json"
lost=$(q .lost.events) stored=$(q .events.stored) made=$(q .events.made)
check_that "events were lost, or this proves nothing" test "$lost" -gt 1000
is "$((stored + lost))" "$made" "stored + lost = made, exactly"
is "$(q '[.lost.by_hop[]] | add')" "$lost" "by hop it is the same sum"
"$PKTLAP" report "$work/a.data" >"$work/text" 2>&1
is $? 3 "report of it ends with status 3"
check_that "and says how many" grep -q "lost $lost" "$work/text"
is "$(q .packets.ambiguous)" 0 "loss makes packets incomplete, not ambiguous"
tap_done
