#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Devices that are renamed, vanish, come back, move away and join a bridge while a recording runs:
# the file says what and when, the rest goes on, and no packet is at a device under a name that
# this did not have at the time.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

LATE_NS=pktlap-late-$$
late_down()
{
	ip netns del $LATE_NS 2>/dev/null
	net_down
}

# flood N: packets from the sender, and time for them to be read
flood()
{
	sender "$TRAFFIC" udp-flood -n "$1" -r 500 10.9.0.9 7788 >/dev/null
	sleep 0.1
}

# port_wait PORT: its carrier comes up to a second late, on both sides (linkwatch)
port_up() { forwards $HOST_NS "$1" && ip -n $SEND_NS -br link show dev eth0 | grep -q LOWER_UP; }
port_wait() { wait_for 5 port_up "$1" || not_ok "$1 comes up"; }

net_up || { not_ok "test network"; tap_done; exit; }
trap late_down EXIT
reader_start || { not_ok "tap reader"; tap_done; exit; }
ip -n $HOST_NS tuntap add spare0 mode tap

recorder_start "$work/a.data" -i br0 -i spare0 || { not_ok "record" "$(cat "$work/err")"; tap_done; exit; }
flood 100

# a name that two devices have in turn, the same number too
index=$(host cat /sys/class/net/port0/ifindex)
ip -n $HOST_NS link set port0 down
ip -n $HOST_NS link set port0 name wan0
ip -n $HOST_NS link set wan0 up
port_wait wan0
flood 100
ip -n $HOST_NS link del wan0
sleep 0.1
ip -n $HOST_NS link add port0 index "$index" type veth peer name eth0 netns $SEND_NS
ip -n $SEND_NS addr add 10.9.0.1/24 dev eth0
ip -n $SEND_NS link set eth0 up
ip -n $SEND_NS neigh replace 10.9.0.9 lladdr 02:00:00:00:00:09 dev eth0
ip -n $HOST_NS link set port0 master br0 up
port_wait port0
flood 100

# a device named with -i goes to another namespace, and one of its name comes
ip netns add $LATE_NS
ip -n $HOST_NS link set spare0 netns $LATE_NS
sleep 0.1
ip -n $HOST_NS tuntap add spare0 mode tap
# a new namespace, known by its veth; a port leaves the bridge
ip -n $HOST_NS link add extra0 type veth peer name in0 netns $LATE_NS
ip -n $LATE_NS link set in0 up
ip -n $HOST_NS link set extra0 master br0
ip -n $HOST_NS link set extra0 nomaster
ip netns del $LATE_NS
sleep 0.2
recorder_stop
is $? 0 "record ends with status 0 though devices came and went"
reader_stop >/dev/null

json "$work/a.data" . >"$work/a.json"
changes=$(jq -r '.changes[] | "\(.what) \(.dev) \(.was) \(.to)"' "$work/a.json")
for want in "renamed wan0 port0 " "gone wan0  " "appeared port0  " "joined port0  br0" \
	"moved spare0  $LATE_NS" "appeared spare0  " "joined extra0  br0" "left extra0 br0 " \
	"appeared in0@$LATE_NS  " "gone in0@$LATE_NS  "; do
	if grep -qxF "$want" <<<"$changes"; then ok "change: $want"; else not_ok "change: $want" "$changes"; fi
done
is "$(grep -c "spare0 has moved to $LATE_NS" "$work/err")" 1 "a named device that goes is said once"
is "$(grep -c "renamed to wan0" <("$PKTLAP" report "$work/a.data" 2>/dev/null))" 1 "the report's head has it"

# name, and of how many packets it is the first port: 100 each, in three paths
at() { jq "[.paths[] | select([.hops[].dev] | index(\"$1\")) | .packets] | add // 0" "$work/a.json"; }
is "$(at wan0)" 100 "the packets after the renaming are at wan0"
is "$(at port0)" 200 "those before it, and those of the new port0, are at port0"
is "$(jq '[.paths[].packets] | add' "$work/a.json")" 300 "no packet is missing"
is "$(jq '[.paths[].hops[].dev | select(contains("|"))] | length' "$work/a.json")" 0 "none is in doubt"
# each sighting under a name that the device had then
"$PKTLAP" script --times ns "$work/a.data" 2>/dev/null >"$work/script"
renamed=$(jq '.changes[] | select(.what == "renamed") | .real_ns' "$work/a.json")
back=$(jq '[.changes[] | select(.what == "appeared" and .dev == "port0")][0].real_ns' "$work/a.json")
wrong=$(awk -v a="$renamed" -v b="$back" '
	$1 + 0 > 0 && / wan0 / && ($1 < a || $1 > b) { n++ }
	$1 + 0 > 0 && / port0 / && $1 > a && $1 < b { n++ }
	END { print n + 0 }' "$work/script")
is "$wrong" 0 "no sighting has a name of another time"
check_that "there are sightings of both" test "$(grep -c ' wan0 ' "$work/script")" -ge 100 -a \
	"$(grep -c ' port0 ' "$work/script")" -ge 200
tap_done
