#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# record --guest: an agent in a second namespace stands for the guest. Both halves are this
# kernel's, so their clocks are one: what the exchange says of them must be 0 within its width.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

net_up || { not_ok "test network"; tap_done; exit; }
ip -n $HOST_NS addr add 10.9.0.2/24 dev br0
port=$((20000 + $$ % 20000))
# the sender's namespace is the guest; its device has the same name as none of the host's
agent="ip netns exec $SEND_NS $PKTLAP agent -i eth0"
ping=(ip netns exec "$SEND_NS" ping -q -c 20 -i 0.02 10.9.0.2)

# guest FILE FILTER: of the documents and counts of domain 1, as JSON
guest()
{
	"$top/build/tests/domains" "$1" | jq -r ".[1] | $2"
}

# --- over standard input and output
host "$PKTLAP" record -i port0 -o "$work/a" --guest "exec:$agent --stdio" -- "${ping[@]}" \
	>/dev/null 2>"$work/err"
is $? 0 "record with a guest over exec"
is "$(guest "$work/a" .truncated,.ended,.damaged | xargs)" "false true 0" "its half is whole"
is "$(guest "$work/a" '.guest | .spec, .lost_ns' | xargs -d '\n')" \
	"exec:$agent --stdio null" "the file says how it was reached"
check_that "the guest's events are there" test "$(guest "$work/a" .events)" -ge 80
grep -q "^guest exec:.*: $(guest "$work/a" .events) events, 0 lost$" "$work/err"
is $? 0 "and the summary counts them"
check_that "the host's packets are its own" \
	test "$("$top/build/tests/domains" "$work/a" | jq '.[0].packets')" -ge 40
is "$(guest "$work/a" '[.sync[] | select(.method == "exchange")] | length > 30')" true \
	"clocks were compared at the start, each second and at the end"
is "$(guest "$work/a" '[.sync[] | select((.guest_ns - .host_ns | fabs) * 2 > .width_ns + 2)] | length')" \
	0 "one clock: no comparison is off by more than half its width"
check_that "the best one is good to 100 us" \
	test "$(guest "$work/a" '[.sync[].width_ns] | min')" -lt 100000

# --- the static agent, in whose build other code takes the place of a library
host "$PKTLAP" record -q -i port0 -o "$work/s" --guest \
	"exec:ip netns exec $SEND_NS $top/build/pktlap-agent --stdio -i eth0" -- "${ping[@]}" >/dev/null
is $? 0 "record with the static agent"
is "$(guest "$work/s" '.events >= 80 and .ended')" true "the guest's events are there"
ldd "$top/build/pktlap-agent" 2>/dev/null | grep -q '=>'
is $? 1 "it needs no library"

# --- over TCP; a second recorder is told that the agent is busy, and a later one is served
# shellcheck disable=SC2086
$agent --tcp 10.9.0.1:$port 2>"$work/agent" &
tcp_agent=$!
for _ in $(seq 100); do grep -q waiting "$work/agent" && break; sleep 0.05; done
host "$PKTLAP" record -i port0 -o "$work/b" --guest tcp:10.9.0.1:$port -- bash -c "
	ip netns exec $SEND_NS ping -q -c 20 -i 0.02 10.9.0.2
	$PKTLAP record -q -o $work/no --guest tcp:10.9.0.1:$port --duration 1 2>$work/busy" \
	>/dev/null 2>"$work/err"
is $? 0 "record over TCP"
check_that "the guest's events are there" test "$(guest "$work/b" .events)" -ge 80
# some 60 questions and answers went over it; the second recorder's connection is not its own
between "$("$top/build/tests/domains" "$work/b" | jq '[.[].hooks | .tcp_send_tp, .tcp_send_fe, .tcp_queue_fe // 0] | add // 0')" \
	0 9 "its own connection is recorded on neither side"
is "$(guest "$work/b" '.meta.options.filter | test("not .tcp and")')" true "and the file says that it is left out"
grep -q 'serves another recorder' "$work/busy"
is $? 0 "a second recorder is told that the agent is busy"
check_that "and touches no file" test ! -e "$work/no"
host "$PKTLAP" record -q -i port0 -o "$work/b" --duration 0.2 --guest tcp:10.9.0.1:$port
is $? 0 "the agent serves the next recorder"

# --- a channel that is too slow: 64 KiB each 0.2 s. What waits is bounded, the rest is lost in the
# guest's rings and counted as the guest's
slow="$agent --stdio | while :; do dd bs=64k count=1 status=none; sleep 0.2; done"
host "$PKTLAP" record -i port0 --buffer 64K -o "$work/e" --guest "exec:$slow" -- \
	ip netns exec "$SEND_NS" "$TRAFFIC" udp-flood -n 150000 -r 50000 10.9.0.9 7788 >/dev/null 2>"$work/err"
