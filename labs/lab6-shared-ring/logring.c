/*
 * logring.c: exercise 6.6, a log for writers that interrupt each other.
 *
 *   turn of slot p % records   meaning
 *   p                          free for record p
 *   p (taken)                  record p is being written: `next` is beyond it
 *   p + 1                      record p is whole
 *   p + records                free for the next round
 *
 * After D. Vyukov's bounded queue: whoever moves `next` on owns the slot; the turn says when it is
 * whole.  A writer that is interrupted in between holds nobody up but the reader.
 */
#include "logring.h"

#include "hole.h"
#include "percpu.h"
#include "string.h"

const enum logring_policy logring_policy = LOG_DISCARD;


void logring_init(struct logring *logring, uint32_t records, uint32_t first)
{
    (void)logring, (void)records, (void)first;
}

void *logring_reserve(struct logring *logring, uint32_t size)
{
    /*
     * A thread is here; a device interrupts it and is here; an NMI interrupts that.  On another
     * CPU the same.  What is the one instruction at which a record gets its place?  What if all
     * places are taken?  And by whom: a reader that is slow, or a writer that was interrupted?
     */
    HOLE_LATER("6.6", "give a record room, say when it is whole, and read it");
    (void)logring, (void)size;
    return 0;
}

void logring_commit(struct logring *logring, void *record)
{
    (void)logring, (void)record;
}

bool logring_read(struct logring *logring, struct log_record *to)
{
    (void)logring, (void)to;
    return false;
}

uint32_t logring_dropped(struct logring *logring)
{
    (void)logring;
    return 0;
}
