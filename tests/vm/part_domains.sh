# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Part of part_agent.sh: what a recording of host and guest says of the way through both, and of
# their clocks. Sourced.

# ans QUERY: of the JSON report of $data; more options are the report's
ans()
{
	"$vm_top/build/pktlap" report --format json "${@:1:$#-1}" "$data" 2>/dev/null | jq -r "${*: -1}"
}

# through FROM_DOMAIN TO_DOMAIN: packets of paths that lead from one to the other, and to an application
through()
{
	ans "[.paths[] | select(.hops[0].domain == \"$1\" and .hops[-1].domain == \"$2\"
		and ([.hops[].hop] | any(. == \"nic:gro\" or . == \"tap:skb\"))) | .packets] | add // 0"
}

# The requests and replies of recorded(), 30 of each, and the pings
domains_part()
{
	check_that "$kernel: requests are followed from the wire into the guest" \
		test "$(through host vm1)" -ge 40
	check_that "$kernel: replies from the guest to the wire" test "$(through vm1 host)" -ge 40
	is "$(ans '[.paths[] | select([.hops[] | select(.domain == "vm1").hop] | index("app:recv"))
		| select(.hops[0].domain == "host") | .packets] | add')" 30 \
		"$kernel: each UDP request from the NIC to the guest's application"
	is "$(ans '[.paths[] | select(.hops[0].hop == "app:send" and .hops[0].domain == "vm1")
		| select(.hops[-1].domain == "host") | .packets] | add')" 30 \
		"$kernel: each reply from the application to the NIC"
	is "$(ans '.crossings.impossible')" 0 "$kernel: no crossing is impossible by the clocks"
	is "$(ans '.clock[1].method')" ptp_kvm "$kernel: the guest's clock by ptp_kvm"
	is "$(ans '[.clock[1].methods[].disproved_pieces] | add')" 0 \
		"$kernel: no packet disproves a method"
	is "$(ans '[.clock[1].methods[].method] | sort | join(" ")')" "exchange ptp_kvm tsc" \
		"$kernel: there are three"
	# each is held against the first: TSC and ptp_kvm are good to microseconds here
	is "$(ans '.clock[1].methods | (.[] | select(.method == "ptp_kvm")) as $p |
		map((.offset_ns - $p.offset_ns | fabs) <= .error_ns + $p.error_ns) | all')" true \
		"$kernel: methods agree within their errors ($(ans '[.clock[1].methods[] |
			"\(.method) \(.offset_ns) ± \(.error_ns)"] | join(", ")'))"
	check_that "$kernel: the error is below 50 us" test "$(ans '.clock[1].error_ns')" -lt 50000
}

# The application in the guest does not read for a second: that is where the time went
late_reader_part()
{
	# shellcheck disable=SC2016 # for the guest's shell
	recorded late 0 'guest run "kill -STOP \$(pidof traffic)"
		(sleep 1.5; guest run "kill -CONT \$(pidof traffic)") &
		ip netns exec peer traffic udp-send -n 1 -w 30s 10.0.0.2 7788; wait; sleep 0.5'
	is "$(ans '[.paths[] | select(.hops[0].domain == "host" and .hops[-1].domain == "vm1") | .slowest as $s |
		{ns: $s.stage_ns, from: .hops[.stages[$s.stage_index].from_index]}] | max_by(.ns) |
		"\(.from.domain) \(.from.hop | split(":")[0]) \(.ns > 300000000)"')" "vm1 sock true" \
		"$kernel: an application that reads late is named, with its time"
}
