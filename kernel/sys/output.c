/*
 * output.c: one ring of text for each CPU but the first.
 */
#include "output.h"

#include <stdbool.h>
#include <stdint.h>

#include "console.h"
#include "cpu.h"
#include "panic.h"

#define RING_SIZE 1024 /* a power of two */

struct ring {
    uint32_t put;   /* bytes ever written; stored by its CPU */
    uint32_t taken; /* bytes ever printed; stored by CPU 0 */
    char     text[RING_SIZE];
};

static struct ring rings[MAX_CPUS];
static bool        at_work; /* CPU 0 prints: a clock interrupt leaves the console alone */

/* CPU 0 sees `put` move only after the bytes, and the writer `taken` only after they were read. */
static void keep(struct ring *ring, const char *text, size_t size)
{
    uint32_t put = ring->put;
    uint32_t room = RING_SIZE - (put - __atomic_load_n(&ring->taken, __ATOMIC_ACQUIRE));
    if (size > room)
        return;
    for (size_t i = 0; i < size; i++)
        ring->text[put++ % RING_SIZE] = text[i];
    __atomic_store_n(&ring->put, put, __ATOMIC_RELEASE);
}

void output_write(const char *text, size_t size)
{
    unsigned cpu = cpu_number();
    if (cpu != 0 && !panicking()) {
        keep(&rings[cpu], text, size);
        return;
    }
    bool before = at_work;
    at_work = true;
    console_write(text, size);
    at_work = before;
}

/* Prints up to the last end of a line. */
static void drain(struct ring *ring)
{
    uint32_t put = __atomic_load_n(&ring->put, __ATOMIC_ACQUIRE), end = put;
    while (end != ring->taken && ring->text[(end - 1) % RING_SIZE] != '\n')
        end--;
    for (uint32_t at = ring->taken; at != end; at++)
        console_put(ring->text[at % RING_SIZE]);
    __atomic_store_n(&ring->taken, end, __ATOMIC_RELEASE);
}

void output_drain(void)
{
    for (unsigned i = 1; i < ncpus && !at_work; i++)
        drain(&rings[i]);
}
