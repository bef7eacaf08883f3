/*
 * spin.c: exercises 4.2, 4.6 and 4.7: a pair of numbers, of which one is drawn only when it will be
 * served at once.  A number drawn earlier could not be given back, and an interrupt of a CPU that
 * waits may want this lock too.
 */
#include "lab4.h"

static bool is_taken(const struct spin_room *mine)
{
    struct pair now = pair_of(__atomic_load_n(&mine->both, __ATOMIC_RELAXED));
    return now.next != now.serving;
}

static bool take(struct spin_room *mine)
{
    uint32_t both = __atomic_load_n(&mine->both, __ATOMIC_RELAXED);
    return pair_of(both).next == pair_of(both).serving &&
           __atomic_compare_exchange_n(&mine->both, &both, drawn(both), false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

/* To the lock's level, one try, and back if it was in vain. */
static bool try_at(struct spinlock *lock, struct spin_handle *handle, uintptr_t place)
{
    struct spin_room *mine = room_of(lock);
    irql_t            before = irql_get();

    if (before < mine->level)
        irql_raise((irql_t)mine->level);
    if (!take(mine)) {
        if (before < mine->level)
            irql_lower(before);
        return false;
    }
    ((struct handle_room *)handle->room)->before = before;
    note_owner(mine, place);
    return true;
}

/* spin_init(lock, name, level, flags): see spinlock.h. */
void spin_init(struct spinlock *lock, const char *name, irql_t level, unsigned flags)
{
    *room_of(lock) = (struct spin_room){.name = name, .level = level, .flags = flags};
}

/* spin_acquire(lock, handle): see spinlock.h. */
void spin_acquire(struct spinlock *lock, struct spin_handle *handle)
{
    struct waiting waiting = {.place = (uintptr_t)__builtin_return_address(0)};

    check_level(lock, waiting.place);
    while (is_taken(room_of(lock)) || !try_at(lock, handle, waiting.place)) {
        check_wait(lock, &waiting);
        spin_relax();
    }
}

/* spin_release(lock, handle): see spinlock.h. */
void spin_release(struct spinlock *lock, struct spin_handle *handle)
{
    struct spin_room *mine = room_of(lock);
    irql_t            before = (irql_t)((struct handle_room *)handle->room)->before;

    check_owner(lock, (uintptr_t)__builtin_return_address(0));
    __atomic_fetch_add(&mine->is.serving, 1, __ATOMIC_RELEASE);
    irql_lower(before);
}

/* spin_try(lock, handle): see spinlock.h. */
bool spin_try(struct spinlock *lock, struct spin_handle *handle)
{
    return try_at(lock, handle, (uintptr_t)__builtin_return_address(0));
}
