/*
 * ist64.c: NMIs in 64 bits, the C part.
 */
#include "lab3.h"

#define LARGE 16384

static uint8_t stacks[MAX_CPUS][LARGE] __attribute__((aligned(16)));

/* nmi_init(cpu): see nmi.h.  The hardware's stacks are named in the TSS already. */
void nmi_init(struct cpu *cpu)
{
    struct lab3_cpu *mine = lab3_cpu_area(cpu);
    mine->top = (uintptr_t)(stacks[cpu->id] + LARGE);
    idt_set_ist(VECTOR_NMI, IST_NMI);
    idt_set_ist(VECTOR_MC, IST_MC);
}

/* nmi_note_cr3(cpu, cr3): see nmi.h.  An interrupt gate does not touch CR3. */
void nmi_note_cr3(struct cpu *cpu, uintptr_t cr3)
{
    (void)cpu, (void)cr3;
}

/* nmi_nestable(): see nmi.h. */
bool nmi_nestable(void)
{
    return true; /* nmi_entry leaves the hardware's stack before anything can fault */
}

/* nmi_fixup(regs): see nmi.h.  An interrupt gate brings no traps of its own. */
bool nmi_fixup(struct regs *regs)
{
    (void)regs;
    return false;
}
