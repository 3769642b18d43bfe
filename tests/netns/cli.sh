#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Bad input of any kind: one clear line on stderr, the documented status, nothing left behind.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
cli_down()
{
	umount "$work/full" 2>/dev/null
	ip netns del $HOST_NS 2>/dev/null
	rm -rf "$work"
}
trap cli_down EXIT
cd "$work" || exit 1

# bad STATUS PATTERN ARGS...: status, exactly one line on stderr that matches
bad()
{
	local want=$1 pattern=$2 got
	shift 2
	"$PKTLAP" "$@" >out 2>err
	got=$?
	if [ $got -eq "$want" ] && grep -qiE "$pattern" err && [ "$(grep -vc 'Try .*--help' err)" -eq 1 ]; then
		ok "pktlap $*: $(head -n 1 err | cut -c1-90)"
	else
		not_ok "pktlap $*" "status $got, wanted $want
$(head -n 5 err)"
	fi
}

bad 2 "not a pktlap command" nosuchverb
bad 2 "no-such-option|unrecognized" report --no-such-option
bad 2 "no such device: nosuch0" record -i nosuch0 -o x.data
bad 2 "buffer" record --buffer 5000 -o x.data
bad 2 "duration" record --duration abc -o x.data
bad 2 "no hop" record --hops 'nosuch:*' -o x.data
bad 2 "format" report --format xml
bad 2 "format" script --format xml
bad 2 "percentage" report --slowest 1x
bad 2 "25%" report --slowest 30%
bad 1 "no such file|does not exist" report missing.data
bad 1 "No such file" record --duration 1 -o /no/such/dir/x.data
echo "this is not a recording, but it is long enough to be looked at" >foreign
bad 1 "not a pktlap recording" report foreign
: >empty
bad 1 "empty|no whole|not a pktlap" report empty
bad 1 "directory" report .
check_that "nothing is left behind" test ! -e x.data

for verb in record report script check; do
	"$PKTLAP" $verb --help >out 2>err && [ -s out ] && [ ! -s err ] && ok "$verb --help" || not_ok "$verb --help"
done
check_that "--version prints the version" grep -qE '[0-9]+\.[0-9]+' <("$PKTLAP" --version)

# another user may not record, and is told what is missing
chmod 755 "$work"
if setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null; then
	setpriv --reuid 65534 --regid 65534 --clear-groups "$PKTLAP" record --duration 1 -o /dev/null 2>err
	rc=$?
	is "$rc,$(grep -ciE 'root|CAP_BPF' err)" 1,1 "record without privileges: $(head -n1 err | cut -c1-80)"
else
	skip "record without privileges" "setpriv does not work here"
fi

# a full disk ends the recording with a message; the file is readable up to its last whole block
mkdir full && mount -t tmpfs -o size=96k none full
ip netns add $HOST_NS && ip -n $HOST_NS link set lo up || not_ok "a network of its own"
host "$PKTLAP" record -q -i lo --duration 20 -o full/a.data -- \
	bash -c 'for i in $(seq 20); do ping -q -c 400 -i 0.002 127.0.0.1 >/dev/null; done' 2>err
rc=$?
is $rc 1 "full disk: status 1"
check_that "full disk: $(head -n1 err | cut -c1-80)" grep -q "No space left" err
"$PKTLAP" report full/a.data >out 2>err2
is $? 3 "and the file is readable as far as it goes"
umount full

"$PKTLAP" check >out 2>err
is $? 0 "check"
check_that "a reader that goes away is no error" bash -c "set -o pipefail; '$PKTLAP' check | head -n 1 >/dev/null; s=\$?; [ \$s -eq 0 ] || [ \$s -eq 141 ]"
tap_done
