/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The trace file (pktlap.data): a header and a sequence of checksummed chunks. Event chunks are
 * zstd-compressed arrays of struct pl_event of one CPU; all else is a JSON document, so that the
 * file describes itself. The layout is documented in user/trace_format.h.
 *
 * All functions return 0 or a count, or a negative errno.
 */
#ifndef PKTLAP_TRACE_H
#define PKTLAP_TRACE_H

#include <jansson.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "../bpf/event.h"

/*
 * Kinds of chunk. A document of a kind replaces the earlier one of that kind in the same domain,
 * except clock snapshots, syncs and lists of changes, which add up.
 */
enum trace_chunk {
	TRACE_EVENTS = 1,
	TRACE_META, /* {boot_id, version, host, release, machine, cpus, command[], start_real_ns,
			 * start_mono_ns, options{}} */
	TRACE_HOPS, /* [{hop, state, hook, kind, target, tried[{hook, kind, target,
		     * beside, error}]}]; beside: the hook that it is attached beside, or "" */
	TRACE_DEVICES, /* [{netns, netns_name, ifindex, name, kind, driver, master, irqs[]}] */
	TRACE_TASKS, /* [{tid, comm, role, vmm}] */
	TRACE_CLOCK, /* {tsc, mono_ns, real_ns, tai_ns, boot_ns, width_ns, real_error_ns,
		      * ptp_kvm{host_real_ns, real_ns}}: clock.h; ptp_kvm only in a guest */
	TRACE_COUNTS, /* {hooks: {id: {made, lost, by_cpu: {cpu: lost}}}, unfollowed,
			 * tasks_unfollowed}: what found no room (hooks_unfollowed()) */
	TRACE_COST, /* {hooks: {id: {runs, ns, made}}, window_ns}: the kernel's run statistics,
			 * and events made in that time */
	TRACE_DROPS, /* {reasons: {number: name}, places: {offset: {symbol, source}}} */
	TRACE_END, /* {reason, end_mono_ns, events}; absent: the recorder did not end by
			 * itself */
	TRACE_CATALOGUE, /* [hook id]: what the numbers of hooks in this file mean; written
				 * by trace_create() */
	TRACE_HAZARDS, /* [{id, severity, when, subject, evidence, remedy}] (hazards.h), worst
			 * first; written at the start, and again with what came up since */
	TRACE_CHANGES, /* [{what, time_ns, after_ns, netns, netns_name, ifindex, name, kind, driver,
			 * master, was, to}]: what happened to devices (changes.h), in order */
	TRACE_SYNC, /* [{method, guest_ns, host_ns, width_ns}], of a guest: its CLOCK_MONOTONIC was
			 * guest_ns when the host's was host_ns, give or take half of width_ns.
			 * method "exchange": asked and answered over the agent's channel */
	TRACE_GUEST, /* {spec, connected_ns, lost_ns, reason}, of a guest: as named by --guest; from
			 * when to when it was recorded, by the host's CLOCK_MONOTONIC. lost_ns and
			 * reason: null where the recording did not end without it */
	TRACE_PACKETS, /* no document: packets as the recorder stitched them (--slower-than) */
	TRACE_KEPT, /* {slower_than_ns, until_ns, hops[], packets{seen, kept, complete, ..., cloned,
			 * out_of_order, last_id}, events{read, unused, evicted, unsure_fetches, late,
			 * undecided}, incomplete_last_hop{hop: n}, paths[{hops[[hop, netns, ifindex, ts]],
			 * total}], other, unstitched{times, events, ns}}: there when only packets
			 * slower than that are kept: counts of all that were stitched until then,
			 * total and other are histograms (hist.h) of complete packets' time, in ns;
			 * unstitched: what the recorder had no time for, in TRACE_EVENTS */
	TRACE_KVM_TSC, /* [{vmm, offset, ratio, ratio_bits}]: guests' counters (kvm_tsc.h) */
	TRACE_NR_CHUNKS
};

struct iovec;
struct trace_chunk_header;
struct trace_writer;

/*
 * Create path with mode 0600; an existing file is renamed to path.old first (as perf does).
 * hide: 16 random bytes, the key that kernel addresses are hashed with; not stored.
 */
int trace_create(const char *path, const __u8 hide[16], struct trace_writer **out);

/*
 * The same bytes to where put() takes them, in place of a file: the header, then chunk by chunk,
 * each with one call. put() may change iov; it returns 0 or a negative errno, which stays.
 */
typedef int (*trace_put_fn)(void *ctx, struct iovec *iov, int n);
int trace_create_stream(trace_put_fn put, void *ctx, const __u8 hide[16], struct trace_writer **out);

/*
 * Append events of one CPU, in the order in which the ring had them; addresses are hashed on the
 * way. Buffers up to a block (TRACE_BLOCK_EVENTS) per CPU. When the write fails (-ENOSPC ...) the
 * file is cut back to its last whole chunk and every later call returns the same error.
 */
