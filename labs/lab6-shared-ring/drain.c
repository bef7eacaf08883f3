/*
 * drain.c: exercises 6.2, 6.3 and 6.5, the kernel's end of the ring.
 */
#include "hole.h"
#include "lab6_ring.h"


/* Whether so many may wait.  The count comes from ring 3. */
bool possible(const struct ring *ring, uint32_t count)
{
    /* Counts wrap, and a program may write anything. */
    HOLE_LATER("6.3", "believe nothing that ring 3 may write");
    (void)ring, (void)count;
    return true;
}

/* From here on no doorbell is needed: we look anyway. */
void disarm(struct ring *ring)
{
    (void)ring;
}

int ring_drain(struct ring *ring, uint32_t budget)
{
    /*
     *   1  disarm(); how many descriptors wait?  Is that possible()?  At most `budget` of them
     *      are for this call
     *   2  each: copied out of its slot, named_bytes(), ring_sink() or ring_refuse()
     *   3  tell the program that these slots are free
     *
     * Which order must the compiler and the CPU keep?  Say why where you say so.
     */
    HOLE("6.2", "take descriptors out of the ring");
}

bool ring_arm(struct ring *ring)
{
    /* Ask for a doorbell, and look once more.  In this order, for the CPU too; why? */
    HOLE_LATER("6.5", "ask for a doorbell before the kernel leaves the ring alone");
    (void)ring;
    return true;
}
