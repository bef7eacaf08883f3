/*
 * map.c: exercises 6.1 and 6.7, the pages of a ring, and how long they live.
 */
#include "errno.h"
#include "hole.h"
#include "lab6_ring.h"

/* BEGIN 6.1 */
const struct ring_layout ring_layout = {
    .kind = RING_FREE_RUNNING,
    .produced = offsetof(struct user_page, produced),
    .slots = offsetof(struct user_page, slots),
    .slot_size = sizeof(struct ring_descriptor),
    .consumed = offsetof(struct kernel_page, consumed),
    .armed = offsetof(struct kernel_page, armed),
};

/* A new page of zeros at an address of ring 3; where the kernel sees it, or NULL. */
static void *map_new(struct address_space *as, uintptr_t address, unsigned flags)
{
    uintptr_t page = page_alloc();
    if (!page)
        return NULL;
    if (as_map_page(as, address, page, flags))
        return phys_to_virt(page);
    page_free(page);
    return NULL;
}

/* Undoes it, if it was done. */
static void unmap(struct address_space *as, uintptr_t address, void *page)
{
    if (!page)
        return;
    as_unmap_page(as, address);
    page_free(virt_to_phys(page));
}
/* INSTEAD 6.1 */
//| const struct ring_layout ring_layout;
/* END 6.1 */

int ring_map(struct ring *ring, uint32_t first)
{
    /* BEGIN 6.1 */
    struct lab6_ring *mine = lab6_ring_area(ring);
    if (ring->slots == 0 || ring->slots > RING_SLOTS_MAX || ring->slots & (ring->slots - 1))
        return -EINVAL;
    ring->user = map_new(ring->as, RING_USER, MAP_WRITE);
    ring->kernel = map_new(ring->as, RING_KERNEL, 0);
    ring->data = map_new(ring->as, RING_DATA, MAP_WRITE);
    if (!ring->user || !ring->kernel || !ring->data) {
        unmap(ring->as, RING_USER, ring->user);
        unmap(ring->as, RING_KERNEL, ring->kernel);
        unmap(ring->as, RING_DATA, ring->data);
        return -ENOMEM;
    }
    *mine = (struct lab6_ring){.next = first};
    /* Plain stores: the program sees them when its system call returns. */
    ((struct user_page *)ring->user)->produced = first;
    ((struct kernel_page *)ring->kernel)->consumed = first;
    ((struct kernel_page *)ring->kernel)->armed = 1;
    /* Release: another CPU that finds this reference, and gets its own, finds all of the above. */
    __atomic_store_n(&mine->references, 1, __ATOMIC_RELEASE);
    return 0;
    /* INSTEAD 6.1 */
    //| /*
    //|  *   1  is the number of slots one that can be?
    //|  *   2  three pages of zeros (page_alloc(), as_map_page()), with the rights of ring_abi.h
    //|  *   3  if one of them fails: the others back, and nothing stays mapped
    //|  *   4  both counts begin with `first`; the kernel asks for a doorbell
    //|  *   5  the program's reference; another CPU may ask for one at any time
    //|  */
    //| HOLE("6.1", "make the three pages of a ring and map them");
    /* END 6.1 */
}

/* ---- references: exercise 6.7 ---- */

bool ring_get(struct ring *ring)
{
    struct lab6_ring *mine = lab6_ring_area(ring);
    /* BEGIN 6.7 */
    uint32_t references = __atomic_load_n(&mine->references, __ATOMIC_RELAXED);
    do
        if (references == 0)
            return false; /* from 0 there is no way back: the pages may be gone */
    /* Acquire: what ring_map() wrote is there. */
    while (!__atomic_compare_exchange_n(&mine->references, &references, references + 1, false,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
    return true;
    /* INSTEAD 6.7 */
    //| /* Two CPUs may come at the same time, and the last one to go may be one of them. */
    //| HOLE_LATER("6.7", "count who uses the pages, and free them with the last one");
    //| return mine->references != 0;
    /* END 6.7 */
}

void ring_put(struct ring *ring)
{
    /* BEGIN 6.7 */
    struct lab6_ring *mine = lab6_ring_area(ring);
    /* Release: what we did with the pages is done.  Acquire: and what all the others did, too. */
    if (__atomic_fetch_sub(&mine->references, 1, __ATOMIC_ACQ_REL) != 1)
        return;
    page_free(virt_to_phys(ring->user));
    page_free(virt_to_phys(ring->kernel));
    page_free(virt_to_phys(ring->data));
    ring_gone(ring);
    /* INSTEAD 6.7 */
    //| (void)ring;
    /* END 6.7 */
}

void ring_close(struct ring *ring)
{
    ring_put(ring); /* the program's own reference */
}
