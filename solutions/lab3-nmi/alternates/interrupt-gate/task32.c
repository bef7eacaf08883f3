/*
 * task32.c: NMIs in 32 bits, the C part.  There is no task.
 */
#include "lab3.h"

/* nmi_init(cpu): see nmi.h.  Plain gates: the stack is the one that is in use, or ESP0. */
void nmi_init(struct cpu *cpu)
{
    (void)cpu;
    idt_set_ist(VECTOR_NMI, 0);
    idt_set_ist(VECTOR_MC, 0);
}

/* nmi_note_cr3(cpu, cr3): see nmi.h.  An interrupt gate does not touch CR3. */
void nmi_note_cr3(struct cpu *cpu, uintptr_t cr3)
{
    (void)cpu, (void)cr3;
}

/* nmi_nestable(): see nmi.h. */
bool nmi_nestable(void)
{
    return true; /* a second one pushes below the first */
}

/* nmi_fixup(regs): see nmi.h.  An interrupt gate brings no traps of its own. */
bool nmi_fixup(struct regs *regs)
{
    (void)regs;
    return false;
}
