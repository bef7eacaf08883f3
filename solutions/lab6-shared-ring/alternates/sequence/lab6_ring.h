/*
 * lab6_ring.h: what only the kernel knows of a ring, and what the lab's files share.
 */
#ifndef CORRAL_LAB6_RING_H
#define CORRAL_LAB6_RING_H

#include "lab6.h"
#include "ring.h"

/* Bytes of RING_DATA, from `start` up to `end`. */
struct buffer {
    uint16_t start, end;
    uint32_t handle; /* its place in the table, and above it how often that was granted or taken back */
};
#define PLACE(handle)   ((handle) % RING_BUFFERS)
#define GRANTED(handle) ((handle) / RING_BUFFERS % 2) /* odd: granted */
#define ONE_MORE(handle) (((handle) + RING_BUFFERS) & 0x7fffffffu)

/* References are counted by twos; the program's is the odd one. */
#define PROGRAM 1u
#define USER    2u

struct lab6_ring {
    uint32_t      number; /* of the next descriptor */
    uint32_t      references;
    struct buffer buffers[RING_BUFFERS];
};
_Static_assert(sizeof(struct lab6_ring) <= LAB6_AREA_SIZE, "the area is too small");

/* In buffers.c: copies the bytes that a descriptor names.  False: it names none. */
bool copy_bytes(struct ring *ring, const struct ring_descriptor *descriptor, void *to);

#endif
