/*
 * buffers.c: exercise 6.4, names for bytes.  A program says a number, never an address.
 */
#include "errno.h"
#include "hole.h"
#include "lab6_ring.h"

/* BEGIN 6.4 */
/* A handle is a number of the grant above the number of the buffer; 0x7fffffff is the largest. */
#define NUMBER(handle) ((handle) % RING_BUFFERS)
#define NEXT(handle)   (((handle) + RING_BUFFERS) & 0x7fffffffu)

/* The buffer with this handle, if it is granted, or NULL. */
static struct buffer *find(struct ring *ring, uint32_t handle)
{
    struct lab6_ring *mine = lab6_ring_area(ring);
    struct buffer    *buffer = &mine->buffers[NUMBER(handle)];
    uint32_t          granted = __atomic_load_n(&buffer->granted, __ATOMIC_ACQUIRE);
    return granted && buffer->handle == handle ? buffer : NULL;
}
/* INSTEAD 6.4 */
/* END 6.4 */

int ring_grant(struct ring *ring, uint32_t offset, uint32_t length)
{
    /* BEGIN 6.4 */
    struct lab6_ring *mine = lab6_ring_area(ring);
    if (offset > RING_DATA_SIZE || length > RING_DATA_SIZE - offset)
        return -EINVAL;
    for (uint32_t i = 0; i < RING_BUFFERS; i++) {
        struct buffer *buffer = &mine->buffers[i];
        if (buffer->granted)
            continue;
        uint32_t handle = NEXT(buffer->handle - NUMBER(buffer->handle) + i);
        buffer->bounds = length << 16 | offset;
        buffer->handle = handle;
        /* Release: a drain elsewhere that finds the buffer finds what it is. */
        __atomic_store_n(&buffer->granted, 1, __ATOMIC_RELEASE);
        return (int)handle;
    }
    return -ENOMEM;
    /* INSTEAD 6.4 */
    //| /* Are all these bytes in RING_DATA?  (offset + length may be less than offset.)  A handle
    //|    that was given back must not name the next buffer. */
    //| HOLE_LATER("6.4", "grant buffers, and check what descriptors say of them");
    //| (void)ring, (void)offset, (void)length;
    //| return 0;
    /* END 6.4 */
}

bool ring_revoke(struct ring *ring, uint32_t handle)
{
    /* BEGIN 6.4 */
    struct buffer *buffer = find(ring, handle);
    if (!buffer)
        return false;
    __atomic_store_n(&buffer->granted, 0, __ATOMIC_RELAXED);
    return true;
    /* INSTEAD 6.4 */
    //| (void)ring, (void)handle;
    //| return false;
    /* END 6.4 */
}

const void *named_bytes(struct ring *ring, const struct ring_descriptor *descriptor)
{
    /* BEGIN 6.4 */
    const struct buffer *buffer = find(ring, descriptor->handle);
    if (!buffer)
        return NULL;
    /* Once: the program may give it back on another CPU just now, and have the next one in its place. */
    uint32_t bounds = __atomic_load_n(&buffer->bounds, __ATOMIC_RELAXED);
    uint32_t offset = bounds & 0xffff, length = bounds >> 16;
    if (descriptor->offset > length || descriptor->length > length - descriptor->offset)
        return NULL;
    return (const uint8_t *)ring->data + offset + descriptor->offset;
    /* INSTEAD 6.4 */
    //| /* Until then all of RING_DATA is one buffer, and everybody tells the truth. */
    //| return (const uint8_t *)ring->data + descriptor->offset;
    /* END 6.4 */
}
