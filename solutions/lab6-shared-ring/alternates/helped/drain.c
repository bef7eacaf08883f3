/*
 * drain.c: the kernel's end of the ring, a batch at a time.
 */
#include "lab6_ring.h"

/* How many wait, and whether that can be. */
static bool look(const struct ring *ring, uint32_t next, uint32_t *count)
{
    const struct user_page *user = ring->user;
    *count = __atomic_load_n(&user->produced, __ATOMIC_ACQUIRE) - next;
    return *count <= ring->slots;
}

static void ask(struct ring *ring, uint32_t armed)
{
    struct kernel_page *kernel = ring->kernel;
    __atomic_exchange_n(&kernel->armed, armed, __ATOMIC_SEQ_CST); /* before the look that follows */
}

/* Copies a word of ring 3's, once, whatever the compiler would like. */
static uint32_t once(const volatile uint32_t *word)
{
    return *word;
}

static void copy(struct ring_descriptor *to, const struct ring_descriptor *from)
{
    to->cookie = once(&from->cookie);
    to->length = once(&from->length);
    to->offset = once(&from->offset);
    to->handle = once(&from->handle);
}

int ring_drain(struct ring *ring, uint32_t budget)
{
    struct lab6_ring       *mine = lab6_ring_area(ring);
    const struct user_page *user = ring->user;
    struct kernel_page     *kernel = ring->kernel;
    struct ring_descriptor  batch[RING_SLOTS_MAX];
    uint32_t                count;
    ask(ring, 0);
    if (!look(ring, mine->next, &count))
        return RING_LIES;
    if (budget < count)
        count = budget;
    for (uint32_t i = 0; i < count; i++)
        copy(&batch[i], &user->slots[(mine->next + i) % ring->slots]);
    mine->next += count;
    __atomic_store_n(&kernel->consumed, mine->next, __ATOMIC_RELEASE);
    for (struct ring_descriptor *each = batch; each < batch + count; each++) {
        const uint8_t *bytes = bytes_of(ring, each);
        if (bytes)
            ring_sink(ring, bytes, each->length, each->cookie);
        else
            ring_refuse(ring, each->cookie);
    }
    return (int)count;
}

bool ring_arm(struct ring *ring)
{
    struct lab6_ring *mine = lab6_ring_area(ring);
    uint32_t          count;
    ask(ring, mine->next | 1); /* anything but 0 */
    if (!look(ring, mine->next, &count) || !count)
        return true;
    ask(ring, 0);
    return false;
}
