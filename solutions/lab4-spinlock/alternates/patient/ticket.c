/*
 * ticket.c: numbers of 16 bits, and a pause for each that is in front.
 */
#include "lab4.h"

#define NUMBERS 0xffffu /* many more than CPUs */
#define A_ROUND 60      /* PAUSEs, for each that is served before us */

void ticket_acquire(struct ticket_lock *lock)
{
    struct ticket_room *mine = (struct ticket_room *)lock->room;
    uint32_t            ticket = __atomic_load_n(&mine->next, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&mine->next, &ticket, (ticket + 1) & NUMBERS, false,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
    uint32_t in_front;
    while ((in_front = (ticket - __atomic_load_n(&mine->serving, __ATOMIC_ACQUIRE)) & NUMBERS)) {
        for (unsigned i = 0; i < in_front * A_ROUND; i++)
            cpu_pause();
        spin_relax();
    }
}

void ticket_release(struct ticket_lock *lock)
{
    struct ticket_room *mine = (struct ticket_room *)lock->room;
    uint32_t            next = (__atomic_load_n(&mine->serving, __ATOMIC_RELAXED) + 1) & NUMBERS;
    __atomic_store_n(&mine->serving, next, __ATOMIC_RELEASE);
}
