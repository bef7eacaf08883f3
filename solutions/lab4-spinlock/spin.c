/*
 * spin.c: exercises 4.2, 4.6 and 4.7, the lock that the kernel uses.
 */
#include "hole.h"
#include "lab4.h"

/* BEGIN 4.2 */
static bool is_taken(const struct spin_room *mine)
{
    return __atomic_load_n(&mine->word, __ATOMIC_RELAXED) & 1; /* relaxed: only a hint */
}

/* One try.  At the lock's level: an interrupt after it must not want this lock. */
static bool take(struct spin_room *mine)
{
    uint32_t word = __atomic_load_n(&mine->word, __ATOMIC_RELAXED);
    /* Acquire: what the last holder wrote is seen.  LOCK CMPXCHG: of several CPUs, one. */
    return !(word & 1) && __atomic_compare_exchange_n(&mine->word, &word, word + 1, false,
                                                      __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* The level to go back to is the acquisition's own: in the lock another CPU's would overwrite it. */
static void keep(struct spin_handle *handle, irql_t before)
{
    ((struct handle_room *)handle->room)->before = before;
}
/* INSTEAD 4.2 */
/* END 4.2 */

/* spin_init(lock, name, level, flags): see spinlock.h. */
void spin_init(struct spinlock *lock, const char *name, irql_t level, unsigned flags)
{
    /* BEGIN 4.2 */
    *room_of(lock) = (struct spin_room){.name = name, .level = level, .flags = flags};
    /* INSTEAD 4.2 */
    //| HOLE("4.2", "make the lock free, and keep what you were told of it");
    /* END 4.2 */
}

/* wait_begins(before): from here to wait_ends() this CPU only waits. */
void wait_begins(irql_t before)
{
    /* BEGIN 4.7 */
    irql_lower(before); /* we have no lock yet, so whatever comes may come */
    /* INSTEAD 4.7 */
    //| /* What was kept away from this CPU until now, and who may need it to go on? */
    //| HOLE_LATER("4.7", "while it waits, this CPU is at the level of the caller");
    /* END 4.7 */
}

/* wait_ends(level): the lock seems free, and will be tried. */
void wait_ends(irql_t level)
{
    /* BEGIN 4.7 */
    irql_raise(level);
    /* INSTEAD 4.7 */
    //| HOLE_LATER("4.7", "before it tries again, it is at the level of the lock");
    /* END 4.7 */
}

/* spin_acquire(lock, handle): see spinlock.h. */
void spin_acquire(struct spinlock *lock, struct spin_handle *handle)
{
    /* BEGIN 4.2 */
    struct spin_room *mine = room_of(lock);
    struct waiting    waiting = {.place = (uintptr_t)__builtin_return_address(0)};
    check_level(lock, waiting.place);
    irql_t before = irql_raise((irql_t)mine->level);
    while (!take(mine)) {
        wait_begins(before);
        do {
            check_wait(lock, &waiting);
            spin_relax();
        } while (is_taken(mine));
        wait_ends((irql_t)mine->level);
    }
    keep(handle, before);
    note_owner(mine, waiting.place);
    /* INSTEAD 4.2 */
    //| /*
    //|  * 1. To the lock's level.  Why before it is taken, and not after?
    //|  * 2. Take it, in one step, as in 4.1.
    //|  * 3. Not free: wait_begins() (4.7); read until it seems free, with check_wait() (4.5) and
    //|  *    spin_relax() in each turn; wait_ends() (4.7); try again.
    //|  * 4. Keep the level before: whose memory can hold it, if two CPUs do this at a time?
    //|  * check_level() comes first, note_owner() last (4.5).
    //|  */
    //| HOLE("4.2", "raise the level, then take the lock, and keep the level before");
    /* END 4.2 */
}

/* spin_release(lock, handle): see spinlock.h. */
void spin_release(struct spinlock *lock, struct spin_handle *handle)
{
    /* BEGIN 4.2 */
    struct spin_room *mine = room_of(lock);
    check_owner(lock, (uintptr_t)__builtin_return_address(0));
    /* Only the holder writes the word while it is odd, so to read and to write may be two steps. */
    uint32_t word = __atomic_load_n(&mine->word, __ATOMIC_RELAXED) + 1;
    /* Release: all that we did in the lock comes before it is free. */
    __atomic_store_n(&mine->word, word, __ATOMIC_RELEASE);
    /* And lower then: what comes now may want this lock. */
    irql_lower((irql_t)((struct handle_room *)handle->room)->before);
    /* INSTEAD 4.2 */
    //| /*
    //|  * Two things to do: give the lock back, and go back to the level before.  In which order, if
    //|  * an interrupt may come between the two and take this very lock?
    //|  * check_owner() comes first (4.5).
    //|  */
    //| HOLE("4.2", "give the lock back, and go back to the level before");
    /* END 4.2 */
}

/* spin_try(lock, handle): see spinlock.h. */
bool spin_try(struct spinlock *lock, struct spin_handle *handle)
{
    /* BEGIN 4.6 */
    struct spin_room *mine = room_of(lock);
    irql_t            before = irql_get();
    bool              lower = before < mine->level;
    if (lower)
        irql_raise((irql_t)mine->level); /* from above, as in an NMI, there is nothing to raise */
    uint32_t word = __atomic_load_n(&mine->word, __ATOMIC_RELAXED);
    /* Acquire, and in one step, as in spin_acquire(). */
    if (word & 1 || !__atomic_compare_exchange_n(&mine->word, &word, word + 1, false,
                                                 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        if (lower)
            irql_lower(before);
        return false;
    }
    ((struct handle_room *)handle->room)->before = before;
    note_owner(mine, (uintptr_t)__builtin_return_address(0));
    return true;
    /* INSTEAD 4.6 */
    //| /*
    //|  * 1. To the lock's level, if this CPU is below: an NMI may have come at any.
    //|  * 2. One try.  Not free: everything is as it was, the level too.
    //|  * 3. Taken: spin_release() must find in the handle what it needs.
    //|  */
    //| HOLE("4.6", "take the lock if it is free, and leave no trace if it is not");
    /* END 4.6 */
}
