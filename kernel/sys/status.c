/*
 * status.c: the system calls behind `ps` and `cpus`.
 */
#include "entry.h"
#include "errno.h"
#include "format.h"
#include "guard.h"
#include "mm.h"
#include "string.h"
#include "symbols.h"
#include "syscall.h"
#include "sysnum.h"

static uint32_t state_of(const struct thread *thread)
{
    switch (thread->state) {
    case THREAD_RUNNING:
        return PS_RUNNING;
    case THREAD_WAITING:
        return PS_WAITING;
    case THREAD_DEAD:
        return PS_DEAD;
    default:
        return PS_READY;
    }
}

/* False: there is no such thread.  Ring 3's memory may fault, so the copy to there comes later. */
static bool describe(struct ps_entry *entry, struct thread *thread)
{
    struct spin_handle handle;
    guard_enter(&threads_guard, &handle);
    bool there = thread->state != THREAD_FREE;
    if (there) {
        *entry = (struct ps_entry){
            .tid = thread->tid,
            .state = state_of(thread),
            .cpu = thread->cpu->id,
            .ticks = thread->ticks,
            .ip = thread_regs(thread)->ip,
        };
        strlcpy(entry->name, thread->name, sizeof(entry->name));
    }
    guard_leave(&threads_guard, &handle);
    return there;
}

intptr_t sys_ps(uintptr_t to, uintptr_t max, uintptr_t unused)
{
    (void)unused;
    uintptr_t count = 0;
    for (unsigned i = 0; i < MAX_THREADS && count < max; i++) {
        struct ps_entry entry;
        if (!describe(&entry, &threads[i]))
            continue;
        if (copy_to_user(to + count++ * sizeof(entry), &entry, sizeof(entry)) != 0)
            return -EFAULT;
    }
    return (intptr_t)count;
}

/* "name+0x12" for an address of the kernel, "ring 3" for one of a program, "" for none. */
static void name_place(char *text, size_t size, uintptr_t ip)
{
    uintptr_t   offset;
    const char *name = ip >= KERNEL_BASE ? symbol_name(ip, &offset) : NULL;
    if (name)
        ksnprintf(text, size, "%s+0x%lx", name, (unsigned long)offset);
    else if (ip && ip < USER_END)
        strlcpy(text, "ring 3", size);
}

intptr_t sys_cpus(uintptr_t to, uintptr_t max, uintptr_t unused)
{
    (void)unused;
    uintptr_t count = 0;
    for (unsigned i = 0; i < ncpus && count < max; i++) {
        const struct cpu    *cpu = &cpus[i];
        const struct thread *now = __atomic_load_n(&cpu->current, __ATOMIC_RELAXED);
        struct cpu_entry  entry = {
             .id = cpu->id,
             .apic_id = cpu->apic_id,
             .online = __atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE),
             .current_tid = now ? now->tid : 0,
             .interrupts = cpu->interrupts,
             .ticks = cpu->ticks,
             .idle_ticks = cpu->idle_ticks,
             .nmis = cpu->nmis,
             .nmi_ip = cpu->nmi_ip,
        };
        name_place(entry.nmi_place, sizeof(entry.nmi_place), cpu->nmi_ip);
        if (copy_to_user(to + count++ * sizeof(entry), &entry, sizeof(entry)) != 0)
            return -EFAULT;
    }
    return (intptr_t)count;
}
