/*
 * call.c: a call is two meetings of all CPUs, before the function and after it.
 */
#include "lab5.h"

static struct {
    ipi_function *one, *all;
    void         *arg;
    uint32_t      members;  /* of a meeting: who was asked, and the CPU that asks */
    uint32_t      here;     /* have come to this one */
    uint32_t      meetings; /* that are over */
} corral;

/* Everybody comes; the last one does `last`, and lets all go. */
static void meet(ipi_function *last)
{
    /* Before we count: the last one may end it at once. */
    uint32_t over = __atomic_load_n(&corral.meetings, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&corral.here, 1, __ATOMIC_ACQ_REL) == corral.members) {
        if (last)
            last(corral.arg);
        __atomic_store_n(&corral.here, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&corral.meetings, over + 1, __ATOMIC_RELEASE);
    } else
        while (__atomic_load_n(&corral.meetings, __ATOMIC_ACQUIRE) == over)
            cpu_pause();
}

static void take_part(void)
{
    ipi_function *one = corral.one;
    meet(one);
    if (one)
        serialise();
    corral.all(corral.arg);
    meet(NULL); /* the next call may begin as soon as it is over: nothing is read after it */
}

/* Who is online is looked at once: a CPU that comes meanwhile is neither asked nor counted. */
void corral_run(ipi_function *one, ipi_function *all, void *arg)
{
    bool asked[MAX_CPUS];
    corral.one = one;
    corral.all = all;
    corral.arg = arg;
    corral.members = 1;
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        asked[i] = &cpus[i] != this_cpu() && __atomic_load_n(&cpus[i].online, __ATOMIC_ACQUIRE);
        corral.members += asked[i];
    }
    for (unsigned i = 0; i < MAX_CPUS; i++)
        if (asked[i]) {
            struct lab5_cpu *its = lab5_cpu_area(&cpus[i]);
            __atomic_store_n(&its->asked, 1, __ATOMIC_RELEASE);
            ipi_send(&cpus[i]);
        }
    take_part();
}

/* ipi_init(cpu): see ipi.h.  The area is zero, and that is all that is needed. */
void ipi_init(struct cpu *cpu)
{
    (void)cpu;
}

/* ipi_call(fn, arg): see ipi.h. */
bool ipi_call(ipi_function *fn, void *arg)
{
    if (!may_call())
        return false;
    irql_t before = take_turn();
    corral_run(NULL, fn, arg);
    give_turn(before);
    return true;
}

/* ipi_interrupt(): see ipi.h. */
void ipi_interrupt(void)
{
    struct lab5_cpu *mine = lab5_cpu_area(this_cpu());
    if (__atomic_exchange_n(&mine->asked, 0, __ATOMIC_ACQUIRE))
        take_part();
}

/* ipi_poll(): see ipi.h.  First the level: an interrupt's handler that calls would wait for us. */
void ipi_poll(void)
{
    struct lab5_cpu *mine = lab5_cpu_area(this_cpu());
    if (!__atomic_load_n(&mine->asked, __ATOMIC_RELAXED))
        return;
    irql_t before = irql_get();
    if (before < IPI_LEVEL)
        irql_raise(IPI_LEVEL);
    ipi_interrupt();
    if (before < IPI_LEVEL)
        irql_lower(before);
}
