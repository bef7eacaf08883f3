/*
 * buffers.c: buffers by their first and last byte, and handles that count what becomes of each.
 */
#include "errno.h"
#include "lab6_ring.h"
#include "string.h"

int ring_grant(struct ring *ring, uint32_t offset, uint32_t length)
{
    struct lab6_ring *mine = lab6_ring_area(ring);
    uint32_t          place = 0;
    if (length > RING_DATA_SIZE || offset > RING_DATA_SIZE - length)
        return -EINVAL;
    while (place < RING_BUFFERS && GRANTED(mine->buffers[place].handle))
        place++;
    if (place == RING_BUFFERS)
        return -ENOMEM;
    struct buffer *buffer = &mine->buffers[place];
    buffer->start = (uint16_t)offset;
    buffer->end = (uint16_t)(offset + length);
    buffer->handle = ONE_MORE(buffer->handle);
    return (int)buffer->handle;
}

bool ring_revoke(struct ring *ring, uint32_t handle)
{
    struct lab6_ring *mine = lab6_ring_area(ring);
    struct buffer    *buffer = &mine->buffers[PLACE(handle)];
    if (!GRANTED(handle) || buffer->handle != handle)
        return false;
    buffer->handle = ONE_MORE(handle);
    return true;
}

bool copy_bytes(struct ring *ring, const struct ring_descriptor *descriptor, void *to)
{
    struct lab6_ring *mine = lab6_ring_area(ring);
    /* A copy of the buffer too: the program may take it back on another CPU. */
    struct buffer buffer = mine->buffers[PLACE(descriptor->handle)];
    if (!GRANTED(descriptor->handle) || buffer.handle != descriptor->handle)
        return false;
    uint64_t start = (uint64_t)buffer.start + descriptor->offset, end = start + descriptor->length;
    if (end > buffer.end)
        return false;
    memcpy(to, (const uint8_t *)ring->data + start, descriptor->length);
    return true;
}
