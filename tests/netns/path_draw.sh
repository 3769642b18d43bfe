#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# pktlap path over a world of its own: what it says of devices is what ip, bridge, tc and ethtool say,
# all three formats hold together, each way to ask finds its way, packets of a recording meet the hops
# that were foretold, and what cannot be answered is refused in one line.
#
#   A (namespace): eth0 10.77.0.1 --- pa     pb --- eth0[.10] 10.77.0.2 : B (namespace)
#                                       \   /
#                               tap0 --- br0[.10] 10.77.0.9, in H; with VLANs where the kernel has them
#   beside: bond0 of two dummies, macvtap0, vx0, qdisc trees on pa and pb, XDP and tc programs
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

H=pktlap-draw-h-$$ A=pktlap-draw-a-$$ B=pktlap-draw-b-$$
OBJ=$top/build/tests/netns/hazard.bpf.o
CHECK=$top/build/tests/netns/schemacheck
h() { ip netns exec $H "$@"; }
link() { ip -n $H link "$@"; }

draw_down()
{
	# shellcheck disable=SC2046 # one pid a word
	kill $(jobs -p) 2>/dev/null
	for ns in $H $A $B; do ip netns del "$ns" 2>/dev/null; done
	rm -rf "$work"
}
trap draw_down EXIT

# maybe COMMAND...: whether this kernel has it
maybe() { "$@" 2>>"$work/maybe"; }

vlans_up()
{
	maybe link set br0 type bridge vlan_filtering 1 || return 1
	ip -n $B link add link eth0 name eth0.10 type vlan id 10 &&
		link add link br0 name br0.10 type vlan id 10 || return 1
	h bridge vlan add dev pa vid 10 pvid untagged
	h bridge vlan add dev pb vid 10-20
	h bridge vlan add dev br0 vid 10 self
	ip -n $B link set eth0.10 up
	link set br0.10 up
}

# bond, macvtap, vxlan: $extra says which are there
extras_up()
{
	extra=""
	if maybe link add bond0 type bond mode active-backup; then
		link add d0 type dummy && link add d1 type dummy
		link set d0 master bond0
		link set d1 master bond0
		link set bond0 up
		ip -n $H addr add 10.78.0.1/24 dev bond0
		extra+=" bond"
	fi
	if maybe link add link pc name macvtap0 type macvtap mode bridge; then
		link set macvtap0 up
		extra+=" macvtap"
	fi
	if maybe link add vx0 type vxlan id 42 dstport 4789 remote 10.78.0.2 dev bond0; then
		link set vx0 up
		extra+=" vxlan"
	fi
}

qdiscs_up()
{
	h tc qdisc add dev pa root handle 1: htb default 1 &&
		h tc class add dev pa parent 1: classid 1:1 htb rate 1gbit &&
		h tc qdisc add dev pa parent 1:1 handle 10: tbf rate 900mbit burst 100k latency 50ms || return 1
	if maybe h tc qdisc add dev pb root handle 2: prio; then
		maybe h tc qdisc add dev pb parent 2:1 handle 21: fq_codel
		maybe h tc qdisc add dev pb parent 2:2 handle 22: fq
	fi
}

programs_up()
{
	# generic on a port, native on the end of a veth that packets come out of
	link set dev pc xdpgeneric obj "$OBJ" program quiet &&
		ip -n $B link set dev eth0 xdpdrv obj "$OBJ" program quiet &&
		h tc qdisc add dev pb clsact &&
		h tc filter add dev pb ingress prio 7 handle 1 bpf da obj "$OBJ" sec tc &&
		h tc filter add dev pb egress prio 9 handle 2 bpf obj "$OBJ" sec tc
}

