/*
 * tas.c: exercise 4.1, with LOCK XADD.
 */
#include "lab4.h"

/* tas_acquire(lock): see spinlock.h. */
void tas_acquire(struct tas_lock *lock)
{
    struct tas_room *mine = (struct tas_room *)lock->room;
    while (__atomic_fetch_add(&mine->asked, 1, __ATOMIC_ACQUIRE))
        do
            spin_relax();
        while (__atomic_load_n(&mine->asked, __ATOMIC_RELAXED));
}

/* tas_release(lock): see spinlock.h. */
void tas_release(struct tas_lock *lock)
{
    struct tas_room *mine = (struct tas_room *)lock->room;
    /* However many have asked in vain: they ask again. */
    __atomic_exchange_n(&mine->asked, 0, __ATOMIC_RELEASE);
}
