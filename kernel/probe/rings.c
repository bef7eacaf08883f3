/*
 * rings.c: a ring and a log for the host.  It knows all of this memory by its symbols.
 */
#include "probe_rings.h"

#include "lapic.h"
#include "percpu.h"
#include "string.h"

#define FNV_START 2166136261u
#define FNV_PRIME 16777619u
#define SUNK      1u
#define REFUSED   2u

#define VECTOR_TELL 0x51 /* of a device that is not there: see events.c */

extern struct thread *probe_wake;

struct ring_descriptor probe_descriptors[PROBE_DESCRIPTORS];
uint32_t               probe_pushed[PROBE_DESCRIPTORS]; /* enum ring_pushed plus one; 0: not tried */
struct ring_producer   probe_producer;
struct probe_sunk      probe_sunks[PROBE_SUNK_MAX];
uint32_t               probe_sunk_count;
struct probe_row       probe_rows[PROBE_ROWS_MAX];
int                    probe_grants[PROBE_GRANTS_MAX];
struct logring         probe_log;
struct log_record      probe_record;
void                  *probe_log_held[MAX_CPUS];
struct log_record      probe_records[PROBE_RECORDS_MAX];
uint32_t               probe_record_count;
uint32_t               probe_quiet;
struct probe_log_step  probe_log_steps[PROBE_LOG_STEPS];

/* Where the host finds things in a ring. */
const uint32_t probe_ring_fields[] = {
    offsetof(struct ring, used),   offsetof(struct ring, as),   offsetof(struct ring, slots),
    offsetof(struct ring, user),   offsetof(struct ring, kernel), offsetof(struct ring, data),
    offsetof(struct ring, lab6),   sizeof(struct ring),
};

/* What a row of the table counts: not in memory that the row itself is about. */
static struct {
    uint32_t kinds[3];
    uint32_t hash;
} tally;

uint32_t probe_hash(uint32_t hash, const void *bytes, uint32_t length)
{
    const uint8_t *byte = bytes;
    for (uint32_t i = 0; i < length; i++)
        hash = (hash ^ byte[i]) * FNV_PRIME;
    return hash;
}

static void note(uint32_t kind, uint32_t cookie, uint32_t length, uint32_t hash)
{
    struct probe_sunk sunk = {kind, cookie, length, hash};
    probe_sunks[probe_sunk_count++ % PROBE_SUNK_MAX] = sunk;
    tally.kinds[kind]++;
    tally.hash = probe_hash(tally.hash, &sunk, sizeof(sunk));
}

HOST_STOPS_OFTEN void probe_sunk(const void *bytes, uint32_t length, uint32_t cookie)
{
    note(SUNK, cookie, length, probe_hash(FNV_START, bytes, length));
}

HOST_STOPS_OFTEN void probe_refused(uint32_t cookie)
{
    note(REFUSED, cookie, 0, FNV_START);
}

#define POISON       0xa5
#define POISON_WORDS 64

/* What the lab's code finds on its stack: nothing that may come out of a ring or a log. */
static __attribute__((noinline)) void poison_stack(void)
{
    volatile uintptr_t stack[POISON_WORDS];
    for (unsigned i = 0; i < POISON_WORDS; i++)
        stack[i] = (uintptr_t)-1 / 0xff * POISON;
}

int probe_ring_new(struct thread *thread, uint32_t slots, uint32_t first)
{
    struct ring *ring = &rings[0];
    ring->used = true;
    ring->as = thread->as;
    ring->slots = slots;
    spin_init(&ring->drainer, "drainer", DISPATCH_LEVEL, 0);
    return ring_map(ring, first);
}

void probe_producer_new(void)
{
    const struct ring *ring = &rings[0];
    ring_producer_init(&probe_producer, ring->user, ring->kernel, ring->slots);
}

HOST_STOPS_HERE uint32_t probe_push(uintptr_t first, uintptr_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        enum ring_pushed pushed = ring_push(&probe_producer, &probe_descriptors[first + i]);
        probe_pushed[first + i] = pushed + 1;
        if (pushed == RING_FULL)
            return i;
    }
    return (uint32_t)count;
}

HOST_STOPS_HERE int probe_drain(uintptr_t budget, uintptr_t times)
{
    int result = 0;
    poison_stack();
    while (times--)
        result = ring_drain(&rings[0], (uint32_t)budget);
    return result;
}

