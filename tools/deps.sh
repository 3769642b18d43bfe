#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# deps.sh GROUP...	install what is missing of the Debian packages of each GROUP
#
# Groups: build, test, lint, lab, bench (the rivals it measures). Asks nothing; does nothing when all is there.
# Elsewhere than on Debian/Ubuntu, or without root, it names what is missing and exits 1.
# PKTLAP_DEPS=off skips the check (for package builders).
set -euo pipefail

build_pkgs="gcc make pkg-config clang llvm bpftool libbpf-dev libelf-dev libdw-dev zlib1g-dev
	libzstd-dev libjansson-dev libcap-dev libmnl-dev libprotobuf-c-dev protobuf-c-compiler
	libpcap-dev"
test_pkgs="libcmocka-dev libclang-rt-dev jq iproute2 iputils-ping ethtool
	tcpdump tshark procps socat"
lint_pkgs="clang-tidy clang-format cppcheck shellcheck"
lab_pkgs="qemu-system-x86 seabios ipxe-qemu busybox-static kmod cpio gzip xz-utils zstd iproute2
	iputils-ping ethtool tcpdump procps util-linux socat gcc libc6-dev"
bench_pkgs="bpftrace linux-perf trace-cmd tcpdump jq iproute2 util-linux mount"

die()
{
	echo "deps.sh: $*" >&2
	exit 1
}

pkgs_of()
{
	case $1 in
	build) echo "$build_pkgs" ;;
	test) echo "$test_pkgs" ;;
	lint) echo "$lint_pkgs" ;;
	lab) echo "$lab_pkgs" ;;
	bench) echo "$bench_pkgs" ;;
	*) die "no such group: $1 (there are build, test, lint, lab, bench)" ;;
	esac
}

[ "${PKTLAP_DEPS:-on}" != off ] || exit 0
[ $# -gt 0 ] || die "usage: deps.sh build|test|lint|lab|bench ..."

wanted=""
for group; do
	wanted+=" $(pkgs_of "$group")"
done

command -v dpkg-query >/dev/null 2>&1 ||
	die "not a Debian system: install what corresponds to:$(echo $wanted | tr '\n' ' ')"

missing=""
# dpkg-query -W knows "installed" from "removed, configuration left"
for p in $wanted; do
	st=$(dpkg-query -W -f '${Status}\n' "$p" 2>/dev/null | head -n 1) || true
	[ "$st" = "install ok installed" ] || missing+=" $p"
done
[ -n "$missing" ] || exit 0

[ "$(id -u)" = 0 ] || die "missing packages:$missing (as root: apt-get install$missing)"

echo "installing:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
install() { apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 install $missing; }
if ! apt-cache show $missing >/dev/null 2>&1; then
	apt-get -qq update || die "apt-get update failed: is the network there?"
fi
if ! install >/dev/null; then
	# the lists may be older than the archive
	apt-get -qq update && install >/dev/null || die "apt-get could not install:$missing"
fi
