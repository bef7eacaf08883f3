/*
 * traces.c: the flight recorder for the host.  It knows all of this memory by its symbols.
 */
#include "probe_traces.h"

#include "probe.h"
#include "string.h"
#include "x86.h"

#define MSR_TSC 0x10

struct trace_event probe_event;
uint32_t           probe_trace_kind, probe_trace_on;

/* Where the host finds things in the reader. */
const uint32_t probe_trace_fields[] = {
    offsetof(struct trace_reader, user),
    offsetof(struct trace_reader, kernel),
};

uint64_t probe_trace_times[2];

HOST_STOPS_HERE void probe_trace_hit(uintptr_t kind, uintptr_t value, uintptr_t more)
{
    probe_trace_times[0] = rdtsc();
    do
        trace_hit((uint32_t)kind, value);
    while (more--);
    probe_trace_times[1] = rdtsc();
}

/* All by the same, so that they still agree.  QEMU does not let anybody write them. */
HOST_STOPS_HERE void probe_clock_near(uintptr_t below)
{
    static uint64_t forward;
    if (!this_cpu()->id)
        forward = (1ull << 32) - below - rdtsc();
    wrmsr(MSR_TSC, rdtsc() + forward);
}

/* One of each kind, so the value says which it was only if the kind does. */
HOST_STOPS_HERE void probe_trace_points(uintptr_t kind, uintptr_t value, uintptr_t times)
{
    while (times--) {
        if (kind == TRACE_SYSCALL)
            TRACE_POINT(TRACE_SYSCALL, value);
        if (kind == TRACE_SWITCH)
            TRACE_POINT(TRACE_SWITCH, value);
        if (kind == TRACE_CLOCK)
            TRACE_POINT(TRACE_CLOCK, value);
    }
}

HOST_STOPS_HERE bool probe_trace_next(void)
{
    return trace_next(&probe_event);
}

HOST_STOPS_HERE bool probe_trace_logged(uintptr_t cpu)
{
    struct log_record record;
    if (!logring_read(&trace_logs[cpu], &record))
        return false;
    memcpy(&probe_event, record.bytes, sizeof(probe_event));
    return true;
}

HOST_STOPS_HERE uintptr_t probe_trace_set(uintptr_t unused)
{
    (void)unused;
    return trace_set(probe_trace_kind, probe_trace_on != 0);
}

HOST_STOPS_HERE int probe_trace_map(struct thread *thread)
{
    int error = trace_map(&trace_reader, thread->as);
    trace_reader.as = error ? NULL : thread->as;
    return error;
}

HOST_STOPS_HERE int probe_trace_export(void)
{
    return trace_export(&trace_reader);
}
