/*
 * thread.c: threads.  Each belongs to one CPU; CPU 0 makes them all, before that CPU runs them.
 */
#include "thread.h"

#include "entry.h"
#include "mm.h"
#include "percpu.h"
#include "print.h"
#include "string.h"
#include "symbols.h"
#include "sysnum.h"
#include "trap.h"
#include "x86.h"

struct thread threads[MAX_THREADS];

struct thread *thread_find(uint32_t tid)
{
    if (tid == 0 || tid > MAX_THREADS || threads[tid - 1].state == THREAD_FREE)
        return NULL;
    return &threads[tid - 1];
}

struct thread *thread_create(const char *name, struct cpu *cpu, struct address_space *as,
                             uintptr_t ip, uintptr_t sp)
{
    struct thread *thread = threads;
    while (thread < threads + MAX_THREADS && thread->state != THREAD_FREE)
        thread++;
    if (thread == threads + MAX_THREADS)
        return NULL;
    memset(thread, 0, sizeof(*thread));
    thread->tid = (uint32_t)(thread - threads) + 1;
    thread->state = THREAD_WAITING;
    thread->cpu = cpu;
    thread->as = as;
    as->refs++;
    strlcpy(thread->name, name, sizeof(thread->name));

    struct regs *regs = thread_regs(thread);
    memset(regs, 0, sizeof(*regs));
    regs->ip = ip;
    regs->sp = sp;
    regs->cs = USER_CS;
    regs->ss = USER_DS;
    regs->flags = FLAGS_IF | 2; /* bit 1 is always set */
#ifndef __x86_64__
    regs->ds = regs->es = USER_DS;
    regs->gs = user_gs;
#endif
    return thread;
}

void thread_ready(struct thread *thread)
{
    thread->wait = WAIT_NOTHING;
    thread->state = THREAD_READY;
}

void thread_wait(enum wait_reason reason, uint32_t value)
{
    struct thread *thread = this_cpu()->current;
    thread->wait = reason;
    thread->wait_value = value;
    thread->state = THREAD_WAITING;
}

void thread_wake(enum wait_reason reason, uint32_t value)
{
    const struct cpu *cpu = this_cpu();
    for (struct thread *thread = threads; thread < threads + MAX_THREADS; thread++)
        if (thread->cpu == cpu && thread->state == THREAD_WAITING && thread->wait == reason &&
            thread->wait_value == value)
            thread_ready(thread);
}

static void release_space(struct address_space *as)
{
    if (--as->refs > 0)
        return;
    if (this_cpu()->as == as)
        as_activate(NULL);
    as_destroy(as);
}

void thread_exit(struct thread *thread, int32_t code)
{
    thread->exit_code = code;
    if (thread->cpu != &cpus[0]) {
        thread->state = THREAD_DEAD;
        return;
    }
    thread->state = thread_find(thread->wait_parent) ? THREAD_DEAD : THREAD_FREE;
    release_space(thread->as);
    for (struct thread *other = threads; other < threads + MAX_THREADS; other++) {
        if (other->wait_parent == thread->tid)
            other->wait_parent = 0;
        if (other->state == THREAD_DEAD && !other->wait_parent)
            other->state = THREAD_FREE;
        if (other->state == THREAD_WAITING && other->wait == WAIT_THREAD &&
            other->wait_value == thread->tid) {
            REGS_RESULT(thread_regs(other)) = (uintptr_t)(intptr_t)code;
            thread_ready(other);
            thread->state = THREAD_FREE;
        }
    }
}

void thread_fault(struct thread *thread, const struct regs *regs, uintptr_t address)
{
    kprintf("%s (thread %u) ended: %s at %p", thread->name, thread->tid,
            trap_name((unsigned)regs->vector), (void *)(uintptr_t)regs->ip);
    if (regs->vector == VECTOR_PF)
        kprintf(", address %p", (void *)address);
    kprintf(", error code 0x%x\n", (unsigned)regs->error);
    thread_exit(thread, EXIT_KILLED + (int32_t)regs->vector);
}
