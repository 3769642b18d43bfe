#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# SIGKILL of the recorder: no program, link, map, filter, qdisc or pin is left, and the file can
# be read as far as it was written.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

state()
{
	bpftool prog list 2>/dev/null | grep -c ' name pl_'
	bpftool map list 2>/dev/null | grep -cE 'name (rings|slots|counts|roles|scope|irqs|pktlap_b)'
	bpftool link list 2>/dev/null | wc -l
	host tc qdisc show
	host tc filter show dev tap0
	find /sys/fs/bpf -mindepth 1 2>/dev/null | wc -l
}

net_up || { not_ok "test network"; tap_done; exit; }
reader_start || { not_ok "tap reader"; tap_done; exit; }
before=$(state)
recorder_start "$work/a.data" -i port0 -i tap0 || { not_ok "record" "$(cat "$work/err")"; tap_done; exit; }
check_that "its programs are there while it runs" test "$(bpftool prog list | grep -c ' name pl_')" -gt 5
sender "$TRAFFIC" udp-flood -n 20000 -r 10000 10.9.0.9 7788 >/dev/null
sleep 1.5
kill -KILL "$recorder"
wait "$recorder" 2>/dev/null
recorder=""
kill "$(cat "$work/attached")"
# the kernel frees programs after a grace period
for _ in $(seq 50); do
	[ "$(state)" = "$before" ] && break
	sleep 0.1
done
is "$(state)" "$before" "nothing is left of it"
"$PKTLAP" report --format json "$work/a.data" >"$work/a.json" 2>"$work/report.err"
is $? 3 "report of the file ends with status 3"
is "$(wc -l <"$work/report.err")" 1 "and says why in one line"
check_that "what was flushed is there" test "$(jq .packets.complete "$work/a.json")" -gt 10000
tap_done
