/*
 * drain.c: the kernel's end of a ring with masked counts.
 */
#include "lab6_ring.h"

/* The slot that the program fills next; slots or more: that cannot be. */
static uint32_t filled_to(const struct ring *ring)
{
    const struct user_page *user = ring->user;
    return __atomic_load_n(&user->in, __ATOMIC_ACQUIRE); /* the slots before it are whole */
}

static void ask_for_doorbell(struct ring *ring, uint32_t armed)
{
    struct kernel_page *kernel = ring->kernel;
    __atomic_store_n(&kernel->armed, armed, __ATOMIC_SEQ_CST); /* before any look that follows */
}

/* Takes what is in a slot, word by word, and gives the slot back. */
static struct ring_descriptor take(struct ring *ring)
{
    struct lab6_ring       *mine = lab6_ring_area(ring);
    struct kernel_page     *kernel = ring->kernel;
    const struct user_page *user = ring->user;
    const uint32_t         *slot = (const uint32_t *)&user->slots[mine->out];
    uint32_t                words[4];
    _Static_assert(sizeof(words) == sizeof(struct ring_descriptor), "all of it");
    for (unsigned i = 0; i < 4; i++)
        words[i] = __atomic_load_n(&slot[i], __ATOMIC_RELAXED);
    mine->out = (mine->out + 1) % ring->slots;
    __atomic_store_n(&kernel->out, mine->out, __ATOMIC_RELEASE); /* it was read before */
    return (struct ring_descriptor){words[0], words[1], words[2], words[3]};
}

int ring_drain(struct ring *ring, uint32_t budget)
{
    struct lab6_ring *mine = lab6_ring_area(ring);
    uint32_t          done = 0;
    ask_for_doorbell(ring, 0);
    uint32_t in = filled_to(ring);
    if (in >= ring->slots)
        return RING_LIES;
    while (done < budget && mine->out != in) {
        struct ring_descriptor descriptor = take(ring);
        const uint8_t         *bytes = look_up(ring, &descriptor);
        if (bytes)
            ring_sink(ring, bytes, descriptor.length, descriptor.cookie);
        else
            ring_refuse(ring, descriptor.cookie);
        done++;
    }
    return (int)done;
}

bool ring_arm(struct ring *ring)
{
    const struct lab6_ring *mine = lab6_ring_area(ring);
    ask_for_doorbell(ring, 1);
    uint32_t in = filled_to(ring);
    if (in == mine->out || in >= ring->slots)
        return true;
    ask_for_doorbell(ring, 0);
    return false;
}
