/*
 * spin.c: exercises 4.2, 4.6 and 4.7: who has the lock is part of the word that is the lock.
 */
#include "lab4.h"

static bool take(struct spin_room *mine, uintptr_t place)
{
    uint32_t word = __atomic_load_n(&mine->word, __ATOMIC_RELAXED);

    if (word & OWNER_MASK || !__atomic_compare_exchange_n(
                                 &mine->word, &word, word + (1u << OWNER_BITS) + this_cpu()->id + 1,
                                 false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return false;
    __atomic_store_n(&mine->place, place, __ATOMIC_RELAXED);
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
    struct spin_room *mine = room_of(lock);
    struct waiting    waiting = {.place = (uintptr_t)__builtin_return_address(0)};

    check_level(lock, waiting.place);
    irql_t before = irql_raise((irql_t)mine->level);
    for (; !take(mine, waiting.place); irql_raise((irql_t)mine->level)) {
        irql_lower(before);
        check_wait(lock, &waiting);
        spin_relax();
        while (__atomic_load_n(&mine->word, __ATOMIC_RELAXED) & OWNER_MASK) {
            check_wait(lock, &waiting);
            spin_relax();
        }
    }
    ((struct handle_room *)handle->room)->before = before;
}

/* spin_release(lock, handle): see spinlock.h. */
void spin_release(struct spinlock *lock, struct spin_handle *handle)
{
    struct spin_room *mine = room_of(lock);

    check_owner(lock, (uintptr_t)__builtin_return_address(0));
    /* XCHG where a MOV would do: it costs a little, and is as right. */
    __atomic_exchange_n(&mine->word, mine->word & ~OWNER_MASK, __ATOMIC_RELEASE);
    irql_lower(((struct handle_room *)handle->room)->before);
}

/* spin_try(lock, handle): see spinlock.h. */
bool spin_try(struct spinlock *lock, struct spin_handle *handle)
{
    struct spin_room *mine = room_of(lock);
    irql_t            before = irql_get();

    if (before < mine->level)
        irql_raise((irql_t)mine->level);
    bool taken = take(mine, (uintptr_t)__builtin_return_address(0));
    if (taken)
        ((struct handle_room *)handle->room)->before = before;
    else if (before < mine->level)
        irql_lower(before);
    return taken;
}