world_up()
{
	local ns dev=eth0 own=br0
	modprobe -qa tun veth bridge bond dummy 8021q vxlan macvtap sch_htb sch_tbf sch_prio sch_fq_codel sch_fq \
		sch_ingress cls_bpf 2>/dev/null
	for ns in $H $A $B; do
		ip netns add "$ns" || return 1
		ip netns exec "$ns" sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1
		ip -n "$ns" link set lo up
	done
	link add br0 type bridge forward_delay 0 mcast_snooping 0 &&
		link add pa type veth peer name eth0 netns $A &&
		link add pb numrxqueues 2 numtxqueues 2 type veth peer name eth0 numrxqueues 2 numtxqueues 2 netns $B &&
		link add pc type veth peer name pd &&
		ip -n $H tuntap add tap0 mode tap || return 1
	for ns in pa pb tap0; do
		link set "$ns" master br0 up
	done
	link set br0 up
	link set pc up
	link set pd up
	ip -n $A link set eth0 up
	ip -n $B link set eth0 up
	if vlans_up; then vlans=yes dev=eth0.10 own=br0.10; else vlans=no; fi
	ip -n $A addr add 10.77.0.1/24 dev eth0
	ip -n $B addr add 10.77.0.2/24 dev $dev
	ip -n $H addr add 10.77.0.9/24 dev $own
	extras_up
	qdiscs_up && programs_up || return 1
	ip netns exec $H "$TAPREAD" tap0 >"$work/reader" &
	reader=$!
	for ns in pa pb tap0; do
		wait_for 5 forwards $H "$ns" || return 1
	done
}

hooks=--no-hooks
# path ARGS...: status in $rc, document in $work/p.json
path()
{
	# shellcheck disable=SC2086 # an option or none
	h "$PKTLAP" path $hooks --format json "$@" >"$work/p.json" 2>"$work/p.err"
	rc=$?
}

# devices of the document in H (netns "") or another of ours, through a jq filter
of_path() { jq -r --arg ns "$1" ".elements[].device[] | select(.netns == \$ns) | $2" "$work/p.json" | sort -u; }
# the same devices, of what a tool says
only_known() { grep -E "^($(of_path "$1" .name | sed 's/\./\\./g' | paste -sd'|')) " | sort -u; }

same() # WHAT GOT WANTED
{
	if [ "$2" = "$3" ] && [ -n "$3" ]; then
		ok "$1 ($(wc -l <<<"$3"))"
	else
		not_ok "$1" "$(diff <(echo "$2") <(echo "$3") | sed 's/^</path:/; s/^>/tool:/')"
	fi
}

links_same() # NETNS-NAME-IN-PATH NETNS
{
	same "links of ${1:-H} are as ip says" \
		"$(of_path "$1" '"\(.name) \(.rtnl_kind) \(.mac) \(.mtu) \(.up) \(.operstate)"')" \
		"$(ip -n "$2" -d -j link | jq -r '.[] | "\(.ifname) \(.linkinfo.info_kind // "") \(.address) \(.mtu) \(
			.flags | index("UP") != null) \(.operstate | ascii_downcase)"' | only_known "$1")"
}

