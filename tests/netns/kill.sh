#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# SIGKILL of the recorder: no program, link, map, filter, qdisc or pin is left, and the file can
# be read as far as it was written.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

# of this network; pins are the whole machine's
state()
{
	host tc qdisc show
	host tc filter show dev tap0
	find /sys/fs/bpf -mindepth 1 2>/dev/null | wc -l
}

# held: "prog 12", "map 13", "link 14": what the recorder has open of BPF
held() { sed -n 's/^\(prog\|map\|link\)_id:[^0-9]*/\1 /p' /proc/"$recorder"/fdinfo/* | sort -u; }

# there FILE: what of a list of these is there still
there()
{
	local kind id
	while read -r kind id; do
		bpftool "$kind" show id "$id" >/dev/null 2>&1 && echo "$kind $id"
	done <"$1"
}

gone() { [ "$(there "$work/held")$(state)" = "$before" ]; }

net_up || { not_ok "test network"; tap_done; exit; }
reader_start || { not_ok "tap reader"; tap_done; exit; }
before=$(state)
recorder_start "$work/a.data" -i port0 -i tap0 || { not_ok "record" "$(cat "$work/err")"; tap_done; exit; }
held >"$work/held"
for kind in prog map link; do
	check_that "its ${kind}s are there while it runs" test "$(there "$work/held" | grep -c "^$kind")" -gt 5
done
sender "$TRAFFIC" udp-flood -n 20000 -r 10000 10.9.0.9 7788 >/dev/null
sleep 1.5
kill -KILL "$recorder"
wait "$recorder" 2>/dev/null
recorder=""
kill "$(cat "$work/attached")"
# the kernel frees programs after a grace period
wait_for 10 gone
is "$(there "$work/held" | xargs)" "" "none of them is left"
is "$(state)" "$before" "nor a qdisc, a filter or a pin"
"$PKTLAP" report --format json "$work/a.data" >"$work/a.json" 2>"$work/report.err"
is $? 3 "report of the file ends with status 3"
is "$(wc -l <"$work/report.err")" 1 "and says why in one line"
check_that "what was flushed is there" test "$(jq .packets.complete "$work/a.json")" -gt 10000
tap_done
