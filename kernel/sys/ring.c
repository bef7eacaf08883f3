/*
 * ring.c: the system calls about rings, who drains them and when, and what becomes of the bytes.
 */
#include "ring.h"

#include "boot.h"
#include "errno.h"
#include "guard.h"
#include "nmi.h"
#include "percpu.h"
#include "probe_rings.h"
#include "syscall.h"
#include "sysnum.h"
#include "x86.h"

#define BUDGET 32 /* descriptors of one ring_drain() */
#define TURN   8  /* of these before others have their turn, however fast ring 3 is */

/* What the counts of a new ring begin with: they wrap after a moment, not after a month. */
#define FIRST 0xfffffff0u

struct ring rings[MAX_RINGS];

/* A place that nobody has, or NULL. */
static struct ring *claim(struct address_space *as, uint32_t slots)
{
    struct ring       *ring = rings;
    struct spin_handle handle;
    guard_enter(&rings_guard, &handle);
    while (ring < rings + MAX_RINGS && ring->used)
        ring++;
    if (ring < rings + MAX_RINGS) {
        *ring = (struct ring){.used = true, .as = as, .slots = slots};
        spin_init(&ring->drainer, "drainer", DISPATCH_LEVEL, 0);
    }
    guard_leave(&rings_guard, &handle);
    return ring < rings + MAX_RINGS ? ring : NULL;
}

struct ring *ring_own(void)
{
    for (struct ring *ring = rings; ring < rings + MAX_RINGS; ring++)
        if (ring->used && ring->as && ring->as == this_cpu()->as)
            return ring;
    return NULL;
}

void ring_gone(struct ring *ring)
{
    __atomic_store_n(&ring->used, false, __ATOMIC_RELEASE); /* all that it held was given back first */
}

void ring_exit(struct address_space *as)
{
    for (struct ring *ring = rings; ring < rings + MAX_RINGS; ring++)
        if (ring->used && ring->as == as) {
            ring->as = NULL;
            ring_close(ring);
        }
}

/* ---- draining ---- */

uint32_t ring_sum(const void *bytes, uint32_t length)
{
    const uint8_t *byte = bytes;
    uint32_t       sum = 0;
    for (uint32_t i = 0; i < length; i++)
        sum += byte[i];
    return sum;
}

void ring_sink(struct ring *ring, const void *bytes, uint32_t length, uint32_t cookie)
{
    ring->taken++;
    ring->bytes += length;
    ring->sum += ring_sum(bytes, length);
    if (probe_boot && !probe_quiet)
        probe_sunk(bytes, length, cookie);
}

void ring_refuse(struct ring *ring, uint32_t cookie)
{
    ring->refused++;
    if (probe_boot)
        probe_refused(cookie);
}

/* Until there is nothing and a doorbell is asked for, or the turn is over: then the clock comes back. */
static void serve(struct ring *ring)
{
    for (unsigned i = 0; i < TURN; i++)
        if (ring_drain(ring, BUDGET) < BUDGET && ring_arm(ring))
            return;
}

void ring_service(struct ring *ring)
{
    struct spin_handle handle;
    if (!ring_get(ring))
        return; /* no program has it, or not yet */
    /* Waits, and not for long.  If it went away instead, whoever drains may have armed already. */
    spin_acquire(&ring->drainer, &handle);
    serve(ring);
    spin_release(&ring->drainer, &handle);
    ring_put(ring);
}

void ring_service_all(void)
{
    for (struct ring *ring = rings; ring < rings + MAX_RINGS; ring++)
        ring_service(ring);
}

/* ---- system calls ---- */

intptr_t sys_ring_map(uintptr_t slots, uintptr_t b, uintptr_t c)
{
    (void)b, (void)c;
    if (corral_stage < STAGE_RINGS)
        return -ENOSYS;
    if (ring_own() || slots != (uint32_t)slots)
        return -EINVAL;
    struct ring *ring = claim(this_cpu()->as, (uint32_t)slots);
    if (!ring)
        return -ENOMEM;
    int error = ring_map(ring, FIRST);
    if (error)
        ring_gone(ring);
    return error;
}

intptr_t sys_ring_grant(uintptr_t offset, uintptr_t length, uintptr_t c)
{
    (void)c;
    struct ring *ring = ring_own();
    if (!ring || offset != (uint32_t)offset || length != (uint32_t)length)
        return -EINVAL;
    return ring_grant(ring, (uint32_t)offset, (uint32_t)length);
}

intptr_t sys_ring_revoke(uintptr_t handle, uintptr_t b, uintptr_t c)
{
    (void)b, (void)c;
    struct ring *ring = ring_own();
    return ring && handle == (uint32_t)handle && ring_revoke(ring, (uint32_t)handle) ? 0 : -EINVAL;
}

intptr_t sys_ring_doorbell(uintptr_t a, uintptr_t b, uintptr_t c)
{
    (void)a, (void)b, (void)c;
    struct ring *ring = ring_own();
    if (!ring)
        return -EINVAL;
    sti(); /* it may take a while, and is bounded */
    ring_service(ring);
    cli();
    return 0;
}

intptr_t sys_ring_seen(uintptr_t to, uintptr_t b, uintptr_t c)
{
    (void)b, (void)c;
    const struct ring *ring = ring_own();
    if (!ring)
        return -EINVAL;
    struct ring_seen seen = {ring->taken + ring->sent.taken, ring->bytes + ring->sent.bytes,
                             ring->sum + ring->sent.sum, ring->refused};
    return copy_to_user(to, &seen, sizeof(seen)) ? -EFAULT : 0;
}
