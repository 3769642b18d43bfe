#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Each fuzzer for FUZZ_SECONDS (30), side by side, from seeds that a program makes. A finding stays
# as build/fuzz/NAME-*: build/fuzz/NAME FILE shows it again.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
cd "$(dirname "$0")/../.." || exit 1
: "${FUZZ_SECONDS:=30}"
names="fuzz_trace fuzz_agent"

for name in $names; do
	mkdir -p "build/fuzz/corpus-$name"
	build/fuzz/seed "build/fuzz/corpus-$name" || not_ok "seeds for $name"
	build/fuzz/$name -max_total_time="$FUZZ_SECONDS" -max_len=20000 -rss_limit_mb=1500 \
		-timeout=10 -print_final_stats=1 -artifact_prefix="build/fuzz/$name-" \
		"build/fuzz/corpus-$name" >"build/fuzz/$name.log" 2>&1 &
	pids[${#pids[@]}]=$!
done
i=0
for name in $names; do
	if wait "${pids[$i]}"; then
		ok "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$name.log") inputs in $FUZZ_SECONDS s, no finding"
	else
		not_ok "$name" "$(tail -n 30 "build/fuzz/$name.log")"
	fi
	i=$((i + 1))
done
tap_done
