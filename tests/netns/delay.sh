#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A known delay in one stage: the reader of the tap sleeps 20 ms before each read, one packet at a
# time. The report must show it at that stage, of that size, and nowhere else.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

net_up || { not_ok "test network"; tap_done; exit; }
reader_start 20 || { not_ok "tap reader"; tap_done; exit; }
# bursts of 5: the k-th of a burst waits for k reads, so the last of each at least 5 x 20 ms - 20
host "$PKTLAP" record -i port0 -i tap0 -o "$work/a.data" -- bash -c "
	for i in \$(seq 20); do
		ip netns exec $SEND_NS $TRAFFIC udp-flood -n 5 10.9.0.9 7788 >/dev/null
		sleep 0.15
	done" 2>"$work/err"
is $? 0 "record"
is "$(reader_stop)" 100 "all packets read"

json "$work/a.data" . >"$work/a.json"
stage() { jq -r ".paths[0].stages[] | select(.from == \"$1\" and .to == \"$2\") | .$3" "$work/a.json"; }
is "$(stage tap:xmit tap:read n)" 100 "every packet has the stage tap:xmit -> tap:read"
# the first of a burst waits for what is left of a sleep (0 to 20 ms), the fifth 4 sleeps more
between "$(stage tap:xmit tap:read max)" 80000000 180000000 "the longest wait is four to five sleeps"
between "$(stage tap:xmit tap:read p50)" 35000000 75000000 "the median is about 2.5 sleeps"
others=$(jq '[.paths[0].stages[] | select(.from != "tap:xmit") | .p50] | max' "$work/a.json")
between "$others" 0 5000000 "no other stage has it"
# the last of each burst waits longest: two reads more than the one in the middle
"$PKTLAP" report --slowest 10% --format json "$work/a.data" 2>/dev/null >"$work/slow.json"
is "$(jq -r '.paths[0] | .tail.n, .stages[.tail.top_stage_index].to' "$work/slow.json" | xargs)" "10 tap:read" \
	"--slowest 10%: ten packets, and the stage that makes them slow"
between "$(jq '.paths[0].tail | .stages[.top_stage_index].share_ppm' "$work/slow.json")" 900000 1100000 \
	"--slowest 10%: nine tenths of it are there"
largest=$("$PKTLAP" script --slowest 1 "$work/a.data" 2>/dev/null)
check_that "the slowest packet's waterfall shows tap:read" grep -q tap:read <<<"$largest"
tap_done
