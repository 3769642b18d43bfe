#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The lab itself: what every other test in it relies on.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/vm/hazards.bash
. "$(dirname "$0")/hazards.bash"

# backend KERNEL ADDR NAME: the guest's NIC with ADDR answers, and the counts agree
backend()
{
	local out sink sent
	if out=$(vm_peer "ping -q -c 10 -i 0.1 -W 5 $2"); then
		ok "$1: guest answers pings over $3"
	else
		not_ok "$1: guest answers pings over $3" "$out"
	fi
	out=$(vm_peer "traffic udp-send -n 100 -i 10ms -w 5s $2 7788")
	is "$(field sent <<<"$out")/$(field received <<<"$out")" 100/100 \
		"$1: every UDP request over $3 is answered"
	out=$(vm_peer "traffic tcp-ping -n 50 -w 10s $2 7788")
	is "$(field received <<<"$out")" 50 "$1: every TCP request over $3 is answered"
	# one way: the sink's count, by sequence numbers, against the sender's
	out=$(vm "guest run 'traffic udp-sink -n 300 -t 10s 9001' >/tmp/sink 2>&1 &
		. tests/tap.sh; wait_for 20 grep -q ready /tmp/sink || exit 1
		ip netns exec peer traffic udp-flood -n 300 -r 300 $2 9001
		wait
		cat /tmp/sink")
	sent=$(grep '^udp-flood' <<<"$out" | field sent)
	sink=$(grep '^udp-sink' <<<"$out" | field distinct)
	is "$sent/$sink" 300/300 "$1: one-way datagrams over $3: received as many as sent"
}

lab()
{
	local out
	out=$(vm 'uname -r')
	case $1 in
	*-rt) is "${out%%.*}-${out#*-rt-}" "${1%%.*}-amd64" "$1: an rt kernel runs" ;;
	*) is "$(cut -d. -f1,2 <<<"$out")" "$1" "$1: that kernel runs" ;;
	esac
	is "$(vm 'cat /sys/devices/system/clocksource/clocksource0/current_clocksource')" tsc \
		"$1: the host's clock is the TSC"
	vm 'exit 7'
	is $? 7 "$1: a command's exit status comes back from the host"
	vm_guest 'exit 9'
	is $? 9 "$1: and from the guest"
	is "$(vm 'ps -eTo comm= | grep -c "^vhost-"')" 2 "$1: a vhost worker for tap0, one for vsock, none for tap1"
	backend "$1" 10.0.0.2 vhost
	backend "$1" 10.0.1.2 "QEMU's backend"
	backend6 "$1"
	vm 'echo 1 >/proc/sys/kernel/bpf_stats_enabled && [ -e /sys/kernel/btf/vhost_net ]'
	is $? 0 "$1: module types are there for BPF"
	case $1 in
	*-rt) ;; # as the others
	*) hazards "$1" ;;
	esac
}

backend6()
{
	local out
	out=$(vm_peer "traffic udp-send -n 30 -w 5s fd10::2 7788")
	is "$(field received <<<"$out")" 30 "$1: every IPv6 request is answered"
}

vm_each_kernel lab
tap_done
