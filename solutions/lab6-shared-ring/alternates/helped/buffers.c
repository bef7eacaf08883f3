/*
 * buffers.c: buffers by address, and handles that count the grants.
 */
#include "errno.h"
#include "lab6_ring.h"

/* The one with this handle; with 0 one that is not granted.  NULL: there is none. */
static struct buffer *with(struct ring *ring, uint32_t handle)
{
    struct lab6_ring *mine = lab6_ring_area(ring);
    for (unsigned i = 0; i < RING_BUFFERS; i++)
        if (__atomic_load_n(&mine->buffers[i].handle, __ATOMIC_ACQUIRE) == handle)
            return &mine->buffers[i];
    return NULL;
}

/* Writes a buffer; a drain that looks at it meanwhile sees by `changes` that it has to look again. */
static void write(struct buffer *buffer, const uint8_t *from, const uint8_t *to, uint32_t handle)
{
    __atomic_fetch_add(&buffer->changes, 1, __ATOMIC_ACQ_REL);
    __atomic_store_n(&buffer->from, from, __ATOMIC_RELAXED);
    __atomic_store_n(&buffer->to, to, __ATOMIC_RELAXED);
    __atomic_store_n(&buffer->handle, handle, __ATOMIC_RELAXED);
    __atomic_fetch_add(&buffer->changes, 1, __ATOMIC_RELEASE);
}

int ring_grant(struct ring *ring, uint32_t offset, uint32_t length)
{
    struct lab6_ring *mine = lab6_ring_area(ring);
    if (offset > RING_DATA_SIZE || RING_DATA_SIZE - offset < length)
        return -EINVAL;
    struct buffer *buffer = with(ring, 0);
    if (!buffer)
        return -ENOMEM;
    do
        mine->grants = mine->grants % 0x7fffffff + 1;
    while (with(ring, mine->grants)); /* one that is held since 2^31 grants */
    const uint8_t *from = (const uint8_t *)ring->data + offset;
    write(buffer, from, from + length, mine->grants);
    return (int)mine->grants;
}

bool ring_revoke(struct ring *ring, uint32_t handle)
{
    struct buffer *buffer = handle ? with(ring, handle) : NULL;
    if (buffer)
        write(buffer, NULL, NULL, 0);
    return buffer != NULL;
}

/* A copy of the buffer with this handle, all of one grant. */
static bool copy_of(struct ring *ring, uint32_t handle, struct buffer *copy)
{
    const struct buffer *buffer = handle ? with(ring, handle) : NULL;
    if (!buffer)
        return false;
    uint32_t changes = __atomic_load_n(&buffer->changes, __ATOMIC_ACQUIRE);
    copy->from = __atomic_load_n(&buffer->from, __ATOMIC_RELAXED);
    copy->to = __atomic_load_n(&buffer->to, __ATOMIC_RELAXED);
    copy->handle = __atomic_load_n(&buffer->handle, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_ACQUIRE); /* the three were read before this look */
    /* It changes now: nobody need be served who gives back what he has put into the ring. */
    return changes % 2 == 0 && copy->handle == handle &&
           __atomic_load_n(&buffer->changes, __ATOMIC_RELAXED) == changes;
}

const uint8_t *bytes_of(struct ring *ring, const struct ring_descriptor *descriptor)
{
    struct buffer buffer;
    if (!copy_of(ring, descriptor->handle, &buffer))
        return NULL;
    uint32_t size = (uint32_t)(buffer.to - buffer.from);
    if (descriptor->length > size || descriptor->offset > size - descriptor->length)
        return NULL;
    return buffer.from + descriptor->offset;
}
