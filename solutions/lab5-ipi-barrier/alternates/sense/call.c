/*
 * call.c: one barrier, three times.
 */
#include "lab5.h"

static struct {
    uint32_t members; /* of the call under way */
    uint32_t missing; /* at the barrier; 0 never stays */
    uint32_t sense;   /* 0 or 1: turned round when all have come */
} barrier;

static struct {
    ipi_function *one, *all;
    void         *arg;
} job;

/* Waits until all members have come.  Nobody can turn the sense round before this CPU has come. */
static void meet(void)
{
    uint32_t sense = __atomic_load_n(&barrier.sense, __ATOMIC_RELAXED);
    if (__atomic_sub_fetch(&barrier.missing, 1, __ATOMIC_ACQ_REL) == 0) {
        __atomic_store_n(&barrier.missing, barrier.members, __ATOMIC_RELAXED);
        __atomic_store_n(&barrier.sense, !sense, __ATOMIC_RELEASE); /* `missing` is filled up before */
        return;
    }
    while (__atomic_load_n(&barrier.sense, __ATOMIC_ACQUIRE) == sense)
        cpu_pause();
}

static void take_part(bool first)
{
    meet();
    if (job.one) {
        if (first)
            job.one(job.arg);
        meet();
        serialise();
    }
    job.all(job.arg);
    meet();
}

void corral_run(ipi_function *one, ipi_function *all, void *arg)
{
    const struct cpu *self = this_cpu();
    bool              ask[MAX_CPUS];
    uint32_t          members = 1;
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        ask[i] = &cpus[i] != self && __atomic_load_n(&cpus[i].online, __ATOMIC_ACQUIRE);
        members += ask[i];
    }
    job.one = one;
    job.all = all;
    job.arg = arg;
    barrier.members = barrier.missing = members;
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        if (!ask[i])
            continue;
        struct lab5_cpu *its = lab5_cpu_area(&cpus[i]);
        __atomic_store_n(&its->wanted, true, __ATOMIC_RELEASE); /* job and barrier come before */
        ipi_send(&cpus[i]);
    }
    take_part(true);
}

static void look(void)
{
    struct lab5_cpu *mine = lab5_cpu_area(this_cpu());
    if (__atomic_load_n(&mine->wanted, __ATOMIC_ACQUIRE)) {
        mine->wanted = false; /* nobody asks again before this CPU has been at all three */
        take_part(false);
    }
}

void ipi_init(struct cpu *cpu)
{
    (void)cpu;
}

bool ipi_call(ipi_function *fn, void *arg)
{
    if (!may_call())
        return false;
    irql_t before = take_turn();
    corral_run(0, fn, arg);
    give_turn(before);
    return true;
}

void ipi_interrupt(void)
{
    look();
}

void ipi_poll(void)
{
    irql_t before = irql_get();
    if (before < IPI_LEVEL)
        irql_raise(IPI_LEVEL);
    look();
    irql_lower(before);
}