facts()
{
	path
	is $rc 0 "all ways, as JSON"
	check_that "it keeps to the schema" "$CHECK" "$top/user/path.schema.json" "$work/p.json"
	is "$(jq -r '[.elements[].device[] | select(.netns == "") | .name] + [.alone[] | select(contains("@") | not)] |
		unique | .[]' "$work/p.json" | grep -vxE lo | sort)" \
		"$(ip -n $H -j link | jq -r '.[].ifname' | grep -vxE lo | sort)" "no device of H is missing"
	links_same "" $H
	links_same $A $A
	links_same $B $B
	same "masters and lower devices" \
		"$(of_path "" 'select(.master != "" or .lower != "") | "\(.name) \(.master) \(.lower)"')" \
		"$(ip -n $H -j link | jq -r '.[] | select(.master or (.link and .link_netnsid == null)) | select(.ifname | test("^p[cd]$") | not) |
			"\(.ifname) \(.master // "") \(.link // "")"' | only_known "")"
	is "$(of_path "" 'select(.kind == "veth") | "\(.name) \(.peer)"' | paste -sd, )" \
		"pa eth0@$A,pb eth0@$B,pc pd,pd pc" "both ends of each veth"
	same "bridge ports are as bridge says" \
		"$(of_path "" 'select(.port.state != "") | "\(.name) \(.port.state) \(.port.hairpin) \(.port.isolated) \(.port.learning) \(.port.flood)"')" \
		"$(h bridge -d -j link | jq -r '.[] | select(.master == "br0") | "\(.ifname) \(.state) \(.hairpin) \(.isolated) \(.learning) \(.flood)"' |
			sort)"
	same "qdiscs are as tc says" \
		"$(of_path "" '.name as $n | .qdiscs[] | "\($n) \(.kind) \(.handle) \(.parent)"')" \
		"$(h tc -j qdisc | jq -r '.[] | select(.kind | test("^(clsact|ingress)$") | not) | "\(.dev) \(.kind) \(
			.handle | if endswith(":") then . + "0" else . end) \(if .root then "root" else .parent end)"' | only_known "")"
	same "queues are as sysfs has them" "$(of_path "" '"\(.name) \(.rx_queues) \(.tx_queues)"')" \
		"$(h bash -c 'cd /sys/class/net; for d in *; do [ ! -d "$d" ] ||
			echo "$d" $(ls -d "$d"/queues/rx-* | wc -l) $(ls -d "$d"/queues/tx-* | wc -l); done' | only_known "")"
	same "offloads are as ethtool says" \
		"$(of_path "" '"\(.name) \(.offloads | [index("gro"), index("gso"), index("tso")] | map(. != null) | join(" "))"')" \
		"$(for d in $(of_path "" .name); do
			h ethtool -k "$d" | awk -v d="$d" '/^generic-receive-offload:/ { gro = $2 } /^generic-segmentation-offload:/ { gso = $2 }
				/^tcp-segmentation-offload:/ { tso = $2 } END { print d, gro == "on", gso == "on", tso == "on" }'
		done | sed 's/ 1/ true/g; s/ 0/ false/g')"
}

vlan_facts()
{
	if [ "$vlans" = no ]; then
		skip "the VLAN table is as bridge says" "no VLANs in this kernel"
		return
	fi
	same "the VLAN table is as bridge says" \
		"$(of_path "" '.name as $n | .vlans[] | . as $v | range($v.first; $v.last + 1) | "\($n) \(.) \($v.pvid) \($v.untagged)"')" \
		"$(h bridge -j vlan | jq -r '.[] | .ifname as $n | .vlans[] | . as $v | range($v.vlan; ($v.vlanEnd // $v.vlan) + 1) |
			"\($n) \(.) \(($v.flags // []) | index("PVID") != null) \(($v.flags // []) | index("Egress Untagged") != null)"' | sort -u)"
	is "$(of_path "" 'select(.name == "br0.10") | "\(.virtual.id) \(.virtual.protocol) \(.lower)"')" "10 802.1Q br0" \
		"a VLAN device: id, protocol, lower device"
}

extra_facts()
{
	local has
	for has in bond vxlan macvtap; do
		case $extra in *$has*) ;; *) skip "$has" "not in this kernel"; continue ;; esac
		case $has in
		bond) is "$(of_path "" 'select(.name == "bond0") | "\(.kind) \(.virtual.mode) \(.virtual.active)"')" \
			"bond active-backup $(h cat /sys/class/net/bond0/bonding/active_slave)" "bond: mode and active port" ;;
		vxlan) path vx0
			is "$(of_path "" 'select(.name == "vx0") | "\(.kind) \(.virtual.id) \(.virtual.port) \(.virtual.remote)"')" \
				"vxlan 42 4789 10.78.0.2" "vxlan: id, port, remote" ;;
		macvtap) macvtap_facts ;;
		esac
	done
}

