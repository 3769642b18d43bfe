# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# common.sh: paths, messages and waiting, for the lab's scripts (sourced)
#
# LAB           where built things and run state go (default: build/lab of this tree)
# LAB_NAME      which lab: several run side by side under different names (default: main)
# PKTLAP_CACHE  where unpacked kernels are kept across trees and "make clean"

LAB_TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${LAB:=$LAB_TREE/build/lab}"
: "${LAB_NAME:=main}"
: "${PKTLAP_CACHE:=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/pktlap}"
# shellcheck disable=SC2034 # used by the scripts that source this
LAB_STATE=$LAB/run/$LAB_NAME
LAB_PROG=${0##*/}

die()
{
	printf '%s: %s\n' "$LAB_PROG" "$*" >&2
	exit 1
}

usage_die()
{
	printf '%s: %s\n' "$LAB_PROG" "$*" >&2
	exit 2
}

# progress, with the seconds since the script started; in the lab host, whose scripts are a
# part of something longer, without
say()
{
	if in_lab_host; then
		printf '         %s\n' "$*" >&2
	else
		printf '[%4d s] %s\n' "$SECONDS" "$*" >&2
	fi
}

# print the comment block at the top of the calling script
usage_of()
{
	sed -n '3,/^[^#]/{ /^#/!q; s/^# \{0,1\}//; p }' "$1"
}

# pause SECONDS without a process (the machine's cores belong to the emulation)
pause()
{
	[ -n "${LAB_PAUSE_FD:-}" ] || exec {LAB_PAUSE_FD}<> <(:)
	read -r -t "$1" -u "$LAB_PAUSE_FD" || true
}

# true inside the lab's host, which alone may open /dev/kvm
in_lab_host()
{
	grep -q ' lab\.role=host' /proc/cmdline
}

need()
{
	local c
	for c; do
		command -v "$c" >/dev/null 2>&1 || die "no $c here: run tools/deps.sh lab"
	done
}
