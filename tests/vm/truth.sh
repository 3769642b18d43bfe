#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The breakdown of a real guest's traffic, both directions and both backends, on each kernel:
# every hop that the kernel has is met, and a known delay is found at its stage with its size.
# On emulated CPUs sizes hold to some milliseconds: delays are tens, and medians are compared.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

MS=1000000
towards="nic:irq nic:raise nic:softirq nic:poll nic:gro nic:skb br:in br:forward br:push dev:queue
	tap:xmit vhost:wake vhost:run vhost:rx vhost:copy vhost:copied vhost:used vhost:signal
	kvm:irqfd kvm:msi kvm:inject kvm:kick kvm:run kvm:inj kvm:entry"
from="kvm:exit kvm:ioeventfd vhost:tx vhost:fetch tap:send tap:skb nic:xmit nic:txdone"
vmm="tap:read tap:copied tap:get"

# rec NAME COMMAND: record at the host's NIC and taps while COMMAND runs; the report is $json
rec()
{
	local out rc=0
	out=$(vm "pktlap record -q -i eth1 -i tap0 -i tap1 -o /share/$1.data -- bash -c $(printf '%q' "$2")" 2>&1) || rc=$?
	status_is "$rc" 0 "$kernel: record, $1" "$out"
	json=$vm_share/$1.json
	"$vm_top/build/pktlap" report --format json "$vm_share/$1.data" >"$json" 2>/dev/null
}

q() { jq -r "$1" "$json"; }

# The path of most packets that has hop $1, as jq
path_with='[.paths[] | select([.hops[].hop] | index($hop))] | max_by(.packets)'

# median HOP FROM TO: of a stage of the path with HOP; ns, 0 when there is none
median()
{
	jq -r --arg hop "$1" --arg from "$2" --arg to "$3" \
		"$path_with"' | [.stages[]? | select(.from == $from and .to == $to)][0].p50 // 0' "$json"
}

# largest HOP: the stage with the largest share of the path with HOP
largest()
{
	jq -r --arg hop "$1" "$path_with"' | .stages | max_by(.share_ppm) | .from + " " + .to' "$json"
}

hops_met()
{
	local hop n
	for hop; do
		n=$(q "[.paths[].hops[] | select(.hop == \"$hop\") | .n] | add // 0")
		check_that "$kernel: $hop is met ($n times)" test "$n" -gt 0
	done
}

breakdown()
{
	local sent
	rec traffic "ip netns exec peer ping -q -c 20 -i 0.05 10.0.0.2
		ip netns exec peer traffic udp-send -n 60 -w 5s 10.0.0.2 7788
		ip netns exec peer traffic tcp-ping -n 40 -w 10s 10.0.0.2 7788
		ip netns exec peer ping -q -c 20 -i 0.05 10.0.1.2
		sleep 0.5"
	# PREEMPT_RT: the softirq is raised by the interrupt's thread, not inside the interrupt, so
	# that which one it served is not certain; the stitcher leaves it out
	case $kernel in
	*-rt) towards=${towards/nic:raise/} ;;
	esac
	# shellcheck disable=SC2086 # lists of words
	hops_met $towards $from $vmm
	# the end of a poll is on no packet's way: its hook's runs show that it works
	check_that "$kernel: NAPI poll ends are seen" test "$(q '.observer.by_hop["nic:polled"].runs // 0')" -gt 0
	is "$(q .lost.events)" 0 "$kernel: no event lost"
	is "$(q .packets.ambiguous)" 0 "$kernel: no packet ambiguous"
	# 20 + 60 + 40 requests to the vhost NIC, as many answers: none may be missing
	sent=$(q '[.paths[] | select(.chain | index("tap0")) | .packets] | add // 0')
	check_that "$kernel: all 240 packets of the vhost NIC are in paths ($sent)" test "$sent" -ge 240
	is "$(q '[.paths[].stages[] | select(.min < 0)] | length')" 0 "$kernel: no negative time"
	between "$(q '[.hops[] | select(.state == "silent")] | length')" 0 0 "$kernel: no hook is silent"
}

# p ARGS...: path in the lab host, as JSON in $way
p()
{
	way=$vm_share/path.json
	vm "pktlap path --format json $* >/share/path.json"
	is $? 0 "$kernel: path $*"
}

# The device is held against only where both mean the same: a bridge's hops have a port in a recording,
# those of tasks none
hop_names() { sed -E '/^(nic:(irq|poll|gro|skb|xmit|txdone)|dev:[a-z]+|tap:(skb|xmit)|qdisc:[a-z]+) /!s/ .*//' | sort -u; }

# Hops, "hop device", that path foretells in a direction; that packets met in the recording of breakdown()
foretold()
{
	jq -r --arg d "$1" '.elements[] | (if .device[0] then .device[0].name else "" end) as $dev | .hops[] |
		select(.[$d] and .state == "attached") | "\(.hop) \($dev)"' "$way" | hop_names
}

met()
{
	jq -r --arg hop "$1" "$path_with"' | .hops[] | "\(.hop) \(.dev)"' "$json" | hop_names
}

# same_hops DIRECTION HOP TEXT
same_hops()
{
	check_that "$kernel: $3: packets met hops" test -n "$(met "$2")"
	is "$(comm -13 <(foretold "$1") <(met "$2"))" "" "$kernel: $3: packets met no hop but those that path foretells"
	# of batches, or of some packets only
	is "$(comm -23 <(foretold "$1") <(met "$2") |
		grep -vE '^(nic:(irq|raise|softirq|poll|grofrags|gromerge|merged)|tap:get|qdisc:|kvm:|vhost:(wake|run|signal|used|rx|tx))')" "" \
		"$kernel: $3: and all that each packet meets"
}

