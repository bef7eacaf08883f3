/*
 * sched.c: round robin.  A turn lasts until the next clock interrupt.
 */
#include "entry.h"
#include "guard.h"
#include "percpu.h"
#include "thread.h"
#include "trace.h"

static bool can_run(const struct thread *thread, const struct cpu *cpu)
{
    return thread->cpu == cpu && thread->state == THREAD_READY; /* its CPU first: others change */
}

/* The next ready thread of this CPU after `from` (NULL: any), or NULL. */
static struct thread *next_ready(struct cpu *cpu, const struct thread *from)
{
    unsigned start = from ? (unsigned)(from - threads) + 1 : 0;
    for (unsigned i = 0; i < MAX_THREADS; i++) {
        struct thread *thread = &threads[(start + i) % MAX_THREADS];
        if (can_run(thread, cpu))
            return thread;
    }
    return 0;
}

void sched_switch(struct thread *thread)
{
    struct cpu *cpu = this_cpu();
    if (cpu->current != thread)
        gs_switch(cpu->current, thread);
    __atomic_store_n(&cpu->current, thread, __ATOMIC_RELAXED); /* `cpus` reads it on another CPU */
    TRACE_POINT(TRACE_SWITCH, thread ? thread->tid : 0);
}

/* Inside threads_guard: the next one, running now, or NULL. */
static struct thread *choose(struct cpu *cpu, struct thread *now, bool may_stay)
{
    struct thread *next = next_ready(cpu, now);
    if (!next)
        next = may_stay ? now : 0;
    else if (may_stay)
        now->state = THREAD_READY;
    if (next)
        next->state = THREAD_RUNNING;
    return next;
}

struct thread *sched_next(void)
{
    struct cpu        *cpu = this_cpu();
    struct thread     *now = cpu->current;
    bool               may_stay = now && now->state == THREAD_RUNNING;
    struct spin_handle handle;
    if (may_stay && !cpu->resched)
        return now;
    cpu->resched = false;
    guard_enter(&threads_guard, &handle);
    struct thread *next = choose(cpu, now, may_stay);
    guard_leave(&threads_guard, &handle);
    sched_switch(next);
    if (sharing() && now && now != next && now->state == THREAD_DEAD)
        thread_left(now);
    return next;
}

void sched_tick(bool user)
{
    struct cpu *cpu = this_cpu();
    cpu->ticks++;
    cpu->resched = true;
    if (user && cpu->current)
        cpu->current->ticks++;
    if (!cpu->current)
        cpu->idle_ticks++;
    thread_wake(WAIT_TICKS, cpu->ticks);
}
