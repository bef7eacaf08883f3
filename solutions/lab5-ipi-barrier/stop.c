/*
 * stop.c: the bonus exercises 5.8 and 5.9.
 */
#include "hole.h"
#include "lab5.h"
#include "panic.h"

/* BEGIN 5.8 */
static uint32_t stopper; /* 1 + the number of the CPU that goes on; 0: nobody stops anybody */
/* INSTEAD 5.8 */
/* END 5.8 */

/*
 * stop_others(): see ipi.h.  An NMI comes even where interrupts are off.  Only the first wins, so
 * two that panic at once do not stop each other before either has said why.
 */
void stop_others(void)
{
    /* BEGIN 5.8 */
    uint32_t self = 1 + cpu_number(), nobody = 0; /* in a panic GS may be what is broken */
    /* Relaxed: nothing else hangs on it; the NMI comes after the store (an uncached write). */
    if (!__atomic_compare_exchange_n(&stopper, &nobody, self, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED) && nobody != self)
        return;
    for (const struct cpu *cpu = cpus; cpu < cpus + MAX_CPUS; cpu++)
        if (cpu != &cpus[self - 1] && __atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE))
            ipi_send_nmi(cpu);
    /* INSTEAD 5.8 */
    //| /* Which interrupt reaches a CPU that has turned interrupts off?  What if two do this? */
    //| HOLE_LATER("5.8", "stop every other CPU for good");
    /* END 5.8 */
}

/* stop_here(): see ipi.h.  NMIs stay blocked, since there is no IRET. */
void stop_here(void)
{
    /* BEGIN 5.8 */
    uint32_t winner = __atomic_load_n(&stopper, __ATOMIC_RELAXED);
    if (!winner || winner == 1 + cpu_number())
        return;
    for (;;) {
        cli();
        hlt();
    }
    /* INSTEAD 5.8 */
    //| /* Each NMI comes here, also those that stop nobody. */
    //| HOLE_LATER("5.8", "stop this CPU if another one stops all");
    /* END 5.8 */
}

/* BEGIN 5.9 */
static void forget(void *arg)
{
    invlpg((uintptr_t)arg);
}
/* INSTEAD 5.9 */
/* END 5.9 */

/* tlb_shootdown(address): see ipi.h.  The caller has changed the page tables before. */
bool tlb_shootdown(uintptr_t address)
{
    /* BEGIN 5.9 */
    return ipi_call(forget, (void *)address);
    /* INSTEAD 5.9 */
    //| HOLE("5.9", "make every CPU forget its translation of a page");
    /* END 5.9 */
}
