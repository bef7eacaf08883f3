/*
 * locks.c: locks for the host.  It knows all of this memory by its symbols.
 */
#include "probe_locks.h"

#include "probe.h"

struct tas_lock    probe_tas;
struct ticket_lock probe_ticket;
struct queued_lock probe_queued[2];
struct queued_node probe_node[MAX_CPUS][2];
struct spinlock    probe_spin[2];
struct spin_handle probe_handle[MAX_CPUS][2];
uint32_t           probe_clock;
uint32_t           probe_level_inside[MAX_CPUS]; /* in the lock, and behind spin_release() */
uint32_t           probe_level[MAX_CPUS];

/* Alone in its line: nothing else that the host watches is near. */
uint32_t probe_shared __attribute__((aligned(64)));

/* Two instructions, so that an update between them is lost. */
HOST_STOPS_OFTEN void probe_inside(void)
{
    uint32_t value = *(volatile uint32_t *)&probe_shared;
    __asm__ volatile("" : "+r"(value));
    *(volatile uint32_t *)&probe_shared = value + 1;
}

HOST_STOPS_OFTEN void probe_outside(void)
{
    __asm__ volatile("" : : : "memory");
}

HOST_STOPS_HERE void probe_between(void)
{
    __asm__ volatile("" : : : "memory");
}

HOST_STOPS_OFTEN void probe_after(void)
{
    __asm__ volatile("" : : : "memory");
}

HOST_STOPS_HERE void probe_tas_round(void)
{
    tas_acquire(&probe_tas);
    probe_inside();
    probe_outside();
    tas_release(&probe_tas);
    probe_after();
}

HOST_STOPS_HERE void probe_ticket_round(void)
{
    ticket_acquire(&probe_ticket);
    probe_inside();
    probe_outside();
    ticket_release(&probe_ticket);
    probe_after();
}

HOST_STOPS_HERE void probe_queued_round(uintptr_t which)
{
    struct queued_node *node = &probe_node[this_cpu()->id][which];
    queued_acquire(&probe_queued[which], node);
    probe_inside();
    probe_outside();
    queued_release(&probe_queued[which], node);
    probe_after();
}

HOST_STOPS_HERE void probe_queued_nested(void)
{
    unsigned            cpu = this_cpu()->id, first = cpu % 2 ? 0 : 1;
    struct queued_node *nodes = probe_node[cpu];
    queued_acquire(&probe_queued[0], &nodes[0]);
    queued_acquire(&probe_queued[1], &nodes[1]);
    probe_inside();
    probe_outside();
    queued_release(&probe_queued[first], &nodes[first]);
    queued_release(&probe_queued[!first], &nodes[!first]);
    probe_after();
}

HOST_STOPS_HERE void probe_spin_round(uintptr_t which)
{
    unsigned            cpu = this_cpu()->id;
    struct spin_handle *handle = &probe_handle[cpu][which];
    spin_acquire(&probe_spin[which], handle);
    probe_inside();
    probe_level_inside[cpu] = irql_get();
    probe_outside();
    spin_release(&probe_spin[which], handle);
    probe_level[cpu] = irql_get();
    probe_after();
}

HOST_STOPS_HERE void probe_spin_nested(void)
{
    struct spin_handle *handles = probe_handle[this_cpu()->id];
    spin_acquire(&probe_spin[0], &handles[0]);
    spin_acquire(&probe_spin[1], &handles[1]);
    probe_inside();
    probe_outside();
    spin_release(&probe_spin[1], &handles[1]);
    probe_between();
    spin_release(&probe_spin[0], &handles[0]);
    probe_after();
}

HOST_STOPS_HERE void probe_spin_init(uintptr_t which, uintptr_t level, uintptr_t flags)
{
    static const char *const names[2] = {"probe 0", "probe 1"};
    spin_init(&probe_spin[which], names[which], (irql_t)level, (unsigned)flags);
}

HOST_STOPS_HERE void probe_spin_take(uintptr_t which)
{
    spin_acquire(&probe_spin[which], &probe_handle[this_cpu()->id][which]);
    probe_after();
}

HOST_STOPS_HERE uintptr_t probe_spin_try(uintptr_t which)
{
    bool taken = spin_try(&probe_spin[which], &probe_handle[this_cpu()->id][which]);
    probe_after();
    return taken;
}

HOST_STOPS_HERE void probe_spin_give(uintptr_t which)
{
    spin_release(&probe_spin[which], &probe_handle[this_cpu()->id][which]);
    probe_after();
}

/* So many rounds of one of the above, whose address the host gives; one that takes no argument does
   not mind to get one. */
HOST_STOPS_HERE void probe_rounds(void (*round)(uintptr_t which), uintptr_t times)
{
    while (times--)
        round(0);
}
