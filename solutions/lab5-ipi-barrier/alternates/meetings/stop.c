/*
 * stop.c: the loser of two that stop the others stops itself; a CPU flushes its own translation first.
 */
#include "lab5.h"
#include "panic.h"

static uint32_t stopper; /* 1 + the CPU that stops the others */

/* stop_others(): see ipi.h.  In a panic GS may be what is broken, so no this_cpu(). */
void stop_others(void)
{
    uint32_t self = 1 + cpu_number(), nobody = 0;
    if (!__atomic_compare_exchange_n(&stopper, &nobody, self, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        if (nobody == self)
            return;
        panic_stop();
    }
    for (const struct cpu *cpu = cpus; cpu < cpus + MAX_CPUS; cpu++)
        if (cpu != &cpus[self - 1] && __atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE))
            ipi_send_nmi(cpu);
}

/* stop_here(): see ipi.h. */
void stop_here(void)
{
    uint32_t winner = __atomic_load_n(&stopper, __ATOMIC_RELAXED);
    if (winner && winner != 1 + cpu_number())
        panic_stop();
}

struct flush {
    uintptr_t         address;
    const struct cpu *done; /* before the call */
};

static void forget(void *arg)
{
    const struct flush *flush = arg;
    if (this_cpu() != flush->done)
        invlpg(flush->address);
}

/* tlb_shootdown(address): see ipi.h.  This CPU first. */
bool tlb_shootdown(uintptr_t address)
{
    if (!may_call())
        return false;
    struct flush flush = {address, this_cpu()};
    invlpg(address);
    return ipi_call(forget, &flush);
}
