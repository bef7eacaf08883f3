/*
 * ring3_push.c: exercises 6.2 and 6.5, the program's end of the ring.
 *
 * This file is compiled twice: for ring 3, and into the kernel, where the grader lets it run.
 */
#include "lab6.h"

/* BEGIN 6.2 */
void ring_producer_init(struct ring_producer *producer, void *user, const void *kernel,
                        uint32_t slots)
{
    const struct kernel_page *page = kernel;
    *producer = (struct ring_producer){user, kernel, slots, page->consumed};
}
/* INSTEAD 6.2 */
//| void ring_producer_init(struct ring_producer *producer, void *user, const void *kernel,
//|                         uint32_t slots)
//| {
//|     *producer = (struct ring_producer){user, kernel, slots, 0};
//| }
/* END 6.2 */

/* Whether the kernel asks for a doorbell, now that the descriptor is in. */
int kernel_sleeps(const struct kernel_page *kernel)
{
    /* BEGIN 6.5 */
    /* First the count, then this look: the other half of ring_arm(), with the same fence. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return __atomic_load_n(&kernel->armed, __ATOMIC_RELAXED) != 0;
    /* INSTEAD 6.5 */
    //| /* What must be done before this look, and how do you make sure that it is? */
    //| (void)kernel;
    //| return 0;
    /* END 6.5 */
}

enum ring_pushed ring_push(struct ring_producer *producer, const struct ring_descriptor *descriptor)
{
    /* BEGIN 6.2 */
    struct user_page         *user = producer->user;
    const struct kernel_page *kernel = producer->kernel;
    /* Acquire: the kernel has read a slot before it says that it is free. */
    if (producer->next - __atomic_load_n(&kernel->consumed, __ATOMIC_ACQUIRE) == producer->slots)
        return RING_FULL;
    user->slots[producer->next++ & (producer->slots - 1)] = *descriptor;
    /* Release: the descriptor is in its slot before the kernel is told so. */
    __atomic_store_n(&user->produced, producer->next, __ATOMIC_RELEASE);
    return kernel_sleeps(kernel) ? RING_DOORBELL : RING_PUSHED;
    /* INSTEAD 6.2 */
    //| /*
    //|  *   1  is there room?
    //|  *   2  the descriptor into its slot
    //|  *   3  tell the kernel
    //|  *
    //|  * A program of ring 3 has no HOLE(): this one says that the ring is full.
    //|  */
    //| return RING_FULL;
    /* END 6.2 */
}