macvtap_facts()
{
	local node
	node=/dev/tap$(h cat /sys/class/net/macvtap0/ifindex)
	path macvtap0
	is "$(of_path "" 'select(.name == "macvtap0") | "\(.kind) \(.virtual.mode) \(.lower)"')" "macvtap bridge pc" "macvtap: mode and lower device"
	if [ ! -c "$node" ]; then
		skip "who has the macvtap open" "no $node"
		return
	fi
	ip netns exec $H sleep 60 9<>"$node" &
	holder=$!
	sleep 0.3
	path --pid $holder
	is "$(jq -r '.ways[] | join(" ")' "$work/p.json" | grep -c "pc macvtap0 sleep-$holder")" 1 "who has the macvtap open"
	kill $holder
}

program_facts()
{
	path
	same "XDP programs are as ip says" \
		"$(for ns in "" $B; do of_path "$ns" '.name as $n | .programs[] | select(.hook | startswith("xdp")) | "\($n) \(.hook) \(.id) \(.name)"'; done)" \
		"$(for ns in $H $B; do
			ip -n "$ns" -d -j link | jq -r '.[] | select(.xdp) | "\(.ifname) \(.xdp.mode) \(.xdp.prog.id)"'
		done | while read -r dev mode id; do
			echo "$dev xdp $( [ "$mode" = 1 ] && echo native || echo generic) $id $(bpftool -j prog show id "$id" | jq -r .name)"
		done)"
	same "tc programs are as tc says" \
		"$(of_path "" '.name as $n | .programs[] | select(.hook | startswith("tc ")) | "\($n) \(.hook) \(.filter) \(.id) \(.prio) \(.handle) \(.direct_action)"')" \
		"$(for side in ingress egress; do
			h tc -j filter show dev pb $side | jq -r --arg s $side '.[] | select(.options) |
				"pb tc \($s) \(.kind) \(.options.prog.id) \(.pref) \(.options.handle | ltrimstr("0x")) \(.options["direct-action"] // false)"'
		done | sort)"
	is "$("$PKTLAP" path --no-hooks "eth0@$B" | grep -cE 'xdp native quiet id [0-9]+')" 1 "the text names a program and its id"
}

# way ARGS...: the ways that are found, a line each
way()
{
	path "$@"
	jq -r '.ways[] | join(" ")' "$work/p.json"
}

asked()
{
	local mac own=br0 b="eth0@$B"
	[ "$vlans" = no ] || own="br0 br0.10" b="eth0@$B eth0.10@$B"
	ip netns exec $A ping -q -c 1 -W 2 10.77.0.9 >/dev/null
	ip netns exec $B ping -q -c 1 -W 2 10.77.0.9 >/dev/null
	mac=$(ip -n $A -j link show eth0 | jq -r '.[0].address')
	check_that "--mac: only ways past the port that the address is behind" \
		test "$(way --mac "$mac" | grep -c .)" -gt 0 -a "$(way --mac "$mac" | grep -vcw pa)" = 0
	is "$(jq -r '.found_by[]' "$work/p.json" | grep -c "$mac is behind pa by the table of br0")" 1 "and how it was found"
	is "$(way --flow 10.77.0.1 10.77.0.9)" "stack@$A eth0@$A pa $own stack" "--flow: from a namespace to the host itself"
	is "$(way --flow 10.77.0.9 10.77.0.1)" "stack $(tr ' ' '\n' <<<"$own" | tac | paste -sd' ') pa eth0@$A stack@$A" "--flow: and back"
	is "$(way --flow 10.77.0.1 10.77.0.2)" "stack@$A eth0@$A pa br0 pb $b stack@$B" "--flow: between two namespaces"
	is "$(way --flow "10.77.0.1@$A" "10.77.0.2@$B")" "stack@$A eth0@$A pa br0 pb $b stack@$B" "--flow: the same by names of namespaces"
	is "$(way --pid $reader | grep -cE "(^| )(tap0 tapread-$reader|tapread-$reader tap0)( |\$)")" "$(way --pid $reader | grep -c .)" "--pid: ways to the process that has the tap"
	check_that "and there are some" test "$(way --pid $reader | wc -l)" -gt 0
}

