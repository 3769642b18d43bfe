#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Single packets for other programs: what protoc decodes and tshark reads is what the JSON lines
# say, packet for packet, on a recording in which packets overlap and some are dropped.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

net_up || { not_ok "test network"; tap_done; exit; }
reader_start 5 || { not_ok "tap reader"; tap_done; exit; }
# the tap's ring has room for 1000: what comes beyond that, and is not read in time, is dropped
host "$PKTLAP" record -q -i port0 -i tap0 -o "$work/a.data" -- bash -c "
	ip netns exec $SEND_NS $TRAFFIC udp-flood -n 1100 10.9.0.9 7788 >/dev/null; sleep 0.2" 2>"$work/err"
is $? 0 "record"

cd "$work" || exit 1
for format in jsonl perfetto pcapng; do
	"$PKTLAP" script --format $format a.data >a.$format 2>err
	is "$?,$(cat err)" "0," "script --format $format"
done
is "$(wc -l <a.jsonl)" "$(json a.data .packets.seen)" "jsonl: a line for each packet of the report"
dropped=$(jq -s 'map(select(.end == "dropped")) | length' a.jsonl)
check_that "some were dropped ($dropped)" test "$dropped" -gt 0
is "$(jq -s 'map(select(.total_ns != ([.sightings[].stage_ns] | add))) | length' a.jsonl)" 0 "jsonl: stages sum to the total"

# Perfetto: a begin or an instant for each sighting, at its time; slices of a packet end
check_that "protoc decodes the Perfetto trace" \
	bash -c "protoc-c --proto_path='$top/user' --decode=pft.Trace perfetto.proto <a.perfetto >a.text"
awk '$1 == "timestamp:" { ts = $2 }
	$1 == "type:" { type = $2 }
	$1 == "track_uuid:" { open[$2] += type == "SLICE_BEGIN" ? 1 : type == "SLICE_END" ? -1 : 0; uuid = $2 }
	$1 == "name_iid:" && /^    name_iid/ { print ts }
	END { for (i in open) if (open[i]) exit 1 }' a.text >a.times
is $? 0 "perfetto: each slice that begins ends"
jq '.sightings[].mono_ns' a.jsonl | sort -n >a.wanted
check_that "perfetto: sightings and their times are those of jsonl ($(wc -l <a.wanted))" \
	cmp a.wanted <(sort -n a.times)
is "$(grep -c terminating_flow_ids a.text)" "$(wc -l <a.jsonl)" "perfetto: a flow for each packet"

# pcapng, as tshark reads it
tshark -r a.pcapng -T fields -e frame.time_epoch -e frame.len -e frame.interface_name \
	-e frame.packet_id >a.frames 2>err
rc=$?
is "$rc,$(grep -vi 'running as user' err)" "0," "tshark reads the capture"
frames=$(jq -s '[.[].sightings[] | select(.bytes > 0)] | length' a.jsonl)
is "$(wc -l <a.frames)" "$frames" "pcapng: a frame for each sighting of a packet"
is "$(awk '{ print $2, $3, $4 }' a.frames | cksum)" \
	"$(jq -r '.packet as $p | .sightings[] | select(.bytes > 0) | "\(.bytes) \(.dev) \($p)"' a.jsonl | cksum)" \
	"pcapng: lengths, interfaces and packet ids"
is "$(awk '{ sub(/\./, "", $1); print $1 }' a.frames | cksum)" \
	"$("$PKTLAP" script --times ns a.data | awk '$1 ~ /^[0-9]+$/ { print $1 }' | cksum)" \
	"pcapng: times, to the nanosecond"
is "$(tshark -r a.pcapng -Y 'frame.comment contains "dropped: "' 2>/dev/null | wc -l)" "$dropped" \
	"pcapng: dropped packets are marked"
tap_done
