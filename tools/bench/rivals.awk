# SPDX-License-Identifier: GPL-2.0
# The rows that tools/bench/rivals took (ROUND TOOL METRIC VALUE), as tables in markdown; needs
# stats.awk. Ratios are taken within a round first.

function median(tool, metric,	r)
{
	for (r = 1; r <= rounds; r++)
		vec[r] = v[r, tool, metric]
	delete sorted
	sort_into(vec, rounds, sorted)
	return median_of(sorted, rounds)
}

function ratio(tool, metric, sign,	r)
{
	for (r = 1; r <= rounds; r++)
		vec[r] = sign > 0 ? v[r, tool, metric] / v[r, "bare", metric] : \
				    v[r, "bare", metric] / v[r, tool, metric]
	return figure(tool " " metric, "%.3f")
}

# CPU time that the tool adds to the sender's path, ns an event delivered or lost
function event_ns(tool, r)
{
	return (v[r, tool, "cpu"] - v[r, "bare", "cpu"]) * 1e9 / (v[r, tool, "events"] + v[r, tool, "lost"])
}

function event_figure(tool,	r)
{
	for (r = 1; r <= rounds; r++)
		vec[r] = event_ns(tool, r)
	return figure(tool " event", "%.0f")
}

function goal(what, limit, got, met)
{
	printf "| %s | %s | %s | %s |\n", what, limit, got, met ? "met" : "**missed**"
}

# The rival whose event costs least, by its median
function cheapest(	i, best)
{
	for (i = 3; i <= ntools; i++)
		if (!best || mid[tools[i] " event"] < mid[best " event"])
			best = tools[i]
	return best
}

function event_ratio(tool, rival,	r)
{
	for (r = 1; r <= rounds; r++)
		vec[r] = event_ns(tool, r) / event_ns(rival, r)
	return figure(tool " to " rival, "%.2f")
}

{
	v[$1, $2, $3] = $4
	rounds = $1 > rounds ? $1 : rounds
	if (!($2 in known)) {
		known[$2] = 1
		tools[++ntools] = $2
	}
}

END {
	# in order of the first round, which is not that of the list: bare, pktlap, the others
	n = split("bare pktlap trace-cmd perf bpftrace-join bpftrace-print tcpdump", order, " ")
	for (i = ntools = 0; i++ < n;)
		if (order[i] in known)
			tools[++ntools] = order[i]
	printf "%d rounds; figures are medians, in brackets the 95 %% confidence interval of the median.\n\n", rounds
	print "Request/response over UDP, one at a time, both ends at real-time priority on their own CPUs:\n"
	print "| tool | p50, µs | p50 / bare | p99, µs | p99 / bare |\n| --- | ---: | ---: | ---: | ---: |"
	for (i = 1; i <= ntools; i++)
		printf "| %s | %.1f | %s | %.1f | %s |\n", tools[i], median(tools[i], "p50"), ratio(tools[i], "p50", 1), median(tools[i], "p99"), ratio(tools[i], "p99", 1)
	printf "\nFlood of %d UDP packets from one CPU, veth, bridge, veth:\n\n", median("bare", "sent")
	print "| tool | time / bare | CPU time of the sender and its softirqs / bare |\n| --- | ---: | ---: |"
	for (i = 1; i <= ntools; i++)
		printf "| %s | %s | %s |\n", tools[i], ratio(tools[i], "seconds", 1), ratio(tools[i], "cpu", 1)
	print "\n| tool | events a packet | lost | bytes an event | ns an event, on the packet's path | ns an event, the tool's own process |\n| --- | ---: | ---: | ---: | ---: | ---: |"
	for (i = 2; i <= ntools; i++) {
		t = tools[i]
		e = median(t, "events")
		made = e + median(t, "lost")
		printf "| %s | %.1f | %.2f %% | %s | %s | %.0f |\n", t, made / median("bare", "sent"), 100 * median(t, "lost") / (made ? made : 1), t == "bpftrace-join" ? "none kept" : sprintf("%.1f", median(t, "bytes") / (e ? e : 1)), event_figure(t), median(t, "reader") / (made ? made : 1)
	}
	print "\nAn event of pktlap costs the packet's path, by that of each rival:\n"
	print "| rival | pktlap's event / the rival's |\n| --- | ---: |"
	for (i = 3; i <= ntools; i++)
		printf "| %s | %s |\n", tools[i], event_ratio("pktlap", tools[i])
	print "\n| goal | limit | measured | |\n| --- | ---: | ---: | --- |"
	if (ntools > 2) {
		t = cheapest()
		goal("event, by that of the cheapest rival (" t ")", "<= 0.5", sprintf("%.2f", mid["pktlap to " t]), mid["pktlap to " t] <= 0.5)
	}
	goal("p99 of request/response, by bare", "<= 1.03", sprintf("%.3f", mid["pktlap p99"]), mid["pktlap p99"] <= 1.03)
	goal("events lost in the flood", "<= 0", median("pktlap", "lost"), median("pktlap", "lost") == 0)
	print ""
}
