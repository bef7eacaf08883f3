/*
 * ring3_push.c: the program's end of the ring.  It looks at the kernel's count when the ring seems full.
 */
#include "lab6.h"

void ring_producer_init(struct ring_producer *producer, void *user, const void *kernel,
                        uint32_t slots)
{
    const struct kernel_page *page = kernel;
    ((struct user_page *)user)->seen = page->consumed;
    *producer = (struct ring_producer){user, kernel, slots, page->consumed};
}

enum ring_pushed ring_push(struct ring_producer *producer, const struct ring_descriptor *descriptor)
{
    struct user_page         *user = producer->user;
    const struct kernel_page *kernel = producer->kernel;
    if (producer->next - user->seen >= producer->slots) {
        user->seen = __atomic_load_n(&kernel->consumed, __ATOMIC_ACQUIRE);
        if (producer->next - user->seen >= producer->slots)
            return RING_FULL;
    }
    user->slots[producer->next % producer->slots] = *descriptor;
    producer->next++;
    __atomic_exchange_n(&user->produced, producer->next, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&kernel->armed, __ATOMIC_RELAXED) ? RING_DOORBELL : RING_PUSHED;
}
