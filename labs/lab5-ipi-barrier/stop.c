/*
 * stop.c: the bonus exercises 5.8 and 5.9.
 */
#include "hole.h"
#include "lab5.h"
#include "panic.h"


/*
 * stop_others(): see ipi.h.  An NMI comes even where interrupts are off.  Only the first wins, so
 * two that panic at once do not stop each other before either has said why.
 */
void stop_others(void)
{
    /* Which interrupt reaches a CPU that has turned interrupts off?  What if two do this? */
    HOLE_LATER("5.8", "stop every other CPU for good");
}

/* stop_here(): see ipi.h.  NMIs stay blocked, since there is no IRET. */
void stop_here(void)
{
    /* Each NMI comes here, also those that stop nobody. */
    HOLE_LATER("5.8", "stop this CPU if another one stops all");
}


/* tlb_shootdown(address): see ipi.h.  The caller has changed the page tables before. */
bool tlb_shootdown(uintptr_t address)
{
    HOLE("5.9", "make every CPU forget its translation of a page");
}
