#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# btf_check must find each of the errors in wrong.bpf.c; a check that finds nothing proves nothing
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh

out=build/tests/btf
if [ ! -r /sys/kernel/btf/vmlinux ]; then
	skip "btf_check finds planted errors" "this kernel has no BTF"
	tap_done
	exit
fi
found=$("$out/btf_check" "$out/wrong.bpf.o" "$out"/sig/*.o --live)
for s in sk_buff net_device napi_struct task_struct net pt_regs; do
	check_that "planted error in struct $s is found" \
		grep -qE "^not ok .*struct $s, " <<<"$found"
done
check_that "it says which field" grep -q 'no field pid_of_pktlap' <<<"$found"
tap_done
