# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Tests in the lab (tools/lab/host): a hypervisor host with a guest, for each kernel; sourced.
#
#   vm_each_kernel FUNCTION   boot each kernel of PKTLAP_VM_KERNELS (default: 6.1 6.12 6.1-rt) once,
#                             with bridge topology and guest, and call FUNCTION FLAVOUR
#   vm CMD                    run CMD (bash) in the lab host; its output and exit status
#   vm_guest CMD              run CMD in the guest
#   vm_peer CMD...            run a command on the far end of the wire
#   field NAME                value of NAME=value in the traffic tool's line on stdin
#   status_is GOT WANTED TEXT OUTPUT   a test; OUTPUT's last lines are shown when it fails
#   $vm_share                 /share of the lab host, on this machine
#
# A kernel that panics takes its results with it: the panic is shown, and that kernel gets a
# second try, told by a "#" line; a second panic is a failed test.
set -uo pipefail
vm_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/tap.sh
. "$vm_top/tests/tap.sh"

vm_host=$vm_top/tools/lab/host
vm_test=$(basename "$0" .sh)
: "${PKTLAP_VM_KERNELS:=6.1 6.12 6.1-rt}"
# a boot serves several tests, on a machine that may be busy
: "${LAB_LIMIT:=1800}"
# parallel runs of tests do not meet
export LAB_NAME LAB_KERNEL LAB_LIMIT
LAB_NAME=test-$vm_test
# shellcheck disable=SC2034 # for the tests
vm_share=${LAB:-$vm_top/build/lab}/run/$LAB_NAME/share
vm_results=$(mktemp)
trap '"$vm_host" stop; rm -f "$vm_results"' EXIT
trap 'exit 130' INT TERM HUP

# 125 with the host gone: nothing that follows in this kernel's part can hold
vm()
{
	local rc=0
	"$vm_host" run -t "${VM_TIMEOUT:-180}" "$1" || rc=$?
	if [ "$rc" = 125 ] && ! "$vm_host" status >/dev/null; then
		exit 125
	fi
	return "$rc"
}

vm_guest()
{
	vm "guest run $(printf '%q' "$1")"
}

vm_peer()
{
	vm "ip netns exec peer $*"
}

field()
{
	sed -n "s/.*[ ]$1=\([^ ]*\).*/\1/p"
}

status_is()
{
	is "$1" "$2" "$3"
	[ "$1" = "$2" ] || printf '%s\n' "$4" | tail -n 15 | sed 's/^/#   /'
}

vm_up()
{
	"$vm_host" boot || return
	# a guest's kernel under two emulations panics in its boot once in a while: it gets a second try
	VM_TIMEOUT=400 vm "${VM_TOPOLOGY:-tools/lab/topo/bridge} && {
		guest boot ${VM_NICS:-} || { guest stop; guest boot ${VM_NICS:-}; }; }"
}

vm_part()
{
	local rc=0
	vm_up || rc=$?
	case $rc in
	0) ;;
	125) exit 125 ;;
	*)
		not_ok "$LAB_KERNEL: host and guest boot" "status $rc, see the log"
		exit 0
		;;
	esac
	"$1" "$LAB_KERNEL"
	# in a command substitution a death does not end the part by itself
	"$vm_host" status >/dev/null || exit 125
	exit 0
}

# vm_try FUNCTION: results go to $vm_results; 125 when the host died
vm_try()
{
	local rc=0
	(
		# the outer shell stops the lab
		trap - EXIT
		vm_part "$1"
	) >"$vm_results" || rc=$?
	return "$rc"
}

vm_each_kernel()
{
	local try rc
	for LAB_KERNEL in $PKTLAP_VM_KERNELS; do
		for try in 1 2; do
			rc=0
			vm_try "$1" || rc=$?
			"$vm_host" stop
			[ "$rc" = 125 ] || break
			if [ "$try" = 1 ]; then
				echo "# $LAB_KERNEL: the lab host died (log: its last words); trying once more"
			else
				not_ok "$LAB_KERNEL: the lab host lives" "it died twice, see the log"
			fi
		done
		[ "$rc" != 125 ] || continue
		cat "$vm_results"
		tap_n=$((tap_n + $(grep -cE '^(not )?ok' "$vm_results")))
		tap_failed=$((tap_failed + $(grep -c '^not ok' "$vm_results")))
		# the tests after that are missing
		[ "$rc" = 0 ] || not_ok "$LAB_KERNEL: its part came to its end" "status $rc"
	done
}
