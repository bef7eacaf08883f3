/*
 * trace: switches the trace points on for a moment, reads the flight recorder out of the memory that it
 * shares with the kernel, and prints the timeline.
 */
#include "lib/print.h"
#include "lib/syscall.h"
#include "trace_abi.h"

enum { ROUNDS = 4, LINES = 40, KEPT = 1024 };

static const char *const kinds[TRACE_KINDS] = {"system call", "switch", "clock", "NMI"};
static const char *const what[TRACE_KINDS] = {"number", "to thread", "tick", "at"};

static struct trace_event kept[KEPT]; /* printing is system calls, which would be events */
static unsigned           count;

static uint64_t begin; /* before it the points were being switched, which takes long with many CPUs */
static uint64_t first; /* the first event's stamp */
static unsigned lines, lost, next_number[8], seen[8];

static void show(const struct trace_event *event)
{
    unsigned cpu = event->cpu % 8;

    if (seen[cpu])
        lost += event->number - next_number[cpu];
    seen[cpu] = 1;
    next_number[cpu] = event->number + 1;
    if (event->stamp < begin)
        return;
    if (!first)
        first = event->stamp;
    if (lines++ >= LINES || event->kind >= TRACE_KINDS)
        return;
    printf("%10lu  %3u  %-11s  %-9s ", (unsigned long)(event->stamp - first), event->cpu,
           kinds[event->kind], what[event->kind]);
    if (event->kind == TRACE_NMI)
        printf("%p", (void *)(uintptr_t)event->value);
    else
        printf("%-8lu", (unsigned long)event->value);
    if (event->tid)
        printf("  thread %u, from %p", event->tid, (void *)(uintptr_t)event->ip);
    printf("\n");
}

/* Lets the kernel put in what it has, keeps it, and says that it was read; how many. */
static unsigned take(void)
{
    const struct trace_kernel *page = (const void *)TRACE_KERNEL;
    struct trace_user         *mine = (void *)TRACE_USER;
    unsigned                   taken = 0;

    sys_trace_pull();
    for (uint32_t end = __atomic_load_n(&page->produced, __ATOMIC_ACQUIRE); mine->consumed != end;
         taken++) {
        if (count < KEPT)
            kept[count++] = page->slots[mine->consumed % TRACE_SLOTS];
        __atomic_store_n(&mine->consumed, mine->consumed + 1, __ATOMIC_RELEASE);
    }
    return taken;
}

/* All that there is now.  A call of take() is an event itself, so it never finds nothing. */
static void take_all(void)
{
    for (int turns = 0; turns < 16 && take() > TRACE_SLOTS / 2; turns++)
        ;
}

/* On or off; false, with a sentence, if the kernel cannot. */
static int switch_all(int on)
{
    for (unsigned kind = 0; kind < TRACE_KINDS; kind++) {
        long error;

        while ((error = sys_trace(kind, on)) == -EAGAIN)
            sys_yield();
        take_all();
        if (error < 0) {
            printf("trace: %s\n", error_text(error));
            return 0;
        }
    }
    return 1;
}

int main(void)
{
    long error = sys_trace_map();

    if (error < 0) {
        printf("trace: %s\n", error_text(error));
        return 1;
    }
    if (!switch_all(1))
        return 1;
    begin = __builtin_ia32_rdtsc();
    for (int round = 0; round < ROUNDS; round++) {
        sys_nmi(0);
        sys_sleep(1);
        take_all();
    }
    if (!switch_all(0))
        return 1;
    while (take())
        ;
    printf("%10s  CPU  WHAT\n", "STAMP");
    for (unsigned i = 0; i < count; i++)
        show(&kept[i]);
    if (lines > LINES)
        printf("... and %u more\n", lines - LINES);
    printf("%u events, %u dropped\n", lines, lost);
    return 0;
}
