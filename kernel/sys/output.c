/*
 * output.c: text on its way to the console.
 *
 * Before stage 4: one ring of text for each CPU but the first.  From then on one queue for all, and
 * one CPU at a time that prints what is in it: the guard is held to copy text, never while the slow
 * console is waited for.
 */
#include "output.h"

#include <stdbool.h>
#include <stdint.h>

#include "console.h"
#include "cpu.h"
#include "guard.h"
#include "panic.h"

#define RING_SIZE 1024 /* a power of two */
#define QUEUE_SIZE 4096
#define PIECE_MAX 256 /* bytes that stay together */
#define PRINT_MAX 256 /* that a clock interrupt prints */

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

/* ---- from stage 4 on: the queue ---- */

static struct {
    uint32_t put, taken; /* bytes ever */
    bool     printing;   /* some CPU takes text out and prints it */
    char     text[QUEUE_SIZE];
} queue;

/* Puts the text into the queue, if there is room.  *print: it is for the caller to print it now. */
static bool queue_put(const char *text, size_t size, bool *print)
{
    struct spin_handle handle;
    guard_enter(&output_guard, &handle);
    bool fits = QUEUE_SIZE - (queue.put - queue.taken) >= size;
    for (size_t i = 0; i < size && fits; i++)
        queue.text[queue.put++ % QUEUE_SIZE] = text[i];
    *print = !queue.printing;
    queue.printing = true;
    guard_leave(&output_guard, &handle);
    return fits;
}

/* Takes at most `max` bytes out.  None: nobody prints any more. */
static size_t queue_take(char *text, size_t max)
{
    struct spin_handle handle;
    size_t             size = 0;
    guard_enter(&output_guard, &handle);
    while (size < max && queue.taken != queue.put)
        text[size++] = queue.text[queue.taken++ % QUEUE_SIZE];
    if (size == 0)
        queue.printing = false;
    guard_leave(&output_guard, &handle);
    return size;
}

/*
 * Prints `max` bytes at least, if there are so many; others may add to them all the time.  What is
 * left then is the next writer's to print, or the clock's.
 */
static void queue_print(size_t max)
{
    char   text[64];
    size_t size, done = 0;
    while ((size = queue_take(text, done < max ? sizeof(text) : 0))) {
        console_write(text, size);
        done += size;
    }
}

/*
 * A thread waits for room; whoever prints is then another CPU.  An interrupt does not, since it may
 * have interrupted that one: what has no room is dropped.
 */
static void queue_write(const char *text, size_t size)
{
    bool done, print;
    do {
        done = queue_put(text, size, &print);
        if (print)
            queue_print(QUEUE_SIZE);
        else if (!done)
            spin_relax();
    } while (!done && irql_get() == PASSIVE_LEVEL);
}

static void queue_tick(void)
{
    bool print;
    queue_put("", 0, &print);
    if (print)
        queue_print(PRINT_MAX);
}

void output_write(const char *text, size_t size)
{
    if (sharing() && !panicking()) {
        for (size_t at = 0; at < size; at += PIECE_MAX)
            queue_write(text + at, size - at < PIECE_MAX ? size - at : PIECE_MAX);
        return;
    }
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
    if (sharing()) {
        queue_tick();
        return;
    }
    for (unsigned i = 1; i < ncpus && !at_work; i++)
        drain(&rings[i]);
}
