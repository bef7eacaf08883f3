/*
 * intr.c: device interrupts, and work that waits for the way back to ring 3.
 */
#include "intr.h"

#include <stddef.h>

#include "entry.h"
#include "irql.h"
#include "lapic.h"
#include "nmi.h"
#include "x86.h"

static intr_handler *handlers[256];

void intr_set_handler(unsigned vector, intr_handler *handler)
{
    handlers[vector] = handler;
}

void kintr(struct regs *regs)
{
    unsigned vector = (unsigned)regs->vector;
    if (vector == VECTOR_SPURIOUS)
        return; /* not in service: an EOI would end another interrupt (SDM 3A 11.9) */
    irql_t old = irql_raise((irql_t)(vector >> 4));
    lapic_eoi(); /* the level keeps its equals away; the local APIC need not */
    struct cpu        *cpu = this_cpu();
    struct interrupted found = {regs, cpu->interrupted};
    cpu->interrupted = &found; /* with interrupts off: whole before anybody asks this CPU */
    cpu->interrupts++;
    sti();
    if (handlers[vector])
        handlers[vector](vector, regs_from_user(regs));
    cli();
    cpu->interrupted = found.outer;
    irql_lower(old);
}

void exit_work(void)
{
    nmi_run_deferred();
}
