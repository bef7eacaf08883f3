/*
 * ist64.c: exercises 3.1 and 3.4 in 64 bits, the C part.
 */
#include "hole.h"
#include "lab3.h"

/* nmi_init(cpu): see nmi.h.  The TSS names the stacks already: tss_init() did that. */
void nmi_init(struct cpu *cpu)
{
    /* The gates say which of the TSS's stacks the hardware loads (tss.h). */
    HOLE("3.1", "give vector 2 and vector 18 stacks of their own");
}

/* nmi_note_cr3(cpu, cr3): see nmi.h.  An interrupt gate does not touch CR3. */
void nmi_note_cr3(struct cpu *cpu, uintptr_t cr3)
{
    (void)cpu, (void)cr3;
}

/* nmi_nestable(): see nmi.h. */
bool nmi_nestable(void)
{
    HOLE("3.4", "say whether knmi() may fault, and make it true");
}

/* nmi_fixup(regs): see nmi.h.  An interrupt gate brings no traps of its own. */
bool nmi_fixup(struct regs *regs)
{
    (void)regs;
    return false;
}
