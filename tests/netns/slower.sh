#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# record --slower-than: the reader of the tap sleeps 20 ms before each read, so that most packets of
# a burst are slow. Two recordings of the same traffic at the same time: one keeps all events, the
# other the packets slower than 30 ms. What the second one kept and counted is what the first holds.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

LIMIT=30000000

net_up || { not_ok "test network"; tap_done; exit; }
reader_start 20 || { not_ok "tap reader"; tap_done; exit; }

# bursts of 5, one read in 20 ms: the first one or two of a burst take less than 30 ms, the rest more
traffic()
{
	for _ in $(seq 20); do
		sender "$TRAFFIC" udp-flood -n 5 10.9.0.9 7788 >/dev/null
		sleep 0.15
	done
}

# recorder NAME ARG...: starts one; its pid is added to $recorders
recorders=()
recorder()
{
	local name=$1
	shift
	ip netns exec $HOST_NS "$PKTLAP" record -i port0 -i tap0 -o "$work/$name" "$@" \
		2>"$work/$name.err" &
	recorders+=($!)
}

# both are there when they have attached: the file has its documents then
attached()
{
	for _ in $(seq 200); do
		[ "$(stat -c %s "$work/all" 2>/dev/null || echo 0)" -gt 8000 ] &&
			[ "$(stat -c %s "$work/slow" 2>/dev/null || echo 0)" -gt 8000 ] && return 0
		sleep 0.05
	done
	return 1
}

recorder all
recorder slow --slower-than 30ms
check_that "both recorders run" attached
traffic
sleep 0.3
for pid in "${recorders[@]}"; do
	kill -INT "$pid"
	wait "$pid"
	is $? 0 "recorder ends well: $(tail -1 "$work/slow.err")"
done
is "$(reader_stop)" 100 "all packets read"

json "$work/all" . >"$work/all.json"
json "$work/slow" . >"$work/slow.json"
all() { jq -r "$1" "$work/all.json"; }
slow() { jq -r "$1" "$work/slow.json"; }
# totals FILE: number and total in ns of each packet, from the waterfalls
totals()
{
	"$PKTLAP" script --end complete --unit ns "$1" 2>/dev/null | sed -n 's/^packet \([0-9]*\) .*   \([0-9]*\) ns .*/\1 \2/p' |
		sort
}
totals "$work/all" >"$work/all.totals"
totals "$work/slow" >"$work/slow.totals"

is "$(wc -l <"$work/all.totals")" 100 "the other recording has them all"
is "$(slow .packets.complete)" 100 "all are counted"
is "$(slow .packets.seen)" "$(slow '[.packets | .complete, .dropped, .merged, .split, .incomplete, .ambiguous] | add')" \
	"whatever their end"
is "$(slow '.paths[0].total_all.n')" 100 "the path's total is of all of them"
# not those of the other recording: interrupts and wake-ups are the whole host's
is "$(slow .events.read)" "$(slow .events.made)" "every event was stitched"
is "$(slow .events.stored)" 0 "and none of them is in the file"
is "$(slow .kept.by_end.complete)" "$(wc -l <"$work/slow.totals")" "script has as many as the report says"
is "$(slow '.paths[0].packets')" "$(slow .kept.by_end.complete)" "so has the path"
is "$(slow .kept.by_end.dropped)" "$(slow .packets.dropped)" "every dropped one is kept"
between "$(slow .kept.by_end.complete)" 30 90 "some are kept, some are not"
is "$(awk -v t=$LIMIT '$2 <= t' "$work/slow.totals" | wc -l)" 0 "none of them is faster than that"
# both measure for themselves: a packet within 1 ms of the limit may be on either side
awk -v t=$LIMIT '$2 > t + 1000000 { print $1 }' "$work/all.totals" >"$work/must"
awk -v t=$LIMIT '$2 < t - 1000000 { print $1 }' "$work/all.totals" >"$work/must.not"
awk '{ print $1 }' "$work/slow.totals" >"$work/kept"
is "$(grep -vxcFf "$work/kept" "$work/must")" 0 "each that is slow there is kept here"
is "$(grep -xcFf "$work/kept" "$work/must.not")" 0 "none that is fast there is kept here"
# the same packet's total in both, and the distribution of all
far=$(join "$work/all.totals" "$work/slow.totals" |
	awk '{ d = $2 - $3; if (d < 0) d = -d; if (d > m) m = d } END { print m + 0 }')
between "$far" 0 1000000 "a kept packet took the same time in both"
for q in p50 p90 max; do
	d=$(($(slow ".kept.total_all.$q") - $(all ".paths[0].total.$q")))
	between ${d#-} 0 2000000 "$q of all packets is the same in both"
done
"$PKTLAP" report "$work/slow" >"$work/text" 2>&1
is $? 0 "report is whole"
check_that "and says what is kept" grep -q "^kept: $(slow .kept.packets) of $(slow .packets.seen) packets" "$work/text"
is "$("$PKTLAP" report --slowest 10% --format json "$work/slow" | jq -c '[.kept, .packets]')" \
	"$(slow '[.kept, .packets]' | jq -c .)" "and the same with a second look at the slowest"

# wrong use
for t in 0 -1 5x ''; do
	"$PKTLAP" record --slower-than "$t" -o "$work/no" 2>"$work/err"
	is $? 2 "--slower-than '$t' is wrong usage"
done
check_that "and said so" grep -q "slower-than: not a time above 0" "$work/err"
tap_done
