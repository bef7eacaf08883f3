/*
 * ring3_push.c: the program's end of a ring with masked counts.  For ring 3, and for the kernel.
 */
#include "lab6.h"

void ring_producer_init(struct ring_producer *producer, void *user, const void *kernel,
                        uint32_t slots)
{
    const struct kernel_page *page = kernel;
    producer->user = user;
    producer->kernel = kernel;
    producer->slots = slots;
    producer->next = page->out;
}

enum ring_pushed ring_push(struct ring_producer *producer, const struct ring_descriptor *descriptor)
{
    struct user_page         *user = producer->user;
    const struct kernel_page *kernel = producer->kernel;
    uint32_t                  after = (producer->next + 1) % producer->slots;
    /* The slot behind this one must be free: it is the one that stays empty. */
    if (after == __atomic_load_n(&kernel->out, __ATOMIC_ACQUIRE))
        return RING_FULL;
    user->slots[producer->next] = *descriptor;
    producer->next = after;
    /* An exchange: the slot is written before, and the look at `armed` comes behind it. */
    (void)__atomic_exchange_n(&user->in, after, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&kernel->armed, __ATOMIC_RELAXED) ? RING_DOORBELL : RING_PUSHED;
}
