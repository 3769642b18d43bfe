# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A small network for tests on the running kernel, all in namespaces of its own; sourced.
#
#   namespace pktlap-send-PID        namespace pktlap-host-PID
#     eth0 10.9.0.1  <--- veth --->  port0 -- br0 -- tap0  (a reader stands for the guest)
#                                     10.9.0.9 is behind the tap, mac 02:00:00:00:00:09
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=tests/tap.sh
. "$top/tests/tap.sh"
PKTLAP=${PKTLAP:-$top/build/pktlap}
# shellcheck disable=SC2034 # for the tests
TRAFFIC=$top/build/traffic
TAPREAD=$top/build/tests/netns/tapread
# runs side by side do not meet
SEND_NS=pktlap-send-$$ HOST_NS=pktlap-host-$$
work=$(mktemp -d)
reader="" recorder=""

host() { ip netns exec $HOST_NS "$@"; }
sender() { ip netns exec $SEND_NS "$@"; }

net_down()
{
	[ -z "$reader" ] || kill "$reader" 2>/dev/null
	[ -z "$recorder" ] || kill "$recorder" 2>/dev/null
	ip netns del $SEND_NS 2>/dev/null
	ip netns del $HOST_NS 2>/dev/null
	rm -rf "$work"
}

net_up()
{
	trap net_down EXIT
	ip netns del $SEND_NS 2>/dev/null
	ip netns del $HOST_NS 2>/dev/null
	ip netns add $SEND_NS && ip netns add $HOST_NS || return 1
	# no IPv6 and no multicast snooping: nothing moves but what a test sends
	host sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1
	sender sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1
	ip -n $HOST_NS link add port0 type veth peer name eth0 netns $SEND_NS &&
		ip -n $HOST_NS link add br0 type bridge forward_delay 0 mcast_snooping 0 &&
		ip -n $HOST_NS tuntap add tap0 mode tap &&
		ip -n $HOST_NS link set port0 master br0 up &&
		ip -n $HOST_NS link set tap0 master br0 up &&
		ip -n $HOST_NS link set br0 up || return 1
	host bridge fdb add 02:00:00:00:00:09 dev tap0 master static
	ip -n $SEND_NS addr add 10.9.0.1/24 dev eth0
	ip -n $SEND_NS link set eth0 up
	ip -n $SEND_NS link set lo up
	ip -n $SEND_NS neigh add 10.9.0.9 lladdr 02:00:00:00:00:09 dev eth0
}

# forwards NETNS PORT: does the bridge's port?
forwards() { bridge -n "$1" link show dev "$2" | grep -q forwarding; }

# reader_start [DELAY_MS [COUNT]]: read the tap; its closing line goes to $work/reader
reader_start()
{
	# not by host(): a function in the background is a shell, and its pid not the reader's
	ip netns exec $HOST_NS "$TAPREAD" tap0 "$@" >"$work/reader" &
	reader=$!
	# the tap has a carrier from then on: the port forwards
	wait_for 5 grep -q ready "$work/reader" && wait_for 5 forwards $HOST_NS tap0
}

# told to end, has it answered?
reader_ended()
{
	kill -TERM "$reader" 2>/dev/null
	grep -q '^read ' "$work/reader"
}

# reader_stop: ends it; prints how many packets it has read
reader_stop()
{
	# called in a substitution, whose shell cannot wait for it; and a signal just before the read
	# is not seen: told until it has answered
	wait_for 5 reader_ended
	reader=""
	sed -n 's/^read //p' "$work/reader"
}

# recorder_start FILE ARGS...: a recording in the host, until a signal to $recorder; its stderr is
# $work/err. Fails when it does not come to run its command, which it does when all is attached; the
# command's pid is in $work/attached
recorder_start()
{
	local file=$1
	shift
	rm -f "$work/attached"
	# not by host(): the pid would be a shell's
	# shellcheck disable=SC2016 # for the command's shell
	ip netns exec $HOST_NS "$PKTLAP" record -o "$file" "$@" -- \
		sh -c 'echo $$ >"$0.new" && mv "$0.new" "$0" && exec sleep 600' "$work/attached" 2>"$work/err" &
	recorder=$!
	wait_for 60 test -e "$work/attached"
}

# recorder_stop: its status is that of the recording
recorder_stop()
{
	local rc=0
	kill -INT "$recorder"
	wait "$recorder" || rc=$?
	recorder=""
	return $rc
}

# json FILE FILTER: a value of the report of FILE, by a jq filter
json()
{
	"$PKTLAP" report --format json "$1" 2>"$work/report.err" | jq -r "$2"
}

# q FILTER [NAME]: of the document $work/NAME.json (a.json), by a jq filter
q() { jq -r "$1" "$work/${2:-a}.json"; }
