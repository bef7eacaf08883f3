/*
 * logring.c: a log that overwrites the oldest records.
 *
 *   turn of slot p % records   meaning
 *   p                          free for record p, or being written by it (`next` is beyond p then)
 *   p + 1                      record p is whole, and nobody has read it
 *
 * Record p + records finds one of these two: it takes a whole record away, and gives way to one
 * that is being written.
 */
#include "logring.h"

#include "percpu.h"
#include "string.h"

const enum logring_policy logring_policy = LOG_OVERWRITE;

struct slot {
    uint32_t turn;
    uint32_t size;
    uint32_t cpu;
    uint8_t  bytes[LOGRING_BYTES];
};

struct log {
    uint32_t    records;
    uint32_t    dropped;
    uint32_t    next;  /* of the writers */
    uint32_t    first; /* of the reader alone: it looks no further back */
    struct slot slots[LOGRING_RECORDS_MAX];
};
_Static_assert(sizeof(struct log) <= LOGRING_SIZE, "it must fit");

static struct slot *slot_of(struct log *log, uint32_t number)
{
    return &log->slots[number & (log->records - 1)];
}

void logring_init(struct logring *logring, uint32_t records, uint32_t first)
{
    struct log *log = logring_area(logring);
    log->records = records;
    log->dropped = 0;
    log->next = log->first = first;
    for (uint32_t i = 0; i < records; i++)
        slot_of(log, first + i)->turn = first + i;
}

static void drop(struct log *log)
{
    __atomic_fetch_add(&log->dropped, 1, __ATOMIC_RELAXED);
}

void *logring_reserve(struct logring *logring, uint32_t size)
{
    struct log *log = logring_area(logring);
    uint32_t    number = __atomic_load_n(&log->next, __ATOMIC_RELAXED);
    while (size <= LOGRING_BYTES) {
        struct slot *slot = slot_of(log, number);
        uint32_t     turn = __atomic_load_n(&slot->turn, __ATOMIC_ACQUIRE);
        uint32_t     old = number - log->records + 1; /* the turn of a record that we overwrite */
        if (turn != number && turn != old) {
            uint32_t now = __atomic_load_n(&log->next, __ATOMIC_RELAXED);
            if (now == number)
                break; /* its writer is not done */
            number = now;
            continue;
        }
        if (!__atomic_compare_exchange_n(&log->next, &number, number + 1, false, __ATOMIC_RELAXED,
                                         __ATOMIC_RELAXED))
            continue;
        /* The slot is ours; only the reader may still have a look at the old record. */
        if (turn == old && __atomic_exchange_n(&slot->turn, number, __ATOMIC_ACQUIRE) == old)
            drop(log);
        slot->size = size;
        slot->cpu = this_cpu()->id;
        return slot->bytes;
    }
    drop(log);
    return NULL;
}

void logring_commit(struct logring *logring, void *record)
{
    struct slot *slot = (struct slot *)((uint8_t *)record - offsetof(struct slot, bytes));
    (void)logring;
    __atomic_store_n(&slot->turn, slot->turn + 1, __ATOMIC_RELEASE);
}

bool logring_read(struct logring *logring, struct log_record *to)
{
    struct log *log = logring_area(logring);
    for (;;) {
        uint32_t next = __atomic_load_n(&log->next, __ATOMIC_ACQUIRE);
        if (next - log->first > log->records)
            log->first = next - log->records; /* the writers were here in the meantime */
        struct slot *slot = slot_of(log, log->first);
        uint32_t     whole = log->first + 1;
        if (__atomic_load_n(&slot->turn, __ATOMIC_ACQUIRE) != whole) {
            if (__atomic_load_n(&log->next, __ATOMIC_RELAXED) != next)
                continue;
            return false;
        }
        memset(to, 0, sizeof(*to));
        to->size = slot->size;
        to->cpu = slot->cpu;
        memcpy(to->bytes, slot->bytes, LOGRING_BYTES);
        /* Whole if it still is what it was; then it is free for the next round. */
        if (!__atomic_compare_exchange_n(&slot->turn, &whole, log->first + log->records, false,
                                         __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            continue;
        log->first++;
        memset(to->bytes + to->size, 0, LOGRING_BYTES - to->size);
        return true;
    }
}

uint32_t logring_dropped(struct logring *logring)
{
    const struct log *log = logring_area(logring);
    return __atomic_load_n(&log->dropped, __ATOMIC_RELAXED);
}
