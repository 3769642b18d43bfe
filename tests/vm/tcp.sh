#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# TCP at full rate into the guest and out of it, GRO on the NIC and the guest's GSO on: every byte
# that the sink got is accounted for at every hop. Then, in the same boot, the host's own sockets, and
# the guest's own half.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/vm/part_sock.sh
. "$(dirname "$0")/part_sock.sh"
# shellcheck source=tests/vm/part_agent.sh
. "$(dirname "$0")/part_agent.sh"
: "${PKTLAP_TCP_KERNELS:=6.1 6.12}"
PKTLAP_VM_KERNELS=$PKTLAP_TCP_KERNELS
BYTES=2097152

# flow NAME SINK SENDER: record while SENDER sends to SINK (commands); the ranges are $ranges
flow()
{
	local out rc=0
	out=$(vm "$2 >/tmp/sink 2>&1 &
		. tests/tap.sh; wait_for 20 grep -q ready /tmp/sink &&
		pktlap record -q -i eth1 -i tap0 --buffer 16M -o /share/$1.data -- $3 && cat /tmp/sink" 2>&1) || rc=$?
	status_is "$rc" 0 "$kernel: record, $1, loses no event" "$out"
	is "$(grep '^tcp-sink' <<<"$out" | field bytes)" $BYTES "$kernel: $1: the sink got all bytes"
	ranges=$vm_share/$1.ranges
	"$vm_top/build/tests/ranges" "$vm_share/$1.data" >"$ranges"
	is "$(sed -n 's/^flow bytes=\([0-9]*\) .* incomplete=\([0-9]*\) ambiguous=\([0-9]*\).*/\1 \2 \3/p' "$ranges")" \
		"$BYTES 0 0" "$kernel: $1: the way of every packet is known"
}

all_bytes()
{
	while [ $# -gt 0 ]; do
		is "$(sed -n "s/^$1 $2 bytes=\([0-9]*\) holes=\([0-9]*\) .*/\1 \2/p" "$ranges")" "$BYTES 0" \
			"$kernel: all bytes at $1 $2"
		shift 2
	done
}

tcp()
{
	kernel=$1
	flow to "guest run 'traffic tcp-sink -n 1 9001'" \
		"ip netns exec peer traffic tcp-send -b $BYTES 10.0.0.2 9001"
	all_bytes nic:gro eth1 nic:skb eth1 br:in eth1 br:forward tap0 br:push tap0 dev:queue tap0 \
		tap:xmit tap0 vhost:copy tap0 vhost:copied tap0
	check_that "$kernel: segments were merged" test "$(sed -n 's/^nic:merged .*packets=//p' "$ranges")" -gt 50
	flow from "ip netns exec peer traffic tcp-sink -n 1 9002" \
		"guest run 'traffic tcp-send -b $BYTES 10.0.0.1 9002'"
	all_bytes tap:skb tap0 nic:skb tap0 br:in tap0 br:forward eth1 br:push eth1 dev:queue eth1 \
		nic:xmit eth1 nic:txdone eth1
	check_that "$kernel: large packets were cut up" test "$(sed -n 's/^flow .* split=\([0-9]*\) .*/\1/p' "$ranges")" -gt 50
}

all_parts()
{
	tcp "$1"
	sock_part "$1"
	agent_part "$1"
}

vm_each_kernel all_parts
tap_done
