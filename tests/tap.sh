# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# TAP for shell tests; sourced. Ends with tap_done, whose status is that of the test.
tap_n=0 tap_failed=0

ok()
{
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $*"
}

# not_ok TEXT [DETAIL]: detail goes into diagnostic lines
not_ok()
{
	tap_n=$((tap_n + 1)) tap_failed=$((tap_failed + 1))
	echo "not ok $tap_n - $1"
	[ $# -lt 2 ] || printf '%s\n' "$2" | sed 's/^/#   /'
}

skip()
{
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1 # SKIP $2"
}

# is GOT WANTED TEXT
is()
{
	if [ "$1" = "$2" ]; then ok "$3"; else not_ok "$3" "got '$1', wanted '$2'"; fi
}

# check_that TEXT COMMAND...: its status decides, its output is the detail
check_that()
{
	local text=$1 out
	shift
	if out=$("$@" 2>&1); then ok "$text"; else not_ok "$text" "$* -> $out"; fi
}

# between VALUE LOW HIGH TEXT: integers
between()
{
	if [ "$1" -ge "$2" ] 2>/dev/null && [ "$1" -le "$3" ]; then
		ok "$4 ($1 in $2..$3)"
	else
		not_ok "$4" "got '$1', wanted $2..$3"
	fi
}

# wait_for SECONDS COMMAND...: until it succeeds. Fails when it does not in this time, and says so on
# stderr; that it fails the test, too, is the caller's
wait_for()
{
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		if [ "$SECONDS" -gt "$end" ]; then
			echo "waited in vain for: $*" >&2
			return 1
		fi
		sleep 0.05
	done
}

tap_done()
{
	echo "1..$tap_n"
	[ "$tap_failed" -eq 0 ] && [ "$tap_n" -gt 0 ]
}
