/*
 * logring.c: a log for each CPU, whose writers are a stack.
 *
 *   read         written          next
 *    | whole      | begun, maybe   | free
 *
 * A writer that was interrupted goes on when those that came are done.  So whoever sees that it is
 * the only one on its CPU may say that all records up to `next` are whole.
 */
#include "logring.h"

#include "percpu.h"
#include "string.h"

const enum logring_policy logring_policy = LOG_DISCARD;

struct slot {
    uint32_t size;
    uint8_t  bytes[LOGRING_BYTES];
};

/* What one CPU writes. */
struct lane {
    uint32_t    next;    /* the number of the next record */
    uint32_t    open;    /* writers on this CPU that are not done */
    uint32_t    written; /* records below are whole; for the reader */
    uint32_t    dropped;
    uint32_t    read;    /* the reader's: records below are free */
    struct slot slots[LOGRING_RECORDS_MAX];
};

struct log {
    uint32_t    records;
    uint32_t    turn; /* the reader's: the CPU to look at first */
    struct lane lanes[MAX_CPUS];
};
_Static_assert(sizeof(struct log) <= LOGRING_SIZE, "it must fit");

void logring_init(struct logring *logring, uint32_t records, uint32_t first)
{
    struct log *log = logring_area(logring);
    memset(log, 0, sizeof(*log));
    log->records = records;
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        struct lane *lane = &log->lanes[cpu];
        lane->next = lane->written = lane->read = first;
    }
}

void *logring_reserve(struct logring *logring, uint32_t size)
{
    struct log  *log = logring_area(logring);
    struct lane *lane = &log->lanes[this_cpu()->id];
    /* From here on nobody says for us that all is whole. */
    __atomic_fetch_add(&lane->open, 1, __ATOMIC_RELAXED);
    uint32_t number = __atomic_load_n(&lane->next, __ATOMIC_RELAXED);
    while (size <= LOGRING_BYTES &&
           number - __atomic_load_n(&lane->read, __ATOMIC_ACQUIRE) < log->records) {
        if (!__atomic_compare_exchange_n(&lane->next, &number, number + 1, false, __ATOMIC_RELAXED,
                                         __ATOMIC_RELAXED))
            continue;
        struct slot *slot = &lane->slots[number & (log->records - 1)];
        slot->size = size;
        return slot->bytes;
    }
    __atomic_fetch_add(&lane->dropped, 1, __ATOMIC_RELAXED);
    /* Those that came within this try have left it to us to say that they are whole. */
    logring_commit(logring, NULL);
    return NULL;
}

void logring_commit(struct logring *logring, void *record)
{
    struct log  *log = logring_area(logring);
    struct lane *lane = &log->lanes[this_cpu()->id];
    (void)record;
    /* One that comes between the look and the end of `open` leaves its record to us. */
    while (__atomic_load_n(&lane->open, __ATOMIC_RELAXED) == 1) {
        uint32_t next = __atomic_load_n(&lane->next, __ATOMIC_RELAXED);
        __atomic_store_n(&lane->written, next, __ATOMIC_RELEASE);
        __atomic_store_n(&lane->open, 0, __ATOMIC_RELAXED);
        if (__atomic_load_n(&lane->next, __ATOMIC_RELAXED) == next)
            return;
        /* Whoever came before the 0 was not the outermost; whoever comes now has done it all. */
        __atomic_store_n(&lane->open, 1, __ATOMIC_RELAXED);
    }
    __atomic_fetch_sub(&lane->open, 1, __ATOMIC_RELAXED);
}

bool logring_read(struct logring *logring, struct log_record *to)
{
    struct log *log = logring_area(logring);
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        unsigned     cpu = (log->turn + i) % MAX_CPUS;
        struct lane *lane = &log->lanes[cpu];
        if (__atomic_load_n(&lane->written, __ATOMIC_ACQUIRE) == lane->read)
            continue;
        const struct slot *slot = &lane->slots[lane->read & (log->records - 1)];
        memset(to, 0, sizeof(*to));
        to->size = slot->size;
        to->cpu = cpu;
        memcpy(to->bytes, slot->bytes, slot->size);
        __atomic_store_n(&lane->read, lane->read + 1, __ATOMIC_RELEASE);
        log->turn = cpu + 1;
        return true;
    }
    return false;
}

uint32_t logring_dropped(struct logring *logring)
{
    struct log *log = logring_area(logring);
    uint32_t    dropped = 0;
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        dropped += __atomic_load_n(&log->lanes[cpu].dropped, __ATOMIC_RELAXED);
    return dropped;
}
