/*
 * spin.c: exercises 4.2, 4.5 and 4.7: to wait is to look, and then to try.
 */
#include "lab4.h"

static int32_t self(void)
{
    return -1 - (int32_t)this_cpu()->id;
}

static int32_t owner_of(struct spin_room *mine)
{
    return __atomic_load_n(&mine->owner, __ATOMIC_RELAXED);
}

static void check(struct spinlock *lock, bool wrong, enum spin_trouble what, uintptr_t place)
{
    struct spin_room *mine = room_of(lock);
    int32_t           owner = owner_of(mine);

    if (!wrong || !(mine->flags & SPIN_CHECKED))
        return;
    struct spin_report said = {what, lock, mine->name, this_cpu()->id, place, owner ? -1 - owner : -1,
                               owner ? __atomic_load_n(&mine->owner_place, __ATOMIC_RELAXED) : 0};
    spin_report(&said);
}

/* spin_init(lock, name, level, flags): see spinlock.h. */
void spin_init(struct spinlock *lock, const char *name, irql_t level, unsigned flags)
{
    *room_of(lock) = (struct spin_room){.name = name, .level = level, .flags = flags};
}

/* take_at_level(lock, handle, place): to the lock's level, one try, and back if it was in vain. */
bool take_at_level(struct spinlock *lock, struct spin_handle *handle, uintptr_t place)
{
    struct spin_room *mine = room_of(lock);
    irql_t            before = irql_get();

    if (before < mine->level)
        irql_raise((irql_t)mine->level);
    if (__atomic_exchange_n(&mine->taken, 1, __ATOMIC_ACQUIRE)) {
        if (before < mine->level)
            irql_lower(before);
        return false;
    }
    ((struct handle_room *)handle->room)->before = before;
    if (mine->flags & SPIN_CHECKED) {
        __atomic_store_n(&mine->owner_place, place, __ATOMIC_RELAXED);
        __atomic_store_n(&mine->owner, self(), __ATOMIC_RELEASE);
    }
    return true;
}

/* While it is taken.  A young acquisition starts the clock anew. */
static void wait(struct spinlock *lock, uintptr_t place)
{
    struct spin_room *mine = room_of(lock);
    uint32_t          number = __atomic_load_n(&mine->number, __ATOMIC_ACQUIRE);
    uint32_t          since = spin_clock();

    do {
        check(lock, owner_of(mine) == self(), SPIN_RECURSION, place);
        uint32_t passed = spin_clock() - since;
        if (__atomic_load_n(&mine->number, __ATOMIC_ACQUIRE) != number)
            return;
        check(lock, passed >= SPIN_STUCK_TICKS, SPIN_STUCK, place);
        spin_relax();
    } while (__atomic_load_n(&mine->taken, __ATOMIC_ACQUIRE));
}

/* spin_acquire(lock, handle): see spinlock.h. */
void spin_acquire(struct spinlock *lock, struct spin_handle *handle)
{
    uintptr_t place = (uintptr_t)__builtin_return_address(0);

    check(lock, irql_get() > room_of(lock)->level, SPIN_LEVEL, place);
    while (!take_at_level(lock, handle, place))
        wait(lock, place);
}

/* spin_release(lock, handle): see spinlock.h. */
void spin_release(struct spinlock *lock, struct spin_handle *handle)
{
    struct spin_room *mine = room_of(lock);
    uintptr_t         place = (uintptr_t)__builtin_return_address(0);

    check(lock, owner_of(mine) != self(), SPIN_OWNER, place);
    check(lock, irql_get() < mine->level, SPIN_LEVEL, place);
    __atomic_store_n(&mine->owner, 0, __ATOMIC_RELAXED);
    /* Before it is free: who finds it taken again must find another number. */
    __atomic_store_n(&mine->number, mine->number + 1, __ATOMIC_RELEASE);
    __atomic_exchange_n(&mine->taken, 0, __ATOMIC_RELEASE);
    irql_lower((irql_t)((struct handle_room *)handle->room)->before);
}

/* spin_try(lock, handle): see spinlock.h. */
bool spin_try(struct spinlock *lock, struct spin_handle *handle)
{
    return take_at_level(lock, handle, (uintptr_t)__builtin_return_address(0));
}
