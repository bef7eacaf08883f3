/*
 * lab6_ring.h: what only the kernel knows of a ring, and what the lab's files share.
 */
#ifndef CORRAL_LAB6_RING_H
#define CORRAL_LAB6_RING_H

#include "lab6.h"
#include "ring.h"

/* BEGIN 6.4 */
struct buffer {
    uint32_t bounds;  /* length in RING_DATA << 16 | offset: one word, so both are of one grant */
    uint32_t handle;  /* of the grant; the lowest bits are this buffer's number */
    uint32_t granted;
};
/* INSTEAD 6.4 */
//| /* A buffer that was granted: what must be known to check a descriptor? */
//| struct buffer {
//|     uint32_t unused;
//| };
/* END 6.4 */

struct lab6_ring {
    /* BEGIN 6.1 */
    uint32_t next; /* the number of the next descriptor: the truth, of which `consumed` is a copy */
    /* INSTEAD 6.1 */
    //| /* What does the kernel have to remember by itself, because ring 3 must not tell it? */
    /* END 6.1 */
    uint32_t      references; /* exercise 6.7 */
    struct buffer buffers[RING_BUFFERS];
};
_Static_assert(sizeof(struct lab6_ring) <= LAB6_AREA_SIZE, "the area is too small");

/* In buffers.c: the bytes that a descriptor names, or NULL.  The descriptor is the kernel's copy. */
const void *named_bytes(struct ring *ring, const struct ring_descriptor *descriptor);

/* In drain.c: exercises 6.3 and 6.5. */
bool possible(const struct ring *ring, uint32_t count);
void disarm(struct ring *ring);

#endif
