/*
 * ist64.c: NMIs in 64 bits, the C part.
 */
#include "lab3.h"

/* nmi_init(cpu): see nmi.h.  The TSS names the stacks already: tss_init() did that. */
void nmi_init(struct cpu *cpu)
{
    (void)cpu;
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
    return true; /* a second NMI only changes the state, and the first one's frame is elsewhere */
}

/* nmi_fixup(regs): see nmi.h.  An interrupt gate brings no traps of its own. */
bool nmi_fixup(struct regs *regs)
{
    (void)regs;
    return false;
}
