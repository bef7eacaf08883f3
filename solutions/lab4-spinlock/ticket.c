/*
 * ticket.c: exercise 4.3, tickets: as in a shop, a number to draw and a number that is served.
 */
#include "hole.h"
#include "lab4.h"

/* ticket_acquire(lock): see spinlock.h. */
void ticket_acquire(struct ticket_lock *lock)
{
    /* BEGIN 4.3 */
    struct ticket_room *mine = (struct ticket_room *)lock->room;
    /* Relaxed: the number alone gives nobody the lock.  LOCK XADD, so that no two get the same. */
    uint32_t ticket = __atomic_fetch_add(&mine->next, 1, __ATOMIC_RELAXED);
    /* Acquire: it pairs with the release of whoever was served before. */
    while (__atomic_load_n(&mine->serving, __ATOMIC_ACQUIRE) != ticket)
        spin_relax();
    /* INSTEAD 4.3 */
    //| /*
    //|  * 1. Draw a number that nobody else gets.
    //|  * 2. Wait until it is served: equal, not less or greater, since the numbers wrap.
    //|  */
    //| HOLE("4.3", "draw a number, wait until it is served");
    /* END 4.3 */
}

/* ticket_release(lock): see spinlock.h. */
void ticket_release(struct ticket_lock *lock)
{
    /* BEGIN 4.3 */
    struct ticket_room *mine = (struct ticket_room *)lock->room;
    /* Only the holder writes it, so to read (relaxed) and to write may be two steps. */
    uint32_t next = __atomic_load_n(&mine->serving, __ATOMIC_RELAXED) + 1;
    /* Release: all that we did in the lock comes before the next one sees its number. */
    __atomic_store_n(&mine->serving, next, __ATOMIC_RELEASE);
    /* INSTEAD 4.3 */
    //| /* Who else writes this word?  So which instruction is enough? */
    //| HOLE("4.3", "serve the next number");
    /* END 4.3 */
}
