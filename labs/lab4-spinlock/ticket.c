/*
 * ticket.c: exercise 4.3, tickets: as in a shop, a number to draw and a number that is served.
 */
#include "hole.h"
#include "lab4.h"

/* ticket_acquire(lock): see spinlock.h. */
void ticket_acquire(struct ticket_lock *lock)
{
    /*
     * 1. Draw a number that nobody else gets.
     * 2. Wait until it is served: equal, not less or greater, since the numbers wrap.
     */
    HOLE("4.3", "draw a number, wait until it is served");
}

/* ticket_release(lock): see spinlock.h. */
void ticket_release(struct ticket_lock *lock)
{
    /* Who else writes this word?  So which instruction is enough? */
    HOLE("4.3", "serve the next number");
}
