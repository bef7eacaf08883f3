/*
 * map.c: the pages of a ring with masked counts, and who uses them.
 */
#include "errno.h"
#include "lab6_ring.h"

const struct ring_layout ring_layout = {
    .kind = RING_MASKED,
    .produced = offsetof(struct user_page, in),
    .slots = offsetof(struct user_page, slots),
    .slot_size = sizeof(struct ring_descriptor),
    .consumed = offsetof(struct kernel_page, out),
    .armed = offsetof(struct kernel_page, armed),
};

static const struct {
    uintptr_t address;
    unsigned  flags;
} places[] = {{RING_USER, MAP_WRITE}, {RING_KERNEL, 0}, {RING_DATA, MAP_WRITE}};

#define PLACES (sizeof(places) / sizeof(places[0]))

/* The three pages, unmapped and mapped: all of them, or none. */
static bool map_all(struct address_space *as, uintptr_t *pages)
{
    unsigned made = 0;
    for (; made < PLACES; made++) {
        pages[made] = page_alloc();
        if (!pages[made])
            break;
        if (!as_map_page(as, places[made].address, pages[made], places[made].flags)) {
            page_free(pages[made]);
            break;
        }
    }
    if (made == PLACES)
        return true;
    while (made-- > 0) {
        as_unmap_page(as, places[made].address);
        page_free(pages[made]);
    }
    return false;
}

int ring_map(struct ring *ring, uint32_t first)
{
    struct lab6_ring *mine = lab6_ring_area(ring);
    uintptr_t         pages[PLACES];
    if (ring->slots < 2 || ring->slots > RING_SLOTS_MAX || (ring->slots & -ring->slots) != ring->slots)
        return -EINVAL;
    if (!map_all(ring->as, pages))
        return -ENOMEM;
    struct user_page   *user = ring->user = phys_to_virt(pages[0]);
    struct kernel_page *kernel = ring->kernel = phys_to_virt(pages[1]);
    ring->data = phys_to_virt(pages[2]);
    *mine = (struct lab6_ring){.out = first % ring->slots};
    user->in = kernel->out = mine->out;
    kernel->armed = 1;
    __atomic_store_n(&mine->users, OPEN, __ATOMIC_RELEASE); /* and now all is there */
    return 0;
}

static void free_all(struct ring *ring)
{
    page_free(virt_to_phys(ring->data));
    page_free(virt_to_phys(ring->kernel));
    page_free(virt_to_phys(ring->user));
    ring_gone(ring);
}

bool ring_get(struct ring *ring)
{
    struct lab6_ring *mine = lab6_ring_area(ring);
    uint32_t          users = __atomic_load_n(&mine->users, __ATOMIC_RELAXED);
    while (users & OPEN)
        if (__atomic_compare_exchange_n(&mine->users, &users, users + 1, true, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

void ring_put(struct ring *ring)
{
    struct lab6_ring *mine = lab6_ring_area(ring);
    if (__atomic_sub_fetch(&mine->users, 1, __ATOMIC_ACQ_REL) == 0)
        free_all(ring); /* the last one of a ring that was closed meanwhile */
}

void ring_close(struct ring *ring)
{
    struct lab6_ring *mine = lab6_ring_area(ring);
    if (__atomic_and_fetch(&mine->users, ~OPEN, __ATOMIC_ACQ_REL) == 0)
        free_all(ring);
}
