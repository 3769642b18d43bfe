#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The types, functions and tracepoints that pktlap names, against the running kernel and the lab's.
# run.sh [FLAVOUR...]	of tools/lab/fetch-kernel; default: 6.1 6.1-rt 6.12 6.12-rt
set -euo pipefail
cd "$(dirname "$0")/../.."

# modules that have a hook or a type of ours, and those that have copies of the same types
modules="tun tap bridge vhost vhost_net vhost_vsock vhost_iotlb kvm kvm-amd kvm-intel virtio_net
	virtio_ring virtio_pci macvtap macvlan veth"
out=build/tests/btf
[ $# -gt 0 ] || set -- 6.1 6.1-rt 6.12 6.12-rt

# unpack ROOT: vmlinux and modules to a directory of the kernel's name, once
unpack()
{
	local root=$1 version dir m f
	version=$(basename "$root")
	dir=$out/$version
	if [ ! -e "$dir/.done" ]; then
		rm -rf "$dir"
		mkdir -p "$dir"
		ln -s "$root/boot/vmlinux-$version" "$dir/vmlinux"
		for m in $modules; do
			f=$(find "$root/lib/modules" -name "$m.ko" -o -name "$m.ko.xz" | head -n 1)
			case $f in
			*.xz) xz -dc "$f" >"$dir/$m.ko" ;;
			*.ko) ln -s "$f" "$dir/$m.ko" ;;
			# built in, or not in this kernel: missing types are found out anyway
			esac
		done
		touch "$dir/.done"
	fi
	echo "$dir"
}

args=() missing=
if [ -r /sys/kernel/btf/vmlinux ]; then
	args+=(--live)
fi
for flavour; do
	if root=$(tools/lab/fetch-kernel "$flavour" 2>"$out/fetch.log"); then
		args+=(--kernel "$(unpack "$root")")
	else
		sed 's/^/# /' "$out/fetch.log"
		echo "ok - kernel $flavour # SKIP it cannot be fetched"
		missing=yes
	fi
done
[ -n "$missing" ] || args+=(--together)
exec "$out/btf_check" "$out/types.bpf.o" "$out"/sig/*.o "${args[@]}"
