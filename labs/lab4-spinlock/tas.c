/*
 * tas.c: exercise 4.1, test-and-test-and-set.
 */
#include "hole.h"
#include "lab4.h"

/* tas_acquire(lock): see spinlock.h. */
void tas_acquire(struct tas_lock *lock)
{
    /*
     * 1. See that it was free and take it, in one step: what can another CPU do between two?
     * 2. While it is taken only read, and tell the CPU that this is a wait: spin_relax().
     * 3. It seems free: begin again.
     * lab4.h has the room; zero is a free lock.
     */
    HOLE("4.1", "wait until the lock is free, and take it in one step");
}

/* tas_release(lock): see spinlock.h. */
void tas_release(struct tas_lock *lock)
{
    /* What must other CPUs have seen by the time that they see the lock free? */
    HOLE("4.1", "give the lock back, after everything that was done in it");
}
