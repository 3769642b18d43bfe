# SPDX-License-Identifier: GPL-2.0
# Medians of rounds, and their 95 % confidence intervals by order statistics (no assumption about
# the distribution). For the tables of tools/bench: awk -f stats.awk -f TABLE.awk
# Callers put a figure of each round into vec[1..rounds].

function sort_into(a, n, s,	i, j, x)
{
	for (i = 1; i <= n; i++) {
		x = a[i]
		for (j = i - 1; j > 0 && s[j] > x; j--)
			s[j + 1] = s[j]
		s[j + 1] = x
	}
}

# rank of the interval's lower end: the most that P(Binomial(n, 1/2) < rank) <= 2.5 % allows
function rank_low(n,	k, p, sum)
{
	p = 1
	for (k = 1; k <= n; k++)
		p /= 2
	sum = 0
	for (k = 0; k < n; k++) {
		sum += p
		if (sum > 0.025)
			return k > 0 ? k : 1
		p = p * (n - k) / (k + 1)
	}
	return 1
}

function median_of(s, n)
{
	return n % 2 ? s[(n + 1) / 2] : (s[n / 2] + s[n / 2 + 1]) / 2
}

# figure(name, format): "MEDIAN (LOW to HIGH)" of vec; fills mid[name]
function figure(name, format,	s, k)
{
	delete sorted
	sort_into(vec, rounds, sorted)
	k = rank_low(rounds)
	mid[name] = median_of(sorted, rounds)
	return sprintf(format " (" format " to " format ")", mid[name], sorted[k], sorted[rounds + 1 - k])
}
