/*
 * call.c: exercises 5.1 and 5.7, a function that all CPUs run together.
 *
 *      the CPU that calls              each other CPU
 *      asked = 1, IPI  ------------->  asked: 1 to 0
 *      waits           <-------------  arrived + 1
 *      go = 1          ------------->  waits
 *      fn(arg)                         fn(arg)
 *      waits           <-------------  left + 1
 *      gives the turn
 *
 * The counters are set to 0 by the next call, when all have left this one: `left` is the last that
 * a CPU touches, so no slow one still looks at them.
 */
#include "hole.h"
#include "lab5.h"


/* ipi_init(cpu): see ipi.h.  The area is zero, and that is all that is needed. */
void ipi_init(struct cpu *cpu)
{
    (void)cpu;
}

/* ipi_call(fn, arg): see ipi.h. */
bool ipi_call(ipi_function *fn, void *arg)
{
    if (!may_call()) /* exercise 5.6 */
        return false;
    irql_t before = take_turn(); /* exercise 5.3 */
    /*
     * 1. Which CPUs take part?  (How many are there?  Also if there is only one.)
     * 2. Tell them what to run, and then ask each: an IPI says no more than "look".
     * 3. Arrive: when may the first fn() begin?
     * 4. Leave: when may this return?  Whose is `arg` afterwards?
     * 5. The next call begins at once.  Does a CPU that is slow still look at what it resets?
     */
    HOLE("5.1", "run fn(arg) on every CPU, between an arrive and a leave barrier");
    give_turn(before);
    return true;
}

/* ipi_interrupt(): see ipi.h. */
void ipi_interrupt(void)
{
    /* Has this CPU been asked, or has it answered already, by ipi_poll()? */
    HOLE("5.1", "take part in the call that another CPU began");
}

/* ipi_poll(): see ipi.h. */
void ipi_poll(void)
{
    /*
     * This is in every loop that waits, so nothing asked must cost little.  The level may be
     * any: below IPI_LEVEL the IPI itself may come at any instruction of this, and above it
     * there is nothing to raise.  What does the IPI find that comes later?
     */
    HOLE_LATER("5.7", "answer a call without its IPI");
}
