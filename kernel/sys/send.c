/*
 * send.c: bytes for the kernel without shared memory, so that a ring can be compared with that.  They
 * end as those of a ring do, in ring_sum().
 */
#include "errno.h"
#include "percpu.h"
#include "probe.h"
#include "probe_rings.h"
#include "ring.h"
#include "syscall.h"
#include "sysnum.h"

#define PART 16 /* entries of an array that are copied at a time */

/* A copy, as a system call has to make one: ring 3's memory may fault, and may change. */
static intptr_t take(struct ring *ring, uintptr_t from, uintptr_t length)
{
    uint8_t bytes[SENT_BYTES];
    if (length > sizeof(bytes))
        return -EINVAL;
    if (copy_from_user(bytes, from, length))
        return -EFAULT;
    ring->sent.taken++;
    ring->sent.bytes += (uint32_t)length;
    ring->sent.sum += ring_sum(bytes, (uint32_t)length);
    return 0;
}

intptr_t sys_send(uintptr_t from, uintptr_t length, uintptr_t cookie)
{
    (void)cookie; /* nobody here asks whose bytes these are */
    struct ring *ring = ring_own();
    return ring ? take(ring, from, length) : -EINVAL;
}

intptr_t sys_send_many(uintptr_t from, uintptr_t count, uintptr_t unused)
{
    (void)unused;
    struct ring *ring = ring_own();
    struct sent  part[PART];
    uintptr_t    done = 0;
    if (!ring || count > INT32_MAX)
        return -EINVAL;
    while (done < count) {
        uintptr_t size = count - done < PART ? count - done : PART;
        if (copy_from_user(part, from + done * sizeof(*part), size * sizeof(*part)))
            return done ? (intptr_t)done : -EFAULT;
        for (uintptr_t i = 0; i < size; i++, done++) {
            intptr_t error = take(ring, (uintptr_t)part[i].from, part[i].length);
            if (error)
                return done ? (intptr_t)done : error;
        }
    }
    return (intptr_t)done;
}

/* The request waits in the kernel until there is something to tell: here, a clock tick. */
intptr_t sys_send_pending(uintptr_t from, uintptr_t length, uintptr_t cookie)
{
    intptr_t    error = sys_send(from, length, cookie);
    struct cpu *cpu = this_cpu();
    if (error)
        return error;
    thread_wait(WAIT_TICKS, cpu->ticks + 1);
    if (probe_boot) /* no clock ticks, so another interrupt has to do */
        probe_tell(cpu->current);
    return (intptr_t)(cpu->ticks + 1);
}
