/*
 * call.c: exercises 5.1 and 5.7, a call whose steps are masks of CPUs.
 */
#include "lab5.h"

/* The call under way; whoever has the turn writes it.  A bit is set by the caller and cleared by its CPU. */
static struct {
    ipi_function *one, *all;
    void         *arg;
    uint32_t      asked;  /* .. and has not taken it */
    uint32_t      coming; /* has not arrived */
    uint32_t      inside; /* has not left */
    uint32_t      held;   /* 1: nobody goes on */
} call;
_Static_assert(MAX_CPUS <= 32, "a mask has a bit for each CPU");

/* LOCK: the others clear theirs at the same time.  It orders everything before and after it, too. */
static bool clear_bit(uint32_t *mask, unsigned bit)
{
    bool was;
    __asm__ volatile("lock btrl %2, %1" : "=@ccc"(was), "+m"(*mask) : "r"(bit) : "memory");
    return was;
}

static void wait_until_none(const uint32_t *mask)
{
    while (__atomic_load_n(mask, __ATOMIC_ACQUIRE))
        cpu_pause();
}

void corral_run(ipi_function *one, ipi_function *all, void *arg)
{
    uint32_t others = 0;
    for (const struct cpu *cpu = cpus; cpu < cpus + MAX_CPUS; cpu++)
        if (cpu != this_cpu() && __atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE))
            others |= 1u << cpu->id;
    call.one = one;
    call.all = all;
    call.arg = arg;
    call.held = 1;
    call.coming = call.inside = others;
    /* Release: all of `call` is written before anybody is asked. */
    __atomic_store_n(&call.asked, others, __ATOMIC_RELEASE);
    for (unsigned n = 0; n < MAX_CPUS; n++)
        if (others >> n & 1)
            ipi_send(&cpus[n]);
    wait_until_none(&call.coming);
    if (one)
        one(arg);
    __atomic_store_n(&call.held, 0, __ATOMIC_RELEASE);
    if (one)
        serialise();
    all(arg);
    wait_until_none(&call.inside);
}

/* At IPI_LEVEL or above.  Another call may have begun by the time the first is over. */
static void answer(void)
{
    unsigned self = this_cpu()->id;
    while (clear_bit(&call.asked, self)) {
        clear_bit(&call.coming, self);
        wait_until_none(&call.held);
        serialise();
        call.all(call.arg);
        clear_bit(&call.inside, self);
    }
}

void ipi_init(struct cpu *cpu)
{
    (void)cpu;
}

bool ipi_call(ipi_function *fn, void *arg)
{
    if (!may_call())
        return false;
    irql_t before = take_turn();
    corral_run(0, fn, arg);
    give_turn(before);
    return true;
}

void ipi_interrupt(void)
{
    answer();
}

void ipi_poll(void)
{
    if (!(__atomic_load_n(&call.asked, __ATOMIC_RELAXED) >> this_cpu()->id & 1))
        return; /* answer() looks again */
    irql_t before = irql_get();
    if (before < IPI_LEVEL)
        irql_raise(IPI_LEVEL);
    answer();
    if (before < IPI_LEVEL)
        irql_lower(before);
}