# Names and hops of the text and of dot are those of the JSON document
formats()
{
	local text dot
	path br0
	text=$(h "$PKTLAP" path br0)
	is "$(jq -r '.elements[].name' "$work/p.json" | while read -r n; do grep -qF -- "$n " <<<"$text " || echo "$n"; done)" "" \
		"text: every element is drawn"
	is "$(grep -cE '(→|←|↔|->|<-|<>) +[a-z]+:[a-z]+' <<<"$text")" "$(jq '[.elements[] | select(.same_as == 0) | .hops[]] | length' "$work/p.json")" \
		"text: as many hops as in JSON"
	check_that "text: 80 columns are kept" \
		test "$(COLUMNS=80 h "$PKTLAP" path --no-hooks br0 | grep -v '^way' | wc -L)" -le 80
	is "$(h "$PKTLAP" path | grep -c 'eth0@.*pa.*br0\|pa.*br0\|br0.*pa')" 1 "one line: the way past pa is a line"
	dot=$(h "$PKTLAP" path --format dot br0)
	is "$(grep -vcE '^digraph pktlap \{$|^}$|^	(rankdir=LR|node \[[^]]*\]);$|^	n[0-9]+ -> n[0-9]+;$|^	n[0-9]+ \[shape=[a-z]+, label="([^"\\]|\\.)*"\];$' <<<"$dot")" 0 \
		"dot: every line is of its grammar"
	is "$(grep -oE 'n[0-9]+ -> n[0-9]+' <<<"$dot" | grep -oE 'n[0-9]+' | sort -u)" \
		"$(grep -oE '^	n[0-9]+ \[' <<<"$dot" | tr -d '	 [' | sort -u)" "dot: edges are between nodes that are there, and leave out none"
}

# of batches, or of some packets only
passing='^(nic:(irq|raise|softirq|poll|gromerge|merged)|tap:get) '

# Hops of devices that each packet meets, "hop device": foretold and hook in place. A bridge's have the
# port in a recording.
no_port() { sed 's/^\(br:[a-z]*\) .*/\1/' | grep -vE "$passing" | sort -u; }
foretold()
{
	jq -r '.elements[] | select(.device[0]) | .device[0] as $d | .hops[] | select(.forward and .state == "attached") |
		"\(.hop) \($d.name + (if $d.netns == "" then "" else "@" + $d.netns end))"' "$work/p.json" | no_port
}

# met SRC DST NETNS: a recording of datagrams from A to DST, which is in NETNS, met what was foretold.
# A native XDP program makes another skb: its packets are two paths.
met()
{
	local want got sockets
	hooks="" path --flow "$1" "$2"
	want=$(foretold)
	sockets=$(jq -r '.elements[] | select(.what == "stack") | .hops[] | select(.forward) | .hop' "$work/p.json" | sort -u)
	ip netns exec "$3" "$TRAFFIC" udp-sink -n 20 -t 5s 9001 >"$work/sink" 2>&1 &
	wait_for 5 grep -q ready "$work/sink" || not_ok "sink of datagrams to $2" "$(cat "$work/sink")"
	h "$PKTLAP" record -q -o "$work/m.data" -- ip netns exec $A "$TRAFFIC" udp-flood -n 20 -r 200 "$2" 9001 >/dev/null 2>"$work/m.err"
	is $? 0 "recording from $1 to $2"
	got=$(json "$work/m.data" '.paths[] | select(.packets >= 20 and (.chain | index("eth0@'$A'") or index("eth0@'$B'"))) |
		.hops[] | "\(.hop) \(.dev)"')
	same "the hops foretold from $1 to $2 are those that packets met" "$want" \
		"$(grep -E '^(dev|nic|br|tap|qdisc):[a-z]+ .' <<<"$got" | no_port)"
	is "$(awk '{ print $1 }' <<<"$got" | grep -E '^(sock|app|ip):' | grep -vxF "$sockets")" "" "and those of sockets were foretold"
}

refused() # STATUS PATTERN TEXT ARGS...
{
	local status=$1 pattern=$2 text=$3 rc
	shift 3
	h "$PKTLAP" path "$@" >"$work/out" 2>"$work/err"
	rc=$?
	is "$rc $(wc -l <"$work/err") $(grep -cE "$pattern" "$work/err") $(wc -c <"$work/out")" "$status 1 1 0" "$text"
}

bad_input()
{
	local i rc bad=0
	refused 2 'no such device: nodev0' "an unknown device" nodev0
	refused 2 'no such device: pa@nowhere' "an unknown namespace" pa@nowhere
	refused 2 'process 1 has no tap' "a process without a tap" --pid 1
	refused 2 'process 4194304 .*not there' "a process that is not there" --pid 4194304
	refused 2 'no bridge knows 02:00:00:ff:ff:ff' "an address that nobody has" --mac 02:00:00:ff:ff:ff
	refused 2 'not a MAC address: x' "no address at all" --mac x
	refused 2 'no way (from 10.77.0.1 )?to 198.51.100.1: ' "a flow without a route" --flow 10.77.0.1 198.51.100.1
	refused 2 'not an IP address: a.b' "a flow of no addresses" --flow a.b 10.77.0.1
	refused 2 'different address families' "a flow between families" --flow fd00::1 10.77.0.1
	# devices that come and go while they are looked at
	(while :; do
		ip -n $H link add flap0 type veth peer name flap1
		ip -n $H link del flap0
	done) 2>/dev/null &
	i=$!
	for _ in $(seq 15); do
		h "$PKTLAP" path --no-hooks --format json flap0 >"$work/f.json" 2>"$work/err"
		rc=$?
		case $rc in
		0) "$CHECK" "$top/user/path.schema.json" "$work/f.json" >/dev/null || bad=1 ;;
		2) [ "$(wc -l <"$work/err") $(grep -c 'no such device: flap0' "$work/err")" = "1 1" ] || bad=1 ;;
		*) bad=1 ;;
		esac
		[ $bad = 0 ] || break
	done
	kill $i
	wait $i 2>/dev/null
	is $bad 0 "a device that comes and goes is there or is not, and nothing else"
	[ $bad = 0 ] || sed 's/^/#   /' "$work/err"
}

