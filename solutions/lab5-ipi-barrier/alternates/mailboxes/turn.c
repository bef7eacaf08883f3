/*
 * turn.c: the turn is a CPU's, by its number.
 */
#include "lab5.h"

static uint32_t owner; /* 1 + the number of the CPU that calls; 0: nobody */

bool may_call(void)
{
    return irql_get() < IPI_LEVEL && (read_flags() & FLAGS_IF);
}

irql_t take_turn(void)
{
    for (;;) {
        irql_t   before = irql_raise(IPI_LEVEL); /* first: a handler may call as well */
        uint32_t nobody = 0, me = 1 + this_cpu()->id;
        if (__atomic_compare_exchange_n(&owner, &nobody, me, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return before;
        irql_lower(before);
        do {
            cpu_pause();
            ipi_poll(); /* the IPI would come as well */
        } while (__atomic_load_n(&owner, __ATOMIC_RELAXED));
    }
}

void give_turn(irql_t before)
{
    __atomic_store_n(&owner, 0, __ATOMIC_RELEASE);
    irql_lower(before);
}
