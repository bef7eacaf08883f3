/*
 * bench.c: one and the same bytes, by four ways into the kernel.  The host says which way and how
 * many, and counts the instructions from bench_ready() to bench_done(), those of the kernel too.
 */
#include "lib/syscall.h"
#include "ring_abi.h"

enum { SLOTS = 64, LENGTH = 64 };
#define ARRAY ((struct sent *)0x20000000) /* memory from the host, for as many as it wants */

enum way { NOTHING, CALLS, ONE_CALL, PENDING, RING };

struct {
    uint32_t way, items;
} bench_order;
const uint32_t   bench_length = LENGTH;
struct ring_seen bench_seen;  /* by the kernel, up to now */
int32_t          bench_error; /* of the ring; 0: there is one */

static struct ring_producer producer;
static uint32_t             handle;

#define HOST_STOPS_HERE __attribute__((noinline))

HOST_STOPS_HERE void bench_ready(void)
{
    __asm__ volatile("" ::: "memory"); /* the host writes its order */
}

HOST_STOPS_HERE void bench_done(void)
{
    __asm__ volatile("" ::: "memory");
}

static uint32_t offset_of(uint32_t item)
{
    return item * LENGTH % RING_DATA_SIZE;
}

static void by_calls(uint32_t items)
{
    for (uint32_t i = 0; i < items; i++)
        syscall3(SYS_SEND, RING_DATA + offset_of(i), LENGTH, i);
}

static void by_one_call(uint32_t items)
{
    for (uint32_t i = 0; i < items; i++)
        ARRAY[i] = (struct sent){RING_DATA + offset_of(i), LENGTH, i};
    syscall3(SYS_SEND_MANY, (unsigned long)ARRAY, items, 0);
}

static void by_pending_calls(uint32_t items)
{
    for (uint32_t i = 0; i < items; i++)
        syscall3(SYS_SEND_PENDING, RING_DATA + offset_of(i), LENGTH, i);
}

/* The kernel sleeps at first.  It is told once for the batch, or when the ring is full. */
static void by_ring(uint32_t items)
{
    int asked = 0;

    for (uint32_t i = 0; i < items; i++) {
        struct ring_descriptor item = {handle, offset_of(i), LENGTH, i};
        enum ring_pushed       pushed;

        while ((pushed = ring_push(&producer, &item)) == RING_FULL) {
            sys_ring_doorbell();
            asked = 0;
        }
        asked |= pushed == RING_DOORBELL;
    }
    if (asked)
        sys_ring_doorbell();
}

void bench_main(void)
{
    bench_error = (int32_t)sys_ring_map(SLOTS);
    handle = (uint32_t)sys_ring_grant(0, RING_DATA_SIZE);
    ring_producer_init(&producer, (void *)RING_USER, (const void *)RING_KERNEL, SLOTS);
    for (;;) {
        bench_ready();
        switch (bench_order.way) {
        case CALLS:
            by_calls(bench_order.items);
            break;
        case ONE_CALL:
            by_one_call(bench_order.items);
            break;
        case PENDING:
            by_pending_calls(bench_order.items);
            break;
        case RING:
            by_ring(bench_order.items);
            break;
        }
        bench_done();
        sys_ring_seen(&bench_seen);
    }
}
