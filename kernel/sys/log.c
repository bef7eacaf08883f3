/*
 * log.c: what the kernel itself writes into its log, and the system call that reads it.
 */
#include "log.h"

#include "boot.h"
#include "errno.h"
#include "guard.h"
#include "logring.h"
#include "mm.h"
#include "percpu.h"
#include "probe.h"
#include "ring.h"
#include "syscall.h"
#include "sysnum.h"

struct logring kernel_log;

/* A graded boot is quiet: whatever is in a log then, the host has asked for. */
static bool logs(void)
{
    return corral_stage >= STAGE_RINGS && !probe_boot;
}

void kernel_log_init(void)
{
    if (logs())
        logring_init(&kernel_log, LOGRING_RECORDS_MAX, 0);
}

void log_event(enum log_kind kind, uintptr_t place)
{
    if (!logs())
        return;
    struct log_event *event = logring_reserve(&kernel_log, sizeof(*event));
    if (!event)
        return;
    const struct cpu *cpu = this_cpu();
    *event = (struct log_event){kind, cpu->ticks, place, cpu->current ? cpu->current->tid : 0, 0};
    logring_commit(&kernel_log, event);
}

void log_program(enum log_kind kind, uint32_t tid)
{
    if (this_cpu()->id == 0)
        log_event(kind, tid);
}

intptr_t sys_log_read(uintptr_t to, uintptr_t dropped, uintptr_t c)
{
    (void)c;
    struct log_record  record;
    struct spin_handle handle;
    if (corral_stage < STAGE_RINGS)
        return -ENOSYS;
    guard_enter(&rings_guard, &handle); /* one reader at a time */
    bool     one = logring_read(&kernel_log, &record);
    uint32_t lost = logring_dropped(&kernel_log);
    guard_leave(&rings_guard, &handle);
    if (copy_to_user(dropped, &lost, sizeof(lost)) ||
        (one && copy_to_user(to, &record, sizeof(record))))
        return -EFAULT;
    return one;
}
