# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the parts of the benchmark share; sourced, in the top directory.
# shellcheck source=tests/netns/lib.sh
. tests/netns/lib.sh

die()
{
	echo "bench: $*" >&2
	exit 1
}

# head_of TITLE PART, before anything was measured: how a page of results begins
head_of()
{
	cat <<-MD
	# $1

	Made by \`tools/bench/run $2\` on $(date -u +%Y-%m-%d), kernel $(uname -r) ($(uname -m)),
	$(nproc) x $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1); load average before: $(cut -d' ' -f1 /proc/loadavg).
	All figures of one table were taken side by side in one run.

	MD
}
