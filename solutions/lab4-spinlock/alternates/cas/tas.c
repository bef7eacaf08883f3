/*
 * tas.c: exercise 4.1, by compare-exchange: the word says who has it.
 */
#include "lab4.h"

/* tas_acquire(lock): see spinlock.h. */
void tas_acquire(struct tas_lock *lock)
{
    struct tas_room *mine = (struct tas_room *)lock->room;
    uint32_t         self = this_cpu()->id + 1;

    for (;;) {
        uint32_t nobody = 0;
        if (!__atomic_load_n(&mine->owner, __ATOMIC_RELAXED) &&
            __atomic_compare_exchange_n(&mine->owner, &nobody, self, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return;
        spin_relax();
    }
}

/* tas_release(lock): see spinlock.h. */
void tas_release(struct tas_lock *lock)
{
    struct tas_room *mine = (struct tas_room *)lock->room;
    __atomic_exchange_n(&mine->owner, 0, __ATOMIC_RELEASE);
}
