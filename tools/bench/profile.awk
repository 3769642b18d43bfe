# SPDX-License-Identifier: GPL-2.0
# Table of tools/bench/profile: files of "EVENTS LOST" and of "TOOL SYMBOL" lines, a sample each

function group_of(sym)
{
	if (sym ~ /^bpf_prog_[0-9a-f]+_[a-z]/)
		return "pktlap's programs"
	if (sym ~ /^(bpf_trampoline_|__bpf_prog_(enter|exit)|bpf_trace_run|__bpf_trace_|__traceiter_|__probestub_|bpf_prog_[0-9a-f]+_*$)/)
		return "from the tracepoint into a program, and back"
	if (sym ~ /(ktime_get|sched_clock|read_tsc|kvm_clock|pvclock|rdtsc)/)
		return "reading clocks"
	if (sym ~ /^(__)?(bpf_|htab_|__htab_|array_map|copy_from_kernel|memcpy_orig)/)
		return "helpers of programs"
	return "the kernel's own path"
}

function row(name, bare, pktlap)
{
	printf "| %s | %.0f | %.0f | %.0f |\n", name, bare * ns, pktlap * ns, (pktlap - bare) * ns
}

# By what they cost more, most first
function sort_by_more(keys, n, more,	i, j, k)
{
	for (i = 2; i <= n; i++) {
		k = keys[i]
		for (j = i - 1; j > 0 && more[keys[j]] < more[k]; j--)
			keys[j + 1] = keys[j]
		keys[j + 1] = k
	}
}

FILENAME ~ /events$/ { events += $1; lost += $2; next }

{
	sub(/\+0x.*/, "", $2)
	g = group_of($2)
	by_group[$1, g]++
	by_sym[$1, $2]++
	all[$1]++
	if (!(g in groups)) { groups[g]; gs[++ngs] = g }
	if (!($2 in syms)) { syms[$2]; ss[++nss] = $2 }
}

END {
	ns = 1e9 / hz / packets
	printf "%d packets of a flood, bare and recorded: %.1f events a packet, %d lost. ns a packet, on the sender's CPU:\n\n", packets, (events + lost) / packets, lost
	print "| part | bare | recorded | more |\n| --- | ---: | ---: | ---: |"
	for (i = 1; i <= ngs; i++)
		more_g[gs[i]] = by_group["pktlap", gs[i]] - by_group["bare", gs[i]]
	sort_by_more(gs, ngs, more_g)
	for (i = 1; i <= ngs; i++)
		row(gs[i], by_group["bare", gs[i]], by_group["pktlap", gs[i]])
	row("all", all["bare"], all["pktlap"])
	printf "\nAn event: %.0f ns.\n", (all["pktlap"] - all["bare"]) * ns * packets / (events + lost)
	print "\nThe functions that cost most more:\n\n| function | bare | recorded | more |\n| --- | ---: | ---: | ---: |"
	for (i = 1; i <= nss; i++)
		more_s[ss[i]] = by_sym["pktlap", ss[i]] - by_sym["bare", ss[i]]
	sort_by_more(ss, nss, more_s)
	for (i = 1; i <= nss && i <= 25; i++)
		row("`" ss[i] "`", by_sym["bare", ss[i]], by_sym["pktlap", ss[i]])
	print "\nSamples come where interrupts are on; what runs without them counts where they are switched on again."
}