# path finds the guest's way, from whatever it is asked by, and its hops are what packets met
ways()
{
	local chain mac vmm worker
	vmm=$(vm 'pgrep -of qemu-system')
	worker=$(vm "ps -eLo tid=,comm= | awk '/vhost-$vmm/ { print \$1; exit }'")
	p eth1
	chain=$(jq -r '.ways[] | join(" ")' "$way" | grep tap0)
	is "$chain" "eth1 br0 tap0 vhost-$vmm vm1 vCPU 0" "$kernel: path DEV: from the NIC to the vCPU"
	is "$(jq -r '.elements[] | select(.what == "nic") | .device[0] | "\(.driver) \(.rx_queues) \(.irqs | map(select(.name != "")) | length > 0)"' "$way")" \
		"virtio_net $(vm 'ls -d /sys/class/net/eth1/queues/rx-* | wc -l') true" "$kernel: driver, queues and irqs of the NIC"
	is "$(jq -r '.elements[] | select(.what == "vhost") | .tasks[] | "\(.tid) \(.policy) \(.affinity)"' "$way")" \
		"$worker $(vm "chrt -p $worker | sed -n 's/.*policy: SCHED_//p'" | tr '[:upper:]' '[:lower:]') $(vm "taskset -cp $worker | sed 's/.*: //'")" \
		"$kernel: the vhost worker, its class and its CPUs"
	is "$(jq -r '[.elements[] | select(.what == "vcpu") | .tasks[] | "\(.pid) \(.vcpu)"] | unique | join(",")' "$way")" "$vmm 0" \
		"$kernel: the vCPU's thread"
	p tap0
	same_hops forward vhost:copy "towards the guest"
	same_hops back vhost:fetch "from the guest"
	p --pid "$vmm"
	is "$(jq -r '.ways[] | join(" ")' "$way" | grep -cE "^eth1 br0 tap[01] (vhost-$vmm )?vm1 vCPU 0$")" 2 "$kernel: path --pid: both its taps"
	mac=$(vm 'ip -n peer neigh show 10.0.0.2 | sed -n "s/.*lladdr \([^ ]*\).*/\1/p"')
	p --mac "$mac"
	is "$(jq -r '.ways[] | join(" ")' "$way")" "$chain" "$kernel: path --mac: the way of the guest's NIC only"
}

# 20 ms in the tap's qdisc: enqueue to dequeue
netem()
{
	rec netem "tc qdisc add dev tap0 root netem delay 20ms
		ip netns exec peer ping -q -c 30 -i 0.1 10.0.0.2
		tc qdisc del dev tap0 root"
	between "$(median vhost:copy qdisc:enq qdisc:deq)" $((20 * MS)) $((45 * MS)) \
		"$kernel: 20 ms of netem on the tap are found in its qdisc"
	is "$(largest vhost:copy)" "qdisc:enq qdisc:deq" "$kernel: and it is the largest stage"
}

# The worker is kept from the CPU for 40 ms: a task of real-time priority has it
worker()
{
	rec worker "ip netns exec peer chrt -f 50 tests/vm/bin/starve 20 40 10.0.0.2"
	between "$(median vhost:copy vhost:wake vhost:run)" $((20 * MS)) $((80 * MS)) \
		"$kernel: 40 ms without a CPU for the vhost worker are found between wake and run"
	is "$(largest vhost:copy)" "vhost:wake vhost:run" "$kernel: and it is the largest stage"
}

# The same with a worker that may preempt it: now only the vCPU waits
vcpu()
{
	vm 'for t in $(ps -eLo tid=,comm= | awk "\$2 ~ /^vhost-/ { print \$1 }"); do chrt -f -p 60 $t; done'
	rec vcpu "ip netns exec peer chrt -f 50 tests/vm/bin/starve 20 40 10.0.0.2"
	vm 'for t in $(ps -eLo tid=,comm= | awk "\$2 ~ /^vhost-/ { print \$1 }"); do chrt -o -p 0 $t; done'
	between "$(median vhost:copy kvm:kick kvm:run)" $((20 * MS)) $((80 * MS)) \
		"$kernel: 40 ms without a CPU for the vCPU are found between kick and run"
	is "$(largest vhost:copy)" "kvm:kick kvm:run" "$kernel: and it is the largest stage"
}

# Drops at a known place for a known reason. The peer knows its neighbour for good: a probe of it would
# be a 26th packet to drop.
drops()
{
	vm 'mac=$(ip -n peer neigh show 10.0.0.2 | sed -n "s/.*lladdr \([^ ]*\).*/\1/p")
		ip -n peer neigh replace 10.0.0.2 lladdr "$mac" dev eth0 nud permanent'
	is $? 0 "$kernel: the peer's neighbour is permanent"
	rec drops "tc qdisc add dev tap0 root netem loss 100%
		ip netns exec peer ping -q -c 25 -i 0.05 -W 1 10.0.0.2
		tc qdisc del dev tap0 root"
	# multicast that the host or the bridge sends by itself may be dropped there, too
	is "$("$vm_top/build/pktlap" script --format jsonl --end dropped "$vm_share/drops.data" |
		jq -c 'select(.proto == 1 and .drop.reason_name == "QDISC_DROP")' | wc -l)" 25 \
		"$kernel: 25 packets dropped by the qdisc are shown as QDISC_DROP"
}

truth()
{
	kernel=$1
	breakdown
	case $1 in
	*-rt) return ;;
	esac
	ways
	netem
	worker
	vcpu
	drops
}

vm_each_kernel truth
tap_done
