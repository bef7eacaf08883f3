/*
 * ring3_push.c: the program's end of a ring with a number in each slot.  For ring 3, and for the kernel.
 */
#include "lab6.h"

void ring_producer_init(struct ring_producer *producer, void *user, const void *kernel,
                        uint32_t slots)
{
    const struct kernel_page *page = kernel;
    *producer = (struct ring_producer){user, kernel, slots, page->taken};
}

enum ring_pushed ring_push(struct ring_producer *producer, const struct ring_descriptor *descriptor)
{
    struct user_page         *user = producer->user;
    const struct kernel_page *kernel = producer->kernel;
    struct slot              *slot = &user->slots[producer->next & (producer->slots - 1)];
    /* Acquire: a slot that the kernel has given back is read. */
    if (producer->next - __atomic_load_n(&kernel->taken, __ATOMIC_ACQUIRE) >= producer->slots)
        return RING_FULL;
    slot->descriptor = *descriptor;
    /* Release: whoever sees the number sees the descriptor. */
    __atomic_store_n(&slot->number, ++producer->next, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* published first, then looked */
    return __atomic_load_n(&kernel->armed, __ATOMIC_RELAXED) ? RING_DOORBELL : RING_PUSHED;
}
