/*
 * ring3_push.c: exercises 6.2 and 6.5, the program's end of the ring.
 *
 * This file is compiled twice: for ring 3, and into the kernel, where the grader lets it run.
 */
#include "lab6.h"

void ring_producer_init(struct ring_producer *producer, void *user, const void *kernel,
                        uint32_t slots)
{
    *producer = (struct ring_producer){user, kernel, slots, 0};
}

/* Whether the kernel asks for a doorbell, now that the descriptor is in. */
int kernel_sleeps(const struct kernel_page *kernel)
{
    /* What must be done before this look, and how do you make sure that it is? */
    (void)kernel;
    return 0;
}

enum ring_pushed ring_push(struct ring_producer *producer, const struct ring_descriptor *descriptor)
{
    /*
     *   1  is there room?
     *   2  the descriptor into its slot
     *   3  tell the kernel
     *
     * A program of ring 3 has no HOLE(): this one says that the ring is full.
     */
    return RING_FULL;
}
