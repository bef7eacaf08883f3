/*
 * check.c: exercise 4.5, a lock that finds its users' mistakes.
 */
#include "hole.h"
#include "lab4.h"


/* check_level(lock, place): spin_acquire() begins. */
void check_level(struct spinlock *lock, uintptr_t place)
{
    HOLE_LATER("4.5", "report a CPU that is above the lock's level already");
}

/* check_wait(lock, waiting): one more turn of the wait in spin_acquire(). */
void check_wait(struct spinlock *lock, struct waiting *waiting)
{
    /*
     * 1. Does this CPU wait for itself?  Of which lock do you know that?
     * 2. How long has the same acquisition had the lock?  A lock that many want is not stuck; and
     *    how many turns there are in a tick, nobody knows: spin_clock().
     */
    HOLE_LATER("4.5", "report a CPU that waits for itself, and one that waits too long");
}

/* note_owner(room, place): this CPU has just taken the lock. */
void note_owner(struct spin_room *room, uintptr_t place)
{
    HOLE_LATER("4.5", "note who has the lock, and since where");
}

/* check_owner(lock, place): spin_release() begins; nobody has the lock for long now. */
void check_owner(struct spinlock *lock, uintptr_t place)
{
    /*
     * 1. It is not this CPU's; or it is, but this CPU has left the lock's level.
     * 2. Take your note back.  Until when may you write it?
     */
    HOLE_LATER("4.5", "report a CPU that gives back what is not its own, or from below the level");
}
