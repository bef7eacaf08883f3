/*
 * check.c: exercise 4.5, by the word alone: nothing has to be noted, and nothing wiped out.
 */
#include "lab4.h"

static uint32_t word_of(struct spinlock *lock)
{
    return __atomic_load_n(&room_of(lock)->word, __ATOMIC_ACQUIRE);
}

static bool is_mine(uint32_t word)
{
    return (word & OWNER_MASK) == this_cpu()->id + 1;
}

_Noreturn static void report(struct spinlock *lock, enum spin_trouble what, uintptr_t place)
{
    int                owner = (int)(word_of(lock) & OWNER_MASK) - 1;
    struct spin_report said = {
        .what = what,
        .lock = lock,
        .name = room_of(lock)->name,
        .cpu = this_cpu()->id,
        .place = place,
        .owner = owner,
        .owner_place = owner < 0 ? 0 : __atomic_load_n(&room_of(lock)->place, __ATOMIC_RELAXED),
    };
    spin_report(&said);
}

static bool checked(struct spinlock *lock)
{
    return room_of(lock)->flags & SPIN_CHECKED;
}

/* check_level(lock, place): spin_acquire() begins. */
void check_level(struct spinlock *lock, uintptr_t place)
{
    if (checked(lock) && irql_get() > room_of(lock)->level)
        report(lock, SPIN_LEVEL, place);
}

/* check_wait(lock, waiting): one more turn of the wait in spin_acquire(). */
void check_wait(struct spinlock *lock, struct waiting *waiting)
{
    uint32_t now = spin_clock();
    uint32_t word = word_of(lock);

    if (!checked(lock))
        return;
    if (is_mine(word))
        report(lock, SPIN_RECURSION, waiting->place);
    if (!(word & OWNER_MASK) || word != waiting->word) {
        waiting->word = word;
        waiting->since = spin_clock();
    } else if (now - waiting->since >= SPIN_STUCK_TICKS)
        report(lock, SPIN_STUCK, waiting->place);
}

/* check_owner(lock, place): spin_release() begins. */
void check_owner(struct spinlock *lock, uintptr_t place)
{
    if (!checked(lock))
        return;
    if (!is_mine(word_of(lock)))
        report(lock, SPIN_OWNER, place);
    if (irql_get() < room_of(lock)->level)
        report(lock, SPIN_LEVEL, place);
}
