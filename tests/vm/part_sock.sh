# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # vm_top, vm_share: of lib.sh, which the test has sourced
# The lab host's own sockets, where every hop has a hook: a part of a test that has booted host and
# guest with bridge topology (tcp.sh); sourced. The host is 10.0.0.3 on its bridge.

SOCK_MS=1000000
sock_towards="nic:irq nic:softirq nic:poll nic:gro nic:skb br:in ip:rcv ip:deliver sock:queue sock:ready app:wake
	app:run sock:recv app:recv"
sock_from="app:send ip:out dev:queue br:forward br:push tap:xmit vhost:copy"
# most packets that end at a reader
sock_path='([.paths[] | select([.hops[].hop] | index("app:recv"))] | max_by(.packets))'

sock_q() { jq -r "$1" "$sock_json"; }

sock_stage()
{
	sock_q "[$sock_path.stages[]? | select(.from == \"$1\" and .to == \"$2\")][0].$3 // 0"
}

# sock_rec NAME "READER ARGS" COMMAND: record COMMAND, with a reader on the host when ARGS are given
sock_rec()
{
	local out rc=0 reader=true
	[ -z "$2" ] || reader="build/tests/netns/sockread $2 >/tmp/reader 2>&1 &
		. tests/tap.sh; wait_for 10 grep -q ready /tmp/reader || exit 1"
	out=$(vm "$reader
		pktlap record -q -i eth1 -i br0 -i tap0 -o /share/$1.data -- bash -c $(printf '%q' "$3"); rc=\$?
		wait; cat /tmp/reader; exit \$rc" 2>&1) || rc=$?
	status_is "$rc" 0 "$kernel: record, $1" "$out"
	[ -z "$2" ] || is "$(sed -n 's/^read //p' <<<"$out")" "$(cut -d' ' -f4 <<<"$2")" "$kernel: $1: the reader got all"
	sock_json=$vm_share/$1.json
	"$vm_top/build/pktlap" report --format json "$vm_share/$1.data" >"$sock_json" 2>/dev/null
}

sock_met()
{
	local hop n
	for hop; do
		n=$(sock_q "[.paths[].hops[] | select(.hop == \"$hop\") | .n] | add // 0")
		check_that "$kernel: $hop is met ($n times)" test "$n" -gt 0
	done
}

# sock_waits HOW NAME [PACKETS]: each way to wait for a socket is recognised
sock_waits()
{
	local n=${3:-10}

	sock_rec "sock-$1" "$1 udp 7799 $n" "for i in \$(seq $n); do
		ip netns exec peer traffic udp-flood -n 1 10.0.0.3 7799 >/dev/null; sleep 0.1; done"
	is "$(sock_q "$sock_path.packets")" $n "$kernel: $1: all packets have a way that ends at the reader"
	is "$("$vm_top/build/pktlap" script -v --slowest 10 "$vm_share/sock-$1.data" 2>/dev/null |
		awk '/app:wake/ { print $NF }' | sort -u)" "$2" "$kernel: $1: and wake it, who waits so"
}

sock_starved()
{
	sock_rec sock-starved "recv udp 9 10" "ip netns exec peer chrt -f 50 tests/vm/bin/starve 10 40 10.0.0.3"
	between "$(sock_stage app:wake app:run p50)" $((20 * SOCK_MS)) $((80 * SOCK_MS)) \
		"$kernel: 40 ms without a CPU for the reader are found between wake-up and run"
	is "$(sock_q "$sock_path.stages | max_by(.share_ppm) | .from + \" \" + .to")" "app:wake app:run" \
		"$kernel: and it is the largest stage"
}

sock_busy()
{
	sock_rec sock-busy "poll udp 7799 10 60" "for i in \$(seq 5); do
		ip netns exec peer traffic udp-flood -n 2 -r 100 10.0.0.3 7799 >/dev/null; sleep 0.2; done"
	between "$(sock_stage sock:queue sock:recv p50)" $((25 * SOCK_MS)) $((90 * SOCK_MS)) \
		"$kernel: a reader busy elsewhere: from queue to read, without a wake-up"
}

sock_part()
{
	local to
	kernel=$1
	vm "ip addr add 10.0.0.3/24 dev br0 && ip netns exec peer ping -q -c 3 -i 0.2 10.0.0.3 && ping -q -c 3 -i 0.2 10.0.0.2"
	is $? 0 "$kernel: the host answers on its bridge"
	# so many that it is learned which interrupt is whose
	sock_waits recv recv 40
	# shellcheck disable=SC2086 # words
	sock_met $sock_towards
	is "$(sock_q '.packets.ambiguous')" 0 "$kernel: no packet is ambiguous"
	sock_waits epoll epoll
	sock_waits uring io_uring
	sock_starved
	sock_busy
	sock_rec sock-out "" "traffic udp-send -n 20 -i 20ms -w 5s 10.0.0.2 7788; sleep 0.3"
	# shellcheck disable=SC2086 # words
	sock_met $sock_from
	to=$(sock_q '[.paths[] | select([.hops[].hop] | index("app:send") and index("vhost:copy")) | .packets] | add // 0')
	between "$to" 15 20 "$kernel: requests have their way from the application into the guest"
	to=$(sock_q '[.paths[] | select([.hops[].hop] | index("tap:skb") and index("app:recv")) | .packets] | add // 0')
	between "$to" 15 20 "$kernel: and answers back to it"
}
