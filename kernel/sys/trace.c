/*
 * trace.c: the system calls behind `trace`.
 */
#include "trace.h"

#include "boot.h"
#include "errno.h"
#include "guard.h"
#include "percpu.h"
#include "syscall.h"
#include "x86.h"

struct trace_reader trace_reader;
struct logring      trace_logs[MAX_CPUS];

intptr_t sys_trace(uintptr_t kind, uintptr_t on, uintptr_t c)
{
    (void)c;
    if (corral_stage < STAGE_TRACE)
        return -ENOSYS;
    if (kind >= TRACE_KINDS)
        return -EINVAL;
    sti(); /* or no other CPU could ask this one */
    bool done = trace_set((uint32_t)kind, on != 0);
    cli();
    return done ? 0 : -EAGAIN;
}

intptr_t sys_trace_map(uintptr_t a, uintptr_t b, uintptr_t c)
{
    (void)a, (void)b, (void)c;
    struct spin_handle handle;
    intptr_t           error = -EBUSY;
    if (corral_stage < STAGE_TRACE)
        return -ENOSYS;
    guard_enter(&rings_guard, &handle);
    if (!trace_reader.as) {
        error = trace_map(&trace_reader, this_cpu()->as);
        trace_reader.as = error ? NULL : this_cpu()->as;
    }
    guard_leave(&rings_guard, &handle);
    return error;
}

/* Inside rings_guard the reader cannot go away. */
static int export_now(void)
{
    struct spin_handle handle;
    guard_enter(&rings_guard, &handle);
    int moved = trace_reader.as ? trace_export(&trace_reader) : 0;
    guard_leave(&rings_guard, &handle);
    return moved;
}

void trace_service(void)
{
    if (corral_stage >= STAGE_TRACE)
        export_now();
}

intptr_t sys_trace_pull(uintptr_t a, uintptr_t b, uintptr_t c)
{
    (void)a, (void)b, (void)c;
    if (corral_stage < STAGE_TRACE)
        return -ENOSYS;
    int moved = export_now();
    return moved == TRACE_LIES ? -EINVAL : moved;
}

void trace_exit(struct address_space *as)
{
    struct spin_handle handle;
    guard_enter(&rings_guard, &handle);
    if (trace_reader.as == as) {
        trace_unmap(&trace_reader);
        trace_reader.as = NULL;
    }
    guard_leave(&rings_guard, &handle);
}
