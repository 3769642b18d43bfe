#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A host with thousands of interfaces: none is missing in what check, path, record and report say, also
# those that come, go and are renamed by the hundred while a recording runs. What it took is told in
# "#" lines.
#
#   H: br0 br1 br2, ports v1 ... v1050      A: bra0 bra1 bra2, ports w1 ... w1050
# All interfaces have indexes of their own: each takes two entries of what the programs select by.
# Of the 1050 cables one is up (v1-w1, br1-bra1): two bridges with more of them would be a loop.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

PAIRS=1050 CHANGES=100
H=$HOST_NS A=pktlap-many-a-$$ stale=/run/netns/pktlap-many-stale-$$
h() { ip netns exec $H "$@"; }

many_down()
{
	rm -f "$stale"
	ip netns del $A 2>/dev/null
	net_down
}
trap many_down EXIT

many_up()
{
	local b i ns
	for ns in $H $A; do
		ip netns add "$ns" || return 1
		ip netns exec "$ns" sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1
	done
	for b in 0 1 2; do
		# of its own: the lowest of its ports' would go with that port
		echo "link add br$b address 02:00:00:00:01:0$b type bridge forward_delay 0 mcast_snooping 0"
		echo "link set br$b up"
	done >"$work/h"
	sed 's/br/bra/; s/02:00:00:00:01/02:00:00:00:02/' "$work/h" >"$work/a"
	for i in $(seq $PAIRS); do
		echo "link add v$i index $((100000 + i)) type veth peer name w$i netns $A" >&3
		echo "link set v$i master br$((i % 3)) up" >&3
		echo "link set w$i master bra$((i % 3))" >&4
	done 3>>"$work/h" 4>>"$work/a"
	ip -n $H -batch "$work/h" && ip -n $A -batch "$work/a" || return 1
	ip -n $A link set w1 up
	ip -n $H addr add 10.79.0.1/24 dev br1
	ip -n $A addr add 10.79.0.2/24 dev bra1
	wait_for 5 forwards $H v1
}

# timed NAME COMMAND...: in H; its status; the time goes to a "#" line
timed()
{
	local name=$1 rc start=$EPOCHREALTIME
	shift
	h "$@"
	rc=$?
	echo "# $name: $(((${EPOCHREALTIME/./} - ${start/./}) / 1000)) ms"
	return $rc
}

names() { ip -n "$1" -br link | sed 's/[@ ].*//' | grep -vx lo | sort; }

whole()
{
	timed "path of all" "$PKTLAP" path --no-hooks --format json >"$work/out" 2>"$work/err"
	is "$? $(wc -l <"$work/err")" "0 0" "path with $(names $H | wc -l) and $(names $A | wc -l) interfaces"
	tail -n 1 "$work/out"
	grep -v '^#' "$work/out" >"$work/p.json"
	check_that "it keeps to the schema" "$top/build/tests/netns/schemacheck" "$top/user/path.schema.json" "$work/p.json"
	is "$(jq -r '[.elements[].device[] | select(.netns == "") | .name] + [.alone[] | select(contains("@") | not)] |
		unique | .[]' "$work/p.json" | sort | diff - <(names $H))" "" "path: no interface of H is missing"
	is "$(jq -r '[.elements[].device[] | select(.netns == "'$A'") | .name] + [.alone[] | select(endswith("@'$A'")) | sub("@.*"; "")] |
		unique | .[]' "$work/p.json" | sort | diff - <(names $A))" "" "path: none of A"
	# what a namespace leaves in /run/netns when its mount goes before its name
	touch "$stale"
	timed "path v1" "$PKTLAP" path --no-hooks v1 >"$work/out"
	tail -n 1 "$work/out"
	check_that "path v1 is told in a screen or two, not in a line for each port" test "$(wc -l <"$work/out")" -lt 120
	is "$(grep 'are not seen' "$work/out")" "" "a name without a namespace is no namespace that is not seen"
	timed "check" "$PKTLAP" check --format json >"$work/out" 2>"$work/err"
	is "$? $(wc -l <"$work/err")" "0 0" "check"
	tail -n 1 "$work/out"
}

# 100 appear, 100 are gone, 100 are renamed, at once
disturb()
{
	local i
	for i in $(seq $CHANGES); do
		echo "link add n$i type ifb"
		echo "link del v$((i + 10))"
		echo "link set v$((i + 10 + CHANGES)) down"
		echo "link set v$((i + 10 + CHANGES)) name u$i"
	done >"$work/batch"
	ip -n $H -batch "$work/batch"
}

recorded()
{
	local memory n
	if ! recorder_start "$work/m.data" -i br0 -i br1 -i br2 -i bra0@$A -i bra1@$A -i bra2@$A; then
		not_ok "record of six bridges and their $((2 * PAIRS)) ports" "$(cat "$work/err")"
		return
	fi
	ip netns exec $A ping -q -c 20 -i 0.01 -W 5 10.79.0.1 >/dev/null
	disturb
	ip netns exec $A ping -q -c 20 -i 0.01 -W 5 10.79.0.1 >/dev/null
	sleep 0.5
	memory=$(sed -n 's/VmHWM:[^0-9]*//p' /proc/$recorder/status)
	recorder_stop
	is "$? $(grep -c 'pktlap record' "$work/err")" "0 0" "record of six bridges and their $((2 * PAIRS)) ports"
	echo "# record: $memory of memory at most"
	timed "report" "$PKTLAP" report --format json "$work/m.data" >"$work/out"
	tail -n 1 "$work/out"
	grep -v '^#' "$work/out" >"$work/m.json"
	is "$(jq -r '[.changes[] | select(.netns_name // "" == "") | .what] | group_by(.) | map("\(.[0]) \(length)") | join(", ")' "$work/m.json" |
		grep -oE 'appeared [0-9]+')" "appeared $CHANGES" "each interface that came is in the file"
	is "$(jq -r '[.changes[] | select(.what == "renamed" and (.dev | startswith("u")))] | length' "$work/m.json")" $CHANGES \
		"each that was renamed"
	is "$(jq -r '[.changes[] | select(.what == "gone" and (.dev | test("^v[0-9]+$")))] | length' "$work/m.json")" $CHANGES "each that went"
	is "$(jq -r '[.changes[] | select(.what == "missed")] | length' "$work/m.json")" 0 "none was missed"
	# requests: out of bra1, over the cable, into br1; nothing that the filter let out in between
	n=$(jq '[.paths[] | select(.chain == ["bra1@'$A'", "w1@'$A'", "v1", "br1"]) | .packets] | add // 0' "$work/m.json")
	check_that "packets of the one cable that is up are seen at all its devices ($n)" test "$n" -ge 40
	[ "$n" -ge 40 ] || jq -c '[.paths[] | {chain, packets}], .packets' "$work/m.json" | sed 's/^/#   /'
	is "$(jq -r .lost.events "$work/m.json")" 0 "nothing was lost"
}

timed_up=$EPOCHREALTIME
many_up || { not_ok "$((2 * PAIRS)) interfaces"; tap_done; exit; }
echo "# made in $(((${EPOCHREALTIME/./} - ${timed_up/./}) / 1000)) ms"
whole
recorded
tap_done