int trace_write_event(struct trace_writer *w, unsigned int cpu, const struct pl_event *ev);

/* Write all partly filled blocks that are older than age_ns (0: all) at now_ns (monotonic) */
int trace_flush(struct trace_writer *w, __u64 now_ns, __u64 age_ns);

/*
 * Append a compressed chunk that is no document: len bytes, count things of times ts_min to ts_max.
 * trace_packets.h makes and reads them.
 */
int trace_write_packed(struct trace_writer *w, enum trace_chunk kind, const void *raw, size_t len,
		       unsigned int count, __u64 ts_min, __u64 ts_max);

/* Append a document. Does not take the reference. -EINVAL, -EMSGSIZE: not written, no harm done */
int trace_write_doc(struct trace_writer *w, enum trace_chunk kind, const json_t *doc);

/* The same about a guest, domain 1 .. TRACE_DOMAINS_MAX - 1 */
int trace_write_doc_in(struct trace_writer *w, unsigned int domain, enum trace_chunk kind,
		       const json_t *doc);

/*
 * Append a chunk that another writer made as one of domain; h->stored bytes of payload, which were
 * not looked into. It gets this file's number. -EBADMSG: no chunk that a writer of this version
 * makes (kind, sizes, checksums), or one of a kind that only a recorder writes about a guest; not
 * written, no harm done. h need not be trusted, but payload must have what it promises.
 */
int trace_write_raw(struct trace_writer *w, unsigned int domain, const struct trace_chunk_header *h,
		    const void *payload);

/* Events by trace_write_event(), the buffered ones too */
__u64 trace_events_written(const struct trace_writer *w);
__u64 trace_bytes_written(const struct trace_writer *w);

/* Flush and close; frees w in any case */
int trace_finish(struct trace_writer *w);

/* Where a block of events lies; blocks of one CPU are in the order in which they were written */
struct trace_block {
	__u64 offset; /* of the chunk's payload in the file */
	__u64 ts_min, ts_max; /* ns */
	__u32 cpu;
	__u32 events;
	__u32 stored, raw; /* bytes, in the file and decompressed */
	__u32 crc;
};

/* The recording of one domain. trace_open() gives the recorder's own; guests hang on it */
struct trace {
	int fd;
	char *path;
	struct trace_block *blocks;
	size_t nblocks;
	__u64 nevents;
	struct trace_block *packets; /* TRACE_PACKETS, in the order of the file; events: packets */
	size_t npackets;
	json_t *docs[TRACE_NR_CHUNKS]; /* TRACE_CLOCK, TRACE_SYNC: an array of all; NULL: none */
	bool truncated; /* does not end on a whole chunk; a guest's: the same file's */
	bool ended; /* has TRACE_END: the recorder ended by itself */
	__u64 good_bytes; /* up to the end of the last whole chunk */
	__u64 file_bytes;
	__u64 damaged; /* chunks missing before that: damaged, cut out, or out of order. A guest's:
			* its documents that cannot be read; lost chunks are counted in the host's */
	__u8 kept_hops[256]; /* TRACE_PACKETS' number of a hop -> enum pl_hop; 0: not known here */
	__u8 hooks[256]; /* the file's number of a hook -> enum pl_hook; 0: not known here */
	struct trace **guest; /* domain i + 1; each closed with its host's */
	size_t nguests;
	struct trace_scratch *scratch;
};

/*
 * Open and index a recording. Event blocks are not read yet, but every chunk's header and every
 * document is checked. err gets one line that says what is wrong and what to do. -ENOENT,
 * -EACCES, ...; -EMEDIUMTYPE: not a pktlap recording; -EPROTONOSUPPORT: of a newer version;
 * -ENODATA: no whole chunk in it; -EBADMSG: what all else depends on (header, catalogue) is
 * damaged.
 *
 * A chunk that is damaged does not make the others unreadable: it is left out and counted in
 * damaged. Who prints results from such a file says so, as with truncated.
 */
int trace_open(const char *path, struct trace **out, char *err, size_t errlen);
void trace_close(struct trace *t);

/* Events that no ring had room for, by the counters in the file; 0 when it has none */
__u64 trace_lost(const struct trace *t);

/*
 * Read block i into ev (room for TRACE_BLOCK_EVENTS). Returns the number of events;
 * -EBADMSG: checksum or size wrong. Hooks have this program's numbers; PL_HOOK_none: recorded by
 * a pktlap with a hook that this one does not know. One thread at a time for each struct trace.
 */
int trace_read_block(const struct trace *t, size_t i, struct pl_event *ev);

/* Of a recording that keeps only packets that took longer than so many ns; 0: it keeps all events */
__u64 trace_slower_than(const struct trace *t);

/* Read a block that trace_write_packed() made into raw. Returns its length, or as above */
int trace_read_packed(const struct trace *t, const struct trace_block *b, void *raw, size_t room);

#define TRACE_BLOCK_EVENTS 1024

#endif
