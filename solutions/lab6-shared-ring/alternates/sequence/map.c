/*
 * map.c: the pages of a ring with a number in each slot, and who uses them.
 */
#include "errno.h"
#include "lab6_ring.h"

const struct ring_layout ring_layout = {
    .kind = RING_SEQUENCE,
    .slots = offsetof(struct user_page, slots),
    .slot_size = sizeof(struct slot),
    .descriptor = offsetof(struct slot, descriptor),
    .sequence = offsetof(struct slot, number),
    .consumed = offsetof(struct kernel_page, taken),
    .armed = offsetof(struct kernel_page, armed),
};

static void free_some(const uintptr_t *pages, unsigned count)
{
    while (count-- > 0)
        page_free(pages[count]);
}

/* Maps the three pages; if one cannot be, none of them is. */
static bool map_three(struct address_space *as, const uintptr_t *pages)
{
    if (!as_map_page(as, RING_USER, pages[0], MAP_WRITE))
        return false;
    if (!as_map_page(as, RING_KERNEL, pages[1], 0))
        goto no_kernel;
    if (as_map_page(as, RING_DATA, pages[2], MAP_WRITE))
        return true;
    as_unmap_page(as, RING_KERNEL);
no_kernel:
    as_unmap_page(as, RING_USER);
    return false;
}

/* No slot is filled: each has the number that it would have had a round before. */
static void empty(struct user_page *user, uint32_t slots, uint32_t first)
{
    for (uint32_t number = first; number != first + slots; number++)
        user->slots[number & (slots - 1)].number = number + 1 - slots;
}

int ring_map(struct ring *ring, uint32_t first)
{
    struct lab6_ring *mine = lab6_ring_area(ring);
    uintptr_t         pages[3];
    bool              possible = false;
    for (uint32_t slots = 1; slots <= RING_SLOTS_MAX; slots *= 2)
        possible |= slots == ring->slots;
    if (!possible)
        return -EINVAL;
    for (unsigned i = 0; i < 3; i++)
        if (!(pages[i] = page_alloc())) {
            free_some(pages, i);
            return -ENOMEM;
        }
    if (!map_three(ring->as, pages)) {
        free_some(pages, 3);
        return -ENOMEM;
    }
    ring->user = phys_to_virt(pages[0]);
    ring->kernel = phys_to_virt(pages[1]);
    ring->data = phys_to_virt(pages[2]);
    empty(ring->user, ring->slots, first);
    *(struct kernel_page *)ring->kernel = (struct kernel_page){.taken = first, .armed = 1};
    *mine = (struct lab6_ring){.number = first};
    for (uint32_t i = 0; i < RING_BUFFERS; i++)
        mine->buffers[i].handle = i;
    __atomic_store_n(&mine->references, PROGRAM, __ATOMIC_RELEASE); /* all of it is there */
    return 0;
}

static void drop(struct ring *ring, uint32_t reference)
{
    struct lab6_ring *mine = lab6_ring_area(ring);
    if (__atomic_sub_fetch(&mine->references, reference, __ATOMIC_ACQ_REL) != 0)
        return;
    free_some((uintptr_t[]){virt_to_phys(ring->user), virt_to_phys(ring->kernel),
                            virt_to_phys(ring->data)}, 3);
    ring_gone(ring);
}

bool ring_get(struct ring *ring)
{
    struct lab6_ring *mine = lab6_ring_area(ring);
    uint32_t          now;
    do {
        now = __atomic_load_n(&mine->references, __ATOMIC_RELAXED);
        if (!(now & PROGRAM))
            return false; /* closed: whoever has one still may keep it */
    } while (!__atomic_compare_exchange_n(&mine->references, &now, now + USER, false,
                                          __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
    return true;
}

void ring_put(struct ring *ring)
{
    drop(ring, USER);
}

void ring_close(struct ring *ring)
{
    drop(ring, PROGRAM);
}
