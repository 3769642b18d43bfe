# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # vm_share
# Hazards in the lab, sourced by a test with a booted lab (lib.sh): what needs kernels with function
# hooks and a guest. All at once, since a look takes seconds there.

# hz_found ID PATTERN: by the look $hz
hz_found()
{
	local got
	if grep -qx "no $1" "$vm_share/hz.made"; then
		skip "$kernel: $1" "this kernel has no such thing"
		return
	fi
	got=$(jq -r --arg id "$1" '.hazards[] | select(.id == $id) | .subject + " " + .evidence' "$hz")
	if grep -qE -- "$2" <<<"$got"; then
		ok "$kernel: $1 is found"
	else
		not_ok "$kernel: $1 is found" "got '$got', wanted $2"
	fi
}

# hazards KERNEL: with a guest up; leaves the lab without any
hazards()
{
	local hz=$vm_share/on.json
	kernel=$1
	rm -f "$vm_share/hz.status"
	VM_TIMEOUT=400 vm "tests/vm/bin/hazards on >/share/hz.made 2>/share/hz.err
		pktlap check --format json >/share/on.json; echo \$? >/share/hz.status
		cat /tmp/held.* >/share/hz.held
		tests/vm/bin/hazards off; tests/vm/bin/hazards slow >>/share/hz.made
		pktlap check --hazards --format json >/share/off.json; echo \$? >>/share/hz.status
		tests/vm/bin/hazards off"
	is "$(xargs <"$vm_share/hz.status" 2>&1)" "0 0" "$kernel: check among hazards, and among others without them"
	# hooks_btf.c finds functions of modules too: else these would be kprobes in silence
	is "$(jq -r '[.hops[] | select(.hop | IN("br:in", "tap:send", "vhost:rx", "kvm:kick", "ip:rcv")) | .kind] |
		unique | join(" ")' "$hz")" fentry "$kernel: functions of the kernel and of modules are found in BTF"
	hz_found ftrace-tracer '^tracefs has the tracer function on$'
	hz_found ftrace-events '^tracefs has events on: .*net:net_dev_queue'
	hz_found ftrace-filter "on the packets' way: br_handle_frame"
	hz_found kprobes "on the packets' way: br_handle_frame"
	hz_found bpf-print '^[a-z]+ program "print_part" .* on eth1 calls bpf_trace_printk \(it is called by xdp program "whole"'
	hz_found bpf-tracers '"quiet_kprobe" \(id [0-9]+\) at br_handle_frame'
	hz_found bpf-stats 'is 1'
	hz_found perf-sessions '^perf \(pid [0-9]+\) holds [0-9]+ perf event'
	hz_found xdp-generic '^xdp program "whole" .* on eth1 runs in generic mode'
	hz_found gro '(: |, )eth1(,|$)'
	hz_found gro-flush '^eth1 .* 20000 ns'
	hz_found rps ': eth1$'
	hz_found rfs '^net.core.rps_sock_flow_entries is 64:'
	hz_found busy-poll '^net.core.busy_poll is 50:'
	hz_found qdisc-drops '^qdisc netem [0-9a-f]+: of tap0 dropped: [0-9]+'
	hz_found cpu-quota '^cgroup /hz may run 5000 of each 10000 us'
	hz_found throttled '^cgroup /hz throttled: [0-9]+'
	hz_found halt-poll 'is 200000'
	hz_found nested 'is a virtual machine itself'
	hz_found ksm '^kernel samepage merging runs$'
	hz_found preempt '^preemption is none$'
	hz=$vm_share/off.json
	hz_found bpf-jit-off 'is 0'
	hz_found bpf-jit-harden 'is 2'
	# and nothing else: no alarm is false
	is "$(jq -r '.hazards[].id' "$hz" | grep -v '^bpf-jit-' | paste -sd' ')" nested \
		"$kernel: of all of them, what is left when they are taken away"
}
