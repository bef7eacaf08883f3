/*
 * turn.c: exercises 5.3 and 5.6, who may call, and when.
 */
#include "hole.h"
#include "lab5.h"

/* BEGIN 5.3 */
static uint32_t busy; /* 1: a call is under way */
/* INSTEAD 5.3 */
/* END 5.3 */

/* Whether this CPU, if it waited now, could be asked by another one. */
bool may_call(void)
{
    /* BEGIN 5.6 */
    return (read_flags() & FLAGS_IF) && irql_get() < IPI_LEVEL;
    /* INSTEAD 5.6 */
    //| /* When can an IPI not come?  Two CPUs that wait for each other like this wait forever. */
    //| HOLE_LATER("5.6", "say whether this CPU can answer another one that calls");
    //| return true;
    /* END 5.6 */
}

/*
 * Waits until no other call is under way, and begins one: gives the level before, and leaves this
 * CPU at IPI_LEVEL.
 *
 * The turn is taken at IPI_LEVEL: below it a handler that interrupts us just then, and calls too,
 * would wait for the turn that we have, and we for the handler.  But whoever waits goes back to his
 * own level each time, so that the one who has the turn can ask him.  No queue, for the same
 * reason: a handler cannot stand in line behind what it interrupted.
 */
irql_t take_turn(void)
{
    /* BEGIN 5.3 */
    for (;;) {
        irql_t   before = irql_raise(IPI_LEVEL);
        uint32_t free = 0;
        /* Acquire: the last call's use of `corral` is over before ours begins. */
        if (__atomic_compare_exchange_n(&busy, &free, 1, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return before;
        irql_lower(before);
        while (__atomic_load_n(&busy, __ATOMIC_RELAXED)) /* here the IPI of the other call comes */
            cpu_pause();
    }
    /* INSTEAD 5.3 */
    //| /*
    //|  * Two CPUs call at the same time.  Who of them asks the other, and at which level must the
    //|  * one that waits be, so that it can answer?  At which level does it take its turn?  (Which
    //|  * handler could come in between, and call as well?)
    //|  */
    //| HOLE_LATER("5.3", "wait until no other CPU's call is under way");
    //| return irql_raise(IPI_LEVEL);
    /* END 5.3 */
}

/* The call is over, also for the CPUs that were asked.  Goes back to the level before. */
void give_turn(irql_t before)
{
    /* BEGIN 5.3 */
    /* Release: what was done in this call is before the next one.  First this, then the level: a
       handler that comes as soon as we lower may call. */
    __atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
    /* INSTEAD 5.3 */
    /* END 5.3 */
    irql_lower(before);
}