is $? 3 "a slow channel: exit status 3"
is "$(guest "$work/e" '.ended, .damaged' | xargs)" "true 0" "its recording came to its end"
lost=$(sed -n 's/^guest .*: [0-9]* events, \([0-9]*\) lost$/\1/p' "$work/err")
check_that "the guest's loss is told ($lost)" test "$lost" -gt 1000
is "$(guest "$work/e" .lost)" "$lost" "and is in the file as the guest's"

# --- a recorder that asks and does not read: what waits for it in the agent is bounded
read -r answers ended < <("$top/build/tests/domains" --flood "$agent --stdio")
between "$answers" 32 2000 "few of 100000 questions are answered when no answer is read"
is "$ended" 1 "and the recording comes to its end"

# --- hops, and what a guest cannot do
host "$PKTLAP" record -q -i port0 --hops 'dev:xmit' -o "$work/c" --guest "exec:$agent --stdio" -- \
	"${ping[@]}" >/dev/null
is "$(guest "$work/c" '.hooks | keys | join(" ")')" start_xmit "--hops is for the guest, too"
host "$PKTLAP" record -q -i port0 --hops '*' -o "$work/c" --guest "exec:$agent --stdio" -- true 2>"$work/err"
is "$? $(grep -c '^pktlap record: guest .*not covered there' "$work/err")" \
	"$(grep -q 'not covered here' "$work/err" && echo 3 1 || echo 0 0)" \
	"a hop that is named and that this kernel does not cover is told of the guest as of the host"
host "$PKTLAP" record -q -o "$work/no" --duration 1 --guest \
	"exec:$PKTLAP agent --stdio -i nodevice" 2>"$work/err"
is $? 1 "an agent that cannot record fails the recording"
grep -q 'nodevice' "$work/err"
is $? 0 "and says why"
check_that "before any file is made" test ! -e "$work/no"

# --- cut in the middle: the host's half goes on, and the file says since when
# cut NAME WHAT: end the TCP recording's guest by WHAT after a second
cut()
{
	local before
	host "$PKTLAP" record -i port0 -o "$work/d" --guest "$2" -- bash -c "
		sleep 0.5; awk '{print \$1 * 1000000000}' /proc/uptime >$work/cut; $3; sleep 0.7
		ip netns exec $SEND_NS ping -q -c 20 -i 0.01 10.9.0.2" >/dev/null 2>"$work/err"
	is $? 3 "$1: exit status 3"
	is "$(grep -c 'missing from here on' "$work/err")" 1 "$1: one line says so"
	is "$(guest "$work/d" '.ended, (.guest.reason | length > 5)' | xargs)" "false true" \
		"$1: the file says why"
	before=$(cat "$work/cut")
	is "$(guest "$work/d" "(.guest.lost_ns - $before) / 1e9 | . > -0.1 and . < 0.8")" true \
		"$1: and when"
	check_that "$1: the host's half is whole" \
		test "$("$top/build/tests/domains" "$work/d" | jq '.[0] | select(.ended).packets')" -ge 40
}
cut "agent killed" "exec:echo \$\$ >$work/pid; exec $agent --stdio" "kill -KILL \$(cat $work/pid)"
cut "channel cut" tcp:10.9.0.1:$port "ip netns exec $SEND_NS ss -K sport = :$port >/dev/null"
kill $tcp_agent
wait $tcp_agent
is $? 0 "the agent ends at SIGTERM"
is "$(ip netns pids $SEND_NS | wc -l)" 0 "no agent is left"

# --- what is no agent
# refused NAME SPEC WORD: fails with one line that has WORD in it
refused()
{
	timeout 60 "$PKTLAP" record -q -o "$work/no" --duration 1 --guest "$2" 2>"$work/err"
	is $? 1 "$1: fails"
	is "$(grep -c . "$work/err") $(grep -c "$3" "$work/err")" "1 1" "$1: one line, with '$3'"
}
refused "garbage" "exec:cat /dev/urandom" "no pktlap agent"
refused "nothing" "exec:false" "status 1"
refused "no such command" "exec:exec 2>/dev/null; nosuchcommand" "status 127"
refused "silence" "exec:sleep 100" "no agent has answered"
refused "another version" "exec:$top/build/tests/domains --hello 9" "use the same version"
refused "nobody at the port" tcp:127.0.0.1:$port "pktlap agent --tcp"
refused "no such host" "tcp:nohost.invalid" "nohost.invalid"
refused "vsock without a guest" vsock:77 "CID 77\|no vsock"
for ways in "" "--vsock --tcp 7001" "--tcp 7001 --vsock" "--stdio --vsock" "--tcp 7001 --tcp 7002"; do
	# shellcheck disable=SC2086
	timeout 10 "$PKTLAP" agent $ways </dev/null 2>"$work/err"
	is "$? $(grep -c 'one of --stdio' "$work/err")" "2 1" "agent${ways:+ }$ways is wrong usage"
done
check_that "none of them made a file" test ! -e "$work/no"
"$PKTLAP" record --guest vsock:abc --duration 1 2>"$work/err"
is $? 2 "a guest that is none is wrong usage"
tap_done
