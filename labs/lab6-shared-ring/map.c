/*
 * map.c: exercises 6.1 and 6.7, the pages of a ring, and how long they live.
 */
#include "errno.h"
#include "hole.h"
#include "lab6_ring.h"

const struct ring_layout ring_layout;

int ring_map(struct ring *ring, uint32_t first)
{
    /*
     *   1  is the number of slots one that can be?
     *   2  three pages of zeros (page_alloc(), as_map_page()), with the rights of ring_abi.h
     *   3  if one of them fails: the others back, and nothing stays mapped
     *   4  both counts begin with `first`; the kernel asks for a doorbell
     *   5  the program's reference; another CPU may ask for one at any time
     */
    HOLE("6.1", "make the three pages of a ring and map them");
}

/* ---- references: exercise 6.7 ---- */

bool ring_get(struct ring *ring)
{
    struct lab6_ring *mine = lab6_ring_area(ring);
    /* Two CPUs may come at the same time, and the last one to go may be one of them. */
    HOLE_LATER("6.7", "count who uses the pages, and free them with the last one");
    return mine->references != 0;
}

void ring_put(struct ring *ring)
{
    (void)ring;
}

void ring_close(struct ring *ring)
{
    ring_put(ring); /* the program's own reference */
}
