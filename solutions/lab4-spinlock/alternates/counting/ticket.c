/*
 * ticket.c: exercise 4.3, in two bytes.
 */
#include "lab4.h"

/* ticket_acquire(lock): see spinlock.h. */
void ticket_acquire(struct ticket_lock *lock)
{
    struct ticket_room *mine = (struct ticket_room *)lock->room;
    uint8_t             ticket = __atomic_fetch_add(&mine->next, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&mine->serving, __ATOMIC_ACQUIRE) != ticket)
        spin_relax();
}

/* ticket_release(lock): see spinlock.h. */
void ticket_release(struct ticket_lock *lock)
{
    struct ticket_room *mine = (struct ticket_room *)lock->room;
    __atomic_store_n(&mine->serving, (uint8_t)(mine->serving + 1), __ATOMIC_RELEASE);
}
