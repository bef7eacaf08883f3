/*
 * spin.c: exercises 4.2, 4.6 and 4.7, the lock that the kernel uses.
 */
#include "hole.h"
#include "lab4.h"


/* spin_init(lock, name, level, flags): see spinlock.h. */
void spin_init(struct spinlock *lock, const char *name, irql_t level, unsigned flags)
{
    HOLE("4.2", "make the lock free, and keep what you were told of it");
}

/* wait_begins(before): from here to wait_ends() this CPU only waits. */
void wait_begins(irql_t before)
{
    /* What was kept away from this CPU until now, and who may need it to go on? */
    HOLE_LATER("4.7", "while it waits, this CPU is at the level of the caller");
}

/* wait_ends(level): the lock seems free, and will be tried. */
void wait_ends(irql_t level)
{
    HOLE_LATER("4.7", "before it tries again, it is at the level of the lock");
}

/* spin_acquire(lock, handle): see spinlock.h. */
void spin_acquire(struct spinlock *lock, struct spin_handle *handle)
{
    /*
     * 1. To the lock's level.  Why before it is taken, and not after?
     * 2. Take it, in one step, as in 4.1.
     * 3. Not free: wait_begins() (4.7); read until it seems free, with check_wait() (4.5) and
     *    spin_relax() in each turn; wait_ends() (4.7); try again.
     * 4. Keep the level before: whose memory can hold it, if two CPUs do this at a time?
     * check_level() comes first, note_owner() last (4.5).
     */
    HOLE("4.2", "raise the level, then take the lock, and keep the level before");
}

/* spin_release(lock, handle): see spinlock.h. */
void spin_release(struct spinlock *lock, struct spin_handle *handle)
{
    /*
     * Two things to do: give the lock back, and go back to the level before.  In which order, if
     * an interrupt may come between the two and take this very lock?
     * check_owner() comes first (4.5).
     */
    HOLE("4.2", "give the lock back, and go back to the level before");
}

/* spin_try(lock, handle): see spinlock.h. */
bool spin_try(struct spinlock *lock, struct spin_handle *handle)
{
    /*
     * 1. To the lock's level, if this CPU is below: an NMI may have come at any.
     * 2. One try.  Not free: everything is as it was, the level too.
     * 3. Taken: spin_release() must find in the handle what it needs.
     */
    HOLE("4.6", "take the lock if it is free, and leave no trace if it is not");
}
