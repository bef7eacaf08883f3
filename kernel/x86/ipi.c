/*
 * ipi.c: the given part of interrupts between CPUs.
 */
#include "ipi.h"

#include "intr.h"
#include "lapic.h"

static void interrupt(unsigned vector, bool user)
{
    (void)vector, (void)user;
    ipi_interrupt();
}

void ipi_vector_init(void)
{
    intr_set_handler(VECTOR_IPI, interrupt);
}

void ipi_send(const struct cpu *cpu)
{
    lapic_send(cpu->apic_id, VECTOR_IPI);
}

void ipi_send_nmi(const struct cpu *cpu)
{
    if (__atomic_load_n(&cpu->nmi_ready, __ATOMIC_ACQUIRE)) /* without a TSS it would be the end */
        lapic_send_nmi(cpu->apic_id);
}
