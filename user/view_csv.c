// SPDX-License-Identifier: GPL-2.0
/*
 * The report as CSV: a row a stage and one for each path's total, times in ns; of a recording that
 * does not keep all packets, one more for the total of all on the path
 */
#include <string.h>

#include "view.h"

/* RFC 4180: quoted where it must be, quotes doubled */
static void put_string(FILE *f, const char *s)
{
	if (!s[strcspn(s, ",\"\r\n")]) {
		fputs(s, f);
		return;
	}
	putc('"', f);
	for (; *s; s++) {
		if (*s == '"')
			putc('"', f);
		putc(*s, f);
	}
	putc('"', f);
}

static void put_row(FILE *f, unsigned int path, const char *row, const struct report_hop *from,
		    const struct report_hop *to, const struct report_dist *d)
{
	const char *strings[] = {
		from->hop,
		from->dev,
		from->label,
		to->hop,
		to->dev,
		to->label,
	};

	fprintf(f, "%u,%s", path, row);
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		putc(',', f);
		put_string(f, strings[i]);
	}
	fprintf(f, ",%llu,%llu,%llu,%llu,%llu,%llu,%llu,%llu,%llu,%u\n", d->n, d->min, d->avg,
		d->p50, d->p90, d->p99, d->p999, d->max, d->stddev, d->share_ppm);
}

int view_csv(const struct report *r, FILE *f)
{
	fputs("path,row,from,from_dev,from_label,to,to_dev,to_label,n,min_ns,avg_ns,p50_ns,p90_ns,"
	      "p99_ns,p999_ns,max_ns,stddev_ns,share_ppm\n",
	      f);
	for (size_t i = 0; i < r->npaths; i++) {
		const struct report_path *p = &r->paths[i];

		for (size_t j = 0; j < p->nstages; j++)
			put_row(f, p->id, "stage", p->stages[j].from, p->stages[j].to,
				&p->stages[j].d);
		put_row(f, p->id, "total", &p->hops[0], &p->hops[p->nhops - 1], &p->total);
		if (r->kept.on)
			put_row(f, p->id, "total_all", &p->hops[0], &p->hops[p->nhops - 1],
				&p->total_all);
	}
	return 0;
}