HOST_STOPS_HERE void probe_serve(uintptr_t budget)
{
    while (ring_drain(&rings[0], (uint32_t)budget) == (int)budget || !ring_arm(&rings[0]))
        ;
}

HOST_STOPS_HERE bool probe_use(uintptr_t budget)
{
    if (!ring_get(&rings[0]))
        return false;
    ring_drain(&rings[0], (uint32_t)budget);
    ring_put(&rings[0]);
    return true;
}

void probe_tell(struct thread *thread)
{
    probe_wake = thread;
    lapic_send(lapic_id(), VECTOR_TELL);
}

HOST_STOPS_HERE uint32_t probe_grant(uintptr_t offset, uintptr_t length, uintptr_t times)
{
    for (uint32_t i = 0; i < times; i++) {
        probe_grants[i] = ring_grant(&rings[0], (uint32_t)offset, (uint32_t)length);
        if (probe_grants[i] < 0 || !ring_revoke(&rings[0], (uint32_t)probe_grants[i]))
            return i;
    }
    return (uint32_t)times;
}

HOST_STOPS_HERE int probe_regrant(uintptr_t handle, uintptr_t offset, uintptr_t length)
{
    ring_revoke(&rings[0], (uint32_t)handle);
    return ring_grant(&rings[0], (uint32_t)offset, (uint32_t)length);
}

HOST_STOPS_HERE void probe_hostile(uintptr_t count)
{
    for (struct probe_row *row = probe_rows; row < probe_rows + count; row++) {
        *(volatile uint32_t *)((uint8_t *)rings[0].user + row->offset) = row->value;
        memset(&tally, 0, sizeof(tally));
        row->result = (uint32_t)ring_drain(&rings[0], row->budget);
        row->armed = ring_arm(&rings[0]);
        row->sunk = tally.kinds[SUNK];
        row->refused = tally.kinds[REFUSED];
        row->hash = tally.hash;
    }
}

/* ---- the log ---- */

static void fill(uint8_t *bytes, uint32_t number, uint32_t size)
{
    uint32_t i = 0;
    for (; i + 4 <= size; i += 4)
        *(volatile uint32_t *)(bytes + i) = number + i;
    for (; i < size; i++)
        *(volatile uint8_t *)(bytes + i) = (uint8_t)(number + i);
}

HOST_STOPS_HERE bool probe_log_begin(uintptr_t number, uintptr_t size)
{
    void *record = logring_reserve(&probe_log, (uint32_t)size);
    probe_log_held[this_cpu()->id] = record;
    if (record)
        fill(record, (uint32_t)number, (uint32_t)size);
    return record != NULL;
}

HOST_STOPS_HERE void probe_log_end(void)
{
    logring_commit(&probe_log, probe_log_held[this_cpu()->id]);
}

HOST_STOPS_HERE bool probe_log_write(uintptr_t number, uintptr_t size)
{
    void *record = logring_reserve(&probe_log, (uint32_t)size);
    if (!record)
        return false;
    fill(record, (uint32_t)number, (uint32_t)size);
    logring_commit(&probe_log, record);
    return true;
}

HOST_STOPS_HERE void probe_log_drop(uintptr_t times)
{
    while (times--)
        logring_reserve(&probe_log, LOGRING_BYTES + 1);
}

HOST_STOPS_HERE bool probe_log_read(void)
{
    return logring_read(&probe_log, &probe_record);
}

HOST_STOPS_HERE uint32_t probe_log_read_all(uintptr_t most)
{
    uint32_t read = 0;
    while (read < most && logring_read(&probe_log, &probe_record)) {
        probe_records[probe_record_count++ % PROBE_RECORDS_MAX] = probe_record;
        read++;
    }
    return read;
}

HOST_STOPS_HERE void probe_log_play(uintptr_t count)
{
    for (struct probe_log_step *step = probe_log_steps; step < probe_log_steps + count; step++) {
        switch (step->kind) {
        case PROBE_LOG_WRITE:
            step->result = probe_log_write(step->number, step->size);
            break;
        case PROBE_LOG_READ:
            poison_stack();
            memset(&step->record, POISON, sizeof(step->record)); /* it may keep nothing of it */
            step->result = logring_read(&probe_log, &step->record);
            break;
        case PROBE_LOG_DROPPED:
            step->result = logring_dropped(&probe_log);
            break;
        }
    }
}
