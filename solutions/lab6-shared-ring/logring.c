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

/* BEGIN 6.6 */
struct slot {
    uint32_t turn;
    uint32_t cpu;
    uint32_t size;
    uint8_t  bytes[LOGRING_BYTES];
};

struct log {
    uint32_t    records;
    uint32_t    dropped;
    uint32_t    next;  /* of the writers */
    uint32_t    first; /* of the reader alone */
    struct slot slots[LOGRING_RECORDS_MAX];
};
_Static_assert(sizeof(struct log) <= LOGRING_SIZE, "it must fit");

static struct slot *slot_of(struct log *log, uint32_t number)
{
    return &log->slots[number & (log->records - 1)];
}
/* INSTEAD 6.6 */
/* END 6.6 */

void logring_init(struct logring *logring, uint32_t records, uint32_t first)
{
    /* BEGIN 6.6 */
    struct log *log = logring_area(logring);
    log->records = records;
    log->dropped = 0;
    log->next = log->first = first;
    for (uint32_t i = 0; i < records; i++)
        slot_of(log, first + i)->turn = first + i;
    /* INSTEAD 6.6 */
    //| (void)logring, (void)records, (void)first;
    /* END 6.6 */
}

void *logring_reserve(struct logring *logring, uint32_t size)
{
    /* BEGIN 6.6 */
    struct log *log = logring_area(logring);
    uint32_t    number = __atomic_load_n(&log->next, __ATOMIC_RELAXED);
    for (;;) {
        struct slot *slot = slot_of(log, number);
        /* Acquire: the reader has left this slot. */
        int32_t ahead = (int32_t)(__atomic_load_n(&slot->turn, __ATOMIC_ACQUIRE) - number);
        if (ahead < 0 || size > LOGRING_BYTES) {
            __atomic_fetch_add(&log->dropped, 1, __ATOMIC_RELAXED);
            return NULL;
        }
        /* If it fails, somebody else has this number, and `number` is a newer one. */
        if (ahead == 0 && __atomic_compare_exchange_n(&log->next, &number, number + 1, false,
                                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            slot->size = size;
            slot->cpu = this_cpu()->id;
            return slot->bytes;
        }
        if (ahead > 0)
            number = __atomic_load_n(&log->next, __ATOMIC_RELAXED);
    }
    /* INSTEAD 6.6 */
    //| /*
    //|  * A thread is here; a device interrupts it and is here; an NMI interrupts that.  On another
    //|  * CPU the same.  What is the one instruction at which a record gets its place?  What if all
    //|  * places are taken?  And by whom: a reader that is slow, or a writer that was interrupted?
    //|  */
    //| HOLE_LATER("6.6", "give a record room, say when it is whole, and read it");
    //| (void)logring, (void)size;
    //| return 0;
    /* END 6.6 */
}

void logring_commit(struct logring *logring, void *record)
{
    /* BEGIN 6.6 */
    struct slot *slot = (struct slot *)((uint8_t *)record - offsetof(struct slot, bytes));
    (void)logring;
    /* Release: the record is whole before it says so.  Nobody else writes this turn now. */
    __atomic_store_n(&slot->turn, slot->turn + 1, __ATOMIC_RELEASE);
    /* INSTEAD 6.6 */
    //| (void)logring, (void)record;
    /* END 6.6 */
}

bool logring_read(struct logring *logring, struct log_record *to)
{
    /* BEGIN 6.6 */
    struct log  *log = logring_area(logring);
    struct slot *slot = slot_of(log, log->first);
    if (__atomic_load_n(&slot->turn, __ATOMIC_ACQUIRE) != log->first + 1)
        return false; /* its writer is not done, or there is none */
    memset(to, 0, sizeof(*to));
    to->size = slot->size;
    to->cpu = slot->cpu;
    memcpy(to->bytes, slot->bytes, slot->size);
    /* Release: we have read it, and then it is free. */
    __atomic_store_n(&slot->turn, log->first + log->records, __ATOMIC_RELEASE);
    log->first++;
    return true;
    /* INSTEAD 6.6 */
    //| (void)logring, (void)to;
    //| return false;
    /* END 6.6 */
}

uint32_t logring_dropped(struct logring *logring)
{
    /* BEGIN 6.6 */
    const struct log *log = logring_area(logring);
    return __atomic_load_n(&log->dropped, __ATOMIC_RELAXED);
    /* INSTEAD 6.6 */
    //| (void)logring;
    //| return 0;
    /* END 6.6 */
}
