# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# common.sh: what every topology of the lab host starts with (sourced)
#
# The far end of the wire is eth0, in network namespace "peer": 10.0.0.1 and fd10::1, and, for
# the guest's second NIC, 10.0.1.1 and fd11::1. eth1 is the lab host's own NIC, without address.

# shellcheck source=tools/lab/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
in_lab_host || die "only in the lab host (tools/lab/host run tools/lab/topo/$LAB_PROG)"

# A port of a hypervisor host has no addresses and sends nothing by itself.
silent_up()
{
	local dev
	for dev; do
		echo 1 >"/proc/sys/net/ipv6/conf/$dev/disable_ipv6"
		ip link set "$dev" up
	done
}

load_modules()
{
	local m
	for m; do
		modprobe -q "$m" || say "no module $m"
	done
}

wait_for_dev()
{
	for _ in {1..50}; do
		[ ! -e "/sys/class/net/$1" ] || return 0
		pause 0.1
	done
	die "no network device $1"
}

make_peer()
{
	[ ! -e /run/netns/peer ] || return 0
	# before any program is loaded: hooks in a module need the module
	load_modules virtio_net e1000e vmxnet3 tun vhost_net vhost_vsock
	modprobe -q kvm_amd || modprobe -q kvm_intel || say "no KVM: there will be no guest"
	wait_for_dev eth0
	wait_for_dev eth1
	ip netns add peer
	ip link set eth0 netns peer
	ip -n peer link set lo up
	ip -n peer addr add 10.0.0.1/24 dev eth0
	ip -n peer addr add 10.0.1.1/24 dev eth0
	ip -n peer addr add fd10::1/64 dev eth0 nodad
	ip -n peer addr add fd11::1/64 dev eth0 nodad
	ip -n peer link set eth0 up
	silent_up eth1
}

make_tap()
{
	local tap
	for tap; do
		[ -e "/sys/class/net/$tap" ] || ip tuntap add "$tap" mode tap vnet_hdr
		silent_up "$tap"
	done
}
