// SPDX-License-Identifier: GPL-2.0
/* Hazards: BPF programs that print, and those of other tracers */
#include <stdio.h>
#include <string.h>

#include "hazard_bpf.h"
#include "hazards_int.h"

/* `xdp program "fwd" (id 41)` */
static const char *prog_text(const struct hazard_prog *p, char buf[128])
{
	snprintf(buf, 128, "%s program \"%s\" (id %u)", hazard_prog_type(p), p->name, p->id);
	return buf;
}

/* A helper: its name in a program's source, and the function that serves it in the kernel */
struct helper {
	const char *name, *symbol;
};

static const struct helper printers[] = {
	{ "bpf_trace_printk", "bpf_trace_printk" },
	{ "bpf_trace_vprintk", "bpf_trace_vprintk" },
	{},
};

/* In programs on packets; those on functions and tracepoints are made for it */
static const struct helper writers[] = {
	{ "bpf_perf_event_output", "bpf_xdp_event_output" },
	{ "bpf_perf_event_output", "bpf_skb_event_output" },
	{ "bpf_perf_event_output", "bpf_event_output_data" },
	{ "bpf_ringbuf_output", "bpf_ringbuf_output" },
	{ "bpf_ringbuf_submit", "bpf_ringbuf_submit" },
	{ "bpf_ringbuf_submit_dynptr", "bpf_ringbuf_submit_dynptr" },
	{},
};

/* The first of some helpers that a program calls, subprograms included; NULL: none */
static const char *helper_called(struct hazards *h, const struct hazard_prog *p, const struct helper *of)
{
	size_t j;
	__s32 imm;

	for (; of->name; of++) {
		if (!p->ninsn || !hazard_helper(h, of->symbol, &imm))
			continue;
		for (j = 0; j < p->ninsn; j++)
			if (hazard_is_call(&p->insn[j]) && p->insn[j].imm == imm)
				return of->name;
	}
	return NULL;
}

struct found {
	const struct hazard_prog *prog;
	const char *helper;
};

static void call_at(struct hazards *h, __u32 prog, const struct hazard_attach *via, void *ctx)
{
	const struct hazard_prog *caller = hazard_prog_by_id(h->bpf, via->prog);
	char text[128], subject[256];
	const struct found *f = ctx;

	if (!hazard_device_in(h, via->dev))
		return;
	snprintf(subject, sizeof(subject), "%s on %s", prog_text(f->prog, text), via->dev->label);
	if (prog == via->prog)
		hazard_add(h, subject, "calls %s", f->helper);
	else
		hazard_add(h, subject, "calls %s (it is called by %s)", f->helper, prog_text(caller, text));
}

/* Programs that need no device: where they are attached is not looked for */
static bool is_deviceless(const struct hazard_prog *p)
{
	return p->type != BPF_PROG_TYPE_XDP && p->type != BPF_PROG_TYPE_SCHED_CLS &&
	       p->type != BPF_PROG_TYPE_SCHED_ACT && p->type != BPF_PROG_TYPE_EXT;
}

/* Programs on packets that call one of the helpers */
static void packet_calls(struct hazards *h, const struct helper *of)
{
	const struct hazard_bpf *b = hazard_bpf(h);
	char subject[128];
	size_t i;

	for (i = 0; b && i < b->nprogs; i++) {
		struct found f = { .prog = &b->progs[i] };

		if (hazard_prog_class(f.prog) != HAZARD_PROG_PACKET)
			continue;
		f.helper = helper_called(h, f.prog, of);
		if (!f.helper)
			continue;
		if (!hazard_prog_places(h, f.prog->id, call_at, &f) && is_deviceless(f.prog))
			hazard_add(h, prog_text(f.prog, subject), "calls %s", f.helper);
	}
}

void hazard_find_bpf_print(struct hazards *h)
{
	packet_calls(h, printers);
}

void hazard_find_bpf_output(struct hazards *h)
{
	packet_calls(h, writers);
}

void hazard_find_bpf_print_other(struct hazards *h)
{
	const struct hazard_bpf *b = hazard_bpf(h);
	const char *helper;
	char subject[128];
	size_t i;

	for (i = 0; b && i < b->nprogs; i++) {
		if (hazard_prog_class(&b->progs[i]) != HAZARD_PROG_TRACING)
			continue;
		helper = helper_called(h, &b->progs[i], printers);
		if (helper)
			hazard_add(h, prog_text(&b->progs[i], subject), "calls %s", helper);
	}
}

void hazard_find_bpf_unreadable(struct hazards *h)
{
	const struct hazard_bpf *b = hazard_bpf(h);
	const struct hazard_prog *first = NULL;
	char text[128];
	size_t i, n = 0;

	for (i = 0; b && i < b->nprogs; i++) {
		if (hazard_prog_class(&b->progs[i]) == HAZARD_PROG_OTHER || !b->progs[i].hidden)
			continue;
		n++;
		first = first ? first : &b->progs[i];
	}
	if (n == 1)
		hazard_add(h, prog_text(first, text), "cannot be read for prints");
	else if (n)
		hazard_add(h, "loaded BPF programs", "cannot be read for prints: %zu, such as %s", n,
			   prog_text(first, text));
}

/* Where a link's program runs; "": nowhere on the way */
static const char *tracer_place(const struct hazard_bpf *b, const struct hazard_link *l, char buf[160])
{
	const struct hazard_prog *target = l->target_prog ? hazard_prog_by_id(b, l->target_prog) : NULL;
	char text[128];

	*buf = 0;
	if (target)
		snprintf(buf, 160, "around %s", prog_text(target, text));
	else if (hazard_on_way(l->target))
		snprintf(buf, 160, "at %s", l->target);
	return buf;
}

void hazard_find_bpf_tracers(struct hazards *h)
{
	const struct hazard_bpf *b = hazard_bpf(h);
	struct hazard_words words = {};
	char place[160];
	size_t i;

	if (h->cfg.slow)
		hazard_bpf_holders(h);
	for (i = 0; b && i < b->nlinks; i++) {
		const struct hazard_link *l = &b->links[i];
		const struct hazard_prog *p = hazard_prog_by_id(b, l->prog);

		if (!l->user && hazard_prog_class(p) == HAZARD_PROG_TRACING &&
		    *tracer_place(b, l, place))
			hazard_words_add(&words, "\"%s\" (id %u) %s", p->name, p->id, place);
	}
	if (words.n)
		hazard_add(h, "BPF programs of others", "run on the packets' way: %s",
			   hazard_words_text(&words));
}

/* A probe or tracepoint (perf event) of which only the program is known; sampling has no place */
static bool is_untold(const struct hazard_link *l, const struct hazard_prog *p)
{
	return !l->user && !*l->target && l->type == BPF_LINK_TYPE_PERF_EVENT &&
	       (p->type == BPF_PROG_TYPE_KPROBE || p->type == BPF_PROG_TYPE_TRACEPOINT);
}

void hazard_find_bpf_tracers_untold(struct hazards *h)
{
	const struct hazard_bpf *b = hazard_bpf(h);
	struct hazard_words words = {};
	size_t i;

	if (h->cfg.slow)
		hazard_bpf_holders(h);
	for (i = 0; b && i < b->nlinks; i++) {
		const struct hazard_prog *p = hazard_prog_by_id(b, b->links[i].prog);

		if (is_untold(&b->links[i], p))
			hazard_words_add(&words, "\"%s\" (id %u)", p->name, p->id);
	}
	if (words.n)
		hazard_add(h, "BPF programs of others", "run at places that the kernel does not tell: %s",
			   hazard_words_text(&words));
}
