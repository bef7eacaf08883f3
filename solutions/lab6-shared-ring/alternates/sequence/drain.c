/*
 * drain.c: the kernel's end of a ring with a number in each slot.
 */
#include "lab6_ring.h"
#include "percpu.h"

/* A CPU drains one ring at a time, at DISPATCH, where it stays. */
static uint8_t copies[MAX_CPUS][RING_DATA_SIZE];

/* The next slot, if it is filled, or NULL. */
static const struct slot *filled(struct ring *ring)
{
    const struct lab6_ring *mine = lab6_ring_area(ring);
    const struct user_page *user = ring->user;
    const struct slot      *slot = &user->slots[mine->number & (ring->slots - 1)];
    /* Acquire: its descriptor was written before. */
    return __atomic_load_n(&slot->number, __ATOMIC_ACQUIRE) == mine->number + 1 ? slot : NULL;
}

static void ask_for_doorbell(struct ring *ring, bool armed)
{
    struct kernel_page *kernel = ring->kernel;
    __atomic_store_n(&kernel->armed, armed, __ATOMIC_RELAXED);
}

/* Copies a descriptor, reading each word once, and gives its slot back. */
static void take(struct ring *ring, const struct slot *slot, struct ring_descriptor *to)
{
    struct lab6_ring             *mine = lab6_ring_area(ring);
    struct kernel_page           *kernel = ring->kernel;
    const struct ring_descriptor *from = &slot->descriptor;
    __atomic_load(&from->handle, &to->handle, __ATOMIC_RELAXED);
    __atomic_load(&from->offset, &to->offset, __ATOMIC_RELAXED);
    __atomic_load(&from->length, &to->length, __ATOMIC_RELAXED);
    __atomic_load(&from->cookie, &to->cookie, __ATOMIC_RELAXED);
    __atomic_store_n(&kernel->taken, ++mine->number, __ATOMIC_RELEASE); /* the slot was read before */
}

int ring_drain(struct ring *ring, uint32_t budget)
{
    uint8_t           *copy = copies[this_cpu()->id];
    const struct slot *slot;
    uint32_t           count = 0;
    ask_for_doorbell(ring, false);
    for (; count < budget && (slot = filled(ring)); count++) {
        struct ring_descriptor descriptor;
        take(ring, slot, &descriptor);
        if (copy_bytes(ring, &descriptor, copy))
            ring_sink(ring, copy, descriptor.length, descriptor.cookie);
        else
            ring_refuse(ring, descriptor.cookie);
    }
    return (int)count;
}

bool ring_arm(struct ring *ring)
{
    ask_for_doorbell(ring, true);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* asked first, then looked */
    if (!filled(ring))
        return true;
    ask_for_doorbell(ring, false);
    return false;
}
