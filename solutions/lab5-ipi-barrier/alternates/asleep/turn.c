/*
 * turn.c: who waits for the turn halts; who gives it away wakes all that do.
 */
#include "lab5.h"

static uint32_t busy;    /* 1: a call is under way */
static uint32_t halting; /* a bit for each CPU that halts, or is about to */

bool may_call(void)
{
    return (read_flags() & FLAGS_IF) && irql_get() < IPI_LEVEL;
}

irql_t take_turn(void)
{
    for (;;) {
        irql_t before = irql_raise(IPI_LEVEL);
        if (!__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE))
            return before;
        irql_lower(before);
        /* From here to HLT no IPI comes, so none is missed; STI lets it in only behind HLT. */
        cli();
        /* First the bit, then the look, both with LOCK: either we see that it is free, or we are seen. */
        __atomic_fetch_or(&halting, 1u << this_cpu()->id, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&busy, __ATOMIC_SEQ_CST))
            sti_hlt(); /* whatever it is that comes: a call's IPI, or that of give_turn() */
        else
            sti();
    }
}

void give_turn(irql_t before)
{
    __atomic_exchange_n(&busy, 0, __ATOMIC_SEQ_CST);
    uint32_t who = __atomic_exchange_n(&halting, 0, __ATOMIC_SEQ_CST);
    for (struct cpu *cpu = cpus; cpu < cpus + MAX_CPUS; cpu++)
        /* Our own bit is that of what our handler has interrupted: its HLT is over. */
        if (cpu != this_cpu() && who & 1u << cpu->id)
            ipi_send(cpu);
    irql_lower(before);
}
