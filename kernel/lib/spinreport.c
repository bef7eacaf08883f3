/*
 * spinreport.c: what a lock found, in one sentence; and the log that all CPUs share.
 */
#include "format.h"
#include "panic.h"
#include "spinlock.h"
#include "symbols.h"

#define PLACE_SIZE 48

struct shared_log shared_log;

/* "name+0x12" of a return address. */
static const char *place_of(char *text, uintptr_t address)
{
    uintptr_t   offset;
    const char *name = symbol_name(address - 1, &offset); /* the call may end its function */
    ksnprintf(text, PLACE_SIZE, "%.32s+0x%lx", name, (unsigned long)offset + 1);
    return text;
}

/* "; CPU 1 has it since f+0x12", or that nobody does. */
static void owner_of(char *text, size_t size, const struct spin_report *report)
{
    char place[PLACE_SIZE];
    if (report->owner < 0)
        ksnprintf(text, size, "nobody has it");
    else if (report->owner_place)
        ksnprintf(text, size, "CPU %d took it at %s", report->owner,
                  place_of(place, report->owner_place));
    else
        ksnprintf(text, size, "CPU %d has it", report->owner);
}

void spin_report(const struct spin_report *report)
{
    const char *name = report->name ? report->name : "?";
    char        here[PLACE_SIZE], owner[PLACE_SIZE + 32];
    unsigned    cpu = report->cpu;
    place_of(here, report->place);
    owner_of(owner, sizeof(owner), report);
    switch (report->what) {
    case SPIN_RECURSION:
        panic("lock \"%s\": CPU %u, at %s, waits for itself; %s", name, cpu, here, owner);
    case SPIN_OWNER:
        panic("lock \"%s\": CPU %u, at %s, gives back what is not its own; %s", name, cpu, here,
              owner);
    case SPIN_LEVEL:
        panic("lock \"%s\": CPU %u, at %s, is at interrupt level %u, which is wrong; %s", name, cpu,
              here, irql_get(), owner);
    case SPIN_STUCK:
        panic("lock \"%s\": CPU %u, at %s, has waited for %u ticks; %s all that time", name, cpu,
              here, SPIN_STUCK_TICKS, owner);
    }
    panic("lock \"%s\": an unknown report, %u", name, (unsigned)report->what);
}
