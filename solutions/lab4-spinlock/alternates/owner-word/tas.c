/*
 * tas.c: exercise 4.1, with LOCK BTS and LOCK BTR.
 */
#include "lab4.h"

/* tas_acquire(lock): see spinlock.h. */
void tas_acquire(struct tas_lock *lock)
{
    struct tas_room *mine = (struct tas_room *)lock->room;
    bool             was;

    for (;;) {
        __asm__ volatile("lock btsl $0, %1" : "=@ccc"(was), "+m"(mine->taken) : : "memory");
        if (!was)
            return;
        do
            spin_relax();
        while (__atomic_load_n(&mine->taken, __ATOMIC_RELAXED));
    }
}

/* tas_release(lock): see spinlock.h. */
void tas_release(struct tas_lock *lock)
{
    struct tas_room *mine = (struct tas_room *)lock->room;
    __asm__ volatile("lock btrl $0, %0" : "+m"(mine->taken) : : "memory", "cc");
}