# What anybody may ask the kernel is shown, the rest named as not seen
unprivileged()
{
	chmod 755 "$work"
	cp "$PKTLAP" "$work/pktlap"
	h setpriv --reuid=65534 --regid=65534 --clear-groups "$work/pktlap" path --format json pa >"$work/p.json" 2>"$work/err"
	is "$? $(wc -l <"$work/err")" "0 0" "without privileges: the way is shown"
	check_that "and keeps to the schema" "$CHECK" "$top/user/path.schema.json" "$work/p.json"
	is "$(jq -r '"\(.hooks_tried) \(.hooks_why)"' "$work/p.json" | grep -c 'false .*CAP_BPF')" 1 "why no hook was tried is said"
	is "$(jq -r '.not_seen[]' "$work/p.json" | grep -c 'other network namespaces are not seen')" 1 "and what was not seen"
	h setpriv --reuid=65534 --regid=65534 --clear-groups "$work/pktlap" path "eth0@$A" >/dev/null 2>"$work/err"
	is "$? $(wc -l <"$work/err") $(grep -c 'not seen: no CAP_SYS_ADMIN' "$work/err")" "2 1 1" \
		"a device in a namespace that is not seen: refused, with the reason"
}

world_up || { not_ok "test network" "$(cat "$work/maybe")"; tap_done; exit; }
facts
vlan_facts
program_facts
extra_facts
asked
formats
met 10.77.0.1 10.77.0.9 $H
met 10.77.0.1 10.77.0.2 $B
bad_input
unprivileged
tap_done
