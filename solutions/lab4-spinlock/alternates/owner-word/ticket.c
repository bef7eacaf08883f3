/*
 * ticket.c: exercise 4.3, the two numbers in one word.
 */
#include "lab4.h"

/* ticket_acquire(lock): see spinlock.h. */
void ticket_acquire(struct ticket_lock *lock)
{
    struct ticket_room *mine = (struct ticket_room *)lock->room;
    uint16_t            ticket = __atomic_fetch_add(&mine->half[NEXT], 1, __ATOMIC_ACQUIRE);

    for (;;) {
        uint32_t both = __atomic_load_n(&mine->both, __ATOMIC_ACQUIRE);
        if ((uint16_t)(both >> 16) == ticket)
            return;
        spin_relax();
    }
}

/* ticket_release(lock): see spinlock.h. */
void ticket_release(struct ticket_lock *lock)
{
    struct ticket_room *mine = (struct ticket_room *)lock->room;
    uint16_t            next = (uint16_t)(mine->half[SERVING] + 1);
    __atomic_store_n(&mine->half[SERVING], next, __ATOMIC_RELEASE);
}
