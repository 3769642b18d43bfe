#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The benchmark runs: a little of everything, figures in every table, nothing left behind. What it
# measures is no test's business.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

# Other tests may run side by side: the peer's namespace has the number of its process in its name, and
# is left behind when that is not there
state()
{
	ip netns list | sed -n 's/^pktlap-peer-\([0-9]*\).*/\1/p' | while read -r pid; do
		kill -0 "$pid" 2>/dev/null || echo "$pid"
	done
	grep -c tracefs /proc/mounts
	ls "$work/tmp"
}

mkdir "$work/tmp"
before=$(state)
check_that "a part that does not exist is refused" test "$(cd "$top" && tools/bench/run nothing >/dev/null 2>&1; echo $?)" = 2
if ! (cd "$top" && TMPDIR=$work/tmp tools/bench/run --smoke) >"$work/page" 2>"$work/err"; then
	not_ok "tools/bench/run --smoke" "$(tail -n 5 "$work/err")"
	tap_done
	exit
fi
ok "tools/bench/run --smoke"
page() { grep -cE "$1" "$work/page"; }
between "$(page '^\| .*floor \| [0-9.]+ \| 1.00 \|')" 1 1 "the floor is measured"
between "$(page '^\| bare \| [0-9.]+ \| 1.000')" 1 1 "the bare path is measured"
# request/response, flood, events: a row each
is "$(page '^\| pktlap \| .*[0-9]')" 3 "pktlap is measured"
for tool in bpftrace-join bpftrace-print perf trace-cmd tcpdump; do
	# three rows, and one of the ratios; or the reason why not
	between "$(page "^(\| $tool \||- $tool does not run here: .)")" 1 4 "$tool is measured, or said why not"
done
between "$(page "^(\| pktlap's programs \| 0 \| [0-9]+ \||- perf does not run here: .)")" 1 2 "the programs' share is measured, or said why not"
is "$(page '[^a-z](nan|inf)[^a-z]')" 0 "all figures are numbers"
is "$(state)" "$before" "nothing is left behind"
tap_done
