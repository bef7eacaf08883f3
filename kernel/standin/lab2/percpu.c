/*
 * percpu.c: stand-in for lab 2.  Which CPU this is, asked of its local APIC.
 */
#include "cpu.h"
#include "lapic.h"

uintptr_t syscall_user_sp; /* see gs.h */

struct cpu *this_cpu(void)
{
    uint8_t id = lapic_id();
    for (unsigned i = 1; i < ncpus; i++)
        if (cpus[i].apic_id == id)
            return &cpus[i];
    return &cpus[0];
}
