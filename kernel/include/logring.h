/*
 * logring.h: the contract of lab 6's second half, a log that everybody may write to.
 *
 * Threads, handlers at any level and NMIs write, on all CPUs at once; each may be interrupted by the
 * next in the middle of a record, for any time.  So a writer takes its room, fills it, and says when
 * it is whole, and nobody ever waits for anybody.
 */
#ifndef CORRAL_LOGRING_H
#define CORRAL_LOGRING_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu.h"

#define LOGRING_RECORDS_MAX  64
#define LOGRING_BYTES        40    /* of a record at most */
#define LOGRING_SIZE         40960 /* the lab's own memory in a log */

/* A record as it is read. */
struct log_record {
    uint32_t size;                 /* bytes that were written */
    uint32_t cpu;                  /* the CPU that reserved it */
    uint8_t  bytes[LOGRING_BYTES]; /* those behind `size` are 0: ring 3 sees them all */
};

/* Opaque to the kernel, which gives it zeroed. */
struct logring {
    uint8_t below[AREA_CANARY_SIZE];
    uint8_t bytes[LOGRING_SIZE] __attribute__((aligned(64)));
    uint8_t above[AREA_CANARY_SIZE];
};

/* ---- written in lab 6; all of it leaves the level and IF as they were ---- */

/*
 * What gives way when the log is full.  LOG_DISCARD: the new record.  LOG_OVERWRITE: the oldest one,
 * unless its writer is not done with it; then the new one.
 */
enum logring_policy { LOG_DISCARD, LOG_OVERWRITE };
extern const enum logring_policy logring_policy;

/*
 * An empty log with room for `records`, a power of two from 2 to LOGRING_RECORDS_MAX; for so many
 * on each CPU, if each has its own.  Numbers in it, if there are any, begin with `first` and may
 * wrap.  Before its first use, any CPU.
 */
void logring_init(struct logring *log, uint32_t records, uint32_t first);

/*
 * Room for a record of `size` bytes, aligned to 4, nobody else's until it is committed.  NULL: the
 * record is dropped, and counted: it is larger than LOGRING_BYTES, or the log is full.  That another
 * writer is at work is no reason to drop one, nor to wait.  Any level, any CPU, an NMI too.
 */
void *logring_reserve(struct logring *log, uint32_t size);

/* The record is whole.  Whoever reserved it, where that was. */
void logring_commit(struct logring *log, void *record);

/*
 * The next record: each once, those of one writer in their order, none that is not whole.  False:
 * none, or the next one is not whole yet.  One reader at a time, any CPU, DISPATCH or below.
 */
bool logring_read(struct logring *log, struct log_record *to);

/*
 * Records that were dropped or overwritten before they were read.  While nobody writes, what was read,
 * what is still there and this are together what was ever reserved or tried.  Any level.
 */
uint32_t logring_dropped(struct logring *log);

/* ---- given ---- */

/* Where the kernel itself writes, from stage 6 on. */
extern struct logring kernel_log;

static inline void *logring_area(struct logring *log)
{
    return log->bytes;
}

#endif
