#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Hazards of the network, each provoked on the running kernel and taken away again: found by
# check and in recordings with the right evidence, and not found when it is not there.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

# in0 (776) and out0 (777) are the way, oth0 (778) is another; their peers in1, out1, oth1
HZ_NS=pktlap-hazard-$$
OBJ=$top/build/tests/netns/hazard.bpf.o
HAZARDPROG=$top/build/tests/netns/hazardprog
hz() { ip netns exec $HZ_NS "$@"; }

hz_down()
{
	[ -z "${holder:-}" ] || kill "$holder" 2>/dev/null
	ip netns del $HZ_NS 2>/dev/null
	umount "$work/bpf" 2>/dev/null
	rm -rf "$work"
}
trap hz_down EXIT

hz_up()
{
	ip netns add $HZ_NS || return 1
	hz sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	local pair
	for pair in in:776 out:777 oth:778; do
		ip -n $HZ_NS link add "${pair%:*}0" index "${pair#*:}" type veth peer name "${pair%:*}1" &&
			ip -n $HZ_NS link set "${pair%:*}0" up &&
			ip -n $HZ_NS link set "${pair%:*}1" up || return 1
	done
	# what in1 sends comes in at in0
	ip -n $HZ_NS addr add 10.9.2.1/24 dev in1
	ip -n $HZ_NS neigh add 10.9.2.9 lladdr 02:00:00:00:00:09 dev in1
}

# document COMMAND...: what it prints into $work/check.json; one that fails has found nothing out
document()
{
	local rc=0
	"$@" >"$work/check.json" 2>"$work/check.err" || rc=$?
	[ $rc = 0 ] || not_ok "$*" "status $rc: $(cat "$work/check.err")"
}

# look [DEV...]: the check's document
look() { document hz "$PKTLAP" check --hazards --format json "$@"; }

# of ID: "subject evidence" of each finding of a row; fails when the document has no list of them
of()
{
	# -n and input: jq 1.6 -e takes an empty file for a success
	jq -en 'input | .hazards | arrays' "$work/check.json" >/dev/null &&
		jq -r --arg id "$1" '.hazards[] | select(.id == $id) | .subject + " " + .evidence' "$work/check.json"
}

# not_here ID WHY: it cannot be provoked on this machine
not_here()
{
	skip "$1 is found" "$2"
	echo "$1" >>"$work/skipped"
}

# found ID PATTERN TEXT, none ID TEXT: of the last look
found()
{
	local got
	got=$(of "$1")
	if grep -qE -- "$2" <<<"$got"; then
		ok "$1: $3"
		echo "$1" >>"$work/found"
	else
		not_ok "$1: $3" "got '$got', wanted $2"
	fi
}
none() { none_of "$1" "" "$2"; }

# none_of ID PATTERN TEXT: the row finds nothing of ours; others may trace this machine
none_of()
{
	local all got
	if ! all=$(of "$1"); then
		not_ok "$1: $3" "no list of hazards in '$(head -c 200 "$work/check.json")'"
		return
	fi
	got=$(grep -E -- "$2" <<<"$all")
	is "$got" "" "$1: $3"
	[ -n "$got" ] || echo "$1" >>"$work/none"
}

xdp() { ip -n $HZ_NS link set dev in0 "$@" 2>"$work/ip.err"; }

# with PROGRAM: look while it is on in0
with()
{
	xdp "${mode:-xdpgeneric}" obj "$OBJ" program "$1" || not_ok "attach $1" "$(cat "$work/ip.err")"
	look in0
}
without() { xdp "${mode:-xdpgeneric}" off; }

# hold COMMAND...: run it until release(); it says when it is ready
settled() { grep -q ready "$work/held" || ! kill -0 "$holder" 2>/dev/null; }
hold()
{
	"$@" >"$work/held" 2>"$work/held.err" &
	holder=$!
	wait_for 5 settled && grep -q ready "$work/held" && return 0
	not_ok "hold $*" "$(cat "$work/held.err")"
	return 1
}
release()
{
	kill "$holder" 2>/dev/null
	wait "$holder" 2>/dev/null
	holder=
}

