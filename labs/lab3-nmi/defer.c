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
    /*
     * 1. Note the work, so that an NMI between any two instructions loses nothing.
     * 2. See that it is found within a tick: when did the last look before IRET happen?
     */
    HOLE("3.3", "note the work, and see that it is looked at");
}

/* nmi_run_deferred(): see nmi.h. */
void nmi_run_deferred(void)
{
    /* This runs before every return to ring 3, so nothing to do must cost little. */
    HOLE_LATER("3.3", "take what was noted, and call nmi_work() for each");
}
