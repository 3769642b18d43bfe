# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The last part of a boot: record with an agent in the guest, over vsock; the guest is powered off
# in the middle of the second recording. Sourced by a test of tests/vm, after lib.sh.

# shellcheck source=tests/vm/part_domains.sh
. "$(dirname "$0")/part_domains.sh"

# domain I FILTER: of domain I of the recording $data, as JSON
domain()
{
	"$vm_top/build/tests/domains" "$data" | jq -r ".[$1] | $2"
}

# recorded NAME WANTED COMMAND: record with the guest while COMMAND runs in the lab host
recorded()
{
	local out rc=0
	data=$vm_share/$1.data
	out=$(VM_TIMEOUT=300 vm "pktlap record -i eth1 -i tap0 -o /share/$1.data --guest vsock:3 -- bash -c $(printf '%q' "$3")" 2>&1) || rc=$?
	status_is "$rc" "$2" "$kernel: record with a guest, $1: exit status $2" "$out"
}

# one_line SPEC WORD NAME
one_line()
{
	local out rc=0
	out=$(vm "timeout 60 pktlap record -q -o /share/no.data --duration 1 --guest $1" 2>&1) || rc=$?
	status_is "$rc $(grep -c . <<<"$out") $(grep -c "$2" <<<"$out")" "1 1 1" "$kernel: $3: one line says so" "$out"
}

agent_part()
{
	local hook kernel=$1
	one_line vsock:3:9999 "no agent waits" "a port without agent"
	recorded guest 0 "ip netns exec peer traffic udp-send -n 30 -w 5s 10.0.0.2 7788
		ip netns exec peer ping -q -c 10 -i 0.05 10.0.0.2; sleep 1.2"
	is "$(domain 1 '.ended, .damaged, .lost, .guest.lost_ns' | xargs)" "true 0 0 null" \
		"$kernel: the guest's half is whole"
	is "$(domain 1 .meta.host)" vm1 "$kernel: it names the guest"
	is "$(domain 0 .meta.host)" labhost "$kernel: and the host's half the host"
	for hook in napi_gro receive_skb udp_queue_fe start_xmit; do
		check_that "$kernel: the guest's $hook saw the packets" \
			test "$(domain 1 ".hooks.$hook // 0")" -ge 30
	done
	check_that "$kernel: clocks were compared" test "$(domain 1 '.sync | length')" -ge 10
	is "$(domain 1 '[.sync[] | select(.width_ns < 0)] | length')" 0 "$kernel: no comparison has a negative width"

	domains_part
	late_reader_part

	recorded off 3 "sleep 1; guest stop; sleep 1; ip netns exec peer ping -q -c 3 -W 1 10.0.0.2; true"
	is "$(domain 1 '.ended, (.guest.reason | length > 5), (.guest.lost_ns > .guest.connected_ns)' | xargs)" \
		"false true true" "$kernel: guest powered off: the file says when and why"
	is "$(domain 0 '.ended, .events > 100' | xargs)" "true true" "$kernel: and the host's half is whole"
	one_line vsock:3 "no guest with CID 3" "a CID without guest"
}
