# SPDX-License-Identifier: GPL-2.0
# The rows that tools/bench/printk took (ROUND FORWARDER METRIC VALUE), as tables in markdown; needs
# stats.awk. Ratios are taken within a round first.

function vec_of(which, metric, by,	r)
{
	for (r = 1; r <= rounds; r++)
		vec[r] = by ? v[r, which, metric] / v[r, "quiet", metric] : v[r, which, metric]
}

function value(which, metric, format)
{
	vec_of(which, metric, 0)
	figure(which metric, "%g")
	return sprintf(format, mid[which metric])
}

function ratio(which, metric)
{
	vec_of(which, metric, 1)
	return figure(which metric "/", "%.2f")
}

# a stage that was not there in some round has no figure
function in_all(metric,	r)
{
	for (r = 1; r <= rounds; r++)
		if (!v[r, "quiet", metric] || !v[r, "unread", metric] || !v[r, "read", metric])
			return 0
	return 1
}

function stage_row(metric,	name)
{
	name = substr(metric, 7)
	gsub("_", " ", name)
	vec_of("unread", metric, 1)
	figure("grown", "%g")
	# by the lower end: what only may have grown has one below 1
	if (sorted[rank_low(rounds)] > most) {
		most = sorted[rank_low(rounds)]
		vec_of("unread", metric, 0)
		for (r = 1; r <= rounds; r++)
			vec[r] = (vec[r] - v[r, "quiet", metric]) / 1000
		grew = sprintf("%s, by %s µs", name, figure("grown", "%.2f"))
	}
	return sprintf("| %s | %.2f | %.2f | %.2f | %s | %s |\n", name, value("quiet", metric, "%d") / 1000, value("unread", metric, "%d") / 1000, value("read", metric, "%d") / 1000, ratio("unread", metric), ratio("read", metric))
}

{
	v[$1, $2, $3] = $4
	rounds = $1 > rounds ? $1 : rounds
	if ($3 ~ /^stage:/ && !($3 in known)) {
		known[$3] = 1
		stages[++nstages] = $3
	}
}

END {
	split("quiet unread read", which, " ")
	title["quiet"] = "without a print"
	title["unread"] = "with bpf_printk, nobody reads trace_pipe"
	title["read"] = "with bpf_printk, trace_pipe is read"
	printf "%d rounds; figures are medians, in brackets the 95 %% confidence interval of the median. Ratios are those to the forwarder without a print in the same round.\n\n", rounds
	print "The forwarder's program alone, run by the kernel (BPF_PROG_TEST_RUN):\n"
	print "| forwarder | ns a run | ratio |\n| --- | ---: | ---: |"
	for (i = 1; i <= 3; i++)
		printf "| %s | %s | %s |\n", title[which[i]], value(which[i], "alone", "%d"), ratio(which[i], "alone")
	print "\nRequest/response over UDP through it, one at a time, both ends at real-time priority on their own CPUs; it runs twice for each:\n"
	print "| forwarder | p50, µs | ratio | p99, µs | ratio |\n| --- | ---: | ---: | ---: | ---: |"
	for (i = 1; i <= 3; i++)
		printf "| %s | %s | %s | %s | %s |\n", title[which[i]], value(which[i], "p50", "%.1f"), ratio(which[i], "p50"), value(which[i], "p99", "%.1f"), ratio(which[i], "p99")
	print "\nFlood of UDP packets through it, from one CPU; the forwarder runs in the sender's softirqs:\n"
	print "| forwarder | CPU time of the sender and its softirqs, ratio |\n| --- | ---: |"
	for (i = 1; i <= 3; i++)
		printf "| %s | %s |\n", title[which[i]], ratio(which[i], "cpu")
	print "\nWhat pktlap says of the requests, from where the receiving end begins (p50 of a stage, µs; recorded, so with pktlap's own cost in it):\n"
	print "| stage | without | unread | read | unread, ratio | read, ratio |\n| --- | ---: | ---: | ---: | ---: | ---: |"
	for (i = 1; i <= nstages; i++)
		if (in_all(stages[i]))
			table = table stage_row(stages[i])
	printf "%s\n", table
	print "The forwarder runs in nic:softirq → nic:gro: in the softirq that polls the receiving end after it.\n"
	if (most > 1)
		printf "The stage that grew most surely with a print that nobody reads: %s.\n\n", grew
	else
		print "No stage grew for certain in these rounds.\n"
}
