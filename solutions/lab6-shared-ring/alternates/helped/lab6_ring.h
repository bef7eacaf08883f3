/*
 * lab6_ring.h: what only the kernel knows of a ring, and what the lab's files share.
 */
#ifndef CORRAL_LAB6_RING_H
#define CORRAL_LAB6_RING_H

#include "lab6.h"
#include "ring.h"

/* Bytes of RING_DATA, where the kernel sees them.  `changes` is odd while they are written. */
struct buffer {
    const uint8_t *from, *to;
    uint32_t       handle; /* 0: not granted */
    uint32_t       changes;
};

struct lab6_ring {
    uint32_t      next; /* the number of the next descriptor */
    uint32_t      references;
    uint32_t      grants; /* so far */
    struct buffer buffers[RING_BUFFERS];
};
_Static_assert(sizeof(struct lab6_ring) <= LAB6_AREA_SIZE, "the area is too small");

/* In buffers.c: the bytes that a descriptor names, or NULL. */
const uint8_t *bytes_of(struct ring *ring, const struct ring_descriptor *descriptor);

#endif
