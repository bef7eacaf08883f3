/*
 * defer.c: exercise 3.3, work that an NMI leaves for later.
 */
#include "hole.h"
#include "lab3.h"

/*
 * nmi_defer(work): see nmi.h.
 *
 * One instruction sets the bit, so an NMI comes before it or after it; LOCK is not needed, since no
 * other CPU touches the word.  The interrupt makes sure that somebody looks, even where nothing else
 * would come: in an idle CPU, or after the last look before an IRET.
 */
void nmi_defer(unsigned work)
{
    /* BEGIN 3.3 */
    struct lab3_cpu *mine = lab3_cpu_area(this_cpu());
    __asm__ volatile("btsl %1, %0" : "+m"(mine->pending) : "Ir"(work) : "memory", "cc");
    dispatch_request();
    /* INSTEAD 3.3 */
    //| /*
    //|  * 1. Note the work, so that an NMI between any two instructions loses nothing.
    //|  * 2. See that it is found within a tick: when did the last look before IRET happen?
    //|  */
    //| HOLE("3.3", "note the work, and see that it is looked at");
    /* END 3.3 */
}

/* nmi_run_deferred(): see nmi.h. */
void nmi_run_deferred(void)
{
    /* BEGIN 3.3 */
    struct lab3_cpu *mine = lab3_cpu_area(this_cpu());
    uint32_t         works;
    /* XCHG takes all bits at once: what is set after it is for the next round. */
    while ((works = __atomic_exchange_n(&mine->pending, 0, __ATOMIC_RELAXED)))
        for (unsigned work = 0; work < NMI_WORKS; work++)
            if (works >> work & 1)
                nmi_work(work);
    /* INSTEAD 3.3 */
    //| /* This runs before every return to ring 3, so nothing to do must cost little. */
    //| HOLE_LATER("3.3", "take what was noted, and call nmi_work() for each");
    /* END 3.3 */
}
