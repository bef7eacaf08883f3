/*
 * lab6_ring.h: what only the kernel knows of a ring, and what the lab's files share.
 */
#ifndef CORRAL_LAB6_RING_H
#define CORRAL_LAB6_RING_H

#include "lab6.h"
#include "ring.h"

/* One that nobody has has the handle 0, which no grant gives. */
struct buffer {
    uint32_t offset, length; /* in RING_DATA */
    uint32_t handle;
};

/* The users of the pages are counted below this bit.  All 0, as at first: closed, nobody. */
#define OPEN 0x80000000u

struct lab6_ring {
    uint32_t      out;     /* the slot that is looked at next: the kernel's page shows a copy */
    uint32_t      users;   /* of the pages, but for the program; and OPEN, while it is there */
    uint32_t      handles; /* the last one that was given out */
    struct buffer buffers[RING_BUFFERS];
};
_Static_assert(sizeof(struct lab6_ring) <= LAB6_AREA_SIZE, "the area is too small");

/* In buffers.c: whether all these bytes are in RING_DATA, or in the buffer; and where they are. */
bool within(uint32_t offset, uint32_t length, uint32_t size);
const uint8_t *look_up(struct ring *ring, const struct ring_descriptor *descriptor);

#endif
