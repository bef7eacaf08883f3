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

/* BEGIN 5.1 */
/* The call under way; whoever has the turn writes it.  See turn.c. */
static struct {
    ipi_function *one, *all;
    void         *arg;
    uint32_t      go;      /* 1: all have arrived, and one() is over */
    uint32_t      arrived; /* of the CPUs that were asked */
    uint32_t      left;
} corral;

/* Acquire: what those who counted did before is done.  This CPU is at IPI_LEVEL. */
static void wait_for(const uint32_t *counter, uint32_t number)
{
    while (__atomic_load_n(counter, __ATOMIC_ACQUIRE) != number)
        cpu_pause();
}

/* Asks every other CPU that is online now; how many these are. */
static uint32_t ask_others(const struct cpu *self)
{
    uint32_t others = 0;
    for (struct cpu *cpu = cpus; cpu < cpus + MAX_CPUS; cpu++) {
        if (cpu == self || !__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE))
            continue;
        struct lab5_cpu *its = lab5_cpu_area(cpu);
        /* Release: all of `corral` is written before it is asked. */
        __atomic_store_n(&its->asked, 1, __ATOMIC_RELEASE);
        ipi_send(cpu);
        others++;
    }
    return others;
}

void corral_run(ipi_function *one, ipi_function *all, void *arg)
{
    corral.one = one;
    corral.all = all;
    corral.arg = arg;
    corral.go = corral.arrived = corral.left = 0; /* plain: nobody else looks before he is asked */
    uint32_t others = ask_others(this_cpu());
    wait_for(&corral.arrived, others);
    if (one)
        one(arg);
    /* Release: all have arrived, and what one() wrote is there, before anybody goes on. */
    __atomic_store_n(&corral.go, 1, __ATOMIC_RELEASE);
    if (one)
        serialise();
    all(arg);
    wait_for(&corral.left, others);
}

/* At IPI_LEVEL or above.  Also when nothing is asked any more. */
static void take_part(struct lab5_cpu *mine)
{
    /* Taken before anything else: what polls in fn() finds nothing, and an IPI that comes late too.
       Acquire: `corral` is read after it. */
    if (!__atomic_exchange_n(&mine->asked, 0, __ATOMIC_ACQUIRE))
        return;
    /* Release: whatever this CPU did before is done when the others begin. */
    __atomic_fetch_add(&corral.arrived, 1, __ATOMIC_RELEASE);
    wait_for(&corral.go, 1);
    if (corral.one)
        serialise(); /* after `go` was seen, before all() may execute what one() wrote */
    corral.all(corral.arg);
    /* Release: fn() is over.  From here on neither `corral` nor `arg` is ours. */
    __atomic_fetch_add(&corral.left, 1, __ATOMIC_RELEASE);
}
/* INSTEAD 5.1 */
/* END 5.1 */

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
    /* BEGIN 5.1 */
    corral_run(0, fn, arg);
    /* INSTEAD 5.1 */
    //| /*
    //|  * 1. Which CPUs take part?  (How many are there?  Also if there is only one.)
    //|  * 2. Tell them what to run, and then ask each: an IPI says no more than "look".
    //|  * 3. Arrive: when may the first fn() begin?
    //|  * 4. Leave: when may this return?  Whose is `arg` afterwards?
    //|  * 5. The next call begins at once.  Does a CPU that is slow still look at what it resets?
    //|  */
    //| HOLE("5.1", "run fn(arg) on every CPU, between an arrive and a leave barrier");
    /* END 5.1 */
    give_turn(before);
    return true;
}

/* ipi_interrupt(): see ipi.h. */
void ipi_interrupt(void)
{
    /* BEGIN 5.1 */
    take_part(lab5_cpu_area(this_cpu()));
    /* INSTEAD 5.1 */
    //| /* Has this CPU been asked, or has it answered already, by ipi_poll()? */
    //| HOLE("5.1", "take part in the call that another CPU began");
    /* END 5.1 */
}

/* ipi_poll(): see ipi.h. */
void ipi_poll(void)
{
    /* BEGIN 5.7 */
    struct lab5_cpu *mine = lab5_cpu_area(this_cpu());
    if (!__atomic_load_n(&mine->asked, __ATOMIC_RELAXED)) /* take_part() looks again */
        return;
    /* First the level: a handler that came after `asked` was taken, and called, would wait for the
       one who waits for us. */
    irql_t before = irql_get();
    if (before < IPI_LEVEL)
        irql_raise(IPI_LEVEL);
    take_part(mine);
    if (before < IPI_LEVEL)
        irql_lower(before);
    /* INSTEAD 5.7 */
    //| /*
    //|  * This is in every loop that waits, so nothing asked must cost little.  The level may be
    //|  * any: below IPI_LEVEL the IPI itself may come at any instruction of this, and above it
    //|  * there is nothing to raise.  What does the IPI find that comes later?
    //|  */
    //| HOLE_LATER("5.7", "answer a call without its IPI");
    /* END 5.7 */
}