# prog_on DEV: number of its XDP program; map_of NAME: of a map of that on in0, whose name ends so
prog_on() { ip -n $HZ_NS -j link show dev "$1" | jq '.[0].xdp.prog.id'; }
map_of()
{
	local id
	for id in $(bpftool -j prog show id "$(prog_on in0)" | jq '.map_ids[]'); do
		bpftool -j map show id "$id" | jq --arg n "$1" 'select(.name | endswith($n)) | .id'
	done
}
u32() { printf '0x%02x 0x%02x 0x%02x 0x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)); }

prints()
{
	with quiet
	none bpf-print "a program that does not print is not named"
	is "$(jq '[.hazards[] | select(.severity == "fault")] | length' "$work/check.json")" 0 "no fault on a clean way"
	without
	with print_direct
	found bpf-print '^xdp program "print_direct" \(id [0-9]+\) on in0 calls bpf_trace_printk$' "a print is found"
	hz "$PKTLAP" check --hazards --strict in0 >"$work/out" 2>&1
	is $? 3 "check --strict ends with 3 when there is a fault"
	grep -A1 -E '^fault +xdp program "print_direct"' "$work/out" | grep -q 'load a build without bpf_printk'
	is $? 0 "and shows it with its remedy"
	look out0
	none bpf-print "it is not on the way over another device"
	look
	found bpf-print 'on in0 calls' "but it is found where no device is named"
	without
	with print_sub
	found bpf-print '"print_sub".* on in0 calls bpf_trace_vprintk$' "a print in a subprogram is found"
	without
	hz "$PKTLAP" check --hazards --strict in0 >"$work/out" 2>&1
	is $? 0 "check --strict ends with 0 when there is none"
}

tail_call()
{
	with tail
	none bpf-print "an empty table of tail calls prints nothing"
	ip -n $HZ_NS link set dev oth0 xdpgeneric obj "$OBJ" program print_direct
	# pinned: a table of tail calls is emptied when the last file of it is closed
	mkdir "$work/bpf" && mount -t bpf none "$work/bpf" && bpftool map pin id "$(map_of jump_table)" "$work/bpf/table" &&
		bpftool map update pinned "$work/bpf/table" key 0 0 0 0 value id "$(prog_on oth0)" 2>"$work/ip.err" ||
		not_ok "table of tail calls" "$(cat "$work/ip.err")"
	look in0
	found bpf-print '"print_direct".* on in0 calls bpf_trace_printk \(it is called by xdp program "tail"' \
		"a print in a program that is tail-called is found"
	umount "$work/bpf"
	ip -n $HZ_NS link set dev oth0 xdpgeneric off
	without
}

# programs that others call by the entries of maps, and one in the place of a part
called()
{
	with to_progs
	none bpf-print "a devmap without programs prints nothing"
	# in the namespace of the device
	hold ip netns exec $HZ_NS "$HAZARDPROG" "$OBJ" print_devmap entry "$(map_of tx_progs)" 1 777
	look in0
	found bpf-print '"print_devmap".* on in0 calls bpf_trace_printk \(it is called by xdp program "to_progs"' \
		"the program of a devmap's entry"
	none bpf-redirect-dead "its devmap has an entry whose device takes packets"
	release
	without
	with to_cpus
	hold "$HAZARDPROG" "$OBJ" print_cpumap entry "$(map_of hz_cpus)" 0 192
	look in0
	found bpf-print '"print_cpumap".* on in0 calls .*by xdp program "to_cpus"' "the program of a cpumap's entry"
	release
	without
	with whole
	none bpf-print "the whole does not print"
	if ! "$HAZARDPROG" "$OBJ" print_part freplace "$(prog_on in0)" part try >/dev/null 2>"$work/held.err"; then
		skip "a program that replaces a part" "this kernel refuses freplace: $(tail -n 1 "$work/held.err")"
	elif hold "$HAZARDPROG" "$OBJ" print_part freplace "$(prog_on in0)" part; then
		look in0
		found bpf-print '"print_part".* on in0 calls .*by xdp program "whole"' "a program that replaces a part (freplace)"
		release
	fi
	look in0
	none bpf-print "it is gone with its link"
	without
}

writes()
{
	with quiet
	none bpf-output "a program that writes nothing"
	without
	with write_perf
	found bpf-output '^xdp program "write_perf" \(id [0-9]+\) on in0 calls bpf_perf_event_output$' "to a perf buffer"
	none bpf-print "that is no print"
	without
	hz tc qdisc add dev in0 clsact
	hz tc filter add dev in0 ingress bpf da obj "$OBJ" program write_ring
	look in0
	found bpf-output '^tc program "write_ring" \(id [0-9]+\) on in0 calls bpf_ringbuf_output$' "to a ring buffer"
	hz tc qdisc del dev in0 clsact
}

tracers()
{
	look
	none_of bpf-tracers '_tracer"' "none without one"
	none_of bpf-print-other '_tracer"' "none without one"
	hold "$HAZARDPROG" "$OBJ" print_tracer attach
	look
	found bpf-print-other '^raw_tracepoint program "print_tracer" \(id [0-9]+\) calls bpf_trace_printk$' "a tracer that prints"
	found bpf-tracers '"print_tracer" \(id [0-9]+\) at net_dev_queue' "on the packets' way"
	none_of bpf-print '_tracer"' "which is not on packets themselves"
	release
	hold "$HAZARDPROG" "$OBJ" other_tracer attach
	look
	none_of bpf-tracers '_tracer"' "not at a tracepoint that packets do not meet"
	release
	# as bcc and bpftrace do; tracefs is mounted for it alone
	hold unshare -m sh -c 'mount -t tracefs none /sys/kernel/tracing; exec "$@"' sh \
		"$HAZARDPROG" "$OBJ" quiet_tracer ioctl net net_dev_queue
	look
	found bpf-tracers '"quiet_tracer" \(id [0-9]+\) at net_dev_queue' "one without a link"
	release
}

# what root without CAP_SYSLOG is not shown
unreadable()
{
	with print_direct
	none bpf-unreadable "root may read it"
	document hz setpriv --inh-caps=-syslog --bounding-set=-syslog "$PKTLAP" check --hazards --format json in0
	if [ "$(cat /proc/sys/kernel/kptr_restrict)" = 0 ] && [ "$(cat /proc/sys/kernel/perf_event_paranoid)" -lt 2 ]; then
		not_here bpf-unreadable "this kernel shows its addresses to everybody"
	else
		found bpf-unreadable 'cannot be read for prints' "without CAP_SYSLOG"
	fi
	without
}

tc_print()
{
	ip netns exec $HZ_NS tc qdisc add dev in0 clsact
	ip netns exec $HZ_NS tc filter add dev in0 ingress bpf da obj "$OBJ" program tc_print 2>"$work/ip.err" ||
		not_ok "tc filter" "$(cat "$work/ip.err")"
	look in0
	found bpf-print '^tc program "tc_print" \(id [0-9]+\) on in0 calls bpf_trace_printk$' "a tc program that prints is found"
	ip netns exec $HZ_NS tc filter del dev in0 ingress
	ip netns exec $HZ_NS tc filter add dev in0 egress bpf da obj "$OBJ" program tc_clone
	look in0
	none bpf-print "it is gone with its filter"
	found bpf-redirect-gone '"tc_clone".* redirects to interface 4242, which' "clone_redirect to nowhere is found"
	ip netns exec $HZ_NS tc qdisc del dev in0 clsact
}

redirects()
{
	local map
	with to_constant
	is "$(of bpf-redirect-gone | wc -l)" 1 "bpf-redirect-gone: one of two constants is wrong, one is named"
	found bpf-redirect-gone '"to_constant".* on in0 redirects to interface 4242, which does not exist$' "a constant"
	ip -n $HZ_NS link add gone0 index 4242 type bridge
	look in0
	none bpf-redirect-gone "not when the device is there"
	ip -n $HZ_NS link del gone0
	without

	with to_variable
	found bpf-redirect-gone 'interface 4242 by its variable ifindex_out0' "a global variable, with its name"
	map=$(map_of .data)
	# shellcheck disable=SC2046
	hz bpftool map update id "$map" key 0 0 0 0 value $(u32 778)
	look in0
	none bpf-redirect-gone "not when it holds a device"
	found bpf-redirect-other 'to oth0 by its variable ifindex_out0 \(778\), but out0 is interface 777$' "it is another than its name says"
	# shellcheck disable=SC2046
	hz bpftool map update id "$map" key 0 0 0 0 value $(u32 777)
	look in0
	none bpf-redirect-other "not when it is the one"
	without

	with to_unset
	none bpf-redirect-gone "a variable of 0 is one that is not set"
	without

	ip -n $HZ_NS link set out1 up
	hz ethtool -K out1 gro on >/dev/null 2>&1
	with to_map
	found bpf-redirect-dead 'devmap "tx_out0" \(id [0-9]+\) is empty$' "an empty devmap"
	map=$(map_of tx_out0)
	# shellcheck disable=SC2046
	hz bpftool map update id "$map" key 0 0 0 0 value $(u32 777)
	look in0
	none bpf-redirect-dead "not when it has a device that takes packets"
	none bpf-redirect-other "which is the one that the map is called after"
	hz ethtool -K out1 gro off >/dev/null 2>&1
	look in0
	none bpf-redirect-dead "generic XDP needs no NAPI at a veth's end"
	is "$(forwarded)" 10 "and its packets come through"
	ip -n $HZ_NS link set out0 down
	look in0
	found bpf-redirect-dead 'to out0, which is down$' "a device that is down"
	ip -n $HZ_NS link set out0 up
	# shellcheck disable=SC2046
	hz bpftool map update id "$map" key 0 0 0 0 value $(u32 778)
	look in0
	found bpf-redirect-other 'to oth0 by its devmap "tx_out0" \(id [0-9]+\), but not to out0$' "a devmap with another device"
	ip -n $HZ_NS link del oth0
	look in0
	found bpf-redirect-dead 'is empty$' "a device that vanished is out of the devmap"
	ip -n $HZ_NS link add oth0 index 778 type veth peer name oth1
	ip -n $HZ_NS link set oth0 up
	without

	# the same in the driver, where a veth wants NAPI at its end; and what it says is so
	mode=xdpdrv
	with to_map
	map=$(map_of tx_out0)
	# shellcheck disable=SC2046
	hz bpftool map update id "$map" key 0 0 0 0 value $(u32 777)
	look in0
	found bpf-redirect-dead 'to out0, which drops it: its peer has neither GRO nor' "a veth without NAPI at its end"
	is "$(forwarded)" 0 "its packets do not come through"
	hz ethtool -K out1 gro on >/dev/null 2>&1
	look in0
	none bpf-redirect-dead "not with NAPI"
	is "$(forwarded)" 10 "and they do"
	without
	mode=
	with to_map_else
	none bpf-redirect-dead "an empty devmap where the program says what else to do"
	without
}

# one of 300000 places, whatever is behind the first ones
wide_map()
{
	local map
	with to_wide
	none bpf-redirect-dead "nothing is said of a devmap that was not looked at to its end"
	map=$(map_of wide_out0)
	# shellcheck disable=SC2046
	hz bpftool map update id "$map" key $(u32 5000) value $(u32 777)
	# shellcheck disable=SC2046
	hz bpftool map update id "$map" key $(u32 1) value $(u32 778)
	look in0
	none bpf-redirect-dead "its entry at 5000 is seen"
	none bpf-redirect-other "and is the one that it is called after"
	# shellcheck disable=SC2046
	hz bpftool map delete id "$map" key $(u32 5000)
	# shellcheck disable=SC2046
	hz bpftool map update id "$map" key $(u32 290000) value $(u32 777)
	look in0
	none bpf-redirect-other "nor of one whose end was not looked at"
	without
}

# Of 10 packets that come in at in0, how many come out at out1
forwarded()
{
	local before after
	before=$(hz cat /sys/class/net/out1/statistics/rx_packets)
	hz "$TRAFFIC" udp-flood -n 10 -r 1000 10.9.2.9 7788 >/dev/null 2>&1
	for _ in $(seq 20); do
		after=$(hz cat /sys/class/net/out1/statistics/rx_packets)
		[ $((after - before)) -ge 10 ] && break
		sleep 0.02
	done
	echo $((after - before))
}

modes()
{
	with quiet
	found xdp-generic '"quiet".* on in0 runs in generic mode though the driver can' "generic where native can be"
	none xdp-copy "generic is no native"
	without
	mode=xdpdrv
	with quiet
	found xdp-copy '"quiet".* on in0 gets a copy' "native on a veth"
	none xdp-generic "native is not generic"
	without
	mode=
	look in0
	none xdp-generic "no program"
	none xdp-copy "no program"
}

sockets()
{
	look in0
	none packet-sockets "none without one"
	none promiscuous "none without one"
	ip netns exec $HZ_NS tcpdump -p -n -i in0 -w /dev/null >/dev/null 2>&1 &
	holder=$!
	wait_for 5 hz awk 'END { exit NR < 2 }' /proc/net/packet || not_ok "a capture begins"
	look in0
	found packet-sockets "^packet socket of tcpdump \(pid $holder\) is handed every packet at in0$" "a capture, with its process"
	none promiscuous "it was asked not to be"
	look oth0
	none packet-sockets "not on another way"
	# from outside: by name, in a namespace that is not pktlap's
	document "$PKTLAP" check --format json "in0@$HZ_NS"
	found packet-sockets "at in0@$HZ_NS$" "in another namespace"
	kill $holder
	wait $holder 2>/dev/null
	ip netns exec $HZ_NS tcpdump -n -i in0 -w /dev/null >/dev/null 2>&1 &
	holder=$!
	wait_for 5 hz sh -c "ip -d link show in0 | grep -q 'promiscuity [1-9]'" || not_ok "a promiscuous capture begins"
	look in0
	found promiscuous '^in0 is promiscuous$' "a capture that made the device so"
	kill $holder
	wait $holder 2>/dev/null
	holder=
}

settings()
{
	local xps=yes
	hz sh -c 'echo 20000 >/sys/class/net/in0/gro_flush_timeout; echo 1 >/sys/class/net/in0/queues/rx-0/rps_cpus'
	# -ENOENT when the device has one queue
	hz sh -c 'echo 1 >/sys/class/net/in0/queues/tx-0/xps_cpus' 2>/dev/null || xps=
	look in0
	found gro-flush '^in0 holds packets back for up to 20000 ns' "gro_flush_timeout"
	found rps 'other CPUs: in0$' "rps_cpus"
	if [ -n "$xps" ]; then found xps ': in0$' "xps_cpus"; else not_here xps "a CPU cannot be given a queue"; fi
	hz sh -c 'echo 0 >/sys/class/net/in0/gro_flush_timeout; echo 0 >/sys/class/net/in0/queues/rx-0/rps_cpus'
	[ -z "$xps" ] || hz sh -c 'echo 0 >/sys/class/net/in0/queues/tx-0/xps_cpus'
	look in0
	none gro-flush "not when it is 0"
	none rps "not when it is 0"
	none xps "not when it is 0"
}

# what comes up, or counts up, while a recording runs
recorded()
{
	xdp xdpgeneric obj "$OBJ" program print_direct
	ip -n $HZ_NS addr add 10.9.1.1/24 dev in0 2>/dev/null
	ip -n $HZ_NS neigh add 10.9.1.9 lladdr 02:00:00:00:00:09 dev in0
	# 1000 bytes a second, and room for 2000: most of 40000 bytes find none
	hz tc qdisc add dev in0 root tbf rate 8kbit burst 2000 limit 2000
	hz "$PKTLAP" record -q -i in0 -o "$work/h.data" -- \
		bash -c "'$TRAFFIC' udp-flood -n 400 -r 4000 10.9.1.9 7788; echo 30000 >/sys/class/net/in0/gro_flush_timeout" >/dev/null
	is $? 0 "a recording on a way with hazards"
	document "$PKTLAP" report --format json "$work/h.data"
	found bpf-print 'on in0 calls bpf_trace_printk$' "the recording has it"
	drops=$(hz tc -s -j qdisc show dev in0 | jq '.[0].drops')
	check_that "the bucket drops ($drops)" test "$drops" -gt 300
	found qdisc-drops "^qdisc tbf [0-9a-f]+: of in0 dropped: $drops," "as many as tc counts"
	found qdisc-backlog "^qdisc tbf [0-9a-f]+: of in0 has [1-9][0-9]* packets waiting" "what waits in it"
	found gro-flush 'in0 holds packets back' "what was switched on while recording"
	is "$(jq -r '.hazards[] | select(.id == "bpf-print" or .id == "gro-flush") | .id + " " + .when' "$work/check.json" | sort | paste -sd,)" \
		"bpf-print start,gro-flush during" "each says when it came up"
	"$PKTLAP" report "$work/h.data" >"$work/text" 2>/dev/null
	check_that "the report's text shows it" grep -q '^hazards: xdp program "print_direct" (id [0-9]*) on in0 calls bpf_trace_printk \[fault\]' "$work/text"
	is "$(jq '[.hazards[] | select(.subject | test("pl_"))] | length' "$work/check.json")" 0 "pktlap's own programs are not among them"
	hz tc qdisc del dev in0 root
	hz sh -c 'echo 0 >/sys/class/net/in0/gro_flush_timeout'
	xdp xdpgeneric off
}

# the page of results/printk.md, with too little of everything to measure
bench_page()
{
	(cd "$top" && ROUNDS=1 REQUESTS=50 PACKETS=500 tools/bench/printk "$work/page") >"$work/out" 2>&1
	is $? 0 "tools/bench/printk $(tail -n 1 "$work/out")"
	check_that "it has the stage in which the forwarder runs" grep -q '^| nic:softirq → nic:gro | [0-9.]* |' "$work/page"
	check_that "and the hazard" grep -q '^    hazards: xdp program "fwd_print" .* on in0 calls bpf_trace_printk \[fault\]$' "$work/page"
	check_that "which is not there without the print" test "$(grep -c 'bpf_trace_printk' "$work/page")" = 1
}

hz_up || { not_ok "test network" "$(ip -n $HZ_NS link 2>&1 | head -5)"; tap_done; exit; }
bad=$("$PKTLAP" check nosuch0 2>&1 >/dev/null)
is "$?,$bad" "2,pktlap check: no such device: nosuch0 (\`ip link\` lists them)" "check of a device that is not there"
is "$("$PKTLAP" check --list --format json | jq '.hazards | length > 40')" true "check --list has the whole table"
check_that "the man page has the table as it is (tools/hazards-man)" \
	diff <("$top/tools/hazards-man" "$PKTLAP") "$top/user/pktlap-hazards.7"
prints
tail_call
called
writes
tracers
unreadable
tc_print
redirects
wide_map
modes
sockets
settings
recorded
bench_page
# every row that tests/unit/test_hazards.c leaves to this test was seen to find and not to find
for row in $(grep -v '^#' "$top/tests/hazards.live"); do
	if grep -qx "$row" "$work/skipped" 2>/dev/null; then
		skip "$row is provoked here" "it cannot be on this machine"
	else
		check_that "$row is provoked here" grep -qx "$row" "$work/found"
	fi
	check_that "$row is silent without" grep -qx "$row" "$work/none"
done
tap_done
