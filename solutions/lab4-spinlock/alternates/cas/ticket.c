/*
 * ticket.c: exercise 4.3, both numbers in one word, drawn by compare-exchange.
 */
#include "lab4.h"

/* ticket_acquire(lock): see spinlock.h. */
void ticket_acquire(struct ticket_lock *lock)
{
    struct ticket_room *mine = (struct ticket_room *)lock->room;
    uint32_t            both = __atomic_load_n(&mine->both, __ATOMIC_RELAXED);

    while (!__atomic_compare_exchange_n(&mine->both, &both, drawn(both), false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
        cpu_pause();
    while (__atomic_load_n(&mine->is.serving, __ATOMIC_ACQUIRE) != pair_of(both).next)
        spin_relax();
}

/* ticket_release(lock): see spinlock.h. */
void ticket_release(struct ticket_lock *lock)
{
    struct ticket_room *mine = (struct ticket_room *)lock->room;
    /* LOCK is not needed: nobody else writes this half.  It does no harm. */
    __atomic_fetch_add(&mine->is.serving, 1, __ATOMIC_RELEASE);
}
