/*
 * call.c: states that each CPU acknowledges.
 */
#include "lab5.h"

enum state { NONE, PREPARE, FIRST, RUN, EXIT, OVER };

static struct {
    ipi_function     *one, *all;
    void             *arg;
    const struct cpu *chosen; /* who runs one() */
    uint32_t          cpus;
    uint32_t          acks;   /* missing in this state */
    uint32_t          state;
} machine;

/* The last one sets the next state. */
static void acknowledge(uint32_t state)
{
    if (__atomic_sub_fetch(&machine.acks, 1, __ATOMIC_ACQ_REL))
        return;
    __atomic_store_n(&machine.acks, machine.cpus, __ATOMIC_RELAXED);
    __atomic_store_n(&machine.state, state + 1, __ATOMIC_RELEASE); /* the acknowledgements before */
}

static void act(uint32_t state)
{
    if (state == FIRST && machine.one && this_cpu() == machine.chosen)
        machine.one(machine.arg);
    if (state == RUN) {
        serialise(); /* one() is over: this state has been seen */
        machine.all(machine.arg);
    }
}

static void follow(void)
{
    for (uint32_t done = NONE; done != EXIT;) {
        uint32_t now = __atomic_load_n(&machine.state, __ATOMIC_ACQUIRE);
        if (now == done) {
            cpu_pause();
            continue;
        }
        act(now);
        acknowledge(now); /* of EXIT: the last that this CPU does */
        done = now;
    }
}

void corral_run(ipi_function *one, ipi_function *all, void *arg)
{
    const struct cpu *self = this_cpu();
    uint32_t          mask = 0, count = 0;
    for (unsigned i = 0; i < MAX_CPUS; i++)
        if (&cpus[i] == self || __atomic_load_n(&cpus[i].online, __ATOMIC_ACQUIRE)) {
            mask |= 1u << i;
            count++;
            machine.chosen = &cpus[i];
        }
    machine.one = one;
    machine.all = all;
    machine.arg = arg;
    machine.cpus = machine.acks = count;
    machine.state = PREPARE;
    for (unsigned i = 0; i < MAX_CPUS; i++)
        if (mask >> i & 1 && &cpus[i] != self) {
            struct lab5_cpu *its = lab5_cpu_area(&cpus[i]);
            __atomic_store_n(&its->called, 1, __ATOMIC_RELEASE);
            ipi_send(&cpus[i]);
        }
    follow();
    while (__atomic_load_n(&machine.state, __ATOMIC_ACQUIRE) != OVER)
        cpu_pause();
}

static void answer(void)
{
    struct lab5_cpu *mine = lab5_cpu_area(this_cpu());
    if (__atomic_exchange_n(&mine->called, 0, __ATOMIC_ACQUIRE))
        follow();
}

void ipi_init(struct cpu *cpu)
{
    (void)cpu;
}

static void nothing(void *arg)
{
    (void)arg;
}

bool ipi_call(ipi_function *fn, void *arg)
{
    return ipi_two_phase(nothing, fn, arg);
}

void ipi_interrupt(void)
{
    answer();
}

void ipi_poll(void)
{
    struct lab5_cpu *mine = lab5_cpu_area(this_cpu());
    if (!__atomic_load_n(&mine->called, __ATOMIC_RELAXED))
        return;
    irql_t before = irql_get();
    if (before >= IPI_LEVEL) {
        answer();
        return;
    }
    irql_raise(IPI_LEVEL);
    answer();
    irql_lower(before);
}
