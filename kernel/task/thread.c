/*
 * thread.c: threads.  Each belongs to one CPU, which alone changes it; but a free place in the table
 * is anybody's from stage 4 on, so every look over the table needs threads_guard.  Before that CPU 0
 * makes them all.
 */
#include "thread.h"

#include "entry.h"
#include "errno.h"
#include "format.h"
#include "guard.h"
#include "log.h"
#include "mm.h"
#include "percpu.h"
#include "print.h"
#include "ring.h"
#include "string.h"
#include "symbols.h"
#include "sysnum.h"
#include "trace.h"
#include "trap.h"
#include "x86.h"

struct thread threads[MAX_THREADS];

struct thread *thread_find(uint32_t tid)
{
    if (tid == 0 || tid > MAX_THREADS || threads[tid - 1].state == THREAD_FREE)
        return NULL;
    return &threads[tid - 1];
}

/* A free place in the table, with what all threads have, or NULL. */
static struct thread *claim(const char *name, struct cpu *cpu, struct address_space *as)
{
    struct thread     *thread = threads;
    struct spin_handle handle;
    guard_enter(&threads_guard, &handle);
    while (thread < threads + MAX_THREADS && thread->state != THREAD_FREE)
        thread++;
    if (thread < threads + MAX_THREADS) {
        memset(thread, 0, sizeof(*thread));
        thread->tid = (uint32_t)(thread - threads) + 1;
        thread->state = THREAD_WAITING;
        thread->cpu = cpu;
        thread->as = as;
        as->refs++;
        strlcpy(thread->name, name, sizeof(thread->name));
    }
    guard_leave(&threads_guard, &handle);
    return thread < threads + MAX_THREADS ? thread : NULL;
}

struct thread *thread_create(const char *name, struct cpu *cpu, struct address_space *as,
                             uintptr_t ip, uintptr_t sp)
{
    struct thread *thread = claim(name, cpu, as);
    if (!thread)
        return NULL;
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

/* Inside threads_guard. */
static void make_ready(struct thread *thread)
{
    thread->wait = WAIT_NOTHING;
    thread->state = THREAD_READY;
}

static void park(struct thread *thread, enum wait_reason reason, uint32_t value)
{
    thread->wait = reason;
    thread->wait_value = value;
    thread->state = THREAD_WAITING;
}

void thread_ready(struct thread *thread)
{
    struct spin_handle handle;
    guard_enter(&threads_guard, &handle);
    make_ready(thread);
    guard_leave(&threads_guard, &handle);
}

void thread_wait(enum wait_reason reason, uint32_t value)
{
    struct spin_handle handle;
    guard_enter(&threads_guard, &handle);
    park(this_cpu()->current, reason, value);
    guard_leave(&threads_guard, &handle);
}

void thread_wake(enum wait_reason reason, uint32_t value)
{
    const struct cpu  *cpu = this_cpu();
    struct spin_handle handle;
    guard_enter(&threads_guard, &handle);
    for (struct thread *thread = threads; thread < threads + MAX_THREADS; thread++)
        if (thread->cpu == cpu && thread->state == THREAD_WAITING && thread->wait == reason &&
            thread->wait_value == value)
            make_ready(thread);
    guard_leave(&threads_guard, &handle);
}

static intptr_t join(struct thread *parent, struct thread *child)
{
    if (!child || child->wait_parent != parent->tid)
        return -ECHILD;
    if (child->state == THREAD_DEAD) {
        child->state = THREAD_FREE;
        return child->exit_code;
    }
    park(parent, WAIT_THREAD, child->tid);
    return 0;
}

intptr_t thread_join(uint32_t tid)
{
    struct spin_handle handle;
    guard_enter(&threads_guard, &handle);
    intptr_t result = join(this_cpu()->current, thread_find(tid));
    guard_leave(&threads_guard, &handle);
    return result;
}

/*
 * A thread that nobody asks for any more.  Once other CPUs may take its place, it is not free before
 * its CPU has left it: see thread_left().
 */
static void forget(struct thread *thread)
{
    thread->wait_parent = 0;
    if (!sharing() || thread != this_cpu()->current)
        thread->state = THREAD_FREE;
}

/* Its children have no parent any more, and its own one may be waiting for it. */
static void leave_family(struct thread *thread)
{
    bool known = thread_find(thread->wait_parent);
    for (struct thread *other = threads; other < threads + MAX_THREADS; other++) {
        if (other->cpu != thread->cpu || other == thread || other->state == THREAD_FREE)
            continue; /* parent and child are on one CPU */
        if (other->wait_parent == thread->tid) {
            other->wait_parent = 0;
            if (other->state == THREAD_DEAD)
                forget(other);
        }
        if (other->state == THREAD_WAITING && other->wait == WAIT_THREAD &&
            other->wait_value == thread->tid) {
            REGS_RESULT(thread_regs(other)) = (uintptr_t)(intptr_t)thread->exit_code;
            make_ready(other);
            known = false;
        }
    }
    if (!known)
        forget(thread);
}

static void release_space(struct address_space *as)
{
    if (this_cpu()->as == as)
        as_activate(NULL);
    ring_exit(as);
    trace_exit(as);
    as_destroy(as);
}

void thread_exit(struct thread *thread, int32_t code)
{
    struct address_space *as = thread->as;
    struct spin_handle    handle;
    log_program(LOG_END, thread->tid);
    guard_enter(&threads_guard, &handle);
    thread->exit_code = code;
    thread->state = THREAD_DEAD;
    bool last = false;
    if (thread->cpu == &cpus[0] || sharing()) {
        leave_family(thread);
        last = --as->refs == 0;
    }
    guard_leave(&threads_guard, &handle);
    if (last)
        release_space(as);
}

void thread_left(struct thread *thread)
{
    struct spin_handle handle;
    guard_enter(&threads_guard, &handle);
    if (thread->state == THREAD_DEAD && !thread->wait_parent)
        thread->state = THREAD_FREE;
    guard_leave(&threads_guard, &handle);
}

void thread_fault(struct thread *thread, const struct regs *regs, uintptr_t address)
{
    char where[40] = "";
    if (regs->vector == VECTOR_PF)
        ksnprintf(where, sizeof(where), ", address %p", (void *)address);
    kprintf("%s (thread %u) ended: %s at %p%s, error code 0x%x\n", thread->name, thread->tid,
            trap_name((unsigned)regs->vector), (void *)(uintptr_t)regs->ip, where,
            (unsigned)regs->error);
    thread_exit(thread, EXIT_KILLED + (int32_t)regs->vector);
}
