/*
 * logring.c: a log whose places are taken before their number is.
 *
 *   turn of place p % records    meaning
 *   4p + FREE                    free for record p
 *   4p + TAKEN                   record p is being written; `next` may still be p
 *   4p + WHOLE                   record p is whole, and `next` is beyond it
 *
 * Numbers are modulo 2^30, since a turn has two bits for the state.  Whoever finds `next` at a place
 * that is taken moves it on, for a writer that was interrupted there.
 */
#include "logring.h"

#include "percpu.h"
#include "string.h"

const enum logring_policy logring_policy = LOG_DISCARD;

enum state { FREE, TAKEN, WHOLE };

struct place {
    uint32_t turn;
    uint16_t size, cpu;
    uint8_t  bytes[LOGRING_BYTES];
};

struct log {
    uint32_t     next;  /* of the writers: the first number that nobody is known to have */
    uint32_t     first; /* of the reader */
    uint32_t     records, dropped;
    struct place places[LOGRING_RECORDS_MAX];
};
_Static_assert(sizeof(struct log) <= LOGRING_SIZE, "it must fit");

static uint32_t turn_of(uint32_t number, enum state state)
{
    return number << 2 | state;
}

static struct place *place_of(struct log *log, uint32_t number)
{
    return &log->places[number % log->records];
}

void logring_init(struct logring *logring, uint32_t records, uint32_t first)
{
    struct log *log = logring_area(logring);
    log->records = records;
    log->next = log->first = first;
    for (uint32_t number = first; number != first + records; number++)
        place_of(log, number)->turn = turn_of(number, FREE);
}

/* Nobody takes a number twice, so it moves on once, whoever does it. */
static void move_on(struct log *log, uint32_t number)
{
    __atomic_compare_exchange_n(&log->next, &number, number + 1, false, __ATOMIC_RELEASE,
                                __ATOMIC_RELAXED);
}

/* A place, or NULL if all are taken. */
static struct place *take(struct log *log)
{
    for (;;) {
        uint32_t      number = __atomic_load_n(&log->next, __ATOMIC_ACQUIRE);
        struct place *place = place_of(log, number);
        uint32_t      turn = __atomic_load_n(&place->turn, __ATOMIC_ACQUIRE);
        if (turn == turn_of(number, FREE)) {
            bool mine = __atomic_compare_exchange_n(&place->turn, &turn, turn_of(number, TAKEN), false,
                                                    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
            move_on(log, number);
            if (mine)
                return place;
        } else if (turn == turn_of(number, TAKEN) || turn == turn_of(number, WHOLE)) {
            move_on(log, number);
        } else if (__atomic_load_n(&log->next, __ATOMIC_RELAXED) == number) {
            return NULL; /* it is still the round before's */
        }
    }
}

void *logring_reserve(struct logring *logring, uint32_t size)
{
    struct log   *log = logring_area(logring);
    struct place *place = size <= LOGRING_BYTES ? take(log) : NULL;
    if (!place) {
        __atomic_add_fetch(&log->dropped, 1, __ATOMIC_RELAXED);
        return NULL;
    }
    place->size = (uint16_t)size;
    place->cpu = (uint16_t)this_cpu()->id;
    return place->bytes;
}

void logring_commit(struct logring *logring, void *record)
{
    struct place *place = (struct place *)((uint8_t *)record - offsetof(struct place, bytes));
    (void)logring;
    __atomic_store_n(&place->turn, place->turn + WHOLE - TAKEN, __ATOMIC_RELEASE);
}

bool logring_read(struct logring *logring, struct log_record *to)
{
    struct log   *log = logring_area(logring);
    struct place *place = place_of(log, log->first);
    if (__atomic_load_n(&place->turn, __ATOMIC_ACQUIRE) != turn_of(log->first, WHOLE))
        return false;
    *to = (struct log_record){.size = place->size, .cpu = place->cpu};
    memcpy(to->bytes, place->bytes, place->size);
    __atomic_store_n(&place->turn, turn_of(log->first + log->records, FREE), __ATOMIC_RELEASE);
    log->first++;
    return true;
}

uint32_t logring_dropped(struct logring *logring)
{
    struct log *log = logring_area(logring);
    return __atomic_load_n(&log->dropped, __ATOMIC_RELAXED);
}
