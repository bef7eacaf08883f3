/*
 * drain.c: exercises 6.2, 6.3 and 6.5, the kernel's end of the ring.
 */
#include "hole.h"
#include "lab6_ring.h"

/* BEGIN 6.2 */
/* Each word is fetched once: what is checked is what is used, whatever ring 3 writes meanwhile. */
static struct ring_descriptor fetch(const struct ring_descriptor *slot)
{
    return (struct ring_descriptor){
        .handle = __atomic_load_n(&slot->handle, __ATOMIC_RELAXED),
        .offset = __atomic_load_n(&slot->offset, __ATOMIC_RELAXED),
        .length = __atomic_load_n(&slot->length, __ATOMIC_RELAXED),
        .cookie = __atomic_load_n(&slot->cookie, __ATOMIC_RELAXED),
    };
}

static void deliver(struct ring *ring, const struct ring_descriptor *descriptor)
{
    const void *bytes = named_bytes(ring, descriptor);
    if (bytes)
        ring_sink(ring, bytes, descriptor->length, descriptor->cookie);
    else
        ring_refuse(ring, descriptor->cookie);
}

/* How many descriptors wait, as the program says.  Acquire: the slots were written before. */
static uint32_t waiting(struct ring *ring)
{
    const struct user_page *user = ring->user;
    struct lab6_ring       *mine = lab6_ring_area(ring);
    return __atomic_load_n(&user->produced, __ATOMIC_ACQUIRE) - mine->next;
}
/* INSTEAD 6.2 */
/* END 6.2 */

/* Whether so many may wait.  The count comes from ring 3. */
bool possible(const struct ring *ring, uint32_t count)
{
    /* BEGIN 6.3 */
    return count <= ring->slots;
    /* INSTEAD 6.3 */
    //| /* Counts wrap, and a program may write anything. */
    //| HOLE_LATER("6.3", "believe nothing that ring 3 may write");
    //| (void)ring, (void)count;
    //| return true;
    /* END 6.3 */
}

/* From here on no doorbell is needed: we look anyway. */
void disarm(struct ring *ring)
{
    /* BEGIN 6.5 */
    struct kernel_page *kernel = ring->kernel;
    __atomic_store_n(&kernel->armed, 0, __ATOMIC_RELAXED); /* seen late, it costs one doorbell */
    /* INSTEAD 6.5 */
    //| (void)ring;
    /* END 6.5 */
}

int ring_drain(struct ring *ring, uint32_t budget)
{
    /* BEGIN 6.2 */
    struct lab6_ring       *mine = lab6_ring_area(ring);
    const struct user_page *user = ring->user;
    struct kernel_page     *kernel = ring->kernel;
    disarm(ring);
    uint32_t count = waiting(ring);
    if (!possible(ring, count))
        return RING_LIES;
    if (count > budget)
        count = budget;
    for (uint32_t i = 0; i < count; i++) {
        struct ring_descriptor descriptor = fetch(&user->slots[mine->next++ & (ring->slots - 1)]);
        deliver(ring, &descriptor);
    }
    /* Release: the slots were read before the program may fill them again. */
    __atomic_store_n(&kernel->consumed, mine->next, __ATOMIC_RELEASE);
    return (int)count;
    /* INSTEAD 6.2 */
    //| /*
    //|  *   1  disarm(); how many descriptors wait?  Is that possible()?  At most `budget` of them
    //|  *      are for this call
    //|  *   2  each: copied out of its slot, named_bytes(), ring_sink() or ring_refuse()
    //|  *   3  tell the program that these slots are free
    //|  *
    //|  * Which order must the compiler and the CPU keep?  Say why where you say so.
    //|  */
    //| HOLE("6.2", "take descriptors out of the ring");
    /* END 6.2 */
}

bool ring_arm(struct ring *ring)
{
    /* BEGIN 6.5 */
    struct kernel_page *kernel = ring->kernel;
    __atomic_store_n(&kernel->armed, 1, __ATOMIC_RELAXED);
    /* First the word, then the look: a program that comes in between sees the word or is seen.  The
       CPU would do the look first (the store waits in its buffer), but for this fence. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint32_t count = waiting(ring);
    if (count == 0 || !possible(ring, count))
        return true;
    disarm(ring);
    return false;
    /* INSTEAD 6.5 */
    //| /* Ask for a doorbell, and look once more.  In this order, for the CPU too; why? */
    //| HOLE_LATER("6.5", "ask for a doorbell before the kernel leaves the ring alone");
    //| (void)ring;
    //| return true;
    /* END 6.5 */
}
