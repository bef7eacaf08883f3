/*
 * check.c: as in the reference, but who waits looks seldom, and counts no tick of which only a part
 * may have passed.
 */
#include "lab4.h"

#define PAUSES 250

static unsigned self(void)
{
    return this_cpu()->id + 1;
}

/*
 * Who has the lock now, 1 + its CPU, or 0.  Relaxed: a CPU finds its own number there only if it
 * wrote it itself, and for others the answer is old anyway.
 */
static unsigned owner_of(const struct spin_room *room)
{
    return __atomic_load_n(&room->owner, __ATOMIC_RELAXED);
}

_Noreturn static void report(struct spinlock *lock, enum spin_trouble what, uintptr_t place)
{
    const struct spin_room *room = room_of(lock);
    struct spin_report      said = {
             .what = what,
             .lock = lock,
             .name = room->name,
             .cpu = self() - 1,
             .place = place,
             .owner = (int)owner_of(room) - 1,
             .owner_place = __atomic_load_n(&room->owner_place, __ATOMIC_RELAXED),
    };
    spin_report(&said);
}

static bool checked(const struct spin_room *room)
{
    return room->flags & SPIN_CHECKED;
}

/* check_level(lock, place): spin_acquire() begins. */
void check_level(struct spinlock *lock, uintptr_t place)
{
    if (checked(room_of(lock)) && irql_get() > room_of(lock)->level)
        report(lock, SPIN_LEVEL, place);
}

/* check_wait(lock, waiting): one more turn of the wait in spin_acquire(). */
void check_wait(struct spinlock *lock, struct waiting *waiting)
{
    struct spin_room *room = room_of(lock);
    if (!checked(room))
        return;
    if (owner_of(room) == self())
        report(lock, SPIN_RECURSION, waiting->place);
    for (unsigned i = 0; i < PAUSES; i++)
        cpu_pause();
    /* The clock first: if the word is still the same afterwards, it was so all the time until then. */
    uint32_t now = spin_clock();
    uint32_t word = __atomic_load_n(&room->word, __ATOMIC_ACQUIRE);
    if (!(word & 1) || word != waiting->word) {
        waiting->word = word;
        waiting->since = spin_clock(); /* and here after: from then on we know */
    } else if (now - waiting->since > SPIN_STUCK_TICKS)
        report(lock, SPIN_STUCK, waiting->place);
}

/* note_owner(room, place): this CPU has just taken the lock. */
void note_owner(struct spin_room *room, uintptr_t place)
{
    if (!checked(room))
        return;
    __atomic_store_n(&room->owner_place, place, __ATOMIC_RELAXED);
    __atomic_store_n(&room->owner, self(), __ATOMIC_RELAXED);
}

/* check_owner(lock, place): spin_release() begins; nobody has the lock for long now. */
void check_owner(struct spinlock *lock, uintptr_t place)
{
    struct spin_room *room = room_of(lock);
    if (!checked(room))
        return;
    if (owner_of(room) != self())
        report(lock, SPIN_OWNER, place);
    if (irql_get() < room->level)
        report(lock, SPIN_LEVEL, place);
    /* Before the lock is free: afterwards it may be the next one's note that we wipe out. */
    __atomic_store_n(&room->owner, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&room->owner_place, 0, __ATOMIC_RELAXED);
}
