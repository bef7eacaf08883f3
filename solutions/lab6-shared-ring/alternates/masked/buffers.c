/*
 * buffers.c: handles are numbers in the order of the grants.
 */
#include "errno.h"
#include "lab6_ring.h"

#define LAST_HANDLE 0x7fffffffu

bool within(uint32_t offset, uint32_t length, uint32_t size)
{
    return (uint64_t)offset + length <= size;
}

/* The buffer with this handle, or NULL. */
static struct buffer *find(struct ring *ring, uint32_t handle)
{
    struct lab6_ring *mine = lab6_ring_area(ring);
    for (struct buffer *buffer = mine->buffers; buffer < mine->buffers + RING_BUFFERS; buffer++)
        if (buffer->handle == handle)
            return buffer;
    return NULL;
}

int ring_grant(struct ring *ring, uint32_t offset, uint32_t length)
{
    struct lab6_ring *mine = lab6_ring_area(ring);
    if (!within(offset, length, RING_DATA_SIZE))
        return -EINVAL;
    struct buffer *buffer = find(ring, 0);
    if (!buffer)
        return -ENOMEM;
    do /* after 2^31 grants an old one may still be there */
        mine->handles = mine->handles == LAST_HANDLE ? 1 : mine->handles + 1;
    while (find(ring, mine->handles));
    buffer->offset = offset;
    buffer->length = length;
    /* Release: a drain elsewhere that knows the handle knows the rest. */
    __atomic_store_n(&buffer->handle, mine->handles, __ATOMIC_RELEASE);
    return (int)mine->handles;
}

bool ring_revoke(struct ring *ring, uint32_t handle)
{
    struct buffer *buffer = handle ? find(ring, handle) : NULL;
    if (!buffer)
        return false;
    __atomic_store_n(&buffer->handle, 0, __ATOMIC_RELAXED);
    return true;
}

const uint8_t *look_up(struct ring *ring, const struct ring_descriptor *descriptor)
{
    const struct buffer *buffer = descriptor->handle ? find(ring, descriptor->handle) : NULL;
    if (!buffer)
        return NULL;
    /* Once each: it may be another buffer by now, granted by the program's other half. */
    uint32_t offset = __atomic_load_n(&buffer->offset, __ATOMIC_RELAXED);
    uint32_t length = __atomic_load_n(&buffer->length, __ATOMIC_RELAXED);
    if (!within(offset, length, RING_DATA_SIZE) ||
        !within(descriptor->offset, descriptor->length, length))
        return NULL;
    return (const uint8_t *)ring->data + offset + descriptor->offset;
}
