#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A packet's way veth -> bridge -> tap on the running kernel: stages that the kernel permits,
# hops that it refuses named, no packet more or less than was sent.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

count=300
net_up || { not_ok "test network"; tap_done; exit; }
reader_start || { not_ok "tap reader"; tap_done; exit; }

host "$PKTLAP" record -i port0 -i tap0 -o "$work/a.data" -- \
	ip netns exec $SEND_NS "$TRAFFIC" udp-flood -n $count -r 500 10.9.0.9 7788 >"$work/sent" 2>"$work/err"
is $? 0 "record of $count packets ends with status 0"
read_by=$(reader_stop)
is "$read_by" $count "the reader has read every packet"
check_that "the file is for its owner only" test "$(stat -c %a "$work/a.data")" = 600

json "$work/a.data" . >"$work/a.json"
is "$(q .schema)" 1 "report has schema 1"
is "$(q '[.paths[].packets] | add')" $count "all packets are in paths"
is "$(q .packets.complete)" $count "all packets are complete"
is "$(q .packets.incomplete),$(q .packets.ambiguous)" 0,0 "none is incomplete or ambiguous"
is "$(q .lost.events)" 0 "no event was lost"
is "$(q '.paths | length')" 1 "they share one path"

hops=$(q '.paths[0].hops[] | if type == "object" then .hop else . end' | paste -sd' ')
for hop in dev:rxback nic:skb dev:queue tap:xmit tap:read; do
	case " $hops " in
	*" $hop "*) ok "the path has $hop" ;;
	*) not_ok "the path has $hop" "$hops" ;;
	esac
done

# stages sum to the total exactly: of averages only up to rounding, of a packet to the ns
is "$("$PKTLAP" script "$work/a.data" 2>/dev/null | grep -c tap:xmit)" $count "script shows each packet at the tap"

# what this kernel refuses is named, with a reason
uncovered=$("$PKTLAP" check --format json | jq -r '.hops[] | select(.state == "uncovered" and .as == "") | .hop' | sort)
if [ -n "$uncovered" ]; then
	text=$("$PKTLAP" report "$work/a.data" 2>/dev/null)
	missing=$(for h in $uncovered; do grep -q "$h" <<<"$text" || echo "$h"; done)
	is "$missing" "" "report names every hop that this kernel does not cover"
	is "$("$PKTLAP" check --format json |
		jq '[.hops[] | select(.state == "uncovered" and .as == "" and (.tried | length) == 0)] | length')" \
		0 "check gives a reason for each"
else
	skip "uncovered hops are named" "this kernel covers all"
fi
tap_done
