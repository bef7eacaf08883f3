/*
 * tas.c: exercise 4.1, test-and-test-and-set.
 */
#include "hole.h"
#include "lab4.h"

/* tas_acquire(lock): see spinlock.h. */
void tas_acquire(struct tas_lock *lock)
{
    /* BEGIN 4.1 */
    struct tas_room *mine = (struct tas_room *)lock->room;
    /* Acquire: what the one before us wrote in the lock is seen after this.  It is an XCHG. */
    while (__atomic_exchange_n(&mine->taken, 1, __ATOMIC_ACQUIRE))
        /* Relaxed: only a hint that to try is worth it.  Reading keeps the line shared. */
        while (__atomic_load_n(&mine->taken, __ATOMIC_RELAXED))
            spin_relax();
    /* INSTEAD 4.1 */
    //| /*
    //|  * 1. See that it was free and take it, in one step: what can another CPU do between two?
    //|  * 2. While it is taken only read, and tell the CPU that this is a wait: spin_relax().
    //|  * 3. It seems free: begin again.
    //|  * lab4.h has the room; zero is a free lock.
    //|  */
    //| HOLE("4.1", "wait until the lock is free, and take it in one step");
    /* END 4.1 */
}

/* tas_release(lock): see spinlock.h. */
void tas_release(struct tas_lock *lock)
{
    /* BEGIN 4.1 */
    struct tas_room *mine = (struct tas_room *)lock->room;
    /* Release: all that we wrote in the lock comes before.  A plain MOV, in the right place. */
    __atomic_store_n(&mine->taken, 0, __ATOMIC_RELEASE);
    /* INSTEAD 4.1 */
    //| /* What must other CPUs have seen by the time that they see the lock free? */
    //| HOLE("4.1", "give the lock back, after everything that was done in it");
    /* END 4.1 */
}
